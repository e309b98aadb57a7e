"""Play a small life at a landed commit and write its data, for every later version to open.

Run by hand, in a worktree of that commit, which needs its own `.venv`, redis-server and PostgreSQL:

    PYTHONPATH=. .venv/bin/python tests/upgrade/make_landed_data.py tests/upgrade/data/<commit>

The folder then holds the data folder of a node on the embedded default, a dump of PostgreSQL and the files
of its Redis, one archive of `kf backup`, and `made.json`: what the tests may expect of both.
"""

from __future__ import annotations

import base64
import hashlib
import json
import lzma
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

import redis

from app.node.embedded_store import running_url
from config.settings import Settings
from tests.e2e.world import ADMIN_PASSWORD, Agent, Caller, Credentials, Node, Platform, register
from tests.postgres import PrivatePostgres, program
from tests.servers import PrivateRedis
from tests.support import wait_until

MONTH_S = str(30 * 86400)
PATIENT = {
    "KF_IDLE_CLOSE_S": MONTH_S,
    "KF_WAIT_LIMIT_S": MONTH_S,
    "KF_TRANSFER_CONSENT": "1",
    "KF_TRANSFER_TIMEOUT_S": MONTH_S,
    "KF_PRESENCE_GRACE_S": MONTH_S,
    "KF_AGENT_REPLY_S": "0",
    "KF_TRANSFER_LIMIT_S": "0",
}
"""Nothing moves by itself: the tests find every conversation where it was left."""

CREDENTIALS = Credentials(appid="wx00000000landed", secret="0123456789abcdef0123456789abcdef")
PASSWORD = "agent-password-1"
LEAD_PASSWORD = "lead-password-1"
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SEND = "/cgi-bin/message/custom/send"
REDIS_SPARE = ("server.log", "server.log.1", "socket-dir", "kfring.lock")


