"""A TCP proxy in front of a server, with the faults of a bad network at a word."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from dataclasses import dataclass, field

from tests.support import free_port

CHUNK_BYTES = 65_536
_RESET = struct.pack("ii", 1, 0)


@dataclass
class Faults:
    """What goes wrong now. Times in seconds, sizes in bytes; the defaults change nothing."""

    latency_s: float = 0.0
    slice_bytes: int = 0
    slice_gap_s: float = 0.0
    cut_words: dict[bytes, int] = field(default_factory=dict)


class Toxic:
    """Forwards ``port`` to a server at 127.0.0.1:``upstream``.

    ``latency`` delays each reply, ``slice`` sends it in small pieces, ``cut_reply`` lets a request that
    holds a word through and resets the connection at the first byte of its answer, ``hang`` keeps
    connections open and moves nothing, ``reset`` ends every connection, ``down`` also refuses new ones.
    """

    def __init__(self, upstream: int) -> None:
        self.upstream = upstream
        self.port = free_port()
        self.faults = Faults()
        self.cuts = 0
        self._flowing = threading.Event()
        self._flowing.set()
        self._lock = threading.Lock()
        self._pairs: set[tuple[socket.socket, socket.socket]] = set()
        self._listener: socket.socket | None = None
        self.up()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def latency(self, seconds: float) -> None:
        self.faults.latency_s = seconds

    def slice(self, size: int, gap_s: float) -> None:
        self.faults.slice_bytes, self.faults.slice_gap_s = size, gap_s

    def cut_reply(self, word: bytes, times: int = 1) -> None:
        with self._lock:
            self.faults.cut_words[word] = times

    def hang(self) -> None:
        self._flowing.clear()

    def flow(self) -> None:
        self._flowing.set()

    def reset(self) -> None:
        with self._lock:
            pairs = list(self._pairs)
        for pair in pairs:
            self._end(pair)

    def down(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.reset()

    def up(self) -> None:
        if self._listener is not None:
            return
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(512)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def heal(self) -> None:
        """Everything as on a good network; connections cut by a fault stay cut."""
        self.faults = Faults()
        self.flow()
        self.up()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        self._flowing.wait()
        try:
            server = socket.create_connection(("127.0.0.1", self.upstream), timeout=5)
        except OSError:
            _close(client)
            return
        for side in (client, server):
            side.settimeout(None)
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pair, armed = (client, server), threading.Event()
        with self._lock:
            self._pairs.add(pair)
        threading.Thread(target=self._requests, args=(pair, armed), daemon=True).start()
        self._replies(pair, armed)

    def _requests(self, pair: tuple[socket.socket, socket.socket], armed: threading.Event) -> None:
        client, server = pair
        while data := _read(client):
            self._flowing.wait()
            if self._wants_cut(data):
                armed.set()
            if not _write(server, data):
                break
        self._end(pair)

    def _replies(self, pair: tuple[socket.socket, socket.socket], armed: threading.Event) -> None:
        client, server = pair
        while data := _read(server):
            self._flowing.wait()
            if armed.is_set():
                self.cuts += 1
                break
            time.sleep(self.faults.latency_s)
            if not self._pass_on(client, data):
                break
        self._end(pair)

    def _pass_on(self, client: socket.socket, data: bytes) -> bool:
        size = self.faults.slice_bytes or len(data)
        for start in range(0, len(data), size):
            if not _write(client, data[start : start + size]):
                return False
            time.sleep(self.faults.slice_gap_s)
        return True

    def _wants_cut(self, data: bytes) -> bool:
        with self._lock:
            for word, left in self.faults.cut_words.items():
                if left > 0 and word in data:
                    self.faults.cut_words[word] = left - 1
                    return True
        return False

    def _end(self, pair: tuple[socket.socket, socket.socket]) -> None:
        with self._lock:
            self._pairs.discard(pair)
        for side in pair:
            _close(side)


def _read(side: socket.socket) -> bytes:
    try:
        return side.recv(CHUNK_BYTES)
    except OSError:
        return b""


def _write(side: socket.socket, data: bytes) -> bool:
    try:
        side.sendall(data)
    except OSError:
        return False
    return True


def _close(side: socket.socket) -> None:
    """With a reset rather than a farewell; a thread that reads from it wakes."""
    with contextlib.suppress(OSError):
        side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        side.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        side.close()
