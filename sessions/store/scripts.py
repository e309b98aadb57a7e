"""Loads the Lua scripts and runs them; Redis errors end here as this package's own.

Every mutating script may be repeated (it knows its operation id or changes nothing the second time), so a
cut connection is tried once more; a time-out is not, as the caller's deadline is near.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Final

import redis
from redis.commands.core import Script

from sessions.model import BudgetRule, StoreDown, StoreRefused
from sessions.store.connection import link_to
from sessions.store.script_text import source

NAMES: Final = (
    "receive",
    "open",
    "commit",
    "drain",
    "reply",
    "resend",
    "claim",
    "settle",
    "amend",
    "forget",
    "mark_read",
    "say",
    "spend",
    "set_status",
    "off_shift",
    "mark_agent",
    "watch_absent",
    "lease",
    "settle_timer",
    "mend",
    "rate",
)


class Scripts:
    """The scripts of one Redis client, shared by all official accounts."""

    def __init__(self, client: redis.Redis, rule: BudgetRule = BudgetRule.MAX) -> None:
        self.client = client
        self.rule = rule
        self.link = link_to(client)
        self._scripts: dict[str, Script] = {
            name: client.register_script(source(name, rule)) for name in NAMES
        }

    def run(self, name: str, prefix: str, *args: str | int | float) -> Any:
        """One script on one account's keys. Raises StoreDown or StoreRefused."""
        script = self._scripts[name]
        return guarded(lambda: self._ask(script, prefix, args))

    def run_many(
        self, name: str, prefix: str, calls: Sequence[Sequence[str | int | float]]
    ) -> list[Any]:
        """Many runs of one script in one round trip, each whole and by itself; None where one was refused.

        Raises StoreDown or StoreRefused.
        """
        script = self._scripts[name]

        commands = [("EVALSHA", script.sha, 1, prefix, *args) for args in calls]

        def ask() -> list[Any]:
            return self.link.many(commands)

        answers = guarded(ask) if calls else []
        if any(isinstance(answer, redis.exceptions.NoScriptError) for answer in answers):
            guarded(lambda: self.client.script_load(script.script))
            answers = guarded(ask)
        return [None if isinstance(answer, Exception) else answer for answer in answers]

    def _ask(self, script: Script, prefix: str, args: tuple[str | int | float, ...]) -> Any:
        """By its hash; a server that has forgotten it gets the text and runs it in the same step."""
        try:
            return self.link.call("EVALSHA", script.sha, 1, prefix, *args)
        except redis.exceptions.NoScriptError:
            return self.link.call("EVAL", script.script, 1, prefix, *args)

    def ping(self) -> None:
        """Asks for a sign of life where scripts are asked. Raises StoreDown or StoreRefused."""
        guarded(lambda: self.link.call("PING"))

    def stop_endless(self) -> None:
        """Ends a script that runs for ever, where it has written nothing yet; harmless otherwise."""
        with contextlib.suppress(redis.RedisError):
            self.client.script_kill()

    def prepare(self, connections: int) -> None:
        """Sends every script and opens so many connections ahead of the first push."""
        guarded(lambda: self.link.connect(connections))
        for script in self._scripts.values():
            text = script.script
            guarded(lambda text=text: self.client.script_load(text))  # type: ignore[misc]


def guarded(call: Callable[[], Any]) -> Any:
    """Runs a repeatable Redis call; a lost connection is tried once more.

    The answer is as the client decodes it (text); its own types leave that open.
    """
    try:
        return call()
    except redis.ConnectionError:
        return _last_try(call)
    except redis.TimeoutError as error:
        raise StoreDown("Redis did not answer in time") from error
    except redis.RedisError as error:
        raise StoreRefused(_kind(error)) from error


def _last_try(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise StoreDown("Redis is not reachable") from error
    except redis.RedisError as error:
        raise StoreRefused(_kind(error)) from error


BUSY: Final = "BUSY"
"""What StoreRefused says while somebody's script runs longer than the store's limit."""


def _kind(error: redis.RedisError) -> str:
    """The error's first word (OOM, MISCONF, BUSY…): its text could hold what was written."""
    words: Sequence[str] = str(error).split()
    return words[0] if words else type(error).__name__
