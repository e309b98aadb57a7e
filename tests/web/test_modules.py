"""The front end's pure modules under node, and the vendored files against their lock file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import need

ROOT = Path(__file__).resolve().parents[2]
OURS = [path for path in (ROOT / "app/web").rglob("*.js") if "vendor" not in path.parts]
LINES_MAX = 200


@pytest.mark.parametrize(
    "name", ["state", "limits", "emoticons", "window", "words", "time", "trust"]
)
def test_pure_modules_pass_their_own_tests(name: str) -> None:
    node = shutil.which("node")
    need("" if node else "node is not installed")
    done = subprocess.run(
        [str(node), "--test", f"tests/web/{name}.test.mjs"],
        cwd=ROOT,
        env=os.environ | {"TZ": "America/New_York"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_vendored_files_are_what_the_lock_file_says() -> None:
    command = [sys.executable, "deploy/vendor.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", OURS, ids=lambda path: path.stem)
def test_modules_stay_small_and_make_no_markup_out_of_text(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= LINES_MAX
    for forbidden in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "eval(",
        "new Function",
        "style=",
    ):
        assert forbidden not in text
