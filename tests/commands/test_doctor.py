from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from app.commands.doctor import platform as examined
from app.commands.doctor import report
from app.commands.doctor.findings import Finding
from app.wechat.http import new_http
from config.settings import Settings, load_settings
from tests.api.conftest import WECHAT_ID, Node
from tests.support import free_port

TOKEN_PATH = "/cgi-bin/stable_token"


@pytest.fixture
def settings(node: Node) -> Callable[..., Settings]:
    """The settings of the running node as a command beside it reads them."""
    ours = node.services.settings
    redis_url = node.services.node.redis_url

    def make(**changes: str) -> Settings:
        variables = {
            "KF_APPID": node.appid,
            "KF_APP_SECRET": "the-app-secret-of-the-test",
            "KF_TOKEN": "AAAAA",
            "KF_ENCODING_AES_KEY": "A" * 43,
            "KF_WECHAT_ID": WECHAT_ID,
            "KF_WECHAT_API_BASE": node.simulator.base,
            "KF_REDIS_URL": redis_url,
            "KF_DATA_DIR": str(ours.data_dir),
            "KF_PORT": node.base.rpartition(":")[2],
        }
        return load_settings({**variables, **changes}, None)

    return make


def fault(node: Node, **planned: Any) -> None:
    node.client().http.put(f"{node.simulator.base}/sim/api/faults", json=[planned], timeout=10)


def account(node: Node, **changes: Any) -> None:
    node.client().http.patch(f"{node.simulator.base}/sim/api/account", json=changes, timeout=10)


def failed(settings: Settings) -> list[Finding]:
    return [finding for finding in report.examine(settings) if not finding.ok]


def only(settings: Settings) -> Finding:
    found = failed(settings)
    assert len(found) == 1, found
    return found[0]


def test_all_is_well_with_a_good_account(settings: Callable[..., Settings], node: Node) -> None:
    findings = list(report.examine(settings()))
    assert [finding for finding in findings if not finding.ok] == []
    text = "\n".join(line for finding in findings for line in finding.lines())
    assert f"{node.base}/wechat/callback/{node.appid}" in text
    assert "✗" not in text and "the-app-secret" not in text


def test_the_doctor_opens_no_conversation_and_sends_nobody_anything(
    settings: Callable[..., Settings], node: Node
) -> None:
    list(report.examine(settings()))
    assert node.services.served[node.appid].account.queries.live_count() == 0
    followers = node.client().http.get(f"{node.simulator.base}/sim/api/followers", timeout=10)
    assert "kfring_doctor" not in followers.text


def test_a_wrong_secret_is_named(settings: Callable[..., Settings]) -> None:
    found = only(settings(KF_APP_SECRET="some-other-secret"))
    assert "40125" in found.what and "KF_APP_SECRET" in found.fix


def test_an_unknown_appid_is_named(settings: Callable[..., Settings]) -> None:
    codes = " ".join(finding.what for finding in failed(settings(KF_APPID="wx0000000000000000")))
    assert "40013" in codes and "404" in codes


def test_the_ip_to_whitelist_is_taken_out_of_the_refusal(
    settings: Callable[..., Settings], node: Node
) -> None:
    account(node, ip_whitelist=["203.0.113.9"])
    found = only(settings())
    assert "40164" in found.what and "add 127.0.0.1 to the IP whitelist" in found.fix
    assert "微信开发者平台" in found.fix and "基本配置" not in found.fix
    account(node, ip_whitelist=[])
    message = "invalid ip 198.51.100.7 ipv6 ::ffff:198.51.100.7, not in whitelist rid: 1-2-3"
    fault(node, path=TOKEN_PATH, errcode=61004, errmsg=message)
    assert "198.51.100.7" in only(settings()).fix


@pytest.mark.parametrize("errcode", [40243, 89501, 89503, 89506, 89507, 45009, 50007, -1, 12345])
def test_every_other_refusal_of_a_token_is_told_with_its_code(
    settings: Callable[..., Settings], node: Node, errcode: int
) -> None:
    fault(node, path=TOKEN_PATH, errcode=errcode)
    found = only(settings())
    assert str(errcode) in found.what and found.fix


def test_a_missing_kf_feature_is_told_with_what_it_means(
    settings: Callable[..., Settings], node: Node
) -> None:
    account(node, kf_enabled=False)
    found = only(settings())
    assert "65400" in found.what and "客服功能" in found.fix


def test_a_missing_right_to_send_is_told(settings: Callable[..., Settings], node: Node) -> None:
    fault(node, path="/cgi-bin/message/custom/send", errcode=48001)
    found = only(settings())
    assert "48001" in found.what and "客服消息" in found.fix


@pytest.mark.parametrize("change", [{"KF_TOKEN": "BBBBB"}, {"KF_ENCODING_AES_KEY": "B" * 42 + "A"}])
def test_a_server_with_another_token_or_key_is_found_out(
    settings: Callable[..., Settings], change: dict[str, str]
) -> None:
    found = failed(settings(**change))
    assert found and all("403" in f.what or "400" in f.what for f in found)


def test_a_server_that_does_not_run_is_found_out(settings: Callable[..., Settings]) -> None:
    found = failed(settings(KF_PORT=str(free_port())))
    assert [f.what.split(":")[0] for f in found] == [
        "callback verification",
        "callback push (safe mode)",
    ]
    assert all("start kfring" in f.fix for f in found)


def test_a_platform_that_cannot_be_reached_is_found_out(
    settings: Callable[..., Settings],
) -> None:
    found = failed(settings(KF_WECHAT_API_BASE=f"http://127.0.0.1:{free_port()}"))
    assert ["access token" in found[0].what, "clock" in found[1].what] == [True, True]


def test_a_redis_that_is_away_is_found_out(settings: Callable[..., Settings]) -> None:
    found = only(settings(KF_REDIS_URL=f"redis://127.0.0.1:{free_port()}/0"))
    assert "Redis" in found.what and "KF_REDIS_URL" in found.fix


def test_a_zookeeper_that_is_away_is_found_out(
    settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.commands.doctor.stores.ZOOKEEPER_S", 1.0)
    found = only(settings(KF_ZOOKEEPER_HOSTS=f"127.0.0.1:{free_port()}"))
    assert "ZooKeeper" in found.what


class _Late(BaseHTTPRequestHandler):
    """Answers with a date an hour ago."""

    def do_GET(self) -> None:
        body = json.dumps({"errcode": 0}).encode()
        self.send_response_only(200)
        self.send_header("Date", "Mon, 01 Jan 2024 00:00:00 GMT")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def late() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Late)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_clock_that_is_off_is_found_out(late: str) -> None:
    with new_http(1) as http:
        found = examined.clock(late, http)
    assert not found.ok and "ahead" in found.what and "NTP" in found.fix
