"""Files that say they are something else: never shown as a page of ours, never sent on."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.api.conftest import Client, Node
from tests.support import wait_until

HTML = b"<html><script>fetch('/api/v1/me')</script></html>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
MIXED = b"GIF89a=1;/*" + HTML + b"*/"


def fetched(agent: Client, sid: str) -> dict[str, Any]:
    """The message's file once it is here."""

    def ready() -> Any:
        media = agent.data(f"/sessions/{sid}/messages")[-1]["media"] or {}
        return media if media.get("state") == "ready" else None

    media: dict[str, Any] = wait_until(ready, 15)
    return media


@pytest.mark.parametrize(
    ("content", "mime", "download"),
    [
        (HTML, "application/octet-stream", True),
        (SVG, "application/octet-stream", True),
        (MIXED, "image/gif", False),
    ],
    ids=["html", "svg", "gif with html in it"],
)
def test_what_a_customer_sends_as_a_picture_is_served_as_what_it_is_and_cannot_act(
    node: Node, content: bytes, mime: str, download: bool
) -> None:
    anna = node.agent("anna")
    anna.online()
    picture = base64.b64encode(content).decode()
    node.says("o1", type="image", media=picture)
    media = fetched(anna, node.session_of("o1"))
    answer = anna.get(f"/media/{media['media_id']}")
    assert answer.content == content
    assert answer.headers["Content-Type"].partition(";")[0] == mime
    shown = answer.headers["Content-Disposition"].partition(";")[0]
    assert shown == ("attachment" if download else "inline")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox;") and "default-src 'none'" in policy


@pytest.mark.parametrize("content", [HTML, SVG])
def test_an_agent_cannot_send_it_on_as_a_picture(node: Node, content: bytes) -> None:
    anna = node.agent("anna")
    files = {"file": ("photo.png", content, "image/png")}
    answer = anna.send("POST", "/api/v1/media", files=files)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media")
