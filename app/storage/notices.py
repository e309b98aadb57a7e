"""Notices to customers: the defaults of ``config/notices.toml``, and each account's edited texts in SQL."""

from __future__ import annotations

import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, and_, select

from app.storage import checks
from app.storage.audit import Actor, record
from app.storage.errors import Invalid, Missing
from app.storage.schema import notices
from app.storage.sql import insert_into

DEFAULTS_FILE: Final = Path(__file__).resolve().parents[2] / "config" / "notices.toml"
LANGUAGES: Final = ("zh", "en")
TEXT_MAX_CHARS: Final = 600  # custom/send takes 2048 bytes of UTF-8, a placeholder may add some


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice: its texts by language, and the placeholders that they may use."""

    key: str
    placeholders: frozenset[str]
    texts: Mapping[str, str]
    edited: frozenset[str] = frozenset()


def read_defaults(path: Path = DEFAULTS_FILE) -> dict[str, Notice]:
    """Return the shipped notices by key. Raises ``Invalid`` on a text that cannot be used."""
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    found: dict[str, Notice] = {}
    for key, entry in raw.items():
        placeholders = frozenset(entry["placeholders"])
        texts = {lang: check_text(entry[lang], placeholders) for lang in LANGUAGES}
        found[key] = Notice(key, placeholders, texts)
    return found


def check_text(text: str, placeholders: frozenset[str]) -> str:
    """Return the text as it will be stored. Raises ``Invalid`` on a brace that is no known placeholder."""
    text = checks.text("text", text, TEXT_MAX_CHARS, empty=True)
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError:
        raise Invalid("text", "a brace stands alone; write {{ or }} for one") from None
    for _, name, spec, conversion in parts:
        if name is not None and (name not in placeholders or spec or conversion):
            known = ", ".join(f"{{{known}}}" for known in sorted(placeholders)) or "none"
            raise Invalid("text", f"unknown placeholder {{{name}}}; possible: {known}")
    return text


def everything(conn: Connection, appid: str, defaults: Mapping[str, Notice]) -> dict[str, Notice]:
    """Return the live notices of an account by key."""
    rows = conn.execute(select(notices).where(notices.c.appid == appid)).mappings()
    edited: dict[str, dict[str, str]] = {}
    for row in rows:
        edited.setdefault(row["key"], {})[row["lang"]] = row["text"]
    return {
        key: Notice(
            key,
            notice.placeholders,
            {**notice.texts, **edited.get(key, {})},
            frozenset(edited.get(key, {})),
        )
        for key, notice in defaults.items()
    }


def put(conn: Connection, actor: Actor, appid: str, notice: Notice, lang: str, text: str) -> None:
    """Store an edited text; "" switches the notice off. Raises ``Invalid``."""
    if lang not in LANGUAGES:
        raise Invalid("lang", f"must be one of {', '.join(LANGUAGES)}")
    values = {
        "text": check_text(text, notice.placeholders),
        "updated_ms": actor.at_ms,
        "by": actor.who[:64],
    }
    key = {"appid": appid, "key": notice.key, "lang": lang}
    statement = insert_into(conn, notices).on_conflict_do_update(
        index_elements=list(key), set_=values
    )
    conn.execute(statement, key | values)
    record(conn, actor, "notice.update", notice.key, {"lang": lang, "text": values["text"]})


def reset(conn: Connection, actor: Actor, appid: str, key: str, lang: str) -> None:
    """Reset a text to its default. Raises ``Missing`` if it was not edited."""
    this = and_(notices.c.appid == appid, notices.c.key == key, notices.c.lang == lang)
    if conn.execute(notices.delete().where(this)).rowcount == 0:
        raise Missing(f"the notice {key} ({lang}) is the default already")
    record(conn, actor, "notice.reset", key, {"lang": lang})
