"""Whatever the server can say has words on the pages: no code, state or reason is shown raw or left out."""

from __future__ import annotations

import functools
import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from wechatpy.events import EVENT_TYPES

from app.auth import roles
from app.refusals import STATUS
from app.wechat.fields import ACCOUNT, EVENTS
from sessions import entry
from sessions.deadlines import Overdue
from sessions.model import CloseReason, Delivery, State
from sessions.seats import Status
from tests.conftest import need

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "app/web"
NEVER_SHOWN = {"received"}
"""A customer's message needs no word for its state."""

WHY = {
    *(
        "transfer",
        "assigned",
        "takeover",
        "declined",
        "timed_out",
        "keyword",
        "rating",
        "off_shift",
    ),
    *("agent_lost", "agent_offline", "agent_disabled", *(one.value for one in Overdue)),
} - {"nudge"}
TYPES = {
    *("text", "image", "voice", "video", "shortvideo", "location", "link", "file", "event"),
    *("miniprogrampage", "news", "msgmenu"),
}
"""Each has a card or a word in lists and previews."""


@functools.cache
def words(language: str) -> dict[str, str]:
    node = shutil.which("node")
    need("" if node else "node is not installed")
    script = "import(process.argv[1]).then((m) => process.stdout.write(JSON.stringify(m.default)))"
    module = (WEB / f"shared/words.{language}.js").as_uri()
    command = [str(node), "-e", script, module]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def sources(folder: str, ending: str) -> str:
    return "\n".join(p.read_text("utf-8") for p in sorted((ROOT / folder).rglob(f"*{ending}")))


def missing(prefix: str, names: set[str]) -> set[str]:
    return {name for name in names if f"{prefix}.{name}" not in words("zh")}


def test_states_reasons_and_types_have_words() -> None:
    assert missing("state", {one.value for one in State}) == set()
    assert missing("closed", {one.value for one in CloseReason}) == set()
    assert missing("status", {one.value for one in Delivery} - NEVER_SHOWN) == set()
    assert missing("presence", {one.value for one in Status}) == set()
    assert missing("type", TYPES) == set()
    assert missing("why", WHY) == set()


def test_every_kind_of_event_has_a_sentence_of_its_own_unless_it_is_the_accounts() -> None:
    made_up = {"subscribe_scan", "subscribe_scan_product"}  # by the library, not by the platform
    account = {event.lower() for event in ACCOUNT}
    listed = {name.lower() for name in EVENT_TYPES} - made_up - account
    kinds = (set(EVENTS) | set(entry.EVENTS)) - ACCOUNT
    for language in ("zh", "en"):
        said = {k: v for k, v in words(language).items() if k.startswith("event.")}
        assert {f"event.{kind}" for kind in kinds} <= set(said)
        assert {f"event.{kind}" for kind in listed} <= {key.lower() for key in said}
        assert len(set(said.values())) == len(said)


def test_every_refusal_of_the_api_has_words() -> None:
    assert missing("problem", set(STATUS)) == set()


def test_every_decision_of_routing_has_words() -> None:
    policy = (ROOT / "routing/policy.py").read_text("utf-8")
    queue = sources("sessions/store/lua", ".lua") + sources("app/conversations", ".py")
    reasons = {"ring", "previous", "over_cap", "nobody_online", "all_excluded", "all_full"}
    reasons |= {"others_wait_first", "group_closed", "agents_take", "from_queue"}
    for name in reasons:
        assert f'"{name}"' in policy or name in queue, f"{name} is no longer said"
    assert missing("routing.reason", reasons | {"taken"}) == set()
    skipped = {"full", "over_cap", "unknown", "excluded", "not_in_group", "offline"}
    assert missing("routing.skipped", skipped) == set()
    assert missing("routing.passed", {"no_members", "nobody_online"}) == set()


def test_every_notice_has_a_heading_and_no_heading_is_left_over() -> None:
    keys = set(tomllib.loads((ROOT / "config/notices.toml").read_text("utf-8")))
    assert missing("notice", keys) == set()
    pages = {"hint", "placeholders", "off", "reset", "other"}
    headings = {key.removeprefix("notice.") for key in words("zh") if key.startswith("notice.")}
    assert headings - pages == keys


def test_everything_that_is_audited_has_words_and_can_be_asked_for() -> None:
    said = re.compile(r'(?:\brecord|audited|_moved)\([^()]*?"([a-z_]+\.[a-z_]+)"', re.DOTALL)
    acts = set(said.findall(sources("app", ".py")))
    acts |= {"export.conversations", "export.messages", "session.assign", "session.takeover"}
    acts |= {"group.update", "routing.update", "routing.restore"}
    assert len(acts) > 20
    assert missing("act", acts) == set()
    offered = set(re.findall(r'"([a-z_]+\.[a-z_]+)"', (WEB / "admin/audit.js").read_text("utf-8")))
    assert acts <= offered


def test_roles_and_system_lines_have_words() -> None:
    names = {role for allowed in roles.ACTIONS.values() for role in allowed}
    assert missing("role", names - {"integration"}) == set()
    codes = set(re.findall(r'\bSystemLine\(\s*"([a-z_]+)"', sources("app", ".py")))
    codes |= set(re.findall(r'"code": "([a-z_]+)"', sources("app", ".py")))
    lines = (WEB / "shared/lines.js").read_text("utf-8")
    handled = set(re.findall(r"^  (\w+): ", lines, re.MULTILINE))
    assert len(codes) >= 7
    assert codes <= handled


DYNAMIC = re.compile(r"\b(?:t|has)\(`([\w.]+)\.\$\{")
FAMILIES = {
    *("app", "assign", "chart", "compose.field", "console", "day", "entry", "export", "fact"),
    *(
        "field",
        "lang",
        "list",
        "notice",
        "over",
        "platform",
        "presence",
        "readonly",
        "role",
        "line",
    ),
    *("routing.passed", "routing.reason", "state", "type", "watch", "when", "why"),
}


def test_words_asked_for_by_a_name_made_up_belong_to_a_known_family() -> None:
    asked = set(DYNAMIC.findall(sources("app/web", ".js")))
    assert asked - FAMILIES == set()
    assert all(any(k.startswith(f"{f}.") for k in words("zh")) for f in asked)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_word_is_empty_or_has_a_stray_brace(language: str) -> None:
    for key, text in words(language).items():
        assert text.strip(), key
        assert not re.search("[{}]", re.sub(r"\{\w+\}", "", text)), key
