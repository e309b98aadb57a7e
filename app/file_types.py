"""What a file is by its first bytes; the sender's word for it is not believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class FileType:
    """``kind`` image, voice, video or other; only an image is shown in place, the rest is a download."""

    mime: str
    kind: str


OTHER: Final = FileType("application/octet-stream", "other")

_STARTS: Final[tuple[tuple[bytes, FileType], ...]] = (
    (b"\xff\xd8\xff", FileType("image/jpeg", "image")),
    (b"\x89PNG\r\n\x1a\n", FileType("image/png", "image")),
    (b"GIF87a", FileType("image/gif", "image")),
    (b"GIF89a", FileType("image/gif", "image")),
    (b"#!AMR", FileType("audio/amr", "voice")),
    (b"ID3", FileType("audio/mpeg", "voice")),
    (b"\xff\xfb", FileType("audio/mpeg", "voice")),
    (b"\xff\xf3", FileType("audio/mpeg", "voice")),
    (b"\x02#!SILK", FileType("audio/silk", "voice")),
    (b"Speex   ", FileType("audio/speex", "voice")),
)


def sniff(content: bytes) -> FileType:
    """The type of a file by its magic bytes, OTHER for what is none of ours."""
    for start, kind in _STARTS:
        if content.startswith(start):
            return kind
    if content[4:8] == b"ftyp":
        return FileType("video/mp4", "video")
    return OTHER
