"""The platform's published vectors (wechat-platform 1.5)."""

from __future__ import annotations

import pytest

from simulator import crypto
from tests.simulator.conftest import AES_KEY, APPID, TOKEN

SEALED = (
    "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcv"
    "ZqzDpVzazhZv6JsXUnnR8XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3F"
    "n2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIjdf8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSe"
    "OBrebufAlr7F9mFUPAJGj04="
)
REPLY = "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ=="


def test_signatures_of_the_published_verification_and_push_fit() -> None:
    assert crypto.sign(TOKEN, "1714036504", "1514711492") == (
        "f464b24fc39322e44b38aa78f5edd27bd1441696"
    )
    assert crypto.sign(TOKEN, "1714037059", "486452656") == (
        "899cf89e464efb63f54ddac96b0a0a235f53aa78"
    )
    assert crypto.sign(TOKEN, "1714112445", "415670741", SEALED) == (
        "046e02f8204d34f8ba5fa3b1db94908f3df2e9b3"
    )


def test_the_published_push_decrypts() -> None:
    message = crypto.decrypt(AES_KEY, APPID, SEALED)
    assert len(message) == 167
    assert b'"Event":"debug_demo","debug_str":"hello world"' in message


def test_the_published_reply_encrypts_to_the_same_text() -> None:
    sealed = crypto.encrypt(AES_KEY, APPID, b'{"demo_resp":"good luck"}', b"707722b803182950")
    assert sealed == REPLY
    assert crypto.sign(TOKEN, "1713424427", "415670741", sealed) == (
        "1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1"
    )


@pytest.mark.parametrize("length", range(0, 70))
def test_every_length_survives_the_round_trip(length: int) -> None:
    message = b"x" * length
    assert crypto.decrypt(AES_KEY, APPID, crypto.encrypt(AES_KEY, APPID, message)) == message


@pytest.mark.parametrize("sealed", ["", "!", "AAAA", "A" * 64, SEALED[:-8] + "AAAAAAA="])
def test_garbage_is_refused_as_an_envelope_error(sealed: str) -> None:
    with pytest.raises(crypto.EnvelopeError):
        crypto.decrypt(AES_KEY, APPID, sealed)


def test_an_envelope_for_another_appid_is_refused() -> None:
    with pytest.raises(crypto.EnvelopeError, match="appid"):
        crypto.decrypt(AES_KEY, "wx0000000000000000", SEALED)
