"""Dependencies: pinned exactly, installed as pinned, none below the versions that closed known holes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted([*ROOT.glob("requirements*.txt"), *ROOT.glob("*/requirements*.txt")])
LOCKED = {
    "requirements.lock": ("requirements.txt",),
    "requirements-dev.lock": ("requirements.txt", "requirements-dev.txt"),
}
PIN = re.compile(r"([A-Za-z0-9._-]+)(\[[a-z,]+\])?==([0-9][A-Za-z0-9.]*)")
FLOORS = {  # the version that closed the last hole we know of, or mended what we rely on
    "flask": "3.1.3",  # GHSA-4grg-w6v8-c28g (key rotation), GHSA-68rp-wp8r-4726 (session access)
    "werkzeug": "3.1.6",  # safe_join on Windows names, form limits
    "gunicorn": "26.1",  # request smuggling, trailers, duplicate Host; older lines have no support
    "redis": "8.1.0",  # pool capacity lost after a Sentinel failover
    "kazoo": "2.11.0",  # retries counted right, monotonic clocks
    "argon2-cffi": "25.1.0",
    "xmltodict": "1.0.2",  # entities refused; behind our own reader in any case
}


def pins(file: Path) -> Iterator[tuple[str, str]]:
    for line in file.read_text("utf-8").splitlines():
        wanted = line.partition("#")[0].strip()
        if wanted and not wanted.startswith("-r "):
            found = PIN.fullmatch(wanted)
            assert found, f"{file.name}: {wanted} is not pinned exactly"
            yield found[1].lower(), found[3]


def numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text))


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.relative_to(ROOT).as_posix())
def test_every_requirement_is_pinned_exactly_and_once(file: Path) -> None:
    names = [name for name, _ in pins(file)]
    assert names and len(names) == len(set(names))


def test_what_runs_is_what_is_pinned() -> None:
    wanted = dict(pins(ROOT / "requirements.txt"))
    assert {name: version(name) for name in wanted} == wanted


def test_nothing_is_older_than_the_last_known_hole() -> None:
    wanted = dict(pins(ROOT / "requirements.txt"))
    for name, floor in FLOORS.items():
        assert numbers(wanted[name]) >= numbers(floor), name
        assert numbers(version(name)) >= numbers(floor), name


def test_files_that_pin_the_same_package_agree() -> None:
    """The peers of the measurements are compared on the server's own versions."""
    ours = dict(pins(ROOT / "requirements.txt"))
    for file in FILES:
        for name, pinned in pins(file):
            assert ours.get(name, pinned) == pinned, f"{file.name}: {name}"


def locked(file: Path) -> dict[str, tuple[str, int]]:
    """Return the version and the number of hashes of each library in a lock file."""
    found: dict[str, tuple[str, int]] = {}
    for entry in re.split(r"(?<!\\)\n", file.read_text("utf-8")):
        if entry and not entry.startswith("#"):
            pin = PIN.match(entry)
            assert pin, entry
            hashes = re.findall(r" --hash=sha256:[0-9a-f]{64}(?= |$)", entry.replace("\\\n", ""))
            assert len(hashes) == entry.count("--hash"), entry
            found[canonicalize_name(pin[1])] = (pin[3], len(hashes))
    return found


@pytest.mark.parametrize("name", LOCKED)
def test_a_lock_file_holds_every_pin_that_it_is_made_from_with_its_hashes(name: str) -> None:
    """It is written by ``sh deploy/lock.sh``."""
    direct = [pin for file in LOCKED[name] for pin in pins(ROOT / file)]
    wanted = {canonicalize_name(library): pinned for library, pinned in direct}
    lock = locked(ROOT / name)
    assert {library: lock.get(library, ("missing",))[0] for library in wanted} == wanted
    assert [library for library, (_, hashes) in lock.items() if not hashes] == []


@pytest.mark.parametrize("name", LOCKED)
def test_a_lock_file_holds_what_its_libraries_need_and_no_address(name: str) -> None:
    lock = locked(ROOT / name)
    for library in lock:
        for wanted in needs(library):
            assert wanted in lock, f"{library} needs {wanted}: sh deploy/lock.sh"
    assert "://" not in (ROOT / name).read_text("utf-8")


def needs(library: str) -> set[str]:
    """Return what an installed library needs here; nothing of one that is for other systems."""
    try:
        wanted = [Requirement(text) for text in requires(library) or []]
    except PackageNotFoundError:
        return set()
    plain = {"extra": ""}
    return {canonicalize_name(w.name) for w in wanted if not w.marker or w.marker.evaluate(plain)}


def test_tests_run_with_the_libraries_that_the_server_runs_with() -> None:
    server, tests = (locked(ROOT / name) for name in LOCKED)
    assert {library: tests.get(library) for library in server} == server
