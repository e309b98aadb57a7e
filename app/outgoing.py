"""From a stored message to the object ``custom/send`` wants; pictures are uploaded to WeChat first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from app.storage import media
from app.storage.errors import Missing
from app.wechat_out import WeChatApi
from sessions.sql import Engine, reading

UPLOAD_TYPES: Final = {"image": "image", "voice": "voice", "video": "video"}


class PlatformGone(Exception):
    """What was to be sent is not to be had any more; the message says what."""


class Payloads:
    """Builds payloads for one official account."""

    def __init__(
        self,
        appid: str,
        api: WeChatApi,
        engine: Engine,
        on_speaker_refused: Callable[[str, int], None],
    ) -> None:
        self._appid = appid
        self._api = api
        self._engine = engine
        self.speaker_refused = on_speaker_refused

    def of(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """The payload of a stored message. Raises PlatformGone, and what an upload raises."""
        kind = message["type"]
        if kind == "text":
            return {"msgtype": "text", "text": {"content": message["text"]}}
        media_id = self._upload(kind, message["media"]["media_id"])
        return {"msgtype": kind, kind: {"media_id": media_id}}

    def _upload(self, kind: str, ident: str) -> str:
        """Uploaded anew for each send: a platform media_id lives 3 days, a retry may come later."""
        try:
            with reading(self._engine) as conn:
                item = media.get(conn, self._appid, ident)
                content = media.content(conn, self._appid, ident)
        except Missing:
            raise PlatformGone("the file is gone") from None
        return self._api.upload_media(
            UPLOAD_TYPES[kind], item.filename or ident, content, item.mime
        )
