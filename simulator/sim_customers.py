"""Sim API for customers: act, look at the phone, list."""

from __future__ import annotations

import threading
from typing import Any

from flask import Blueprint, Response, jsonify, request

from simulator import budget, specs
from simulator.api_media import file_response
from simulator.customers import Customers, Refused, visible
from simulator.push import Delivery
from simulator.state import Account, Follower, World, new_openid

EDITABLE = {"remark": str, "blacklisted": bool, "subscribed": bool}


def blueprint(world: World, customers: Customers) -> Blueprint:
    """The routes under /sim/api/followers and /sim/media."""
    bp = Blueprint("sim_customers", __name__, url_prefix="/sim")

    @bp.get("/api/followers")
    def list_followers() -> Response:
        account = chosen_account(world)
        with world.lock:
            rows = [_describe(world, f) for f in account.followers.values()]
        return jsonify(data=rows)

    @bp.post("/api/followers")
    def create_follower() -> Response:
        account, raw = chosen_account(world), json_object()
        openid = specs.need_openid(str(raw.get("openid") or new_openid()))
        with world.lock:
            follower = world.follower(account, openid)
            _edit(world, account, follower, raw)
            return jsonify(_describe(world, follower))

    @bp.patch("/api/followers/<openid>")
    def edit_follower(openid: str) -> Response:
        account = chosen_account(world)
        with world.lock:
            follower = world.follower(account, specs.need_openid(openid))
            _edit(world, account, follower, json_object())
            return jsonify(_describe(world, follower))

    @bp.post("/api/followers/<openid>/messages")
    def act(openid: str) -> tuple[Response, int]:
        account, raw = chosen_account(world), json_object()
        spec, options = specs.read_spec(raw), specs.read_options(raw)
        prepared = customers.prepare(account, specs.need_openid(openid), spec)
        ids = {
            "msg_id": str(prepared.body.get("MsgId", "")),
            "create_time": prepared.body["CreateTime"],
        }
        if raw.get("wait") is False:
            args = (account, prepared, options)
            threading.Thread(target=customers.run, args=args, daemon=True).start()
            return jsonify({**ids, "outcome": "pending"}), 202
        results = customers.run(account, prepared, options)
        return jsonify({**ids, **_report(results), "visible": visible(prepared, results)}), 200

    @bp.get("/api/followers/<openid>/transcript")
    def transcript(openid: str) -> Response:
        account = chosen_account(world)
        after = request.args.get("after", 0, type=int)
        with world.lock:
            follower = account.followers.get(specs.need_openid(openid))
            if follower is None:
                return jsonify(data=[], typing=False, follower=None)
            lines = [_line(line) for line in follower.transcript if line["seq"] > after]
            typing = follower.typing_until_ms > world.clock.now_ms()
            return jsonify(data=lines, typing=typing, follower=_describe(world, follower))

    @bp.get("/media/<media_id>")
    def media(media_id: str) -> Response | tuple[Response, int]:
        with world.lock:
            for account in world.accounts.values():
                item = world.find_media(account, media_id)
                if item is not None:
                    answer = file_response(item)
                    answer.headers["Content-Disposition"] = "inline"
                    answer.headers["X-Content-Type-Options"] = "nosniff"
                    return answer
        return jsonify(error="no such file, or older than three days"), 404

    @bp.errorhandler(Refused)
    def refused(error: Refused) -> tuple[Response, int]:
        return jsonify(error=str(error)), 409

    return bp


def chosen_account(world: World) -> Account:
    """The account of ?appid=, or the first one."""
    account = world.account(request.args.get("appid"))
    if account is None:
        raise specs.BadRequest("unknown appid")
    return account


def json_object() -> dict[str, Any]:
    """The request's JSON object; an empty body is an empty object."""
    if not request.get_data().strip():
        return {}
    raw = request.get_json(force=True, silent=True)
    if not isinstance(raw, dict):
        raise specs.BadRequest("the body is a JSON object")
    return raw


def _edit(world: World, account: Account, follower: Follower, raw: dict[str, Any]) -> None:
    for name, kind in EDITABLE.items():
        if name in raw:
            if not isinstance(raw[name], kind):
                raise specs.BadRequest(f"{name} has the wrong type")
            setattr(follower, name, raw[name])
    world.touch("follower", account.appid, follower.openid)


def _describe(world: World, follower: Follower) -> dict[str, Any]:
    return {
        "openid": follower.openid,
        "remark": follower.remark,
        "subscribed": follower.subscribed,
        "blacklisted": follower.blacklisted,
        "tags": list(follower.tags),
        "last_seq": follower.next_seq - 1,
        "budget": budget.describe(follower.buckets, world.clock.now_ms()),
    }


def _line(line: dict[str, Any]) -> dict[str, Any]:
    shown = dict(line)
    if shown.get("media_id"):
        shown["media_url"] = f"{request.script_root}/sim/media/{shown['media_id']}"
    if shown.get("avatar_id"):
        shown["avatar_url"] = f"{request.script_root}/sim/media/{shown['avatar_id']}"
    return shown


def _report(results: list[Delivery]) -> dict[str, Any]:
    first = next((r for r in results if r.outcome == "reply"), results[0])
    return {
        "attempts": sum(len(r.statuses) for r in results),
        "statuses": [s for r in results for s in r.statuses],
        "outcome": first.outcome,
        "reason": first.reason,
        "reply": first.reply,
        "deliveries": [
            {"statuses": r.statuses, "outcome": r.outcome, "reply": r.reply, "reason": r.reason}
            for r in results
        ],
    }
