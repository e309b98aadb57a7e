"""What each pushed message and event carries beyond the common fields (wechat-platform 2): tables.

A row names the output key, the element on the wire and how to read it. Outputs are JSON-able.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from app.wechat.xml import Tree, UnknownShape

TEXT_CHARS = 4096
URL_CHARS = 2048
NAME_CHARS = 512
ID_CHARS = 512
LIST_ITEMS = 20
WHOLE = ""

Reader = Callable[[Any], Any]
Rows = tuple[tuple[str, str, Reader], ...]

# C0 and C1 controls but newline and tab; bidi embeddings, overrides and isolates, which let text
# lie about its own order; and U+FFFE/U+FFFF, which no XML reply could quote.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]")
_DECIMAL = re.compile(r"[+-]?\d{1,10}(?:\.\d{1,20})?", re.ASCII)
_INTEGER = re.compile(r"\d{1,18}", re.ASCII)
_PRINTABLE = re.compile(r"[\x21-\x7e]*")


def clean(text: str, limit: int) -> str:
    """Text fit to be shown: no controls, no bidi overrides, at most ``limit`` characters."""
    return _UNSEEN.sub("", text)[:limit]


def leaf(value: Any) -> str:
    """The text of one field ("" where absent); a field with fields inside is refused."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UnknownShape("a field has fields inside")
    return value


def shown(limit: int) -> Reader:
    """Reader of text for people, cut at ``limit`` characters."""
    return lambda value: clean(leaf(value).strip(), limit)


def identifier(value: Any) -> str:
    """A name or id made by the platform: printable ASCII, never cut."""
    text = leaf(value).strip()
    if len(text) > ID_CHARS or not _PRINTABLE.fullmatch(text):
        raise UnknownShape("an id is too long or has characters no id has")
    return text


def decimal(value: Any) -> float | None:
    """A coordinate; None where the text is not a plain decimal number."""
    text = leaf(value).strip()
    return float(text) if _DECIMAL.fullmatch(text) else None


def integer(value: Any) -> int | None:
    """A count; None where the text is not a plain number."""
    text = leaf(value).strip()
    return int(text) if _INTEGER.fullmatch(text) else None


def collect(fields: Mapping[str, Any], rows: Rows) -> dict[str, Any]:
    """Read the rows of one table out of a parsed push; the element ``WHOLE`` is the push itself."""
    return {
        name: read(fields if element == WHOLE else fields.get(element))
        for name, element, read in rows
    }


def _branch(value: Any) -> Tree:
    if value is None or value == "":
        return {}
    if not isinstance(value, dict):
        raise UnknownShape("a field has no fields inside")
    return value


def _items(value: Any) -> list[Any]:
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]


def _branches(value: Any) -> list[Tree]:
    """One branch or a list of them: the platform repeats an element, or what is in it."""
    return [_branch(one) for one in _items(value)]


def _picture_sums(value: Any) -> list[str]:
    lists = [one for info in _branches(value) for one in _branches(info.get("PicList"))]
    items = [item for one in lists for item in _branches(one.get("item"))][:LIST_ITEMS]
    return [identifier(item.get("PicMd5Sum")) for item in items]


def _inside(*rows: tuple[str, str, Reader]) -> Reader:
    return lambda value: collect(_branch(value), rows)


def _scene(value: Any) -> str:
    return clean(leaf(value).removeprefix("qrscene_"), NAME_CHARS)


def _notice_list(push: Any) -> list[dict[str, str]]:
    """Read subscription notices: ``List``, at the top (JSON) or in any element named ``…Event`` (XML)."""
    around = [push, *(one for name, one in push.items() if name.endswith("Event"))]
    entries = [
        entry for one in around if isinstance(one, dict) for entry in _branches(one.get("List"))
    ]
    return [
        {clean(name, 64): _TITLE(part) for name, part in entry.items()}
        for entry in entries[:LIST_ITEMS]
    ]


def _last_action(value: Any) -> str:
    """What the newest step of a parcel's way says."""
    steps = _items(value)
    return _TITLE(_branch(steps[-1]).get("ActionMsg")) if steps else ""


_TITLE, _LONG, _URL = shown(NAME_CHARS), shown(TEXT_CHARS), shown(URL_CHARS)
_PLACE: Rows = (
    ("lat", "Location_X", decimal),
    ("lon", "Location_Y", decimal),
    ("scale", "Scale", integer),
    ("label", "Label", _TITLE),
)
_CLIP: Rows = (("media_id", "MediaId", identifier), ("thumb_media_id", "ThumbMediaId", identifier))

MESSAGES: Mapping[str, Rows] = {
    "text": (),
    "image": (("media_id", "MediaId", identifier), ("pic_url", "PicUrl", _URL)),
    "voice": (
        ("media_id", "MediaId", identifier),
        ("media_id_16k", "MediaId16K", identifier),
        ("format", "Format", identifier),
        ("recognition", "Recognition", _LONG),
    ),
    "video": _CLIP,
    "shortvideo": _CLIP,
    "location": _PLACE,
    "link": (
        ("title", "Title", _TITLE),
        ("description", "Description", _LONG),
        ("url", "Url", _URL),
    ),
    "file": (
        ("title", "Title", _TITLE),
        ("description", "Description", _LONG),
        ("file_key", "FileKey", identifier),
        ("file_md5", "FileMd5", identifier),
        ("file_total_len", "FileTotalLen", integer),
    ),
    "miniprogrampage": (
        ("title", "Title", _TITLE),
        ("appid", "AppId", identifier),
        ("page_path", "PagePath", _URL),
        ("thumb_url", "ThumbUrl", _URL),
        ("thumb_media_id", "ThumbMediaId", identifier),
    ),
}

