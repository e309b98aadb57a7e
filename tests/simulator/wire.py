"""Building and reading what passes between the platform and a server."""

from __future__ import annotations

import time
from typing import Any
from xml.etree import ElementTree

from simulator import crypto
from tests.simulator.conftest import AES_KEY, APPID, GH, OPENID, TOKEN

GREY = "该公众号暂时无法提供服务，请稍后再试"


def text_reply(content: str = "排队中", **change: str) -> str:
    fields = {"ToUserName": OPENID, "FromUserName": GH, "CreateTime": "1", "MsgType": "text"}
    inner = "".join(f"<{k}>{v}</{k}>" for k, v in {**fields, **change}.items())
    return f"<xml>{inner}<Content>{content}</Content></xml>"


def envelope(xml: str, nonce: str = "n", **change: str) -> str:
    sealed = crypto.encrypt(AES_KEY, APPID, xml.encode())
    stamp = str(int(time.time()))
    fields = {
        "Encrypt": sealed,
        "MsgSignature": crypto.sign(TOKEN, stamp, nonce, sealed),
        "TimeStamp": stamp,
        "Nonce": nonce,
    }
    return "<xml>" + "".join(f"<{k}>{v}</{k}>" for k, v in {**fields, **change}.items()) + "</xml>"


def opened(row: dict[str, Any]) -> dict[str, str]:
    """The inner elements of a safe-mode push, its signature checked."""
    outer = {e.tag: e.text or "" for e in ElementTree.fromstring(row["body"])}
    args = row["args"]
    proof = crypto.sign(TOKEN, args["timestamp"], args["nonce"], outer["Encrypt"])
    assert proof == args["msg_signature"]
    inner = ElementTree.fromstring(crypto.decrypt(AES_KEY, APPID, outer["Encrypt"]))
    return {e.tag: e.text or "" for e in inner}
