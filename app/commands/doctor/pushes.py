"""Calls to our own callback URL as WeChat makes them: a signed verification and an encrypted push."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlencode, urlsplit

from app.commands.doctor.findings import Finding, bad, good
from app.commands.doctor.reach import obstacle
from app.wechat.crypto import keys_of
from app.wechat.http import Answer, WeChatFailure, exchange, new_http
from config.accounts import CallbackMode, OfficialAccount
from config.values import is_loopback

SUCCESS: Final = b"success"
PUSHER: Final = "kfring_doctor"
ALLOWED_PORTS: Final = frozenset({80, 443})


def examine(config: OfficialAccount, base_url: str, *, public: bool) -> Iterator[Finding]:
    """Check the callback URL. ``public``: the base is KF_PUBLIC_URL, which WeChat will call."""
    url = f"{base_url.rstrip('/')}/wechat/callback/{config.appid}"
    yield _address(url, public=public)
    yield _judge("verification", _verify(config, url), url)
    yield _judge(f"push ({config.callback_mode} mode)", _push(config, url), url)


def _address(url: str, *, public: bool) -> Finding:
    what = f"callback URL to paste into 微信开发者平台 → 我的业务 → 基础信息 → 域名与消息推送配置: {url}"
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if not public or is_loopback(parts.hostname or ""):
        return good(what, "WeChat needs a public address: set KF_PUBLIC_URL once there is one")
    if port not in ALLOWED_PORTS:
        return good(what, f"WeChat itself calls ports 80 and 443 only, not {port}")
    return good(what)


def _verify(config: OfficialAccount, url: str) -> tuple[str, int]:
    """Return what is wrong ("" for nothing) and the HTTP status."""
    echo = secrets.token_hex(8)
    answer = _exchange("GET", f"{url}?{urlencode({**_signed(config), 'echostr': echo})}", b"")
    if answer is None:
        return "no answer", 0
    if answer.status != 200:
        return f"HTTP {answer.status}", answer.status
    return ("" if answer.body == echo.encode() else "another answer than the echo"), 200


def _push(config: OfficialAccount, url: str) -> tuple[str, int]:
    """Send a template result, which neither opens nor changes a conversation. Returns as ``_verify``."""
    query, body = _signed(config), _event()
    if config.callback_mode is not CallbackMode.PLAIN:
        keys = keys_of(config)
        cipher = keys.encrypt(body.encode())
        signed = keys.signature(query["timestamp"], query["nonce"], cipher)
        query |= {"encrypt_type": "aes", "msg_signature": signed}
        body = (
            "<xml><ToUserName><![CDATA[gh_doctor]]></ToUserName>"
            f"<Encrypt><![CDATA[{cipher}]]></Encrypt></xml>"
        )
    answer = _exchange("POST", f"{url}?{urlencode(query)}", body.encode())
    if answer is None:
        return "no answer", 0
    if answer.status != 200:
        return f"HTTP {answer.status}", answer.status
    return ("" if answer.body == SUCCESS else "another answer than success"), 200


def _judge(what: str, result: tuple[str, int], url: str) -> Finding:
    wrong, status = result
    if not wrong:
        return good(f"callback {what}: accepted")
    if not status:
        found = obstacle(url)
        step = f"{found.step}; then start kfring, and lead the address to it"
        return bad(f"callback {what}: {found.what}", step)
    fixes = {
        403: "the server runs with another KF_TOKEN, KF_ENCODING_AES_KEY or mode, or its clock is "
        "off: restart it with these settings",
        404: "the server does not serve this AppID, or the proxy drops the path",
        503: "the server cannot reach its Redis",
    }
    fix = fixes.get(status, f"something else answers at {urlsplit(url).netloc}")
    return bad(f"callback {what}: {wrong}", fix)


def _signed(config: OfficialAccount) -> dict[str, str]:
    timestamp, nonce = str(int(time.time())), secrets.token_hex(6)
    signature = keys_of(config).signature(timestamp, nonce)
    return {"signature": signature, "timestamp": timestamp, "nonce": nonce}


def _event() -> str:
    return (
        "<xml><ToUserName><![CDATA[gh_doctor]]></ToUserName>"
        f"<FromUserName><![CDATA[{PUSHER}]]></FromUserName>"
        f"<CreateTime>{int(time.time())}</CreateTime><MsgType><![CDATA[event]]></MsgType>"
        "<Event><![CDATA[TEMPLATESENDJOBFINISH]]></Event>"
        f"<MsgID>{secrets.randbelow(10**15)}</MsgID><Status><![CDATA[success]]></Status></xml>"
    )


def _exchange(method: str, url: str, body: bytes) -> Answer | None:
    try:
        with new_http(1) as http:
            headers = {"Content-Type": "text/xml"} if body else {}
            return exchange(http, method, url, body=body or None, headers=headers)
    except WeChatFailure:
        return None