def main(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    commit = _git("rev-parse", "--short", "HEAD")
    with tempfile.TemporaryDirectory(prefix="kflanded") as name:
        rule = Settings.model_fields["budget_rule"].default
        made = {"commit": commit, "budget_rule": rule, "credentials": vars(CREDENTIALS)}
        made["embedded"] = on_the_embedded_default(Path(name) / "embedded", out)
        made["postgresql"] = on_postgresql(Path(name) / "postgresql", out)
    text = json.dumps(made, ensure_ascii=False, indent=1, sort_keys=True)
    (out / "made.json").write_text(text + "\n", "utf-8")


def on_the_embedded_default(folder: Path, out: Path) -> dict[str, Any]:
    platform = Platform(CREDENTIALS)
    node = Node(folder, CREDENTIALS, platform, **PATIENT).start()
    try:
        made = play(node, platform)
        _kf(node, "backup", str(out / "backup.tgz"))
        _rewrite_as_text(str(running_url(folder / "data")))
    finally:
        node.stop()
        platform.stop()
    _pack(folder / "data", out / "embedded.tar.xz")
    return made


def on_postgresql(folder: Path, out: Path) -> dict[str, Any]:
    platform, store = Platform(CREDENTIALS), PrivateRedis(folder / "redis")
    server = PrivatePostgres()
    try:
        server.start()
        store.start()
        url = server.url()
        more = PATIENT | {"KF_DATABASE_URL": url, "KF_REDIS_URL": store.url}
        node = Node(folder, CREDENTIALS, platform, **more).start()
        try:
            made = play(node, platform)
            _rewrite_as_text(store.url)
        finally:
            node.stop()
            store.stop()
            platform.stop()
        dump = [program("pg_dump"), "--no-owner", "--no-privileges", "--inserts", url]
        text = subprocess.run(dump, check=True, capture_output=True, text=True).stdout
    finally:
        server.remove()
    # For psql alone, and only in some releases.
    lines = [line for line in text.splitlines(keepends=True) if not line.startswith("\\")]
    (out / "postgresql.sql.xz").write_bytes(lzma.compress("".join(lines).encode()))
    _pack(store.folder, out / "redis.tar.xz")
    return made


def play(node: Node, platform: Platform) -> dict[str, Any]:
    """Leave closed, served, waiting and transferred conversations, and all that is kept around them."""
    platform.point_to(node)
    admin = Caller(node.url, "admin", ADMIN_PASSWORD)
    admin.post("/admin/groups", name="night", title="夜班", fallback="general_support", members=[])
    admin.post(
        "/admin/people",
        username="lead",
        display_name="组长",
        role="supervisor",
        password=LEAD_PASSWORD,
    )
    amy = Agent(node.url, register(admin, "amy", max_sessions=2), PASSWORD).online()
    token = admin.post("/admin/integrations", name="crm")["token"]
    made: dict[str, Any] = {"token": token, "amy": amy.kf_account}
    admin.put("/customers/oServed/facts", vip_level=3)
    amy.post("/canned-replies", title="问候", text="您好，我是小艾")
    Caller(node.url, "lead", LEAD_PASSWORD).post(
        "/canned-replies", title="地址", text="南京路 1 号", shared=True
    )

    made["rated"] = _rated(platform, amy)
    for name in ("oErased", "oPlain"):
        platform.says(name, f"我是 {name}")
        (session,) = amy.mine()
        amy.post(f"/sessions/{session['id']}/close", reason="agent")
        made[name] = session["id"]

    platform.says("oServed", "订单到哪里了")
    (served,) = amy.mine()
    amy.post("/customers/oServed/notes", text="常客，说话客气")
    amy.call("PATCH", "/customers/oServed", json={"remark": "老王"})
    amy.reply(served["id"], "我查一下")
    platform.says("oMoved", "想换个人")
    moved = next(s for s in amy.mine() if s["openid"] == "oMoved")
    bob = Agent(node.url, register(admin, "bob", max_sessions=1), PASSWORD).online()
    amy.post(f"/sessions/{moved['id']}/transfer", to_kf_account=bob.kf_account, note="请接一下")
    platform.says("oWaits", "有人吗")
    (waits,) = admin.get("/sessions", state="WAITING")
    made |= {"bob": bob.kf_account, "served": served["id"], "moved": moved["id"]}
    made["waits"] = waits["id"]

    platform.pushes("oServed", type="event", event="CLICK", key="HOURS")
    wait_until(lambda: amy.messages(served["id"])[-1]["status"] != "pending")
    platform.faults({"path": SEND, "errcode": -1})
    made["pending"] = amy.reply(served["id"], "已经在路上了")["id"]
    made["budget"] = amy.get(f"/sessions/{served['id']}")["budget"]
    wait_until(lambda: admin.get(f"/sessions/{made['oPlain']}")["state"] == "CLOSED")
    made["made_ms"] = int(time.time() * 1000)
    return made


def _rated(platform: Platform, amy: Agent) -> dict[str, Any]:
    """A closed conversation with a picture and five stars."""
    platform.says("oRated", "屏幕碎了，怎么保修")
    platform.pushes("oRated", type="image", media=base64.b64encode(PIXEL).decode())
    (session,) = amy.mine()
    sid = session["id"]
    amy.reply(sid, "请把序列号发给我")
    picture = wait_until(lambda: _ready(amy.messages(sid)))
    wait_until(lambda: all(m["status"] != "pending" for m in amy.messages(sid)))
    amy.post(f"/sessions/{sid}/close", reason="agent", survey=True)
    wait_until(lambda: len(platform.received("oRated")) >= 2)
    platform.says("oRated", "5")
    wait_until(lambda: amy.get(f"/sessions/{sid}").get("rating"))
    return {"id": sid, "media": picture, "sha256": hashlib.sha256(PIXEL).hexdigest()}


def _ready(messages: list[dict[str, Any]]) -> str | None:
    """The id of the picture once the node has it."""
    ready = (m["media"] for m in messages if m["type"] == "image" and m["media"])
    return next((media["media_id"] for media in ready if media.get("state") == "ready"), None)


def _rewrite_as_text(url: str) -> None:
    """The append-only file as plain commands, whose times the tests can move to today."""
    client = redis.Redis.from_url(url, decode_responses=True)
    client.config_set("aof-use-rdb-preamble", "no")
    wait_until(lambda: not client.info("persistence")["aof_rewrite_in_progress"])
    client.bgrewriteaof()
    wait_until(lambda: not client.info("persistence")["aof_rewrite_in_progress"])
    client.close()


def _pack(folder: Path, file: Path) -> None:
    with tarfile.open(file, "w:xz") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.name not in REDIS_SPARE:
                archive.add(path, path.relative_to(folder), filter=_plain)


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def _kf(node: Node, *args: str) -> None:
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "kf", *args]
    subprocess.run(command, env=node.env, check=True)


def _git(*args: str) -> str:
    return subprocess.run(["git", *args], check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
