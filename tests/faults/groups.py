"""Several Redis servers as one store: Sentinel with a replica, and a cluster of three masters."""

from __future__ import annotations

import contextlib
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from tests.servers import PrivateRedis
from tests.support import free_port, wait_until

MASTER = "kf"
SLOTS = 16384


class _Sentinel(PrivateRedis):
    def __init__(self, folder: Path, master: int) -> None:
        super().__init__(folder)
        self._master = master

    def command(self) -> list[str]:
        config = self.folder / "sentinel.conf"
        config.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {self.folder}\n"
            f"sentinel monitor {MASTER} 127.0.0.1 {self._master} 2\n"
            f"sentinel down-after-milliseconds {MASTER} 1000\n"
            f"sentinel failover-timeout {MASTER} 5000\n"
        )
        return ["redis-server", str(config), "--sentinel"]


class Sentinels:
    """A master, a replica and three sentinels."""

    def __init__(self, folder: Path) -> None:
        self.master = PrivateRedis(folder / "master")
        self.replica = PrivateRedis(folder / "replica")
        self.watchers = [_Sentinel(folder / f"s{n}", self.master.port) for n in range(3)]

    @property
    def url(self) -> str:
        hosts = ",".join(watcher.address for watcher in self.watchers)
        return f"redis+sentinel://{hosts}/{MASTER}"

    def start(self) -> None:
        for server in (self.master, self.replica):
            server.start()
        copy = Redis(port=self.replica.port, decode_responses=True)
        copy.replicaof("127.0.0.1", self.master.port)
        wait_until(lambda: copy.info("replication")["master_link_status"] == "up", 30)
        for watcher in self.watchers:
            watcher.start()
        asked = Redis(port=self.watchers[0].port, decode_responses=True)
        wait_until(lambda: self._all_know(asked), 30)

    def _all_know(self, asked: Redis) -> bool:
        state = asked.sentinel_master(MASTER)
        return state["num-slaves"] >= 1 and state["num-other-sentinels"] >= 2

    def kill_master(self) -> None:
        self.master.kill9()

    def stop(self) -> None:
        for server in (*self.watchers, self.master, self.replica):
            server.stop()


class _Member(PrivateRedis):
    def command(self) -> list[str]:
        return [
            *super().command(),
            *("--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf"),
            *("--cluster-port", str(self.bus)),
        ]

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.bus = free_port()


class RedisCluster:
    """Three masters without replicas; every slot is served."""

    def __init__(self, folder: Path) -> None:
        self.members = [_Member(folder / f"m{n}") for n in range(3)]

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(member.address for member in self.members)

    def start(self) -> None:
        for member in self.members:
            member.start()
        clients = [Redis(port=member.port, decode_responses=True) for member in self.members]
        share = SLOTS // 3 + 1
        for number, client in enumerate(clients):
            slots = range(number * share, min(SLOTS, (number + 1) * share))
            client.execute_command("CLUSTER ADDSLOTSRANGE", slots.start, slots.stop - 1)
        for member in self.members[1:]:
            clients[0].execute_command("CLUSTER MEET", "127.0.0.1", member.port, member.bus)
        wait_until(lambda: all(_joined(client) for client in clients), 60)

    def stop(self) -> None:
        for member in self.members:
            member.stop()


def _joined(client: Redis) -> bool:
    with contextlib.suppress(RedisError):
        info = client.execute_command("CLUSTER INFO")
        text = info if isinstance(info, str) else "\n".join(f"{k}:{v}" for k, v in info.items())
        return "cluster_state:ok" in text and "cluster_known_nodes:3" in text
    return False
