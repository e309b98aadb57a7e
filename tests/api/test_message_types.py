"""Every type that ``custom/send`` knows, with its limits checked before the platform is asked."""

from __future__ import annotations

from typing import Any

import pytest

from simulator import samples
from tests.api.conftest import Client, Node
from tests.api.test_messages import code, served, status_of
from tests.support import wait_until

ARTICLE = {"title": "双十一活动", "description": "满减", "url": "https://example.com/a"}
MENU = {"head": "请选择", "items": ["查物流", "开发票"], "tail": "点一下即可"}
PAGE = {"title": "订单", "appid": "wx0123456789abcdef", "pagepath": "pages/order?id=1"}


def sends(client: Client, sid: str, **body: Any) -> dict[str, Any]:
    answer = client.post(f"/sessions/{sid}/messages", {"client_id": "c-1", **body})
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()["data"]
    wait_until(lambda: status_of(client, sid, found["id"]) == "sent")
    return found


def last(node: Node) -> dict[str, Any]:
    return [row for row in node.transcript("o1") if row["direction"] == "out"][-1]


def uploaded(client: Client, content: bytes) -> str:
    files = {"file": ("a.bin", content)}
    ident: str = client.send("POST", "/api/v1/media", files=files).json()["data"]["media_id"]
    return ident


def test_a_news_link_arrives_with_its_one_article(node: Node) -> None:
    anna, sid = served(node)
    message = sends(anna, sid, type="news", article=ARTICLE)
    assert message["text"] == "双十一活动" and message["media"]["url"] == ARTICLE["url"]
    assert last(node)["articles"] == [ARTICLE]


def test_a_menu_arrives_with_numbered_items(node: Node) -> None:
    anna, sid = served(node)
    sends(anna, sid, type="msgmenu", menu=MENU)
    assert [row["content"] for row in last(node)["list"]] == MENU["items"]
    assert [row["id"] for row in last(node)["list"]] == ["1", "2"]


def test_a_mini_program_page_arrives_with_its_picture(node: Node) -> None:
    anna, sid = served(node)
    picture = uploaded(anna, samples.jpeg())
    sends(anna, sid, type="miniprogrampage", page=PAGE, media_id=picture)
    assert last(node)["detail"]["pagepath"] == PAGE["pagepath"]
    assert last(node)["detail"]["thumb_media_id"]


def test_a_video_may_have_a_caption(node: Node) -> None:
    anna, sid = served(node)
    clip = uploaded(anna, samples.mp4())
    sends(anna, sid, type="video", media_id=clip, caption={"title": "安装"})
    assert last(node)["text"] == "安装"


@pytest.mark.parametrize(
    "body",
    [
        {"type": "news", "article": {**ARTICLE, "url": "javascript:alert(1)"}},
        {"type": "news", "article": {**ARTICLE, "title": ""}},
        {"type": "news"},
        {"type": "news", "article": ARTICLE, "text": "x"},
        {"type": "news", "article": ARTICLE, "menu": MENU},
        {"type": "msgmenu", "menu": {**MENU, "items": []}},
        {"type": "msgmenu", "menu": {**MENU, "items": ["x"] * 11}},
        {"type": "miniprogrampage", "page": PAGE},
        {"type": "miniprogrampage", "page": {**PAGE, "appid": "x"}, "media_id": "m"},
        {"type": "image"},
        {"type": "text", "text": "a", "caption": {"title": "b"}},
        {"type": "wxcard"},
    ],
)
def test_what_the_platform_would_refuse_is_refused_here(node: Node, body: dict[str, Any]) -> None:
    anna, sid = served(node)
    answer = anna.post(f"/sessions/{sid}/messages", {"client_id": "c", **body})
    assert code(answer) == (422, "invalid")
    assert anna.data(f"/sessions/{sid}")["budget"]["remaining"] == 5


def test_a_closing_with_a_survey_asks_and_an_answer_is_shown_on_the_conversation(
    node: Node,
) -> None:
    anna, sid = served(node)
    assert anna.post(f"/sessions/{sid}/close", {"survey": True}).status_code == 200
    wait_until(lambda: bool([r for r in node.transcript("o1") if r["type"] == "msgmenu"]))
    menu = last(node)
    assert [row["content"][0] for row in menu["list"]] == ["5", "4", "3", "2", "1"]
    tapped = menu["list"][1]
    node.says("o1", "", content=tapped["content"], menu_id=tapped["id"])
    rating = anna.data(f"/sessions/{sid}")["rating"]
    assert rating["score"] == 4 and rating["rated_ms"] > 0
    assert anna.data("/sessions?mine=1") == []