_SCAN_CODE: Rows = (
    ("scan_type", "ScanCodeInfo", lambda value: leaf(_branch(value).get("ScanType"))[:64]),
    ("scan_result", "ScanCodeInfo", lambda value: _LONG(_branch(value).get("ScanResult"))),
)
_PICTURES: Rows = (
    ("count", "SendPicsInfo", lambda value: integer(_branch(value).get("Count"))),
    ("pictures", "SendPicsInfo", _picture_sums),
)
_JOB: Rows = (("msg_id", "MsgID", identifier), ("status", "Status", _TITLE))
_NOTICES: Rows = (("notices", WHOLE, _notice_list),)
_CARD: Rows = (("detail", "CardId", _TITLE),)
_PRODUCT: Rows = (("detail", "KeyStr", _TITLE),)
_WITHDRAWN: Rows = (("withdrawn", "RevokeInfo", _TITLE),)
_MENU_ENTRY: Rows = (("menu_id", "MenuId", _TITLE),)

EVENTS: Mapping[str, Rows] = {
    "subscribe": (("ticket", "Ticket", identifier), ("scene", "EventKey", _scene)),
    "unsubscribe": (),
    "SCAN": (("ticket", "Ticket", identifier), ("scene", "EventKey", _scene)),
    "LOCATION": (
        ("latitude", "Latitude", decimal),
        ("longitude", "Longitude", decimal),
        ("precision", "Precision", decimal),
    ),
    "CLICK": (),
    "VIEW": _MENU_ENTRY,
    "view_miniprogram": _MENU_ENTRY,
    "scancode_push": _SCAN_CODE,
    "scancode_waitmsg": _SCAN_CODE,
    "pic_sysphoto": _PICTURES,
    "pic_photo_or_album": _PICTURES,
    "pic_weixin": _PICTURES,
    "location_select": (
        ("location", "SendLocationInfo", _inside(*_PLACE, ("poi_name", "Poiname", _TITLE))),
    ),
    "TEMPLATESENDJOBFINISH": _JOB,
    "MASSSENDJOBFINISH": (
        *_JOB,
        ("total_count", "TotalCount", integer),
        ("filter_count", "FilterCount", integer),
        ("sent_count", "SentCount", integer),
        ("error_count", "ErrorCount", integer),
    ),
    "kf_create_session": (("kf_account", "KfAccount", identifier),),
    "kf_close_session": (("kf_account", "KfAccount", identifier),),
    "kf_switch_session": (
        ("from_kf_account", "FromKfAccount", identifier),
        ("to_kf_account", "ToKfAccount", identifier),
    ),
    "user_enter_tempsession": (("session_from", "SessionFrom", _TITLE),),
    "subscribe_msg_popup_event": _NOTICES,
    "subscribe_msg_change_event": _NOTICES,
    "subscribe_msg_sent_event": _NOTICES,
    "user_get_card": _CARD,
    "user_gifting_card": _CARD,
    "user_del_card": _CARD,
    "user_consume_card": _CARD,
    "user_view_card": _CARD,
    "user_enter_session_from_card": _CARD,
    "submit_membercard_user_info": _CARD,
    "update_member_card": (
        *_CARD,
        ("bonus", "ModifyBonus", _TITLE),
        ("balance", "ModifyBalance", _TITLE),
    ),
    "user_pay_from_pay_cell": (*_CARD, ("fee", "Fee", integer)),
    "user_authorize_invoice": (
        ("detail", "SuccOrderId", _TITLE),
        ("failed", "FailOrderId", _TITLE),
    ),
    "submit_invoice_title": (("detail", "title", _TITLE),),
    "merchant_order": (("detail", "OrderId", _TITLE),),
    "user_scan_product": _PRODUCT,
    "user_scan_product_enter_session": _PRODUCT,
    "user_scan_product_async": _PRODUCT,
    "WifiConnected": (("detail", "PlaceId", _TITLE),),
    "add_express_path": (("waybill", "WayBillId", _TITLE), ("detail", "Actions", _last_action)),
    "user_info_modified": _WITHDRAWN,
    "user_authorization_revoke": _WITHDRAWN,
    "user_authorization_cancellation": _WITHDRAWN,
}

# Events in which the platform itself is the sender: this element names the customer.
PERSON: Mapping[str, str] = {
    "user_info_modified": "OpenID",
    "user_authorization_revoke": "OpenID",
    "user_authorization_cancellation": "OpenID",
}

# Events about the official account: nobody's act, whoever stands as the sender.
ACCOUNT = frozenset(
    {
        "MASSSENDJOBFINISH",
        "PUBLISHJOBFINISH",
        "annual_renew",
        "card_not_pass_check",
        "card_pass_check",
        "card_pay_order",
        "card_sku_remind",
        "naming_verify_fail",
        "naming_verify_success",
        "poi_check_notify",
        "qualification_verify_fail",
        "qualification_verify_success",
        "trade_manage_order_settlement",
        "trade_manage_remind_access_api",
        "trade_manage_remind_shipping",
        "user_scan_product_verify_action",
        "verify_expired",
        "weapp_audit_delay",
        "weapp_audit_fail",
        "weapp_audit_success",
        "wxa_appeal_record",
        "wxa_category_audit",
        "wxa_illegal_record",
        "wxa_media_check",
        "wxa_nickname_audit",
        "wxa_privacy_apply",
    }
)

# Present on any ordinary message that came from an article page.
ARTICLE: Rows = (("msg_data_id", "MsgDataId", identifier), ("article_idx", "Idx", integer))
