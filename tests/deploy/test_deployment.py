"""What an operator installs by: the service unit, the image's recipe, the compose file."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from app.node.launcher import EXIT_SETTINGS
from app.node.serving import GRACEFUL_S
from tests.config.test_settings import load
from tests.support import free_port
from tests.test_imports import ROOT

DEPLOY = ROOT / "deploy"
PROGRAM = re.findall(r"^PROGRAM := (.+)$", (ROOT / "Makefile").read_text("utf-8"), re.M)[0].split()


def unit() -> dict[str, str]:
    parser = ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string((DEPLOY / "kfring.service").read_text("utf-8"))
    return dict(parser["Service"])


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_finds_no_fault_in_the_unit(tmp_path: Path) -> None:
    text = (DEPLOY / "kfring.service").read_text("utf-8")
    here = text.replace("/opt/kfring/.venv/bin/python", sys.executable)
    (tmp_path / "kfring.service").write_text(here)
    command = ["systemd-analyze", "verify", str(tmp_path / "kfring.service")]
    verified = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (verified.returncode, verified.stderr) == (0, "")


def test_the_unit_gives_requests_their_time_and_does_not_repeat_a_wrong_setting() -> None:
    service = unit()
    assert int(service["TimeoutStopSec"]) > GRACEFUL_S
    assert service["Restart"] == "always"
    assert service["RestartPreventExitStatus"] == str(EXIT_SETTINGS)
    most = max(load(KF_STREAMS_MAX="4000").thread_count, 4000)
    assert int(service["LimitNOFILE"]) > 4 * most


def allowed() -> set[str]:
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    return {line.removeprefix("!") for line in lines if line.startswith("!")}


def test_the_image_holds_the_whole_program_its_lock_file_and_what_the_licences_ask_for() -> None:
    assert allowed() == {*PROGRAM, "requirements.lock", "LICENSE", "NOTICE"}


def test_the_program_starts_from_what_the_image_holds(tmp_path: Path) -> None:
    unwanted = shutil.ignore_patterns("__pycache__")
    for name in allowed():
        source, target = ROOT / name, tmp_path / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=unwanted)
        else:
            shutil.copy(source, target)
    command = [sys.executable, "wsgi.py", "serve"]
    wrong = {"PATH": os.environ["PATH"], "KF_SWEEP_S": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    refused = subprocess.run(command, cwd=tmp_path, env=wrong, capture_output=True, text=True)
    assert (refused.returncode, "KF_SWEEP_S" in refused.stderr) == (EXIT_SETTINGS, True)
    servers = "app.node.granian_server, app.node.gunicorn_server"
    modules = f"import app.wiring, app.commands.cli, app.edge.simulated, {servers}"
    subprocess.run([sys.executable, "-c", modules], cwd=tmp_path, env=wrong, check=True)


def health_check() -> list[str]:
    recipe = (DEPLOY / "Dockerfile").read_text("utf-8")
    found = re.search(r"^HEALTHCHECK [^\n]*\\\n +CMD (\[.+\])$", recipe, re.M)
    assert found
    command: list[str] = json.loads(found[1])
    return [sys.executable, *command[1:]]


class Alive(SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing on stderr."""


@pytest.mark.parametrize("name", ["PORT", "KF_PORT"])
def test_the_health_check_asks_where_the_node_listens(name: str) -> None:
    server = HTTPServer(("127.0.0.1", free_port()), Alive)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        for port, healthy in ((server.server_port, True), (free_port(), False)):
            env = {"PORT": "8080", name: str(port)}
            asked = subprocess.run(health_check(), env=env, capture_output=True, check=False)
            assert (asked.returncode == 0) is healthy
    finally:
        server.shutdown()
        server.server_close()


def composed() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    return found


def test_compose_starts_without_a_settings_file_so_that_the_node_says_what_is_missing() -> None:
    assert composed()["services"]["app"]["env_file"] == [{"path": "../.env", "required": False}]


def test_compose_starts_postgresql_only_where_it_is_asked_for_and_waits_for_each_store() -> None:
    services = composed()["services"]
    assert [name for name in services if "profiles" in services[name]] == ["postgres"]
    waits = services["app"]["depends_on"]
    assert set(waits) == set(services) - {"app"}
    for name, how in waits.items():
        assert how["condition"] == "service_healthy" and services[name]["healthcheck"]["test"]
        assert how.get("required", True) is ("profiles" not in services[name])


def test_every_volume_that_compose_mounts_is_declared() -> None:
    found = composed()
    mounted = {v.split(":")[0] for s in found["services"].values() for v in s.get("volumes", ())}
    assert mounted == set(found["volumes"])
