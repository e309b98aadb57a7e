"""Answers to customers, all the way to their phone."""

from __future__ import annotations

from typing import Any

import pytest

from app.delivery.sender import Sender
from sessions.store.outbox import Claim
from simulator import samples
from tests.api.conftest import WECHAT_ID, Client, Node
from tests.support import wait_until


def served(node: Node, prefix: str = "anna") -> tuple[Client, str]:
    client = node.agent(prefix)
    client.online()
    node.says("o1")
    return client, node.session_of("o1")


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json().get("code", "")


def status_of(client: Client, sid: str, message_id: str) -> str:
    rows = client.data(f"/sessions/{sid}/messages")
    return next(row["status"] for row in rows if row["id"] == message_id)


def sent(node: Node, openid: str = "o1") -> list[dict[str, Any]]:
    return [row for row in node.transcript(openid) if row.get("from") != "customer"]


def test_a_reply_reaches_the_customer_once_however_often_it_is_posted(node: Node) -> None:
    anna, sid = served(node)
    body = {"client_id": "c-1", "type": "text", "text": "您好,我是小林"}
    answers = [anna.post(f"/sessions/{sid}/messages", body) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202] * 3
    assert len({answer.json()["data"]["id"] for answer in answers}) == 1
    ident = answers[0].json()["data"]["id"]
    wait_until(lambda: status_of(anna, sid, ident) == "sent")
    assert str(node.transcript("o1")).count("我是小林") == 1
    session = anna.data(f"/sessions/{sid}")
    assert session["budget"]["remaining"] == 4 and session["unread"] == 0


def test_a_reply_is_sent_under_the_request_that_accepted_it_which_the_desk_does_not_see(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, sid = served(node)
    claims: list[Claim] = []
    monkeypatch.setattr(Sender, "send", lambda self, claim: claims.append(claim))
    headers = {"X-Request-ID": "followed-through"}
    answer = anna.post(
        f"/sessions/{sid}/messages", {"client_id": "c", "text": "到"}, headers=headers
    )
    assert answer.status_code == 202 and "request_id" not in answer.json()["data"]
    wait_until(lambda: claims)
    assert claims[0].request_id == "followed-through"


def test_a_registered_agent_answers_under_his_own_kf_account(node: Node) -> None:
    name = f"anna@{WECHAT_ID}"
    node.services.served[node.appid].api.kf_add(name, "小林")
    anna = node.agent("anna", platform="registered")
    anna.online()
    node.says("o1")
    sid = node.session_of("o1")
    ident = anna.post(f"/sessions/{sid}/messages", {"client_id": "c", "text": "到"}).json()
    wait_until(lambda: status_of(anna, sid, ident["data"]["id"]) == "sent")
    assert "小林" in str(node.transcript("o1")) or name in str(node.transcript("o1"))


def test_the_same_client_id_with_other_words_is_refused(node: Node) -> None:
    anna, sid = served(node)
    anna.post(f"/sessions/{sid}/messages", {"client_id": "c", "text": "one"})
    other = anna.post(f"/sessions/{sid}/messages", {"client_id": "c", "text": "two"})
    assert code(other) == (422, "other_content")


def test_only_the_owner_answers_and_only_as_long_as_he_is(node: Node) -> None:
    anna, sid = served(node)
    bob = node.agent("bob")
    body = {"client_id": "c", "text": "hi"}
    assert code(bob.post(f"/sessions/{sid}/messages", body)) == (409, "not_owner")
    epoch = anna.data(f"/sessions/{sid}")["owner_epoch"]
    late = anna.post(f"/sessions/{sid}/messages", {**body, "owner_epoch": epoch + 1})
    assert code(late) == (409, "not_owner")
    good = anna.post(f"/sessions/{sid}/messages", {**body, "owner_epoch": epoch})
    assert good.status_code == 202


def test_the_sixth_reply_is_refused_before_the_platform_does(node: Node) -> None:
    anna, sid = served(node)
    for number in range(5):
        answer = anna.post(
            f"/sessions/{sid}/messages", {"client_id": f"c{number}", "text": str(number)}
        )
        assert answer.status_code == 202
    spent = anna.post(f"/sessions/{sid}/messages", {"client_id": "c6", "text": "6"})
    assert code(spent) == (409, "reply_budget_spent")
    assert anna.data(f"/sessions/{sid}")["budget"]["remaining"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {"client_id": "c", "text": ""},
        {"client_id": "", "text": "a"},
        {"client_id": "c d", "text": "a"},
        {"text": "a"},
        {"client_id": "c", "type": "news", "text": "a"},
        {"client_id": "c", "type": "image"},
        {"client_id": "c", "type": "text", "text": "a", "media_id": "m"},
        {"client_id": "c", "text": "a", "owner_epoch": "1"},
    ],
)
def test_what_cannot_be_sent_is_refused(node: Node, body: dict[str, Any]) -> None:
    anna, sid = served(node)
    assert code(anna.post(f"/sessions/{sid}/messages", body)) == (422, "invalid")


