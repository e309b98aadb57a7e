"""Erasure of one customer: all stored data, on the customer's request or at the end of its purpose.

Only a pseudonym remains, in the audit log. Redis is erased first, so that nothing more is archived, then SQL.
Both are erased again for writes that were in progress.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.conversations.commit import transition
from app.refusals import Refusal
from app.storage import erasure
from app.storage.audit import Actor, acting, record
from app.storage.engine import Database
from app.storage.sql import reading
from sessions.change import Change
from sessions.deadlines import Deadlines
from sessions.machine import Details, Event, apply
from sessions.messages import SystemLine
from sessions.model import CloseReason
from sessions.store.clients import Redis
from sessions.store.conversations import Loaded, SessionStore
from sessions.store.scripts import Scripts
from sessions.upkeep.compaction import rewrite_log
from sessions.upkeep.erase import Eraser

SETTLE_S: Final = 1.0
"""Seconds for which a node may still write what it read before."""

TRIES: Final = 5
PSEUDONYM_CHARS: Final = 20
NO_TIMERS: Final = Deadlines(idle_ms=0, wait_ms=0, transfer_ms=0)
"""A closed conversation has no timers."""


@dataclass(frozen=True, slots=True)
class Erased:
    """Counts of what was removed: rows by table, keys and entries by kind.

    ``closed``: the conversation that was open. ``files_clean``: the database's files hold no copy any more.
    ``log_rewritten``: Redis' append-only file holds none either.
    """

    pseudonym: str
    closed: str | None
    sql: Mapping[str, int]
    redis: Mapping[str, int]
    files_clean: bool
    log_rewritten: bool


def pseudonym(secret: str, appid: str, openid: str) -> str:
    """Return the customer's pseudonym in the audit log: always the same, and irreversible."""
    text = f"customer\0{appid}\0{openid}".encode()
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()[:PSEUDONYM_CHARS]


class Erasure:
    """Erasure of customers of one official account."""

    def __init__(
        self,
        scripts: Scripts,
        engine: Database,
        appid: str,
        secret: str,
        settle_s: float = SETTLE_S,
    ) -> None:
        self._redis: Redis = scripts.client
        self._store = SessionStore(scripts, appid, NO_TIMERS, 0)
        self._eraser = Eraser(scripts.client, appid)
        self._engine = engine
        self._appid = appid
        self._secret = secret
        self._settle_s = settle_s

    def forget(self, openid: str, actor: Actor, reason: str) -> Erased:
        """Erase the customer. Raises StoreDown, StorageError, and Refusal not_found if nothing is stored."""
        with reading(self._engine) as conn:
            ids = erasure.sessions_of(conn, self._appid, openid)
        ids |= self._eraser.sessions_of(openid)
        closed = self._close(openid, actor.who)
        keys, rows = self._remove(openid, ids)
        if not keys and not rows:
            raise Refusal("not_found", "Nothing is stored of this customer.")
        time.sleep(self._settle_s)
        more_keys, more_rows = self._remove(openid, ids | self._eraser.sessions_of(openid))
        done = Erased(
            pseudonym=pseudonym(self._secret, self._appid, openid),
            closed=closed,
            sql=dict(rows + more_rows),
            redis=dict(keys + more_keys),
            files_clean=self._clean_files(),
            log_rewritten=rewrite_log(self._redis),
        )
        self._note(actor, done, reason.replace(openid, done.pseudonym))
        return done

    def _remove(self, openid: str, ids: set[str]) -> tuple[Counter[str], Counter[str]]:
        keys = self._eraser.erase(openid, ids)
        return keys, erasure.erase(self._engine, self._appid, openid, ids)

    def _close(self, openid: str, by: str) -> str | None:
        """Close the open conversation as a supervisor does: its seat is freed and desks are notified."""
        customer, _ = self._store.customer(openid)
        if not customer.open_session:
            return None

        def decide(loaded: Loaded) -> Change | None:
            if not loaded.session.is_open:
                return None
            after = apply(loaded.session, Event.CLOSED_BY_SUPERVISOR, loaded.now_ms, Details(by=by))
            line = SystemLine("closed", {"reason": CloseReason.SUPERVISOR.value, "by": by})
            return Change(loaded.session, after, lines=(line,))

        try:
            transition(self._store, customer.open_session, decide)
        except Refusal as refusal:
            if refusal.code not in ("not_found", "session_closed"):
                raise
        return customer.open_session

    def _clean_files(self) -> bool:
        for _ in range(TRIES):
            if erasure.clean_files(self._engine):
                return True
            time.sleep(self._settle_s / TRIES)
        return False

    def _note(self, actor: Actor, done: Erased, reason: str) -> None:
        detail = {"reason": reason, "sql": done.sql, "redis": done.redis}
        with acting(self._engine) as conn:
            record(conn, actor, "customer.erase", done.pseudonym, detail)
