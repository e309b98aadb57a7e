"""A node's waiting threads are spread over many lists of the kernel."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

import pytest

from app.waiters import SLOTS

PROGRAM: Final = """
import ctypes
from app.waiters import PR_FUTEX_HASH, spread_waiting_threads
def slots(): return ctypes.CDLL(None).prctl(PR_FUTEX_HASH, 2, 0, 0, 0)
print(slots())
spread_waiting_threads()
print(slots())
"""


def test_a_process_gets_as_many_lists_as_it_asks_for() -> None:
    told = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True)
    before, after = map(int, told.stdout.split())
    if before < 0:
        pytest.skip("this kernel has one set of lists for all processes")
    assert after == SLOTS
