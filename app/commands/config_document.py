"""Groups, rules and notices of an official account as one document, exported from SQL and imported.

    [groups.night]                title, fallback, members and the settings of routing/groups.py
    [routing]                     the document of routing/document.py
    [transfers]                   that of routing/transfer_rules.py
    [notices.queue]               zh = "…"  en = "…"; only texts that were edited

What a document does not name stays. The whole document is checked before anything is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from app.directory.kf_names import completed
from app.storage import groups, notices, routing, transfer_rules
from app.storage.audit import Actor, acting
from app.storage.engine import Database, Transaction
from app.storage.errors import Invalid
from app.storage.groups import Group
from app.storage.notices import LANGUAGES, check_text, read_defaults
from app.storage.sql import reading
from config.accounts import OfficialAccount
from routing import document as routing_document
from routing import transfer_rules as rules_of_transfer
from routing.document import routing_from
from routing.groups import setting_problems
from routing.transfer_rules import transfer_rules_from

SECTIONS: Final = frozenset({"groups", "routing", "transfers", "notices"})
GROUP_FIELDS: Final = frozenset({"title", "fallback", "members"})


class BadConfig(ValueError):
    """A document that cannot be imported, with one line for each problem. Nothing was written."""


def exported(database: Database, appid: str, timezone: str) -> dict[str, Any]:
    """Return the account's live configuration. Raises StorageError."""
    defaults = read_defaults()
    with reading(database) as conn:
        found = groups.everyone(conn, appid)
        texts = notices.everything(conn, appid, defaults)
        return {
            "groups": {group.name: _group_table(group) for group in found},
            "routing": routing.live(conn, appid).routing(timezone).as_document(),
            "transfers": transfer_rules.get(conn, appid).rules.as_document(),
            "notices": {
                key: {lang: notice.texts[lang] for lang in sorted(notice.edited)}
                for key, notice in texts.items()
                if notice.edited
            },
        }


def imported(
    database: Database,
    actor: Actor,
    account: OfficialAccount,
    document: Mapping[str, Any],
    timezone: str,
) -> None:
    """Write the whole document in one transaction. Raises BadConfig, Invalid, StorageError."""
    with acting(database) as conn:
        known = frozenset(group.name for group in groups.everyone(conn, account.appid))
        found = list(problems(document, known))
        if found:
            raise BadConfig("\n".join(found))
        _write_groups(conn, actor, account, document.get("groups", {}), known)
        known |= frozenset(document.get("groups", {}))
        if "routing" in document:
            made = routing_from(document["routing"], timezone, known)
            routing.put(conn, actor, account.appid, made, act="routing.import")
        if "transfers" in document:
            rules = transfer_rules_from(document["transfers"])
            transfer_rules.put(conn, actor, account.appid, rules)
        _write_notices(conn, actor, account.appid, document.get("notices", {}))


def problems(document: Mapping[str, Any], known: frozenset[str]) -> Iterator[str]:
    """Yield every problem of a document, except for members, which only SQL knows."""
    for name in sorted(set(document) - SECTIONS):
        yield f"unknown section {name}; known: {', '.join(sorted(SECTIONS))}"
    wrong = [name for name in SECTIONS if not isinstance(document.get(name, {}), Mapping)]
    if wrong:
        yield from (f"{name}: must be a table" for name in sorted(wrong))
        return
    tables = document.get("groups", {})
    known = known | frozenset(tables)
    for name, table in tables.items():
        yield from (f"groups.{name}: {line}" for line in _group_problems(name, table, known))
    if "routing" in document:
        lines = routing_document.problems(document["routing"], known)
        yield from (f"routing: {line}" for line in lines)
    yield from _transfer_problems(document.get("transfers", {}), known)
    yield from _notice_problems(document.get("notices", {}))


def _group_problems(name: str, table: Any, known: frozenset[str]) -> Iterator[str]:
    if not groups.NAME.fullmatch(name):
        yield "a group's name is 1 to 64 of a-z 0-9 _ -"
    if not isinstance(table, Mapping):
        yield "must be a table"
        return
    title, fallback, members = (table.get(key) for key in ("title", "fallback", "members"))
    if not isinstance(title, str) or not title.strip():
        yield "title is missing"
    if fallback is not None and fallback not in known:
        yield f"fallback: no group {str(fallback)[:64]}"
    if members is not None and not _texts(members):
        yield "members: must be a list of kf accounts"
    yield from setting_problems(_settings(table))


def _transfer_problems(document: Mapping[str, Any], known: frozenset[str]) -> Iterator[str]:
    lines = list(rules_of_transfer.problems(document))
    yield from (f"transfers: {line}" for line in lines)
    if not lines:
        unknown = transfer_rules_from(document).groups - known
        yield from (f"transfers: no group {name}" for name in sorted(unknown))


def _notice_problems(tables: Mapping[str, Any]) -> Iterator[str]:
    defaults = read_defaults()
    for key, table in tables.items():
        if key not in defaults:
            yield f"notices: there is no notice {str(key)[:40]}"
        elif not isinstance(table, Mapping) or not set(table) <= set(LANGUAGES):
            yield f"notices.{key}: must be a table of {', '.join(LANGUAGES)}"
        else:
            for lang, text in table.items():
                yield from (f"notices.{key}.{lang}: {p}" for p in _text_problems(text, key))


def _text_problems(text: Any, key: str) -> Iterator[str]:
    try:
        if not isinstance(text, str):
            yield "must be a text"
        else:
            check_text(text, read_defaults()[key].placeholders)
    except Invalid as invalid:
        yield invalid.reason


def _write_groups(
    conn: Transaction,
    actor: Actor,
    account: OfficialAccount,
    tables: Mapping[str, Any],
    known: frozenset[str],
) -> None:
    """Insert new groups first, without fallbacks, so that every fallback exists when it is set."""
    appid = account.appid
    for name in sorted(set(tables) - known):
        groups.create(conn, actor, Group(appid, name, tables[name]["title"]))
    for name, table in tables.items():
        wanted = Group(appid, name, table["title"], table.get("fallback"), _settings(table))
        groups.replace(conn, actor, wanted)
        if table.get("members") is not None:
            members = [completed(account, member) for member in table["members"]]
            groups.set_members(conn, actor, appid, name, members)


def _write_notices(conn: Transaction, actor: Actor, appid: str, tables: Mapping[str, Any]) -> None:
    defaults = read_defaults()
    for key, table in tables.items():
        for lang, text in table.items():
            notices.put(conn, actor, appid, defaults[key], lang, text)


def _group_table(group: Group) -> dict[str, Any]:
    fallback = {"fallback": group.fallback} if group.fallback else {}
    edited = {name: value for name, value in group.settings.items() if value is not None}
    return {"title": group.title, **fallback, "members": list(group.members), **edited}


def _settings(table: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in table.items() if name not in GROUP_FIELDS}


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)
