"""Faults, media, followers, the kept state and the pages."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from simulator import samples
from simulator.__main__ import is_loopback, parse
from simulator.config import SimAccount
from simulator.web import create_simulator, mount
from tests.simulator.conftest import APPID, OPENID, SECRET, WECHAT_ID, Callback, Sim, config

SEND = "/cgi-bin/message/custom/send"


AGENT = f"alice@{WECHAT_ID}"


def upload(sim: Sim, kind: str, data: bytes | None, name: str = "a.bin") -> dict[str, Any]:
    params = {"access_token": sim.token(), "type": kind}
    files = None if data is None else {"media": (name, data)}
    return dict(sim.call("POST", "/cgi-bin/media/upload", params=params, files=files))


def test_an_injected_error_counts_down_and_delivers_nothing(sim: Sim) -> None:
    sim.say()
    sim.fault(path=SEND, errcode=-1, count=2)
    assert [sim.send() for _ in range(3)] == [-1, -1, 0]
    assert len([x for x in sim.transcript() if x["direction"] == "out"]) == 1
    sim.fault(path="/cgi-bin/*", errcode=45009)
    assert sim.send() == 45009
    sim.call("DELETE", "/sim/api/faults")
    assert sim.send() == 0


@pytest.mark.parametrize(
    ("fault", "delivered"),
    [
        ({"http_status": 502}, 0),
        ({"http_status": 502, "after": True}, 1),
        ({"html": True}, 0),
        ({"truncate": True}, 1),
        ({"drop": "close"}, 1),
        ({"drop": True, "hold_ms": 100}, 1),
        ({"latency_ms": 50}, 1),
    ],
)
def test_a_spoilt_answer_says_nothing_about_delivery(
    sim: Sim, fault: dict[str, Any], delivered: int
) -> None:
    sim.say()
    sim.token()
    sim.fault(path=SEND, count=1, **fault)
    if "latency_ms" in fault:
        assert sim.send() == 0
    else:
        with pytest.raises(requests.RequestException):
            sim.send()
    assert len([x for x in sim.transcript() if x["direction"] == "out"]) == delivered
    row = sim.call("GET", "/sim/api/requests", params={"path": SEND})["data"][-1]
    assert (row["fault"], row["handled"]) == (True, bool(delivered))


def test_a_wrong_fault_is_explained(sim: Sim) -> None:
    url = sim.base + "/sim/api/faults"
    assert sim.http.put(url, json=[{"path": SEND, "nonsense": 1}], timeout=5).status_code == 400
    assert sim.http.put(url, json=[{"errcode": 1}], timeout=5).status_code == 400


def test_media_is_kept_three_days_and_given_back_unchanged(sim: Sim) -> None:
    data = samples.png(8, 8)
    media_id = upload(sim, "image", data, "猫.png")["media_id"]
    params = {"access_token": sim.token(), "media_id": media_id}
    answer = sim.http.get(sim.base + "/cgi-bin/media/get", params=params, timeout=5)
    assert answer.content == data
    assert answer.headers["Content-Type"] == "image/png"
    assert "filename=" in answer.headers["Content-Disposition"]
    sim.advance(3 * 86_400)
    assert sim.api("/cgi-bin/media/get", media_id=media_id)["errcode"] == 42001
    sim._token = ""
    assert sim.api("/cgi-bin/media/get", media_id=media_id)["errcode"] == 40007


def test_uploads_are_checked_like_the_platform_does(sim: Sim) -> None:
    assert upload(sim, "poem", b"x")["errcode"] == 40004
    assert upload(sim, "image", None)["errcode"] == 41005
    assert upload(sim, "image", b"")["errcode"] == 44001
    assert upload(sim, "image", b"plain words")["errcode"] == 40005
    assert upload(sim, "image", samples.png(4, 4) + b"x" * 10_485_760)["errcode"] == 40009
    assert upload(sim, "image", b"x" * (16 * 1024 * 1024))["errcode"] == 45001
    assert upload(sim, "voice", samples.amr(60))["type"] == "voice"
    assert upload(sim, "voice", samples.amr(61))["errcode"] == 45007
    assert upload(sim, "thumb", samples.jpeg())["thumb_media_id"]
    assert upload(sim, "thumb", samples.jpeg() + b"x" * 65_536)["errcode"] == 40012


def test_an_image_reaches_the_customer_and_a_video_is_fetched_by_address(sim: Sim) -> None:
    sim.say()
    media_id = upload(sim, "image", samples.png(8, 8))["media_id"]
    body = {"touser": OPENID, "msgtype": "image", "image": {"media_id": media_id}}
    assert sim.api(SEND, body)["errcode"] == 0
    url = sim.transcript()[-1]["media_url"]
    assert sim.http.get(sim.base + url, timeout=5).content == samples.png(8, 8)
    video = upload(sim, "video", samples.mp4())["media_id"]
    address = sim.api("/cgi-bin/media/get", media_id=video)["video_url"]
    assert sim.http.get(address, timeout=5).content == samples.mp4()


def test_what_a_customer_sends_can_be_downloaded(sim: Sim) -> None:
    own = samples.png(3, 3)
    sim.say(type="image", media=base64.b64encode(own).decode(), filename="own.png")
    sim.say(type="voice")
    image, voice = (x["media_id"] for x in sim.transcript())
    params = {"access_token": sim.token(), "media_id": image}
    url = sim.base + "/cgi-bin/media/get"
    assert sim.http.get(url, params=params, timeout=5).content == own
    params["media_id"] = voice + "_16K"
    assert sim.http.get(url, params=params, timeout=5).content.startswith(b"#!AMR")


def test_user_info_tells_no_nickname_and_remark_and_tags_stick(sim: Sim) -> None:
    sim.say(event="subscribe", event_key="qrscene_42")
    tag = sim.api("/cgi-bin/tags/create", {"tag": {"name": "VIP"}})["tag"]["id"]
    members = {"tagid": tag, "openid_list": [OPENID]}
    assert sim.api("/cgi-bin/tags/members/batchtagging", members)["errcode"] == 0
    remark = {"openid": OPENID, "remark": "老客户"}
    assert sim.api("/cgi-bin/user/info/updateremark", remark)["errcode"] == 0
    info = sim.api("/cgi-bin/user/info", openid=OPENID)
    assert (info["subscribe"], info["nickname"], info["remark"]) == (1, "", "老客户")
    assert (info["tagid_list"], info["qr_scene"]) == ([tag], 42)
    assert sim.api("/cgi-bin/tags/getidlist", {"openid": OPENID}) == {"tagid_list": [tag]}
    batch = sim.api("/cgi-bin/user/info/batchget", {"user_list": [{"openid": OPENID}]})
    assert batch["user_info_list"] == [info]
    sim.say(event="unsubscribe")
    assert sim.api("/cgi-bin/user/info", openid=OPENID)["subscribe"] == 0
    assert sim.api("/cgi-bin/user/info", openid="o-stranger")["errcode"] == 40003


def test_several_accounts_live_side_by_side(start: Callable[..., Sim], callback: Callback) -> None:
    second = SimAccount("wx2", "s2", "t2", "B" * 43, callback_url=callback.url)
    sim = start(accounts=(second,))
    sim.say()
    assert sim.call("GET", "/sim/api/followers?appid=wx2")["data"] == []
    answer = sim.call("POST", "/sim/api/followers?appid=wx2", json={})
    assert len(answer["openid"]) == 28
    body = {"grant_type": "client_credential", "appid": "wx2", "secret": "s2"}
    sim._token = sim.call("POST", "/cgi-bin/stable_token", json=body)["access_token"]
    assert sim.send() == 40003
    assert sim.http.get(sim.base + "/sim/api/account?appid=none", timeout=5).status_code == 400


def test_a_restart_keeps_everything(callback: Callback, tmp_path: Path) -> None:
    path = str(tmp_path / "sim.db")
    app = create_simulator(config(callback.url, state_file=path))
    http = app.test_client()
    message = f"/sim/api/followers/{OPENID}/messages"
    http.post(message, json={"type": "image"})
    query = f"appid={APPID}&secret={SECRET}&grant_type=client_credential"
    token = http.get(f"/cgi-bin/token?{query}").json["access_token"]  # type: ignore[index]
    agent = {"kf_account": AGENT, "nickname": "A"}
    http.post(f"/customservice/kfaccount/add?access_token={token}", json=agent)
    http.post("/sim/api/clock", json={"advance_s": 100})
    app.extensions["simulator_snapshot"].flush()

    again = create_simulator(config(callback.url, state_file=path)).test_client()
    send = {"touser": OPENID, "msgtype": "text", "text": {"content": "hi"}}
    send["customservice"] = {"kf_account": AGENT}
    answer = again.post(f"{SEND}?access_token={token}", json=send).json
    assert answer == {"errcode": 0, "errmsg": "ok"}
    lines = again.get(f"/sim/api/followers/{OPENID}/transcript").json["data"]  # type: ignore[index]
    assert [x["direction"] for x in lines] == ["in", "out"]
    assert again.get(lines[0]["media_url"]).data == samples.png()
    assert again.get("/sim/api/clock").json["offset_ms"] == 100_000  # type: ignore[index]


@pytest.mark.parametrize("path", ["/phone", "/demo", "/sim/static/phone.js"])
def test_pages_come_with_a_strict_policy_and_nothing_inline(sim: Sim, path: str) -> None:
    answer = sim.http.get(sim.base + path, timeout=5)
    assert answer.status_code == 200
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    if path in ("/phone", "/demo"):
        assert "<style" not in answer.text
        assert " style=" not in answer.text
        assert " onclick" not in answer.text


def test_another_sites_page_cannot_drive_the_simulator(sim: Sim) -> None:
    url = f"{sim.base}/sim/api/followers"
    foreign = {"Origin": "https://evil.example"}
    assert sim.http.post(url, json={}, headers=foreign, timeout=5).status_code == 403
    own = {"Origin": sim.base}
    assert sim.http.post(url, json={}, headers=own, timeout=5).status_code == 200


def test_mounted_it_takes_exactly_its_prefixes() -> None:
    def name(who: str) -> Any:
        return lambda environ, start_response: [who.encode()]

    both = mount(name("server"), name("simulator"))
    ours = ["/sim", "/sim/api/clock", "/cgi-bin/token", "/customservice/x", "/phone", "/demo"]
    theirs = ["/", "/desk", "/simple", "/phonebook", "/api/v1/login", "/wechat/callback"]
    served = {p: both({"PATH_INFO": p}, lambda *_: None) for p in ours + theirs}
    assert {p for p, who in served.items() if who == [b"simulator"]} == set(ours)


def test_only_loopback_is_bound_unless_asked_otherwise(capsys: pytest.CaptureFixture[str]) -> None:
    assert [
        is_loopback(h) for h in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "example.com")
    ] == [
        True,
        True,
        True,
        False,
        False,
    ]
    with pytest.raises(SystemExit):
        parse(["--host", "0.0.0.0"], {})
    assert "--allow-remote" in capsys.readouterr().err
    assert parse(["--host", "0.0.0.0", "--allow-remote"], {}).host == "0.0.0.0"
    assert parse([], {"SIM_PORT": "9100"}).port == 9100
