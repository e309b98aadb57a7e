"""uhashring with MurmurHash3: look-ups per second, and ms for one node to join and to leave. JSON."""

import json
import sys
import time

import mmh3
from uhashring import HashRing

AGENTS, VNODES, KEYS, CHANGES = 1000, 100, 20_000, 5


def point(key):
    return mmh3.hash64(key, signed=False)[0]


ring = HashRing(nodes=[f"agent{n}@bench" for n in range(AGENTS)], vnodes=VNODES, hash_fn=point)
keys = [f"oBench{n:022d}" for n in range(KEYS)]
began = time.perf_counter()
for key in keys:
    ring.get_node(key)
rate = KEYS / (time.perf_counter() - began)
join, leave = [], []
for n in range(CHANGES):
    began = time.perf_counter()
    ring.add_node(f"new{n}@bench")
    joined = time.perf_counter()
    ring.remove_node(f"new{n}@bench")
    join.append(joined - began)
    leave.append(time.perf_counter() - joined)
json.dump({"rate": rate, "join_ms": min(join) * 1000, "leave_ms": min(leave) * 1000}, sys.stdout)
