"""Private real servers for tests: started on free ports, killed, frozen and started again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

from tests.support import free_port, wait_until

ZOOKEEPER_JAR = Path("/usr/share/java/zookeeper.jar")
ZOOKEEPER_CONF = Path("/etc/zookeeper/conf")
TICK_MS = 400  # the least session time-out granted is two ticks
START_S = 30.0
_SLF4J = Path("/usr/share/java/slf4j-simple.jar")
_JAVA_OPTIONS = ["-Xms32m", "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xss512k"]


def redis_missing() -> str:
    """Why no private Redis can run here; "" if one can."""
    return "" if shutil.which("redis-server") else "redis-server is not installed"


def zookeeper_missing() -> str:
    """Why no private ZooKeeper can run here; "" if one can."""
    if not shutil.which("java"):
        return "java is not installed"
    return "" if ZOOKEEPER_JAR.exists() else "the zookeeper package is not installed"


class _Server:
    """A child process that tests may kill, freeze and start again on the same port and data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None, "not running"
        return self._process.pid

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        raise AssertionError("each server has its own")

    def ready(self) -> bool:
        raise AssertionError("each server has its own")

    def identity(self) -> dict[str, Any]:
        """The user to run as, in the words of ``Popen``; {} = as the tests do."""
        return {}

    def start(self) -> None:
        """Start and wait until it answers."""
        log = self.folder / "server.log"
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                cwd=self.folder,
                **self.identity(),
            )
        wait_until(lambda: self.ready() or self._process_ended(), START_S)
        assert not self._process_ended(), log.read_text("utf-8", "replace")[-2000:]

    def stop(self) -> None:
        """End it as an operator does; nothing if it is down."""
        self._end(signal.SIGTERM)

    def kill9(self) -> None:
        """End it as a power cut does."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Let it hang: connections stay open and nothing is answered."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def restart(self) -> None:
        """Down (kill -9 if it is still up) and up again with the same data."""
        self.kill9()
        self.start()

    def alive(self) -> bool:
        """Whether the process runs; a frozen one does."""
        return self._process is not None and not self._process_ended()

    def _process_ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(number)
        process.send_signal(signal.SIGCONT)
        try:
            process.wait(10.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class PrivateRedis(_Server):
    """Debian's redis-server with the durability settings that production uses.

    Where a kill -9 must lose nothing acknowledged it takes "always": with "everysec" Redis holds writes back,
    in its own memory, while the disk is still busy with the last second's.
    """

    def __init__(self, folder: Path, appendfsync: str = "everysec") -> None:
        super().__init__(folder)
        self._appendfsync = appendfsync

    @property
    def url(self) -> str:
        return f"redis://{self.address}/0"

    def command(self) -> list[str]:
        return [
            "redis-server",
            *("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)),
            *("--appendonly", "yes", "--appendfsync", self._appendfsync, "--save", ""),
            *("--maxmemory-policy", "noeviction", "--lua-time-limit", "500"),
        ]

    def start(self) -> None:
        """As operations.md says: Redis 7.0 joins a step cut off in the file with the next one."""
        manifest = self.folder / "appendonlydir" / "appendonly.aof.manifest"
        if manifest.exists():
            mend = ["redis-check-aof", "--fix", str(manifest)]
            subprocess.run(mend, input=b"y\n", capture_output=True, check=True)
        super().start()

    def ready(self) -> bool:
        return _ask(self.port, b"PING\r\n").startswith(b"+PONG")


class PrivateZooKeeper(_Server):
    """One ZooKeeper server with a short tick, so that sessions may be as short as 0.8 s."""

    @property
    def hosts(self) -> str:
        return self.address

    def command(self) -> list[str]:
        config = self.folder / "zoo.cfg"
        config.write_text(
            f"tickTime={TICK_MS}\ndataDir={self.folder / 'data'}\nclientPort={self.port}\n"
            "clientPortAddress=127.0.0.1\nadmin.enableServer=false\n"
            "4lw.commands.whitelist=*\nmaxClientCnxns=0\n"
        )
        parts = [str(ZOOKEEPER_CONF), str(ZOOKEEPER_JAR)]
        parts += [str(_SLF4J)] if _SLF4J.exists() else []
        main = "org.apache.zookeeper.server.quorum.QuorumPeerMain"
        return ["java", *_JAVA_OPTIONS, "-cp", ":".join(parts), main, str(config)]

    def ready(self) -> bool:
        return _ask(self.port, b"ruok") == b"imok"


def _ask(port: int, question: bytes) -> bytes:
    """The first bytes that the server on `port` answers; b"" if it does not."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0) as client:
            client.sendall(question)
            return client.recv(16)
    except OSError:
        return b""
