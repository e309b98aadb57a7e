"""What happened, and the proof that nothing was lost, doubled or out of order. Pure: it reads no server.

Everything is told by the outside: what customers pushed and were answered, what agents were promised, what
the platform delivered, what the stores hold at the end, what the desk stream said in the order it happened.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

OWNED = {"SERVING", "TRANSFERING"}
SETTLED = {"sent", "failed", "unknown"}


@dataclass
class Push:
    """One message of a customer; ``tries`` deliveries, ``answered`` = one of them got 200."""

    openid: str
    msg_id: str
    text: str
    tries: int = 0
    answered: bool = False
    seconds: float = 0.0


@dataclass
class Reply:
    """One message an agent wants sent; ``accepted`` = the API said 202, ``code`` why it refused."""

    openid: str
    text: str
    kf_account: str
    accepted: bool = False
    message_id: str = ""
    code: str = ""


@dataclass(frozen=True)
class Told:
    """One entry of the desk stream about a conversation, as it stood at that moment."""

    session_id: str
    openid: str
    state: str
    owner: str
    reserved: str
    epoch: int


@dataclass
class Conversation:
    """A conversation as the stores hold it at the end; messages as the API shows them."""

    id: str
    openid: str
    state: str
    owner: str
    reserved: str
    group: str
    messages: list[dict[str, Any]]


@dataclass
class Stores:
    """The counters to be held against the conversations: raw sets as Redis has them."""

    seats: dict[str, set[str]] = field(default_factory=dict)
    seated: dict[str, set[str]] = field(default_factory=dict)
    queues: dict[str, set[str]] = field(default_factory=dict)
    open_by_customer: dict[str, str] = field(default_factory=dict)
    live: set[str] = field(default_factory=set)
    timed: set[str] = field(default_factory=set)


@dataclass
class History:
    """The whole run. ``limits`` are seats by agent, ``samples`` loads seen while it ran."""

    pushes: list[Push] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    delivered: dict[str, list[str]] = field(default_factory=dict)
    conversations: list[Conversation] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    limits: dict[str, int] = field(default_factory=dict)
    samples: list[Mapping[str, int]] = field(default_factory=list)
    stores: Stores = field(default_factory=Stores)
    logs: dict[str, str] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Verdict:
    """``problems`` in words, empty when every promise held; ``lost`` and ``doubled`` count messages.

    ``outcomes`` tells how many replies were sent, unknown and failed.
    """

    problems: tuple[str, ...]
    lost: int
    doubled: int
    outcomes: str = ""


def judge(history: History) -> Verdict:
    """Every promise, held against everything that was seen."""
    lost, doubled = _lost(history), _doubled(history)
    problems = [f"lost: {text}" for text in lost] + [f"doubled: {text}" for text in doubled]
    for check in (_order, _owners, _limits, _replies, _counters, _leaks):
        problems += check(history)
    return Verdict(tuple(problems), len(lost), len(doubled), _outcomes(history))


def _outcomes(history: History) -> str:
    asked = {reply.text for reply in history.replies}
    counts = Counter(
        message["status"]
        for conversation in history.conversations
        for message in conversation.messages
        if message["direction"] == "out" and message["text"] in asked
    )
    return ", ".join(f"{counts[status]} {status}" for status in ("sent", "unknown", "failed"))


def _stored(history: History, direction: str) -> Counter[tuple[str, str]]:
    return Counter(
        (c.openid, m["text"])
        for c in history.conversations
        for m in c.messages
        if m["direction"] == direction
    )


def _lost(history: History) -> list[str]:
    stored = _stored(history, "in")
    lost = [p.text for p in history.pushes if p.answered and not stored[p.openid, p.text]]
    for reply in history.replies:
        if reply.accepted and not _status(history, reply):
            lost.append(reply.text)
    return lost


def _doubled(history: History) -> list[str]:
    found = [text for (_, text), count in _stored(history, "in").items() if count > 1]
    asked = {reply.text for reply in history.replies}
    stored = _stored(history, "out").items()
    found += [text for (_, text), count in stored if count > 1 and text in asked]
    for texts in history.delivered.values():
        found += [text for text, count in Counter(texts).items() if count > 1]
    return found


def _order(history: History) -> Iterator[str]:
    """Per customer, conversations one after another hold what was answered in the order he wrote it.

    What was given up unanswered may wait in a frozen process and arrive whenever that wakes.
    """
    sent: dict[str, list[str]] = defaultdict(list)
    for push in history.pushes:
        if push.answered:
            sent[push.openid].append(push.text)
    shown: dict[str, list[str]] = defaultdict(list)
    for conversation in history.conversations:
        seqs = [m["seq"] for m in conversation.messages]
        if seqs != list(range(1, len(seqs) + 1)):
            yield f"numbers with a gap in {conversation.id}"
        shown[conversation.openid] += [
            m["text"] for m in conversation.messages if m["direction"] == "in"
        ]
    for openid, texts in shown.items():
        wanted = [text for text in sent[openid] if text in texts]
        if [t for t in texts if t in wanted] != wanted:
            yield f"out of order: {openid}"
    for openid, texts in history.delivered.items():
        stored = [t for t in _out_texts(history, openid) if t in texts]
        if [t for t in texts if t in stored] != stored:
            yield f"replies out of order: {openid}"


def _out_texts(history: History, openid: str) -> list[str]:
    mine = [c for c in history.conversations if c.openid == openid]
    return [m["text"] for c in mine for m in c.messages if m["direction"] == "out"]


def _owners(history: History) -> Iterator[str]:
    """At each entry of the stream: one open conversation per customer, one owner per epoch."""
    open_of: dict[str, str] = {}
    owner_of: dict[tuple[str, int], str] = {}
    epoch_of: dict[str, int] = {}
    for told in history.told:
        if told.state == "CLOSED":
            if open_of.get(told.openid) == told.session_id:
                del open_of[told.openid]
            continue
        if open_of.setdefault(told.openid, told.session_id) != told.session_id:
            yield f"two conversations at once: {told.openid}"
        if told.epoch < epoch_of.get(told.session_id, 0):
            yield f"an epoch went back: {told.session_id}"
        epoch_of[told.session_id] = told.epoch
        if told.state in OWNED:
            known = owner_of.setdefault((told.session_id, told.epoch), told.owner)
            if known != told.owner:
                yield f"two agents at once: {told.openid}: {known} and {told.owner}"
    by_customer = Counter(c.openid for c in history.conversations if c.state != "CLOSED")
    for openid, count in by_customer.items():
        if count > 1:
            yield f"{count} open conversations: {openid}"


def _limits(history: History) -> Iterator[str]:
    held: dict[str, tuple[str, ...]] = {}
    load: Counter[str] = Counter()
    for told in history.told:
        load.subtract(held.get(told.session_id, ()))
        held[told.session_id] = _holders(told.state, told.owner, told.reserved)
        load.update(held[told.session_id])
        yield from _over(load, history.limits, "told")
    for sample in history.samples:
        yield from _over(sample, history.limits, "sampled")


def _over(load: Mapping[str, int], limits: Mapping[str, int], how: str) -> Iterator[str]:
    for name, count in load.items():
        if name in limits and count > limits[name]:
            yield f"over the limit ({how}): {name} held {count} of {limits[name]}"


def _holders(state: str, owner: str, reserved: str) -> tuple[str, ...]:
    if state not in OWNED:
        return ()
    target = (reserved,) if state == "TRANSFERING" and reserved and reserved != owner else ()
    return (owner, *target)


def _status(history: History, reply: Reply) -> str:
    for conversation in history.conversations:
        if conversation.openid == reply.openid:
            for message in conversation.messages:
                if message["direction"] == "out" and message["text"] == reply.text:
                    return str(message["status"])
    return ""


def _replies(history: History) -> Iterator[str]:
    """``sent`` reached the customer, ``failed`` did not, ``unknown`` may have; nothing else remains."""
    for reply in history.replies:
        status = _status(history, reply)
        reached = reply.text in history.delivered.get(reply.openid, ())
        if reply.accepted and status and status not in SETTLED:
            yield f"neither sent nor shown as failed: {reply.text} is {status}"
        if status == "sent" and not reached:
            yield f"shown as sent but not delivered: {reply.text}"
        if status == "failed" and reached:
            yield f"shown as failed but delivered: {reply.text}"


def _counters(history: History) -> Iterator[str]:
    """Seats, groups, queues, open pointers and timers are exactly what the conversations say."""
    stores, live = history.stores, [c for c in history.conversations if c.state != "CLOSED"]
    wanted = Stores(live={c.id for c in live}, open_by_customer={c.openid: c.id for c in live})
    seats, seated, queues = defaultdict(set), defaultdict(set), defaultdict(set)
    for c in live:
        for name in _holders(c.state, c.owner, c.reserved):
            seats[name].add(c.id)
        (seated if c.state in OWNED else queues)[c.group].add(c.id)
    pairs: Sequence[tuple[str, Any, Any]] = (
        ("seats", seats, stores.seats),
        ("seated in groups", seated, stores.seated),
        ("queues", queues, stores.queues),
        ("open pointers", wanted.open_by_customer, stores.open_by_customer),
        ("live", wanted.live, stores.live),
    )
    for name, should, really in pairs:
        if _filled(should) != _filled(really):
            yield f"{name} differ from the conversations"
    if missing := wanted.live - stores.timed:
        yield f"without a deadline: {sorted(missing)}"


def _filled(value: Any) -> Any:
    return {k: v for k, v in value.items() if v} if isinstance(value, dict) else value


def _leaks(history: History) -> Iterator[str]:
    texts = [p.text for p in history.pushes] + [r.text for r in history.replies]
    for name, log in history.logs.items():
        for secret in history.secrets:
            if secret and secret in log:
                yield f"a secret in {name}"
        found = next((text for text in texts if text in log), None)
        if found:
            yield f"words of a customer or agent in {name}"
