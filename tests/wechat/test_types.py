"""Every message and event type of wechat-platform 2 becomes an Inbound with its own fields."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from app.wechat.fields import ACCOUNT
from app.wechat.inbound import BadPush, UnknownShape, read_push
from sessions.model import Inbound
from tests.wechat.pushes import (
    NOW_S,
    OPENID,
    ORIGINAL_ID,
    account,
    plain_query,
    seal,
    sealed_push,
    sealed_query,
    text_push,
    xml,
)


def read(**fields: Any) -> Inbound:
    return read_push(account(), *sealed_push(seal(xml(**fields))), NOW_S)


def read_json(tree: dict[str, Any]) -> Inbound:
    encrypted = seal(json.dumps(tree).encode())
    body = json.dumps({"ToUserName": ORIGINAL_ID, "Encrypt": encrypted}).encode()
    return read_push(account(kind="miniprogram"), sealed_query(encrypted), body, NOW_S)


def test_text_keeps_what_the_customer_wrote() -> None:
    inbound = read(MsgType="text", Content=" 你好 👩‍👩‍👧 & <b>\n2 ", MsgId=1, bizmsgmenuid="101")
    assert inbound == Inbound(
        appid="wxba5fad812f8e6fb9",
        openid=OPENID,
        to=ORIGINAL_ID,
        created_s=NOW_S,
        kind="message",
        type="text",
        event="",
        event_key="",
        msg_id="1",
        text=" 你好 👩‍👩‍👧 & <b>\n2 ",
        media={},
        menu_id="101",
        dedup_key=f"m:{OPENID}:1",
    )


MESSAGES = [
    (
        "image",
        {"PicUrl": "http://p/1", "MediaId": "m1"},
        {"media_id": "m1", "pic_url": "http://p/1"},
    ),
    (
        "voice",
        {"MediaId": "m1", "Format": "amr", "MediaId16K": "m2", "Recognition": "你好"},
        {"media_id": "m1", "media_id_16k": "m2", "format": "amr", "recognition": "你好"},
    ),
    (
        "video",
        {"MediaId": "m1", "ThumbMediaId": "t1"},
        {"media_id": "m1", "thumb_media_id": "t1"},
    ),
    (
        "shortvideo",
        {"MediaId": "m1", "ThumbMediaId": "t1"},
        {"media_id": "m1", "thumb_media_id": "t1"},
    ),
    (
        "location",
        {"Location_X": "23.134521", "Location_Y": "-113.358803", "Scale": "20", "Label": "位置"},
        {"lat": 23.134521, "lon": -113.358803, "scale": 20, "label": "位置"},
    ),
    (
        "link",
        {"Title": "t", "Description": "d", "Url": "https://u/"},
        {"title": "t", "description": "d", "url": "https://u/"},
    ),
    (
        "file",
        {"Title": "a.pdf", "FileKey": "k", "FileMd5": "0f", "FileTotalLen": "12"},
        {
            "title": "a.pdf",
            "description": "",
            "file_key": "k",
            "file_md5": "0f",
            "file_total_len": 12,
        },
    ),
    (
        "miniprogrampage",
        {
            "Title": "t",
            "AppId": "wx2",
            "PagePath": "p?a=1",
            "ThumbUrl": "http://t",
            "ThumbMediaId": "m",
        },
        {
            "title": "t",
            "appid": "wx2",
            "page_path": "p?a=1",
            "thumb_url": "http://t",
            "thumb_media_id": "m",
        },
    ),
]


@pytest.mark.parametrize(("kind", "fields", "media"), MESSAGES, ids=[row[0] for row in MESSAGES])
def test_each_message_type_gives_its_media(
    kind: str, fields: dict[str, Any], media: dict[str, Any]
) -> None:
    for inbound in (
        read(MsgType=kind, MsgId=7, **fields),
        read_json(
            {
                "ToUserName": ORIGINAL_ID,
                "FromUserName": OPENID,
                "CreateTime": NOW_S,
                "MsgType": kind,
                "MsgId": 7,
                **fields,
            }
        ),
    ):
        assert (inbound.kind, inbound.type, inbound.text) == ("message", kind, "")
        assert inbound.media == media
        assert inbound.dedup_key == f"m:{OPENID}:7"
        json.dumps(inbound.media)


SCAN_INFO = "<a><ScanType>qrcode</ScanType><ScanResult><![CDATA[<1>]]></ScanResult></a>"[3:-4]
PICS = (
    "<Count>2</Count><PicList><item><PicMd5Sum>aa</PicMd5Sum></item>"
    "<item><PicMd5Sum>bb</PicMd5Sum></item></PicList>"
)
PLACE = (
    "<Location_X>23</Location_X><Location_Y>113.5</Location_Y><Scale>15</Scale>"
    "<Label>l</Label><Poiname>p</Poiname>"
)
PICTURES = {"count": 2, "pictures": ["aa", "bb"]}
EVENTS = [
    ("subscribe", "", {}, {"ticket": "", "scene": ""}),
    ("subscribe", "qrscene_123", {"Ticket": "T"}, {"ticket": "T", "scene": "123"}),
    ("unsubscribe", "", {}, {}),
    ("SCAN", "123", {"Ticket": "T"}, {"ticket": "T", "scene": "123"}),
    (
        "LOCATION",
        "",
        {"Latitude": "23.1", "Longitude": "113.3", "Precision": "119.385040"},
        {"latitude": 23.1, "longitude": 113.3, "precision": 119.38504},
    ),
    ("CLICK", "menu_key", {}, {}),
    ("VIEW", "https://u/?a=1&b=2", {"MenuId": "9"}, {"menu_id": "9"}),
    ("view_miniprogram", "pages/index", {"MenuId": "9"}, {"menu_id": "9"}),
    (
        "scancode_push",
        "k",
        {"ScanCodeInfo": SCAN_INFO},
        {"scan_type": "qrcode", "scan_result": "<1>"},
    ),
    (
        "scancode_waitmsg",
        "k",
        {"ScanCodeInfo": SCAN_INFO},
        {"scan_type": "qrcode", "scan_result": "<1>"},
    ),
    ("pic_sysphoto", "k", {"SendPicsInfo": PICS}, PICTURES),
    ("pic_photo_or_album", "k", {"SendPicsInfo": PICS}, PICTURES),
    (
        "pic_weixin",
        "k",
        {
            "SendPicsInfo": "<Count>1</Count>"
            "<PicList><item><PicMd5Sum>aa</PicMd5Sum></item></PicList>"
        },
        {"count": 1, "pictures": ["aa"]},
    ),
    (
        "location_select",
        "k",
        {"SendLocationInfo": PLACE},
        {"location": {"lat": 23.0, "lon": 113.5, "scale": 15, "label": "l", "poi_name": "p"}},
    ),
    (
        "TEMPLATESENDJOBFINISH",
        "",
        {"MsgID": 200163836, "Status": "failed:user block"},
        {"msg_id": "200163836", "status": "failed:user block"},
    ),
    (
        "MASSSENDJOBFINISH",
        "",
        {
            "MsgID": 1,
            "Status": "sendsuccess",
            "TotalCount": 100,
            "FilterCount": 80,
            "SentCount": 75,
            "ErrorCount": 5,
        },
        {
            "msg_id": "1",
            "status": "sendsuccess",
            "total_count": 100,
            "filter_count": 80,
            "sent_count": 75,
            "error_count": 5,
        },
    ),
    ("kf_create_session", "", {"KfAccount": "a@b"}, {"kf_account": "a@b"}),
    (
        "kf_close_session",
        "",
        {"KfAccount": "a@b", "CloseType": "KF"},
        {"kf_account": "a@b"},
    ),
    (
        "kf_switch_session",
        "",
        {"FromKfAccount": "a@b", "ToKfAccount": "c@b"},
        {"from_kf_account": "a@b", "to_kf_account": "c@b"},
    ),
    ("user_enter_tempsession", "", {"SessionFrom": "s"}, {"session_from": "s"}),
    (
        "subscribe_msg_popup_event",
        "",
        {
            "SubscribeMsgPopupEvent": "<List><TemplateId>1</TemplateId></List>"
            "<List><TemplateId>2</TemplateId></List>"
        },
        {"notices": [{"TemplateId": "1"}, {"TemplateId": "2"}]},
    ),
    ("something_new", "k", {"Whatever": "x"}, {}),
]


@pytest.mark.parametrize(("event", "key", "fields", "media"), EVENTS)
def test_each_event_gives_its_payload_and_keeps_its_case(
    event: str, key: str, fields: dict[str, Any], media: dict[str, Any]
) -> None:
    inbound = read(MsgType="event", Event=event, EventKey=key, **fields)
    assert (inbound.kind, inbound.type, inbound.event) == ("event", "event", event)
    assert (inbound.event_key, inbound.msg_id, inbound.text) == (key, "", "")
    assert inbound.media == media
    openid = "" if event in ACCOUNT else OPENID
    assert inbound.openid == openid
    assert inbound.dedup_key.startswith(f"e:{openid}:{NOW_S}:{event}:")
    json.dumps(inbound.media)


def test_an_event_without_an_event_key_is_read() -> None:
    assert read(MsgType="event", Event="kf_create_session").event_key == ""


def test_a_kf_event_that_names_the_parties_the_other_way_round_is_read_by_shape() -> None:
    inbound = read(
        MsgType="event", Event="kf_close_session", FromUserName=ORIGINAL_ID, ToUserName=OPENID
    )
    assert (inbound.openid, inbound.to) == (OPENID, ORIGINAL_ID)


def test_an_unknown_message_type_is_kept_as_unsupported() -> None:
    inbound = read(MsgType="hologram", MsgId=3, Depth="9")
    assert (inbound.type, inbound.text) == ("unsupported", "[unsupported]")
    assert inbound.media == {"original_type": "hologram"}
    assert inbound.dedup_key == f"m:{OPENID}:3"


def test_a_message_from_an_article_names_the_article() -> None:
    inbound = read(MsgType="text", Content="x", MsgId=1, MsgDataId="d", Idx=2)
    assert inbound.media == {"msg_data_id": "d", "article_idx": 2}


def test_an_empty_text_is_read() -> None:
    assert read(MsgType="text", Content="", MsgId=1).text == ""


def test_messages_without_an_id_are_told_apart_by_what_they_say() -> None:
    first = read(MsgType="text", Content="a")
    assert first.dedup_key == read(MsgType="text", Content="a").dedup_key
    assert first.dedup_key != read(MsgType="text", Content="b").dedup_key
    assert len(first.dedup_key) <= 200


def test_long_event_keys_give_short_and_different_duplicate_keys() -> None:
    long = "https://u/" + "x" * 1500
    keys = {read(MsgType="event", Event="VIEW", EventKey=long + end).dedup_key for end in "ab"}
    assert len(keys) == 2
    assert all(len(key) <= 200 for key in keys)


def test_controls_and_bidi_overrides_are_taken_out_of_text() -> None:
    tree = {
        "ToUserName": ORIGINAL_ID,
        "FromUserName": OPENID,
        "CreateTime": NOW_S,
        "MsgType": "text",
        "MsgId": "a1_b",
        "Content": "a\u202eb\u0001c\u2066d\ne\tf\u0000",
    }
    inbound = read_json(tree)
    assert inbound.text == "abcd\ne\tf"
    assert inbound.msg_id == "a1_b"


def test_text_is_cut_at_its_limit() -> None:
    assert len(read(MsgType="text", Content="字" * 5000, MsgId=1).text) == 4096


def test_a_2048_byte_text_is_kept_whole() -> None:
    text = "字" * 682 + "ab"
    assert read(MsgType="text", Content=text, MsgId=1).text == text


def test_plain_mode_reads_xml_and_json_by_the_url_signature_alone() -> None:
    assert read_push(account("plain"), plain_query(), text_push("x"), NOW_S).text == "x"
    tree = {"ToUserName": "gh_1", "FromUserName": "o1", "CreateTime": 1, "MsgType": "text"}
    body = json.dumps({**tree, "Content": "j", "MsgId": 18446744073709551616}).encode()
    inbound = read_push(account("plain", kind="miniprogram"), plain_query(), body, NOW_S)
    assert (inbound.text, inbound.msg_id) == ("j", "18446744073709551616")


def test_in_compat_mode_only_the_encrypted_part_counts() -> None:
    clear = "<Content><![CDATA[forged]]></Content><FromUserName><![CDATA[oForged]]></FromUserName>"
    push = sealed_push(seal(text_push("true")), clear)
    inbound = read_push(account("compat"), *push, NOW_S)
    assert (inbound.text, inbound.openid) == ("true", OPENID)


def test_xml_with_declaration_and_line_breaks_between_elements_is_read() -> None:
    body = re.sub(rb"(</\w+>|<xml>)", rb"\1\n  ", text_push("x"))
    body = b'<?xml version="1.0" encoding="UTF-8"?>\n' + body + b"\n"
    assert read_push(account("plain"), plain_query(), body, NOW_S).text == "x"


@pytest.mark.parametrize(
    "fields",
    [
        {"MsgType": "text", "Content": "<a>1</a>", "MsgId": 1},
        {"MsgType": "text", "Content": "x", "MsgId": "<a>1</a>"},
        {"MsgType": "event", "Event": "scancode_push", "ScanCodeInfo": "flat"},
        {"MsgType": "event", "Event": ""},
        {"MsgType": "event", "Event": "pic_weixin", "SendPicsInfo": "<PicList>x</PicList>"},
        {"MsgType": "image", "MediaId": "m" * 600, "MsgId": 1},
        {"MsgType": "image", "MediaId": "a b", "MsgId": 1},
        {"MsgType": "", "MsgId": 1},
        {"MsgType": "text", "MsgId": 1, "FromUserName": "o" * 10_000},
        {"MsgType": "text", "MsgId": 1, "FromUserName": "o:1"},
        {"MsgType": "text", "MsgId": 1, "FromUserName": ORIGINAL_ID + "@"},
        {"MsgType": "text", "MsgId": 1, "CreateTime": "99999999999999999999"},
        {"MsgType": "text", "MsgId": 1, "CreateTime": "-1"},
        {"MsgType": "text", "MsgId": "1 2"},
    ],
)
def test_fields_out_of_shape_make_an_unknown_shape(fields: dict[str, Any]) -> None:
    with pytest.raises(UnknownShape):
        read(**fields)


def test_what_attacks_is_no_unknown_shape_even_where_it_is_proven() -> None:
    for body in (
        b"<!DOCTYPE xml><xml><a>1</a></xml>",
        b"<xml><a>&e;</a></xml>",
        b"<xml>" + b"<a>" * 9 + b"</a>" * 9 + b"</xml>",
        b"<xml>" + b"<a/>" * 400 + b"</xml>",
        b'{"a":' + b"[" * 20 + b"]" * 20 + b"}",
    ):
        with pytest.raises(BadPush) as caught:
            read_push(account(), *sealed_push(seal(body)), NOW_S)
        assert not isinstance(caught.value, UnknownShape)
