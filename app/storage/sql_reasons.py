"""Why the database refused, in one line for the operator: cause and setting, never a value or a password.

What a server says of a statement may quote whole rows. Its words are passed on only where they cannot: about
the login, the server's state and missing rights. Everything else is named by its SQLSTATE.
"""

from __future__ import annotations

from typing import Any, Final

TEXT_MAX_CHARS: Final = 300
SETTING: Final = "; see KF_DATABASE_URL"
CONNECT_PREFIX: Final = "connection failed: "

WORDS: Final = {  # SQLSTATE, or its class: the first two characters
    "08": "the connection failed",
    "22": "a value does not fit its column",
    "23": "a constraint was violated",
    "25006": "the server is read-only, as a standby is",
    "25": "the transaction is in a wrong state",
    "28": "the login was refused",
    "3D": "there is no such database",
    "3F": "there is no such schema",
    "40": "the server rolled the transaction back",
    "42501": "a right is missing",
    "42P01": "a table is missing",
    "42": "the statement was refused",
    "53100": "the server's disk is full",
    "53300": "the server has too many connections",
    "53": "the server's resources are exhausted",
    "54": "a limit of the server was exceeded",
    "55P03": "a lock could not be had in time",
    "55": "an object is in use",
    "57014": "the statement took too long",
    "57": "the server is starting or shutting down",
    "58": "the server's system failed",
    "XX": "the server has an internal error",
}
QUOTABLE: Final = frozenset({"08", "28", "3D", "42501", "53", "57", "58", "25006"})
"""Of these the server's own sentence names users, databases and objects at most."""
BY_SETTING: Final = frozenset({"08", "28", "3D", "42501", "25006"})


def reason(cause: BaseException, *, connecting: bool, lost: bool) -> str:
    """Return why a driver's call failed.

    ``connecting``: no statement was under way. ``lost``: the connection is to blame, not what was sent.
    """
    kind = type(cause).__name__
    state = getattr(cause, "sqlstate", None)
    if state:
        return _of_server(cause, str(state), kind)
    if (connecting or lost) and hasattr(cause, "sqlstate"):  # as PostgreSQL's errors alone have
        text = _one_line(str(cause).replace(CONNECT_PREFIX, ""))
        return text + SETTING if connecting else text
    code = getattr(cause, "sqlite_errorname", None)
    return f"{kind} ({code})" if code else kind


def _of_server(cause: Any, state: str, kind: str) -> str:
    words = WORDS.get(state) or WORDS.get(state[:2]) or kind
    said = cause.diag.message_primary if _listed(state, QUOTABLE) else None
    text = f"{words} (SQLSTATE {state}{': ' + _one_line(said) if said else ''})"
    return text + SETTING if _listed(state, BY_SETTING) else text


def _listed(state: str, states: frozenset[str]) -> bool:
    return state in states or state[:2] in states


def _one_line(text: str) -> str:
    return " ".join(text.split())[:TEXT_MAX_CHARS]
