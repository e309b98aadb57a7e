"""Customers who behave as WeChat does, agents who answer, and the record of it all."""

from __future__ import annotations

import contextlib
import itertools
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
from sqlalchemy import create_engine, text

from sessions.messages import view
from tests.e2e.world import Agent, Caller, register
from tests.faults.cluster import Site
from tests.faults.history import Conversation, History, Push, Reply, Stores, Told
from tests.support import wait_until

TRIES = 3
PATIENCE_S = 5.0
QUIET_S = 0.7
"""Without a new reply for so long, no desk has anything more to answer."""

PASSWORD = "agent-password-1"


def until_answered(deliver: Callable[[], bool], again_s: float, tries: int) -> int:
    """Delivers the same thing ``again_s`` apart until it is answered; tries made, negative if in vain."""
    for number in range(1, tries + 1):
        began = time.monotonic()
        if deliver():
            return number
        if number < tries:
            time.sleep(max(0.0, again_s - (time.monotonic() - began)))
    return -tries


class Load:
    """A staff and its customers on one site. ``history`` grows; ``close`` completes it."""

    def __init__(self, site: Site, seats: int = 5) -> None:
        self.site = site
        self.history = History(secrets=list(site.secrets))
        self.seats = seats
        self.workers: list[Worker] = []
        self.nodes = list(site.nodes)
        self.again_s = PATIENCE_S
        self.tries = TRIES
        self._ids = itertools.count(int(time.time() * 1000) * 1000)
        self._turn = itertools.count()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._stream_after = "0-0"
        self._admin = site.admin()
        threading.Thread(target=self._sample, daemon=True).start()

    def staff(self, number: int, urls: Sequence[str] = (), **more: Any) -> list[Worker]:
        """So many new agents at work at ``urls`` (default: each node in turn), online and seen."""
        nodes = [node.url for node in self.site.nodes]
        made = []
        for n in range(number):
            name = register(
                self._admin, f"a{secrets.token_hex(4)}", max_sessions=self.seats, **more
            )
            self.history.limits[name] = self.seats
            at = list(urls) or nodes[n % len(nodes) :] + nodes[: n % len(nodes)]
            made.append(Worker(self.history, name, at))
        for worker in made:
            worker.start()
        self.workers += made
        wanted = {worker.kf_account for worker in made}
        wait_until(lambda: wanted <= self.present(), 30)
        return made

    def present(self) -> set[str]:
        return {a["kf_account"] for a in self._admin.get("/agents") if a["present"]}

    def says(self, openid: str, words: str = "", node: int | None = None) -> Push:
        """One message to the end: answered, or given up as WeChat gives up."""
        number = next(self._ids)
        push = Push(openid, str(number), words or f"暗语{secrets.token_hex(6)}")
        self.history.pushes.append(push)
        self.site.platform.heard(openid)
        nodes = self.nodes

        def deliver() -> bool:
            push.tries += 1
            at = nodes[next(self._turn) % len(nodes) if node is None else node]
            began = time.monotonic()
            ok = at.push_text(openid, push.text, number, timeout=PATIENCE_S) == 200
            push.seconds = max(push.seconds, time.monotonic() - began)
            push.answered |= ok
            return ok

        until_answered(deliver, self.again_s, self.tries)
        return push

    def crowd(self, number: int) -> list[str]:
        """New customers, known to the platform."""
        names = [f"oFault{secrets.token_hex(11)}" for _ in range(number)]
        for name in names:
            self.site.platform.follow(name)
        return names

    def rush(self, openids: Iterable[str], each: int = 1, threads: int = 8) -> list[Push]:
        """Each customer writes so often, one message after another; customers side by side."""

        def talk(openid: str) -> list[Push]:
            return [self.says(openid) for _ in range(each)]

        with ThreadPoolExecutor(threads) as pool:
            return [push for pushes in pool.map(talk, openids) for push in pushes]

    def in_background(self, openids: Sequence[str], pause_s: float = 0.05) -> None:
        """They go on writing until ``quiet``."""
        for openid in openids:
            thread = threading.Thread(target=self._chatter, args=(openid, pause_s), daemon=True)
            self._threads.append(thread)
            thread.start()

    def quiet(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
        self._threads.clear()
        self._stop.clear()

    def _chatter(self, openid: str, pause_s: float) -> None:
        while not self._stop.wait(pause_s):
            self.says(openid)

    def _sample(self) -> None:
        client = self.site.client()
        prefix = f"kf:{{{self.site.credentials.appid}}}:seats:"
        while True:
            names = list(self.history.limits)
            with contextlib.suppress(Exception):  # the store may be down just now
                pipe = client.pipeline(transaction=False)
                for name in names:
                    pipe.scard(prefix + name)
                self.history.samples.append(dict(zip(names, pipe.execute(), strict=True)))
            time.sleep(0.1)

    def settled(self) -> bool:
        """Whether nothing waits to be sent any more."""
        prefix = f"kf:{{{self.site.credentials.appid}}}:"
        return not self.site.client().exists(prefix + "obdue")

    def complete(self, settle_s: float = 45.0) -> History:
        """The history with everything read that the stores and the platform hold now."""
        self.quiet()
        deadline = time.monotonic() + 3 * settle_s
        while time.monotonic() < deadline:
            count = len(self.history.replies)
            wait_until(self.settled, settle_s, 0.1)
            for worker in self.workers:
                wait_until(worker.idle, 60)
            time.sleep(QUIET_S)
            if count == len(self.history.replies) and self.settled():
                break
        history = self.history
        openids = sorted({told.openid for told in (*history.pushes, *history.replies)})
        history.conversations, history.stores = read_stores(self.site)
        history.told = read_stream(self.site)
        history.delivered = {o: [r["text"] for r in self._received(o)] for o in openids}
        history.logs = self.site.logs()
        return history

    def _received(self, openid: str) -> list[dict[str, Any]]:
        asked = {r.text for r in self.history.replies if r.openid == openid}
        return [row for row in self.site.platform.received(openid) if row.get("text") in asked]

    def leave(self) -> None:
        """The staff goes home; its customers' conversations end, so that the next test meets none of them."""
        for worker in self.workers:
            worker.answers = False
        self.site.revive()
        client, prefix = self.site.client(), f"kf:{{{self.site.credentials.appid}}}:"
        for sid in client.zrange(prefix + "live", 0, -1):
            self._admin.call("POST", f"/sessions/{sid}/close", json={"reason": "supervisor"})
        for worker in self.workers:
            worker.stop()


class Worker:
    """An agent at his desk: an event stream that reconnects, and an answer to every message."""

    def __init__(self, history: History, kf_account: str, urls: Sequence[str]) -> None:
        self.history = history
        self.kf_account = kf_account
        self.urls = list(urls)
        self.agent = Agent(self.urls[0], kf_account, PASSWORD)
        self.answers = True
        self.events: list[tuple[str, str, dict[str, Any]]] = []
        self.connects = 0
        self.last_id = ""
        self._seen: set[str] = set()
        self._lock = threading.Lock()
        self._busy = 0
        self._stopping = False
        self._stream: requests.Response | None = None

    def start(self) -> None:
        threading.Thread(target=self._listen, daemon=True).start()
        wait_until(lambda: self.connects, 20)
        self._insist("PUT", "/me/presence", {"status": "online"})

    def stop(self) -> None:
        """Out of service; conversations stay open or go to others."""
        self.answers = False
        self._insist("PUT", "/me/presence", {"status": "offline", "hand_over": True})
        self.hang_up()

    def hang_up(self) -> None:
        """The tab is closed."""
        self._stopping = True
        if self._stream is not None:
            with contextlib.suppress(Exception):
                self._stream.raw.shutdown()
            self._stream.close()

    def idle(self) -> bool:
        return self._busy == 0

    def mine(self) -> list[dict[str, Any]]:
        answer = self._insist("GET", "/sessions?mine=1&limit=100", None)
        found: list[dict[str, Any]] = answer.json()["data"] if answer is not None else []
        return [s for s in found if s["state"] != "CLOSED"]

    def texts(self) -> list[str]:
        """Customers' words in the order this desk was told of them."""
        seen: dict[str, str] = {}
        for _, kind, data in self.events:
            if kind == "message.created" and data["message"]["direction"] == "in":
                seen.setdefault(data["message"]["id"], data["message"]["text"])
        return list(seen.values())

    def _listen(self) -> None:
        while not self._stopping:
            with contextlib.suppress(
                requests.RequestException, OSError, AttributeError, ValueError
            ):
                self._follow(self.urls[0])
            if not self._stopping:
                self.urls = self.urls[1:] + self.urls[:1]
                time.sleep(0.2)

    def _follow(self, url: str) -> None:
        headers = {"Last-Event-ID": self.last_id} if self.last_id else {}
        with self.agent.session.get(
            f"{url}/api/v1/events", headers=headers, stream=True, timeout=(2, 30)
        ) as answer:
            if answer.status_code != 200:
                return
            self._stream = answer
            if not self.last_id:
                threading.Thread(target=self._catch_up, daemon=True).start()
            self.connects += 1
            fields: dict[str, str] = {}
            for line in answer.iter_lines(chunk_size=1, decode_unicode=True):
                if line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                    continue
                if self._take(fields):
                    return
                fields = {}

    def _take(self, fields: dict[str, str]) -> bool:
        """True when the node asks to go elsewhere."""
        self.last_id = fields.get("id", self.last_id)
        kind = fields.get("event", "")
        if not kind:
            return False
        data = json.loads(fields.get("data", "{}"))
        self.events.append((self.last_id, kind, data))
        if kind == "resync":
            threading.Thread(target=self._catch_up, daemon=True).start()
        session = data.get("session")  # a message of one that was archived meanwhile has none
        if kind == "message.created" and session and session["kf_account"] == self.kf_account:
            self._answer(session, [data["message"]])
        if kind == "session.assigned" and session["kf_account"] == self.kf_account:
            threading.Thread(target=self._read, args=(session,), daemon=True).start()
        return kind == "drain"

    def _catch_up(self) -> None:
        for session in self.mine():
            self._read(session)

    def _read(self, session: dict[str, Any]) -> None:
        answer = self._insist("GET", f"/sessions/{session['id']}/messages?limit=200", None)
        if answer is not None and answer.ok:
            self._answer(session, answer.json()["data"])

    def _answer(self, session: dict[str, Any], messages: list[dict[str, Any]]) -> None:
        for message in messages:
            with self._lock:
                wanted = self.answers and message["direction"] == "in"
                if not wanted or message["id"] in self._seen:
                    continue
                self._seen.add(message["id"])
                self._busy += 1
                reply = Reply(session["openid"], f"回{secrets.token_hex(6)}", self.kf_account)
                self.history.replies.append(reply)
                body = {
                    "client_id": f"{self.kf_account.partition('@')[0]}:{message['id']}",
                    "type": "text",
                    "text": reply.text,
                }
            self._send(reply, f"/sessions/{session['id']}/messages", body)

    def _send(self, reply: Reply, path: str, body: dict[str, Any]) -> None:
        try:
            answer = self._insist("POST", path, body)
            if answer is not None and answer.status_code == 202:
                reply.accepted, reply.message_id = True, answer.json()["data"]["id"]
            elif answer is not None:
                reply.code = answer.json().get("code", "")
        finally:
            with self._lock:
                self._busy -= 1

    def _insist(self, method: str, path: str, body: Any) -> requests.Response | None:
        """Again, elsewhere, with the same client_id, until a node decides; None after a while."""
        deadline, urls = time.monotonic() + 40, list(self.urls)
        while time.monotonic() < deadline:
            url = urls[0]
            urls = urls[1:] + urls[:1]
            with contextlib.suppress(requests.RequestException):
                answer = requests.request(
                    method,
                    f"{url}/api/v1{path}",
                    json=body,
                    headers=dict(self.agent.session.headers),
                    timeout=5,
                )
                if answer.status_code < 500 and answer.status_code != 429:
                    return answer
            time.sleep(0.2)
        return None


def read_stream(site: Site) -> list[Told]:
    """What the desks were told of conversations, in the order it happened."""
    rows = site.client().xrange(f"kf:{{{site.credentials.appid}}}:desk")
    return [
        Told(
            session_id=raw["id"],
            openid=raw["openid"],
            state=raw["state"],
            owner=raw.get("kf_account", ""),
            reserved=raw.get("transfer_to", ""),
            epoch=int(raw.get("owner_epoch", 0)),
        )
        for _, raw in rows
        if "state" in raw
    ]


def read_stores(site: Site) -> tuple[list[Conversation], Stores]:
    """Every conversation, from Redis and then from SQL, and the raw counters."""
    client, prefix = site.client(), f"kf:{{{site.credentials.appid}}}:"
    found = {}
    for key in client.scan_iter(prefix + "s:*", count=1000):
        if made := _from_redis(client, prefix, key.removeprefix(prefix + "s:")):
            found[made.id] = made
    for made in _from_sql(site):
        found.setdefault(made.id, made)
    order = _ages(client, prefix, site)
    listed = sorted(found.values(), key=lambda c: order.get(c.id, 0))
    return listed, _stores(client, prefix)


def _from_redis(client: Any, prefix: str, sid: str) -> Conversation | None:
    """As of one moment; None where the archive has taken it since it was listed."""
    of = client.pipeline(transaction=True)
    raw, lines, overlays = (
        of.hgetall(f"{prefix}s:{sid}")
        .lrange(f"{prefix}m:{sid}", 0, -1)
        .hgetall(f"{prefix}o:{sid}")
        .execute()
    )
    if not raw:
        return None
    messages = [view(line, overlays.get(str(n))) for n, line in enumerate(lines, 1)]
    return Conversation(
        id=sid,
        openid=raw["openid"],
        state=raw["state"],
        owner=raw.get("kf_account", ""),
        reserved=raw.get("transfer_to", ""),
        group=raw.get("group", ""),
        messages=messages,
    )


def _from_sql(site: Site) -> list[Conversation]:
    engine = create_engine(site.env["KF_DATABASE_URL"])
    with engine.connect() as conn:
        sessions = conn.execute(
            text('select id, openid, kf_account, "group" from sessions_archive')
        )
        rows = [tuple(row) for row in sessions]
        lines = conn.execute(text("select session_id, data from messages_archive order by seq"))
        messages: dict[str, list[Any]] = {}
        for sid, data in lines:
            messages.setdefault(sid, []).append(json.loads(data) if isinstance(data, str) else data)
    engine.dispose()
    return [
        Conversation(sid, openid, "CLOSED", kf, "", group, messages.get(sid, []))
        for sid, openid, kf, group in rows
    ]


def _ages(client: Any, prefix: str, site: Site) -> dict[str, int]:
    ages = {k: int(v) for k, v in client.zrange(prefix + "live", 0, -1, withscores=True)}
    for sid, _ in client.zrange(prefix + "closed", 0, -1, withscores=True):
        ages[sid] = int(client.hget(f"{prefix}s:{sid}", "created_ms") or 0)
    engine = create_engine(site.env["KF_DATABASE_URL"])
    with engine.connect() as conn:
        rows = conn.execute(text("select id, created_ms from sessions_archive"))
        ages |= {sid: int(ms) for sid, ms in rows}
    engine.dispose()
    return ages


def _stores(client: Any, prefix: str) -> Stores:
    def sets(name: str) -> dict[str, set[str]]:
        keys = list(client.scan_iter(f"{prefix}{name}*"))
        return {key.removeprefix(prefix + name): client.smembers(key) for key in keys}

    opens = {}
    for key in client.scan_iter(prefix + "c:*", count=1000):
        sid = client.hget(key, "open")
        if sid:
            opens[key.removeprefix(prefix + "c:")] = sid
    queues = client.smembers(prefix + "queues")
    return Stores(
        seats=sets("seats:"),
        seated=sets("gs:"),
        queues={name: set(client.zrange(f"{prefix}q:{name}", 0, -1)) for name in queues},
        open_by_customer=opens,
        live=set(client.zrange(prefix + "live", 0, -1)),
        timed={m.rpartition(":")[0] for m in client.zrange(prefix + "timers", 0, -1)},
    )


def caller_at(url: str, like: Caller) -> Caller:
    """The same person, speaking to another node with the same token."""
    other = Caller.__new__(Caller)
    other.url, other.session = url, like.session
    return other
