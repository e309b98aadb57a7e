"""What customers can paste is stored: without forbidden characters, ``]]>`` as written."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.metrics.prometheus import REGISTRY
from app.wechat.fields import TEXT_CHARS, clean
from app.wechat.inbound import UnknownShape, read_push
from app.wechat.lenient import permitted
from app.wechat.xml import BadPush, Tree, read_json, read_xml
from sessions.model import Inbound
from tests.wechat.pushes import (
    NOW_S,
    OPENID,
    ORIGINAL_ID,
    account,
    plain_query,
    seal,
    sealed_push,
    text_push,
    xml,
)

OTHER = "oSomebodyElse000000000000000"


def push(body: bytes) -> Inbound:
    return read_push(account(), *sealed_push(seal(body)), NOW_S)


def pasted(text: str, kind: str = "text", element: str = "Content") -> Inbound:
    """A push whose sender quotes the text without a look at it."""
    return push(raw(text, kind, element))


def raw(text: str, kind: str = "text", element: str = "Content") -> bytes:
    whole = xml(MsgType=kind, MsgId=7, **{element: "PLACE"})
    return whole.replace(b"PLACE", text.encode("utf-8", "surrogatepass"))


def dropped(what: str) -> float:
    return REGISTRY.get_sample_value("kfring_push_dropped_total", {"what": what}) or 0.0


@pytest.mark.parametrize(
    ("text", "stored", "count"),
    [
        ("订单\x14 \x1dc 号", "订单 c 号", 2),
        ("日志 \x1b[0;32mOK \x02 \x10", "日志 [0;32mOK  ", 3),
        ("a\0b\x0bc\x0cd\x1fe", "abcde", 4),
        ("a\ufffeb\uffffc", "abc", 2),
        ("half a pair \ud83d here", "half a pair  here", 3),
        ("tab\tand\nnew line", "tab\tand\nnew line", 0),
    ],
)
def test_characters_that_xml_forbids_are_dropped_and_counted(
    text: str, stored: str, count: int
) -> None:
    before = dropped("character")
    assert pasted(text).text == stored
    assert dropped("character") - before == count


FILLED_IN = [
    ("link", "Title", "title"),
    ("link", "Description", "description"),
    ("link", "Url", "url"),
    ("location", "Label", "label"),
    ("file", "Title", "title"),
    ("voice", "Recognition", "recognition"),
    ("miniprogrampage", "Title", "title"),
    ("miniprogrampage", "PagePath", "page_path"),
]


@pytest.mark.parametrize(("kind", "element", "name"), FILLED_IN)
def test_every_field_that_people_fill_in_is_read_so(kind: str, element: str, name: str) -> None:
    inbound = pasted("a\x02b ]]> c]]", kind, element)
    assert inbound.media[name] == "ab ]]> c]]"


NESTED = [
    ("scancode_push", "ScanCodeInfo", "ScanResult", lambda media: media["scan_result"]),
    ("location_select", "SendLocationInfo", "Label", lambda media: media["location"]["label"]),
    ("location_select", "SendLocationInfo", "Poiname", lambda media: media["location"]["poi_name"]),
]


@pytest.mark.parametrize(("event", "element", "inner", "of"), NESTED)
def test_so_are_fields_inside_of_others(event: str, element: str, inner: str, of: Any) -> None:
    inside = f"<{inner}><![CDATA[a\x02 ]]> <b>c</b>]]></{inner}>"
    body = xml(MsgType="event", Event=event, **{element: inside})
    assert of(push(body).media) == "a ]]> <b>c</b>"


@pytest.mark.parametrize(
    "text",
    [
        "<xml><Name><![CDATA[张 三]]></Name><status>1</status></xml>",
        "if (a[b[0]]>1) ok",
        "]]>",
        "a]]>b<![CDATA[c",
        "a]]><b>1</b><![CDATA[c",
        "]]><b>1</b><![CDATA[",
        "]]><!-- x --><![CDATA[",
        "]]><?php x ?><![CDATA[",
        "]]>&e;<![CDATA[",
        "]]><!DOCTYPE x [<!ENTITY e 'a'>]><![CDATA[",
        "]]></Content></xml>",
        "]]>" + "<a>" * 50,
        "ends with ]",
        "ends with ]]",
    ],
)
def test_text_that_its_sender_did_not_split_is_stored_as_written(text: str) -> None:
    assert pasted(text).text == text


@pytest.mark.parametrize(
    "text",
    [
        f"x]]></Content><FromUserName><![CDATA[{OTHER}]]></FromUserName><Content><![CDATA[y",
        "x]]></Content><MsgType><![CDATA[event]]></MsgType><Content><![CDATA[y",
        "x]]></Content><bizmsgmenuid>1</bizmsgmenuid><Content><![CDATA[y",
        "x]]></Content><MsgId>9</MsgId><Content><![CDATA[y",
    ],
)
def test_no_text_adds_a_field_to_its_push(text: str) -> None:
    inbound = pasted(text)
    assert (inbound.text, inbound.openid, inbound.type) == (text, OPENID, "text")
    assert (inbound.menu_id, inbound.msg_id) == ("", "7")


def test_not_even_where_the_text_comes_before_its_sender() -> None:
    forged = f"x]]></Content><FromUserName><![CDATA[{OTHER}]]></FromUserName><a><![CDATA["
    body = (
        f"<xml><Content><![CDATA[{forged}]]></Content><FromUserName>{OPENID}</FromUserName>"
        f"<ToUserName>{ORIGINAL_ID}</ToUserName><CreateTime>{NOW_S}</CreateTime>"
        "<MsgType>text</MsgType><MsgId>1</MsgId></xml>"
    )
    inbound = push(body.encode())
    assert (inbound.openid, inbound.text) == (OPENID, forged)


def test_text_that_was_split_by_its_sender_is_joined() -> None:
    assert pasted("a]]]]><![CDATA[>b").text == "a]]>b"


PIECES = st.sampled_from(
    [
        *("]]>", "]]", "]", "<![CDATA[", "</Content>", "<Content>", "</xml>", "&", "&#1;", "<a>"),
        *("<!--", "\x01", "\0", "\r", "\n", "字", "\ud800", "<FromUserName>x</FromUserName>"),
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=5), max_size=10).map("".join)


@settings(max_examples=600, deadline=None)
@given(TEXTS, st.sampled_from(["Content", "Title"]))
@example("]]></Content>", "Content")
@example("]]>&#1;", "Content")
def test_any_text_is_stored_as_written(text: str, element: str) -> None:
    if "]]><![CDATA[" in permitted(text)[0]:
        return  # what a sender who splits would write: read as such
    body = raw(text, "text" if element == "Content" else "link", element)
    tree = read_xml(body)
    assert tree[element].replace("\r\n", "\n") == _newlines(permitted(text)[0])
    assert (tree["FromUserName"], tree["MsgId"]) == (OPENID, "7")


def _newlines(text: str) -> str:
    """As XML reads the ends of lines, and as the quick reader leaves them."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_any_text_in_json_too(text: str) -> None:
    fields = {
        "ToUserName": ORIGINAL_ID,
        "FromUserName": OPENID,
        "CreateTime": NOW_S,
        "MsgType": "text",
        "MsgId": 1,
        "Content": text,
    }
    wanted = clean(permitted(text)[0], TEXT_CHARS)
    assert push(json.dumps(fields).encode()).text == wanted
    unescaped = json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace")
    assert push(unescaped.replace(b"\\n", b"\n")).text == clean(
        permitted(text.encode("utf-8", "replace").decode())[0], TEXT_CHARS
    )


