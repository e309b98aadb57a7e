"""The access_token of one official account: one in Redis for all threads and nodes.

``stable_token`` is asked only by the holder of a short lease, at most twice a minute, forced at
most every five minutes and 20 times a day, counted in Redis by Redis' own clock (architecture 8).
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from typing import Any, Protocol

import redis
from pydantic import SecretStr
from urllib3 import PoolManager

from app.wechat.errors import meaning
from app.wechat.http import (
    JSON_HEADERS,
    Answer,
    NotConnected,
    OutcomeUnknown,
    PlatformRefused,
    exchange,
    judged,
    utf8_json,
)
from sessions.model import SessionError
from sessions.store.connection import link_to
from sessions.store.scripts import guarded

CALLS_PER_MINUTE = 2
FORCE_EVERY_MS = 300_000
FORCE_PER_DAY = 20
LEASE_MS = 12_000  # longer than a plain and a forced call at their time-outs
WAIT_S = 6.0
POLL_S = 0.05
LIFE_S = 7200
MARGIN_S = 120  # a token is not handed out in the last seconds of its life
_TOKEN_SHAPE = re.compile(r"[\x21-\x7e]{1,1024}")

# KEYS token, lease, calls, forced, failure. ARGV owner, lease ms, failed token or "", force 0|1,
# calls a minute, force every ms, force a day. Gives {token, t} {wait} {limited, errcode} or {go}.
# The lease holds "<owner>:<force>", so that a repeated command is counted once.
_ADMIT = """
local token = redis.call('GET', KEYS[1])
if token and token ~= ARGV[3] then return {'token', token} end
local mine = ARGV[1] .. ':' .. ARGV[4]
local holder = redis.call('GET', KEYS[2])
if holder == mine then return {'go'} end
if holder and holder ~= ARGV[1] .. ':0' then return {'wait'} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function within(key, index, span)
  local stamp = redis.call('LINDEX', key, index)
  return stamp and now - tonumber(stamp) < span
end
local forced = ARGV[4] == '1'
local too_often = within(KEYS[4], 0, tonumber(ARGV[6])) or within(KEYS[4], ARGV[7] - 1, 86400000)
if within(KEYS[3], ARGV[5] - 1, 60000) or (forced and too_often) then
  return {'limited', redis.call('GET', KEYS[5]) or '0'}
end
redis.call('SET', KEYS[2], mine, 'PX', ARGV[2])
redis.call('LPUSH', KEYS[3], now)
redis.call('LTRIM', KEYS[3], 0, ARGV[5] - 1)
redis.call('PEXPIRE', KEYS[3], 60000)
if forced then
  redis.call('LPUSH', KEYS[4], now)
  redis.call('LTRIM', KEYS[4], 0, ARGV[7] - 1)
  redis.call('PEXPIRE', KEYS[4], 86400000)
