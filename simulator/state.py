"""Everything the simulated platform remembers, behind one lock."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from simulator.budget import Bucket
from simulator.clock import VirtualClock
from simulator.config import SimAccount, SimulatorConfig

TRANSCRIPT_MAX = 2000
MEDIA_LIFE_MS = 3 * 24 * 3_600_000

Touch = Callable[[str, str, str], None]


@dataclass(slots=True)
class Follower:
    """A customer: following or not, what they may still be sent, and what they have seen."""

    openid: str
    subscribed: bool = True
    blacklisted: bool = False
    remark: str = ""
    tags: list[int] = field(default_factory=list)
    subscribe_s: int = 0
    scene: str = "ADD_SCENE_SEARCH"
    qr_scene: str = ""
    buckets: dict[str, Bucket] = field(default_factory=dict)
    transcript: list[dict[str, Any]] = field(default_factory=list)
    next_seq: int = 1
    typing_until_ms: int = 0
    last_exchange_ms: int = 0

    def write(self, entry: dict[str, Any], now_ms: int) -> dict[str, Any]:
        """Append a line to what the customer sees; the oldest fall off after 2000."""
        line = {"seq": self.next_seq, "time_ms": now_ms, **entry}
        self.next_seq += 1
        self.transcript.append(line)
        del self.transcript[:-TRANSCRIPT_MAX]
        return line


@dataclass(slots=True)
class KfAccount:
    """One kf account; ``wx`` is the bound WeChat user, ``status`` 0 offline, 1 online."""

    kf_account: str
    nick: str
    kf_id: int
    wx: str = ""
    invite_wx: str = ""
    invite_expire_s: int = 0
    invite_status: str = ""
    status: int = 0
    auto_accept: int = 0
    avatar_id: str = ""


@dataclass(slots=True)
class MediaItem:
    """A temporary file at the platform; ``kind`` image, voice, video, thumb or avatar."""

    media_id: str
    kind: str
    filename: str
    mime: str
    data: bytes
    created_ms: int

    def expired(self, now_ms: int) -> bool:
        """True after three days; an agent's avatar stays."""
        return self.kind != "avatar" and now_ms >= self.created_ms + MEDIA_LIFE_MS


@dataclass(slots=True)
class Token:
    """An issued access_token; ``dies_ms`` is set once a newer one replaced it."""

    value: str
    kind: str
    expires_ms: int
    dies_ms: int = 0


@dataclass(slots=True)
class NativeSession:
    """A customer inside WeChat's own kf tool."""

    kf_account: str
    created_ms: int


@dataclass(slots=True)
class Books:
    """An account's counters and native kf state: small, saved as one row."""

    tokens: list[Token] = field(default_factory=list)
    forced: list[int] = field(default_factory=list)
    stable_calls: list[int] = field(default_factory=list)
    used: dict[str, int] = field(default_factory=dict)
    used_day: int = 0
    cleared: list[int] = field(default_factory=list)
    tags: dict[int, str] = field(default_factory=dict)
    next_tag_id: int = 100
    next_kf_id: int = 1001
    sessions: dict[str, NativeSession] = field(default_factory=dict)
    waiting: dict[str, int] = field(default_factory=dict)
    records: list[dict[str, Any]] = field(default_factory=list)
    failures: int = 0
    suspended_until_ms: int = 0


@dataclass(slots=True)
class Account:
    """One official account: its settings and its state."""

    settings: SimAccount
    books: Books = field(default_factory=Books)
    followers: dict[str, Follower] = field(default_factory=dict)
    kf: dict[str, KfAccount] = field(default_factory=dict)
    media: dict[str, MediaItem] = field(default_factory=dict)

    @property
    def appid(self) -> str:
        return self.settings.appid


def new_openid() -> str:
    """28 characters, as the platform's are."""
    return "o" + secrets.token_urlsafe(27)[:27]


def new_media_id() -> str:
    """64 URL-safe characters."""
    return secrets.token_urlsafe(48)


class World:
    """All accounts. Hold ``lock`` while reading or changing; call ``touch`` after a change."""

    def __init__(self, config: SimulatorConfig) -> None:
        self.config = config
        self.lock = threading.RLock()
        self.clock = VirtualClock()
        self.accounts = {a.appid: Account(a) for a in config.all_accounts()}
        if not self.accounts:
            raise ValueError("the simulator needs at least one account")
        self.touch: Touch = lambda kind, appid, key: None

    def account(self, appid: str | None) -> Account | None:
        """The named account; without a name the first one."""
        if not appid:
            return next(iter(self.accounts.values()))
        return self.accounts.get(appid)

    def follower(self, account: Account, openid: str) -> Follower:
        """The follower, made on first use as one who already follows."""
        found = account.followers.get(openid)
        if found is None:
            found = Follower(openid, subscribe_s=self.clock.now_s())
            account.followers[openid] = found
            self.touch("follower", account.appid, openid)
        return found

    def write(self, account: Account, follower: Follower, entry: dict[str, Any]) -> dict[str, Any]:
        """Append to the follower's transcript and mark it for saving."""
        line = follower.write(entry, self.clock.now_ms())
        self.touch("follower", account.appid, follower.openid)
        return line

    def keep_media(
        self, account: Account, kind: str, filename: str, mime: str, data: bytes
    ) -> MediaItem:
        """Store a file and give it an id."""
        item = MediaItem(new_media_id(), kind, filename, mime, data, self.clock.now_ms())
        account.media[item.media_id] = item
        self.touch("media", account.appid, item.media_id)
        return item

    def find_media(self, account: Account, media_id: object) -> MediaItem | None:
        """A file that has not expired."""
        item = account.media.get(media_id) if isinstance(media_id, str) else None
        return None if item is None or item.expired(self.clock.now_ms()) else item

    def change(self, account: Account, **changes: Any) -> None:
        """Replace settings of an account while it runs."""
        account.settings = replace(account.settings, **changes)
