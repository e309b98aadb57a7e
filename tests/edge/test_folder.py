from __future__ import annotations

from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pydantic import SecretStr

from app.edge.folder import below
from app.edge.server import create_app
from app.node.banner import page
from app.node.generated import KeptSecrets
from app.services import Services
from config.checks import OWN_PATHS
from config.values import folder_of
from simulator.config import SimulatorConfig
from simulator.web import create_simulator
from tests.config.test_settings import ACCOUNT, load, refusal

PUBLIC = "https://kf.example.com/kf"


def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    return [environ.get("SCRIPT_NAME", "").encode(), environ["PATH_INFO"].encode()]


def seen(public_url: str | None, path: str, host: str = "10.0.0.7:8000") -> tuple[str, str]:
    """Return SCRIPT_NAME and PATH_INFO as the application is given them."""
    environ = {"PATH_INFO": path, "SCRIPT_NAME": "", "HTTP_HOST": host}
    folder, inner = below(application, public_url)(environ, lambda *_: None)
    return folder.decode(), inner.decode()


@pytest.mark.parametrize("url", [None, "https://kf.example.com", "https://kf.example.com/"])
def test_without_a_folder_nothing_stands_before_the_application(url: str | None) -> None:
    assert below(application, url) is application


@pytest.mark.parametrize("host", ["kf.example.com", "10.0.0.7:8000", ""])
@pytest.mark.parametrize("url", [PUBLIC, f"{PUBLIC}/"])
def test_a_folder_that_the_proxy_passes_on_is_taken_off(url: str, host: str) -> None:
    assert seen(url, "/kf/desk", host) == ("/kf", "/desk")
    assert seen(url, "/kf/", host) == ("/kf", "/")
    assert seen(url, "/kf", host) == ("/kf", "/")
    assert seen(url, "/kf/wechat/callback/wx1", host) == ("/kf", "/wechat/callback/wx1")


@pytest.mark.parametrize("host", ["kf.example.com", "KF.example.com:443"])
def test_a_folder_that_the_proxy_has_cut_off_is_known_by_the_hosts_name(host: str) -> None:
    assert seen(PUBLIC, "/desk", host) == ("/kf", "/desk")
    assert seen(PUBLIC, "/", host) == ("/kf", "/")


@pytest.mark.parametrize("host", ["kf.example.com:8000", "other.example", "127.0.0.1", "[", "a:b"])
def test_a_node_that_is_called_by_itself_lies_in_no_folder(host: str) -> None:
    assert seen(PUBLIC, "/desk", host) == ("", "/desk")


def test_a_longer_name_is_another_folder() -> None:
    assert seen(PUBLIC, "/kfring/desk") == ("", "/kfring/desk")
    assert seen("https://h/a/b", "/a/b/desk") == ("/a/b", "/desk")
    assert seen("https://h/a/b", "/a/desk") == ("", "/a/desk")


@pytest.mark.parametrize("path", ["/kf", "/kf/", "/a/b-c", "/v1.2/~kf"])
def test_a_path_of_plain_names_is_a_folder(path: str) -> None:
    settings = load(**ACCOUNT, KF_PUBLIC_URL=f"https://kf.example.com{path}")
    assert folder_of(settings.public_url) == path.rstrip("/")


@pytest.mark.parametrize(
    "path", ["/api", "/desk/x", "//kf", "/a//b", "/..", "/a/../b", "/.", "/客服", "/a%20b", "/a;b"]
)
def test_a_path_that_a_proxy_or_cookie_reads_otherwise_is_refused(path: str) -> None:
    (line,) = refusal(**ACCOUNT, KF_PUBLIC_URL=f"https://kf.example.com{path}")
    assert line.startswith("KF_PUBLIC_URL: ")


def test_no_folder_may_be_called_like_a_path_of_our_own() -> None:
    nothing = SimpleNamespace(served={}, settings=SimpleNamespace(simulator_on=True))
    apps = (
        create_app(cast(Services, nothing)),
        create_simulator(SimulatorConfig(appid="wx1", mode="plain")),
    )
    rules = [rule.rule for app in apps for rule in app.url_map.iter_rules()]
    assert {rule.split("/")[1] for rule in rules} - {""} | {"static"} == OWN_PATHS


def test_the_printed_addresses_lie_in_the_folder() -> None:
    secret = SecretStr("of no account")
    kept = KeptSecrets(secret, secret, "n", admin_made=True, admin_shown=True)
    settings = load(**ACCOUNT, KF_PUBLIC_URL=f"{PUBLIC}/", KF_SIMULATOR="1")
    text = "\n".join(page(settings, "http://127.0.0.1:8000", None, kept))
    for name in ("phone", "demo"):
        assert f" http://127.0.0.1:8000/kf/{name} " in text
    for name in ("desk", "admin"):
        assert f" {PUBLIC}/{name} " in text
    assert f"{PUBLIC}/wechat/callback/{ACCOUNT['KF_APPID']}" in text
