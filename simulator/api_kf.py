"""Management of kf accounts (wechat-platform 6)."""

from __future__ import annotations

import re
from typing import Any

from flask import request

from simulator import samples
from simulator.api_media import MB, uploaded_file
from simulator.errors import ApiError
from simulator.gate import Call, Gate
from simulator.state import KfAccount

ACCOUNTS_MAX = 100
NICK_MAX = 16
PREFIX = re.compile(r"[A-Za-z0-9_]{1,10}")
WECHAT_ID = re.compile(r"[A-Za-z][A-Za-z0-9_-]{5,19}")
INVITE_S = 24 * 3600
PER_WORKER = 5
AVATAR_MAX_BYTES = 5 * MB


def register(gate: Gate) -> None:
    """Put the handlers under their paths."""
    gate.add("/customservice/kfaccount/add", add)
    gate.add("/customservice/kfaccount/update", update)
    gate.add("/customservice/kfaccount/del", delete, "ANY")
    gate.add("/customservice/kfaccount/inviteworker", invite)
    gate.add("/customservice/kfaccount/uploadheadimg", avatar, body="files")
    gate.add("/cgi-bin/customservice/getkflist", kf_list, "GET", "none")
    gate.add("/cgi-bin/customservice/getonlinekflist", online_list, "GET", "none")


def require_feature(call: Call) -> None:
    """48001 for an unverified account, 65400 where kf is switched off."""
    if not call.account.settings.verified:
        raise ApiError(48001)
    if not call.account.settings.kf_enabled:
        raise ApiError(65400)


def named(call: Call, source: dict[str, Any] | None = None) -> KfAccount:
    """The kf account of the body or ``source``; 65401 when there is none."""
    require_feature(call)
    name = (call.body if source is None else source).get("kf_account")
    found = call.account.kf.get(name) if isinstance(name, str) else None
    if found is None:
        raise ApiError(65401)
    return found


def save(call: Call, agent: KfAccount) -> None:
    """Mark the kf account for saving."""
    call.world.touch("kf", call.account.appid, agent.kf_account)


def add(call: Call) -> None:
    """A new kf account under the official account's WeChat id."""
    require_feature(call)
    name = call.body.get("kf_account")
    if not isinstance(name, str) or not _well_formed(name, call.account.settings.wechat_id):
        raise ApiError(65404)
    nick = _nick(call)
    if name in call.account.kf:
        raise ApiError(65406)
    if len(call.account.kf) >= ACCOUNTS_MAX:
        raise ApiError(65405)
    books = call.account.books
    agent = KfAccount(name, nick, books.next_kf_id)
    books.next_kf_id += 1
    call.account.kf[name] = agent
    save(call, agent)
    call.world.touch("books", call.account.appid, "")


def update(call: Call) -> None:
    """A new nickname."""
    agent = named(call)
    agent.nick = _nick(call)
    save(call, agent)


def delete(call: Call) -> None:
    """Remove; current callers POST, older ones GET with the name in the query."""
    source = call.body if request.method == "POST" else dict(call.args)
    agent = named(call, source)
    del call.account.kf[agent.kf_account]
    books = call.account.books
    for openid in [o for o, s in books.sessions.items() if s.kf_account == agent.kf_account]:
        del books.sessions[openid]
    save(call, agent)


def invite(call: Call) -> None:
    """Ask a WeChat user to bind the account; the answer comes through the sim API."""
    agent = named(call)
    worker = call.body.get("invite_wx")
    if not isinstance(worker, str) or not WECHAT_ID.fullmatch(worker):
        raise ApiError(65409)
    if agent.wx:
        raise ApiError(65412)
    now_s = call.now_ms // 1000
    if invite_status(agent, now_s) == "waiting":
        raise ApiError(65408 if agent.invite_wx == worker else 65411)
    others = call.account.kf.values()
    if any(a.wx == worker for a in others):
        raise ApiError(65407)
    if any(a.invite_wx == worker and invite_status(a, now_s) == "waiting" for a in others):
        raise ApiError(65408)
    agent.invite_wx, agent.invite_status = worker, "waiting"
    agent.invite_expire_s = now_s + INVITE_S
    save(call, agent)


def avatar(call: Call) -> None:
    """A JPEG of at most 5 MB."""
    agent = named(call, dict(call.args))
    filename, data = uploaded_file()
    if len(data) > AVATAR_MAX_BYTES:
        raise ApiError(40009)
    if samples.mime_of(data) != "image/jpeg":
        raise ApiError(40005)
    item = call.world.keep_media(call.account, "avatar", filename, "image/jpeg", data)
    agent.avatar_id = item.media_id
    save(call, agent)


def kf_list(call: Call) -> dict[str, Any]:
    """All kf accounts."""
    require_feature(call)
    return {"kf_list": [_describe(a, call.now_ms // 1000) for a in call.account.kf.values()]}


def online_list(call: Call) -> dict[str, Any]:
    """Those whose agent has WeChat's own kf tool open."""
    require_feature(call)
    sessions = call.account.books.sessions.values()
    return {
        "kf_online_list": [
            {
                "kf_account": a.kf_account,
                "status": a.status,
                "kf_id": a.kf_id,
                "accepted_case": sum(s.kf_account == a.kf_account for s in sessions),
            }
            for a in call.account.kf.values()
            if a.status
        ]
    }


def invite_status(agent: KfAccount, now_s: int) -> str:
    """waiting, rejected, expired, or empty where nobody was asked."""
    if agent.invite_status == "waiting" and now_s >= agent.invite_expire_s:
        return "expired"
    return agent.invite_status


def _well_formed(name: str, wechat_id: str) -> bool:
    prefix, at, suffix = name.partition("@")
    return bool(PREFIX.fullmatch(prefix)) and at == "@" and suffix == wechat_id


def _nick(call: Call) -> str:
    nick = call.body.get("nickname")
    if not isinstance(nick, str) or not nick.strip() or len(nick) > NICK_MAX:
        raise ApiError(65403)
    return nick


def _describe(agent: KfAccount, now_s: int) -> dict[str, Any]:
    picture = f"{request.host_url}sim/media/{agent.avatar_id}" if agent.avatar_id else ""
    row: dict[str, Any] = {
        "kf_account": agent.kf_account,
        "kf_nick": agent.nick,
        "kf_id": str(agent.kf_id),
        "kf_headimgurl": picture,
    }
    if agent.wx:
        row["kf_wx"] = agent.wx
    elif agent.invite_wx:
        row["invite_wx"] = agent.invite_wx
        row["invite_expire_time"] = agent.invite_expire_s
        row["invite_status"] = invite_status(agent, now_s)
    return row
