from __future__ import annotations

import secrets
from typing import Any

import redis

from app.commands.cli import create_app
from app.storage import audit
from app.storage.engine import sqlite_file
from tests.admin.test_admin_api import serving
from tests.api.conftest import Client, Node
from tests.reports.test_export import reply
from tests.servers import PrivateRedis
from tests.support import wait_until

OPENID = "oErase-Me_0123456789abcdefgh"
ALIKE = f"{OPENID}x"
SECRET = "我的手机号是一三八"


def everything(client: redis.Redis) -> str:
    """Every key of the database with all it holds, as text."""
    reads: dict[str, Any] = {
        "string": client.get,
        "hash": client.hgetall,
        "list": lambda key: client.lrange(key, 0, -1),
        "set": client.smembers,
        "zset": lambda key: client.zrange(key, 0, -1),
        "stream": client.xrange,
    }
    return "\n".join(f"{key} {reads[client.type(key)](key)}" for key in client.scan_iter())


def written(server: PrivateRedis) -> bytes:
    """Return the text of the append-only files."""
    return b"".join(path.read_bytes() for path in (server.folder / "appendonlydir").iterdir())


def on_disk(node: Node) -> bytes:
    file = sqlite_file(node.services.engine)
    assert file is not None
    return b"".join(path.read_bytes() for path in sorted(file.parent.glob(f"{file.name}*")))


def story(admin: Client, node: Node, openid: str = OPENID, secret: str = SECRET) -> tuple[str, str]:
    """A customer with a past: an archived conversation, an open one, a note, facts; their ids."""
    amy = serving(node, "amy")
    node.says(openid, secret)
    closed = node.session_of(openid)
    reply(amy, closed, f"您好 {secret}")
    wait_until(lambda: len(node.transcript(openid)) > 1)
    note = {"text": f"备注 {secret}"}
    assert admin.post(f"/customers/{openid}/notes", note).status_code == 201
    assert admin.patch(f"/customers/{openid}", {"remark": "难忘的人"}).status_code == 200
    assert admin.put(f"/customers/{openid}/facts", {"city": "烟台"}).status_code == 200
    assert amy.post(f"/sessions/{closed}/close", {}).status_code == 200
    node.archived(closed)
    node.says(openid, secret)
    node.says(ALIKE, "另一位客户")
    return closed, node.session_of(openid)


def test_nothing_of_an_erased_customer_is_left_in_redis_or_sqlite(
    admin: Client, node: Node
) -> None:
    story(admin, node)
    text = everything(node.services.redis)
    assert OPENID in text and SECRET in text and "难忘的人" in text
    answer = admin.post(f"/admin/customers/{OPENID}/erase", {"reason": f"{OPENID} 要求删除"})
    assert answer.status_code == 200, answer.text
    done = answer.json()["data"]
    assert done["sql"]["messages_archive"] > 2 and done["sql"]["customer_notes"] == 1
    assert done["redis"]["customer"] >= 1 and done["redis"]["desk"] > 3
    assert done["files_clean"]
    text = everything(node.services.redis).replace(ALIKE, "")
    disk = on_disk(node).replace(ALIKE.encode(), b"")
    for trace in (OPENID, SECRET, "难忘的人", "烟台"):
        assert trace not in text
        assert trace.encode() not in disk


def test_redis_file_of_all_writes_holds_nothing_of_an_erased_customer_either(
    admin: Client, node: Node, redis_server: PrivateRedis
) -> None:
    openid, secret = f"oLog-{secrets.token_hex(8)}", secrets.token_hex(12)
    story(admin, node, openid, secret)
    wait_until(lambda: secret.encode() in written(redis_server))
    answer = admin.post(f"/admin/customers/{openid}/erase", {"reason": "客户要求"})
    assert answer.json()["data"]["log_rewritten"]
    log = written(redis_server)
    assert openid.encode() not in log and secret.encode() not in log
    assert ALIKE.encode() in log


def test_another_customer_whose_name_begins_alike_stays(admin: Client, node: Node) -> None:
    story(admin, node)
    admin.post(f"/admin/customers/{OPENID}/erase", {"reason": "客户要求"})
    session = node.session_of(ALIKE)
    assert admin.data(f"/sessions/{session}")["state"] == "SERVING"
    texts = [message["text"] for message in admin.data(f"/sessions/{session}/messages")]
    assert "另一位客户" in texts


def test_the_open_conversation_of_an_erased_customer_gives_its_seat_back(
    admin: Client, node: Node
) -> None:
    _, opened = story(admin, node)
    done = admin.post(f"/admin/customers/{OPENID}/erase", {"reason": "客户要求"}).json()["data"]
    assert done["closed"] == opened
    (agent,) = admin.data("/agents")
    assert agent["load"] == 1
    assert admin.get(f"/sessions/{opened}").status_code == 404
    node.says(OPENID, "我又来了")
    assert admin.data(f"/sessions/{node.session_of(OPENID)}")["previous_session_id"] is None


def test_the_audit_log_knows_an_erased_customer_by_a_pseudonym_only(
    admin: Client, node: Node
) -> None:
    story(admin, node)
    body = {"reason": f"{OPENID} 要求删除"}
    done = admin.post(f"/admin/customers/{OPENID}/erase", body).json()["data"]
    entry = admin.data("/admin/audit?act=customer.erase")[0]
    assert entry["object"] == done["pseudonym"]
    assert entry["detail"]["reason"] == f"{done['pseudonym']} 要求删除"
    assert OPENID not in str(admin.data("/admin/audit?limit=200"))
    assert audit.verify(node.services.engine) is None


def test_an_unknown_customer_is_not_found_and_only_admins_erase(admin: Client, node: Node) -> None:
    body = {"reason": "客户要求"}
    assert admin.post("/admin/customers/nobody/erase", body).status_code == 404
    lead = node.person("lea", "supervisor")
    assert lead.post("/admin/customers/nobody/erase", body).status_code == 403
    assert admin.post("/admin/customers/nobody/erase", {}).status_code == 422


def test_the_command_forgets_beside_the_running_node(admin: Client, node: Node) -> None:
    closed, opened = story(admin, node)
    settings = node.services.settings
    assert settings.redis_url is not None
    assert settings.accounts[0].encoding_aes_key is not None
    variables = {
        "KF_APPID": node.appid,
        "KF_APP_SECRET": settings.accounts[0].app_secret.get_secret_value(),
        "KF_TOKEN": settings.accounts[0].token.get_secret_value(),
        "KF_ENCODING_AES_KEY": settings.accounts[0].encoding_aes_key.get_secret_value(),
        "KF_WECHAT_ID": "shop",
        "KF_REDIS_URL": settings.redis_url.get_secret_value(),
        "KF_DATA_DIR": str(settings.data_dir),
    }
    runner = create_app().test_cli_runner(env=variables)
    asked = ["kf", "forget", OPENID, "--reason", "客户要求"]
    assert runner.invoke(args=asked, input="n\n").exit_code == 1
    assert admin.get(f"/sessions/{closed}").status_code == 200
    result = runner.invoke(args=[*asked, "--yes"])
    assert result.exit_code == 0, result.output
    assert f"conversation {opened} was open and is closed" in result.output
    assert "messages_archive" in result.output
    assert OPENID not in everything(node.services.redis).replace(ALIKE, "")
    assert runner.invoke(args=[*asked, "--yes"]).exit_code == 1
