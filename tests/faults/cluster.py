"""What a fault needs, private and on free ports: stores, platform, nodes, Nginx, proxies between them."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import requests
from redis import Redis

from tests.e2e.world import ADMIN_PASSWORD, Caller, Credentials, Node, Platform
from tests.faults.toxic import Toxic
from tests.nginx import Nginx, nginx_missing
from tests.servers import PrivateRedis, PrivateZooKeeper
from tests.support import free_port, wait_until

QUICK = {"KF_PRESENCE_GRACE_S": "3", "KF_HEARTBEAT_S": "5", "KF_TRUSTED_PROXIES": "127.0.0.1"}


class Ensemble:
    """Three ZooKeeper servers that elect a leader; any one of them may be lost."""

    def __init__(self, folder: Path) -> None:
        quorum = [(free_port(), free_port()) for _ in range(3)]
        self.servers = [_Member(folder / str(n), n, quorum) for n in range(1, 4)]

    @property
    def hosts(self) -> str:
        return ",".join(server.address for server in self.servers)

    def start(self) -> None:
        """All three; none is ready before a majority is."""
        for server in self.servers:
            server.launch()
        for server in self.servers:
            wait_until(server.serves, 60)

    def stop(self) -> None:
        for server in self.servers:
            server.kill9()

    def leader(self) -> _Member:
        return next(s for s in self.servers if b"leader" in s.mode())


class _Member(PrivateZooKeeper):
    def __init__(self, folder: Path, number: int, quorum: list[tuple[int, int]]) -> None:
        super().__init__(folder)
        self._number, self._quorum = number, quorum

    def command(self) -> list[str]:
        command = super().command()
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        (data / "myid").write_text(f"{self._number}\n")
        lines = [f"server.{n}=127.0.0.1:{a}:{b}" for n, (a, b) in enumerate(self._quorum, 1)]
        with Path(command[-1]).open("a") as config:
            config.write("initLimit=20\nsyncLimit=10\n" + "\n".join(lines) + "\n")
        return command

    def launch(self) -> None:
        with (self.folder / "server.log").open("ab") as out:
            self._process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=self.folder
            )

    def mode(self) -> bytes:
        done = subprocess.run(
            ["bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{self.port}; printf srvr >&3; cat <&3"],
            capture_output=True,
            check=False,
            timeout=5,
        )
        return done.stdout

    def serves(self) -> bool:
        return b"Mode:" in self.mode()


class Site:
    """One installation under attack. Nodes reach every store through a proxy of their own kind."""

    def __init__(self, folder: Path, zookeeper_port: int, names: Sequence[str], **env: str) -> None:
        self.folder = folder
        self.credentials = Credentials()
        self.redis = PrivateRedis(folder / "redis", "always")
        self.redis.start()
        self.platform = Platform(self.credentials)
        self.redis_door = Toxic(self.redis.port)
        self.zookeeper_door = Toxic(zookeeper_port)
        self.platform_door = Toxic(self.platform.port)
        self.env = {
            "KF_REDIS_URL": f"redis://{self.redis_door.address}/0",
            "KF_ZOOKEEPER_HOSTS": self.zookeeper_door.address,
            "KF_DATABASE_URL": f"sqlite:///{folder / 'shared.db'}",
            "KF_WECHAT_API_BASE": f"http://{self.platform_door.address}",
            **QUICK,
            **env,
        }
        self.nodes = [self._node(name) for name in names]
        self.nginx = Nginx(folder / "nginx", [node.port for node in self.nodes])
        self.secrets = [self.credentials.secret, self.credentials.token, ADMIN_PASSWORD]

    def _node(self, name: str) -> Node:
        return Node(
            self.folder / name, self.credentials, self.platform, KF_NODE_ID=name, **self.env
        )

    def start(self) -> Site:
        for node in self.nodes:
            node.launch()
        for node in self.nodes:
            node.await_ready()
        if not nginx_missing():
            self.nginx.start()
        return self

    def stop(self) -> None:
        self.heal()
        for node in self.nodes:
            node.ask_to_stop()
        for node in self.nodes:
            node.stop()
        self.nginx.stop()
        self.platform.stop()
        self.redis.stop()
        for door in (self.redis_door, self.zookeeper_door, self.platform_door):
            door.down()

    def revive(self) -> None:
        """Every node that ended runs again."""
        for node in self.nodes:
            if node.process is None or node.process.poll() is not None:
                node.start()

    def heal(self) -> None:
        """Every proxy and server as it should be."""
        for door in (self.redis_door, self.zookeeper_door, self.platform_door):
            door.heal()
        self.platform.faults()

    def restart_redis(self) -> float:
        """kill -9 and up again with its file; seconds until every node is ready again."""
        self.redis.restart()
        return self.recovery()

    def recovery(self) -> float:
        began = time.monotonic()
        wait_until(lambda: all(node.is_ready() for node in self.nodes), 60, 0.05)
        return time.monotonic() - began

    def client(self) -> Redis:
        """Straight to Redis, past the proxy."""
        client: Redis = Redis.from_url(self.redis.url, decode_responses=True)
        return client

    def admin(self, node: int = 0) -> Caller:
        return Caller(self.nodes[node].url, "admin", ADMIN_PASSWORD)

    def logs(self) -> dict[str, str]:
        """Everything that nodes, Nginx and their stores wrote down for people."""
        files = [node.log_path for node in self.nodes]
        files += [self.folder / "nginx" / name for name in ("access.log", "error.log")]
        return {str(f): f.read_text("utf-8", "replace") for f in files if f.exists()}


def rss_mb(pid: int) -> float:
    """Resident memory of a process and its children."""
    total = 0
    for name in os.listdir("/proc"):
        if name.isdigit() and (int(name) == pid or _parent(name) == pid):
            total += int(Path(f"/proc/{name}/statm").read_text().split()[1])
    return total * os.sysconf("SC_PAGE_SIZE") / 1e6


def _parent(pid: str) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):
        return 0


def data_of(answer: requests.Response) -> Any:
    return answer.json()["data"]
