"""Field D: messages lost, doubled or out of order."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from app.conversations import arrivals, transfers
from app.conversations.timers import sweep as sweeps
from app.wechat.inbound import read_push
from sessions.model import Inbound, State
from tests.conversations.conftest import Office
from tests.wechat import pushes

CONFIG = pushes.account("plain")


def read(**fields: str | int) -> Inbound:
    """A plain push as the callback reads it."""
    return read_push(CONFIG, pushes.plain_query(), pushes.xml(**fields), pushes.NOW_S)


def texts(office: Office, session_id: str) -> list[str]:
    found = office.account.queries.messages(session_id, 0, 200)
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
    assert office.account.queries.live_count() == 1
    seqs = [m["seq"] for m in office.account.queries.messages(sid, 0, 100)]
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


def test_chatwoot_11901_a_message_is_told_to_the_desks_once_however_often_it_is_delivered(
    office: Office,
) -> None:
    office.agent("a@x")
    office.says("o1", "一")
    push = office.push("o1", "二")
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda p: arrivals.receive(office.account, p), [push] * 6))
    told = [t.message for t in office.account.stream.recent() if t.type == "message.created"]
    assert [m["text"] for m in told if m] == ["一", "二"]


def test_messages_that_arrive_out_of_order_stand_in_the_order_in_which_they_were_accepted(
    office: Office,
) -> None:
    office.agent("a@x")
    late, early = (office.push("o1", text, created_s=at) for text, at in (("二", 2), ("一", 1)))
    sids = {arrivals.receive(office.account, push).session_id for push in (late, early, late)}
    assert len(sids) == 1
    assert texts(office, sids.pop()) == ["二", "一"]


def test_wxjava_2231_two_events_of_the_same_second_are_two_and_a_repeated_one_is_one() -> None:
    keys = [read(MsgType="event", Event="CLICK", EventKey=key).dedup_key for key in "AAB"]
    assert keys[0] == keys[1] != keys[2]
    scan = read(MsgType="event", Event="SCAN", EventKey="A").dedup_key
    assert scan not in keys


def test_wxjava_3445_two_texts_of_the_same_second_are_two_with_and_without_a_message_id(
    office: Office,
) -> None:
    office.agent("a@x")
    same = [
        *(read(MsgType="text", Content=text, MsgId=n) for n, text in enumerate("甲乙", 1)),
        *(read(MsgType="text", Content=text) for text in "丙丁丙"),
    ]
    (sid,) = {arrivals.receive(office.account, push).session_id for push in same}
    assert texts(office, sid) == ["甲", "乙", "丙", "丁"]
