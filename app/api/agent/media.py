"""Files that agents upload and customers sent. Their first bytes tell their type."""

from __future__ import annotations

import io
from typing import Any, Final

from flask import Response, send_file
from werkzeug.datastructures import FileStorage

from app.api.agent.readers import readable
from app.api.core import Call, Routes
from app.api.shapes import MediaShape
from app.media.types import OTHER, FileType, sniff
from app.refusals import Refusal
from app.storage.media import Media

MB: Final = 1024 * 1024
OVERHEAD_BYTES: Final = 64 * 1024
"""Bytes that a multipart form may add around its file."""

LIMITS: Final = {"image": 10 * MB, "voice": 2 * MB, "video": 10 * MB}
"""WeChat's limits by kind of file (wechat-platform 5.3)."""

SENDABLE: Final = frozenset(
    {"image/jpeg", "image/png", "image/gif", "audio/amr", "audio/mpeg", "video/mp4"}
)

routes = Routes()


@routes.add(
    "POST",
    "/media",
    "media.upload",
    summary="Upload a file: a form's field file, or the bare bytes",
    answer=MediaShape,
    status=201,
    files_max_bytes=max(LIMITS.values()) + OVERHEAD_BYTES,
    refuses=(415,),
)
def upload(call: Call) -> dict[str, Any]:
    content, filename = _content(call)
    kind = _checked(content)
    stored = call.served.files.add_upload(content, kind, filename, call.caller.who, call.now_ms)
    return {
        "media_id": stored.id,
        "type": stored.kind,
        "mime": stored.mime,
        "size": stored.size,
        "filename": stored.filename,
    }


@routes.add(
    "GET",
    "/media/<media_id>",
    "media.read",
    summary="Return the bytes of a file",
    raw=True,
    content_types=("*/*",),
    also_status=206,
    refuses=(416,),
)
def download(call: Call, media_id: str) -> Response:
    files = call.served.files
    item = files.find(media_id)
    _check_readable(call, item)
    content = files.content(media_id)
    kind = sniff(content)
    response = send_file(
        io.BytesIO(content),
        mimetype=kind.mime,
        as_attachment=kind.kind != "image",
        download_name=item.filename or item.id,
        etag=item.sha256,
        max_age=0,
    )
    # A file that is opened by itself must not act as a page of this server.
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _content(call: Call) -> tuple[bytes, str]:
    """Return bytes and name of the uploaded file. Raises Refusal."""
    request = call.request
    if request.mimetype != "multipart/form-data":
        return request.get_data(cache=False), ""
    files = list(request.files.values())
    if len(files) != 1:
        raise Refusal("invalid", "The form must have exactly one file, in the field file.")
    file: FileStorage = files[0]
    return file.read(), _plain_name(file.filename or "")


def _checked(content: bytes) -> FileType:
    """Return the type of an upload. Raises Refusal: invalid, unsupported_media, too_large."""
    if not content:
        raise Refusal("invalid", "The file is empty.")
    kind = sniff(content)
    if kind is OTHER or kind.mime not in SENDABLE:
        raise Refusal("unsupported_media", "WeChat accepts png, jpg, gif, amr, mp3 and mp4 only.")
    if len(content) > LIMITS[kind.kind]:
        limit = LIMITS[kind.kind] // MB
        raise Refusal("too_large", f"A file of the type {kind.kind} may have {limit} MB.")
    return kind


def _check_readable(call: Call, item: Media) -> None:
    """Refuse callers who neither uploaded the file nor may read its conversation. Raises Refusal."""
    if call.may("sessions.read_any") or item.uploaded_by == call.caller.who:
        return
    if item.session_id is None:
        raise Refusal("forbidden", "This file is not yours.")
    readable(call, item.session_id)


def _plain_name(name: str) -> str:
    """Return the last part of a path without characters that could break a header or a screen."""
    base = name.replace("\\", "/").rpartition("/")[2]
    return "".join(char for char in base if char.isprintable())[:200]
