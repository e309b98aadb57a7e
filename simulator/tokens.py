"""access_token: issue, overlap, expiry (wechat-platform 4.1 to 4.3)."""

from __future__ import annotations

import re
import secrets

from simulator.errors import ApiError
from simulator.state import Account, Token, World

LIFE_MS = 7_200_000
OVERLAP_MS = 300_000
FORCE_GAP_MS = 30_000
FORCE_PER_DAY = 20
STABLE_PER_MINUTE = 10_000
DAY_MS = 86_400_000
KEEP_DEAD_MS = DAY_MS
SHAPE = re.compile(r"[0-9]+_[A-Za-z0-9_-]{100,}")


def issue_plain(world: World, account: Account) -> tuple[str, int]:
    """GET token: always a new one; the previous one lives five minutes more."""
    now_ms = world.clock.now_ms()
    current = _newest(account, "plain", now_ms)
    if current is not None:
        current.dies_ms = now_ms + OVERLAP_MS
    fresh = _add(world, account, "plain", now_ms)
    return fresh.value, LIFE_MS // 1000


def issue_stable(world: World, account: Account, force: bool) -> tuple[str, int]:
    """POST stable_token: the same token until its last five minutes; force ends it at once."""
    now_ms = world.clock.now_ms()
    _count_minute(account, now_ms)
    current = _newest(account, "stable", now_ms)
    if current is not None and force and _may_force(account, now_ms):
        account.books.forced.append(now_ms)
        current.dies_ms = now_ms
        current = None
    elif current is not None and current.expires_ms - now_ms < OVERLAP_MS:
        current.expires_ms = now_ms + OVERLAP_MS
        current.dies_ms = now_ms + OVERLAP_MS
        current = None
    if current is None:
        current = _add(world, account, "stable", now_ms)
    return current.value, max(OVERLAP_MS, current.expires_ms - now_ms) // 1000


def owner(world: World, value: str | None) -> Account:
    """The account a token belongs to; ApiError with the platform's code otherwise."""
    if not value:
        raise ApiError(41001)
    if not SHAPE.fullmatch(value):
        raise ApiError(40014)
    now_ms = world.clock.now_ms()
    for account in world.accounts.values():
        for token in account.books.tokens:
            if secrets.compare_digest(token.value, value):
                _require_alive(token, now_ms)
                return account
    raise ApiError(40001)


def revoke_all(world: World, account: Account) -> None:
    """Make every issued token invalid, as a reset of the secret does."""
    for token in account.books.tokens:
        token.dies_ms = token.dies_ms or world.clock.now_ms()
    world.touch("books", account.appid, "")


def _require_alive(token: Token, now_ms: int) -> None:
    if token.dies_ms and now_ms >= token.dies_ms:
        raise ApiError(40001)
    if now_ms >= token.expires_ms:
        raise ApiError(42001)


def _newest(account: Account, kind: str, now_ms: int) -> Token | None:
    for token in reversed(account.books.tokens):
        if token.kind == kind:
            alive = not token.dies_ms and token.expires_ms > now_ms
            return token if alive else None
    return None


def _add(world: World, account: Account, kind: str, now_ms: int) -> Token:
    books = account.books
    books.tokens = [t for t in books.tokens if t.expires_ms > now_ms - KEEP_DEAD_MS]
    token = Token(f"98_{secrets.token_urlsafe(100)}", kind, now_ms + LIFE_MS)
    books.tokens.append(token)
    world.touch("books", account.appid, "")
    return token


def _may_force(account: Account, now_ms: int) -> bool:
    books = account.books
    books.forced = [t for t in books.forced if t > now_ms - DAY_MS]
    if books.forced and now_ms - books.forced[-1] < FORCE_GAP_MS:
        return False
    if len(books.forced) >= FORCE_PER_DAY:
        raise ApiError(45009)
    return True


def _count_minute(account: Account, now_ms: int) -> None:
    calls = [t for t in account.books.stable_calls if t > now_ms - 60_000]
    if len(calls) >= STABLE_PER_MINUTE:
        raise ApiError(45011)
    account.books.stable_calls = [*calls, now_ms]
