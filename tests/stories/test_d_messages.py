"""Field D: messages lost, doubled or out of order."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from app.conversations import arrivals, sweeps, transfers
from sessions.model import State
from tests.conversations.conftest import Office


def texts(office: Office, session_id: str) -> list[str]:
    found = office.account.reading.messages(session_id, 0, 200)
    return [m["text"] for m in found if m["direction"] != "system"]


def test_rocketchat_2772_what_is_written_while_everybody_is_offline_is_all_there_later(
    office: Office,
) -> None:
    sid = office.says("o1", "一").session_id
    for text in ("二", "三"):
        assert office.says("o1", text).session_id == sid
    office.agent("a@x")
    assert office.session(sid).kf_account == "a@x"
    assert texts(office, sid) == ["一", "二", "三"]


def test_rocketchat_27816_everything_is_there_after_two_changes_of_hands(office: Office) -> None:
    office.agent("a@x")
    sid = office.says("o1", "一").session_id
    office.replies(sid, "a@x", "答一")
    office.agent("b@x")
    transfers.transfer(office.account, sid, "a@x", "b@x", "", "")
    office.says("o1", "二")
    office.replies(sid, "b@x", "答二")
    office.vanishes("b@x")
    office.grace_over("b@x")
    sweeps.look_after_agents(office.account, 1)
    office.says("o1", "三")
    assert office.session(sid).kf_account == "a@x"
    assert texts(office, sid) == ["一", "答一", "二", "答二", "三"]


def test_chatwoot_6128_one_customer_who_writes_ten_times_at_once_has_one_conversation(
    office: Office,
) -> None:
    office.agent("a@x", seats=20)
    pushes = [office.push("o1", str(n)) for n in range(10)]
    with ThreadPoolExecutor(10) as threads:
        outcomes = list(threads.map(lambda p: arrivals.receive(office.account, p), pushes * 3))
    (sid,) = {o.session_id for o in outcomes}
    assert sorted(texts(office, sid)) == [str(n) for n in range(10)]
    assert office.account.reading.live_count() == 1
    seqs = [m["seq"] for m in office.account.reading.messages(sid, 0, 100)]
    assert seqs == list(range(1, len(seqs) + 1))


def test_wxjava_a_colliding_message_id_of_another_customer_is_no_duplicate(
    office: Office,
) -> None:
    office.agent("a@x", seats=5)
    made = [office.says(name, name, msg_id="7", dedup_key=f"m:{name}:7") for name in ("o1", "o2")]
    assert [texts(office, o.session_id) for o in made] == [["o1"], ["o2"]]


def test_chatwoot_9506_no_conversation_is_without_a_message(office: Office) -> None:
    office.agent("a@x", seats=1)
    sids = [office.says(f"o{n}", "你好").session_id for n in range(4)]
    assert all(texts(office, sid) == ["你好"] for sid in sids)
    assert [office.session(sid).state for sid in sids].count(State.WAITING) == 3
