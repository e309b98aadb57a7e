"""A share of a core for a process, by the kernel's control groups; only where this user may make one."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path

GROUPS = Path("/sys/fs/cgroup")
PERIOD_US = 20_000


class CannotLimit(Exception):
    """There are no control groups here, or not for this user."""


@contextlib.contextmanager
def kept_to(share: float, pid: int) -> Iterator[None]:
    """The process, with all its threads, gets so much of a core until the block's end. Raises CannotLimit."""
    above, settings = _interface(int(PERIOD_US * share))
    group = above / f"kfbench-{secrets.token_hex(4)}"
    try:
        group.mkdir()
        for name, value in settings.items():
            (group / name).write_text(value)
        _move(pid, group)
    except OSError as error:
        if group.is_dir():
            group.rmdir()
        raise CannotLimit(str(error)) from error
    try:
        yield
    finally:
        _move(pid, above)
        group.rmdir()


def _interface(quota_us: int) -> tuple[Path, dict[str, str]]:
    """Of the kernel's first or second version of control groups: (the group above, files and values)."""
    if (GROUPS / "cpu").is_dir():
        return GROUPS / "cpu", {
            "cpu.cfs_period_us": str(PERIOD_US),
            "cpu.cfs_quota_us": str(quota_us),
        }
    return GROUPS, {"cpu.max": f"{quota_us} {PERIOD_US}"}


def _move(pid: int, group: Path) -> None:
    (group / "cgroup.procs").write_text(str(pid))
