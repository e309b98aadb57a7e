"""From the start of the process to the first push answered, on the embedded store."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import requests

from bench.lab import BenchNode, median
from bench.pushes import Maker
from bench.rows import Row, markdown, within
from tests.e2e.world import Credentials, Platform

STARTS = 5
EVERY_S = 0.01


def rows() -> list[Row]:
    took = [_start() for _ in range(STARTS)]
    return [within("start to the first answered callback", median(took), 2, "s", 2)]


def _start() -> float:
    credentials = Credentials()
    platform = Platform(credentials)
    with tempfile.TemporaryDirectory(prefix="kfbench-") as folder:
        made = _Watched(Path(folder), credentials, platform)
        try:
            began = time.monotonic()
            made.start()
            return made.answered_at - began
        finally:
            made.stop()
            platform.stop()


class _Watched(BenchNode):
    """Ready with its first answered push."""

    answered_at = 0.0

    def is_ready(self) -> bool:
        path, body = Maker(self.credentials).push(0)
        while True:
            try:
                answer = requests.post(self.url + path, data=body, timeout=1)
            except requests.RequestException:
                assert self.process is not None and self.process.poll() is None, self.log()
                time.sleep(EVERY_S)
                continue
            self.answered_at = time.monotonic()
            return answer.status_code == 200


if __name__ == "__main__":
    print(markdown(rows()))
