"""A wire between two programs that can be cut, or that swallows what is sent on some of its connections."""

from __future__ import annotations

import contextlib
import socket
import threading
import time


class Wire:
    """Forward TCP to ``port``.

    ``cut`` breaks every connection and lets no new one through. ``swallow`` drops the answers to requests
    that begin with the given bytes, without closing anything, as a scanner or a forgotten NAT entry does.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._cut = False
        self._swallowed = b""
        self._lets_through_s = 0.0
        self._lost: set[socket.socket] = set()
        self._asked: dict[socket.socket, tuple[bytes, float]] = {}
        self._sockets: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._cut = True
        for one in list(self._sockets):
            _close(one)

    def swallow(self, request: bytes, lets_through_s: float = 0.0) -> None:
        """Drop the answers to such requests, also those under way, later than so long after the request.

        A connection that lost something is never mended, as its reader could make nothing of the rest.
        """
        self._lets_through_s = lets_through_s
        self._swallowed = request

    def mend(self) -> None:
        self._cut = False
        self._swallowed = b""

    def stop(self) -> None:
        self.cut()
        _close(self._listener)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self._cut:
                _close(near)
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self._target), 5)
            except OSError:
                _close(near)
                continue
            far.settimeout(None)
            self._sockets |= {near, far}
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink, near), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, near: socket.socket) -> None:
        try:
            while data := source.recv(65_536):
                if source is near:
                    self._asked[near] = (data, time.monotonic())
                elif self._swallows(near):
                    continue
                sink.sendall(data)
        except OSError:
            pass
        for one in (source, sink):
            _close(one)
            self._sockets.discard(one)
        self._asked.pop(near, None)
        self._lost.discard(near)

    def _swallows(self, near: socket.socket) -> bool:
        request, at = self._asked.get(near, (b"", 0.0))
        is_meant = bool(self._swallowed) and request.startswith(self._swallowed)
        if is_meant and time.monotonic() - at >= self._lets_through_s:
            self._lost.add(near)
        return near in self._lost


def _close(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
