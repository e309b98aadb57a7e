"""Send accepted replies to WeChat: in order per customer, each at most once, every outcome stored.

A message is retried only if nothing was sent, or if the platform refused it for a passing reason. A time-out
after sending is ``unknown`` and stays so until a person decides.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple

import structlog

from app.delivery.payloads import Payloads, PlatformGone, as_text
from app.delivery.quota import QUOTA_SPENT, QuotaHold
from app.metrics.prometheus import PLATFORM_ERRORS, SENDS
from app.metrics.tally import TALLY
from app.node.logs import inform
from app.presence.attendance import Attendance
from app.storage.sql import StorageError
from app.wechat.api import NotConnected, OutcomeUnknown, PlatformRefused, WeChatApi
from app.wechat.errors import Kind, reason
from sessions.idents import fresh_ident
from sessions.model import Delivery, SessionError
from sessions.store.outbox import Claim, Outbox, Verdict

SENDERS: Final = 16
"""Concurrent sends of one official account."""

SLOW_S: Final = 0.02
"""Seconds after which a send counts as waiting for the platform, so that others may run concurrently.

Where the platform is quicker, concurrent sends gain nothing: they only keep pushes from computing.
"""

RETRY_DELAYS_MS: Final = (1_000, 5_000, 25_000)
"""Delays before each further attempt, ms; after the last one a message is a dead letter."""

KF_REFUSED: Final = frozenset({65400, 65401, 65402, 61452})
"""Codes for a kf_account that may not speak: the message is sent again in the account's own name."""

SETTLE_S: Final = 12.0
"""Seconds for which a sender tries to store an outcome; with the send it fits well into the claim's lease."""

SETTLE_EVERY_S: Final = 0.3

HELD_BACK: Final = "今日发送次数已用完，自动消息停到北京时间零点"
"""The reason of an automatic message that was not sent, as the day's quota is used up."""

NO_MENUS: Final = 40200
"""Code for an account that may send no menu: the menu is sent as a text."""

VERDICTS: Final = {45047: Verdict.NONE_LEFT, 45015: Verdict.CLOSED, 43004: Verdict.CLOSED}

log = structlog.get_logger()


class Why(NamedTuple):
    """A reason for agents, in both languages."""

    zh: str
    en: str


NO_REASON: Final = Why("", "")
MESSAGE_GONE: Final = Why("消息已不存在", "The message is gone")
FILE_GONE: Final = Why("文件已不存在", "The file is gone")
FILE_UNREADABLE: Final = Why("暂时无法读取要发送的文件", "The file cannot be read now")
NOT_CONNECTED: Final = Why("暂时无法连接微信", "WeChat cannot be reached now")
NO_CLEAR_ANSWER: Final = Why(
    "微信没有明确答复，可能已送达", "WeChat gave no clear answer; it may have arrived"
)


