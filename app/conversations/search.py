"""Search in conversations: those in Redis and those in SQL, both bounded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from app.account import Account
from app.conversations.access import Reader
from app.conversations.views import archived_view, session_view

OPEN_MAX: Final = 200
"""Open conversations looked through."""

OPEN_MESSAGES_MAX: Final = 2_000
"""Messages of one open conversation looked through, the newest."""


def found(account: Account, reader: Reader, words: str, limit: int) -> list[dict[str, Any]]:
    """``[{session, message}]``, the newest message first; only what the reader may see."""
    now = list(_open(account, reader, words.casefold()))
    owner = None if reader.everything else reader.kf_account
    stored = account.records.search(account.appid, owner, words, limit)
    known = {(hit["session"]["id"], hit["message"]["seq"]) for hit in now}
    for session, message in stored:
        if (session["id"], message["seq"]) not in known:
            now.append({"session": archived_view(session), "message": message})
    return sorted(now, key=lambda hit: hit["message"]["created_ms"], reverse=True)[:limit]


def _open(account: Account, reader: Reader, words: str) -> Iterator[dict[str, Any]]:
    """Return ids in Redis: an agent's seats and recent closings; for a supervisor everybody's."""
    if reader.everything:
        ids = account.queries.live(0, OPEN_MAX)
    else:
        ids = account.queries.mine(reader.kf_account)[:OPEN_MAX]
    for row in account.queries.rows([*ids, *account.queries.closed(OPEN_MAX)]):
        view = session_view(row, account.appid)
        if not reader.everything and not reader.concerned_by(view):
            continue
        after = max(0, row.session.seq - OPEN_MESSAGES_MAX)
        for message in account.queries.messages(row.session.id, after, OPEN_MESSAGES_MAX):
            if message["direction"] != "system" and words in message["text"].casefold():
                yield {"session": view, "message": message}
