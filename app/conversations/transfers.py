"""Change the owner of a conversation: by transfer, from the queue, or because its agent is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from app.account import Account
from app.conversations.assignment import Choice, choose, wish_for
from app.conversations.closing import seat_freed
from app.conversations.commit import transition
from app.conversations.picks import Pick, idle_first
from app.conversations.placing import staffed_group
from app.conversations.seating import drain
from app.refusals import Refusal
from sessions.change import Change, with_exclusion
from sessions.machine import Details, Event, apply, apply_all, held_seats
from sessions.messages import SystemLine
from sessions.model import Session, State
from sessions.seats import Status
from sessions.store.conversations import Loaded, NoRoom

Step = Callable[[Loaded], Change]


def take(account: Account, session_id: str, kf_account: str) -> Session:
    """Seat a waiting customer at the agent who takes them.

    Raises Refusal: agent_offline, agent_full, not_waiting.
    """
    _check_serving(account, kf_account)

    def decide(loaded: Loaded) -> Change:
        session = loaded.session
        if session.state is State.CLOSED:
            raise Refusal("session_closed", "The conversation is closed.")
        if session.state is not State.WAITING:
            raise Refusal("not_waiting", "Somebody already serves this customer.")
        after = apply(session, Event.SEATED, loaded.now_ms, Details(kf_account=kf_account))
        return Change(session, after, lines=(SystemLine("taken", {"by": kf_account}),))

    return _with_room(account, session_id, decide, kf_account)


def transfer(
    account: Account, session_id: str, by: str, to_kf: str, to_group: str, note: str
) -> Session:
    """Hand over to an agent or a group, for the owner.

    Raises Refusal: agent_offline, agent_full, not_owner…
    """
    session = account.store.load(session_id).session
    _check_owner(session, by)
    pick = Pick(to_kf, "") if to_kf else _agent_in(account, session, to_group)
    if pick.kf_account == session.kf_account:
        raise Refusal("invalid", "The conversation is with this agent already.")
    _check_serving(account, pick.kf_account)

    def decide(loaded: Loaded) -> Change:
        _check_owner(loaded.session, by)
        return _hand_over(account, loaded, pick, to_group, by, note)

    done = _with_room(account, session_id, decide, pick.kf_account)
    if done.kf_account == pick.kf_account:
        seat_freed(account, frozenset({by}))
    return done


def accept(account: Account, session_id: str, kf_account: str) -> Session:
    """Confirm a transfer for the agent who was asked."""

    def decide(loaded: Loaded) -> Change:
        session = _asked_of(loaded.session, kf_account)
        after = apply(session, Event.TRANSFER_CONFIRMED, loaded.now_ms, Details())
        return Change(session, after, lines=(_moved(session, kf_account, "transfer"),))

    done = transition(account.store, session_id, decide)
    seat_freed(account, frozenset({done.before.kf_account} - {"", kf_account}))
    return done.after


def decline(account: Account, session_id: str, kf_account: str) -> Session:
    """Decline a transfer: back to the old agent if they are connected, else to the head of the queue."""

    def decide(loaded: Loaded) -> Change:
        session = _asked_of(loaded.session, kf_account)
        return _back(account, loaded, session, "declined")

    done = transition(account.store, session_id, decide)
    seat_freed(account, frozenset({kf_account}))
    return done.after


def transfer_timed_out(account: Account, loaded: Loaded, event: Event) -> Change:
    """Return the change of a transfer that nobody confirmed in time."""
    return _back(account, loaded, loaded.session, "timed_out", event)


def give_up(account: Account, session_id: str, kf_account: str, why: str, note: str = "") -> None:
    """Move one conversation away from an agent who is lost, offline or disabled.

    It goes to another agent with a free seat, else to the head of the queue. The next agent reads the
    ``note``.
    """
    tried: set[str] = set()
    while True:
        target = ""

        def decide(loaded: Loaded) -> Change | None:
            nonlocal target
            session = loaded.session
            if kf_account not in held_seats(session):
                return None
            if session.state is State.TRANSFERING and session.transfer_to == kf_account:
                return _back(account, loaded, session, why)
            choice = _replacement(account, loaded, kf_account, tried)
            target = choice.kf_account
            return _away(account, loaded, choice, kf_account, why, note)

        try:
            transition(account.store, session_id, decide)
            return
        except NoRoom:
            tried.add(target)
        except Refusal as refusal:
            if refusal.code in ("not_found", "session_closed"):
                return
            raise


def give_up_all(
    account: Account, kf_account: str, why: str, notes: Mapping[str, str] | None = None
) -> int:
    """Move everything that an agent holds. Returns the number of conversations.

    ``notes`` maps session id → note for the next agent; "" is the default.
    """
    notes = notes or {}
    held = sorted(account.seats.held(kf_account))
    for row in sorted(account.queries.sessions(held), key=lambda s: s.created_ms):
        give_up(account, row.id, kf_account, why, notes.get(row.id, notes.get("", "")))
    if held:
        drain_everywhere(account)
    return len(held)


def drain_everywhere(account: Account, only: Iterable[str] | None = None) -> int:
    """Seat waiting customers wherever agents have free seats, the emptiest agent first. Returns how many."""
    waiting = account.queries.queue_lengths()
    if not any(waiting.values()):
        return 0
    seated = 0
    agents = [a for a in account.attendance.agents().values() if a.serving]
    names = [a.seat.kf_account for a in agents if only is None or a.seat.kf_account in only]
    loads = account.seats.crowd("", names).loads
    for name in sorted(names, key=lambda n: (loads[n], n)):
        if any(waiting.get(group) for group in account.groups_of(name)):
            seated += len(drain(account, name))
    return seated


def _hand_over(
    account: Account, loaded: Loaded, pick: Pick, group: str, by: str, note: str
) -> Change:
    target, expires = pick.kf_account, loaded.now_ms + account.policy.transfer_ms
    asked = Details(kf_account=target, group=group, by=by, note=note, expires_ms=expires)
    steps = [(Event.TRANSFER_ASKED, asked)]
    session = loaded.session
    if account.policy.transfer_consent:
        after = apply_all(session, steps, loaded.now_ms)
        line = SystemLine("transfer_asked", {"by": by, "to": target, "note": note})
    else:
        steps.append((Event.TRANSFER_CONFIRMED, Details()))
        after = apply_all(session, steps, loaded.now_ms)
        line = SystemLine("moved", {"by": by, "to": target, "note": note, "why": "transfer"})
    return Change(session, after, lines=(line,), card=pick.card)


def _back(
    account: Account, loaded: Loaded, session: Session, why: str, event: Event | None = None
) -> Change:
    present = _is_there(account, session.kf_account)
    event = event or (Event.TRANSFER_FAILED if present else Event.TRANSFER_REQUEUED)
    after = apply(session, event, loaded.now_ms, Details())
    if after.state is State.WAITING and why == "declined":
        after = with_exclusion(after, [session.transfer_to])
    line = SystemLine("transfer_failed", {"to": session.transfer_to, "why": why})
    return Change(session, after, lines=(line,), at_head=True, check_room=False)


def _away(
    account: Account, loaded: Loaded, choice: Choice, owner: str, why: str, note: str
) -> Change:
    """Return the change to the chosen agent, or to the head of the queue where nobody was chosen."""
    session, target = loaded.session, choice.kf_account
    asked = Details(kf_account=target, group=choice.group, by=why)
    steps = [] if session.state is State.TRANSFERING else [(Event.TRANSFER_ASKED, asked)]
    if target and steps:
        steps.append((Event.TRANSFER_CONFIRMED, Details()))
    else:
        group = staffed_group(account, session.group)
        steps.append((Event.TRANSFER_REQUEUED, Details(group=group)))
    after = apply_all(session, steps, loaded.now_ms)
    said = {"by": owner, "to": after.kf_account, "why": why} | ({"note": note} if note else {})
    return Change(
        session,
        after,
        lines=(SystemLine("moved", said),),
        at_head=True,
        check_room=bool(after.kf_account),
        card=choice.card,
    )


def _replacement(account: Account, loaded: Loaded, owner: str, tried: set[str]) -> Choice:
    exclude = frozenset({owner, *tried}) | loaded.session.excluded
    group = staffed_group(account, loaded.session.group)
    wish = wish_for(account, loaded.customer, group, loaded.now_ms, exclude)
    return choose(account, replace(wish, previous=None), jump_queue=True)


def _agent_in(account: Account, session: Session, group: str) -> Pick:
    """Pick an agent of the group with a free seat, whoever had the customer before.

    Raises Refusal: agent_offline, agent_full.
    """
    if not account.attendance.roster().online_in(group):
        raise Refusal("agent_offline", "Nobody in this group is online.")
    pick = idle_first(account, replace(session, exclude=""), group, "transfer")
    if not pick.kf_account:
        raise Refusal("agent_full", "Nobody in this group has a free seat; the customer stays.")
    return pick


def _with_room(account: Account, session_id: str, decide: Step, target: str) -> Session:
    try:
        return transition(account.store, session_id, decide).after
    except NoRoom:
        _check_serving(account, target)
        raise Refusal("agent_full", "All seats of this agent are taken.") from None


def _check_serving(account: Account, kf_account: str) -> None:
    found = account.seats.read([kf_account])
    if not found or not found[0].enabled:
        raise Refusal("not_found", "There is no such agent.")
    agent = account.attendance.agent(kf_account)
    if found[0].status is not Status.ONLINE or not (agent and agent.present):
        raise Refusal("agent_offline", "This agent is not online.")


def _check_owner(session: Session, kf_account: str) -> None:
    if session.state is State.CLOSED:
        raise Refusal("session_closed", "The conversation is closed.")
    if session.kf_account != kf_account:
        raise Refusal("not_owner", "Another agent serves this conversation now.")


def _asked_of(session: Session, kf_account: str) -> Session:
    if session.state is not State.TRANSFERING:
        raise Refusal("not_transfering", "Nobody is asked to take this conversation over.")
    if session.transfer_to != kf_account:
        raise Refusal("not_owner", "Another agent was asked.")
    return session


def _is_there(account: Account, kf_account: str) -> bool:
    agent = account.attendance.agent(kf_account)
    return bool(agent and agent.present and agent.seat.status is not Status.OFFLINE)


def _moved(session: Session, to: str, why: str) -> SystemLine:
    values = {"by": session.transfer_by, "to": to, "note": session.transfer_note, "why": why}
    return SystemLine("moved", values)