class Sender:
    """The sender of one official account on this node."""

    def __init__(
        self,
        appid: str,
        outbox: Outbox,
        attendance: Attendance,
        api: WeChatApi,
        payloads: Payloads,
        pool: ThreadPoolExecutor,
        hold: QuotaHold,
    ) -> None:
        self._appid = appid
        self._outbox = outbox
        self._attendance = attendance
        self._api = api
        self._payloads = payloads
        self._pool = pool
        self._hold = hold
        self._lock = threading.Lock()
        self._active = 0
        self._slow = False
        self._began: dict[int, float] = {}
        self._stopped = False

    def wake(self) -> None:
        """Start a sender, as there may be something to send; return at once."""
        with self._lock:
            if self._stopped or self._active >= SENDERS:
                return
            self._active += 1
        try:
            self._pool.submit(self._run)
        except RuntimeError:
            with self._lock:
                self._active -= 1

    def poll(self) -> None:
        """Start a sender if an attempt is due; called each second."""
        if self._outbox.next_due_ms() is not None:
            self.wake()

    def stop(self) -> None:
        """Take no further message; running sends end by their own limits."""
        with self._lock:
            self._stopped = True

    def _run(self) -> None:
        try:
            while not self._stopped and self._send_next():
                pass
        except SessionError as error:
            log.warning("outbox_unreachable", appid=self._appid, error=str(error))
        except Exception:
            log.exception("sender_failed", appid=self._appid)
        finally:
            with self._lock:
                self._active -= 1

    def _send_next(self) -> bool:
        """Send the next due message. Returns whether this sender should continue: not if another one does."""
        claim = self._outbox.claim(fresh_ident())
        if claim is None:
            return False
        if self._slow:
            self.wake()
        me = threading.get_ident()
        began = self._began[me] = time.monotonic()
        try:
            self.send(claim)
        finally:
            del self._began[me]
        now = time.monotonic()
        self._slow = now - began > SLOW_S
        return self._slow or not any(now - at < SLOW_S for at in list(self._began.values()))

    def send(self, claim: Claim) -> None:
        """Send one claimed message and store its outcome."""
        if claim.message is None:
            self._settle(claim, Delivery.FAILED, Verdict.RETURNED, 0, MESSAGE_GONE)
            return
        if claim.message.get("notice") and self._hold.is_on():
            self._insist(lambda: self._outbox.hold_back(claim, QUOTA_SPENT, HELD_BACK))
            return
        try:
            self._deliver(claim.openid, claim.message)
        except PlatformRefused as refused:
            self._refused(claim, refused)
        except PlatformGone:
            self._settle(claim, Delivery.FAILED, Verdict.RETURNED, 0, FILE_GONE)
        except NotConnected as error:
            self._again_or(claim, getattr(error, "errcode", 0) or 0, NOT_CONNECTED)
        except StorageError:
            self._again_or(claim, 0, FILE_UNREADABLE)
        except OutcomeUnknown:
            self._settle(claim, Delivery.UNKNOWN, Verdict.SPENT, 0, NO_CLEAR_ANSWER)
        else:
            self._settle(claim, Delivery.SENT, Verdict.SPENT, 0, NO_REASON)

    def _deliver(self, openid: str, message: Mapping[str, Any]) -> None:
        payload = self._payloads.of(message)
        with self._hold.watched():
            self._say(openid, payload, self._speaker(message))

    def _say(self, openid: str, payload: Mapping[str, Any], kf_account: str | None) -> None:
        """Send the payload as it is, or as a text where the platform takes no menus."""
        try:
            self._speak(openid, payload, kf_account)
        except PlatformRefused as refused:
            if refused.errcode != NO_MENUS or payload["msgtype"] != "msgmenu":
                raise
            self._speak(openid, as_text(payload), kf_account)

    def _speak(self, openid: str, payload: Mapping[str, Any], kf_account: str | None) -> None:
        """Send as the agent, or in the account's own name where the platform does not know them."""
        try:
            self._api.send_custom(openid, payload, kf_account)
        except PlatformRefused as refused:
            if kf_account is None or refused.errcode not in KF_REFUSED:
                raise
            self._payloads.speaker_refused(kf_account, refused.errcode)
            self._api.send_custom(openid, payload, None)

    def _speaker(self, message: Mapping[str, Any]) -> str | None:
        """Return the kf_account that the customer sees; None for notices and accounts unknown to WeChat.

        A mini program names nobody: ``customservice`` is no part of its calls (wechat-platform 14.3).
        """
        if not self._payloads.channel.names_agents:
            return None
        kf_account = message.get("kf_account") or ""
        agent = self._attendance.agent(kf_account)
        known = agent is not None and agent.seat.platform != "local"
        return kf_account if known else None

    def _refused(self, claim: Claim, refused: PlatformRefused) -> None:
        why = Why(reason(refused.errcode, "zh"), reason(refused.errcode, "en"))
        if refused.kind in (Kind.RETRY, Kind.TOKEN):
            self._again_or(claim, refused.errcode, why)
            return
        verdict = VERDICTS.get(refused.errcode, Verdict.RETURNED)
        self._settle(claim, Delivery.FAILED, verdict, refused.errcode, why)

    def _again_or(self, claim: Claim, code: int, why: Why) -> None:
        if claim.attempts >= len(RETRY_DELAYS_MS):
            self._settle(claim, Delivery.FAILED, Verdict.RETURNED, code, why)
            return
        delay = RETRY_DELAYS_MS[claim.attempts]
        delay_ms = int(delay * random.uniform(0.8, 1.2))
        self._insist(lambda: self._outbox.again(claim, delay_ms))

    def _insist(self, settle: Callable[[], object]) -> None:
        """Store the outcome of a send, if need be after a short absence of the store."""
        give_up = time.monotonic() + SETTLE_S
        while True:
            try:
                settle()
                return
            except SessionError:
                if time.monotonic() > give_up or self._stopped:
                    raise
                time.sleep(SETTLE_EVERY_S)

    def _settle(
        self, claim: Claim, status: Delivery, verdict: Verdict, code: int, why: Why
    ) -> None:
        self._insist(lambda: self._outbox.settle(claim, status, verdict, code, *why))
        SENDS.labels(status=status.value).inc()
        TALLY.count(self._appid, status.value)
        if code:
            PLATFORM_ERRORS.labels(errcode=str(code)).inc()
            TALLY.error(self._appid, code)
        message = claim.message or {}
        inform(
            "reply_settled",
            appid=self._appid,
            message_id=message.get("id", ""),
            request_id=claim.request_id,
            status=status.value,
            errcode=code,
            attempts=claim.attempts + 1,
        )
