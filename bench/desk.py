"""Agents of a measured node, as its own stores keep them: mirrored, online, signed in, present."""

from __future__ import annotations

import time
from dataclasses import dataclass

from app.auth.logins import Logins
from app.jobs import ROSTER_S
from app.storage.people import Person
from bench.lab import BenchNode
from sessions.seats import Status
from sessions.store.agents import AgentStore
from sessions.store.clients import Redis, store_client
from sessions.store.scripts import Scripts

LEASE_MS = 3_600_000
FIRST_PERSON = 1_000_000


@dataclass(frozen=True, slots=True)
class Desk:
    """An agent and the token he is signed in with."""

    kf_account: str
    token: str


def redis_of(node: BenchNode) -> Redis:
    return store_client(node.redis_url, 32)


def staff(node: BenchNode, count: int, seats: int, *, present: bool = True) -> list[Desk]:
    """So many agents online; ``present`` ones are vouched for by a lease, as by another node."""
    client = redis_of(node)
    store = AgentStore(Scripts(client), node.credentials.appid)
    logins = Logins(client, node.env["KF_SECRET_KEY"].encode())
    desks = [_desk(store, logins, node, number, seats) for number in range(count)]
    if present:
        store.lease([desk.kf_account for desk in desks], [], "bench", LEASE_MS)
        await_present()
    return desks


def await_present() -> None:
    """Every node looks at the roster once a second."""
    time.sleep(2 * ROSTER_S + 0.5)


def _desk(store: AgentStore, logins: Logins, node: BenchNode, number: int, seats: int) -> Desk:
    name = f"bench{number:04d}@{node.credentials.wechat_id}"
    store.put(name, name, seats, ())
    store.set_status(name, Status.ONLINE, refuse_while_holding=False)
    person = Person(
        id=FIRST_PERSON + number,
        username=name,
        display_name=name,
        role="agent",
        appid=node.credentials.appid,
        kf_account=name,
        disabled=False,
        created_ms=0,
        password_changed_ms=0,
        password_hash="",
    )
    return Desk(name, logins.open_token(person, logins.epoch(person.id)).secret)
