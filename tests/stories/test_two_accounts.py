"""An official account and a mini program on one node: nothing of one is ever seen in the other."""

from __future__ import annotations

import requests

from simulator import samples
from tests.stories.house import House
from tests.support import wait_until


def test_one_openid_and_one_kf_prefix_in_two_accounts_are_two_people(house: House) -> None:
    shop_amy, mini_amy = house.agent(house.shop, "amy1"), house.agent(house.mini, "amy2")
    house.pushes(house.shop, "o1", text="公众号里问")
    house.pushes(house.mini, "o1", text="小程序里问")
    (of_shop,) = house.data("GET", "/sessions?mine=1", token=shop_amy)
    (of_mini,) = house.data("GET", "/sessions?mine=1", token=mini_amy)
    assert (of_shop["appid"], of_mini["appid"]) == (house.shop, house.mini)
    assert of_shop["kf_account"] == "amy@official_id"
    assert of_mini["kf_account"] == "amy@miniprogram_id"

    for token, session, text in ((shop_amy, of_shop, "店里答"), (mini_amy, of_mini, "程序答")):
        body = {"client_id": "c1", "type": "text", "text": text}
        house.data("POST", f"/sessions/{session['id']}/messages", body, token)
    wait_until(lambda: house.heard(house.shop, "o1") == ["店里答"])
    wait_until(lambda: house.heard(house.mini, "o1")[-1:] == ["程序答"])

    assert house.call("GET", f"/sessions/{of_mini['id']}", token=shop_amy).status_code == 404
    peek = house.call("GET", f"/sessions?appid={house.mini}", token=shop_amy)
    assert peek.status_code == 403


def test_admin_routes_ask_which_account_and_answer_for_that_one_only(house: House) -> None:
    house.agent(house.shop, "amy1")
    assert house.call("GET", "/admin/groups").status_code == 422
    assert house.call("GET", "/admin/groups?appid=wxnobody").status_code == 404
    names = [
        [row["kf_account"] for row in house.data("GET", f"/admin/kf-accounts?appid={appid}")]
        for appid in (house.shop, house.mini)
    ]
    assert names == [["amy@official_id"], []]
    rules = {"keywords": [{"words": ["经理"], "group": "general_support"}]}
    house.data("PUT", f"/admin/routing/transfers?appid={house.shop}", rules)
    versions = [
        house.data("GET", f"/admin/routing/transfers?appid={appid}")["version"]
        for appid in (house.shop, house.mini)
    ]
    assert versions == [1, 0]
    facts = {"vip_level": 5}
    house.data("PUT", f"/customers/o1/facts?appid={house.mini}", facts)
    assert house.call("GET", f"/customers/o1?appid={house.shop}").status_code == 404
    assert house.data("GET", f"/customers/o1?appid={house.mini}")["facts"]["vip_level"] == 5


def test_a_push_with_the_keys_of_one_account_is_refused_by_the_other(house: House) -> None:
    url = f"{house.base}/wechat/callback/wxunknown"
    assert requests.post(url, data=b"<xml/>", timeout=5).status_code == 404
    bare = requests.post(f"{house.base}/wechat/callback", data=b"<xml/>", timeout=5)
    assert bare.status_code == 404


def test_a_mini_program_greets_and_tells_by_message_and_answers_only_success(house: House) -> None:
    entered = house.pushes(house.mini, "o1", type="event", event="user_enter_tempsession")
    assert entered["statuses"] == [200]
    assert not entered.get("reply")
    wait_until(lambda: len(house.heard(house.mini, "o1")) == 1)
    asked = house.pushes(house.mini, "o1", text="在吗")
    assert not asked.get("reply")
    wait_until(lambda: len(house.heard(house.mini, "o1")) == 2)

    amy = house.agent(house.mini, "amy2")
    (session,) = wait_until(lambda: house.data("GET", "/sessions?mine=1", token=amy))
    page = {"title": "订单", "page_path": "pages/order?id=7", "thumb_url": "https://x.example/1"}
    house.pushes(house.mini, "o1", type="miniprogrampage", extra={}, **page)
    house.data("POST", f"/sessions/{session['id']}/typing", {}, amy)
    wait_until(lambda: house.calls("/cgi-bin/message/custom/business/typing"))
    assert not house.calls("/cgi-bin/message/custom/typing")
    messages = house.data("GET", f"/sessions/{session['id']}/messages", token=amy)
    assert [m["type"] for m in messages if m["direction"] == "in"] == ["text", "miniprogrampage"]
    assert [m["status"] for m in messages if m.get("notice")] == ["sent"]


