"""Moving the stored times of a conversation back, as if the deadlines had passed."""

from __future__ import annotations

from tests.conversations.conftest import Office


def passed(office: Office, session_id: str, timer: str, ms: int) -> None:
    """``ms`` ago everything happened; the timer is due now."""
    client, keys = office.account.queries._redis, office.account.store.keys
    session = office.session(session_id)
    for name in ("asked_ms", "assigned_ms", "nudged_ms"):
        value = getattr(session, name)
        if value:
            client.hset(keys.of("session", session_id), name, value - ms)
    client.zadd(keys.of("timers"), {f"{session_id}:{timer}": 1})


def shift_over(office: Office, kf_account: str) -> None:
    client, keys = office.account.queries._redis, office.account.store.keys
    client.zadd(keys.of("off_shift"), {kf_account: 1}, xx=True)


def online_since(office: Office, kf_account: str, ms_ago: int) -> None:
    client, keys = office.account.queries._redis, office.account.store.keys
    now_ms = office.account.store.now_ms()
    client.hset(keys.of("agent", kf_account), "online_ms", now_ms - ms_ago)
    office.account.attendance.refresh()
