"""A long queue: seats that come free one by one, and many agents who sign in at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from app.conversations.seating import TOGETHER, drain
from bench.inside import Inside, inside
from bench.lab import quantile
from bench.rows import Row, markdown, within
from bench.timing import each_ms

WAITING = 10_000
FREED = 1_000
AGENTS = 200
THREADS = 16


def rows() -> list[Row]:
    with inside(KF_QUEUE_MAX="1000000") as office:
        office.open_many(range(WAITING))
        order = _order(office)
        places = each_ms(lambda sid: office.account.queries.rows([sid]), order[:: WAITING // 200])
        single = _one_by_one(office)
        burst, total = _all_at_once(office)
        assigned = _assigned(office)
        left = sum(office.account.queries.queue_lengths().values())
    in_order = assigned == order[: len(assigned)]
    drained = (
        f"{total:.2f} s, {len(assigned):,} seated, {'in order' if in_order else 'OUT OF ORDER'}"
    )
    return [
        within("a place in a queue of 10,000, p99", quantile(places, 0.99), 5, "ms"),
        within("assignment from a queue of 10,000, p99", quantile(single, 0.99), 10, "ms"),
        within("sign-in of 200 agents at once, p99 of each", quantile(burst, 0.99), 10, "ms"),
        Row("queue of 10,000 drained", drained, "≤ 3 s", total <= 3 and in_order and not left),
    ]


def _one_by_one(office: Inside) -> list[float]:
    """An agent whose seats grow by one, again and again."""
    (name,) = office.staff(1, 0)

    def freed(number: int) -> None:
        office.account.store.drain(name, office.account.groups_of(name))

    took = []
    for number in range(FREED):
        office.account.seats.put(name, name, number + 1, ())
        took += each_ms(freed, [number])
    return took


def _all_at_once(office: Inside) -> tuple[list[float], float]:
    """Until each sign-in's first customers are seated, ms; and until all who wait are, s."""
    seats = -(-(WAITING - FREED) // AGENTS)
    names = office.staff(AGENTS, 0)
    for name in names:
        office.account.seats.put(name, name, seats, ())

    def sign_in(name: str) -> float:
        groups = office.account.groups_of(name)
        (first,) = each_ms(lambda n: office.account.store.drain(n, groups, TOGETHER), [name])
        drain(office.account, name)
        return first

    began = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        took = list(pool.map(sign_in, names))
    return took, time.perf_counter() - began


def _order(office: Inside) -> list[str]:
    key = office.account.store.keys.of("queue", office.account.plan().routing.default_group)
    return list(office.redis.zrange(key, 0, -1))


def _assigned(office: Inside) -> list[str]:
    rows = office.redis.xrange(office.account.store.keys.of("desk"))
    return [entry["sid"] for _, entry in rows if entry["t"] == "session.assigned"]


if __name__ == "__main__":
    print(markdown(rows()))
