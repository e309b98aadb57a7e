"""kf accounts and sessions of the platform's own tool (wechat-platform 6, 7)."""

from __future__ import annotations

from simulator import samples
from tests.simulator.conftest import OPENID, WECHAT_ID, Sim

AGENT = f"alice@{WECHAT_ID}"


def add(sim: Sim, account: str = AGENT, nick: str = "小爱") -> int:
    body = {"kf_account": account, "nickname": nick}
    return int(sim.api("/customservice/kfaccount/add", body)["errcode"])


def test_kf_accounts_are_added_listed_renamed_and_removed(sim: Sim) -> None:
    assert add(sim) == 0
    assert add(sim) == 65406
    assert add(sim, "alice@other") == 65404
    assert add(sim, f"elevenchars@{WECHAT_ID}") == 65404
    assert add(sim, f"b@{WECHAT_ID}", "名" * 17) == 65403
    body = {"kf_account": AGENT, "nickname": "爱丽丝"}
    assert sim.api("/customservice/kfaccount/update", body)["errcode"] == 0
    rows = sim.api("/cgi-bin/customservice/getkflist")["kf_list"]
    assert [(r["kf_account"], r["kf_nick"], r["kf_id"]) for r in rows] == [
        (AGENT, "爱丽丝", "1001")
    ]
    assert sim.api("/customservice/kfaccount/del", {"kf_account": AGENT})["errcode"] == 0
    assert add(sim) == 0
    assert sim.api("/customservice/kfaccount/del", kf_account=AGENT)["errcode"] == 0
    assert sim.api("/customservice/kfaccount/del", kf_account=AGENT)["errcode"] == 65401


def test_an_official_account_has_room_for_a_hundred_kf_accounts(sim: Sim) -> None:
    assert {add(sim, f"a{i}@{WECHAT_ID}") for i in range(100)} == {0}
    assert add(sim) == 65405


def test_invitations_follow_their_rules(sim: Sim) -> None:
    def invite(account: str, worker: str) -> int:
        body = {"kf_account": account, "invite_wx": worker}
        return int(sim.api("/customservice/kfaccount/inviteworker", body)["errcode"])

    other = f"bob@{WECHAT_ID}"
    add(sim), add(sim, other)
    assert invite(AGENT, "no") == 65409
    assert invite(AGENT, "alice_wx") == 0
    assert invite(AGENT, "alice_wx") == 65408
    assert invite(AGENT, "carol_wx") == 65411
    row = sim.api("/cgi-bin/customservice/getkflist")["kf_list"][0]
    assert (row["invite_wx"], row["invite_status"]) == ("alice_wx", "waiting")
    sim.call("PATCH", f"/sim/api/kf/{AGENT}", json={"accept_invite": True, "status": 1})
    assert invite(AGENT, "carol_wx") == 65412
    assert invite(other, "alice_wx") == 65407
    assert sim.api("/cgi-bin/customservice/getkflist")["kf_list"][0]["kf_wx"] == "alice_wx"
    online = sim.api("/cgi-bin/customservice/getonlinekflist")["kf_online_list"]
    assert [r["kf_account"] for r in online] == [AGENT]


def test_an_avatar_is_a_jpeg(sim: Sim) -> None:
    add(sim)
    params = {"access_token": sim.token(), "kf_account": AGENT}
    url = "/customservice/kfaccount/uploadheadimg"
    png, jpeg = {"media": samples.png(4, 4)}, {"media": samples.jpeg()}
    assert sim.call("POST", url, params=params, files=png)["errcode"] == 40005
    assert sim.call("POST", url, params=params, files=jpeg)["errcode"] == 0
    picture = sim.api("/cgi-bin/customservice/getkflist")["kf_list"][0]["kf_headimgurl"]
    assert sim.http.get(picture, timeout=5).content == samples.jpeg()


def test_accounts_without_the_kf_feature_are_refused(sim: Sim) -> None:
    sim.call("PATCH", "/sim/api/account", json={"verified": False})
    assert add(sim) == 48001
    sim.call("PATCH", "/sim/api/account", json={"verified": True, "kf_enabled": False})
    assert add(sim) == 65400


def test_native_sessions_need_a_bound_agent_who_is_online(sim: Sim) -> None:
    create = "/customservice/kfsession/create"
    who = {"kf_account": AGENT, "openid": OPENID}
    sim.say()
    assert sim.api(create, who)["errcode"] == 65401
    add(sim)
    assert sim.api(create, who)["errcode"] == 65402
    sim.call("PATCH", f"/sim/api/kf/{AGENT}", json={"wx": "alice_wx"})
    assert sim.api(create, who)["errcode"] == 65415
    sim.call("PATCH", f"/sim/api/kf/{AGENT}", json={"status": 1})
    assert sim.api(create, who)["errcode"] == 0
    session = sim.api("/customservice/kfsession/getsession", openid=OPENID)
    assert session["kf_account"] == AGENT
    rows = sim.api("/customservice/kfsession/getsessionlist", kf_account=AGENT)["sessionlist"]
    assert [r["openid"] for r in rows] == [OPENID]
    assert sim.api("/customservice/kfsession/getwaitcase")["count"] == 0
