"""Files by their first bytes, with the neighbours of each format."""

from __future__ import annotations

import pytest

from app.media.types import OTHER, sniff
from simulator import samples
from tests.api.conftest import Node


def box(brand: bytes, *compatible: bytes) -> bytes:
    """A file that begins with an ISO box of this brand."""
    body = b"ftyp" + brand + bytes(4) + b"".join(compatible)
    return (len(body) + 4).to_bytes(4, "big") + body + bytes(64)


SENDABLE = {
    "jpeg": (samples.jpeg(), "image/jpeg"),
    "png": (samples.png(), "image/png"),
    "gif 87": (b"GIF87a" + bytes(20), "image/gif"),
    "gif 89": (b"GIF89a" + bytes(20), "image/gif"),
    "amr": (samples.amr(), "audio/amr"),
    "mp3 with a tag": (b"ID3\x04" + bytes(20), "audio/mpeg"),
    "mp3, MPEG 1": (b"\xff\xfb\x90\x64" + bytes(20), "audio/mpeg"),
    "mp3, MPEG 1 with a checksum": (b"\xff\xfa\x90\x64" + bytes(20), "audio/mpeg"),
    "mp3, MPEG 2": (b"\xff\xf3\x48\xc4" + bytes(20), "audio/mpeg"),
    "mp3, MPEG 2.5": (b"\xff\xe3\x48\xc4" + bytes(20), "audio/mpeg"),
    "mp4 of a simulator": (samples.mp4(), "video/mp4"),
    "mp4 of a camera": (box(b"mp42", b"isom", b"mp42"), "video/mp4"),
    "mp4 of ffmpeg": (box(b"isom", b"isom", b"iso2", b"avc1", b"mp41"), "video/mp4"),
    "m4v": (box(b"M4V "), "video/mp4"),
}
NEIGHBOURS = {
    "heic of a phone": (box(b"heic", b"mif1", b"heic"), "image/heic"),
    "heif": (box(b"mif1", b"heic"), "image/heif"),
    "heif sequence": (box(b"msf1"), "image/heif"),
    "avif": (box(b"avif", b"mif1"), "image/avif"),
    "mov": (box(b"qt  "), "video/quicktime"),
    "m4a": (box(b"M4A ", b"isom", b"mp42"), "audio/mp4"),
    "3gp": (box(b"3gp5", b"isom"), "video/3gpp"),
    "3g2": (box(b"3g2a"), "video/3gpp2"),
    "jpeg 2000 in a box": (box(b"jp2 "), OTHER.mime),
    "a box of an unknown brand": (box(b"zzzz"), OTHER.mime),
    "a box cut off": (b"\x00\x00\x00\x18ftyp", OTHER.mime),
    "webp": (b"RIFF\x10\x00\x00\x00WEBPVP8 " + bytes(20), OTHER.mime),
    "wav": (b"RIFF\x10\x00\x00\x00WAVEfmt " + bytes(20), OTHER.mime),
    "avi": (b"RIFF\x10\x00\x00\x00AVI LIST" + bytes(20), OTHER.mime),
    "bmp": (b"BM" + bytes(30), OTHER.mime),
    "tiff": (b"II*\x00" + bytes(30), OTHER.mime),
    "gif of no version": (b"GIF88a" + bytes(20), OTHER.mime),
    "png cut off": (b"\x89PNG\r\n", OTHER.mime),
    "mng": (b"\x8aMNG\r\n\x1a\n" + bytes(20), OTHER.mime),
    "aac, MPEG 4": (b"\xff\xf1\x50\x80" + bytes(20), OTHER.mime),
    "aac, MPEG 2": (b"\xff\xf9\x50\x80" + bytes(20), OTHER.mime),
    "mp2": (b"\xff\xfd\x90\x64" + bytes(20), OTHER.mime),
    "amr of a wide band": (b"#!AMR-WB\n" + bytes(20), OTHER.mime),
    "ogg": (b"OggS" + bytes(30), OTHER.mime),
    "flac": (b"fLaC" + bytes(30), OTHER.mime),
    "matroska": (b"\x1aE\xdf\xa3" + bytes(30), OTHER.mime),
    "text of UTF-16": (b"\xff\xfea\x00b\x00", OTHER.mime),
    "nothing but ones": (b"\xff" * 32, OTHER.mime),
    "pdf": (b"%PDF-1.7" + bytes(20), OTHER.mime),
}


@pytest.mark.parametrize(("content", "mime"), SENDABLE.values(), ids=SENDABLE)
def test_what_wechat_takes_is_known(content: bytes, mime: str) -> None:
    kind = sniff(content)
    assert (kind.mime, kind.kind != "other") == (mime, True)


@pytest.mark.parametrize(("content", "mime"), NEIGHBOURS.values(), ids=NEIGHBOURS)
def test_its_neighbours_are_not_taken_for_it(content: bytes, mime: str) -> None:
    kind = sniff(content)
    assert (kind.mime, kind.kind) == (mime, "other")


def test_an_upload_of_a_neighbour_is_refused_with_what_is_allowed(node: Node) -> None:
    anna = node.agent("anna")
    for name in ("heic of a phone", "avif", "mov", "m4a"):
        content, _ = NEIGHBOURS[name]
        files = {"file": ("file.mp4", content, "video/mp4")}
        answer = anna.send("POST", "/api/v1/media", files=files)
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media"), name
        assert "mp4" in answer.json()["detail"] and "mp3" in answer.json()["detail"]
