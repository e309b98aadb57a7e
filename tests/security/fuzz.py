"""``make fuzz``: lets atheris look for bytes that the callback's parsers answer with anything but a refusal.

Coverage-guided; what it finds interesting stays in ``var/fuzz``, what breaks is written there as
``crash-…`` and printed. Small inputs worth keeping go to ``tests/security/corpus.txt``, which every run of
the tests reads.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(
    include=[
        "app.wechat.xml",
        "app.wechat.lenient",
        "app.wechat.crypto",
        "app.wechat.inbound",
        "app.wechat.fields",
        "sessions.entry",
        "sessions.messages",
        "tests.security.callback_surface",
    ]
):
    from tests.security.callback_surface import corpus, one_input


def one(data: bytes) -> None:
    """atheris wants nothing back."""
    one_input(data)


ROOT = Path(__file__).resolve().parents[2]
FOUND = ROOT / "var" / "fuzz"
LENGTH_MAX = 4096


def main() -> None:
    """``python -m tests.security.fuzz SECONDS``; exit status 0 when nothing broke."""
    FOUND.mkdir(parents=True, exist_ok=True)
    for number, (name, data) in enumerate(corpus()):
        (FOUND / f"{name}-{number}").write_bytes(data)
    options = [
        f"-max_total_time={int(sys.argv[1])}",
        f"-max_len={LENGTH_MAX}",
        f"-artifact_prefix={FOUND}/",
        "-timeout=5",
        "-rss_limit_mb=1024",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *options, str(FOUND)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
