"""Every landed version's data opens in this one, and everything goes on where it was left.

A new landed version: run make_landed_data.py at its commit; its folder is found by its name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from app.commands import backup as cli_backup
from app.commands import check as cli_check
from config.settings import Settings, load_settings
from tests.conftest import need
from tests.e2e.world import ADMIN_PASSWORD, Agent, Caller, Credentials, Node, Platform
from tests.servers import PrivateRedis, redis_missing
from tests.support import wait_until
from tests.upgrade import landed
from tests.upgrade.make_landed_data import LEAD_PASSWORD, PASSWORD, PATIENT

KINDS = ("embedded", "postgresql")


@dataclass(frozen=True)
class Opened:
    """A node of this version on landed data; `facts` are what the landed one left."""

    node: Node
    platform: Platform
    facts: dict[str, Any]

    @property
    def admin(self) -> Caller:
        return Caller(self.node.url, "admin", ADMIN_PASSWORD)

    @property
    def amy(self) -> Agent:
        return Agent(self.node.url, self.facts["amy"], PASSWORD).online()

    @property
    def bob(self) -> Agent:
        return Agent(self.node.url, self.facts["bob"], PASSWORD).online()


def settings_of(node: Node) -> Settings:
    """As `flask kf` reads them for this node."""
    return load_settings(node.env, env_file=None)


@pytest.fixture(scope="module", params=landed.folders(), ids=lambda folder: folder.name)
def folder(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


@pytest.fixture(scope="module", params=KINDS)
def opened(
    request: pytest.FixtureRequest, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Opened]:
    made, home = landed.made(folder), tmp_path_factory.mktemp(request.param)
    facts, credentials = made[request.param], Credentials(**made["credentials"])
    with ExitStack() as stack:
        platform = Platform(credentials)
        stack.callback(platform.stop)
        known_at(platform, facts["amy"], facts["bob"])
        more = PATIENT
        if request.param == "embedded":
            landed.unpack(folder / "embedded.tar.xz", home / "data", facts["made_ms"])
        else:
            url = stack.enter_context(request.getfixturevalue("databases").empty())
            landed.load(folder / "postgresql.sql.xz", url)
            redis_url = on_redis(stack, folder, home, facts["made_ms"])
            more = PATIENT | {"KF_DATABASE_URL": url, "KF_REDIS_URL": redis_url}
            more["KF_BUDGET_RULE"] = made["budget_rule"]
        node = Node(home, credentials, platform, **more)
        stack.callback(node.stop)
        platform.heard("oServed")
        node.start()
        platform.point_to(node)
        yield Opened(node, platform, facts)


def on_redis(stack: ExitStack, folder: Path, home: Path, made_ms: int) -> str:
    """The URL of a server with the landed file of all writes."""
    need(redis_missing())
    landed.unpack(folder / "redis.tar.xz", home / "redis", made_ms)
    store = PrivateRedis(home / "redis")
    stack.callback(store.stop)
    store.start()
    return store.url


def known_at(platform: Platform, *kf_accounts: str) -> None:
    """The platform, which is a new one, has the kf accounts."""
    owner = platform.credentials
    asked = {"grant_type": "client_credential", "appid": owner.appid, "secret": owner.secret}
    token = requests.get(f"{platform.url}/cgi-bin/token", asked, timeout=15).json()["access_token"]
    for name in kf_accounts:
        requests.post(
            f"{platform.url}/customservice/kfaccount/add",
            params={"access_token": token},
            json={"kf_account": name, "nickname": name[:3]},
            timeout=15,
        ).raise_for_status()


def test_everybody_signs_in_with_their_password_and_role(opened: Opened) -> None:
    callers = (opened.admin, Caller(opened.node.url, "lead", LEAD_PASSWORD), opened.amy)
    roles = [caller.get("/me")["person"]["role"] for caller in callers]
    assert roles == ["admin", "supervisor", "agent"]


def test_an_integration_token_still_pushes_facts(opened: Opened) -> None:
    answer = requests.put(
        f"{opened.node.url}/api/v1/customers/oPlain/facts",
        json={"vip_level": 5},
        headers={"Authorization": f"Bearer {opened.facts['token']}"},
        timeout=15,
    )
    assert (answer.status_code, answer.json()["data"]) == (200, {"vip_level": 5})


def test_what_was_known_of_a_customer_is_still_known(opened: Opened) -> None:
    amy = opened.amy
    customer = amy.get("/customers/oServed")
    assert (customer["remark"], customer["facts"]) == ("老王", {"vip_level": 3})
    left = opened.facts["budget"]["remaining"]
    if "KF_BUDGET_RULE" in opened.node.env:
        assert customer["budget"]["remaining"] == left
    else:  # this version's own rule, which may grant less
        assert 0 < customer["budget"]["remaining"] <= left
    assert [n["text"] for n in amy.get("/customers/oServed/notes")] == ["常客，说话客气"]
    assert {(c["title"], c["shared"]) for c in amy.get("/canned-replies")} == {
        ("问候", False),
        ("地址", True),
    }
    groups = {group["name"] for group in opened.admin.get("/admin/groups")}
    assert {"night", "general_support"} <= groups


def test_open_conversations_go_on(opened: Opened) -> None:
    facts, amy, bob = opened.facts, opened.amy, opened.bob
    served, moved, waits = facts["served"], facts["moved"], facts["waits"]
    states = {s["id"]: s["state"] for s in opened.admin.get("/sessions", limit=100)}
    assert [states[sid] for sid in (served, moved, waits)] == ["SERVING", "TRANSFERING", "WAITING"]

    def pending() -> list[str]:
        return [m["status"] for m in amy.messages(served) if m["id"] == facts["pending"]]

    wait_until(lambda: pending() == ["sent"], timeout=20)
    opened.platform.says("oServed", "好的，谢谢")
    amy.reply(served, "不客气")
    wait_until(lambda: len(opened.platform.received("oServed")) == 2)
    assert [m["text"] for m in opened.platform.received("oServed")] == ["已经在路上了", "不客气"]

    accepted = bob.post(f"/sessions/{moved}/accept")
    assert (accepted["state"], accepted["kf_account"]) == ("SERVING", bob.kf_account)
    wait_until(lambda: amy.get(f"/sessions/{waits}")["state"] == "SERVING")
    opened.platform.says("oWaits", "终于")
    assert [m["text"] for m in amy.messages(waits) if m["type"] == "text"] == ["有人吗", "终于"]
    for agent, sid in ((amy, served), (amy, waits), (bob, moved)):
        agent.post(f"/sessions/{sid}/close", reason="agent")
    assert amy.mine() == bob.mine() == []


def test_the_archive_is_read_with_its_picture_and_its_rating(opened: Opened) -> None:
    rated, amy = opened.facts["rated"], opened.amy
    assert amy.get(f"/sessions/{rated['id']}")["rating"]["score"] == 5
    texts = [m["text"] for m in amy.messages(rated["id"]) if m["type"] == "text"]
    assert texts == ["屏幕碎了，怎么保修", "请把序列号发给我"]
    picture = amy.call("GET", f"/media/{rated['media']}").content
    assert hashlib.sha256(picture).hexdigest() == rated["sha256"]


def test_search_and_export_find_the_archive(opened: Opened) -> None:
    found = opened.amy.get("/search", q="序列号")
    assert [row["session"]["id"] for row in found] == [opened.facts["rated"]["id"]]
    lead = Caller(opened.node.url, "lead", LEAD_PASSWORD)
    for what in ("conversations", "messages"):
        assert "oRated" in lead.call("GET", f"/admin/export/{what}").content.decode("utf-8-sig")


def test_a_customer_of_landed_data_is_erased(opened: Opened) -> None:
    opened.admin.post("/admin/customers/oErased/erase", reason="asked for it")
    problem = opened.admin.refused("GET", f"/sessions/{opened.facts['oErased']}")
    assert problem["code"] == "not_found"


def test_all_counters_agree(opened: Opened) -> None:
    assert cli_check.run(settings_of(opened.node), repair=False) == 0


def test_a_backup_of_the_upgraded_system_restores(opened: Opened, tmp_path: Path) -> None:
    file = tmp_path / "backup.tgz"
    assert cli_backup.write(settings_of(opened.node), file) > 0
    restored_and_checked(file, tmp_path / "restored", opened)


def test_a_backup_of_the_landed_version_restores(
    folder: Path, opened: Opened, tmp_path: Path
) -> None:
    restored_and_checked(folder / "backup.tgz", tmp_path / "restored", opened)


def restored_and_checked(file: Path, home: Path, opened: Opened) -> None:
    """Restore into an empty system on the embedded default."""
    owner = opened.platform.credentials
    settings = settings_of(Node(home, owner, opened.platform, **PATIENT))
    assert cli_backup.restore(settings, file) == [owner.appid]
    assert cli_check.run(settings, repair=False) == 0
