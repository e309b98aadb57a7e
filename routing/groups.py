"""Groups as routing sees them: where a customer waits, who helps out, when it is open. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from routing import hours as opening_hours
from routing.hours import Hours

AUTO: Final = "auto"
MANUAL: Final = "manual"
ASSIGN: Final = (AUTO, MANUAL)
ALWAYS: Final = "always"
ON_REQUEST: Final = "on_request"
ENTRY: Final = (ALWAYS, ON_REQUEST)
SECONDS_MAX: Final = 7 * 86_400
MESSAGE_MAX: Final = 600


@dataclass(frozen=True, slots=True)
class Group:
    """One group of an official account.

    ``fallback`` "" = nobody helps out. ``fallback_after_s`` None: its customers go on at once while
    nobody of it is online, and never by time; a number: they wait that long first. ``assign`` manual:
    agents take from the queue themselves. ``entry`` "" = as the account's. ``ramp_s`` > 0: an agent who
    has just come online reaches their full number of seats after that time. ``hours`` None = always open.
    """

    name: str
    title: str = ""
    fallback: str = ""
    fallback_after_s: int | None = None
    assign: str = AUTO
    entry: str = ""
    ramp_s: int = 0
    hours: Hours | None = None
    closed_message: str = ""
    members: frozenset[str] = field(default_factory=frozenset)

    @property
    def seats_by_itself(self) -> bool:
        """Whether waiting customers are given to agents without anybody's doing."""
        return self.assign == AUTO


DEFAULTS: Final[Mapping[str, Any]] = {
    "fallback_after_s": None,
    "assign": AUTO,
    "entry": "",
    "ramp_s": 0,
    "hours": None,
    "closed_message": "",
}
"""The settings of a group and what they are where none is kept."""


def group_from(
    name: str,
    title: str,
    fallback: str | None,
    settings: Mapping[str, Any],
    members: Iterable[str],
    timezone: str,
) -> Group:
    """A group of checked settings; ``timezone`` is the account's, for hours that name none."""
    kept = {key: settings.get(key, default) for key, default in DEFAULTS.items()}
    document = kept.pop("hours")
    return Group(
        name=name,
        title=title,
        fallback=fallback or "",
        members=frozenset(members),
        hours=None if document is None else opening_hours.hours_from(document, timezone),
        **kept,
    )


def setting_problems(settings: Mapping[str, Any]) -> Iterator[str]:
    """Everything that is wrong with a group's settings, one line each, beginning with the field."""
    for key in sorted(set(settings) - set(DEFAULTS)):
        yield f"{key}: unknown; known: {', '.join(sorted(DEFAULTS))}"
    after = settings.get("fallback_after_s")
    if after is not None and not _seconds(after):
        yield f"fallback_after_s: must be whole seconds from 0 to {SECONDS_MAX}, or absent"
    if settings.get("assign", AUTO) not in ASSIGN:
        yield f"assign: must be one of {', '.join(ASSIGN)}"
    if settings.get("entry", "") not in ("", *ENTRY):
        yield f"entry: must be empty or one of {', '.join(ENTRY)}"
    if not _seconds(settings.get("ramp_s", 0)):
        yield f"ramp_s: must be whole seconds from 0 to {SECONDS_MAX}"
    message = settings.get("closed_message", "")
    if not isinstance(message, str) or len(message) > MESSAGE_MAX:
        yield f"closed_message: must be a text of at most {MESSAGE_MAX} characters"
    if settings.get("hours") is not None:
        yield from opening_hours.problems(settings["hours"])


def _seconds(value: Any) -> bool:
    return type(value) is int and 0 <= value <= SECONDS_MAX
