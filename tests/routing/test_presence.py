"""Presence without a server: node names, the single node, and a register whose tree fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.presence.interface import Presence, State
from routing.presence.local import LocalPresence
from routing.presence.nodes import agent_of, agents_in, held_in, holder_of, name_of, path_of
from routing.presence.register import Register, Unreachable

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@given(names, names, names)
def test_every_name_comes_back_from_its_node(kf_account: str, node: str, boot: str) -> None:
    holder = holder_of(node, boot)
    name = name_of(kf_account, holder)
    assert "/" not in name and name.isascii() and name.isprintable()
    assert agent_of(name) == kf_account
    assert held_in([name], holder) == {kf_account}
    assert held_in([name], holder_of(node, boot + "x")) == frozenset()


def test_an_account_has_a_path_that_zookeeper_takes() -> None:
    assert path_of("wx1") == "/kf_status/wx1"
    assert path_of("..") == "/kf_status/%2E%2E"
    assert path_of("a/b") == "/kf_status/a%2Fb"
    with pytest.raises(ValueError, match="appid"):
        path_of("")


def test_nodes_of_another_form_are_nobody() -> None:
    assert agents_in(["amy@gh|n1|b", "notes", "||", "a|b", "a|b|c|d"]) == {"amy@gh"}


def test_on_one_node_who_announces_is_present_until_he_is_withdrawn() -> None:
    presence: Presence = LocalPresence()
    changes: list[frozenset[str]] = []
    presence.on_change(lambda: changes.append(presence.present()))
    presence.announce("amy@gh")
    presence.announce("amy@gh")
    presence.announce("bob@gh", wait_s=1.0)
    presence.withdraw("amy@gh")
    presence.withdraw("nobody@gh")
    assert presence.present() == {"bob@gh"}
    health = presence.health()
    assert (health.state, health.announced, health.present) == ("local", 1, 1)
    presence.close()
    assert changes == [{"amy@gh"}, {"amy@gh", "bob@gh"}, {"bob@gh"}, frozenset()]


class Wakes:
    """A keeper that only counts; the test calls ``keep`` itself."""

    reread_s = 30.0

    def __init__(self) -> None:
        self.count = 0
        self.now: State = "connected"

    def wake(self) -> None:
        self.count += 1

    def state(self) -> State:
        return self.now

    def since_s(self) -> float:
        return 0.0


class MemoryTree:
    """A tree in memory that can be told to fail; what it must do is tested on a real ZooKeeper beside."""

    def __init__(self) -> None:
        self.nodes: set[str] = set()
        self.failing = False
        self.reads = 0
        self.session_id = 1

    def connections(self) -> int:
        return self.session_id

    def session(self) -> int:
        return self.session_id

    def children(self, path: str, changed: Callable[[], None]) -> list[str]:
        self._check()
        self.reads += 1
        return [node.rpartition("/")[2] for node in self.nodes if node.startswith(path + "/")]

    def create(self, nodes: Mapping[str, str]) -> Iterable[str]:
        for key, node in nodes.items():
            self._check()
            self.nodes.add(node)
            yield key

    def delete(self, nodes: Mapping[str, str]) -> Iterable[str]:
        for key, node in nodes.items():
            self._check()
            self.nodes.discard(node)
            yield key

    def _check(self) -> None:
        if self.failing:
            raise Unreachable("ConnectionLoss")


HOLDER = holder_of("n1", "b1")


def kept(register: Register, tree: MemoryTree) -> frozenset[str]:
    """Lets the register settle: once to write, once to read what it wrote."""
    register.keep(tree, HOLDER)
    register.announce("again@gh")
    register.withdraw("again@gh")
    register.keep(tree, HOLDER)
    return register.present()


def test_what_is_wanted_is_made_and_what_is_not_is_removed() -> None:
    register, tree = Register(Wakes(), "wx1"), MemoryTree()
    register.announce("amy@gh")
    assert kept(register, tree) == {"amy@gh"}
    register.withdraw("amy@gh")
    assert kept(register, tree) == frozenset()
    assert tree.nodes == set()


def test_nothing_is_read_while_nothing_happened() -> None:
    register, tree = Register(Wakes(), "wx1"), MemoryTree()
    kept(register, tree)
    reads = tree.reads
    for _ in range(5):
        register.keep(tree, HOLDER)
    assert tree.reads == reads


def test_a_repeated_announcement_wakes_nobody() -> None:
    """Heartbeats announce every half minute; each must not cost a reading."""
    wakes = Wakes()
    register = Register(wakes, "wx1")
    register.announce("amy@gh")
    count = wakes.count
    register.announce("amy@gh")
    assert wakes.count == count


def test_what_failed_is_done_later_and_not_at_once() -> None:
    register, tree = Register(Wakes(), "wx1"), MemoryTree()
    register.announce("amy@gh")
    tree.failing = True
    with pytest.raises(Unreachable):
        register.keep(tree, HOLDER)
    register.keep(tree, HOLDER)  # within RETRY_S: not tried
    tree.failing = False
    assert tree.nodes == set()
    register._try_at = 0.0
    assert kept(register, tree) == {"amy@gh"}


def test_another_session_has_everything_made_again() -> None:
    register, tree = Register(Wakes(), "wx1"), MemoryTree()
    register.announce("amy@gh")
    kept(register, tree)
    tree.session_id, tree.nodes = 2, set()
    assert kept(register, tree) == {"amy@gh"}
    assert register.health().sessions == 2


def test_nobody_is_present_once_the_connection_is_lost() -> None:
    wakes = Wakes()
    register, tree = Register(wakes, "wx1"), MemoryTree()
    register.announce("amy@gh")
    kept(register, tree)
    wakes.now = "suspended"
    assert register.present() == {"amy@gh"}
    wakes.now = "lost"
    assert register.present() == frozenset()
    register.lose_sight()
    wakes.now = "connected"
    assert register.present() == frozenset()


def test_many_threads_may_announce_while_the_keeper_works() -> None:
    register, tree = Register(Wakes(), "wx1"), MemoryTree()
    stop = threading.Event()

    def keep() -> None:
        while not stop.is_set():
            register.keep(tree, HOLDER)

    def come_and_go(number: int) -> None:
        for turn in range(50):
            register.announce(f"a{number}-{turn}@gh")
            if turn % 2:
                register.withdraw(f"a{number}-{turn}@gh")

    keeper = threading.Thread(target=keep)
    people = [threading.Thread(target=come_and_go, args=(number,)) for number in range(8)]
    for thread in (keeper, *people):
        thread.start()
    for thread in people:
        thread.join()
    stop.set()
    keeper.join()
    assert len(kept(register, tree)) == 8 * 25
