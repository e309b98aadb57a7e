"""Small real files for customers who send a picture, a voice note or a clip; and file sniffing."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

AMR_HEAD = b"#!AMR\n"
# Bytes per 20 ms frame by the frame type in bits 3 to 6 of its first byte (RFC 4867).
AMR_FRAME_BYTES = (13, 14, 16, 18, 20, 21, 27, 32, 6, 1, 1, 1, 1, 1, 1, 1)
AMR_FRAMES_PER_S = 50


@dataclass(frozen=True, slots=True)
class Sample:
    """A file made in code."""

    filename: str
    mime: str
    data: Callable[[], bytes]


def png(width: int = 240, height: int = 160) -> bytes:
    """A soft green gradient."""
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        for x in range(width):
            rows += bytes((90 + x * 120 // width, 190, 120 + y * 100 // height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(bytes(rows), 9))
    return b"\x89PNG\r\n\x1a\n" + body + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def jpeg() -> bytes:
    """The smallest baseline JPEG: one grey 8x8 block."""
    return base64.b64decode(
        "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP////////////////////////////////////////////////////////"
        "//////////////////////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA="
    )


def amr(seconds: float = 2.0) -> bytes:
    """Silence: 4.75 kbit/s frames."""
    frame = bytes([0x04]) + bytes(12)
    return AMR_HEAD + frame * int(seconds * AMR_FRAMES_PER_S)


def mp4() -> bytes:
    """An empty but well-formed MP4: ftyp, moov with a header, mdat."""
    ftyp = _box(b"ftyp", b"isom" + struct.pack(">I", 512) + b"isomiso2mp41")
    matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    header = struct.pack(">IIIII", 0, 0, 0, 1000, 0) + struct.pack(">IH", 0x10000, 0x100)
    mvhd = _box(b"mvhd", header + bytes(10) + matrix + bytes(24) + struct.pack(">I", 1))
    return ftyp + _box(b"moov", mvhd) + _box(b"mdat", b"")


def _box(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", 8 + len(data)) + name + data


def mime_of(data: bytes) -> str:
    """The type told by the first bytes; empty where it is none the platform takes."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data.startswith(AMR_HEAD):
        return "audio/amr"
    if data.startswith(b"ID3") or (data[:1] == b"\xff" and data[1:2] >= b"\xe0"):
        return "audio/mpeg"
    return "video/mp4" if data[4:8] == b"ftyp" else ""


def amr_seconds(data: bytes) -> float:
    """Play time of an AMR file, by walking its frames."""
    at, frames = len(AMR_HEAD), 0
    while at < len(data):
        at += AMR_FRAME_BYTES[(data[at] >> 3) & 15]
        frames += 1
    return frames / AMR_FRAMES_PER_S


SAMPLES: dict[str, Sample] = {
    "image": Sample("photo.png", "image/png", png),
    "voice": Sample("voice.amr", "audio/amr", amr),
    "video": Sample("clip.mp4", "video/mp4", mp4),
    "thumb": Sample("thumb.jpg", "image/jpeg", jpeg),
}
