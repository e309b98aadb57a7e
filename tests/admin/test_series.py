from __future__ import annotations

import time

from app.metrics.series import KEPT_MINUTES, MINUTE_MS, Series
from app.metrics.tally import Tally
from tests.admin.test_admin_api import serving
from tests.api.conftest import Client, Node
from tests.reports.test_export import reply
from tests.support import wait_until


def test_the_series_counts_pushes_conversations_answers_and_refusals(
    admin: Client, node: Node
) -> None:
    amy = serving(node, "amy")
    node.says("customer-1")
    node.says("customer-1")
    reply(amy, node.session_of("customer-1"), "您好")

    def counted() -> bool:
        found = admin.data("/admin/series?minutes=5")
        return sum(found["sent"]) == 1 and sum(found["callbacks"]) == 2

    wait_until(counted, 25)
    found = admin.data("/admin/series?minutes=5")
    assert len(found["callbacks"]) == 5
    assert sum(found["opened"]) == 1 and sum(found["answered"]) == 1
    assert max(n for n in found["first_reply_ms"] if n is not None) < 20_000
    assert found["serving"][-1] in (None, 1) and 1 in found["serving"]
    assert found["errors"] == []
    assert admin.get("/admin/series?minutes=100000").status_code == 422


def test_minutes_of_several_nodes_add_up_and_run_out(node: Node) -> None:
    series = Series(node.services.redis, "wx-series")
    now_ms = int(time.time() * 1000)
    minute = now_ms // MINUTE_MS
    series.add({(minute, "sent"): 2, (minute - 1, "error:45015"): 1}, {"waiting": 3}, now_ms)
    series.add({(minute, "sent"): 3, (minute - KEPT_MINUTES, "sent"): 9}, {"waiting": 1}, now_ms)
    assert series.read(minute - 2, 3) == [{}, {"error:45015": 1}, {"sent": 5, "waiting": 1}]
    assert series.read(minute - KEPT_MINUTES, 1) == [{}]
    keys = list(node.services.redis.scan_iter("kf:{wx-series}:*"))
    assert len(keys) == 2 and all(node.services.redis.ttl(key) > 0 for key in keys)


def test_counts_that_could_not_be_stored_are_not_lost() -> None:
    tally = Tally()
    tally.count("wx", "sent", at_ms=0)
    taken = tally.take("wx")
    assert tally.take("wx") == {}
    tally.count("wx", "sent", at_ms=0)
    tally.give_back("wx", taken)
    assert tally.take("wx") == {(0, "sent"): 2}
