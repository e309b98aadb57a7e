"""Hostile requests: refused with BadPush or Refused, quickly, and never with anything else."""

from __future__ import annotations

import base64
import contextlib
import json
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.wechat.inbound import BadPush, Refused, passive_reply, read_push, verify_url
from app.wechat.xml import read_json, read_xml
from tests.wechat.pushes import (
    APPID,
    NONCE,
    NOW_S,
    OPENID,
    account,
    plain_query,
    seal,
    seal_raw,
    sealed_push,
    sealed_query,
    sha1,
    text_push,
    xml,
)
from tests.work import calls_made, least_s

REFUSALS = (BadPush, Refused)


def _attribute_bomb() -> bytes:
    attributes = "".join(f"<!ATTLIST a b{n} CDATA 'x'>" for n in range(1500))
    return f"<!DOCTYPE xml [{attributes}]><xml>{'<a/>' * 2000}</xml>".encode()


def _laughs() -> bytes:
    rows = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE xml [<!ENTITY e0 "ha">{rows}]><xml><a>&e9;</a></xml>'.encode()


ATTRIBUTES = " ".join(f'a{n}=""' for n in range(6000))
ABUSE: dict[str, bytes] = {
    "billion laughs": _laughs(),
    "external entity": b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><xml><a>&e;</a></xml>',
    "external DTD": b'<!DOCTYPE xml SYSTEM "http://127.0.0.1/x.dtd"><xml><a>1</a></xml>',
    "attribute defaults": _attribute_bomb(),
    "undefined entity": b"<xml><a>&e;</a></xml>",
    "deep": b"<xml>" + b"<a>" * 9000 + b"</a>" * 9000 + b"</xml>",
    "siblings": b"<xml>" + b"<a/>" * 16000 + b"</xml>",
    "distinct siblings": b"<xml>" + b"".join(b"<a%d/>" % n for n in range(5000)) + b"</xml>",
    "many attributes": f"<xml {ATTRIBUTES}></xml>".encode(),
    "long attribute": b'<xml a="' + b"x" * 60000 + b'"></xml>',
    "long name": b"<xml><" + b"a" * 60000 + b"/></xml>",
    "UTF-16": "<xml><a>1</a></xml>".encode("utf-16"),
    "UTF-16 declared": '<?xml version="1.0" encoding="utf-16"?><xml><a>1</a></xml>'.encode(
        "utf-16"
    ),
    "GBK declared": b'<?xml version="1.0" encoding="gbk"?><xml><a>1</a></xml>',
    "comment": b"<xml><!-- x --><a>1</a></xml>",
    "comments": b"<xml>" + b"<!---->" * 9000 + b"</xml>",
    "instruction": b"<xml><?php x ?><a>1</a></xml>",
    "mixed content": b"<xml>x<a>1</a></xml>",
    "other root": b"<html><a>1</a></html>",
    "two roots": b"<xml><a>1</a></xml><xml/>",
    "no fields": b"<xml></xml>",
    "text only": b"<xml>hello</xml>",
    "namespace": b"<xml><a:b>1</a:b></xml>",
    "truncated": b"<xml><a>1</a>",
    "open CDATA": b"<xml><a><![CDATA[" + b"]" * 60000,
    "empty": b"",
    "blank": b"   ",
    "too large": b"<xml><a>" + b"x" * 65536 + b"</a></xml>",
    "JSON list": b"[]",
    "JSON deep": b'{"a":' + b"[" * 60000,
    "JSON deep closed": b'{"a":' + b"[" * 20000 + b"]" * 20000 + b"}",
    "JSON wide": json.dumps({f"a{n}": 1 for n in range(4000)}).encode(),
    "JSON many": json.dumps({"a": list(range(9000))}).encode(),
    "JSON NaN": b'{"a":NaN}',
    "JSON odd name": b'{"a b":1}',
    "JSON open": b'{"a":1',
    "JSON big number open": b'{"a":' + b"9" * 60000,
}


CALLS_MOST = 5_000
"""Of functions, for one body; one that is accepted takes some 150, the widest that is refused 3,400."""

