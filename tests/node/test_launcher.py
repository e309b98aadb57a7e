from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import accepts, free_port, wait_until

ROOT = Path(__file__).resolve().parents[2]
AES_KEY = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"
ACCOUNT = {
    "KF_APPID": "wx0123456789abcdef",
    "KF_APP_SECRET": "the-app-secret",
    "KF_TOKEN": "tok3n",
    "KF_ENCODING_AES_KEY": AES_KEY,
    "KF_WECHAT_ID": "shop",
}
START_S = 30.0
GONE_S = 10.0


class Node:
    """The launcher around the small application, in a session (terminal) of its own."""

    def __init__(self, folder: Path, port: int | None = None, **variables: str) -> None:
        self.port = port or free_port()
        self.folder = folder
        self.out = folder.parent / f"out-{self.port}-{time.monotonic_ns()}.txt"
        environment = {"PATH": os.environ["PATH"], "PORT": str(self.port)}
        environment |= {"KF_SERVER": os.environ["KF_SERVER"]}
        with self.out.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.small_app"],
                cwd=ROOT,
                env={**environment, "KF_DATA_DIR": str(folder), **variables},
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def text(self) -> str:
        return self.out.read_text()

    def ready(self) -> Node:
        wait_until(
            lambda: "Ctrl-C stops" in self.text() or self.process.poll() is not None, START_S
        )
        assert self.process.poll() is None, self.text()
        return self

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            body: str = answer.read().decode()
            return body

    def members(self) -> list[int]:
        """Every live process that was started on this node's data folder."""
        return [
            pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if self._ours(pid)
        ]

    def _ours(self, pid: int) -> bool:
        folder = Path(f"/proc/{pid}")
        try:
            if (folder / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return False
            store = (folder / "cwd").readlink() == self.folder / "redis"
            text = (folder / "environ").read_text("utf-8", "replace")
        except OSError:
            return False
        return store or f"KF_DATA_DIR={self.folder}\0" in text

    def exit_status(self, timeout: float = START_S) -> int:
        return self.process.wait(timeout)

    def signal(self, number: int) -> None:
        """As a terminal does: to every process of the foreground group."""
        os.killpg(self.process.pid, number)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture(params=["granian", "gunicorn"], autouse=True)
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Everything here holds on each of the servers."""
    monkeypatch.setenv("KF_SERVER", request.param)
    name: str = request.param
    return name


@pytest.fixture
def nodes(folder: Path) -> Iterator[list[Node]]:
    """Nodes that a test started; whatever is left of them goes."""
    started: list[Node] = []
    yield started
    for node in started:
        node.process.terminate()
    for node in started:
        try:
            node.process.wait(START_S)
        finally:
            node.process.kill()
    for node in started:
        wait_until(lambda: not node.members(), 10.0)  # noqa: B023  (called at once)


def start(nodes: list[Node], folder: Path, port: int | None = None, **variables: str) -> Node:
    node = Node(folder, port, **variables)
    nodes.append(node)
    return node


def test_a_fresh_folder_serves_and_prints_links_and_demo_logins(
    nodes: list[Node], folder: Path
) -> None:
    node = start(nodes, folder).ready()
    demo = json.loads((folder / "demo.json").read_text())
    kept = json.loads((folder / "secrets.json").read_text())
    for path in ("/demo", "/desk", "/admin", "/phone"):
        assert f"http://127.0.0.1:{node.port}{path}" in node.text()
    for secret in (demo["agent1"], demo["agent2"], kept["admin_password"]):
        assert secret in node.text()
    assert "private window" in node.text()
    assert node.get("/count") == "1"
    assert json.loads(node.get("/node"))["demo"] is True


def test_what_is_kept_is_for_the_owner_only(nodes: list[Node], folder: Path) -> None:
    start(nodes, folder).ready()
    for name in ("demo.json", "secrets.json", "kfring.lock"):
        assert (folder / name).stat().st_mode & 0o077 == 0
    assert folder.stat().st_mode & 0o077 == 0


def test_the_answers_name_no_server_product(nodes: list[Node], folder: Path) -> None:
    node = start(nodes, folder).ready()
    with urllib.request.urlopen(f"http://127.0.0.1:{node.port}/healthz", timeout=10) as answer:
        assert answer.headers["Server"] == "kfring"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_signal_to_the_whole_terminal_leaves_no_process(
    nodes: list[Node], folder: Path, number: int
) -> None:
    node = start(nodes, folder).ready()
    sockets = Path(json.loads(node.get("/node"))["redis"].removeprefix("unix://")).parent
    assert len(node.members()) == 3
    node.signal(number)
    assert node.exit_status() == 0
    assert node.members() == [] and not accepts(node.port)
    assert not sockets.exists()
    assert node.text().count("small app: shut down") == 1


def test_a_worker_stops_only_by_its_launcher(nodes: list[Node], folder: Path) -> None:
    node = start(nodes, folder).ready()
    worker = int(node.get("/pid"))
    for number in (signal.SIGINT, signal.SIGHUP):
        os.kill(worker, number)
    assert [int(node.get("/pid")) for _ in range(20)] == [worker] * 20
    node.signal(signal.SIGINT)
    assert node.exit_status(10.0) == 0


def test_ctrl_c_during_the_start_is_as_quick(nodes: list[Node], folder: Path) -> None:
    node = start(nodes, folder, SLOW_S="2")
    wait_until(lambda: "building" in node.text(), START_S)
    node.signal(signal.SIGINT)
    assert node.exit_status(10.0) == 0
    assert node.members() == [] and "Traceback" not in node.text()


def test_open_event_streams_end_at_once_when_the_node_drains(
    nodes: list[Node], folder: Path
) -> None:
    node = start(nodes, folder).ready()
    with socket.create_connection(("127.0.0.1", node.port), timeout=10) as client:
        client.sendall(b"GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200 OK" in client.recv(4096)
        node.process.terminate()
        received = b"".join(iter(lambda: client.recv(4096), b""))
    assert b"event: drain" in received
    assert node.exit_status(10.0) == 0


def test_after_kill_9_nothing_is_left_and_a_new_start_has_all_data(
    nodes: list[Node], folder: Path
) -> None:
    node = start(nodes, folder).ready()
    for expected in range(1, 51):
        assert node.get("/count") == str(expected)
    node.process.kill()
    wait_until(lambda: not accepts(node.port) and not node.members(), GONE_S)
    assert "bye bye" in (folder / "redis" / "server.log").read_text()  # it wrote all down
    again = start(nodes, folder, node.port).ready()
    assert again.get("/count") == "51"
    assert json.loads((folder / "demo.json").read_text())["agent1"] in again.text()


def test_a_start_right_after_kill_9_waits_for_the_dying(nodes: list[Node], folder: Path) -> None:
    node = start(nodes, folder).ready()
    node.get("/count")
    os.kill(node.process.pid, signal.SIGKILL)  # not collected: a zombie stays behind
    assert start(nodes, folder).ready().get("/count") == "2"


def test_a_second_start_on_the_same_folder_names_the_first_in_one_line(
    nodes: list[Node], folder: Path
) -> None:
    node = start(nodes, folder).ready()
    second = start(nodes, folder)
    assert second.exit_status() == 1
    (line,) = [line for line in second.text().splitlines() if "already runs" in line]
    assert f"pid {node.process.pid}" in line and "Traceback" not in second.text()
    assert node.get("/count") == "1"


def test_a_port_in_use_is_one_line(nodes: list[Node], folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        node = start(nodes, folder, other.getsockname()[1])
        assert node.exit_status() == 1
    assert "is in use by another program; choose another PORT" in node.text()
    assert "Traceback" not in node.text() and node.members() == []


def test_bad_settings_are_one_line_each_and_status_2(nodes: list[Node], folder: Path) -> None:
    node = start(nodes, folder, KF_SWEEP_S="0", KF_ROLE="boss")
    assert node.exit_status() == 2
    lines = node.text().splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("kfring: setting KF_") and not folder.exists()


def test_an_application_that_cannot_start_says_why_and_leaves_nothing(
    nodes: list[Node], folder: Path
) -> None:
    node = start(nodes, folder, REFUSE="1")
    assert node.exit_status() not in (0, None)
    assert "kfring: the store refuses us\nkfring: and the weather is bad\n" in node.text()
    assert "Traceback" not in node.text() and "Reason" not in node.text()
    assert node.members() == []


def test_the_admin_password_is_printed_only_once_beside_a_real_account(
    nodes: list[Node], folder: Path
) -> None:
    node = start(nodes, folder, **ACCOUNT).ready()
    password = json.loads((folder / "secrets.json").read_text())["admin_password"]
    assert password in node.text() and "reset-password admin" in node.text()
    assert not re.search(r"agent1|/demo|the-app-secret", node.text())
    assert not (folder / "demo.json").exists()
    node.signal(signal.SIGINT)
    node.exit_status()
    again = start(nodes, folder, **ACCOUNT).ready()
    assert password not in again.text()


def test_a_killed_worker_is_replaced_and_the_store_stays(nodes: list[Node], folder: Path) -> None:
    node = start(nodes, folder).ready()
    node.get("/count")
    first = int(node.get("/pid"))
    os.kill(first, signal.SIGKILL)

    def answer() -> str:
        try:
            return node.get("/pid")
        except OSError:
            return str(first)

    wait_until(lambda: int(answer()) != first, 15.0)
    assert node.get("/count") == "2"


def test_a_killed_store_is_started_again_with_its_data(nodes: list[Node], folder: Path) -> None:
    node = start(nodes, folder).ready()
    node.get("/count")
    workers = {node.process.pid, int(node.get("/pid"))}
    (store,) = set(node.members()) - workers
    os.kill(store, signal.SIGKILL)
    wait_until(lambda: "started again" in node.text(), 10.0)

    def count() -> str:
        try:
            return node.get("/count")
        except OSError:
            return ""

    assert wait_until(count, 10.0) == "2"


def test_an_outside_redis_is_used_as_given(nodes: list[Node], folder: Path) -> None:
    node = start(nodes, folder, KF_REDIS_URL="redis://127.0.0.1:1/0").ready()
    assert json.loads(node.get("/node"))["redis"] == "redis://127.0.0.1:1/0"
    assert len(node.members()) == 2
