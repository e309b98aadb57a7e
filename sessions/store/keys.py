"""Every Redis key of an official account, in one table.

All keys of one account carry the hash tag ``{appid}``: one account is one cluster slot and one atomic
domain. The Lua scripts get the prefix as KEYS[1] and their keys' names are replaced by these formats
(``script_text``), so that a format is written once.
"""

from __future__ import annotations

from typing import Final

FORMATS: Final[dict[str, str]] = {
    # name: suffix after "kf:{appid}:"           type, what it holds
    "session": "s:",  # hash    by session id: the conversation
    "messages": "m:",  # list    by session id: message JSON, index = seq - 1
    "overlay": "o:",  # hash    by session id: seq -> JSON that changed since (status, error, media)
    "client_ids": "i:",  # hash    by session id: client_id -> "seq:hash"
    "card": "r:",  # string  by session id: explanation card of the last decision, JSON
    "customer": "c:",  # hash    by openid: open session, last agent, reply budgets, remark
    "tags_claim": "ct:",  # string  by openid: a node reads the customer's tags at WeChat
    "agent": "a:",  # hash    by kf_account: status, seats, enabled (mirror of SQL and of intent)
    "database": "db",  # string  id of the SQL database whose kf accounts are mirrored here
    "roster_news": "news",  # stream  kf_accounts of the last few changes, for nodes that wait for one
    "agents": "agents",  # set     every mirrored kf_account
    "changes": "changes",  # zset    kf_account -> number of its last change
    "seats": "seats:",  # set     by kf_account: session ids held or reserved; its size is the load
    "seated": "gs:",  # set     by group: session ids seated in it
    "queue": "q:",  # zset    by group: session id -> effective time, microseconds
    "handling": "ht",  # hash    "<group>:ms", "<group>:n": mean time a seat was held, conversations counted
    "queues": "queues",  # set     names of groups that have had a queue
    "live": "live",  # zset    open conversations -> created_ms
    "closed": "closed",  # zset    closed, not yet in SQL -> closed_ms
    "timers": "timers",  # zset    "<session>:<timer>" -> due ms
    "outbox": "ob:",  # list    by openid: items to send, in order
    "outbox_due": "obdue",  # zset    openid -> next attempt ms (or end of the claim's lease)
    "claim": "obc:",  # hash    by openid: token, item of the send under way
    "send_quota": "sq",  # string  the day's quota of custom/send is used up; ends with the day
    "dead": "dead",  # zset    message id -> ms: failed or unknown
    "media_jobs": "mediaq",  # zset    "<session>:<seq>" -> due ms
    "desk": "desk",  # stream  what the desks are told
    "leases": "leases",  # zset    "<kf_account>|<holder>" -> end ms
    "duty": "duty",  # set     kf_accounts whose status is not offline
    "absent": "absent",  # zset    kf_account on duty but not present -> since ms
    "off_shift": "offshift",  # zset    kf_account -> end of the shift, ms
    "viewers": "vw:",  # zset    by session id: "<kf_account>|<username>" who looks -> until ms
    "ratings": "ra:",  # hash    by kf_account: count, sum of the customers' ratings
    "series": "y:",  # hash    by minute: counts and figures of that minute, kept a day
    "rated": "rated",  # hash    closed session id -> the customer's rating, JSON, until SQL has it
    "duplicate": "d:",  # string  by duplicate key: stored outcome, 600 s
    "operation": "op:",  # string  by operation id: stored result, 600 s
}

SCHEMA_VERSION: Final = 1


class Keys:
    """Key names of one official account: ``Keys("wx…").of("session", sid)``."""

    __slots__ = ("prefix",)

    def __init__(self, appid: str) -> None:
        self.prefix = f"kf:{{{appid}}}:"

    def of(self, name: str, ident: str = "") -> str:
        return self.prefix + FORMATS[name] + ident


def timer_member(session_id: str, timer: str) -> str:
    return f"{session_id}:{timer}"


def split_timer(member: str) -> tuple[str, str]:
    session_id, _, timer = member.rpartition(":")
    return session_id, timer
