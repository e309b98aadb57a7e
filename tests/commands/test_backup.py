"""Everything into one archive while the node serves, and back into an empty system that knows it all."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result

from app.commands.cli import create_app
from tests.e2e.world import (
    ADMIN_PASSWORD,
    Agent,
    Caller,
    Credentials,
    Node,
    Platform,
    register,
)
from tests.support import wait_until

PASSWORD = "agent-password-1"


def kf(node: Node, *args: str) -> Result:
    """``flask kf …`` with the node's settings; ``tests/commands/test_cli.py`` has the process itself."""
    return create_app().test_cli_runner(env=node.env).invoke(args=["kf", *args])


@pytest.fixture
def credentials() -> Credentials:
    return Credentials()


def test_a_backup_of_a_serving_node_restores_into_an_empty_system(
    tmp_path: Path, credentials: Credentials
) -> None:
    platform = Platform(credentials)
    first = Node(tmp_path / "first", credentials, platform).start()
    second = Node(tmp_path / "second", credentials, platform)
    try:
        admin = Caller(first.url, "admin", ADMIN_PASSWORD)
        agent = Agent(first.url, register(admin, "first", max_sessions=1), PASSWORD).online()
        platform.heard("oServed")
        assert first.push_text("oClosed", "早上好", 1) == 200
        (closed,) = agent.mine()
        agent.post(f"/sessions/{closed['id']}/close", reason="agent")
        assert first.push_text("oServed", "在吗", 2) == 200
        assert first.push_text("oWaits", "排队", 3) == 200
        (served,) = agent.mine()
        sent = agent.reply(served["id"], "在的")
        wait_until(lambda: platform.received("oServed"))
        platform.faults({"path": "/cgi-bin/message/custom/send", "errcode": -1})
        waits = agent.reply(served["id"], "稍等")
        wait_until(lambda: admin.get(f"/sessions/{closed['id']}")["state"] == "CLOSED")

        file = tmp_path / "backup.tgz"
        done = kf(first, "backup", str(file))
        assert done.exit_code == 0, done.stderr
        assert file.stat().st_mode & 0o077 == 0
        refused = kf(first, "restore", str(file))
        assert refused.exit_code == 1 and "not empty" in refused.stderr
        first.stop()
        platform.faults()

        done = kf(second, "restore", str(file))
        assert done.exit_code == 0, done.stderr
        assert kf(second, "check").exit_code == 0
        second.start()
        admin = Caller(second.url, "admin", ADMIN_PASSWORD)
        agent = Agent(second.url, agent.kf_account, PASSWORD).online()
        assert [s["openid"] for s in agent.mine()] == ["oServed"]
        statuses = {m["id"]: m["status"] for m in agent.messages(served["id"])}
        assert statuses[sent["id"]] == "sent"
        assert statuses[waits["id"]] == "unknown"
        assert [m["text"] for m in agent.messages(closed["id"]) if m["text"]] == ["早上好"]
        waiting = admin.get("/sessions", state="WAITING")
        assert [s["openid"] for s in waiting] == ["oWaits"]
        assert second.push_text("oServed", "还在吗", 4) == 200
        assert agent.reply(served["id"], "在")["status"] == "pending"
        wait_until(lambda: len(platform.received("oServed")) == 2)
        assert [row["text"] for row in platform.received("oServed")] == ["在的", "在"]
    finally:
        first.stop()
        second.stop()
        platform.stop()


def test_a_damaged_archive_is_told_in_one_line_and_changes_nothing(
    tmp_path: Path, credentials: Credentials
) -> None:
    platform = Platform(credentials)
    node = Node(tmp_path / "node", credentials, platform)
    file = tmp_path / "broken.tgz"
    file.write_bytes(b"no archive")
    done = kf(node, "restore", str(file))
    platform.stop()
    assert done.exit_code == 1
    assert "cannot be used" in done.stderr and "Traceback" not in done.stderr
