"""Pushes as they stand on the wire: XML for official accounts, JSON for mini programs."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any

from simulator.state import MediaItem

Body = dict[str, Any]


def cdata(text: str) -> str:
    """A CDATA section; an inner end mark is split over two sections."""
    return "<![CDATA[" + text.replace("]]>", "]]]]><![CDATA[>") + "]]>"


def to_xml(body: Mapping[str, Any]) -> str:
    """Elements under <xml>: integers bare, text in CDATA, mappings and lists nested."""
    return "<xml>" + "".join(_element(k, v) for k, v in body.items()) + "</xml>"


def to_json(body: Mapping[str, Any]) -> str:
    """The mini programs' form, Chinese unescaped."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _element(name: str, value: Any) -> str:
    if isinstance(value, Mapping):
        inner = "".join(_element(k, v) for k, v in value.items())
    elif isinstance(value, list):
        return "".join(_element(name, v) for v in value)
    elif isinstance(value, int):
        inner = str(int(value))
    else:
        inner = cdata(str(value))
    return f"<{name}>{inner}</{name}>"


def new_msg_id(now_ms: int) -> int:
    """A positive 64-bit number that grows with time."""
    return (now_ms << 21) | secrets.randbits(21)


def message_elements(spec: Mapping[str, Any], media: MediaItem | None) -> Body:
    """Own elements of an ordinary message (wechat-platform 2.1), from the sim API's fields."""
    kind = spec["type"]
    media_id = media.media_id if media else str(spec.get("media_id", ""))
    if kind == "text":
        body: Body = {"Content": str(spec.get("text", spec.get("content", "")))}
        if spec.get("menu_id"):
            body["bizmsgmenuid"] = str(spec["menu_id"])
        return body
    if kind == "image":
        url = f"http://mmbiz.qpic.cn/mmbiz_jpg/{media_id}/0"
        return {"PicUrl": url, "MediaId": media_id}
    if kind == "voice":
        body = {"MediaId": media_id, "Format": "amr", "MediaId16K": media_id + "_16K"}
        if "recognition" in spec:
            body["Recognition"] = str(spec["recognition"])
        return body
    if kind in ("video", "shortvideo"):
        return {"MediaId": media_id, "ThumbMediaId": str(spec.get("thumb_media_id", ""))}
    return _plain_elements(kind, spec)


def _plain_elements(kind: str, spec: Mapping[str, Any]) -> Body:
    if kind == "location":
        return {
            "Location_X": str(spec.get("latitude", "23.137466")),
            "Location_Y": str(spec.get("longitude", "113.352425")),
            "Scale": str(spec.get("scale", "15")),
            "Label": str(spec.get("label", "广州市海珠区客村艺苑路12号")),
        }
    if kind == "link":
        return {
            "Title": str(spec.get("title", "一篇文章")),
            "Description": str(spec.get("description", "")),
            "Url": str(spec.get("url", "https://example.com/")),
        }
    if kind == "file":
        return {
            "Title": str(spec.get("title", "发票.pdf")),
            "Description": str(spec.get("description", "")),
            "FileKey": str(spec.get("file_key", secrets.token_hex(16))),
            "FileMd5": str(spec.get("file_md5", secrets.token_hex(16))),
            "FileTotalLen": int(spec.get("file_total_len", 1024)),
        }
    if kind == "miniprogrampage":
        return {
            "Title": str(spec.get("title", "小程序")),
            "AppId": str(spec.get("page_appid", "wx0000000000000000")),
            "PagePath": str(spec.get("page_path", "pages/index/index")),
            "ThumbUrl": str(spec.get("thumb_url", "")),
            "ThumbMediaId": str(spec.get("thumb_media_id", "")),
        }
    return {}


def event_elements(spec: Mapping[str, Any], msg_id: int) -> Body:
    """Own elements of an event (wechat-platform 2.2)."""
    event = str(spec.get("event", ""))
    key = str(spec.get("event_key", ""))
    body: Body = {"Event": event}
    if event == "LOCATION":
        body |= {
            "Latitude": str(spec.get("latitude", "23.137466")),
            "Longitude": str(spec.get("longitude", "113.352425")),
            "Precision": str(spec.get("precision", "119.385040")),
        }
    elif event in ("TEMPLATESENDJOBFINISH", "MASSSENDJOBFINISH"):
        body |= {"MsgID": msg_id, "Status": str(spec.get("status", "success"))}
        if event == "MASSSENDJOBFINISH":
            body |= {"TotalCount": 1, "FilterCount": 1, "SentCount": 1, "ErrorCount": 0}
    elif event == "user_enter_tempsession":
        body["SessionFrom"] = str(spec.get("session_from", "sim"))
    elif event in ("kf_create_session", "kf_close_session"):
        body["KfAccount"] = str(spec.get("kf_account", ""))
    elif event == "kf_switch_session":
        body["FromKfAccount"] = str(spec.get("from_kf_account", ""))
        body["ToKfAccount"] = str(spec.get("to_kf_account", ""))
    else:
        body["EventKey"] = key
        body |= _event_details(event, spec)
    return body


def _event_details(event: str, spec: Mapping[str, Any]) -> Body:
    if event == "SCAN" or (event == "subscribe" and spec.get("event_key")):
        return {"Ticket": str(spec.get("ticket", "gQ" + secrets.token_hex(24)))}
    if event in ("VIEW", "view_miniprogram"):
        return {"MenuId": int(spec.get("menu_id", 0) or 410000000)}
    if event in ("scancode_push", "scancode_waitmsg"):
        result = str(spec.get("scan_result", "1"))
        return {"ScanCodeInfo": {"ScanType": "qrcode", "ScanResult": result}}
    if event in ("pic_sysphoto", "pic_photo_or_album", "pic_weixin"):
        item = {"PicMd5Sum": secrets.token_hex(16)}
        return {"SendPicsInfo": {"Count": 1, "PicList": {"item": [item]}}}
    if event == "location_select":
        place = _plain_elements("location", spec)
        return {"SendLocationInfo": {**place, "Poiname": str(spec.get("poiname", ""))}}
    return {}
