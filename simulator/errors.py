"""Error codes of the platform and their wording (wechat-platform 4.3, 5.5, 6.1, 8)."""

from __future__ import annotations

import secrets

MESSAGES: dict[int, str] = {
    -1: "system error",
    0: "ok",
    40001: "invalid credential, access_token is invalid or not latest",
    40002: "invalid grant_type",
    40003: "invalid openid",
    40004: "invalid media type",
    40005: "invalid file type",
    40006: "invalid meida size",
    40007: "invalid media_id",
    40008: "invalid message type",
    40009: "invalid image size",
    40010: "invalid voice size",
    40011: "invalid video size",
    40012: "invalid thumb size",
    40013: "invalid appid",
    40014: "invalid access_token",
    40032: "invalid openid list size",
    40066: "invalid url",
    40125: "invalid appsecret",
    40164: "invalid ip",
    40200: "invalid account type",
    41001: "access_token missing",
    41002: "appid missing",
    41004: "appsecret missing",
    41005: "media data missing",
    42001: "access_token expired",
    43001: "require GET method",
    43002: "require POST method",
    43004: "require subscribe",
    43019: "require remove blacklist",
    44001: "empty media data",
    44002: "empty post data",
    44004: "empty content",
    45001: "media size out of limit",
    45002: "content size out of limit",
    45003: "title size out of limit",
    45004: "description size out of limit",
    45005: "url size out of limit",
    45006: "picurl size out of limit",
    45007: "playtime out of limit",
    45008: "article size out of limit",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    45015: "response out of time limit or subscription is canceled",
    45047: "out of response count limit",
    45056: "too many tags",
    45058: "reserved tag",
    45059: "too many tags on one user",
    45072: "invalid command",
    45080: "need message in last 30 seconds",
    45081: "already typing",
    45157: "invalid tag name, duplicate",
    45158: "tag name too long",
    45159: "invalid tag id",
    45166: "invalid content",
    46004: "user not exist",
    47001: "data format error",
    48001: "api unauthorized",
    48002: "user block this account's messages",
    48006: "forbid to clear quota because of reaching the limit",
    49003: "openid does not match the appid",
    61004: "access clientip is not registered",
    61450: "system error",
    65400: "please enable new custom service or wait for a while if you have enabled",
    65401: "invalid custom service account",
    65402: "the custom service account need to bind a wechat user",
    65403: "illegal nickname",
    65404: "illegal custom service account",
    65405: "custom service account number reach limit",
    65406: "custom service account exists",
    65407: "the wechat user have been one of your workers",
    65408: "you have already invited the wechat user",
    65409: "wechat account invalid",
    65410: "too many custom service accounts bound by the worker",
    65411: "a effective invitation to bind the custom service account exists",
    65412: "the custom service account have been bound by a wechat user",
    65413: "no effective session for the customer",
    65414: "another worker is serving the customer",
    65415: "the worker is not online",
    65416: "param invalid, please check",
    65417: "it is too long from the starttime to endtime",
}


class ApiError(Exception):
    """A refusal by the platform; ``detail`` replaces the usual wording."""

    def __init__(self, errcode: int, detail: str = "") -> None:
        super().__init__(errcode)
        self.errcode = errcode
        self.detail = detail


def error_body(errcode: int, detail: str = "") -> dict[str, object]:
    """The JSON of an answer, with the trace suffix that only failures carry."""
    words = detail or MESSAGES.get(errcode, "unknown error")
    if errcode == 0:
        return {"errcode": 0, "errmsg": words}
    rid = "-".join(secrets.token_hex(4) for _ in range(3))
    return {"errcode": errcode, "errmsg": f"{words} rid: {rid}"}
