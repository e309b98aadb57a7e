"""How many customer-service messages a customer's act allows (wechat-platform 5.2)."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.errors import ApiError

HOUR_MS = 3_600_000
MINUTE_MS = 60_000
UNLIMITED = 1_000_000
RULES = ("max", "sum")
DEFAULT_RULE = "max"
ONE = "any"

# trigger -> (messages, window in milliseconds)
LIMITS: dict[str, tuple[int, int]] = {
    "message": (5, 48 * HOUR_MS),
    "menu": (3, MINUTE_MS),
    "subscribe": (3, MINUTE_MS),
    "scan": (3, MINUTE_MS),
    "payment": (UNLIMITED, 48 * HOUR_MS),
    "enter": (2, MINUTE_MS),
}
EVENT_TRIGGERS: dict[str, str] = {
    "CLICK": "menu",
    "scancode_push": "menu",
    "scancode_waitmsg": "menu",
    "subscribe": "subscribe",
    "SCAN": "scan",
    "user_enter_tempsession": "enter",
    "user_pay_from_pay_cell": "payment",
}


@dataclass(slots=True)
class Bucket:
    """What one trigger still allows; ``until_ms`` is the end of its window."""

    left: int
    until_ms: int


def trigger_of(msg_type: str, event: str, menu_id: str) -> str | None:
    """The trigger of a push; a msgmenu tap counts as a menu tap, not as a message."""
    if msg_type == "event":
        return EVENT_TRIGGERS.get(event)
    return "menu" if menu_id else "message"


def refill(buckets: dict[str, Bucket], trigger: str, now_ms: int, rule: str = DEFAULT_RULE) -> None:
    """Grant what the trigger allows: under "sum" in a bucket of its own.

    Under "max" there is one bucket: its count and its window are raised to those of the trigger.
    """
    count, until_ms = LIMITS[trigger][0], now_ms + LIMITS[trigger][1]
    if rule == "sum":
        buckets[trigger] = Bucket(count, until_ms)
        return
    opened = live(buckets, now_ms)
    buckets.clear()
    buckets[ONE] = Bucket(
        max([count, *(bucket.left for bucket in opened)]),
        max([until_ms, *(bucket.until_ms for bucket in opened)]),
    )


def live(buckets: dict[str, Bucket], now_ms: int) -> list[Bucket]:
    """Buckets whose window is open, the one that ends first in front."""
    return sorted((b for b in buckets.values() if b.until_ms > now_ms), key=lambda b: b.until_ms)


def require_window(buckets: dict[str, Bucket], now_ms: int) -> None:
    """ApiError 45015 when no window is open."""
    if not live(buckets, now_ms):
        raise ApiError(45015)


def spend(buckets: dict[str, Bucket], now_ms: int) -> None:
    """Take one message; 45015 without a window, 45047 when every open one is used up."""
    require_window(buckets, now_ms)
    for bucket in live(buckets, now_ms):
        if bucket.left > 0:
            bucket.left -= 1
            return
    raise ApiError(45047)


def describe(buckets: dict[str, Bucket], now_ms: int) -> dict[str, object]:
    """For the sim API: messages left in all, and each open window."""
    open_now = {name: b for name, b in buckets.items() if b.until_ms > now_ms}
    return {
        "remaining": sum(b.left for b in open_now.values()),
        "buckets": {
            name: {"left": b.left, "window_ends_ms": b.until_ms} for name, b in open_now.items()
        },
    }
