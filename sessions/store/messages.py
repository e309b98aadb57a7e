"""Messages of conversations in Redis: replies, lines, notices, ratings; every write is one script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sessions.entry import Entry
from sessions.messages import Outgoing, SystemLine, compact, content_hash, notice_body, system_body
from sessions.model import Inbound, NotFound, Outcome, State
from sessions.store.keys import Keys
from sessions.store.scripts import Scripts, guarded
from sessions.store.steps import Replied, ReplyRefused, outcome_of
from sessions.survey import WINDOW_MS, Answer

REPLY_STATES: Final = f",{State.SERVING},{State.TRANSFERING},"
RESENDABLE: Final = ",failed,unknown,"


class MessageStore:
    """Messages in the conversations of one official account. Raises StoreDown, StoreRefused, NotFound."""

    def __init__(self, scripts: Scripts, appid: str) -> None:
        self.keys = Keys(appid)
        self.appid = appid
        self._scripts = scripts
        self._redis = scripts.client

    def reply(
        self, session_id: str, kf_account: str, message: Outgoing, body: str, epoch: int | None
    ) -> Replied:
        """Put an agent's message into the outbox. Raises NotFound or ReplyRefused."""
        result = self._run(
            "reply",
            session_id,
            message.client_id,
            content_hash(message),
            kf_account,
            "" if epoch is None else epoch,
            body,
            message.text[:60],
            message.type,
            REPLY_STATES,
        )
        if result[0] == "gone":
            raise NotFound(session_id)
        if result[0] not in ("ok", "repeat"):
            raise ReplyRefused(result[0])
        return Replied(int(result[1]), result[0] == "repeat")

    def resend(self, session_id: str, seq: int, kf_account: str, overlay: str, op: str) -> None:
        """Send a failed or unknown message again. Raises NotFound or ReplyRefused."""
        result = self._run(
            "resend", op, session_id, seq, kf_account, REPLY_STATES, overlay, RESENDABLE
        )
        if result == "gone":
            raise NotFound(session_id)
        if result != "ok":
            raise ReplyRefused(result)

    def say(self, session_id: str, line: SystemLine | str, op: str, needs: int = 0) -> int | None:
        """Append a line for the desk, or (``needs`` > 0) an automatic message, once for each ``op``.

        Returns its seq; None where fewer than ``needs`` replies are left, which a system line then says.
        Raises
        NotFound, and ReplyRefused("closed") for a line in a closed conversation.
        """
        text = line if isinstance(line, str) else ""
        body = notice_body(text) if isinstance(line, str) else system_body(line)
        unsent = system_body(SystemLine("notice_not_sent", {"text": text})) if text else ""
        result = self._run("say", op, session_id, body, needs or "", unsent)
        if result == "gone":
            raise NotFound(session_id)
        if result == "closed":
            raise ReplyRefused("closed")
        return None if result == "unsent" else int(result)

    def spend(self, openid: str, op: str, needs: int) -> bool:
        """Pay for a message outside any conversation. Returns False if too few are left, or at a repeat."""
        return bool(self._run("spend", op, openid, needs) == "ok")

    def amend(self, session_id: str, seq: int, overlay: Mapping[str, Any], op: str) -> None:
        """Store what became known of a stored message."""
        self._run("amend", op, session_id, seq, compact(overlay))

    def postpone_media(self, member: str, due_ms: int) -> None:
        """Retry the fetch of a file later, while its job exists."""
        key = self.keys.of("media_jobs")
        guarded(lambda: self._redis.zadd(key, {member: due_ms}, xx=True))

    def rate(self, push: Inbound, entry: Entry, answer: Answer, thanks: str) -> Outcome | None:
        """Store a survey's answer once. Returns None for a typed number that answers no survey."""
        trigger = entry.trigger.value if entry.trigger else "message"
        told = self._run(
            "rate",
            push.dedup_key,
            push.openid,
            answer.tag,
            answer.score,
            WINDOW_MS,
            compact({"result": "rated", "text": thanks}),
            compact({"result": "noted"}),
            trigger,
            entry.limit,
            entry.window_ms,
            push.created_s,
        )
        return None if told[0] == "none" else outcome_of(told)

    def rating_kept(self, session_id: str) -> None:
        """SQL has it."""
        guarded(lambda: self._redis.hdel(self.keys.of("rated"), session_id))

    def mark_read(self, session_id: str, kf_account: str) -> None:
        """Raises NotFound or ReplyRefused("not_owner")."""
        result = self._run("mark_read", session_id, kf_account)
        if result == "gone":
            raise NotFound(session_id)
        if result != "ok":
            raise ReplyRefused(result)

    def _run(self, name: str, *args: str | int | float) -> Any:
        return self._scripts.run(name, self.keys.prefix, *args)
