"""Sim API for the platform itself: clock, faults, call log, settings, kf agents, tokens."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request

from simulator import native, tokens
from simulator.config import MODES
from simulator.faults import Faults, RequestLog, parse_fault
from simulator.push import PushEngine
from simulator.sim_customers import chosen_account, json_object
from simulator.specs import BadRequest
from simulator.state import Account, KfAccount, World

ACCOUNT_FIELDS: dict[str, type] = {
    "verified": bool,
    "kf_enabled": bool,
    "require_bound_kf": bool,
    "mode": str,
    "callback_url": str,
    "ip_whitelist": list,
    "encoding_aes_key": str,
}
KF_FIELDS: dict[str, type] = {"status": int, "auto_accept": int, "wx": str, "invite_status": str}


def blueprint(world: World, engine: PushEngine, faults: Faults, log: RequestLog) -> Blueprint:
    """The remaining routes under /sim/api."""
    bp = Blueprint("sim_platform", __name__, url_prefix="/sim/api")
    _clock_routes(bp, world)
    _fault_routes(bp, faults, log)
    _account_routes(bp, world, engine)
    _kf_routes(bp, world)
    return bp


def _clock_routes(bp: Blueprint, world: World) -> None:
    @bp.get("/clock")
    def read_clock() -> Response:
        return jsonify(now_ms=world.clock.now_ms(), offset_ms=world.clock.offset_ms)

    @bp.post("/clock")
    def move_clock() -> Response:
        raw = json_object()
        advance, moment = raw.get("advance_s"), raw.get("set_ms")
        with world.lock:
            if isinstance(advance, (int, float)) and not isinstance(advance, bool):
                world.clock.advance(int(advance * 1000))
            elif type(moment) is int:
                world.clock.set_ms(moment)
            elif raw.get("reset") is True:
                world.clock.offset_ms = 0
            else:
                raise BadRequest("give advance_s, set_ms or reset: true")
            world.touch("clock", "", "")
        return read_clock()


def _fault_routes(bp: Blueprint, faults: Faults, log: RequestLog) -> None:
    @bp.get("/faults")
    def read_faults() -> Response:
        return jsonify(data=faults.describe())

    @bp.put("/faults")
    def put_faults() -> Response:
        raw = request.get_json(force=True, silent=True)
        rows = raw.get("faults") if isinstance(raw, dict) else raw
        if not isinstance(rows, list):
            raise BadRequest("give a list of faults")
        try:
            faults.replace([parse_fault(row) for row in rows])
        except ValueError as error:
            raise BadRequest(str(error)) from error
        return read_faults()

    @bp.delete("/faults")
    def delete_faults() -> Response:
        faults.replace([])
        return read_faults()

    @bp.get("/requests")
    def read_requests() -> Response:
        after = request.args.get("after", 0, type=int)
        return jsonify(data=log.rows(request.args.get("path", ""), after))

    @bp.delete("/requests")
    def delete_requests() -> Response:
        log.clear()
        return jsonify(data=[])


def _account_routes(bp: Blueprint, world: World, engine: PushEngine) -> None:
    @bp.get("/account")
    def read_account() -> Response:
        with world.lock:
            return jsonify(_describe(chosen_account(world)))

    @bp.get("/accounts")
    def list_accounts() -> Response:
        with world.lock:
            return jsonify(data=[_describe(a) for a in world.accounts.values()])

    @bp.patch("/account")
    def edit_account() -> Response:
        account, raw = chosen_account(world), json_object()
        changes = _typed(raw, ACCOUNT_FIELDS)
        if changes.get("mode", "safe") not in MODES:
            raise BadRequest(f"mode is one of {', '.join(MODES)}")
        if "ip_whitelist" in changes:
            changes["ip_whitelist"] = tuple(map(str, changes["ip_whitelist"]))
        with world.lock:
            try:
                world.change(account, **changes)
            except ValueError as error:
                raise BadRequest(str(error)) from error
            return jsonify(_describe(account))

    @bp.get("/verify")
    def verify() -> Response:
        return jsonify(engine.verify(chosen_account(world)))

    @bp.post("/tokens/revoke")
    def revoke() -> Response:
        with world.lock:
            tokens.revoke_all(world, chosen_account(world))
        return jsonify(ok=True)


def _kf_routes(bp: Blueprint, world: World) -> None:
    @bp.patch("/kf/<kf_account>")
    def edit_kf(kf_account: str) -> Response:
        account, raw = chosen_account(world), json_object()
        with world.lock:
            agent = _agent(account, kf_account)
            for name, value in _typed(raw, KF_FIELDS).items():
                setattr(agent, name, value)
            if raw.get("accept_invite") is True:
                agent.wx, agent.invite_wx, agent.invite_status = agent.invite_wx, "", ""
            world.touch("kf", account.appid, kf_account)
        return jsonify(kf_account=kf_account, wx=agent.wx, status=agent.status)

    @bp.post("/kf/<kf_account>/messages")
    def native_message(kf_account: str) -> Response:
        account, raw = chosen_account(world), json_object()
        with world.lock:
            agent = _agent(account, kf_account)
            openid, text = str(raw.get("openid", "")), str(raw.get("text", ""))
            session = native.serving(world, account, openid)
            if session is None or session.kf_account != kf_account or not text:
                raise BadRequest("needs text and a customer whom this agent serves in the tool")
            line = {"opercode": 2002, "text": text, "worker": kf_account}
            native.record(world, account, openid, line)
            entry = {"direction": "out", "type": "text", "text": text, "passive": False}
            face = {"kf_account": kf_account, "kf_nick": agent.nick, "avatar_id": agent.avatar_id}
            world.write(account, world.follower(account, openid), {**entry, **face})
        return jsonify(ok=True)


def _agent(account: Account, kf_account: str) -> KfAccount:
    agent = account.kf.get(kf_account)
    if agent is None:
        raise BadRequest("no such kf account")
    return agent


def _typed(raw: dict[str, Any], fields: dict[str, type]) -> dict[str, Any]:
    for name in raw.keys() & fields.keys():
        if type(raw[name]) is not fields[name]:
            raise BadRequest(f"{name} must be {fields[name].__name__}")
    return {name: raw[name] for name in raw.keys() & fields.keys()}


def _describe(account: Account) -> dict[str, Any]:
    """What may be shown: neither secret, token nor key."""
    settings = account.settings
    names = ["appid", "name", "wechat_id", "original_id", "mode", "kind", "callback_url"]
    names += ["verified", "kf_enabled", "require_bound_kf", "ip_whitelist"]
    menu = [{"event": e, "label": label, "event_key": key} for e, label, key in settings.menu]
    shown = {name: getattr(settings, name) for name in names}
    return {**shown, "menu": menu, "kf_accounts": sorted(account.kf)}
