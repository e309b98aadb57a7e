"""Reading the sim API's JSON: what a customer does and how it is to be delivered."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

from simulator.push import TAMPERINGS, Options

OPENID = re.compile(r"[A-Za-z0-9_-]{1,64}")
COPIES_MAX = 16
RETRIES_MAX = 10
DEADLINE_MAX_S = 30.0
MSG_ID_MAX = 2**63 - 1


class BadRequest(Exception):
    """What is wrong with the request, in words."""


def need_openid(openid: str) -> str:
    """The openid, or BadRequest."""
    if not OPENID.fullmatch(openid):
        raise BadRequest("an openid has 1 to 64 characters A-Z a-z 0-9 _ -")
    return openid


def read_spec(raw: object) -> dict[str, Any]:
    """The act with ``type`` set, ``data`` decoded from base64 and ``extra`` an object."""
    if not isinstance(raw, dict):
        raise BadRequest("the body is a JSON object")
    _need_unicode(raw)
    spec = dict(raw)
    spec.setdefault("type", "event" if spec.get("event") else "text")
    if not isinstance(spec["type"], str) or not spec["type"]:
        raise BadRequest("type is a message type or event")
    if spec["type"] == "event" and not isinstance(spec.get("event"), str):
        raise BadRequest("an event needs its name in event")
    if not isinstance(spec.setdefault("extra", {}), dict):
        raise BadRequest("extra is an object of further elements")
    for name in ("msg_id", "create_time"):
        if spec.get(name) is not None:
            spec[name] = _whole(name, spec[name], 1, MSG_ID_MAX)
    if spec.get("media"):
        spec["data"] = _bytes(spec["media"])
    return spec


def read_options(raw: dict[str, Any]) -> Options:
    """copies, concurrent, retries, deadline_s, tamper."""
    tamper = raw.get("tamper") or ""
    if tamper not in TAMPERINGS:
        raise BadRequest(f"tamper is one of {', '.join(TAMPERINGS[1:])}")
    deadline = raw.get("deadline_s")
    if deadline is not None and not (
        isinstance(deadline, (int, float)) and 0 < deadline <= DEADLINE_MAX_S
    ):
        raise BadRequest("deadline_s is a number above 0, at most 30")
    retries = raw.get("retries")
    return Options(
        copies=_whole("copies", raw.get("copies", 1), 1, COPIES_MAX),
        concurrent=bool(raw.get("concurrent")),
        retries=None if retries is None else _whole("retries", retries, 1, RETRIES_MAX),
        deadline_s=deadline,
        tamper=tamper,
    )


def _whole(name: str, value: object, low: int, high: int) -> int:
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,19}", text):
        raise BadRequest(f"{name} is a whole number")
    if not low <= int(text) <= high:
        raise BadRequest(f"{name} is between {low} and {high}")
    return int(text)


def _need_unicode(raw: dict[str, Any]) -> None:
    try:
        json.dumps(raw, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise BadRequest("half a surrogate pair is no text") from error


def _bytes(value: object) -> bytes:
    try:
        return base64.b64decode(str(value), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest("media is base64") from error
