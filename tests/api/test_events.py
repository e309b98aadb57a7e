"""The event stream: recipients, resuming, draining, limits and revoked logins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.api.agent import events
from app.desk.stream_slots import EACH_MAX, StreamSlots
from tests.api.conftest import WECHAT_ID, Client, Node, Stream
from tests.support import wait_until

Listen = Callable[..., Stream]


def attendance(node: Node) -> Any:
    return node.services.served[node.appid].account.attendance


def test_the_stream_begins_with_its_place_and_tells_what_happens(
    node: Node, listen: Listen
) -> None:
    anna = node.agent("anna")
    stream = listen(anna)
    assert stream.headers["Content-Type"].startswith("text/event-stream")
    assert stream.headers["X-Accel-Buffering"] == "no"
    assert stream.headers["Cache-Control"] == "no-store"
    first = stream.blocks[0]
    assert 2000 <= int(first["retry"]) <= 4000 and "-" in first["id"]
    anna.online()
    node.says("o1")
    session = stream.wait("session.assigned")["session"]
    assert session["kf_account"] == f"anna@{WECHAT_ID}"
    node.says("o1", "第二句")
    wait_until(
        lambda: any(e["message"]["text"] == "第二句" for e in stream.events("message.created"))
    )
    events = [block for block in stream.blocks if block.get("event", "beat") != "beat"]
    assert events and all(block.get("id") for block in events)


def test_an_event_carries_what_a_fetch_answers(node: Node, listen: Listen) -> None:
    anna = node.agent("anna")
    stream = listen(anna)
    anna.online()
    node.says("o1")
    session = stream.wait("session.assigned")["session"]
    assert session == anna.data(f"/sessions/{session['id']}")


def test_another_agent_is_not_told(node: Node, listen: Listen) -> None:
    anna, bob = node.agent("anna"), node.agent("bob")
    stream, other = listen(anna), listen(bob)
    anna.online()
    node.says("o1")
    stream.wait("session.assigned")
    other.wait("presence.changed")
    assert other.events("session.assigned") == [] and other.events("message.created") == []


def test_a_stream_makes_an_agent_present_and_its_end_takes_him_away(
    node: Node, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "BEAT_S", 0.2)
    name = f"anna@{WECHAT_ID}"
    anna = node.agent("anna")
    one, two = listen(anna), listen(anna)
    assert name in attendance(node).present()
    assert node.services.served[node.appid].hub.listeners() == 2
    one.stop()
    wait_until(lambda: node.services.served[node.appid].hub.listeners() == 1)
    assert name in attendance(node).present()
    two.stop()
    wait_until(lambda: name not in attendance(node).present())


def test_a_desk_resumes_where_it_was(node: Node, listen: Listen) -> None:
    anna = node.agent("anna")
    stream = listen(anna)
    anna.online()
    node.says("o1")
    stream.wait("message.created")
    last = stream.blocks[-1]["id"]
    stream.stop()
    node.says("o1", "断线时说的话")
    for again in (
        listen(anna, **{"Last-Event-ID": last}),
        listen(anna, f"/api/v1/events?last_event_id={last}"),
    ):
        assert again.blocks[0]["id"] == last
        assert again.wait("message.created")["message"]["text"] == "断线时说的话"


def test_what_is_too_old_is_a_resync(node: Node, listen: Listen) -> None:
    anna = node.agent("anna")
    anna.online()
    node.says("o1")
    hub = node.services.served[node.appid].hub
    wait_until(lambda: hub.last_id() != "0-0")
    stream = listen(anna, **{"Last-Event-ID": "1-0"})
    assert stream.wait("resync") == {}
    block = next(b for b in stream.blocks if b.get("event") == "resync")
    assert block["id"] == hub.last_id()


@pytest.mark.parametrize("given", ["garbage", "9999999999999-0", "-1", "1-0%0Aevent:%20x"])
def test_an_id_that_is_none_of_ours_is_a_resync_and_is_not_echoed(
    node: Node, listen: Listen, given: str
) -> None:
    anna = node.agent("anna")
    anna.online()
    node.says("o1")
    hub = node.services.served[node.appid].hub
    wait_until(lambda: hub.last_id() != "0-0")
    stream = listen(anna, f"/api/v1/events?last_event_id={given}")
    assert stream.wait("resync") == {}
    assert stream.blocks[0].keys() == {"retry", "comment", "id"}
    assert stream.blocks[-1]["id"] == hub.last_id()


def test_the_newest_id_is_known_also_when_its_entry_is_trimmed(node: Node) -> None:
    anna = node.agent("anna")
    anna.online()
    stream = node.services.served[node.appid].account.stream
    newest = stream.last_id()
    node.services.redis.xtrim(stream._key, maxlen=0)
    assert newest != "0-0" and stream.last_id() == newest


def test_a_draining_node_says_so_and_ends_its_streams(node: Node, listen: Listen) -> None:
    anna = node.agent("anna")
    stream = listen(anna)
    node.draining.set()
    stream.wait("drain")
    wait_until(lambda: stream.ended)
    drain = next(b for b in stream.blocks if b.get("event") == "drain")
    assert 200 <= int(drain["retry"]) <= 3000
    assert anna.get("/events").status_code == 503


def test_a_persons_ninth_stream_ends_their_oldest_with_a_word(node: Node, listen: Listen) -> None:
    anna, bob = node.agent("anna"), node.agent("bob")
    other = listen(bob)
    streams = [listen(anna) for _ in range(EACH_MAX)]
    assert not any(stream.ended for stream in streams)
    again = node.client(node.token("anna"))
    streams.append(listen(again))
    streams[0].wait("replaced")
    wait_until(lambda: streams[0].ended)
    replaced = next(b for b in streams[0].blocks if b.get("event") == "replaced")
    assert int(replaced["retry"]) >= 30_000
    hub = node.services.served[node.appid].hub
    wait_until(lambda: hub.listeners() == EACH_MAX + 1)
    assert not any(stream.ended for stream in [*streams[1:], other])
    anna.online()
    node.says("o1")
    for stream in [*streams[1:]]:
        stream.wait("session.assigned")


def test_a_client_that_does_not_read_its_end_gets_no_more_than_its_share() -> None:
    slots = StreamSlots(most=20, each=2, ending=3)
    taken = [slots.take(1) for _ in range(6)]
    mine = [slot for slot in taken if slot is not None]
    assert [slot.replaced for slot in mine] == [True, True, True, False, False]
    assert taken[-1] is None
    other = slots.take(2)
    assert other is not None
    slots.give_back(mine[0])
    assert slots.take(1) is not None
    assert not other.replaced


class TestCapped:
    @pytest.fixture
    def settings_of_node(self) -> dict[str, str]:
        return {"KF_STREAMS_MAX": "2"}

    def test_no_more_streams_than_the_node_has_room_for(
        self, node: Node, listen: Listen, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(events, "BEAT_S", 0.2)
        anna = node.agent("anna")
        streams = [listen(anna), listen(anna)]
        full = anna.get("/events")
        assert (full.status_code, full.json()["code"]) == (503, "streams_full")
        assert full.headers["Retry-After"]
        streams[0].stop()
        wait_until(lambda: node.services.served[node.appid].hub.listeners() == 1)
        listen(anna)


def test_a_revoked_login_ends_the_stream(
    node: Node, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "CHECK_S", 0.2)
    anna = node.agent("anna")
    stream = listen(anna)
    assert anna.post("/logout").status_code == 204
    wait_until(lambda: stream.ended)


def test_a_role_lowered_ends_the_stream_even_while_it_is_never_idle(
    node: Node, admin: Client, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert events.CHECK_S < 30
    monkeypatch.setattr(events, "CHECK_S", 0.5)
    anna, lead = node.agent("anna"), node.person("lea", "supervisor")
    stream = listen(lead)
    (lea,) = (p for p in admin.data("/admin/people") if p["username"] == "lea")
    assert admin.patch(f"/admin/people/{lea['id']}", {"role": "agent"}).status_code == 200

    def told_again() -> bool:
        for status in ("online", "away"):
            anna.put("/me/presence", {"status": status})
        return stream.ended

    wait_until(told_again, every=0.01)
    assert lead.get("/me").status_code == 401


def test_an_idle_stream_beats(node: Node, listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "BEAT_S", 0.2)
    stream = listen(node.agent("anna"))
    beats = lambda: [block for block in stream.blocks if block.get("event") == "beat"]  # noqa: E731
    wait_until(lambda: len(beats()) >= 3)
    assert all(block["comment"] == "beat" and "id" not in block for block in beats())


def test_a_stream_shows_at_once_that_it_comes_through(node: Node, listen: Listen) -> None:
    """A page can then tell a stream that is swallowed on the way from one on which nothing happens."""
    stream = listen(node.agent("anna"))
    wait_until(lambda: len(stream.blocks) >= 2)
    assert stream.blocks[1]["event"] == "beat"


def test_a_stream_that_is_never_read_gives_everything_back(node: Node) -> None:
    anna = node.agent("anna")
    token = anna.http.headers["Authorization"]
    hub = node.services.served[node.appid].hub
    for method in ("GET", "HEAD"):
        response = node.app.test_client().open(
            "/api/v1/events", method=method, headers={"Authorization": token}, buffered=False
        )
        response.close()
        wait_until(lambda: hub.listeners() == 0)
    assert f"anna@{WECHAT_ID}" not in attendance(node).present()


def test_typing_is_told_to_supervisors(node: Node, listen: Listen) -> None:
    anna, lead = node.agent("anna"), node.person("lea", "supervisor")
    stream = listen(lead)
    anna.online()
    node.says("o1")
    sid = node.session_of("o1")
    anna.post(f"/sessions/{sid}/typing")
    assert stream.wait("viewer.changed")["session_id"] == sid


def test_a_desk_whose_network_went_away_without_a_word_is_no_longer_present(
    node: Node, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "CHECK_S", 0.2)
    monkeypatch.setattr(events, "SILENT_MS", 3_000)
    anna, bob = node.agent("anna"), node.agent("bob")
    silent, simple = listen(anna), listen(bob)
    assert anna.post("/me/stream-alive").status_code == 204
    name = f"anna@{WECHAT_ID}"
    assert name in attendance(node).present()
    wait_until(lambda: silent.ended, 20)
    wait_until(lambda: name not in attendance(node).present(), 20)
    assert not simple.ended
