"""Load, decide, commit: the only way in which a use case moves a conversation to another state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, overload

from app.refusals import Refusal
from sessions.change import Change
from sessions.machine import EventRefused
from sessions.model import Conflict, NotFound
from sessions.store.conversations import Loaded, NoRoom, SessionStore

TRIES: Final = 5


@overload
def transition(
    store: SessionStore, session_id: str, decide: Callable[[Loaded], Change]
) -> Change: ...
@overload
def transition(
    store: SessionStore, session_id: str, decide: Callable[[Loaded], Change | None]
) -> Change | None: ...
def transition(
    store: SessionStore, session_id: str, decide: Callable[[Loaded], Change | None]
) -> Change | None:
    """Commit the change that ``decide`` makes of the conversation.

    Returns the committed change, or None where ``decide`` returned none. ``decide`` is called again on a
    newer state after a conflict, at most five times in all. Raises Refusal: not_found, session_closed,
    conflict; NoRoom.
    """
    for _ in range(TRIES):
        try:
            loaded = store.load(session_id)
            change = decide(loaded)
            if change is None:
                return None
            store.commit(change)
        except NoRoom:
            raise
        except Conflict:
            continue
        except NotFound:
            raise Refusal("not_found", "There is no such open conversation.") from None
        except EventRefused as refused:
            raise _refusal(refused) from None
        return change
    raise Refusal("conflict", "The conversation is changing too fast; load it again.")


def _refusal(refused: EventRefused) -> Refusal:
    if refused.state == "CLOSED":
        return Refusal("session_closed", "The conversation is closed.")
    return Refusal("conflict", f"Not possible now: {refused}.")
