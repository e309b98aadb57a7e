"""An account's keys as plain records, and back into an empty Redis.

Each conversation is read in one step with its messages, so that both fit; everything else follows from it
or may be a moment older. What was waiting to be sent comes back as ``unknown``: it may have been sent since.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import redis

from sessions.model import Delivery
from sessions.store.keys import FORMATS, Keys
from sessions.store.scripts import guarded

LEFT_OUT: Final = frozenset(
    {"operation", "duplicate", "leases", "duty", "absent", "outbox_due", "off_shift"}
    | {"desk", "roster_news"}
)
"""Short-lived: repeats, presence, and streams of what is read again."""

TOGETHER: Final = ("session", "messages", "overlay", "client_ids", "card")
"""The keys of one conversation."""

RESTORED: Final = "从备份恢复：可能已经送达"

Record = dict[str, Any]


def copy_account(client: redis.Redis, appid: str) -> Iterator[Record]:
    """Every key worth keeping as {key, ident, type, value}. Raises StoreDown, StoreRefused."""
    keys = Keys(appid)
    names = guarded(lambda: list(client.scan_iter(_pattern(keys.prefix), count=1000)))
    split = sorted(found for found in (_split(keys, name) for name in names) if found)
    for ident in (ident for name, ident in split if name == "session"):
        yield from _read(client, keys, [(name, ident) for name in TOGETHER])
    for place in split:
        if place[0] not in TOGETHER and place[0] not in LEFT_OUT:
            yield from _read(client, keys, [place])


def restore_account(client: redis.Redis, appid: str, records: Iterable[Mapping[str, Any]]) -> None:
    """Writes the records; replies under way become ``unknown``. Raises StoreDown, StoreRefused."""
    keys, waiting = Keys(appid), []
    for record in records:
        if record["key"] in ("outbox", "claim"):
            waiting.append(record)
        else:
            key = keys.of(record["key"], record["ident"])
            guarded(lambda k=key, r=record: _write(client, k, r))  # type: ignore[misc]
    for record in waiting:
        is_claim = record["key"] == "claim"
        items = [record["value"]["item"]] if is_claim else record["value"]
        for item in items:
            guarded(lambda r=record, i=item: _not_sent(client, keys, r["ident"], i))  # type: ignore[misc]


def remove_account(client: redis.Redis, appid: str) -> None:
    """Delete every key of the account. Raises StoreDown, StoreRefused."""
    for name in guarded(lambda: list(client.scan_iter(_pattern(Keys(appid).prefix), count=1000))):
        guarded(lambda n=name: client.delete(n))  # type: ignore[misc]


def _read(client: redis.Redis, keys: Keys, places: list[tuple[str, str]]) -> Iterator[Record]:
    names = [keys.of(name, ident) for name, ident in places]
    kinds = guarded(lambda: [client.type(name) for name in names])

    def fetch() -> list[Any]:
        pipe = client.pipeline(transaction=True)
        for name, kind in zip(names, kinds, strict=True):
            _ask(pipe, name, kind)
        return pipe.execute()

    for (name, ident), kind, value in zip(places, kinds, guarded(fetch), strict=True):
        if value:
            plain = sorted(value) if isinstance(value, set) else value
            yield {"key": name, "ident": ident, "type": kind, "value": plain}


def _ask(pipe: Any, key: str, kind: str) -> None:
    if kind == "hash":
        pipe.hgetall(key)
    elif kind == "list":
        pipe.lrange(key, 0, -1)
    elif kind == "set":
        pipe.smembers(key)
    elif kind == "zset":
        pipe.zrange(key, 0, -1, withscores=True)
    else:
        pipe.get(key)


def _write(client: redis.Redis, key: str, record: Mapping[str, Any]) -> None:
    kind, value = record["type"], record["value"]
    if kind == "hash":
        client.hset(key, mapping=value)
    elif kind == "list":
        pipe: Any = client.pipeline(transaction=True)
        pipe.delete(key)
        pipe.rpush(key, *value)
        pipe.execute()
    elif kind == "set":
        client.sadd(key, *value)
    elif kind == "zset":
        client.zadd(key, dict(value))
    else:
        client.set(key, value)


def _not_sent(client: redis.Redis, keys: Keys, openid: str, item: str) -> None:
    """An item of the outbox: shown as unknown, its reply given back to nobody, never sent by itself."""
    session_id, seq, _, trigger = item.split(" ")
    error = {"errcode": 0, "reason": RESTORED}
    overlay = json.dumps({"status": Delivery.UNKNOWN.value, "error": error}, ensure_ascii=False)
    client.hset(keys.of("overlay", session_id), seq, overlay)
    client.zadd(
        keys.of("dead"), {f"{session_id}.{seq}": _created_ms(client, keys, session_id, seq)}
    )
    client.hset(keys.of("customer", openid), f"{trigger}.pend", 0)


def _created_ms(client: redis.Redis, keys: Keys, session_id: str, seq: str) -> int:
    raw: Any = client.lindex(keys.of("messages", session_id), int(seq) - 1)
    return int(json.loads(raw)["created_ms"]) if raw else 0


def _split(keys: Keys, key: str) -> tuple[str, str] | None:
    """(name in the key table, ident); None for what is not in the table."""
    rest = key.removeprefix(keys.prefix)
    for name, form in FORMATS.items():
        if rest == form:
            return name, ""
        if form.endswith(":") and rest.startswith(form):
            return name, rest.removeprefix(form)
    return None


def _pattern(prefix: str) -> str:
    return "".join(f"\\{c}" if c in "*?[]\\" else c for c in prefix) + "*"
