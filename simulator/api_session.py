"""Session control and chat records of WeChat's own kf tool (wechat-platform 7)."""

from __future__ import annotations

from typing import Any

from simulator import native
from simulator.api_kf import named, require_feature
from simulator.errors import ApiError
from simulator.gate import Call, Gate
from simulator.push import PushEngine
from simulator.state import KfAccount

WAIT_ROWS_MAX = 100
RECORDS_MAX = 10_000
SPAN_MAX_S = 24 * 3600


class SessionApi:
    """Needs the push engine, because sessions announce themselves by events."""

    def __init__(self, engine: PushEngine) -> None:
        self.engine = engine

    def register(self, gate: Gate) -> None:
        """Put the handlers under their paths."""
        root = "/customservice/kfsession"
        gate.add(f"{root}/create", self.create)
        gate.add(f"{root}/close", self.close)
        gate.add(f"{root}/getsession", get_session, "GET", "none")
        gate.add(f"{root}/getsessionlist", session_list, "GET", "none")
        gate.add(f"{root}/getwaitcase", wait_case, "GET", "none")
        gate.add("/customservice/msgrecord/getmsglist", message_list)

    def create(self, call: Call) -> None:
        """Give a customer to an agent who is bound and online."""
        agent = _bound(call)
        openid = call.follower().openid
        session = call.account.books.sessions.get(openid)
        if session is not None:
            if session.kf_account != agent.kf_account:
                raise ApiError(65414)
            return
        if not agent.status:
            raise ApiError(65415)
        native.start(call.world, self.engine, call.account, openid, agent.kf_account)

    def close(self, call: Call) -> None:
        """End the session of this agent with this customer."""
        agent = _bound(call)
        openid = call.follower().openid
        session = call.account.books.sessions.get(openid)
        if session is None:
            raise ApiError(65413)
        if session.kf_account != agent.kf_account:
            raise ApiError(65414)
        native.end(call.world, self.engine, call.account, openid)


def get_session(call: Call) -> dict[str, Any]:
    """Who serves a customer."""
    require_feature(call)
    openid = call.follower("openid", dict(call.args)).openid
    session = call.account.books.sessions.get(openid)
    if session is None:
        return {"createtime": 0, "kf_account": ""}
    return {"createtime": session.created_ms // 1000, "kf_account": session.kf_account}


def session_list(call: Call) -> dict[str, Any]:
    """Whom an agent serves."""
    agent = _bound(call, dict(call.args))
    sessions = call.account.books.sessions.items()
    return {
        "sessionlist": [
            {"createtime": s.created_ms // 1000, "openid": openid}
            for openid, s in sessions
            if s.kf_account == agent.kf_account
        ]
    }


def wait_case(call: Call) -> dict[str, Any]:
    """The first hundred of the queue, in order of arrival."""
    require_feature(call)
    waiting = call.account.books.waiting
    rows = sorted(waiting.items(), key=lambda row: row[1])[:WAIT_ROWS_MAX]
    cases = [{"latest_time": since // 1000, "openid": openid} for openid, since in rows]
    return {"count": len(waiting), "waitcaselist": cases}


def message_list(call: Call) -> dict[str, Any]:
    """Chat lines of the tool in a span of at most a day."""
    require_feature(call)
    values = [call.body.get(k) for k in ("starttime", "endtime", "msgid", "number")]
    if any(type(v) is not int for v in values):
        raise ApiError(65416)
    start, end, first, number = (int(v or 0) for v in values)
    if start > end or first < 1 or not 1 <= number <= RECORDS_MAX:
        raise ApiError(65416)
    if end - start > SPAN_MAX_S:
        raise ApiError(65417)
    found = [r for r in call.account.books.records if start <= r["time"] <= end]
    page = found[first - 1 : first - 1 + number]
    return {"recordlist": page, "number": len(page), "msgid": first + len(page)}


def _bound(call: Call, source: dict[str, Any] | None = None) -> KfAccount:
    agent = named(call, source)
    if not agent.wx:
        raise ApiError(65402)
    return agent
