"""One site of two nodes for each file, a figure sheet for each test, and the table's rows as marks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.conftest import need
from tests.faults.cluster import Site
from tests.faults.history import Verdict, judge
from tests.faults.load import Load
from tests.faults.rows import ROWS
from tests.nginx import nginx_missing
from tests.servers import PrivateZooKeeper, redis_missing


@dataclass
class Sheet:
    """What one test measured; it stands in the table."""

    figures: dict[str, str] = field(default_factory=dict)

    def held(self, words: str) -> None:
        self.figures["held"] = words

    def recovered(self, seconds: float) -> None:
        self.figures["recovery_s"] = f"{seconds:.1f}"

    def judged(self, verdict: Verdict) -> None:
        """The promises held; what was counted goes into the table."""
        assert verdict.problems == ()
        self.figures["lost"], self.figures["doubled"] = str(verdict.lost), str(verdict.doubled)
        self.figures["replies"] = verdict.outcomes


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    by_test = {test: number for number, row in ROWS.items() for test in row.elsewhere}
    for item in items:
        row = by_test.get(item.nodeid.partition("[")[0])
        if row is not None:
            item.add_marker(pytest.mark.fault_row(row))
        for mark in item.iter_markers("fault_row"):
            item.user_properties.append(("row", str(mark.args[0])))


@pytest.fixture
def sheet(request: pytest.FixtureRequest) -> Iterator[Sheet]:
    made = Sheet()
    yield made
    request.node.user_properties += made.figures.items()


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory,
    zookeeper_server: PrivateZooKeeper,
    request: pytest.FixtureRequest,
) -> Iterator[Site]:
    """Two nodes, one Redis, Nginx, a platform; ``ENV`` of the file sets more for the nodes."""
    need(redis_missing() or nginx_missing())
    env = getattr(request.module, "ENV", {})
    folder = tmp_path_factory.mktemp("site")
    made = Site(folder, zookeeper_server.port, ("east", "west"), **env)
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.fixture
def load(site: Site) -> Iterator[Load]:
    """A staff of its own and customers of its own for one test."""
    made = Load(site)
    yield made
    site.heal()
    made.leave()


def proof(load: Load, sheet: Sheet) -> None:
    """Completes the history and holds every promise against it."""
    sheet.judged(judge(load.complete()))
