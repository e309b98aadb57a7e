"""Temporary media: upload with the platform's limits, download (wechat-platform 8.1)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from flask import Response, request

from simulator import samples
from simulator.errors import ApiError
from simulator.gate import Call, Gate
from simulator.state import MediaItem

MB = 1024 * 1024
VOICE_MAX_S = 60.0
# kind -> (limit in bytes, error above it, accepted types)
RULES: dict[str, tuple[int, int, set[str]]] = {
    "image": (10 * MB, 40009, {"image/png", "image/jpeg", "image/gif"}),
    "voice": (2 * MB, 40010, {"audio/amr", "audio/mpeg"}),
    "video": (10 * MB, 40011, {"video/mp4"}),
    "thumb": (64 * 1024, 40012, {"image/jpeg"}),
}


def register(gate: Gate) -> None:
    """Put the handlers under their paths."""
    gate.add("/cgi-bin/media/upload", upload, body="files")
    gate.add("/cgi-bin/media/get", download, "GET", "none")


def upload(call: Call) -> dict[str, Any]:
    """Keep a file for three days."""
    kind = call.args.get("type", "")
    if kind not in RULES:
        raise ApiError(40004)
    filename, data = uploaded_file()
    limit, too_big, accepted = RULES[kind]
    if len(data) > limit:
        raise ApiError(too_big)
    mime = samples.mime_of(data)
    if mime not in accepted:
        raise ApiError(40005)
    if mime == "audio/amr" and samples.amr_seconds(data) > VOICE_MAX_S:
        raise ApiError(45007)
    item = call.world.keep_media(call.account, kind, filename, mime, data)
    name = "thumb_media_id" if kind == "thumb" else "media_id"
    return {"type": kind, name: item.media_id, "created_at": item.created_ms // 1000}


def download(call: Call) -> Response | dict[str, Any]:
    """The file; for a video an address to fetch it from."""
    media_id = call.args.get("media_id", "").removesuffix("_16K")
    item = call.world.find_media(call.account, media_id)
    if item is None:
        raise ApiError(40007)
    if item.kind == "video":
        return {"video_url": f"{request.host_url}sim/media/{item.media_id}"}
    return file_response(item)


def file_response(item: MediaItem) -> Response:
    """The bytes with the headers that media/get sends."""
    name = quote(item.filename)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(item.data, content_type=item.mime, headers=headers)


def uploaded_file() -> tuple[str, bytes]:
    """(filename, bytes) of the multipart field ``media``; 41005 or 44001 without content."""
    part = request.files.get("media")
    if part is None:
        raise ApiError(41005)
    data = part.read(12 * MB)
    if not data:
        raise ApiError(44001)
    return part.filename or "file", data
