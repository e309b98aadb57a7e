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

_JPEG: Final = FileType("image/jpeg", "image")
_GIF: Final = FileType("image/gif", "image")
_MP3: Final = FileType("audio/mpeg", "voice")

_STARTS: Final[tuple[tuple[bytes, FileType], ...]] = (
    (b"\xff\xd8\xff", _JPEG),
    (b"\x89PNG\r\n\x1a\n", FileType("image/png", "image")),
    (b"GIF87a", _GIF),
    (b"GIF89a", _GIF),
    (b"#!AMR\n", FileType("audio/amr", "voice")),
    (b"ID3", _MP3),
    (b"\x02#!SILK", FileType("audio/silk", "voice")),
    (b"Speex   ", FileType("audio/speex", "voice")),
)

_MP4: Final = FileType("video/mp4", "video")
_BRANDS: Final[tuple[tuple[frozenset[bytes], FileType], ...]] = (
    # The major brand decides: a HEIC and an M4A name those of films among their compatible ones.
    (
        frozenset((b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"iso7", b"iso8", b"iso9"))
        | frozenset((b"avc1", b"mp41", b"mp42", b"mp71", b"mmp4", b"dash", b"cmfc", b"MSNV"))
        | frozenset((b"M4V ", b"M4VH", b"M4VP", b"f4v ", b"F4V ", b"XAVC")),
        _MP4,
    ),
    (frozenset((b"heic", b"heix", b"heim", b"heis")), FileType("image/heic", "other")),
    (frozenset((b"mif1", b"msf1", b"hevc", b"hevx")), FileType("image/heif", "other")),
    (frozenset((b"avif", b"avis")), FileType("image/avif", "other")),
    (frozenset((b"qt  ",)), FileType("video/quicktime", "other")),
    (frozenset((b"M4A ", b"M4B ", b"M4P ")), FileType("audio/mp4", "other")),
    (
        frozenset((b"3gp4", b"3gp5", b"3gp6", b"3gp7", b"3gs7", b"3gr6", b"3ge6", b"3gg6")),
        FileType("video/3gpp", "other"),
    ),
    (frozenset((b"3g2a", b"3g2b", b"3g2c")), FileType("video/3gpp2", "other")),
)


def sniff(content: bytes) -> FileType:
    """Return the type of a file by its first bytes, OTHER for what is none of ours."""
    for start, kind in _STARTS:
        if content.startswith(start):
            return kind
    if content[4:8] == b"ftyp":
        return _by_brand(content[8:12])
    return _MP3 if _is_mpeg_layer_3(content) else OTHER


def _by_brand(major: bytes) -> FileType:
    """Return what the ISO box at a file's start says; pictures and sound are in the same box as films."""
    return next((kind for brands, kind in _BRANDS if major in brands), OTHER)


def _is_mpeg_layer_3(content: bytes) -> bool:
    """Return whether a frame header of MPEG 1, 2 or 2.5, layer III, stands first (AAC has layer 0)."""
    if len(content) < 3 or content[0] != 0xFF or content[1] & 0xE0 != 0xE0:
        return False
    version, layer = content[1] >> 3 & 3, content[1] >> 1 & 3
    bitrate, rate = content[2] >> 4, content[2] >> 2 & 3
    return version != 1 and layer == 1 and bitrate not in (0, 15) and rate != 3
