"""From a push sent to its event at the agent's desk: 500 messages a second, 500 open desks on one node."""

from __future__ import annotations

import json
import time

from bench import desk
from bench.lab import BenchNode, node, quantile
from bench.load import connect, post
from bench.pushes import Maker
from bench.rows import Row, markdown, within
from bench.streams import Desks

DESKS, RATE, SECONDS = 500, 500, 20
SETTLE_S = 3.0


def rows() -> list[Row]:
    with node(KF_STREAMS_MAX=str(DESKS + 50)) as made:
        took = measure(made)
    what = f"push → desk event at {RATE}/s, {DESKS} desks"
    return [
        within(f"{what}, p50", quantile(took, 0.5), 10, "ms"),
        within(f"{what}, p99", quantile(took, 0.99), 60, "ms"),
    ]


def measure(made: BenchNode) -> list[float]:
    sent, took = dict[str, float](), list[float]()

    def heard(event: bytes, data: bytes, at: float) -> None:
        if event == b"message.created":
            text = json.loads(data)["message"]["text"]
            if text in sent:
                took.append((at - sent.pop(text)) * 1000)

    desks = Desks(made.url, heard)
    desks.open(desk.staff(made, DESKS, 5, present=False))
    time.sleep(SETTLE_S)
    _push_all(made, sent)
    time.sleep(SETTLE_S)
    desks.close()
    assert not sent, f"{len(sent)} messages reached no desk"
    return took


def _push_all(made: BenchNode, sent: dict[str, float]) -> None:
    """At a steady rate, each customer in turn; the first round opens the conversations."""
    maker = Maker(made.credentials)
    texts = [f"问题 {number}" for number in range(RATE * SECONDS)]
    lines = [maker.line(number % DESKS, text) for number, text in enumerate(texts)]
    with connect(made.url) as to:
        began = time.perf_counter()
        for number, (text, line) in enumerate(zip(texts, lines, strict=True)):
            time.sleep(max(0.0, began + number / RATE - time.perf_counter()))
            sent[text] = time.perf_counter()
            assert post(to, line)


if __name__ == "__main__":
    print(markdown(rows()))