READ: dict[str, tuple[bytes, Tree]] = {
    "not UTF-8": (b"<xml><a>x\xff\xfey</a></xml>", {"a": "xy"}),
    "cut within a character": ("<xml><a>字".encode()[:-1] + b"</a></xml>", {"a": ""}),
    "NUL": (b"<xml><a>\0</a></xml>", {"a": ""}),
    "control": (b"<xml><a>\x01</a></xml>", {"a": ""}),
    "NUL reference": (b"<xml><a>&#0;&#65;</a></xml>", {"a": "A"}),
    "surrogate reference": (b"<xml><a>&#xD800;</a></xml>", {"a": ""}),
    "reference beyond Unicode": (b"<xml><a>&#9999999999;</a></xml>", {"a": ""}),
    "reference within CDATA": (b"<xml><a><![CDATA[&#0;\1]]></a></xml>", {"a": "&#0;"}),
    "two fields of one name": (b"<xml><a>1</a><a>2</a></xml>", {"a": ["1", "2"]}),
    "odd names": (b"<xml><a:b>1</a:b><c>2</c><d-e>3</d-e></xml>", {"c": "2"}),
    "JSON twice": (b'{"a":1,"a":2,"b":3}', {"a": ["1", "2"], "b": "3"}),
    "JSON nested twice": (b'{"b":{"a":1,"a":2}}', {"b": {"a": ["1", "2"]}}),
    "JSON surrogate": (b'{"a":"x\\ud800"}', {"a": "x"}),
    "JSON control": (b'{"a":"x\x01\ty\0"}', {"a": "x\ty"}),
    "JSON odd names": (b'{"a b":1," OpenID":"o"}', {"OpenID": "o"}),
}


