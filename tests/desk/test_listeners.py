"""Whom an event concerns: found without asking every desk, and the same as asking each."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.desk.listeners import BACKLOG_MAX, DeskEvent, Listener, Listeners, Subscription
from sessions.store.desk_stream import Told

NAMES = st.sampled_from(["a@x", "b@x", "c@x", ""])
GROUPS = st.sampled_from(["sales", "support", ""])
KINDS = st.sampled_from(["message.created", "session.updated", "queue.changed", "presence.changed"])
LISTENERS = st.builds(
    Listener, NAMES, st.frozensets(st.sampled_from(["sales", "support"])), st.booleans()
)
ENTRIES = st.builds(
    Told,
    id=st.just("1-0"),
    type=KINDS,
    names=st.frozensets(st.sampled_from(["a@x", "b@x", "c@x"])).map(",".join),
    group=GROUPS,
    session_id=st.just("s"),
    raw=st.just({}),
)


@given(st.lists(LISTENERS, max_size=8), st.sets(st.integers(0, 7)), ENTRIES)
def test_the_index_finds_exactly_those_who_would_say_yes(
    listeners: list[Listener], left: set[int], told: Told
) -> None:
    index = Listeners()
    desks = [Subscription(listener) for listener in listeners]
    for desk in desks:
        index.add(desk)
    for number in left & set(range(len(desks))):
        index.discard(desks[number])
    there = [desk for number, desk in enumerate(desks) if number not in left]
    assert index.concerned(told) == {d for d in there if d.listener.concerned_by(told)}
    assert len(index) == len(there)


@given(LISTENERS, ENTRIES)
def test_whoever_may_see_an_event_is_concerned_by_its_entry(listener: Listener, told: Told) -> None:
    waiting = told.type != "message.created" or not told.audience
    event = DeskEvent(
        told.id,
        told.type,
        "{}",
        told.audience,
        told.group if waiting else "",
        told.type == "presence.changed",
    )
    assert listener.concerned_by(told) or not listener.may_see(event)


def test_what_happens_while_a_desk_catches_up_comes_after_what_it_missed() -> None:
    def event(ident: str) -> DeskEvent:
        return DeskEvent(ident, "notice", "{}", frozenset(), "", everyone=True)

    desk = Subscription(Listener("a@x", frozenset(), supervisor=False), held=[])
    desk.offer(event("3-0"))
    assert desk.get(0) is None
    desk.caught_up([event("1-0"), event("2-0")])
    desk.offer(event("4-0"))
    told = [e.id for e in iter(lambda: desk.get(0), None)]
    assert told == ["1-0", "2-0", "3-0", "4-0"]
    for number in range(BACKLOG_MAX + 1):
        desk.offer(event(f"{number}-1"))
    assert [e.type for e in iter(lambda: desk.get(0), None)] == ["resync"]
