"""Background loop at low CPU priority; it switches to normal priority while it is falling behind."""

from __future__ import annotations

import threading
from collections.abc import Callable

from app.node.tuning import stand_back


class KeepingUp:
    """Run ``step`` in a loop; it returns whether it is behind, and must not raise.

    Steps run one after the other in two threads in turn, as a thread's priority cannot be raised again: one
    thread leaves a busy core to requests, the other takes its share while that is not enough.
    """

    def __init__(self, name: str, step: Callable[[], bool]) -> None:
        self._step = step
        self._turn = threading.Condition()
        self._behind = self._stopping = False
        self._threads = [
            threading.Thread(target=self._stand_back_and_run, name=name, daemon=True),
            threading.Thread(target=self._run, args=(True,), name=f"{name}-behind", daemon=True),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Begin no further step; one that runs is left to end."""
        with self._turn:
            self._stopping = True
            self._turn.notify_all()

    def is_alive(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def _stand_back_and_run(self) -> None:
        stand_back()
        self._run(when_behind=False)

    def _run(self, when_behind: bool) -> None:
        while self._my_turn(when_behind):
            self._hand_over(behind=self._step())

    def _my_turn(self, when_behind: bool) -> bool:
        """Wait for this thread's turn. Returns False once the loop is stopped."""
        with self._turn:
            self._turn.wait_for(lambda: self._stopping or self._behind is when_behind)
            return not self._stopping

    def _hand_over(self, behind: bool) -> None:
        if behind is not self._behind:
            with self._turn:
                self._behind = behind
                self._turn.notify_all()
