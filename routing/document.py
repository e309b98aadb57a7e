"""What an operator decides about routing, as one document: rules, entry, keyword answers. Pure.

default_group = "general_support"
timezone = "Asia/Shanghai"          for hours in rules and groups that name none
[[rules]] …                         see routing/rules.py
[entry]
mode = "on_request"                 always: every message opens; on_request: only what is listed
words = ["人工", "转人工"]            the whole trimmed message
menu_keys = ["HUMAN"]
[[answers]]
words = ["营业时间"]                  answered for free while nothing is open
text = "周一至周五 9:00-18:00"
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from routing.groups import ALWAYS, ENTRY, Group
from routing.rules import BadRule, Rule, parsed, rule_problems, wrong_group

KEYS: Final = frozenset({"default_group", "timezone", "rules", "entry", "answers"})
ENTRY_KEYS: Final = frozenset({"mode", "words", "menu_keys"})
REQUEST_WORDS: Final = ("人工", "转人工", "人工客服", "找客服")
WORDS_MAX: Final = 100
WORD_CHARS: Final = 64
ANSWERS_MAX: Final = 100
ANSWER_CHARS: Final = 600


@dataclass(frozen=True, slots=True)
class Entry:
    """How a conversation begins; ``words`` are folded as ``folded`` does."""

    mode: str = ALWAYS
    words: tuple[str, ...] = REQUEST_WORDS
    menu_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """A text that answers a message which is exactly one of ``words``."""

    words: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Routing:
    """The document as routing uses it."""

    default_group: str
    timezone: str
    rules: tuple[Rule, ...] = ()
    entry: Entry = field(default_factory=Entry)
    answers: tuple[Answer, ...] = ()

    def asks(self, condition: str) -> bool:
        """Whether any rule has this condition."""
        return any(name == condition for rule in self.rules for name, _ in rule.when)

    def as_document(self) -> dict[str, Any]:
        """As ``routing_from`` reads it."""
        entry = self.entry
        return {
            "default_group": self.default_group,
            "timezone": self.timezone,
            "rules": [rule.as_document() for rule in self.rules],
            "entry": {
                "mode": entry.mode,
                "words": list(entry.words),
                "menu_keys": list(entry.menu_keys),
            },
            "answers": [{"words": list(a.words), "text": a.text} for a in self.answers],
        }


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything operators decided for one official account: the document and the groups by name."""

    routing: Routing
    groups: Mapping[str, Group] = field(default_factory=dict)

    def group(self, name: str) -> Group:
        """The group; one that is not kept (any more) is open, and the default group helps out."""
        default = self.routing.default_group
        return self.groups.get(name) or Group(name, fallback="" if name == default else default)

    def in_use(self) -> frozenset[str]:
        """Groups that the document sends customers to."""
        return frozenset({self.routing.default_group, *(r.group for r in self.routing.rules)})


def folded(text: str) -> str:
    """A message as it is compared with words: trimmed, of one width and case."""
    return " ".join(text.split()).casefold()


def routing_from(
    document: Mapping[str, Any], timezone: str, known: frozenset[str] | None = None
) -> Routing:
    """The document, checked against the ``known`` groups. Raises BadRule with every problem found."""
    found = list(problems(document, known))
    if found:
        raise BadRule("\n".join(found))
    entry = document.get("entry", {})
    return Routing(
        default_group=document["default_group"],
        timezone=document.get("timezone", timezone),
        rules=parsed(document.get("rules", [])),
        entry=Entry(
            mode=entry.get("mode", ALWAYS),
            words=_folded(entry.get("words", REQUEST_WORDS)),
            menu_keys=tuple(dict.fromkeys(entry.get("menu_keys", ()))),
        ),
        answers=tuple(
            Answer(_folded(table["words"]), table["text"].strip())
            for table in document.get("answers", [])
        ),
    )


def problems(document: Mapping[str, Any], known: frozenset[str] | None) -> Iterator[str]:
    """Everything that is wrong with the document, one line each."""
    for key in sorted(set(document) - KEYS):
        yield f"unknown key {key}; known: {', '.join(sorted(KEYS))}"
    yield from wrong_group("default_group", document.get("default_group"), known)
    if "timezone" in document and not _is_zone(document["timezone"]):
        yield f"timezone: there is no time zone {str(document['timezone'])[:40]!r}"
    yield from rule_problems(document.get("rules", []), known)
    yield from _entry_problems(document.get("entry", {}))
    yield from _answer_problems(document.get("answers", []))


def _entry_problems(entry: Any) -> Iterator[str]:
    if not isinstance(entry, Mapping):
        yield "entry: must be a table"
        return
    for key in sorted(set(entry) - ENTRY_KEYS):
        yield f"entry: unknown key {key}; known: {', '.join(sorted(ENTRY_KEYS))}"
    if entry.get("mode", ALWAYS) not in ENTRY:
        yield f"entry.mode: must be one of {', '.join(ENTRY)}"
    for name in ("words", "menu_keys"):
        if not _words(entry.get(name, ())):
            yield f"entry.{name}: must be a list of at most {WORDS_MAX} texts"


def _answer_problems(answers: Any) -> Iterator[str]:
    if not isinstance(answers, list | tuple) or len(answers) > ANSWERS_MAX:
        yield f"answers: must be a list of at most {ANSWERS_MAX} tables, [[answers]]"
        return
    for number, table in enumerate(answers, start=1):
        if not isinstance(table, Mapping) or set(table) != {"words", "text"}:
            yield f"answer {number}: must have words and text, nothing else"
            continue
        if not table["words"] or not _words(table["words"]):
            yield f"answer {number}: words must be a list of 1 to {WORDS_MAX} texts"
        text = table["text"]
        if not isinstance(text, str) or not text.strip() or len(text) > ANSWER_CHARS:
            yield f"answer {number}: text must have 1 to {ANSWER_CHARS} characters"
    lists = [t["words"] for t in answers if isinstance(t, Mapping) and _words(t.get("words"))]
    words = [folded(word) for word in chain.from_iterable(lists)]
    for word in sorted({word for word in words if words.count(word) > 1}):
        yield f"answers: {word} is answered twice"


def _words(value: Any) -> bool:
    return (
        isinstance(value, list | tuple)
        and len(value) <= WORDS_MAX
        and all(isinstance(w, str) and w.strip() and len(w) <= WORD_CHARS for w in value)
    )


def _folded(words: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(folded(word) for word in words))


def _is_zone(name: Any) -> bool:
    try:
        return isinstance(name, str) and bool(ZoneInfo(name))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
