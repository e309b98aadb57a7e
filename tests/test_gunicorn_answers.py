from __future__ import annotations

from types import SimpleNamespace

import pytest
from gunicorn.config import Config

from app.gunicorn_server import OnePacketResponse

HEADERS = [("Content-Length", "7"), ("Content-Type", "text/plain")]


class Line:
    """A connection that tells what was sent in each call."""

    def __init__(self, broken: bool = False) -> None:
        self.calls: list[bytes] = []
        self.broken = broken

    def sendall(self, data: bytes) -> None:
        if self.broken:
            raise BrokenPipeError
        self.calls.append(data)


def response(line: Line, method: str = "GET") -> OnePacketResponse:
    request = SimpleNamespace(method=method, version=(1, 1), should_close=lambda: False)
    return OnePacketResponse(request, line, Config())


def test_head_and_body_leave_together() -> None:
    line = Line()
    answer = response(line)
    answer.start_response("200 OK", HEADERS)
    answer.write(b"success")
    (sent,) = line.calls
    head, _, body = sent.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n") and body == b"success"


def test_each_later_piece_leaves_at_once() -> None:
    line = Line()
    answer = response(line)
    answer.start_response("200 OK", [("Content-Type", "text/event-stream")])
    for piece in (b"one", b"two"):
        answer.write(piece)
    first, second = line.calls
    assert first.endswith(b"\r\n\r\n3\r\none\r\n") and second == b"3\r\ntwo\r\n"


def test_an_answer_without_a_body_has_its_head_alone() -> None:
    for answer_with in (lambda answer: answer.write(b"success"), lambda answer: answer.close()):
        line = Line()
        answer = response(line, "HEAD")
        answer.start_response("200 OK", HEADERS)
        answer_with(answer)
        (sent,) = line.calls
        assert sent.endswith(b"\r\n\r\n")


def test_a_caller_who_left_is_noticed_as_ever() -> None:
    answer = response(Line(broken=True))
    answer.start_response("200 OK", HEADERS)
    with pytest.raises(BrokenPipeError):
        answer.write(b"success")
