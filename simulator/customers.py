"""What a customer does: writes, taps, follows; and what they see of the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulator import budget, native, samples, wire
from simulator.push import Delivery, Options, PushEngine
from simulator.state import Account, Follower, MediaItem, World

UNAVAILABLE = "该公众号暂时无法提供服务，请稍后再试"
MEDIA_TYPES = ("image", "voice", "video", "shortvideo")


class Refused(Exception):
    """The customer cannot do this, for the reason given."""


@dataclass(frozen=True, slots=True)
class Act:
    """One push ready to go: its body and what it stands for."""

    follower: Follower
    body: dict[str, Any]
    msg_type: str
    event: str


class Customers:
    """Acts of customers, each pushed to the account's callback."""

    def __init__(self, world: World, engine: PushEngine) -> None:
        self.world = world
        self.engine = engine

    def prepare(self, account: Account, openid: str, spec: dict[str, Any]) -> Act:
        """Take note of the act (budget, transcript, following) and build its push."""
        with self.world.lock:
            follower = self.world.follower(account, openid)
            kind, event = str(spec["type"]), str(spec.get("event", ""))
            if kind == "event":
                _follow(follower, event, spec, self.world.clock.now_s())
            elif not follower.subscribed and account.settings.kind == "official":
                raise Refused("this customer does not follow the account")
            media = self._media(account, spec) if kind in MEDIA_TYPES else None
            body = self._body(account, openid, spec, media)
            self._open_window(follower, kind, event, spec)
            self._show(account, follower, spec, media, body)
            return Act(follower, body, kind, event)

    def run(self, account: Account, act: Act, options: Options) -> list[Delivery]:
        """Push and show the customer the outcome; the first reply counts, as on the phone."""
        with self.world.lock:
            session = native.serving(self.world, account, act.follower.openid)
            if session is not None and act.msg_type != "event":
                self._to_native(account, act, session.kf_account)
                return [Delivery(outcome="native")]
        results = self.engine.deliver(account, act.follower.openid, act.body, options)
        with self.world.lock:
            self._outcome(account, act, results)
        return results

    def _media(self, account: Account, spec: dict[str, Any]) -> MediaItem | None:
        if spec.get("media_id"):
            return None
        kind = "video" if spec["type"] == "shortvideo" else str(spec["type"])
        sample = samples.SAMPLES[kind]
        data = spec.get("data") or sample.data()
        name = str(spec.get("filename") or sample.filename)
        return self.world.keep_media(
            account, kind, name, samples.mime_of(data) or sample.mime, data
        )

    def _body(
        self, account: Account, openid: str, spec: dict[str, Any], media: MediaItem | None
    ) -> dict[str, Any]:
        msg_id = int(spec.get("msg_id") or wire.new_msg_id(self.world.clock.now_ms()))
        body: dict[str, Any] = {
            "ToUserName": account.settings.original_id,
            "FromUserName": openid,
            "CreateTime": int(spec.get("create_time") or self.world.clock.now_s()),
            "MsgType": spec["type"],
        }
        if spec["type"] == "event":
            return {**body, **wire.event_elements(spec, msg_id), **spec.get("extra", {})}
        own = wire.message_elements(spec, media)
        return {**body, **own, "MsgId": msg_id, **spec.get("extra", {})}

    def _open_window(self, follower: Follower, kind: str, event: str, spec: dict[str, Any]) -> None:
        now_ms = self.world.clock.now_ms()
        trigger = budget.trigger_of(kind, event, str(spec.get("menu_id", "")))
        if trigger is not None:
            budget.refill(follower.buckets, trigger, now_ms, self.world.config.budget_rule)
        if kind != "event":
            follower.last_exchange_ms = now_ms

    def _show(
        self,
        account: Account,
        follower: Follower,
        spec: dict[str, Any],
        media: MediaItem | None,
        body: dict[str, Any],
    ) -> None:
        line: dict[str, Any] = {
            "direction": "in",
            "type": spec["type"],
            "text": str(body.get("Content", body.get("Label", body.get("Title", "")))),
            "msg_id": str(body.get("MsgId", "")),
        }
        if spec["type"] == "event":
            line |= {"event": spec.get("event", ""), "event_key": spec.get("event_key", "")}
        media_id = media.media_id if media else spec.get("media_id")
        if media_id:
            line["media_id"] = media_id
        self.world.write(account, follower, line)

    def _to_native(self, account: Account, act: Act, kf_account: str) -> None:
        kind = act.msg_type
        text = str(act.body.get("Content", "")) if kind == "text" else f"[{kind}]"
        line = {"opercode": 2003, "text": text, "worker": kf_account}
        native.record(self.world, account, act.follower.openid, line)

    def _outcome(self, account: Account, act: Act, results: list[Delivery]) -> None:
        replies = [r for r in results if r.outcome == "reply" and r.reply is not None]
        if act.event == "unsubscribe":
            return
        if replies:
            self._passive(account, act, min(replies, key=lambda r: r.answered_ms).reply or {})
        elif visible(act, results):
            line = {"direction": "system", "type": "text", "text": UNAVAILABLE}
            self.world.write(account, act.follower, line)

    def _passive(self, account: Account, act: Act, reply: dict[str, Any]) -> None:
        if reply["type"] == "transfer_customer_service":
            openid, kf_account = act.follower.openid, reply["kf_account"]
            native.forward(self.world, self.engine, account, openid, kf_account)
            return
        line = {"direction": "out", "passive": True, **reply}
        self.world.write(account, act.follower, line)


def visible(act: Act, results: list[Delivery]) -> str:
    """The words the customer reads after this act; empty where nothing appears."""
    if act.event == "unsubscribe":
        return ""
    for result in results:
        if result.outcome == "reply" and result.reply is not None:
            return str(result.reply.get("text") or f"[{result.reply['type']}]")
    shown = act.msg_type != "event" or act.event == "CLICK"
    failed = all(r.outcome in ("unavailable", "suspended") for r in results)
    return UNAVAILABLE if failed and shown else ""


def _follow(follower: Follower, event: str, spec: dict[str, Any], now_s: int) -> None:
    if event == "subscribe":
        key = str(spec.get("event_key", ""))
        follower.subscribed, follower.subscribe_s = True, now_s
        follower.scene = "ADD_SCENE_QR_CODE" if key else "ADD_SCENE_SEARCH"
        follower.qr_scene = key.removeprefix("qrscene_")
    elif event == "unsubscribe":
        follower.subscribed = False
        follower.buckets.clear()
    elif event in ("SCAN", "CLICK") and not follower.subscribed:
        raise Refused("this customer does not follow the account")