end
return {'go'}
"""

# KEYS as above. ARGV owner, token or "", life ms, errcode. Only the lease's holder writes.
_SETTLE = """
local holder = redis.call('GET', KEYS[2])
if not holder or string.sub(holder, 1, #ARGV[1]) ~= ARGV[1] then return 0 end
if ARGV[2] ~= '' then
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
  redis.call('DEL', KEYS[5])
else
  redis.call('SET', KEYS[5], ARGV[4], 'PX', 60000)
end
redis.call('DEL', KEYS[2])
return 1
"""


class TokenUnavailable(NotConnected):
    """No token can be had now; the call was not sent.

    ``why``: limited, busy, refused, unreachable, unreadable, store. ``errcode`` is the platform's
    last word on it, 0 where it said none.
    """

    def __init__(self, why: str, errcode: int = 0) -> None:
        super().__init__(f"no access token: {why}" + (f" ({errcode})" if errcode else ""))
        self.why = why
        self.errcode = errcode

    @property
    def code(self) -> str:
        return meaning(self.errcode).code if self.errcode else f"token_{self.why}"


class TokenAccount(Protocol):
    """The part of an official account's settings that a token needs."""

    @property
    def appid(self) -> str: ...
    @property
    def app_secret(self) -> SecretStr: ...


class TokenService:
    """Hands out and renews one account's token, for any number of threads and processes."""

    def __init__(
        self,
        store: redis.Redis,
        account: TokenAccount,
        base_url: str,
        http: PoolManager,
    ) -> None:
        prefix = f"kf:tok:{{tok.{account.appid}}}:"
        self._keys = [prefix + name for name in ("token", "lease", "calls", "forced", "failure")]
        self._account = account
        self._url = base_url.rstrip("/") + "/cgi-bin/stable_token"
        self._http = http
        self._store = store
        self._line = link_to(store)
        self._admit_script = store.register_script(_ADMIT)
        self._settle_script = store.register_script(_SETTLE)

    def current(self) -> str:
        """The stored token, or a new one. Raises TokenUnavailable."""
        key = self._keys[0]
        stored = self._run(guarded, lambda: self._line.call("GET", key))
        return _text(stored) if stored else self._obtain("")

    def renew(self, failed: str) -> str:
        """A token other than ``failed``, which the platform refused. Raises TokenUnavailable."""
        return self._obtain(failed)

    def trouble(self) -> str:
        """The platform's last word while no token could be had within the last minute, "" without trouble.

        "0" where it could not be reached.
        """
        try:
            stored = self._run(self._store.get, self._keys[4])
        except TokenUnavailable:
            return ""
        return _text(stored) if stored is not None else ""

    def _obtain(self, failed: str) -> str:
        owner = secrets.token_hex(8)
        deadline = time.monotonic() + WAIT_S
        while True:
            word, value = self._admit(owner, failed, force=False)
            if word == "token":
                return value
            if word == "limited":
                raise TokenUnavailable("limited", int(value))
            if word == "go":
                return self._ask(owner, failed)
            if time.monotonic() > deadline:
                raise TokenUnavailable("busy")
            time.sleep(POLL_S)

    def _ask(self, owner: str, failed: str) -> str:
        """With the lease in hand: ask, and force once where the platform repeats a failed token."""
        try:
            token, life_s = self._call(force=False)
            if token == failed:
                word, value = self._admit(owner, failed, force=True)
                if word == "token":
                    return value
                if word != "go":
                    raise TokenUnavailable("limited")
                token, life_s = self._call(force=True)
        except TokenUnavailable as error:
            self._settle(owner, "", 0, error.errcode)
            raise
        self._settle(owner, token, max(life_s - MARGIN_S, life_s // 2), 0)
        return token

    def _call(self, force: bool) -> tuple[str, int]:
        body = utf8_json(
            {
                "grant_type": "client_credential",
                "appid": self._account.appid,
                "secret": self._account.app_secret.get_secret_value(),
                "force_refresh": force,
            }
        )
        failure: TokenUnavailable
        try:
            return _token_of(
                exchange(self._http, "POST", self._url, body=body, headers=JSON_HEADERS)
            )
        except PlatformRefused as error:
            failure = TokenUnavailable("refused", error.errcode)
        except NotConnected:
            failure = TokenUnavailable("unreachable")
        except OutcomeUnknown:
            failure = TokenUnavailable("unreadable")
        raise failure

    def _admit(self, owner: str, failed: str, *, force: bool) -> tuple[str, str]:
        limits = (CALLS_PER_MINUTE, FORCE_EVERY_MS, FORCE_PER_DAY)
        args = (owner, LEASE_MS, failed, int(force), *limits)
        reply = self._run(self._admit_script, keys=self._keys, args=args)
        word, *rest = [_text(part) for part in reply]
        return word, rest[0] if rest else ""

    def _settle(self, owner: str, token: str, life_s: int, errcode: int) -> None:
        args = (owner, token, life_s * 1000, errcode)
        self._run(self._settle_script, keys=self._keys, args=args)

    @staticmethod
    def _run(command: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except (redis.RedisError, SessionError):
            failure = TokenUnavailable("store")
        raise failure


def _token_of(answer: Answer) -> tuple[str, int]:
    data = judged(answer)
    token, life_s = data.get("access_token"), data.get("expires_in", LIFE_S)
    if not isinstance(token, str) or not _TOKEN_SHAPE.fullmatch(token):
        raise OutcomeUnknown("no token in the answer")
    if not isinstance(life_s, int) or not 0 < life_s <= LIFE_S * 12:
        raise OutcomeUnknown("no life span in the answer")
    return token, life_s


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
