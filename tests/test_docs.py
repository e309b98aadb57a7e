"""The documentation says what the code does: settings, states, keys, routes, codes, metrics, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from types import SimpleNamespace
from typing import Any, cast

import pytest
import structlog

from app.api.core import PUBLIC, Route
from app.api.problems import HTTP_CODES, INTERNAL
from app.auth.roles import INTEGRATION, ROLES, allowed
from app.edge.server import create_app
from app.metrics.prometheus import REGISTRY
from app.node import logs
from app.node.logs import LINES
from app.refusals import STATUS
from app.services import Services
from config.settings import PREFIX, Settings
from sessions.diagram import state_diagram
from sessions.machine import HOLDINGS, Timer
from sessions.store.keys import FORMATS
from sessions.store.scripts import NAMES
from tests.stories.threads import THREADS
from tests.test_imports import ROOT, sources

README = ROOT / "README.md"
README_ZH = ROOT / "README.zh-CN.md"
DOCS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *ROOT.glob("[a-z]*/README.md")])
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HOSTS = {  # where a reader may be sent
    "127.0.0.1",
    "api.weixin.qq.com",
    "developers.weixin.qq.com",
    "github.com",
    "keepachangelog.com",
    "kf.example.com",
    "mp.weixin.qq.com",
    "semver.org",
}
NOT_HERE = ["/".join(("", "work", "")), "sub" + "agent", "TODO", "FIXME", "lorem ipsum"]


def doc(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


def rows(text: str, heading: str) -> Iterator[list[str]]:
    """The cells of every table row below a heading, without the table's own head."""
    section = text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if not set(line) <= set("|- ") and not (following and set(following) <= set("|- ")):
            yield [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def code(cell: str) -> str:
    return cell.strip("`")


def shown(value: Any) -> str:
    """A default as the settings table shows it."""
    if value is None or value in ((), frozenset()):
        return "—"
    if isinstance(value, bool):
        return f"`{int(value)}`"
    return f"`{value.value if isinstance(value, Enum) else value}`"


def test_every_setting_stands_in_the_operations_page_with_its_default() -> None:
    documented = {
        code(name): default for name, default, _ in rows(doc("operations.md"), "Settings")
    }
    fields = Settings.model_fields
    assert documented == {PREFIX + name.upper(): shown(f.default) for name, f in fields.items()}


def test_the_settings_that_the_docs_name_exist() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for path in DOCS:
        named = set(re.findall(r"\bKF_[A-Z_]+[A-Z]\b", path.read_text("utf-8")))
        assert named <= known, path.name


def test_every_metric_is_named_and_no_other() -> None:
    families = list(REGISTRY.collect())
    real = {f.name + ("_total" if f.type == "counter" else "") for f in families}
    assert {code(row[0]) for row in rows(doc("operations.md"), "Metrics")} == real


def test_log_lines_are_quoted_as_they_are_written(capfd: pytest.CaptureFixture[str]) -> None:
    quoted = set(re.findall(r'`("event": ?"(\w+)")`', doc("operations.md")))
    assert quoted
    logs.configure("info")
    for text, event in quoted:
        logs.inform(event)
        structlog.get_logger().info(event)
        LINES.flush()
        assert capfd.readouterr().err.count(text) == 2
    logs.configure("error")


def test_every_error_of_the_log_is_worth_an_alarm_and_every_named_line_exists() -> None:
    section = doc("operations.md").split("Worth an alarm:", 1)[1].split("Secrets", 1)[0]
    named = set(re.findall(r"`(\w+)`", section))
    said: dict[str, set[str]] = {"warning": set(), "error": set(), "exception": set()}
    for path in sources("app", "routing", "sessions"):
        text = (ROOT / path).read_text("utf-8")
        for level, rest in re.findall(r"\blog\.(warning|error|exception)\(([^,)]*)", text):
            said[level] |= set(re.findall(r'"(\w+)"', rest))
    assert named <= set().union(*said.values())
    assert said["error"] | said["exception"] <= named


def test_the_state_diagram_is_the_one_that_the_table_draws() -> None:
    drawn = re.search(
        r"<!-- states[^\n]*-->\n```mermaid\n(.*?)\n```\n<!-- end", doc("architecture.md"), re.S
    )
    assert drawn and drawn[1] == state_diagram()


def test_every_state_is_explained_with_its_deadlines() -> None:
    explained = {
        code(r[0]): r[2] for r in rows(doc("architecture.md"), "The states of a conversation")
    }
    assert set(explained) == {state.value for state in HOLDINGS}
    for state, holds in HOLDINGS.items():
        named = {timer for timer in Timer if f"`{timer}`" in explained[state.value]}
        assert named == set(holds.timers)


def test_every_redis_key_is_in_the_key_table() -> None:
    table = {code(row[0]): code(row[1]) for row in rows(doc("architecture.md"), "Redis keys")}
    assert table == FORMATS


def test_every_atomic_step_is_explained() -> None:
    named: set[str] = set()
    for row in rows(doc("architecture.md"), "Atomic steps"):
        named |= set(re.findall(r"`(\w+)`", row[0]))
    assert named == set(NAMES)


def routes() -> dict[tuple[str, str], str]:
    """Who may call (method, path), of everything a node serves; parameters without their names."""
    nothing = SimpleNamespace(served={}, settings=SimpleNamespace(simulator_on=False))
    app = create_app(cast(Services, nothing))
    declared = app.extensions["kfring"]
    return {
        (method, re.sub(r"<[^>]*>", "<>", rule.rule)): who(declared.get(rule.endpoint))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint.partition(".")[0] != "pages"
    }


def who(route: Route | None) -> str:
    """The least of the roles that may call a declared route."""
    if route is None or route.action == PUBLIC:
        return "anybody" if route else "WeChat"
    least = next((role for role in ROLES if allowed(role, route.action)), "")
    return f"{INTEGRATION}, {least}" if allowed(INTEGRATION, route.action) else least


def test_the_route_table_is_what_the_server_serves_and_to_whom() -> None:
    table = {
        (code(row[0]), re.sub(r"<[^>]*>", "<>", code(row[1]))): row[2]
        for row in rows(doc("api.md"), "Routes")
    }
    assert table == routes()


def test_every_error_code_has_its_status_and_its_meaning() -> None:
    table = {code(row[0]): int(row[1]) for row in rows(doc("api.md"), "Error codes") if row[2]}
    http = {code: status for status, code in HTTP_CODES.items()}
    assert table == {**http, INTERNAL: 500, **STATUS}


def test_the_bugs_planted_by_hand_name_tests_that_exist() -> None:
    named = 0
    for row in rows(doc("testing.md"), "Ten bugs planted by hand"):
        assert (ROOT / code(row[1])).is_file(), row[1]
        for path, test in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row[2]):
            assert f"def {test}(" in (ROOT / path).read_text("utf-8"), f"{path}::{test}"
        named += bool(re.search(r"`tests/[\w/]+\.py::\w+`", row[2]))
    assert named >= 10


