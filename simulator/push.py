"""The push engine: sign, encrypt, deliver, cut after five seconds, deliver again."""

from __future__ import annotations

import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from simulator import crypto, http_cut, wire
from simulator.config import SimAccount
from simulator.replies import Asked, BadReply, read_reply
from simulator.state import Account, World

SUSPEND_MS = 60_000
TAMPERINGS = ("", "signature", "msg_signature", "appid", "stale", "ciphertext")


@dataclass(frozen=True, slots=True)
class Options:
    """How to deliver one push.

    ``copies`` deliveries of the same body, one after another or at the same moment.
    ``tamper`` spoils one thing: a signature, the trailing appid, the timestamp, the cipher text.
    """

    copies: int = 1
    concurrent: bool = False
    retries: int | None = None
    deadline_s: float | None = None
    tamper: str = ""


@dataclass(slots=True)
class Delivery:
    """One copy's attempts; ``outcome`` reply, nothing, unavailable or suspended."""

    statuses: list[int | str] = field(default_factory=list)
    outcome: str = "unavailable"
    reply: dict[str, Any] | None = None
    reason: str = ""
    answered_ms: int = 0


class PushEngine:
    """Delivers pushes to the accounts' callbacks. Safe to use from many threads."""

    def __init__(self, world: World) -> None:
        self.world = world

    def deliver(
        self, account: Account, openid: str, body: dict[str, Any], options: Options
    ) -> list[Delivery]:
        """All copies' deliveries; never called with the world's lock held."""
        if options.copies == 1 or not options.concurrent:
            return [self._one(account, openid, body, options) for _ in range(options.copies)]
        start = threading.Barrier(options.copies)

        def together() -> Delivery:
            start.wait()
            return self._one(account, openid, body, options)

        with ThreadPoolExecutor(options.copies) as pool:
            return [f.result() for f in [pool.submit(together) for _ in range(options.copies)]]

    def in_background(self, account: Account, openid: str, body: dict[str, Any]) -> None:
        """Deliver an event that follows from an API call, without making the caller wait."""
        args = (account, openid, body, Options())
        threading.Thread(target=self.deliver, args=args, daemon=True).start()

    def verify(self, account: Account) -> dict[str, Any]:
        """The console's URL verification; {ok, status, detail}."""
        echo = str(secrets.randbelow(10**19))
        query = {**_plain_query(account.settings), "echostr": echo}
        try:
            status, data = http_cut.request(
                "GET", _join(account.settings.callback_url, query), None, "", self._deadline(None)
            )
        except http_cut.Cut:
            return {"ok": False, "status": "timeout", "detail": "no answer in time"}
        except http_cut.Unreachable:
            return {"ok": False, "status": "unreachable", "detail": "no connection"}
        ok = status == 200 and data == echo.encode()
        return {"ok": ok, "status": status, "detail": "" if ok else "echostr did not come back"}

    def _deadline(self, asked: float | None) -> float:
        return self.world.config.deadline_s if asked is None else asked

    def _one(
        self, account: Account, openid: str, body: dict[str, Any], options: Options
    ) -> Delivery:
        result = Delivery()
        if self._suspended(account):
            result.outcome, result.reason = "suspended", "too many failures in a row"
            return result
        total = self.world.config.retries if options.retries is None else options.retries
        deadline_s = self._deadline(options.deadline_s)
        for number in range(max(1, total)):
            began = time.monotonic()
            again = self._attempt(account.settings, openid, body, options, deadline_s, result)
            if not again:
                break
            if number + 1 < total:
                time.sleep(max(0.0, deadline_s - (time.monotonic() - began)))
        self._note(account, result.outcome == "unavailable")
        return result

    def _attempt(
        self,
        settings: SimAccount,
        openid: str,
        body: dict[str, Any],
        options: Options,
        deadline_s: float,
        result: Delivery,
    ) -> bool:
        """Deliver once into ``result``; True when the platform would try again."""
        nonce = str(secrets.randbelow(10**9) + 1)
        query, data = seal(settings, openid, body, nonce, options.tamper)
        kind = "application/json" if settings.kind == "miniprogram" else "text/xml"
        try:
            status, answer = http_cut.request(
                "POST", _join(settings.callback_url, query), data, kind, deadline_s
            )
        except http_cut.Cut:
            result.statuses.append("timeout")
            result.reason = "no complete answer in time"
            return True
        except http_cut.Unreachable:
            result.statuses.append("unreachable")
            result.reason = "no connection"
            return True
        result.statuses.append(status)
        if status != 200:
            result.reason = f"HTTP {status}"
            return True
        asked = Asked(settings, openid, str(body.get("MsgType", "")), nonce)
        try:
            result.reply = read_reply(answer, asked)
        except BadReply as error:
            result.reason = str(error)
            return False
        result.outcome = "nothing" if result.reply is None else "reply"
        result.reason = ""
        result.answered_ms = self.world.clock.now_ms()
        return False

    def _suspended(self, account: Account) -> bool:
        with self.world.lock:
            return account.books.suspended_until_ms > self.world.clock.now_ms()

    def _note(self, account: Account, failed: bool) -> None:
        """Count failures in a row; enough of them are a MarkFail, one minute of silence."""
        limit = self.world.config.markfail_after
        with self.world.lock:
            books = account.books
            books.failures = books.failures + 1 if failed else 0
            if limit and books.failures >= limit:
                books.failures = 0
                books.suspended_until_ms = self.world.clock.now_ms() + SUSPEND_MS


def seal(
    settings: SimAccount, openid: str, body: dict[str, Any], nonce: str, tamper: str = ""
) -> tuple[dict[str, str], bytes]:
    """(query, body) of one attempt in the account's mode, with a fresh timestamp."""
    write = wire.to_json if settings.kind == "miniprogram" else wire.to_xml
    query = {**_plain_query(settings, nonce, tamper == "stale"), "openid": openid}
    if tamper == "signature":
        query["signature"] = "0" * 40
    if settings.mode == "plain":
        return query, write(body).encode()
    appid = "wx" + "0" * 16 if tamper == "appid" else settings.appid
    sealed = crypto.encrypt(settings.encoding_aes_key, appid, write(body).encode())
    if tamper == "ciphertext":
        sealed = secrets.token_urlsafe(64).replace("-", "A").replace("_", "B")
    proof = crypto.sign(settings.token, query["timestamp"], nonce, sealed)
    query["encrypt_type"] = "aes"
    query["msg_signature"] = "0" * 40 if tamper == "msg_signature" else proof
    clear = body if settings.mode == "compat" else {"ToUserName": body["ToUserName"]}
    return query, write({**clear, "Encrypt": sealed}).encode()


def _plain_query(
    settings: SimAccount, nonce: str | None = None, stale: bool = False
) -> dict[str, str]:
    stamp = str(int(time.time()) - (3600 if stale else 0))
    chosen = nonce or str(secrets.randbelow(10**9) + 1)
    proof = crypto.sign(settings.token, stamp, chosen)
    return {"signature": proof, "timestamp": stamp, "nonce": chosen}


def _join(url: str, query: dict[str, str]) -> str:
    return url + ("&" if "?" in url else "?") + urlencode(query)
