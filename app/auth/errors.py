"""Refusals of a sign-in. No text reveals whether a name exists."""

from __future__ import annotations


class AuthError(Exception):
    """Base of the refusals of this package."""


class BadCredentials(AuthError):
    """An unknown name, a wrong password or a disabled person, always with the same text."""

    def __init__(self) -> None:
        super().__init__("the name or the password is wrong")


class Throttled(AuthError):
    """Too many attempts. ``retry_after_s`` is at least 1."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"too many attempts, try again in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class Busy(AuthError):
    """Too many concurrent sign-ins. A retry after a second helps."""

    def __init__(self) -> None:
        super().__init__("too many sign-ins at this moment, try again")


class Forbidden(AuthError):
    """An action that the role does not allow."""
