"""The figures an operator watches; labels never hold an openid, an agent or a conversation."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

CALLBACKS = Counter("kfring_callbacks", "Pushes by what they led to", ["result"], registry=REGISTRY)
CALLBACK_SECONDS = Histogram(
    "kfring_callback_seconds",
    "Time from a push to its answer",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0),
    registry=REGISTRY,
)
PUSH_DROPPED = Counter(
    "kfring_push_dropped",
    "Characters that XML forbids and fields with odd names, dropped from pushes",
    ["what"],
    registry=REGISTRY,
)
SENDS = Counter("kfring_sends", "Messages to WeChat by outcome", ["status"], registry=REGISTRY)
PLATFORM_ERRORS = Counter(
    "kfring_platform_errors", "Refusals of the platform by errcode", ["errcode"], registry=REGISTRY
)
STREAMS = Gauge("kfring_event_streams", "Open event streams of this node", registry=REGISTRY)
WAITING = Gauge("kfring_waiting", "Customers in the queue", ["appid"], registry=REGISTRY)
OLDEST_WAIT = Gauge(
    "kfring_oldest_wait_seconds",
    "How long the first in the queue has waited",
    ["appid"],
    registry=REGISTRY,
)
OPEN = Gauge("kfring_open_conversations", "Conversations not closed", ["appid"], registry=REGISTRY)
ONLINE = Gauge(
    "kfring_online_agents", "Agents who can be given customers", ["appid"], registry=REGISTRY
)
DEAD = Gauge("kfring_dead_letters", "Messages failed or unknown", ["appid"], registry=REGISTRY)
SWEEP_AGE = Gauge("kfring_sweep_age_seconds", "Since the last finished sweep", registry=REGISTRY)
DATABASE_UP = Gauge("kfring_database_up", "1 while the database answers", registry=REGISTRY)
PRESENCE_UP = Gauge(
    "kfring_presence_up", "1 while presence is connected", ["appid"], registry=REGISTRY
)
