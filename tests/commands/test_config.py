"""The configuration as one file: out and back the same, checked whole before anything is written."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import Result

from app.commands import config as config_commands
from app.commands.cli import create_app
from app.commands.config_document import BadConfig, exported, imported
from app.storage.audit import Actor
from app.storage.errors import Invalid
from tests.admin.test_admin_api import serving
from tests.api.conftest import WECHAT_ID, Node
from tests.support import wait_until

ROOT = Path(__file__).resolve().parents[2]
ZONE = "Asia/Shanghai"
ACTOR = Actor("command line", "system", 1)
WANTED: dict[str, Any] = {
    "groups": {
        "night": {
            "title": "夜班",
            "fallback": "day",
            "members": ["amy"],
            "hours": {"weekly": {"mon": ["22:00-06:00"]}},
        },
        "day": {"title": "白班"},
    },
    "routing": {"default_group": "day", "rules": [{"group": "night", "when": {"language": "en"}}]},
    "transfers": {"rating_below": 2.5},
    "notices": {"away": {"zh": "都下班了"}},
}


def take_in(node: Node, document: dict[str, Any]) -> None:
    account = node.services.served[node.appid].account
    imported(node.services.engine, ACTOR, account.config, document, ZONE)


def test_what_is_imported_is_exported_again_and_followed_by_the_running_node(node: Node) -> None:
    serving(node, "amy")
    take_in(node, WANTED)
    out = exported(node.services.engine, node.appid, ZONE)
    assert out["groups"]["night"] == WANTED["groups"]["night"] | {"members": [f"amy@{WECHAT_ID}"]}
    assert out["routing"]["default_group"] == "day" and "general_support" in out["groups"]
    assert out["notices"] == WANTED["notices"] and out["transfers"]["rating_below"] == 2.5
    take_in(node, out)
    assert exported(node.services.engine, node.appid, ZONE) == out
    account = node.services.served[node.appid].account
    wait_until(lambda: account.plan().routing.default_group == "day")
    wait_until(lambda: account.groups_of(f"amy@{WECHAT_ID}") == ("night",))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"colours": {}}, "unknown section"),
        ({"groups": []}, "groups: must be a table"),
        ({"groups": {"Night!": {"title": "x"}}}, "Night!"),
        ({"groups": {"night": {"title": "x", "fallback": "gone"}}}, "no group gone"),
        ({"groups": {"night": {"title": "x", "assign": "never"}}}, "assign"),
        ({"routing": {"default_group": "gone"}}, "routing: default_group"),
        ({"transfers": {"rating_below": "low"}}, "transfers"),
        ({"transfers": {"keywords": [{"words": ["x"], "group": "gone"}]}}, "no group gone"),
        ({"notices": {"hello": {"zh": "x"}}}, "no notice hello"),
        ({"notices": {"away": {"zh": "{nonsense}"}}}, "notices.away.zh"),
    ],
)
def test_a_file_with_one_fault_changes_nothing_at_all(
    node: Node, change: dict[str, Any], said: str
) -> None:
    before = exported(node.services.engine, node.appid, ZONE)
    with pytest.raises(BadConfig, match=said):
        take_in(node, WANTED | change)
    assert exported(node.services.engine, node.appid, ZONE) == before


def test_a_member_nobody_knows_and_a_circle_of_fallbacks_undo_the_whole_import(node: Node) -> None:
    before = exported(node.services.engine, node.appid, ZONE)
    circle = {
        "night": {"title": "x", "fallback": "day"},
        "day": {"title": "y", "fallback": "night"},
    }
    for document in (WANTED, {"groups": circle}):
        with pytest.raises(Invalid):
            take_in(node, document)
    assert exported(node.services.engine, node.appid, ZONE) == before


def test_the_commands_write_and_read_files_of_both_kinds(node: Node, tmp_path: Path) -> None:
    settings = node.services.settings
    environment = {
        "KF_DATA_DIR": str(settings.data_dir),
        "KF_APPID": node.appid,
        "KF_APP_SECRET": "s" * 32,
        "KF_TOKEN": "AAAAA",
        "KF_ENCODING_AES_KEY": "A" * 43,
        "KF_WECHAT_ID": WECHAT_ID,
        "KF_DATABASE_URL": settings.sqlalchemy_url.get_secret_value(),
    }

    def run(*arguments: str) -> Result:
        runner = create_app().test_cli_runner(env=environment)
        return runner.invoke(args=["kf", "config", *arguments])

    for name, read in (("out.toml", tomllib.loads), ("out.json", json.loads)):
        file = tmp_path / name
        done = run("export", "--output", str(file))
        assert done.exit_code == 0, done.stderr
        assert read(file.read_text("utf-8"))["routing"]["default_group"] == "general_support"
        assert run("import", str(file)).exit_code == 0
    bad = tmp_path / "bad.toml"
    bad.write_text('[routing]\ndefault_group = "gone"\n', "utf-8")
    refused = run("import", str(bad))
    assert refused.exit_code == 1 and "no group gone" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_the_file_that_the_docs_show_can_be_imported(node: Node) -> None:
    serving(node, "amy")
    serving(node, "bob")
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    example = page.split("```toml\n[groups.night]", 1)[1].split("```", 1)[0]
    take_in(node, tomllib.loads("[groups.night]" + example))
    assert "night" in exported(node.services.engine, node.appid, ZONE)["groups"]


@pytest.mark.parametrize("suffix", ["toml", "json"])
def test_a_byte_order_mark_is_no_part_of_an_import(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"config.{suffix}"
    text = {"toml": 'title = "夜班"', "json": '{"title": "夜班"}'}[suffix]
    file.write_bytes(text.encode("utf-8-sig"))
    assert config_commands._read(file) == {"title": "夜班"}


@pytest.mark.parametrize(("encoding", "name"), [("gbk", "probably GBK"), ("utf-16", "UTF-16")])
def test_an_import_in_another_encoding_is_one_line(
    tmp_path: Path, encoding: str, name: str
) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes('title = "夜班"'.encode(encoding))
    with pytest.raises(click.ClickException) as caught:
        config_commands._read(file)
    assert caught.value.message == f"{file} is {name}, not UTF-8; save it as UTF-8"