LINK = {"title": "活动", "description": "满减", "url": "https://example.com/a"}
PAGE = {"title": "订单", "pagepath": "pages/order?id=1"}
REFUSED = {
    "voice": {"media_id": "m"},
    "video": {"media_id": "m"},
    "news": {"article": LINK},
    "msgmenu": {"menu": {"head": "请选择", "items": ["查物流"]}},
}


def test_a_mini_program_sends_what_wechat_takes_of_it_and_names_nobody(house: House) -> None:
    amy = house.agent(house.mini, "amy2")
    house.pushes(house.mini, "o1", text="在吗")
    (session,) = house.data("GET", "/sessions?mine=1", token=amy)
    path = f"/sessions/{session['id']}/messages"
    for kind, parts in REFUSED.items():
        answer = house.call("POST", path, {"client_id": kind, "type": kind, **parts}, amy)
        assert (answer.status_code, answer.json()["code"]) == (422, "type_not_for_account")
    (account,) = house.data("GET", "/me", token=amy)["accounts"]
    assert account["sends"] == ["image", "link", "miniprogrampage", "text"]

    house.data("POST", path, {"client_id": "l", "type": "link", "link": LINK}, amy)
    files = {"file": ("a.png", samples.png(8, 8))}
    headers = {"Authorization": f"Bearer {amy}"}
    upload = requests.post(f"{house.base}/api/v1/media", files=files, headers=headers, timeout=20)
    picture = upload.json()["data"]["media_id"]
    page = {"client_id": "p", "type": "miniprogrampage", "page": PAGE, "media_id": picture}
    house.data("POST", path, page, amy)
    wait_until(lambda: house.heard(house.mini, "o1")[-2:] == ["活动", "订单"])
    sent = [call["body"] for call in house.calls("/cgi-bin/message/custom/send")]
    assert all("customservice" not in body for body in sent)
    assert sent[-2]["link"] == LINK
    assert set(sent[-1]["miniprogrampage"]) == {"title", "pagepath", "thumb_media_id"}


def test_an_official_account_sends_no_link_cards_and_names_the_mini_program(house: House) -> None:
    amy = house.agent(house.shop, "amy1")
    house.pushes(house.shop, "o1", text="在吗")
    (session,) = house.data("GET", "/sessions?mine=1", token=amy)
    path = f"/sessions/{session['id']}/messages"
    link = house.call("POST", path, {"client_id": "l", "type": "link", "link": LINK}, amy)
    assert (link.status_code, link.json()["code"]) == (422, "type_not_for_account")
    page = {"client_id": "p", "type": "miniprogrampage", "page": PAGE, "media_id": "m"}
    assert house.call("POST", path, page, amy).json()["code"] == "invalid"


def test_a_mini_program_asks_for_a_rating_with_a_text_and_no_call_is_refused(house: House) -> None:
    amy = house.agent(house.mini, "amy2")
    house.pushes(house.mini, "o1", text="在吗")
    (session,) = house.data("GET", "/sessions?mine=1", token=amy)
    said = len(house.heard(house.mini, "o1"))
    house.data("POST", f"/sessions/{session['id']}/close", {"reason": "done", "survey": True}, amy)
    wait_until(lambda: len(house.heard(house.mini, "o1")) == said + 1)
    calls = house.calls("/cgi-bin/message/custom/send")
    assert {call["body"]["msgtype"] for call in calls} == {"text"}
    assert {call["errcode"] for call in calls} == {0}
    assert "\n" in house.heard(house.mini, "o1")[-1]
