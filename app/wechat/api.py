"""Calls to the platform's API (wechat-platform 5, 6, 8): a thin client with bounded everything.

Each call returns, or raises PlatformRefused (nothing took effect), NotConnected (nothing was sent;
TokenUnavailable is one) or OutcomeUnknown (may have taken effect). An invalid token is renewed and
the call repeated exactly once. No exception or log line carries a token, secret or body.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from urllib3 import PoolManager

from app.wechat.channel import CHANNELS
from app.wechat.errors import Kind
from app.wechat.files import Media, media_of, safe_filename
from app.wechat.http import (
    JSON_HEADERS,
    READ_S,
    UPLOAD_READ_S,
    Answer,
    NotConnected,
    OutcomeUnknown,
    PlatformRefused,
    WeChatFailure,
    exchange,
    judged,
    new_http,
    utf8_json,
)
from app.wechat.outbound import Outbound, same_origin
from config.accounts import AccountKind

__all__ = [
    "Accepted",
    "NotConnected",
    "OutcomeUnknown",
    "PlatformRefused",
    "WeChatApi",
    "WeChatFailure",
    "new_http",
]

JSON_TYPES = frozenset({"application/json", "text/plain", "text/json"})
MEDIA_TYPES = frozenset({"image", "voice", "video", "thumb"})


@dataclass(frozen=True, slots=True)
class Accepted:
    """The platform took the call; ``data`` is its JSON answer."""

    data: Mapping[str, Any]


class Tokens(Protocol):
    """Where tokens come from (app/wechat/tokens.py)."""

    def current(self) -> str: ...
    def renew(self, failed: str) -> str: ...


class ApiAccount(Protocol):
    @property
    def appid(self) -> str: ...


class WeChatApi:
    """The API of one official account. Safe for any number of threads."""

    def __init__(
        self,
        account: ApiAccount,
        tokens: Tokens,
        base_url: str,
        http: PoolManager,
        typing_path: str = CHANNELS[AccountKind.OFFICIAL].typing_path,
        outbound: Outbound | None = None,
    ) -> None:
        self.appid = account.appid
        self._tokens = tokens
        self._base_url = base_url.rstrip("/")
        self._http = http
        self._typing_path = typing_path
        self._outbound = outbound or Outbound()
        self.on_quota: Callable[[int], object] = lambda errcode: None
        self.token_trouble: Callable[[], str] = lambda: ""

    def send_custom(
        self, openid: str, payload: Mapping[str, Any], kf_account: str | None = None
    ) -> Accepted:
        """Send one customer-service message.

        ``payload`` is ``{"msgtype": "text", "text": {"content": …}}`` and the like (5.1);
        ``kf_account`` in full form shows the agent's name and picture.
        """
        message: dict[str, Any] = {"touser": openid, **payload}
        if kf_account:
            message["customservice"] = {"kf_account": kf_account}
        return self._post("/cgi-bin/message/custom/send", message)

    def typing(self, openid: str, active: bool = True) -> Accepted:
        """Show or end "typing…" (lasts 15 s; refused with 45080, 45081 out of its conditions)."""
        command = "Typing" if active else "CancelTyping"
        return self._post(self._typing_path, {"touser": openid, "command": command})

    def kf_add(self, kf_account: str, nickname: str) -> Accepted:
        return self._kf("add", kf_account=kf_account, nickname=nickname)

    def kf_update(self, kf_account: str, nickname: str) -> Accepted:
        return self._kf("update", kf_account=kf_account, nickname=nickname)

    def kf_delete(self, kf_account: str) -> Accepted:
        return self._kf("del", kf_account=kf_account)

    def kf_invite(self, kf_account: str, invite_wx: str) -> Accepted:
        """Invite a WeChat user (by WeChat id) to be the agent behind the account."""
        return self._kf("inviteworker", kf_account=kf_account, invite_wx=invite_wx)

    def kf_avatar(self, kf_account: str, filename: str, content: bytes) -> Accepted:
        """Set the picture: JPG, at most 5 MB."""
        return self._upload(
            "/customservice/kfaccount/uploadheadimg",
            {"kf_account": kf_account},
            (filename, content, "image/jpeg"),
            confirmed=True,
        )

    def kf_list(self) -> list[dict[str, Any]]:
        """All accounts: kf_account, kf_nick, kf_id, kf_headimgurl, kf_wx or invite_* (6)."""
        return _rows(self._get("/cgi-bin/customservice/getkflist"), "kf_list")

    def kf_online(self) -> list[dict[str, Any]]:
        """Accounts online in WeChat's own tool: kf_account, status, kf_id, accepted_case."""
        return _rows(self._get("/cgi-bin/customservice/getonlinekflist"), "kf_online_list")

    def upload_media(self, media_type: str, filename: str, content: bytes, mime: str) -> str:
        """Upload a temporary file (3 days); ``media_type`` is image, voice, video or thumb.

        Returns its media_id. The platform takes image and video of 10 MB, voice 2 MB, thumb 64 kB.
        """
        if media_type not in MEDIA_TYPES:
            raise ValueError(f"no such media type: {media_type}")
        accepted = self._upload(
            "/cgi-bin/media/upload",
            {"type": media_type},
            (filename, content, mime),
            confirmed=False,  # its media_id is what confirms it
        )
        media_id = accepted.data.get("media_id") or accepted.data.get("thumb_media_id")
        if not isinstance(media_id, str):
            raise OutcomeUnknown("no media_id in the answer")
        return media_id

    def get_media(self, media_id: str) -> Media:
        """Download what a customer sent (kept 3 days there), at most 10 MB; videos by their URL."""
        answer = self._call(
            "GET", "/cgi-bin/media/get", {"media_id": media_id}, read_s=UPLOAD_READ_S
        )
        if answer.status != 200:
            raise OutcomeUnknown(f"HTTP {answer.status}")
        if answer.content_type not in JSON_TYPES:
            return media_of(answer)
        url = judged(answer).get("video_url")
        if not isinstance(url, str):
            raise OutcomeUnknown("neither a file nor an error")
        return self._video(url)

    def user_info(self, openid: str, lang: str = "zh_CN") -> dict[str, Any]:
        """subscribe, remark, tagid_list, subscribe_scene …; names and pictures are gone (8.2)."""
        query = {"openid": openid, "lang": lang}
        return judged(self._call("GET", "/cgi-bin/user/info", query))

    def tags(self) -> dict[Any, Any]:
        """Names of the account's tags by id (8.3)."""
        rows = _rows(self._get("/cgi-bin/tags/get"), "tags")
        return {
            row["id"]: row["name"]
            for row in rows
            if isinstance(row.get("id"), int) and isinstance(row.get("name"), str)
        }

    def update_remark(self, openid: str, remark: str) -> Accepted:
        """Set the remark (under 30 characters)."""
        return self._post("/cgi-bin/user/info/updateremark", {"openid": openid, "remark": remark})

    def callback_ips(self) -> list[str]:
        """Addresses and networks that pushes come from."""
        addresses = self._get("/cgi-bin/getcallbackip").data.get("ip_list")
        if not isinstance(addresses, list):
            raise OutcomeUnknown("no ip_list in the answer")
        return [str(address) for address in addresses]

    def _kf(self, verb: str, **fields: str) -> Accepted:
        return self._post(f"/customservice/kfaccount/{verb}", fields)

    def _get(self, path: str) -> Accepted:
        return self._accepted(self._call("GET", path, {}), confirmed=False)

    def _post(self, path: str, value: Mapping[str, Any]) -> Accepted:
        answer = self._call("POST", path, {}, body=utf8_json(value), headers=JSON_HEADERS)
        return self._accepted(answer, confirmed=True)

    def _accepted(self, answer: Answer, *, confirmed: bool) -> Accepted:
        """Judge the answer of a call; whoever listens hears of a quota that is used up."""
        try:
            return Accepted(judged(answer, confirmed=confirmed))
        except PlatformRefused as refused:
            if refused.kind is Kind.QUOTA:
                self.on_quota(refused.errcode)
            raise

    def _upload(
        self,
        path: str,
        query: Mapping[str, str],
        file: tuple[str, bytes, str],
        *,
        confirmed: bool,
    ) -> Accepted:
        name, content, mime = file
        fields = {"media": (safe_filename(name, mime), content, mime)}
        answer = self._call("POST", path, query, UPLOAD_READ_S, fields=fields)
        return self._accepted(answer, confirmed=confirmed)

    def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        read_s: float = READ_S,
        **kwargs: Any,
    ) -> Answer:
        """One call with the present token, repeated once where the platform says it is invalid."""
        token = self._tokens.current()
        answer = self._once(method, path, query, token, read_s, kwargs)
        if not _token_refused(answer):
            return answer
        return self._once(method, path, query, self._tokens.renew(token), read_s, kwargs)

    def _once(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        token: str,
        read_s: float,
        kwargs: Mapping[str, Any],
    ) -> Answer:
        url = self._base_url + path
        return exchange(self._http, method, url, {"access_token": token, **query}, read_s, **kwargs)

    def _video(self, url: str) -> Media:
        if same_origin(url, self._base_url):
            answer = exchange(self._http, "GET", url, read_s=UPLOAD_READ_S)
        else:
            answer = self._outbound.call("GET", url, UPLOAD_READ_S)
        if answer.status != 200 or answer.content_type in JSON_TYPES:
            raise OutcomeUnknown(f"HTTP {answer.status} for the video")
        return media_of(answer)


def _token_refused(answer: Answer) -> bool:
    if answer.content_type not in JSON_TYPES and not answer.body.startswith(b"{"):
        return False
    try:
        judged(answer)
    except PlatformRefused as error:
        return error.kind is Kind.TOKEN
    except OutcomeUnknown:
        return False
    return False


def _rows(accepted: Accepted, name: str) -> list[dict[str, Any]]:
    """Return the objects of a list in the answer; one odd row keeps no other out."""
    rows = accepted.data.get(name)
    usable = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else None
    if usable is None or (rows and not usable):
        raise OutcomeUnknown(f"no {name} in the answer")
    return usable
