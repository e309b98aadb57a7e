"""A private PostgreSQL for tests: own folder, unix socket only, gone at the end."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

DEBIAN = "/usr/lib/postgresql"
MISSING = "no PostgreSQL server found: apt-get install postgresql, or put initdb on PATH"


def find_bin() -> Path | None:
    """The folder of initdb and postgres, the newest of Debian's first, or None."""
    debian = sorted(Path(DEBIAN).glob("*/bin/initdb"), key=lambda p: float(p.parts[-3]))
    on_path = shutil.which("initdb")
    found = debian[-1] if debian else Path(on_path).resolve() if on_path else None
    return found.parent if found else None


@contextlib.contextmanager
def running(bin_dir: Path) -> Iterator[str]:
    """Start a cluster and yield the URL of its ``postgres`` database."""
    with tempfile.TemporaryDirectory(prefix="kfpg", dir="/tmp") as folder:
        owner = _owner(folder)
        data = f"{folder}/data"
        _run(owner, [str(bin_dir / "initdb"), "-D", data, "-A", "trust", "-U", "kf", "-E", "UTF8"])
        options = f"-k {folder} -c listen_addresses='' -c fsync=off -c max_connections=60"
        control = [str(bin_dir / "pg_ctl"), "-D", data, "-w"]
        _run(owner, [*control, "-l", f"{folder}/log", "-o", options, "start"])
        try:
            yield f"postgresql://kf@/postgres?host={folder}"
        finally:
            _run(owner, [*control, "-m", "immediate", "stop"])


def processes(url: str) -> list[int]:
    """The process ids of the running cluster, its postmaster's first."""
    folder = Path(url.partition("?host=")[2])
    postmaster = int((folder / "data" / "postmaster.pid").read_text().split()[0])
    found = subprocess.run(
        ["pgrep", "-P", str(postmaster)], capture_output=True, text=True, check=False
    )
    return [postmaster, *map(int, found.stdout.split())]


def _owner(folder: str) -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: hand the folder to its own user."""
    if os.geteuid() != 0:
        return None
    owner = pwd.getpwnam("postgres")
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    return owner


def _run(owner: pwd.struct_passwd | None, command: list[str]) -> None:
    identity = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if owner else {}
    subprocess.run(
        command, check=True, cwd="/tmp", stdout=subprocess.DEVNULL, timeout=60, **identity
    )
