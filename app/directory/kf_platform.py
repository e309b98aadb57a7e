"""Kf accounts at WeChat (wechat-platform 6): calls, refusals in words, and a cached list."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from app.refusals import Refusal
from app.wechat.api import OutcomeUnknown, PlatformRefused, WeChatApi, WeChatFailure
from app.wechat.errors import reason
from app.wechat.tokens import TokenUnavailable
from sessions.store.clients import Redis
from sessions.store.scripts import guarded

NO_FEATURE: Final = frozenset({65400, 48001, 61450})
"""Codes of an official account without the kf feature. Its agents are stored as ``local``."""

EXISTS: Final = frozenset({65406, 61453})
UNKNOWN: Final = frozenset({65401, 61452})

LIST_S: Final = 300
ADDING_S: Final = 86_400
LIST_MAX: Final = 1000
NAME_MAX_CHARS: Final = 64

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PlatformState:
    """The state of a kf_account at WeChat: the columns ``platform`` and ``platform_note``."""

    platform: str
    note: str = ""

    def columns(self) -> dict[str, str]:
        return {"platform": self.platform, "platform_note": self.note}


@dataclass(frozen=True, slots=True)
class Listed:
    """One row of WeChat's list. ``platform`` is registered, invited or bound."""

    kf_account: str
    nickname: str
    kf_id: str
    avatar: str
    platform: str


class KfPlatform:
    """The calls on kf accounts of one official account.

    All of them raise Refusal (platform_refused with ``errcode``, platform_unreachable) and StoreDown.
    """

    def __init__(self, api: WeChatApi, store: Redis) -> None:
        self._api = api
        self._store = store
        prefix = f"kf:kflist:{{kfl.{api.appid}}}:"
        self._list_key, self._adding_key = prefix + "list", prefix + "adding:"

    def create(self, kf_account: str, nickname: str) -> PlatformState:
        """Create the kf account. Returns ``local`` with the reason where there is no kf feature.

        A repeat finishes an earlier attempt with an unknown outcome: if the name exists then, it is ours.
        Call ``settled`` once the result is stored.
        """
        key = self._adding_key + kf_account
        tried_before = not guarded(lambda: self._store.set(key, 1, nx=True, ex=ADDING_S))
        try:
            _asked(lambda: self._api.kf_add(kf_account, nickname))
        except Refusal as refusal:
            errcode = refusal.extra.get("errcode")
            if errcode in EXISTS and tried_before:
                return PlatformState("registered")
            if not tried_before and "outcome" not in refusal.extra:
                self.settled(kf_account)
            if errcode in NO_FEATURE:
                return PlatformState("local", reason(refusal.extra["errcode"]))
            raise
        return PlatformState("registered")

    def settled(self, kf_account: str) -> None:
        """End the attempt to create a kf account, and drop the cached list."""
        guarded(lambda: self._store.delete(self._adding_key + kf_account, self._list_key))

    def rename(self, kf_account: str, nickname: str) -> PlatformState | None:
        """Rename the kf account. Returns None, or ``local`` where the kf feature is gone."""
        try:
            self._changing(lambda: self._api.kf_update(kf_account, nickname))
        except Refusal as refusal:
            if refusal.extra.get("errcode") in NO_FEATURE:
                return PlatformState("local", reason(refusal.extra["errcode"]))
            raise
        return None

    def delete(self, kf_account: str) -> None:
        """Delete the kf account; one that does not exist is no error."""
        try:
            self._changing(lambda: self._api.kf_delete(kf_account))
        except Refusal as refusal:
            if refusal.extra.get("errcode") not in NO_FEATURE | UNKNOWN:
                raise

    def invite(self, kf_account: str, invite_wx: str) -> None:
        self._changing(lambda: self._api.kf_invite(kf_account, invite_wx))

    def set_avatar(self, kf_account: str, content: bytes) -> None:
        self._changing(lambda: self._api.kf_avatar(kf_account, "avatar.jpg", content))

    def listed(self, *, fresh: bool = False) -> list[Listed]:
        """Return WeChat's list, at most five minutes old. ``fresh`` asks WeChat now."""
        cached = None if fresh else guarded(lambda: self._store.get(self._list_key))
        if cached is None:
            rows = _read(self._api.kf_list)[:LIST_MAX]
            cached = json.dumps(rows, ensure_ascii=False)
            text = cached
            guarded(lambda: self._store.set(self._list_key, text, ex=LIST_S))
        return [_listed(raw) for raw in json.loads(cached)]

    def _changing(self, call: Callable[[], object]) -> None:
        try:
            _asked(call)
        finally:
            guarded(lambda: self._store.delete(self._list_key))


def _read(call: Callable[[], T]) -> T:
    """Return what a reading call brings: without a clear answer nothing can have changed."""
    try:
        return call()
    except OutcomeUnknown:
        refusal = Refusal(
            "platform_unreachable", "WeChat gave no clear answer; nothing was changed. Try again."
        )
    except WeChatFailure as failure:
        refusal = _refusal(failure)
    raise refusal


def _asked(call: Callable[[], T]) -> T:
    try:
        return call()
    except WeChatFailure as failure:
        refusal = _refusal(failure)
    raise refusal


def _refusal(failure: WeChatFailure) -> Refusal:
    if isinstance(failure, PlatformRefused):
        return _refused(failure.errcode)
    if isinstance(failure, TokenUnavailable) and failure.errcode:
        return _refused(failure.errcode)
    if isinstance(failure, OutcomeUnknown):
        return _unknown()
    return Refusal("platform_unreachable", "WeChat cannot be reached now; nothing was changed.")


def _refused(errcode: int) -> Refusal:
    zh, en = reason(errcode, "zh"), reason(errcode, "en")
    words = f"WeChat refused: {en}."
    extra: dict[str, Any] = {"errcode": errcode, "reason": zh, "reason_en": en}
    if errcode in EXISTS:
        words += " Import it: POST /api/v1/admin/kf-accounts/sync."
        extra["import_by"] = "/api/v1/admin/kf-accounts/sync"
    return Refusal("platform_refused", words, **extra)


def _unknown() -> Refusal:
    return Refusal(
        "platform_unreachable",
        "WeChat gave no clear answer, so the change may have taken effect there; nothing was "
        "saved here. Repeat the request, or import what WeChat has by sync.",
        outcome="unknown",
    )


def _listed(raw: Mapping[str, Any]) -> Listed:
    """Return one row, whose ids may be texts or numbers. Whether its name can be used shows at the import."""
    name = str(raw.get("kf_account") or "")[: 2 * NAME_MAX_CHARS]
    nickname = "".join(filter(str.isprintable, str(raw.get("kf_nick") or ""))).strip()
    platform = "registered"
    if raw.get("kf_wx") or raw.get("kf_openid"):
        platform = "bound"
    elif raw.get("invite_wx") and raw.get("invite_status") == "waiting":
        platform = "invited"
    return Listed(
        kf_account=name,
        nickname=(nickname or name.partition("@")[0])[:NAME_MAX_CHARS],
        kf_id=str(raw.get("kf_id") or "")[:32],
        avatar=str(raw.get("kf_headimgurl") or "")[:1024],
        platform=platform,
    )
