"""custom/send and custom/typing (wechat-platform 5; order of checks section 11)."""

from __future__ import annotations

from typing import Any

from simulator import budget
from simulator.errors import ApiError
from simulator.gate import Call, Gate
from simulator.state import Follower, KfAccount

TEXT_MAX_BYTES = 2048
TYPING_MS = 15_000
RECENT_MS = 30_000
MEDIA_TYPES = {"image": "image", "voice": "voice", "video": "video"}
OTHER_TYPES = {"text", "music", "news", "mpnews", "mpnewsarticle", "msgmenu", "wxcard"}
OTHER_TYPES |= {"miniprogrampage", "link"}
MINIPROGRAM_TYPES = {"text", "image", "link", "miniprogrampage"}
OFFICIAL_TYPES = (OTHER_TYPES | set(MEDIA_TYPES)) - {"link"}
REQUIRED = {
    "mpnews": "media_id",
    "mpnewsarticle": "article_id",
    "wxcard": "card_id",
    "miniprogrampage": "pagepath",
    "music": "musicurl",
    "link": "url",
}


def register(gate: Gate) -> None:
    """Put the handlers under their paths."""
    gate.add("/cgi-bin/message/custom/send", send)
    gate.add("/cgi-bin/message/custom/typing", typing)
    gate.add("/cgi-bin/message/custom/business/typing", typing)


def send(call: Call) -> None:
    """Deliver a customer-service message to a customer, as a chosen kf account if named."""
    follower = call.follower("touser")
    kind = call.body.get("msgtype")
    mini = call.account.settings.kind == "miniprogram"
    if not isinstance(kind, str) or kind not in (MINIPROGRAM_TYPES if mini else OFFICIAL_TYPES):
        raise ApiError(40008)
    if kind == "msgmenu" and not call.account.settings.verified:
        raise ApiError(40200)
    _reachable(call, follower)
    agent = _agent(call)
    line = _content(call, kind)
    budget.spend(follower.buckets, call.now_ms)
    follower.typing_until_ms = 0
    follower.last_exchange_ms = call.now_ms
    entry = {"direction": "out", "passive": False, "type": kind, **line, **_face(agent)}
    call.world.write(call.account, follower, entry)


def typing(call: Call) -> None:
    """Show or hide 对方正在输入."""
    follower = call.follower("touser")
    command = call.body.get("command")
    if not call.account.settings.verified:
        raise ApiError(40200)
    if command not in ("Typing", "CancelTyping"):
        raise ApiError(45072)
    _reachable(call, follower)
    budget.require_window(follower.buckets, call.now_ms)
    if command == "CancelTyping":
        follower.typing_until_ms = 0
        return
    if call.now_ms - follower.last_exchange_ms > RECENT_MS:
        raise ApiError(45080)
    if follower.typing_until_ms > call.now_ms:
        raise ApiError(45081)
    follower.typing_until_ms = call.now_ms + TYPING_MS


def _reachable(call: Call, follower: Follower) -> None:
    if not follower.subscribed and call.account.settings.kind == "official":
        raise ApiError(43004)
    if follower.blacklisted:
        raise ApiError(43019)


def _agent(call: Call) -> KfAccount | None:
    wanted = call.body.get("customservice")
    if wanted is None:
        return None
    name = wanted.get("kf_account") if isinstance(wanted, dict) else None
    settings = call.account.settings
    if not settings.verified or not settings.kf_enabled:
        raise ApiError(65400)
    agent = call.account.kf.get(name) if isinstance(name, str) else None
    if agent is None:
        raise ApiError(65401)
    if settings.require_bound_kf and not agent.wx:
        raise ApiError(65402)
    return agent


def _face(agent: KfAccount | None) -> dict[str, str]:
    if agent is None:
        return {}
    return {"kf_account": agent.kf_account, "kf_nick": agent.nick, "avatar_id": agent.avatar_id}


def _content(call: Call, kind: str) -> dict[str, Any]:
    part = call.body.get(kind)
    if not isinstance(part, dict):
        raise ApiError(44004)
    if kind == "text":
        return _text(part)
    if kind == "news":
        return _news(part)
    if kind == "msgmenu":
        return _menu(part)
    if kind in MEDIA_TYPES:
        return _media(call, kind, part)
    if not isinstance(part.get(REQUIRED[kind]), str) or not part[REQUIRED[kind]]:
        raise ApiError(44004)
    return {"text": str(part.get("title", "")), "detail": part}


def _text(part: dict[str, Any]) -> dict[str, Any]:
    content = part.get("content")
    if not isinstance(content, str) or not content.strip():
        raise ApiError(44004)
    if len(content.encode("utf-8", "surrogatepass")) > TEXT_MAX_BYTES:
        raise ApiError(45002)
    return {"text": content}


def _news(part: dict[str, Any]) -> dict[str, Any]:
    articles = part.get("articles")
    if not isinstance(articles, list) or not articles or not isinstance(articles[0], dict):
        raise ApiError(44004)
    if len(articles) > 1:
        raise ApiError(45008)
    return {"text": str(articles[0].get("title", "")), "articles": articles}


def _menu(part: dict[str, Any]) -> dict[str, Any]:
    rows = part.get("list")
    if not isinstance(rows, list) or not rows:
        raise ApiError(44004)
    lines = [r for r in rows if isinstance(r, dict) and r.get("content")]
    if len(lines) != len(rows):
        raise ApiError(47001)
    return {
        "text": str(part.get("head_content", "")),
        "tail": str(part.get("tail_content", "")),
        "list": [{"id": str(r.get("id", "")), "content": str(r["content"])} for r in lines],
    }


def _media(call: Call, kind: str, part: dict[str, Any]) -> dict[str, Any]:
    item = call.world.find_media(call.account, part.get("media_id"))
    if item is None or item.kind != MEDIA_TYPES[kind]:
        raise ApiError(40007)
    if kind == "video":
        thumb = part.get("thumb_media_id")
        if thumb and call.world.find_media(call.account, thumb) is None:
            raise ApiError(40007)
    return {"media_id": item.media_id, "text": str(part.get("title", ""))}