GROWING: dict[str, Callable[[int], bytes]] = {
    "long attribute": lambda n: b"<xml a='" + b"x" * n + b"'/>",
    "long name": lambda n: b"<" + b"x" * n + b"/>",
    "many attributes": lambda n: (
        b"<xml " + b" ".join(b"a%d='1'" % m for m in range(n // 10)) + b"/>"
    ),
    "distinct siblings": lambda n: b"".join(
        [b"<xml>", *(b"<a%d/>" % m for m in range(n // 10)), b"</xml>"]
    ),
    "open CDATA": lambda n: b"<xml><a><![CDATA[" + b"]" * n,
    "JSON deep": lambda n: b'{"a":' + b"[" * n,
    "JSON wide": lambda n: json.dumps({f"a{m}": 1 for m in range(n // 13)}).encode(),
    "JSON many": lambda n: json.dumps({"a": list(range(n // 8))}).encode(),
}


def _refused(act: Callable[[], object]) -> None:
    with pytest.raises(REFUSALS):
        act()


@pytest.mark.parametrize("name", ABUSE)
def test_abusive_bodies_are_refused_with_little_work(name: str) -> None:
    """Counted, not timed; the bench says how long the worst of them takes."""
    body, plain, encrypted = ABUSE[name], account("plain"), sealed_query("AAAA")
    ways = [
        lambda: read_push(plain, plain_query(), body, NOW_S),
        lambda: read_push(account(), plain_query(), body, NOW_S),
        lambda: read_push(account(), encrypted, body, NOW_S),
    ]
    if 0 < len(body) < 40_000:
        push = sealed_push(seal(body))
        ways.append(lambda: read_push(account(), *push, NOW_S))
    assert [
        calls for way in ways if (calls := calls_made(lambda w=way: _refused(w))) > CALLS_MOST
    ] == []  # type: ignore[misc]


@pytest.mark.parametrize("name", GROWING)
def test_twice_the_abuse_costs_about_twice_the_work(name: str) -> None:
    """CPU time of the parsers in C, the best of many in turn: four times as much would be a square."""
    plain = account("plain")
    bodies = GROWING[name](30_000), GROWING[name](60_000)
    half, whole = least_s(
        [
            lambda: _refused(lambda: read_push(plain, plain_query(), bodies[0], NOW_S)),
            lambda: _refused(lambda: read_push(plain, plain_query(), bodies[1], NOW_S)),
        ],
        rounds=25,
    )
    assert whole < 3 * half + 0.0005


@pytest.mark.parametrize("name", ABUSE)
def test_abusive_bodies_take_no_memory(name: str) -> None:
    reader = read_json if ABUSE[name].startswith(b"{") else read_xml
    tracemalloc.start()
    try:
        with pytest.raises(BadPush):
            reader(ABUSE[name])
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "body",
    [
        b"<xml>" + b"<Encrypt>" * 7000,
        b"<xml><Encrypt>" + b" " * 60000 + b"</Encryp></xml>",
        b"<xml>" + b"<Encrypt><![CDATA[" * 3400,
        b"<xml>" + b"<Encrypt>A" * 6000,
        b'{"Encrypt":"' + b"A" * 60000,
        b"{" + b'"Encrypt":' * 6000,
    ],
)
def test_looking_for_the_cipher_text_stays_fast(body: bytes) -> None:
    query = sealed_query("AAAA")
    assert calls_made(lambda: _refused(lambda: read_push(account(), query, body, NOW_S))) < 200


@pytest.mark.parametrize("mode", ["safe", "compat"])
def test_an_unencrypted_push_is_refused_where_encryption_is_set(mode: str) -> None:
    with pytest.raises(Refused, match="not encrypted"):
        read_push(account(mode), plain_query(), text_push(), NOW_S)


def test_safe_mode_does_not_take_the_url_signature_for_the_bodys() -> None:
    query, body = sealed_push(seal(text_push()))
    query["msg_signature"] = query["signature"]
    with pytest.raises(Refused, match="bad signature"):
        read_push(account(), query, body, NOW_S)


@pytest.mark.parametrize(
    "name", ["signature", "timestamp", "nonce", "msg_signature", "encrypt_type", "echostr"]
)
def test_a_missing_parameter_is_refused(name: str) -> None:
    safe, body = sealed_push(seal(text_push()))
    echo = {**plain_query(), "echostr": "1"}
    for query in (safe, echo):
        query.pop(name, None)
    with pytest.raises(Refused):
        if name in ("signature", "echostr"):
            verify_url(account(), echo, NOW_S)
        else:
            read_push(account(), safe, body, NOW_S)


@pytest.mark.parametrize("drift_s", [-301, 301])
def test_a_stale_timestamp_is_refused(drift_s: int) -> None:
    query, body = sealed_push(seal(text_push()))
    with pytest.raises(Refused, match="timestamp"):
        read_push(account(), query, body, NOW_S + drift_s)
    with pytest.raises(Refused, match="timestamp"):
        verify_url(account(), {**plain_query(), "echostr": "1"}, NOW_S + drift_s)


@pytest.mark.parametrize("drift_s", [-300, 300])
def test_a_timestamp_at_the_edge_is_taken(drift_s: int) -> None:
    query, body = sealed_push(seal(text_push()))
    assert read_push(account(), query, body, NOW_S + drift_s).text == "hello"


def test_refusals_quote_nothing_of_the_request() -> None:
    query, body = sealed_push(seal(text_push("secret words")))
    query["msg_signature"] = "0" * 40
    with pytest.raises(Refused) as caught:
        read_push(account(), query, body, NOW_S)
    assert "secret" not in repr(caught.value)
    assert "AAAAA" not in repr(caught.value)


def _layout(message: bytes, appid: bytes = APPID.encode(), length: int | None = None) -> bytes:
    size = len(message) if length is None else length
    return b"r" * 16 + size.to_bytes(4, "big") + message + appid


def _padded(plain: bytes, value: int | None = None) -> bytes:
    count = 32 - len(plain) % 32
    return plain + bytes([count if value is None else value]) * count


BROKEN = {
    "pad 0": _padded(_layout(text_push()), 0),
    "pad 33": _padded(_layout(text_push()), 33),
    "pad 255": _padded(_layout(text_push()), 255),
    "uneven pad": _padded(_layout(text_push()))[:-2] + b"\x01\x02",
    "length beyond the end": _padded(_layout(text_push(), length=100_000)),
    "length 2**32-1": _padded(_layout(text_push(), length=2**32 - 1)),
    "length too short": _padded(_layout(text_push(), length=10)),
    "no appid": _padded(_layout(text_push(), b"")),
    "longer appid": _padded(_layout(text_push(), APPID.encode() + b"x")),
    "only padding": bytes([32]) * 32,
    "shorter than a header": _padded(b"r" * 17),
    "empty message": _padded(_layout(b"")),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_signed_but_broken_layout_is_refused(name: str) -> None:
    cipher = base64.b64encode(seal_raw(BROKEN[name])).decode()
    with pytest.raises(REFUSALS):
        read_push(account(), *sealed_push(cipher), NOW_S)


@pytest.mark.parametrize("cipher", ["A", "AAAA", "====", "A" * 44 + "=", "AA=A" * 11, "A" * 63])
def test_signed_text_that_is_no_cipher_text_is_refused(cipher: str) -> None:
    with pytest.raises(BadPush):
        read_push(account(), *sealed_push(cipher), NOW_S)


def test_two_cipher_texts_are_refused() -> None:
    first, second = seal(text_push("a")), seal(text_push("b"))
    query, body = sealed_push(first)
    for twice in (
        body.replace(b"</xml>", f"<Encrypt>{second}</Encrypt></xml>".encode()),
        body.replace(b"</xml>", f"<Encrypt>{first}</Encrypt></xml>".encode()),
    ):
        with pytest.raises(BadPush):
            read_push(account(), query, twice, NOW_S)


def test_a_cipher_text_hidden_in_other_fields_is_refused() -> None:
    cipher = seal(text_push())
    for body in (
        f"<xml><a><Encrypt>{cipher}</Encrypt></a></xml>",
        f"<xml><a><![CDATA[<Encrypt>{cipher}</Encrypt>]]></a></xml>",
        f"<xml><!--<Encrypt>{cipher}</Encrypt>--></xml>",
    ):
        with pytest.raises(BadPush):
            read_push(account(), sealed_query(cipher), body.encode(), NOW_S)


CIPHER = seal(text_push("the true words"))
QUERY, BODY = sealed_push(CIPHER)
TRUE = read_push(account(), QUERY, BODY, NOW_S)


def _accepted_only_unaltered(query: dict[str, str], body: bytes) -> None:
    try:
        inbound = read_push(account(), query, body, NOW_S)
    except REFUSALS:
        return
    assert inbound == TRUE


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, len(BODY) - 1), st.binary(max_size=4), st.integers(0, 4))
@example(0, b"", 4)
def test_no_mutated_body_is_accepted_with_other_content(at: int, put: bytes, cut: int) -> None:
    _accepted_only_unaltered(QUERY, BODY[:at] + put + BODY[at + cut :])


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(QUERY)), st.text(max_size=60))
def test_no_mutated_query_is_accepted_with_other_content(name: str, value: str) -> None:
    _accepted_only_unaltered({**QUERY, name: value}, BODY)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 400), st.integers(1, 255))
def test_flipped_cipher_bytes_signed_anew_raise_only_refusals(at: int, mask: int) -> None:
    raw = bytearray(base64.b64decode(CIPHER))
    raw[at % len(raw)] ^= mask
    with contextlib.suppress(*REFUSALS):
        read_push(account(), *sealed_push(base64.b64encode(raw).decode()), NOW_S)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_any_signed_plain_text_raises_only_refusals(message: bytes) -> None:
    for inner in (message, b"<xml>" + message + b"</xml>", b"{" + message + b"}"):
        with pytest.raises(REFUSALS):
            read_push(account(), *sealed_push(seal(inner)), NOW_S)


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["MsgType", "FromUserName", "Content", "Event", "ScanCodeInfo", "MsgId"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.text(max_size=8), inner, max_size=3)
            ),
            max_leaves=6,
        ),
    )
)
def test_any_json_value_in_any_field_raises_only_refusals(fields: dict[str, object]) -> None:
    base = {
        "ToUserName": "gh_1",
        "FromUserName": OPENID,
        "CreateTime": NOW_S,
        "MsgType": "event",
        "Event": "scancode_push",
    }
    body = json.dumps({**base, **fields}).encode()
    try:
        inbound = read_push(account("plain"), plain_query(), body, NOW_S)
    except REFUSALS:
        return
    json.dumps(inbound.media).encode()
    assert inbound.text.encode() is not None


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300), st.text(alphabet="[]>!<&CDAT", max_size=40))
def test_any_reply_text_reaches_the_customer_as_well_formed_xml(text: str, markup: str) -> None:
    body, _ = passive_reply(account("plain"), TRUE, "!" + text + markup, NOW_S, NONCE)
    tree = read_xml(body.encode())
    assert (tree["ToUserName"], tree["MsgType"]) == (OPENID, "text")
    assert tree["Content"].endswith(markup)


