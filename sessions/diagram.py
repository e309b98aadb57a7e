"""Draws the state diagram of the documentation from the transition table. Pure."""

from __future__ import annotations

from sessions.machine import TRANSITIONS, Event
from sessions.model import State


def state_diagram() -> str:
    """The table as a Mermaid state diagram; events of one arrow stand together."""
    arrows: dict[tuple[State | None, State], list[Event]] = {}
    for (before, event), after in TRANSITIONS.items():
        arrows.setdefault((before, after), []).append(event)
    lines = ["stateDiagram-v2"]
    for (before, after), events in arrows.items():
        words = "<br/>".join(event.value for event in events)
        lines.append(f"    {before or '[*]'} --> {after}: {words}")
    lines.append(f"    {State.CLOSED} --> [*]")
    return "\n".join(lines)
