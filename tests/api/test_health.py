"""Alive, ready, figures."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from app.api import health
from tests.api.conftest import Node
from tests.conftest import need
from tests.faults.toxic import Toxic
from tests.postgres import Databases
from tests.servers import PrivateRedis, redis_missing
from tests.support import wait_until
from tests.work import within


def test_a_node_with_its_stores_is_ready(node: Node) -> None:
    client = node.client()
    assert client.send("GET", "/healthz").json()["data"] == {"status": "ok"}
    ready = client.send("GET", "/readyz")
    data = ready.json()["data"]
    assert ready.status_code == 200 and data["ready"] and data["redis"] and data["database"]
    assert data["presence"] == {node.appid: "local"} and data["expat"].startswith("expat_")


def test_a_draining_node_is_alive_but_not_ready(node: Node) -> None:
    node.draining.set()
    ready = node.client().send("GET", "/readyz")
    assert ready.status_code == 503 and ready.json()["data"]["draining"]
    assert node.client().send("GET", "/healthz").status_code == 200


class TestWithoutRedis:
    @pytest.fixture
    def redis_server(self, tmp_path: Path) -> Iterator[PrivateRedis]:
        need(redis_missing())
        server = PrivateRedis(tmp_path / "own")
        server.start()
        yield server
        server.stop()

    def test_a_frozen_redis_is_reported_within_the_limit(
        self, node: Node, redis_server: PrivateRedis
    ) -> None:
        token = node.token("admin")
        redis_server.freeze()
        try:

            def not_ready() -> None:
                ready = node.client().send("GET", "/readyz")
                assert ready.status_code == 503 and ready.json()["data"]["redis"] is False

            within(health.PROBE_S + 0.5, not_ready)
            assert node.client().send("GET", "/healthz").status_code == 200
            answer = node.client(token).get("/me")
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
            assert answer.headers["Retry-After"]
        finally:
            redis_server.thaw()


class Afar(PrivateRedis):
    """A Redis behind a door that delays each of its replies."""

    @property
    def url(self) -> str:
        return f"redis://{self.door.address}/0"

    def start(self) -> None:
        super().start()
        self.door = Toxic(self.port)


class TestWithASlowRedis:
    @pytest.fixture
    def redis_server(self, tmp_path: Path) -> Iterator[Afar]:
        need(redis_missing())
        server = Afar(tmp_path / "own")
        server.start()
        yield server
        server.door.down()
        server.stop()

    def test_a_node_is_ready_for_every_load_balancer_that_asks(
        self, node: Node, redis_server: Afar
    ) -> None:
        """Over connections that were idle, so that each asks for life before it asks for more."""
        redis_server.door.latency(0.2)
        line: Any = node.services.scripts.link
        for connection in line._free:
            connection._used_s = 0.0
        with ThreadPoolExecutor(3) as balancers:
            answers = list(balancers.map(lambda _: node.client().send("GET", "/readyz"), range(6)))
        redis_server.door.latency(0)
        assert [answer.status_code for answer in answers] == [200] * 6


class TestWithAFrozenDatabase:
    @pytest.fixture
    def settings_of_node(self, databases: Databases) -> Iterator[dict[str, str]]:
        with databases.empty() as url:
            yield {"KF_DATABASE_URL": url}

    def test_the_node_stays_in_service_and_reports_it(
        self, node: Node, databases: Databases
    ) -> None:
        def report() -> dict[str, Any]:
            answer = node.client().send("GET", "/readyz")
            assert answer.status_code == 200, answer.text
            data: dict[str, Any] = answer.json()["data"]
            return data

        def gauge() -> str:
            return node.client().send("GET", "/metrics").text

        databases.server.freeze()
        try:
            wait_until(lambda: not report()["database"])
            assert report()["ready"] and report()["redis"]
            assert "kfring_database_up 0.0" in gauge()
        finally:
            databases.server.thaw()
        wait_until(lambda: report()["database"])
        assert "kfring_database_up 1.0" in gauge()


def test_figures_are_for_this_machine_only(node: Node) -> None:
    client = node.client()
    figures = client.send("GET", "/metrics")
    assert figures.status_code == 200 and "kfring_callbacks" in figures.text
    forwarded = client.send("GET", "/metrics", headers={"X-Forwarded-For": "203.0.113.9"})
    assert forwarded.status_code == 403
    away = node.app.test_client().get("/metrics", environ_base={"REMOTE_ADDR": "203.0.113.9"})
    assert away.status_code == 403


class TestForPrometheusElsewhere:
    @pytest.fixture
    def settings_of_node(self) -> dict[str, str]:
        return {
            "KF_METRICS_FROM": "198.51.100.0/24,2001:db8::/32",
            "KF_TRUSTED_PROXIES": "203.0.113.1",
        }

    @pytest.mark.parametrize(
        ("peer", "forwarded", "status"),
        [
            ("198.51.100.7", None, 200),
            ("::ffff:198.51.100.7", None, 200),
            ("2001:db8::7", None, 200),
            ("198.51.101.7", None, 403),
            ("127.0.0.1", None, 403),
            ("203.0.113.9", "198.51.100.7", 403),
            ("198.51.100.7", "198.51.100.8", 403),
            ("203.0.113.1", "198.51.100.7", 200),
            ("203.0.113.1", "198.51.100.7, 192.0.2.1", 403),
            ("203.0.113.1", None, 403),
            ("", None, 403),
        ],
    )
    def test_only_the_named_networks_read_the_figures_whatever_a_caller_claims(
        self, node: Node, peer: str, forwarded: str | None, status: int
    ) -> None:
        headers = {"X-Forwarded-For": forwarded} if forwarded else {}
        answer = node.app.test_client().get(
            "/metrics", environ_base={"REMOTE_ADDR": peer}, headers=headers
        )
        assert answer.status_code == status


class TestBehindAProxy:
    @pytest.fixture
    def settings_of_node(self) -> dict[str, str]:
        return {"KF_TRUSTED_PROXIES": "127.0.0.1/32,10.0.0.0/8"}

    def test_what_a_trusted_proxy_says_of_the_client_counts(self, node: Node) -> None:
        client = node.client()
        for forwarded, status in [
            ("203.0.113.9", 403),
            ("127.0.0.1, 203.0.113.9, 10.0.0.1", 403),
            ("nonsense", 403),
        ]:
            answer = client.send("GET", "/metrics", headers={"X-Forwarded-For": forwarded})
            assert answer.status_code == status, forwarded
        assert client.send("GET", "/metrics").status_code == 200
