"""Followers and their tags (wechat-platform 8.2, 8.3)."""

from __future__ import annotations

from typing import Any

from simulator.errors import ApiError
from simulator.gate import Call, Gate
from simulator.state import Follower

BATCH_MAX = 100
PAGE_MAX = 10_000
REMARK_MAX = 30
TAGS_MAX = 100
TAGS_PER_USER = 20
TAG_NAME_MAX_BYTES = 30
TAG_MEMBERS_MAX = 50


def register(gate: Gate) -> None:
    """Put the handlers under their paths."""
    gate.add("/cgi-bin/user/info", info, "GET", "none")
    gate.add("/cgi-bin/user/info/batchget", batch)
    gate.add("/cgi-bin/user/info/updateremark", remark)
    gate.add("/cgi-bin/user/get", followers, "GET", "none")
    gate.add("/cgi-bin/tags/create", create_tag)
    gate.add("/cgi-bin/tags/get", list_tags, "GET", "none")
    gate.add("/cgi-bin/tags/getidlist", tags_of)
    gate.add("/cgi-bin/tags/members/batchtagging", tag_members)
    gate.add("/cgi-bin/tags/members/batchuntagging", untag_members)


def info(call: Call) -> dict[str, Any]:
    """What the platform still tells of a user: no nickname, no head picture since 2021."""
    return _describe(call.follower("openid", dict(call.args)))


def batch(call: Call) -> dict[str, Any]:
    """Up to 100 users at once."""
    rows = call.body.get("user_list")
    if not isinstance(rows, list) or not 1 <= len(rows) <= BATCH_MAX:
        raise ApiError(40032)
    sources = [r if isinstance(r, dict) else {} for r in rows]
    return {"user_info_list": [_describe(call.follower("openid", r)) for r in sources]}


def remark(call: Call) -> None:
    """Set the remark, under 30 characters."""
    follower = call.follower()
    words = call.body.get("remark")
    if not isinstance(words, str) or len(words) >= REMARK_MAX:
        raise ApiError(47001)
    follower.remark = words
    _save(call, follower)


def followers(call: Call) -> dict[str, Any]:
    """A page of openids after ``next_openid``."""
    names = [f.openid for f in call.account.followers.values() if f.subscribed]
    after = call.args.get("next_openid", "")
    if after and after not in names:
        raise ApiError(40003)
    page = names[names.index(after) + 1 if after else 0 :][:PAGE_MAX]
    answer: dict[str, Any] = {"total": len(names), "count": len(page)}
    if page:
        answer["data"] = {"openid": page}
    return {**answer, "next_openid": page[-1] if page else ""}


def create_tag(call: Call) -> dict[str, Any]:
    """A new tag with a name of its own."""
    tag = call.body.get("tag")
    name = tag.get("name") if isinstance(tag, dict) else None
    if not isinstance(name, str) or not name:
        raise ApiError(47001)
    if len(name.encode()) > TAG_NAME_MAX_BYTES:
        raise ApiError(45158)
    books = call.account.books
    if name in books.tags.values():
        raise ApiError(45157)
    if len(books.tags) >= TAGS_MAX:
        raise ApiError(45056)
    tag_id, books.next_tag_id = books.next_tag_id, books.next_tag_id + 1
    books.tags[tag_id] = name
    call.world.touch("books", call.account.appid, "")
    return {"tag": {"id": tag_id, "name": name}}


def list_tags(call: Call) -> dict[str, Any]:
    """All tags with their numbers of users."""
    everyone = call.account.followers.values()
    return {
        "tags": [
            {"id": i, "name": name, "count": sum(i in f.tags for f in everyone)}
            for i, name in call.account.books.tags.items()
        ]
    }


def tags_of(call: Call) -> dict[str, Any]:
    """A user's tag ids."""
    return {"tagid_list": list(call.follower().tags)}


def tag_members(call: Call) -> None:
    """Give up to 50 users a tag."""
    tag_id, members = _members(call)
    if any(len(f.tags) >= TAGS_PER_USER and tag_id not in f.tags for f in members):
        raise ApiError(45059)
    for follower in members:
        if tag_id not in follower.tags:
            follower.tags.append(tag_id)
            _save(call, follower)


def untag_members(call: Call) -> None:
    """Take a tag from up to 50 users."""
    tag_id, members = _members(call)
    for follower in members:
        if tag_id in follower.tags:
            follower.tags.remove(tag_id)
            _save(call, follower)


def _members(call: Call) -> tuple[int, list[Follower]]:
    tag_id, names = call.body.get("tagid"), call.body.get("openid_list")
    if tag_id in (0, 1, 2):
        raise ApiError(45058)
    if not isinstance(tag_id, int) or tag_id not in call.account.books.tags:
        raise ApiError(45159)
    if not isinstance(names, list) or not 1 <= len(names) <= TAG_MEMBERS_MAX:
        raise ApiError(40032)
    return tag_id, [call.follower("openid", {"openid": name}) for name in names]


def _describe(follower: Follower) -> dict[str, Any]:
    if not follower.subscribed:
        return {"subscribe": 0, "openid": follower.openid, "tagid_list": []}
    return {
        "subscribe": 1,
        "openid": follower.openid,
        "nickname": "",
        "sex": 0,
        "city": "",
        "province": "",
        "country": "",
        "headimgurl": "",
        "subscribe_time": follower.subscribe_s,
        "remark": follower.remark,
        "groupid": follower.tags[0] if follower.tags else 0,
        "tagid_list": list(follower.tags),
        "subscribe_scene": follower.scene,
        "qr_scene": int(follower.qr_scene) if follower.qr_scene.isdecimal() else 0,
        "qr_scene_str": "" if follower.qr_scene.isdecimal() else follower.qr_scene,
    }


def _save(call: Call, follower: Follower) -> None:
    call.world.touch("follower", call.account.appid, follower.openid)
