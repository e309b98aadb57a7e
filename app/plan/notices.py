"""The live texts of an official account for its customers."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from app.plan.live import REFRESH_S, Live
from app.storage.notices import Notice, everything
from app.storage.sql import Engine

log = structlog.get_logger()


class NoticeTexts:
    """An account's notices in one language, edited ones and defaults."""

    def __init__(
        self,
        engine: Engine,
        appid: str,
        defaults: Mapping[str, Notice],
        lang: str = "zh",
        refresh_s: float = REFRESH_S,
    ) -> None:
        self._lang = lang
        self._live: Live[Mapping[str, Notice]] = Live(
            "notices",
            engine,
            appid,
            defaults,
            lambda conn: everything(conn, appid, defaults),
            lambda **why: log.warning("notices_not_read", **why),
            refresh_s,
        )

    def __call__(self, key: str, **values: object) -> str:
        """Return the text of ``key`` with its placeholders filled, "" where it is switched off.

        Raises KeyError on an unknown key or a placeholder without a value.
        """
        return self._live()[key].texts[self._lang].format(**values)

    def reload(self) -> None:
        """Read the texts now. Raises StorageError."""
        self._live.reload()
