"""Accept agents' replies: check the platform's limits, record the message, put it into the outbox."""

from __future__ import annotations

import re
from typing import Final

from app.account import Account
from app.refusals import Refusal
from sessions.messages import Outgoing, outgoing_body, split_message_id
from sessions.model import NotFound, Session
from sessions.store.conversations import Replied, ReplyRefused
from sessions.store.outbox import pending_overlay

TEXT_BYTES_MAX: Final = 2048
"""The longest text that ``custom/send`` takes, UTF-8 bytes (wechat-platform 5.5, code 45002)."""

FILE_TYPES: Final = frozenset({"image", "voice", "video", "miniprogrampage"})

CLIENT_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")

REASONS: Final = {
    "closed": ("session_closed", "The conversation is closed."),
    "not_owner": ("not_owner", "Another agent serves this conversation now."),
    "other_content": ("other_content", "This client_id was used for another message."),
    "not_resendable": ("not_resendable", "Only a failed or unknown message can be sent again."),
    "reply_budget_spent": (
        "reply_budget_spent",
        "WeChat allows no further reply until the customer writes again.",
    ),
    "reply_window_closed": (
        "reply_window_closed",
        "The customer's last message is too old to answer; they must write first.",
    ),
}


def reply(
    account: Account,
    session_id: str,
    kf_account: str,
    sender: str,
    message: Outgoing,
    owner_epoch: int | None = None,
    request_id: str = "",
) -> Replied:
    """Accept one message for the customer; a repeat with the same ``client_id`` returns the first.

    Raises Refusal: invalid, too_large, not_found, session_closed, not_owner, other_content,
    reply_budget_spent, reply_window_closed.
    """
    check_sendable(message)
    body = outgoing_body(message, kf_account, sender, request_id)
    try:
        replied = account.store.reply(session_id, kf_account, message, body, owner_epoch)
    except NotFound:
        raise Refusal("not_found", "There is no such open conversation.") from None
    except ReplyRefused as refused:
        raise refusal_of(refused) from None
    account.wake_sender()
    return replied


def not_of_another(account: Account, session_id: str, kf_account: str) -> Session:
    """Return a conversation before a file is attached to it; ``reply`` checks the rest.

    Raises NotFound, and Refusal not_owner where another agent serves it.
    """
    session = account.store.load(session_id).session
    if session.is_open and session.kf_account != kf_account:
        raise refusal_of(ReplyRefused("not_owner"))
    return session


def resend(account: Account, message_id: str, kf_account: str, operation: str) -> None:
    """Send a failed or unknown message again, at an agent's request."""
    session_id, seq = split_message_id(message_id)
    overlay = pending_overlay()
    try:
        account.store.resend(session_id, seq, kf_account, overlay, operation)
    except NotFound:
        raise Refusal("not_found", "There is no such open conversation.") from None
    except ReplyRefused as refused:
        raise refusal_of(refused) from None
    account.wake_sender()


def refusal_of(refused: ReplyRefused) -> Refusal:
    code, detail = REASONS[refused.reason]
    return Refusal(code, detail)


def check_sendable(message: Outgoing) -> None:
    """Refuse what exceeds the platform's own limits. Raises Refusal."""
    if not CLIENT_ID.fullmatch(message.client_id):
        raise Refusal("invalid", "client_id must be 1 to 64 letters, digits or . _ : -")
    if message.type == "text":
        size = len(message.text.encode())
        if not message.text.strip():
            raise Refusal("invalid", "The text is empty.")
        if size > TEXT_BYTES_MAX:
            raise Refusal("too_large", f"The text has {size} bytes; WeChat takes {TEXT_BYTES_MAX}.")
    elif message.type in FILE_TYPES and not message.media.get("media_id"):
        raise Refusal("invalid", "media_id is missing.")