@pytest.mark.parametrize("name", READ)
def test_slips_of_the_sender_are_read(name: str) -> None:
    body, tree = READ[name]
    assert (read_json if body.startswith(b"{") else read_xml)(body) == tree


def test_fields_with_odd_names_are_dropped_and_counted() -> None:
    before = dropped("field")
    body = xml(MsgType="text", Content="x", MsgId=1).replace(b"</xml>", b"<a:b>1</a:b><c.d/></xml>")
    assert push(body).text == "x"
    assert dropped("field") - before == 2


def test_one_list_of_pictures_for_each_picture_is_read() -> None:
    one = "<PicList><item><PicMd5Sum>{}</PicMd5Sum></item></PicList>"
    info = one.format("aa") + one.format("bb") + "<Count>2</Count>"
    inbound = push(xml(MsgType="event", Event="pic_weixin", SendPicsInfo=info))
    assert inbound.media == {"count": 2, "pictures": ["aa", "bb"]}


def test_a_field_repeated_at_the_top_is_a_list() -> None:
    steps = "".join(
        f"<Actions><ActionTime>{n}</ActionTime><ActionMsg>{n}</ActionMsg></Actions>" for n in (1, 2)
    )
    body = xml(MsgType="event", Event="add_express_path", WayBillId="W1")
    inbound = push(body.replace(b"</xml>", steps.encode() + b"</xml>"))
    assert inbound.media == {"waybill": "W1", "detail": "2"}


ONE, TWO = {"TemplateId": "1"}, {"TemplateId": "2"}


@pytest.mark.parametrize(
    ("fields", "notices"),
    [
        ({"List": ONE}, [ONE]),
        ({"List": [ONE, TWO]}, [ONE, TWO]),
        ({"SubscribeMsgPopupEvent": {"List": ONE}}, [ONE]),
        ({"SubscribeMsgChangeEvent": {"List": [ONE, TWO]}}, [ONE, TWO]),
        ({}, []),
    ],
)
def test_notices_are_read_at_the_top_and_in_any_wrapper(
    fields: dict[str, Any], notices: list[Any]
) -> None:
    common = {"ToUserName": ORIGINAL_ID, "FromUserName": OPENID, "CreateTime": NOW_S}
    event = {"MsgType": "event", "Event": "subscribe_msg_change_event"}
    assert push(json.dumps(common | event | fields).encode()).media == {"notices": notices}


def test_events_of_one_second_are_told_apart_by_what_they_say() -> None:
    first, second = (
        xml(MsgType="event", Event="user_get_card", CardId="c", UserCardCode=code) for code in "12"
    )
    assert push(first).dedup_key == push(first).dedup_key
    assert push(first).dedup_key != push(second).dedup_key
    scan = "<ScanType>qrcode</ScanType><ScanResult>{}</ScanResult>"
    scans = [
        xml(MsgType="event", Event="scancode_push", EventKey="k", ScanCodeInfo=scan.format(n))
        for n in (1, 2)
    ]
    assert len({push(one).dedup_key for one in scans}) == 2


PERSONS = ["user_info_modified", "user_authorization_revoke", "user_authorization_cancellation"]


@pytest.mark.parametrize("event", PERSONS)
def test_an_event_about_a_person_is_that_persons(event: str) -> None:
    fields = {"MsgType": "event", "Event": event, "FromUserName": "system@platform"}
    keys = set()
    for openid in (OPENID, OTHER):
        inbound = push(xml(**fields, OpenID=openid, RevokeInfo="201"))
        assert (inbound.openid, inbound.to) == (openid, ORIGINAL_ID)
        assert inbound.media == {"withdrawn": "201"}
        keys.add(inbound.dedup_key)
    assert len(keys) == 2
    with pytest.raises(UnknownShape):
        push(xml(**fields))


def test_the_body_around_a_proven_cipher_text_is_still_refused() -> None:
    query, body = sealed_push(seal(text_push()))
    for odd in (body.replace(b"<xml>", b"<xml>x"), body.replace(b"</xml>", b"<a/>")):
        with pytest.raises(BadPush) as caught:
            read_push(account(), query, odd, NOW_S)
        assert not isinstance(caught.value, UnknownShape)


def test_plain_mode_stores_what_is_pasted_too() -> None:
    body = raw("a\x02 ]]> b")
    assert read_push(account("plain"), plain_query(), body, NOW_S).text == "a ]]> b"
