"""Build the payload of ``custom/send`` from a stored message; upload pictures to WeChat first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from app.media.library import Library
from app.storage.errors import Missing
from app.wechat.api import WeChatApi
from app.wechat.channel import Channel

UPLOAD_TYPES: Final = {"image": "image", "voice": "voice", "video": "video"}
CAPTION: Final = ("title", "description")
ARTICLE: Final = ("title", "description", "url", "picurl")
LINK: Final = ("title", "description", "url", "thumb_url")


class PlatformGone(Exception):
    """The file of a message is gone; the text says which."""


class Payloads:
    """Builder of payloads for one official account or mini program."""

    def __init__(
        self,
        channel: Channel,
        api: WeChatApi,
        files: Library,
        on_speaker_refused: Callable[[str, int], None],
    ) -> None:
        self.channel = channel
        self._api = api
        self._files = files
        self.speaker_refused = on_speaker_refused

    def of(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """Return the payload of a stored message. Raises PlatformGone, and what an upload raises.

        A menu of an account that may send none becomes a text at once: no call is refused for it.
        """
        kind = message["type"]
        payload = {"msgtype": kind, kind: self._content(kind, message)}
        return (
            as_text(payload) if kind == "msgmenu" and kind not in self.channel.sendable else payload
        )

    def _content(self, kind: str, message: Mapping[str, Any]) -> dict[str, Any]:
        media = message["media"] or {}
        if kind == "text":
            return {"content": message["text"]}
        if kind == "news":
            return {"articles": [_some(media, ARTICLE)]}
        if kind == "msgmenu":
            head, tail = media["head"], media.get("tail", "")
            return {"head_content": head, "list": media["list"], "tail_content": tail}
        if kind == "miniprogrampage":
            thumb = self._upload("image", media["media_id"])
            return {**_some(media, self.channel.page_fields), "thumb_media_id": thumb}
        if kind == "link":
            return _some(media, LINK)
        return {"media_id": self._upload(kind, media["media_id"]), **_some(media, CAPTION)}

    def _upload(self, kind: str, ident: str) -> str:
        """Upload the file for each send: a platform media_id lives 3 days, and a retry may come later."""
        try:
            item = self._files.find(ident)
            content = self._files.content(ident)
        except Missing:
            raise PlatformGone("the file is gone") from None
        return self._api.upload_media(
            UPLOAD_TYPES[kind], item.filename or ident, content, item.mime
        )


def as_text(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return a menu as a text, for accounts that may send none (40200)."""
    menu = payload["msgmenu"]
    rows = [row["content"] for row in menu["list"]]
    lines = [menu["head_content"], *rows, menu["tail_content"]]
    return {"msgtype": "text", "text": {"content": "\n".join(line for line in lines if line)}}


def _some(media: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return the fields that hold something."""
    return {name: media[name] for name in names if media.get(name)}
