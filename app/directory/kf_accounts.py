"""Use cases on kf accounts: WeChat first, then SQL, then the mirror that routing reads.

A change that takes an agent out of service signs the person out everywhere and moves their conversations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.account import Account
from app.auth.logins import Logins
from app.auth.passwords import Passwords
from app.conversations.seating import drain
from app.directory import kf_people, mirror
from app.directory.kf_names import (
    ACCOUNTS_MAX,
    AGENTS_MAX,
    AVATAR_MAX_BYTES,
    checked_nickname,
    completed,
    full_name,
)
from app.directory.kf_people import Wish
from app.directory.kf_platform import KfPlatform, PlatformState
from app.media.types import sniff
from app.refusals import Refusal
from app.services import Served, Services
from app.storage import groups, kf_accounts
from app.storage.audit import Actor, acting, record
from app.storage.errors import Invalid, Taken
from app.storage.kf_accounts import KfAccount, NewKfAccount
from app.storage.people import Person
from app.storage.sql import Engine, reading

INVITE_MAX_CHARS: Final = 64


@dataclass(frozen=True, slots=True)
class NewAgent:
    """A kf account to register: a full name or its prefix, and the ``person`` who signs in with it.

    ``max_sessions`` None: the default of the settings. No groups: the default group.
    """

    kf_account: str
    nickname: str
    max_sessions: int | None = None
    groups: tuple[str, ...] = ()
    person: Wish | None = None


@dataclass(frozen=True, slots=True)
class RegisteredAgent:
    """A registered kf account. ``generated_password`` is shown only once."""

    row: KfAccount
    person: Person | None
    generated_password: str | None = field(default=None, repr=False)


class KfDirectory:
    """The kf accounts of one official account.

    Raises Refusal (platform_refused, platform_unreachable), Missing, Taken, Invalid, WeakPassword,
    Busy and the stores' own errors.
    """

    def __init__(
        self,
        engine: Engine,
        account: Account,
        platform: KfPlatform,
        passwords: Passwords,
        logins: Logins,
        default_sessions: int,
    ) -> None:
        self._engine = engine
        self._account = account
        self._platform = platform
        self._passwords = passwords
        self._logins = logins
        self._default_sessions = default_sessions

    @classmethod
    def of(cls, services: Services, served: Served) -> KfDirectory:
        """Return the directory of an official account of this node."""
        return cls(
            services.engine,
            served.account,
            KfPlatform(served.api, services.redis),
            services.passwords,
            services.logins,
            services.settings.max_sessions,
        )

    def everyone(self) -> list[KfAccount]:
        with reading(self._engine) as conn:
            return kf_accounts.everyone(conn, self._account.appid)

    def get(self, given: str) -> KfAccount:
        """Return a kf account by full name or bare prefix. Raises Missing."""
        with reading(self._engine) as conn:
            return kf_accounts.get(conn, self._account.appid, self._name(given))

    def register(self, actor: Actor, wish: NewAgent) -> RegisteredAgent:
        """Create a kf account at WeChat, then here; without the kf feature here only, as ``local``."""
        name = full_name(self._account.config, wish.kf_account)
        nickname = checked_nickname(wish.nickname)
        seats = self._default_sessions if wish.max_sessions is None else wish.max_sessions
        new = NewKfAccount(self._account.appid, name, nickname, seats, groups=wish.groups)
        self._check_new(new, wish.person)
        person = kf_people.prepared(self._passwords, new, wish.person)
        standing = self._platform.create(name, nickname)
        with acting(self._engine) as conn:
            row = kf_accounts.create(conn, actor, _standing(new, standing))
            held = kf_people.give(conn, actor, row, person) if person else None
        self._platform.settled(name)
        if held:
            self._logins.revoke_all(held.id)
        mirror.one(self._engine, self._account, name)
        return RegisteredAgent(row, held, person.generated if person else None)

    def change(self, actor: Actor, given: str, changes: Mapping[str, Any]) -> KfAccount:
        """Change ``nickname``, ``max_sessions`` or ``groups``. Seats and groups apply at once."""
        before = self.get(given)
        columns = {name: changes[name] for name in ("nickname", "max_sessions") if name in changes}
        wanted = tuple(sorted(set(changes.get("groups", before.groups))))
        if "nickname" in columns:
            columns["nickname"] = checked_nickname(columns["nickname"])
        self._check_values(columns.get("max_sessions", before.max_sessions), wanted)
        if columns.get("nickname", before.nickname) != before.nickname:
            columns |= self._renamed(before, columns["nickname"])
        with acting(self._engine) as conn:
            kf_accounts.update(conn, actor, before.appid, before.kf_account, columns)
            row = kf_accounts.set_groups(conn, actor, before.appid, before.kf_account, wanted)
        mirror.one(self._engine, self._account, row.kf_account)
        if row.max_sessions > before.max_sessions or row.groups != before.groups:
            self._drain(row.kf_account)
        return row

    def set_disabled(self, actor: Actor, given: str, disabled: bool) -> KfAccount:
        """Take a kf account out of service and sign its person out everywhere, or put it back."""
        name = self._name(given)
        with acting(self._engine) as conn:
            changes = {"disabled": disabled}
            row = kf_accounts.update(conn, actor, self._account.appid, name, changes)
            held = kf_people.lock(conn, actor, row) if disabled else None
            if not disabled:
                kf_people.unlock(conn, actor, row)
            self._sign_out(held)
        self._sign_out(held)
        mirror.one(self._engine, self._account, name)
        return row

    def remove(self, actor: Actor, given: str) -> None:
        """Remove a kf account at WeChat and here. The row stays, because conversations refer to it."""
        row = self.get(given)
        self._delete_there(row)
        with acting(self._engine) as conn:
            held = kf_people.release(conn, actor, row)
            kf_accounts.remove(conn, actor, row.appid, row.kf_account)
            self._sign_out(held)
        self._sign_out(held)
        mirror.one(self._engine, self._account, row.kf_account)

    def invite(self, actor: Actor, given: str, invite_wx: str) -> KfAccount:
        """Invite a WeChat user to be the agent of a kf account."""
        row = self.get(given)
        if not 0 < len(invite_wx) <= INVITE_MAX_CHARS or not invite_wx.isprintable():
            raise Invalid("invite_wx", f"must be a WeChat id of 1 to {INVITE_MAX_CHARS} characters")
        self._platform.invite(row.kf_account, invite_wx)
        with acting(self._engine) as conn:
            standing = PlatformState("invited").columns()
            row = kf_accounts.update(conn, actor, row.appid, row.kf_account, standing)
            record(conn, actor, "kf_account.invite", row.kf_account, {"invite_wx": invite_wx})
        mirror.one(self._engine, self._account, row.kf_account)
        return row

    def set_avatar(self, actor: Actor, given: str, content: bytes) -> KfAccount:
        """Set the picture, a JPEG of at most 5 MB. Raises Refusal: too_large, unsupported_media."""
        row = self.get(given)
        if len(content) > AVATAR_MAX_BYTES:
            raise Refusal("too_large", f"The picture may have {AVATAR_MAX_BYTES} bytes.")
        if sniff(content).mime != "image/jpeg":
            raise Refusal("unsupported_media", "WeChat takes only JPEG pictures here.")
        self._platform.set_avatar(row.kf_account, content)
        with acting(self._engine) as conn:
            record(conn, actor, "kf_account.avatar", row.kf_account, {"bytes": len(content)})
        return row

    def _name(self, given: str) -> str:
        return completed(self._account.config, given)

    def _check_new(self, new: NewKfAccount, person: Wish | None) -> None:
        """Refuse a new kf account for every reason that needs no call to WeChat. Raises Taken, Invalid."""
        with reading(self._engine) as conn:
            rows = kf_accounts.everyone(conn, new.appid)
            if person is not None:
                kf_people.check(conn, new, person)
        if any(row.kf_account == new.kf_account for row in rows):
            raise Taken(f"{new.kf_account} exists already")
        at_wechat = sum(row.platform != "local" for row in rows)
        if at_wechat >= ACCOUNTS_MAX or len(rows) >= AGENTS_MAX:
            limit = f"{ACCOUNTS_MAX} at WeChat and {AGENTS_MAX} in all"
            raise Invalid("kf_account", f"an official account may have {limit}")
        self._check_values(new.max_sessions, new.groups)

    def _check_values(self, max_sessions: int, wanted: Iterable[str]) -> None:
        if not 0 <= max_sessions <= kf_accounts.MAX_SESSIONS_LIMIT:
            limit = kf_accounts.MAX_SESSIONS_LIMIT
            raise Invalid("max_sessions", f"must be between 0 and {limit}")
        with reading(self._engine) as conn:
            known = {group.name for group in groups.everyone(conn, self._account.appid)}
        for name in wanted:
            if name not in known:
                raise Invalid("groups", f"there is no group {name}")

    def _renamed(self, row: KfAccount, nickname: str) -> dict[str, str]:
        if row.platform == "local":
            return {}
        standing = self._platform.rename(row.kf_account, nickname)
        return standing.columns() if standing else {}

    def _delete_there(self, row: KfAccount) -> None:
        """Delete a kf account at WeChat. A failure for a ``local`` one, which may exist there, is ignored."""
        try:
            self._platform.delete(row.kf_account)
        except Refusal:
            if row.platform != "local":
                raise

    def _drain(self, kf_account: str) -> None:
        agent = self._account.attendance.agent(kf_account)
        if agent and agent.serving:
            drain(self._account, kf_account)

    def _sign_out(self, held: Person | None) -> None:
        if held:
            self._logins.revoke_all(held.id)


def _standing(new: NewKfAccount, standing: PlatformState) -> NewKfAccount:
    return NewKfAccount(
        new.appid,
        new.kf_account,
        new.nickname,
        new.max_sessions,
        standing.platform,
        standing.note,
        groups=new.groups,
    )
