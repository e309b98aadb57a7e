"""What customers are told: defaults of ``config/notices.toml``, overridden per account in SQL."""

from __future__ import annotations

import logging
import string
import threading
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, and_, select

from app.storage import checks
from app.storage.audit import Actor, record
from app.storage.errors import Invalid, Missing
from app.storage.schema import notices
from app.storage.sql import StorageError, insert_into, reading

log = logging.getLogger(__name__)

DEFAULTS_FILE: Final = Path(__file__).resolve().parents[2] / "config" / "notices.toml"
LANGUAGES: Final = ("zh", "en")
TEXT_MAX_CHARS: Final = 600  # custom/send takes 2048 bytes of UTF-8, a placeholder may add some
REFRESH_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Notice:
    """One kind of notice: its text by language and the placeholders it may use."""

    key: str
    placeholders: frozenset[str]
    texts: Mapping[str, str]
    edited: frozenset[str] = frozenset()


def read_defaults(path: Path = DEFAULTS_FILE) -> dict[str, Notice]:
    """The shipped notices by key. Raises ``Invalid`` on a text that cannot be used."""
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    found: dict[str, Notice] = {}
    for key, entry in raw.items():
        placeholders = frozenset(entry["placeholders"])
        texts = {lang: check_text(entry[lang], placeholders) for lang in LANGUAGES}
        found[key] = Notice(key, placeholders, texts)
    return found


def check_text(text: str, placeholders: frozenset[str]) -> str:
    """The text as it will be kept. Raises ``Invalid`` on braces that are no known placeholder."""
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
    """All notices of an account as they are in force, by key."""
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
    """Override one text; ``""`` switches the notice off. Raises ``Invalid``."""
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
    """Back to the default. Raises ``Missing`` where nothing was overridden."""
    this = and_(notices.c.appid == appid, notices.c.key == key, notices.c.lang == lang)
    if conn.execute(notices.delete().where(this)).rowcount == 0:
        raise Missing(f"the notice {key} ({lang}) is the default already")
    record(conn, actor, "notice.reset", key, {"lang": lang})


class NoticeTexts:
    """An account's texts for the hot path, from memory; re-read behind it every ``refresh_s``.

    A database that is slow or away never holds up a callback: the texts last read go on.
    """

    def __init__(
        self,
        engine: Engine,
        appid: str,
        defaults: Mapping[str, Notice],
        lang: str = "zh",
        refresh_s: float = REFRESH_S,
    ) -> None:
        self._engine = engine
        self._appid = appid
        self._defaults = defaults
        self._lang = lang
        self._refresh_s = refresh_s
        self._current: Mapping[str, Notice] = defaults
        self._next_read_s = 0.0
        self._reading = threading.Lock()

    def __call__(self, key: str, **values: object) -> str:
        """The text of ``key`` with its placeholders filled, "" where it is switched off.

        Raises ``KeyError`` on an unknown key or a placeholder without a value.
        """
        if time.monotonic() >= self._next_read_s and self._reading.acquire(blocking=False):
            self._next_read_s = time.monotonic() + self._refresh_s
            threading.Thread(target=self._read_behind, name="notices", daemon=True).start()
        return self._current[key].texts[self._lang].format(**values)

    def reload(self) -> None:
        """Read now: at the start, and on the node where a text was changed.

        Raises ``StorageError``.
        """
        with reading(self._engine) as conn:
            self._current = everything(conn, self._appid, self._defaults)
        self._next_read_s = time.monotonic() + self._refresh_s

    def _read_behind(self) -> None:
        try:
            self.reload()
        except StorageError as error:
            log.warning("notices not read, the last known go on", extra={"reason": str(error)})
        finally:
            self._reading.release()
