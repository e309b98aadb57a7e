"""An agent signs in and out of service; logging in is not being online."""

from __future__ import annotations

from app.account import Account
from app.conversations.seating import drain
from app.conversations.transfers import give_up_all
from app.refusals import Refusal
from sessions.seats import Status


def change_status(account: Account, kf_account: str, status: Status, *, hand_over: bool) -> None:
    """Change the agent's status.

    Online and away count as a heartbeat; offline with open conversations needs ``hand_over``.

    Raises Refusal: conversations_open (with ``open``, their number), not_found.
    """
    offline = status is Status.OFFLINE
    if not offline:
        account.attendance.heartbeat(kf_account)
    result, held = account.seats.set_status(
        kf_account, status, refuse_while_holding=offline and not hand_over
    )
    if result == "unknown":
        raise Refusal("not_found", "There is no such kf account.")
    if result == "busy":
        detail = f"You have {held} open conversations; close them or hand them over."
        raise Refusal("conversations_open", detail, open=held)
    if offline:
        account.attendance.left(kf_account)
    account.attendance.refresh()
    if offline:
        give_up_all(account, kf_account, "agent_offline")
    elif status is Status.ONLINE:
        drain(account, kf_account)


def heartbeat(account: Account, kf_account: str) -> None:
    """Record that a program without an event stream is connected. After a gap it counts at once."""
    account.attendance.heartbeat(kf_account)
    agent = account.attendance.agent(kf_account)
    if agent is None or not agent.present:
        account.attendance.refresh()
