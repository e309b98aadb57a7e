"""What operators of other systems complain about, by section: each is a story told in docs/testing.md.

A thread is "owner/repository#number" as it stands at GitHub, or what else can be looked up.
"""

from __future__ import annotations

from typing import Final


def _at(repository: str, *numbers: int) -> tuple[str, ...]:
    return tuple(f"{repository} #{number}" for number in numbers)


THREADS: Final[dict[str, tuple[str, ...]]] = {
    "Assigned to somebody who is not there": (
        *_at("chatwoot", 4158, 7204, 9587, 6858, 6959, 5362, 14508, 13515, 5436),
        *_at("Rocket.Chat", 22505, 23185, 40175, 31474, 19846),
        *_at("cskefu", 304, 544, 536, 17),
        *_at("LiveHelperChat", 552),
        *_at("fbmessenger", 6),
        *_at("zammad", 1075, 4970),
        *_at("tgo", 8),
    ),
    "Queues that do not drain": (
        *_at("chatwoot", 10583, 10376, 10685, 13050, 10059, 8047, 12825),
        *_at("Rocket.Chat", 18041, 18029, 23642, 23042, 34837, 29290, 23404, 22043),
        *_at("Rocket.Chat.Livechat", 614),
        *_at("cskefu", 442, 554),
        *_at("LiveHelperChat", 841, 397),
    ),
    "Capacity and fairness": (
        *_at("chatwoot", 11034, 1198, 1275, 12320),
        *_at("stack", 5),
        *_at("zammad", 854, 1581),
        *_at("Rocket.Chat", 19352, 35722, 22206, 20945),
        *_at("fazer-ai/chatwoot", 359),
        *_at("LiveHelperChat", 1073),
        *_at("freescout", 3684),
        *_at("Zendesk help", 5308501814042),
    ),
    "Loss, duplicates, order": (
        *_at("chatwoot", 11901, 6128, 6046, 9506, 9542),
        "chatwoot docs",
        *_at("Rocket.Chat", 2772, 27816),
        *_at("WxJava", 239, 333, 2231, 3445, 2098),
        *_at("WeRoBot", 801, 485, 486, 83),
        *_at("chanxuehong/wechat", 98),
        *_at("weixin-java-mp-demo", 144),
        *_at("chatgpt-on-wecom", 13),
        *_at("shadowfax", 40),
    ),
}
