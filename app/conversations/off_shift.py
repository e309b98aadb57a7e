"""准备下班: an agent whose shift ends soon gets no new customers, and hands over the rest at its end.

The end is stored in Redis, so it comes whatever happens to the node that took the request.
"""

from __future__ import annotations

from collections.abc import Mapping

from app.account import Account
from app.conversations.seating import drain
from app.conversations.transfers import give_up_all
from app.refusals import Refusal
from sessions.seats import Status


def announce(account: Account, kf_account: str, in_s: int, notes: Mapping[str, str]) -> None:
    """Schedule the end of the agent's shift.

    ``notes`` maps session id → note for the next agent; "" is the default.

    Calling it again replaces the end.

    Raises Refusal: not_found, agent_offline.
    """
    _set(account, kf_account, in_s * 1000, notes)


def cancel(account: Account, kf_account: str) -> None:
    """Cancel the end of the shift; waiting customers may be seated at once. Raises Refusal: not_found."""
    _set(account, kf_account, None, {})
    agent = account.attendance.agent(kf_account)
    if agent is not None and agent.serving:
        drain(account, kf_account)


def end_shifts(account: Account, now_ms: int) -> int:
    """Hand over for every agent whose shift is over. Returns the number of conversations."""
    moved = 0
    for kf_account in account.seats.shifts_over(now_ms):
        word, _ = account.seats.set_status(
            kf_account, Status.OFFLINE, refuse_while_holding=False, only_if_over=True
        )
        if word == "ok":
            account.attendance.refresh()
            notes = account.seats.off_shift_notes(kf_account)
            moved += give_up_all(account, kf_account, "off_shift", notes)
    return moved


def rescue_from_off_duty(account: Account) -> int:
    """Move what agents hold who are offline or disabled, as after a node died while handing over."""
    agents = account.attendance.agents().values()
    off = [a.seat.kf_account for a in agents if _off_duty(a.seat.status, a.seat.enabled)]
    loads = account.seats.crowd("", off).loads
    moved = 0
    for seat in account.seats.read(sorted(name for name in off if loads[name])):
        if _off_duty(seat.status, seat.enabled):
            why = "agent_offline" if seat.enabled else "agent_disabled"
            notes = account.seats.off_shift_notes(seat.kf_account)
            moved += give_up_all(account, seat.kf_account, why, notes)
    return moved


def _off_duty(status: Status, enabled: bool) -> bool:
    return status is Status.OFFLINE or not enabled


def _set(account: Account, kf_account: str, in_ms: int | None, notes: Mapping[str, str]) -> None:
    word = account.seats.off_shift(kf_account, in_ms, notes)
    if word == "unknown":
        raise Refusal("not_found", "There is no such kf account.")
    if word == "offline":
        raise Refusal("agent_offline", "You are not in service; there is no shift to end.")
    account.attendance.refresh()
