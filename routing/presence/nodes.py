"""Names of presence nodes: ``/kf_status/<appid>/<kf_account>|<node>|<boot>``. Pure.

Flat, so that one watch sees an account's agents. The boot is new with each start of a process: a node that
stands already is then never the ghost of an earlier run.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import quote, unquote

ROOT: Final = "/kf_status"
SEPARATOR: Final = "|"
SAFE: Final = "@"
"""Left readable beside letters, digits and ``_.-~``; everything else is percent-encoded."""


def path_of(appid: str) -> str:
    """The parent of an official account's nodes. Raises ValueError for an empty appid."""
    if not appid:
        raise ValueError("presence needs an appid")
    # ZooKeeper refuses "." and ".." as names, and quote leaves dots as they are.
    return f"{ROOT}/{quote(appid, safe=SAFE).replace('.', '%2E')}"


def holder_of(node: str, boot: str) -> str:
    """The end of all names that one process makes."""
    return f"{SEPARATOR}{quote(node, safe=SAFE)}{SEPARATOR}{quote(boot, safe=SAFE)}"


def name_of(kf_account: str, holder: str) -> str:
    """The node that says: this process stands for this agent."""
    return quote(kf_account, safe=SAFE) + holder


def agent_of(name: str) -> str | None:
    """Whom a node stands for; None if it is none of ours."""
    parts = name.split(SEPARATOR)
    return unquote(parts[0]) if len(parts) == 3 and all(parts) else None


def agents_in(names: Iterable[str]) -> frozenset[str]:
    """Everybody for whom at least one node stands."""
    return frozenset(agent for name in names if (agent := agent_of(name)) is not None)


def held_in(names: Iterable[str], holder: str) -> frozenset[str]:
    """Agents for whom ``holder`` stands."""
    return agents_in(name for name in names if name.endswith(holder))