def test_control_characters_that_an_agent_pasted_are_left_out(node: Node) -> None:
    anna, sid = served(node)
    pasted = {"client_id": "c", "text": "a\x00b\x1b[0m\n\tc"}
    answer = anna.post(f"/sessions/{sid}/messages", pasted)
    assert (answer.status_code, answer.json()["data"]["text"]) == (202, "ab[0m\n\tc")
    empty = anna.post(f"/sessions/{sid}/messages", {"client_id": "d", "text": "\x00\x02"})
    assert code(empty) == (422, "invalid")


def test_a_text_longer_than_wechat_takes_is_refused(node: Node) -> None:
    anna, sid = served(node)
    answer = anna.post(f"/sessions/{sid}/messages", {"client_id": "c", "text": "字" * 683})
    assert code(answer) == (413, "too_large")


def test_a_failed_message_is_sent_again_on_demand(node: Node) -> None:
    anna, sid = served(node)
    faults = [{"path": "/cgi-bin/message/custom/send", "errcode": 45002, "count": 1}]
    node.client().http.put(f"{node.simulator.base}/sim/api/faults", json=faults, timeout=10)
    body = {"client_id": "c", "text": "再发一次"}
    message = anna.post(f"/sessions/{sid}/messages", body).json()["data"]
    wait_until(lambda: status_of(anna, sid, message["id"]) == "failed")
    failed = anna.data(f"/sessions/{sid}/messages?after={message['seq'] - 1}")[0]
    assert failed["error"]["errcode"] == 45002 and failed["error"]["reason"]
    again = anna.post(f"/sessions/{sid}/messages/{message['id']}/resend")
    assert again.status_code == 202
    wait_until(lambda: status_of(anna, sid, message["id"]) == "sent")
    twice = anna.post(f"/sessions/{sid}/messages/{message['id']}/resend")
    assert code(twice) == (409, "not_resendable")
    assert code(anna.post(f"/sessions/{sid}/messages/other.1/resend")) == (404, "not_found")


def test_an_uploaded_picture_is_sent_and_seen_by_those_of_the_conversation(node: Node) -> None:
    anna, sid = served(node)
    bob = node.agent("bob")
    picture = samples.png()
    made = anna.send("POST", "/api/v1/media", files={"file": ("发票.png", picture, "text/html")})
    assert made.status_code == 201, made.text
    item = made.json()["data"]
    assert (item["type"], item["mime"], item["size"]) == ("image", "image/png", len(picture))
    body = {"client_id": "p", "type": "image", "media_id": item["media_id"]}
    assert code(bob.post(f"/sessions/{sid}/messages", body)) == (409, "not_owner")
    assert bob.get(f"/media/{item['media_id']}").status_code == 403
    message = anna.post(f"/sessions/{sid}/messages", body).json()["data"]
    wait_until(lambda: status_of(anna, sid, message["id"]) == "sent")
    shown = anna.get(f"/media/{item['media_id']}")
    assert shown.content == picture and shown.headers["Content-Type"] == "image/png"
    assert "sandbox" in shown.headers["Content-Security-Policy"]
    assert shown.headers["X-Content-Type-Options"] == "nosniff"


