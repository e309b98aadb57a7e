"""How signing in can be refused. None of the texts tells whether a name exists."""

from __future__ import annotations


class AuthError(Exception):
    """Base of what this package refuses."""


class BadCredentials(AuthError):
    """Unknown name, wrong password or a disabled person: always the same words."""

    def __init__(self) -> None:
        super().__init__("the name or the password is wrong")


class Throttled(AuthError):
    """Too many attempts; ``retry_after_s`` is at least 1."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"too many attempts, try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class Busy(AuthError):
    """Too many sign-ins at this moment; trying again in a second helps."""

    def __init__(self) -> None:
        super().__init__("too many sign-ins at this moment, try again")


class Forbidden(AuthError):
    """The role does not allow the action."""
