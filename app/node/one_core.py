"""Keeps the threads of this process on one core, and moves them to another where they must share it.

Threads that take turns at the interpreter gain nothing from a second core, and a turn that goes from one core
to another costs a wake-up there: two cores made half as many pushes a second as one (docs/performance.md).
"""

from __future__ import annotations

import contextlib
import os
import random
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LOOK_EVERY_S: Final = 1.0
MORE_ROOM: Final = 0.25
"""How much more of its time another core must have left over to be worth a move."""

STAT: Final = Path("/proc/stat")
OWN_STAT: Final = Path("/proc/self/stat")
PROCESSOR: Final = 36  # of /proc/self/stat behind the name: the core it ran on last


@dataclass(frozen=True, slots=True)
class Times:
    """Of one core since it started, in the kernel's ticks; what a hypervisor takes is not free."""

    free: int
    all: int


Cores = Mapping[int, Times]


def parse(stat: str) -> Cores:
    """The cores of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal."""
    rows = (line.split() for line in stat.splitlines() if line.startswith("cpu"))
    found = {row[0][3:]: [int(word) for word in row[1:9]] for row in rows}
    return {
        int(name): Times(ticks[3] + ticks[4], sum(ticks))
        for name, ticks in found.items()
        if name.isdecimal()
    }


def busy_shares(before: Cores, after: Cores) -> dict[int, float]:
    """How much of the time between them each core was busy, 0 to 1."""
    passed = {core: after[core].all - was.all for core, was in before.items() if core in after}
    return {
        core: 1 - (after[core].free - before[core].free) / ticks
        for core, ticks in passed.items()
        if ticks > 0
    }


def better_core(core: int, own: float, busy: Mapping[int, float]) -> int | None:
    """Where others leave more room to a process that used ``own`` of its core's time; None where it stays."""
    if core not in busy:
        return None
    freest = min(busy, key=lambda one: (busy[one], one))
    return freest if busy[core] - own - busy[freest] >= MORE_ROOM else None


class OneCore:
    """All threads of this process, on one of the cores that it was given.

    ``read`` gives /proc/stat, ``own_s`` how long this process computed. Each node of a machine has a core of
    its own, claimed by ``name``; what is left over is the kernel's to place. Where claims are not seen (in
    containers), two that meet would both leave for the same other core, so each leaves at every second look.
    """

    def __init__(
        self,
        name: str = "kfring",
        read: Callable[[], str] = STAT.read_text,
        own_s: Callable[[], float] = time.process_time,
        leaves: Callable[[], bool] = lambda: random.random() < 0.5,
    ) -> None:
        self._name = name
        self._read = read
        self._computed_s = own_s
        self._leaves = leaves
        self._given = frozenset[int]()
        self._core = -1
        self._claim: socket.socket | None = None
        self._seen: Cores = {}
        self._seen_at = self._own_s = 0.0

    def keep(self) -> bool:
        """To be called before threads are started; False where there is nothing to choose from."""
        if sys.platform != "linux" or not getattr(sys, "_is_gil_enabled", lambda: True)():
            return False
        given = frozenset(os.sched_getaffinity(0))
        with contextlib.suppress(OSError, ValueError, IndexError):
            self._remember()
            here = int(OWN_STAT.read_text().rpartition(")")[2].split()[PROCESSOR])
            if len(given) > 1 and any(map(self._move, sorted(given, key=lambda c: (c != here, c)))):
                self._given = given
        return self._is_in_charge()

    def watch(self) -> None:
        """From a thread of its own, until somebody else says where the process is to run."""
        threading.Thread(target=self._look_again, name="one-core", daemon=True).start()

    def look(self) -> bool:
        """Moves where that is better; whether to go on looking."""
        if not self._is_in_charge():
            return False
        before, before_s, before_at = self._seen, self._own_s, self._seen_at
        self._remember()
        own = (self._own_s - before_s) / max(self._seen_at - before_at, 1e-9)
        shares = busy_shares(before, self._seen)
        busy = {core: share for core, share in shares.items() if core in self._given}
        while (better := better_core(self._core, own, busy)) is not None:
            if not self._leaves() or self._move(better):
                break
            del busy[better]
        return True

    def end(self) -> None:
        """The threads stay where they are; another node may have the core."""
        self._given = frozenset()
        if self._claim is not None:
            self._claim.close()
            self._claim = None

    @contextlib.contextmanager
    def left(self) -> Iterator[None]:
        """The calling thread on any core meanwhile: for what computes without the interpreter."""
        if not self._given:
            yield
            return
        _place(0, self._given)
        try:
            yield
        finally:
            _place(0, {self._core})

    def _look_again(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while self.look():
                time.sleep(LOOK_EVERY_S)

    def _remember(self) -> None:
        self._seen = parse(self._read())
        self._seen_at, self._own_s = time.monotonic(), self._computed_s()

    def _move(self, core: int) -> bool:
        """All threads; False where another node has the core."""
        claim = _claimed(f"\0{self._name}-core-{core}")
        if claim is None:
            return False
        if self._claim is not None:
            self._claim.close()
        self._claim, self._core = claim, core
        for _ in range(2):  # a thread may be started meanwhile by one that has not moved yet
            for thread in os.listdir("/proc/self/task"):
                _place(int(thread), {core})
        return True

    def _is_in_charge(self) -> bool:
        """Not where others placed the process since, who have the last word, nor where a sandbox refuses."""
        if os.sched_getaffinity(0) != {self._core}:
            self.end()
        return bool(self._given)


def _claimed(name: str) -> socket.socket | None:
    """A name in the kernel's table, which goes with the process; None where another one has it."""
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(name)
    except OSError:
        claim.close()
        return None
    return claim


def _place(thread: int, cores: Iterable[int]) -> None:
    with contextlib.suppress(OSError):  # it has ended, or the core was taken away
        os.sched_setaffinity(thread, cores)


ONE_CORE: Final = OneCore()