def test_a_colleagues_upload_cannot_be_sent(node: Node) -> None:
    anna, sid = served(node)
    bob = node.agent("bob")
    data = samples.png()
    item = bob.send("POST", "/api/v1/media", data=data).json()["data"]
    body = {"client_id": "p", "type": "image", "media_id": item["media_id"]}
    assert code(anna.post(f"/sessions/{sid}/messages", body)) == (403, "forbidden")
    own = anna.send("POST", "/api/v1/media", data=data).json()["data"]
    wrong = {"client_id": "p", "type": "voice", "media_id": own["media_id"]}
    assert code(anna.post(f"/sessions/{sid}/messages", wrong)) == (422, "invalid")
    gone = {"client_id": "p", "type": "image", "media_id": "0" * 24}
    assert code(anna.post(f"/sessions/{sid}/messages", gone)) == (404, "not_found")


def test_what_a_customer_sends_is_fetched_and_shown_to_his_agent_only(node: Node) -> None:
    anna, sid = served(node)
    bob = node.agent("bob")
    node.says("o1", type="image")

    def fetched() -> Any:
        last = anna.data(f"/sessions/{sid}/messages")[-1]
        return last if (last["media"] or {}).get("state") == "ready" else None

    message = wait_until(fetched, 15)
    path = f"/media/{message['media']['media_id']}"
    assert anna.get(path).content[:3] in (b"\x89PN", b"\xff\xd8\xff")
    assert bob.get(path).status_code == 403


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"<html>", (415, "unsupported_media")),
        (b"", (422, "invalid")),
        (b"\x02#!SILK_V3 voice", (415, "unsupported_media")),
        (b"#!AMR\n" + bytes(2 * 1024 * 1024), (413, "too_large")),
        (b"\xff\xd8\xff" + bytes(10 * 1024 * 1024), (413, "too_large")),
        (b"\xff\xd8\xff" + bytes(12 * 1024 * 1024), (413, "too_large")),
    ],
    ids=["html", "empty", "silk", "long-voice", "big-image", "huge"],
)
def test_files_that_wechat_would_refuse_are_refused_here(
    node: Node, content: bytes, expected: tuple[int, str]
) -> None:
    anna = node.agent("anna")
    headers = {"Content-Type": "image/png"}
    assert code(anna.send("POST", "/api/v1/media", data=content, headers=headers)) == expected


def test_a_video_is_a_download_and_can_be_read_in_parts(node: Node) -> None:
    anna = node.agent("anna")
    item = anna.send("POST", "/api/v1/media", data=samples.mp4()).json()["data"]
    assert item["type"] == "video"
    path = f"/media/{item['media_id']}"
    assert anna.get(path).headers["Content-Disposition"].startswith("attachment")
    part = anna.node.client(node.token("anna")).http.get(
        f"{node.base}/api/v1{path}", headers={"Range": "bytes=4-7"}, timeout=10
    )
    assert (part.status_code, part.content) == (206, b"ftyp")


def test_replies_keep_their_order(node: Node) -> None:
    anna, sid = served(node)
    ids = [
        anna.post(f"/sessions/{sid}/messages", {"client_id": f"c{n}", "text": f"第{n}句"}).json()
        for n in range(4)
    ]
    wait_until(lambda: status_of(anna, sid, ids[-1]["data"]["id"]) == "sent")
    seen = str(node.transcript("o1"))
    places = [seen.index(f"第{n}句") for n in range(4)]
    assert places == sorted(places)
