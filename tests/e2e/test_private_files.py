"""Whatever the data folder and the umask allow, nobody but the owner reads what a node keeps in it."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.world import ADMIN_PASSWORD, Caller, Credentials, Node, Platform


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0o000)
    yield
    os.umask(before)


def readable_by_others(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if stat.S_ISREG(path.lstat().st_mode) and path.stat().st_mode & 0o077
    )


@pytest.mark.usefixtures("open_umask")
def test_all_files_in_an_open_data_folder_are_closed_also_those_of_an_earlier_version(
    tmp_path: Path, credentials: Credentials, platform: Platform
) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o755)
    node = Node(tmp_path, credentials, platform, KF_SIMULATOR="1")
    try:
        node.start()
        Caller(node.url, "admin", ADMIN_PASSWORD)
        assert (data / "kfring.db-wal").exists() and (data / "simulator.db").exists()
        assert list(data.glob("redis/appendonlydir/*.aof")) and (data / "redis/server.log").exists()
        assert readable_by_others(data) == []

        node.stop()
        for path in (*data.glob("*.db*"), *data.rglob("redis/**/*")):
            path.chmod(0o777 if path.is_dir() else 0o666)
        node.start()
        Caller(node.url, "admin", ADMIN_PASSWORD)
        assert readable_by_others(data) == []
    finally:
        node.stop()