def test_a_reply_is_cut_at_the_platforms_limit_between_characters() -> None:
    body, _ = passive_reply(account("plain"), TRUE, "字" * 1000, NOW_S, NONCE)
    content = read_xml(body.encode())["Content"]
    assert content == "字" * 682


@pytest.mark.parametrize(
    ("text", "kind"), [("", "official"), (" \n", "official"), ("x", "miniprogram")]
)
def test_without_a_text_the_answer_is_success(text: str, kind: str) -> None:
    assert passive_reply(account(kind=kind), TRUE, text, NOW_S, NONCE) == ("success", "text/plain")


def test_the_url_check_refuses_a_wrong_signature_and_odd_echoes() -> None:
    good = {**plain_query(), "echostr": "abc"}
    assert verify_url(account(), good, NOW_S) == "abc"
    for change in (
        {"signature": sha1("other", str(NOW_S), NONCE)},
        {"signature": good["signature"].upper()},
        {"echostr": "a\nb"},
        {"nonce": ""},
        {"timestamp": "1e9"},
        {"timestamp": "١"},
    ):
        with pytest.raises(Refused):
            verify_url(account(), {**good, **change}, NOW_S)


def test_bidi_and_markup_in_shown_fields_stay_text() -> None:
    push = xml(MsgType="link", Title="\u202e<script>x</script>", Url="u", MsgId=1)
    inbound = read_push(account(), *sealed_push(seal(push)), NOW_S)
    assert inbound.media["title"] == "<script>x</script>"
