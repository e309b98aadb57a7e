"""Desks that listen: the client side of many event streams, read by one loop."""

from __future__ import annotations

import re
import selectors
import socket
import threading
import time
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from bench.desk import Desk

EVENT = re.compile(rb"event: ([a-z.]+)\ndata: (.*)\n")
CONNECT_S = 30


class Desks:
    """Open event streams; ``heard(event, data, at)`` is called with each event as it arrives."""

    def __init__(self, url: str, heard: Callable[[bytes, bytes, float], None]) -> None:
        parts = urlsplit(url)
        assert parts.hostname and parts.port
        self._address = (parts.hostname, parts.port)
        self._heard = heard
        self._selector = selectors.DefaultSelector()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def open(self, desks: Sequence[Desk]) -> None:
        """All streams, each greeted by the server."""
        for desk in desks:
            stream = socket.create_connection(self._address, CONNECT_S)
            stream.sendall(
                b"GET /api/v1/events HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer "
                + desk.token.encode()
                + b"\r\n\r\n"
            )
            greeting = stream.recv(65_536)
            assert greeting.startswith(b"HTTP/1.1 200"), greeting[:200]
            stream.setblocking(False)
            self._selector.register(stream, selectors.EVENT_READ, bytearray())
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            socket.socket.close(key.fileobj)  # type: ignore[arg-type]

    def _read(self) -> None:
        while not self._over.is_set():
            for key, _ in self._selector.select(0.2):
                data = key.fileobj.recv(262_144)  # type: ignore[union-attr]
                at = time.perf_counter()
                if not data:
                    self._selector.unregister(key.fileobj)
                    continue
                key.data.extend(data)
                self._events(key.data, at)

    def _events(self, buffer: bytearray, at: float) -> None:
        whole, end, _ = buffer.rpartition(b"\n\n")
        for found in EVENT.finditer(bytes(whole + end)):
            self._heard(found[1], found[2], at)
        del buffer[: len(whole) + len(end)]