@pytest.mark.parametrize("section", THREADS)
def test_every_thread_of_a_complaint_has_a_test_that_exists(section: str) -> None:
    told: list[str] = []
    for row in rows(doc("testing.md").replace("\n### ", "\n## "), section):
        told += threads(row[1])
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row[2])
        assert named, row[0]
        for path, test in named:
            assert f"def {test}(" in (ROOT / path).read_text("utf-8"), f"{path}::{test}"
    assert sorted(told) == sorted(THREADS[section])


def threads(cell: str) -> list[str]:
    """``chatwoot #1, #2; cskefu #3`` as three threads; a source without numbers is one."""
    found = []
    for part in cell.split("; "):
        repository = part.partition(" #")[0]
        numbers = re.findall(r"#(\d+)", part)
        found += [f"{repository} #{number}" for number in numbers] or [repository]
    return found


@pytest.mark.parametrize("path", DOCS, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path: Any) -> None:
    for target in LINK.findall(path.read_text("utf-8")):
        if target.startswith(("http://", "https://")):
            assert re.sub(r"^https?://([^/:]+).*", r"\1", target) in HOSTS, target
        else:
            file, _, anchor = target.partition("#")
            aim = (path.parent / file).resolve() if file else path
            assert aim.exists(), target
            assert not anchor or anchor in anchors(aim.read_text("utf-8")), target


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as the usual renderers make them."""
    titles = re.findall(r"^#+ (.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", DOCS, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_pages_name_existing_files_and_nothing_foreign(path: Any) -> None:
    text = path.read_text("utf-8")
    for word in NOT_HERE:
        assert word not in text
    for host in re.findall(r"https?://([A-Za-z0-9.-]+)", text):
        assert host in HOSTS
    for file in re.findall(r"`((?:app|routing|sessions|config|deploy|tests)/[\w/.-]+)`", text):
        assert (ROOT / file).exists(), file


def test_both_readmes_tell_the_same() -> None:
    english, chinese = README.read_text("utf-8"), README_ZH.read_text("utf-8")
    assert english.count("\n## ") == chinese.count("\n## ")
    blocks = re.compile(r"```\n(.*?)```", re.S)
    assert blocks.findall(english) == blocks.findall(chinese)
    links = [{t for t in LINK.findall(text) if "README" not in t} for text in (english, chinese)]
    assert links[0] == links[1]


def test_the_chinese_page_addresses_the_reader_politely() -> None:
    text = README_ZH.read_text("utf-8")
    assert "您" in text
    assert "你" not in text
    assert not re.search(r"[\u4e00-\u9fff][,;:?!]", text)


@pytest.mark.parametrize(("page", "heading"), [(README, "Two commands"), (README_ZH, "两条命令")])
def test_a_newcomer_needs_exactly_two_commands(page: Any, heading: str) -> None:
    section = page.read_text("utf-8").split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    assert re.findall(r"```\n(.*?)\n```", section, re.S) == ["make run\nmake test"]


@pytest.mark.parametrize("path", DOCS, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_make_command_that_a_page_quotes_is_a_target(path: Any) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    quoted = re.findall(r"(?:^|`)make ([a-z]+)", path.read_text("utf-8"), re.M)
    assert set(quoted) <= targets
