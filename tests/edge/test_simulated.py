"""The bundled platform beside an official account that the settings name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from werkzeug.test import Client

from app.edge.simulated import with_simulator
from app.node.context import NodeContext, api_base
from config.settings import Settings
from tests.directory.rig import SECRET, settings_for

BASE = "http://127.0.0.1:8000"


@pytest.fixture
def settings(tmp_path: Path, appid: str) -> Settings:
    more = {"KF_SIMULATOR": "1", "KF_WECHAT_API_BASE": ""}
    return settings_for(tmp_path, appid, "http://127.0.0.1:1", **more)


@pytest.fixture
def context() -> NodeContext:
    return NodeContext(
        redis_url="",
        embedded=True,
        draining=lambda: False,
        base_url=BASE,
        demo=None,
        node_id="n",
        secret_key=SecretStr("k"),
        admin_password=SecretStr("p"),
    )


def server(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    start("200 OK", [("Content-Type", "text/plain")])
    return [b"the server"]


def test_it_plays_the_platform_for_the_configured_account(
    settings: Settings, context: NodeContext, appid: str
) -> None:
    client = Client(with_simulator(server, settings, context))
    assert client.get("/desk").text == "the server"
    assert "phone" in client.get("/phone", buffered=True).text
    body = {"grant_type": "client_credential", "appid": appid, "secret": SECRET}
    assert client.post("/cgi-bin/stable_token", json=body).get_json()["access_token"]
    assert api_base(settings, context) == BASE


def test_its_answers_carry_a_request_id_like_all_others(
    settings: Settings, context: NodeContext
) -> None:
    client = Client(with_simulator(server, settings, context))
    for path in ("/phone", "/demo", "/sim/api/clock", "/sim/nothing"):
        given = client.get(path, headers={"X-Request-ID": "given-by-me"}, buffered=True)
        assert given.headers["X-Request-ID"] == "given-by-me", path
        made = client.get(path, buffered=True).headers["X-Request-ID"]
        assert len(made) == 32, path
