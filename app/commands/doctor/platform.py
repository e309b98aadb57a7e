"""Checks of the official account's credentials and rights at WeChat. They send nothing to customers."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final

import structlog
from urllib3 import PoolManager
from urllib3.exceptions import HTTPError

from app.commands.doctor.findings import Finding, bad, good
from app.commands.doctor.reach import obstacle
from app.wechat.api import PlatformRefused, WeChatApi
from app.wechat.errors import reason
from app.wechat.http import JSON_HEADERS, WeChatFailure, exchange, new_http, utf8_json
from config.accounts import OfficialAccount

SKEW_MAX_S: Final = 60
TIMEOUT_S: Final = 3.0
NOBODY: Final = "kfring_doctor_nobody"
IP: Final = re.compile(r"invalid ip ([0-9A-Fa-f.:]+)")
IP_CODES: Final = frozenset({40164, 61004})
RIGHT_IS_THERE: Final = frozenset({40003, 43004, 45015, 45047})
NO_KF: Final = frozenset({65400, 48001, 61450})

KEYS_PAGE: Final = (
    "微信开发者平台 (developers.weixin.qq.com/platform) → 我的业务 → 基础信息 → 开发密钥"
)
"""WeChat's page for the AppSecret and the IP whitelist (wechat-platform-2 12)."""

STEPS: Final = {
    40001: f"copy the AppSecret again into KF_APP_SECRET, from {KEYS_PAGE}",
    40013: "copy the AppID again into KF_APPID",
    40125: f"copy the AppSecret again into KF_APP_SECRET, from {KEYS_PAGE} (a reset makes the old one void)",
    40243: f"unfreeze the AppSecret at {KEYS_PAGE}",
    41002: "set KF_APPID",
    41004: "set KF_APP_SECRET",
    45009: "today's calls are used up; wait for midnight or call clear_quota",
    89501: "the account's admin must confirm this server's IP on their phone, then run this again",
    89503: "the account's admin must confirm this server's IP, then run this again",
    89506: "the admin refused this IP twice; wait 24 hours",
    89507: "the admin refused this IP; wait an hour",
    50007: "the official account is frozen; see its message centre",
}

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class FixedToken:
    """A token for the calls of one run. It is never renewed."""

    value: str

    def current(self) -> str:
        return self.value

    def renew(self, failed: str) -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """The token, or the refusal's code and text. Code 0 without a token: no readable answer."""

    token: str = ""
    errcode: int = 0
    errmsg: str = ""


def examine(config: OfficialAccount, base_url: str, proxy: str = "") -> Iterator[Finding]:
    """Check token, kf feature, send right and clock, in this order. Rights need a token."""
    with new_http(4, proxy) as http:
        answer = _stable_token(config, base_url, http)
        yield _token_finding(config, base_url, answer, proxy)
        if answer.token:
            api = WeChatApi(config, FixedToken(answer.token), base_url, http)
            yield _kf_feature(api)
            yield _send_right(api)
        yield clock(base_url, http, proxy)


def clock(base_url: str, http: PoolManager, proxy: str = "") -> Finding:
    """Compare this machine's clock with the platform's Date header."""
    url = base_url + "/cgi-bin/getcallbackip"
    try:
        with http.request("GET", url, timeout=TIMEOUT_S, preload_content=False) as answer:
            date = answer.headers.get("Date", "")
        skew_s = round(time.time() - parsedate_to_datetime(date).timestamp())
    except HTTPError:
        found = obstacle(proxy or base_url)
        return bad(f"clock: {found.what}", found.step)
    except (TypeError, ValueError):
        return good("clock: the platform tells no time")
    if abs(skew_s) > SKEW_MAX_S:
        way = "ahead" if skew_s > 0 else "behind"
        return bad(
            f"clock: this machine is {abs(skew_s)} s {way}", "switch on time synchronisation (NTP)"
        )
    return good(f"clock: {abs(skew_s)} s apart from the platform's")


def _stable_token(config: OfficialAccount, base_url: str, http: PoolManager) -> TokenAnswer:
    body = {
        "grant_type": "client_credential",
        "appid": config.appid,
        "secret": config.app_secret.get_secret_value(),
        "force_refresh": False,
    }
    url = base_url + "/cgi-bin/stable_token"
    try:
        answer = exchange(http, "POST", url, body=utf8_json(body), headers=JSON_HEADERS)
        said = json.loads(answer.body)
        token, errcode = said.get("access_token"), int(said.get("errcode") or 0)
        return TokenAnswer(str(token or ""), errcode, str(said.get("errmsg") or "")[:500])
    except (WeChatFailure, ValueError, TypeError, AttributeError) as error:
        log.info("doctor_token_unreadable", error_type=type(error).__name__)
        return TokenAnswer()


def _token_finding(
    config: OfficialAccount, base_url: str, answer: TokenAnswer, proxy: str
) -> Finding:
    if answer.token:
        return good(f"access token: {config.appid} and its AppSecret are accepted")
    if not answer.errcode:
        way = obstacle(proxy or base_url)
        return bad(
            f"access token: {way.what}",
            f"{way.step}; see this machine's way to the internet and KF_WECHAT_API_BASE",
        )
    what = f"access token: {reason(answer.errcode, 'en')}"
    if answer.errcode in IP_CODES:
        found = IP.search(answer.errmsg)
        address = found[1] if found else "this server's public IP"
        return bad(
            what,
            f"add {address} to the IP whitelist (IP白名单) at {KEYS_PAGE}, then run this again",
        )
    return bad(what, STEPS.get(answer.errcode, "see the code's meaning in WeChat's documentation"))


def _kf_feature(api: WeChatApi) -> Finding:
    try:
        count = len(api.kf_list())
    except PlatformRefused as refused:
        what = f"customer-service feature: {reason(refused.errcode, 'en')}"
        if refused.errcode in NO_KF:
            return bad(
                what,
                "enable 客服功能 on the account's page (verified accounts only); until then agents "
                "are stored as local and customers see replies without an agent's name",
            )
        return bad(what, STEPS.get(refused.errcode, "see the code's meaning"))
    except WeChatFailure:
        return bad("customer-service feature: no clear answer", "run this again")
    return good(f"customer-service feature: enabled, {count} kf accounts")


def _send_right(api: WeChatApi) -> Finding:
    """Send to an openid that does not exist: the platform checks the right first, so nothing is sent."""
    payload = {"msgtype": "text", "text": {"content": "kfring doctor"}}
    try:
        api.send_custom(NOBODY, payload)
    except PlatformRefused as refused:
        if refused.errcode in RIGHT_IS_THERE:
            return good("right to send customer-service messages: granted")
        return bad(
            f"right to send customer-service messages: {reason(refused.errcode, 'en')}",
            STEPS.get(
                refused.errcode, "see 接口权限 on the account's page: 客服消息 must be allowed"
            ),
        )
    except WeChatFailure:
        return bad("right to send customer-service messages: no clear answer", "run this again")
    return good("right to send customer-service messages: granted")
