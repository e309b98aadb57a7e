"""What Redis keeps of an open conversation with ten messages."""

from __future__ import annotations

from bench.inside import Inside, inside
from bench.rows import Row, markdown, within

CONVERSATIONS, MESSAGES = 3_000, 10


def rows() -> list[Row]:
    with inside(KF_QUEUE_MAX="1000000") as office:
        office.staff(10, 1000)
        empty = _used(office)
        for _ in range(MESSAGES):
            for user in range(CONVERSATIONS):
                office.says(user)
        _let_pass(office)
        each = (_used(office) - empty) / CONVERSATIONS / 1000
    return [within("Redis memory per open conversation, 10 messages", each, 6, "kB")]


def _let_pass(office: Inside) -> None:
    """Ten minutes: duplicate keys run out, the desk stream is trimmed; both follow the rate of messages."""
    keys = office.account.store.keys
    for key in office.redis.scan_iter(keys.of("duplicate") + "*", count=5000):
        office.redis.delete(key)
    office.redis.xtrim(keys.of("desk"), maxlen=0, approximate=False)


def _used(office: Inside) -> int:
    return int(office.redis.info("memory")["used_memory"])


if __name__ == "__main__":
    print(markdown(rows()))
