"""The echo of wechatpy's guide in a Flask view; no state."""

import os

from flask import Flask, request
from wechatpy import create_reply, parse_message
from wechatpy.crypto import WeChatCrypto

application = Flask("wechatpy")


@application.post("/<path:path>")
def view(path):
    crypto = WeChatCrypto(*(os.environ[f"PEER_{name}"] for name in ("TOKEN", "KEY", "APPID")))
    signature, stamp, nonce = (request.args[n] for n in ("msg_signature", "timestamp", "nonce"))
    message = parse_message(crypto.decrypt_message(request.data, signature, stamp, nonce))
    reply = create_reply(message.content, message).render()
    return crypto.encrypt_message(reply, nonce, stamp)
