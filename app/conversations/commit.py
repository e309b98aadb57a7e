"""Load, decide, commit; on a conflict once more, at most five times (architecture 4)."""

from __future__ import annotations

from collections.abc import Callable

from app.refusals import Refusal
from sessions.change import Change
from sessions.machine import EventRefused
from sessions.model import Conflict, NotFound, Session
from sessions.store.conversations import Loaded, NoRoom, SessionStore

TRIES = 5


def transition(
    store: SessionStore, session_id: str, decide: Callable[[Loaded], Change | None]
) -> Session:
    """Commits what ``decide`` makes of the conversation; None means nothing is to be done.

    Raises Refusal: not_found, session_closed, conflict; NoRoom passes through.
    """
    for _ in range(TRIES):
        try:
            loaded = store.load(session_id)
            change = decide(loaded)
            if change is None:
                return loaded.session
            store.commit(change)
        except NoRoom:
            raise
        except Conflict:
            continue
        except NotFound:
            raise Refusal("not_found", "There is no such open conversation.") from None
        except EventRefused as refused:
            raise _refusal(refused) from None
        return change.after
    raise Refusal("conflict", "The conversation is changing too fast; load it again.")


def _refusal(refused: EventRefused) -> Refusal:
    if refused.state == "CLOSED":
        return Refusal("session_closed", "The conversation is closed.")
    return Refusal("conflict", f"Not possible now: {refused}.")
