"""System lines of a conversation in words, as the desk shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.reports.words import Words

BY_SUPERVISOR: Final = frozenset({"assigned", "takeover"})


@dataclass(frozen=True, slots=True)
class Names:
    """What people call groups and agents: titles by group, nicknames by kf account."""

    groups: Mapping[str, str]
    agents: Mapping[str, str]

    def group(self, name: str) -> str:
        return self.groups.get(name) or name

    def agent(self, kf_account: str) -> str:
        return self.agents.get(kf_account) or kf_account


def line_text(code: str, values: Mapping[str, Any], words: Words, names: Names) -> str:
    """Return the text of a system line; a code that is not known has a general text."""
    shown = _shown(values, words, names)
    key = _moved_key(values) if code == "moved" else f"line.{code}"
    if code == "transfer_asked" and values.get("note"):
        key += "Note"
    text = words.get(key, words["line.other"]).format_map(shown)
    if code == "moved" and values.get("note") and values.get("why") != "transfer":
        return words["line.withNote"].format_map({"moved": text, "note": values["note"]})
    return text


def _moved_key(values: Mapping[str, Any]) -> str:
    why = values.get("why")
    if why == "transfer":
        return "line.movedNote" if values.get("note") else "line.moved"
    if why in BY_SUPERVISOR:
        return f"line.{why}"
    return "line.movedAway" if values.get("to") else "line.requeued"


def _shown(values: Mapping[str, Any], words: Words, names: Names) -> dict[str, str]:
    """Return the values as people read them; a template takes those that it names."""
    text = {name: str(value) for name, value in values.items()}
    return {
        "by": names.agent(text.get("by", "")),
        "to": names.group(names.agent(text.get("to", ""))),
        "from": names.group(text.get("from", "")),
        "note": text.get("note", ""),
        "text": text.get("text", ""),
        "why": words.get(f"why.{text.get('why', '')}", words["why.other"]),
        "reason": words.get(f"reason.{text.get('reason', '')}", words["line.other"]),
        "minutes": str(max(1, round(int(values.get("waited_s") or 0) / 60))),
    }
