from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from app.auth import secret_key


def test_a_given_key_is_used_and_nothing_is_written(tmp_path: Path) -> None:
    assert secret_key.load("a given key, long", tmp_path) == b"a given key, long"
    assert list(tmp_path.iterdir()) == []


def test_a_made_key_is_kept_for_us_only(tmp_path: Path) -> None:
    made = secret_key.load(None, tmp_path)
    assert len(made) == 32
    assert secret_key.load(None, tmp_path) == made
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret_key"]
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def test_a_key_that_others_can_read_is_closed_again(tmp_path: Path) -> None:
    made = secret_key.load(None, tmp_path)
    os.chmod(tmp_path / "secret_key", 0o644)
    assert secret_key.load(None, tmp_path) == made
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0


def test_all_who_start_at_once_get_the_same_key(tmp_path: Path) -> None:
    keys: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: keys.append(secret_key.load(None, tmp_path)))
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 16
    assert len(set(keys)) == 1


@pytest.mark.parametrize("text", ["", "not hex", "abcd"])
def test_a_damaged_file_is_told_and_not_replaced(tmp_path: Path, text: str) -> None:
    (tmp_path / "secret_key").write_text(text)
    with pytest.raises(ValueError, match="damaged"):
        secret_key.load(None, tmp_path)
    assert (tmp_path / "secret_key").read_text() == text


def test_keys_of_different_purposes_differ() -> None:
    assert secret_key.derive(b"s", "csrf") != secret_key.derive(b"s", "other")
    assert secret_key.derive(b"s", "csrf") == secret_key.derive(b"s", "csrf")
