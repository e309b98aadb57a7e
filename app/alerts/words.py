"""Alarms in words: one message of a 企业微信 group robot, at most 4096 bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from app.alerts.conditions import Alarm, Told, Vitals

BYTES_MAX: Final = 4096
SECOND_MS: Final = 1000


def message(kind: str, name: str, told: Sequence[Told]) -> dict[str, Any]:
    """The robot's JSON; ``kind`` markdown or text, ``name`` of the official account or of the node."""
    lines = [_line(one) for one in told]
    over = all(one.lasted_ms is not None for one in told)
    title = f"客服系统{'恢复' if over else '告警'} · {name}"
    if kind == "text":
        return {"msgtype": "text", "text": {"content": _cut("\n".join([title, *lines]))}}
    body = "\n".join([f"**{title}**", *(f"> {line}" for line in lines)])
    return {"msgtype": "markdown", "markdown": {"content": _cut(body)}}


def _line(told: Told) -> str:
    if told.lasted_ms is not None:
        return f"已恢复：{_NAMES[told.alarm]}，持续 {_span(told.lasted_ms)}"
    return _words(told.alarm, told.vitals)


def _words(alarm: Alarm, v: Vitals) -> str:
    return {
        Alarm.OLDEST_WAIT: f"最久等待 {_span(v.oldest_wait_ms)}，{v.waiting} 人在排队",
        Alarm.NOBODY_ONLINE: f"没有客服在线，{v.waiting} 人在排队",
        Alarm.TOKEN: f"取不到 access_token，错误码 {v.token_error}，回复发不出去；原因见 flask kf doctor",
        Alarm.QUOTA: (
            f"接口调用次数已达上限，错误码 {v.quota_error}"
            "；若是发客服消息的次数，自动消息停到北京时间零点，客服的回复仍会尝试"
        ),
        Alarm.DEAD_LETTERS: f"10 分钟内有 {v.dead} 条消息未送达，请到管理台的未送达消息里处理",
        Alarm.DATABASE: "数据库没有回应：接待不受影响，登录、历史记录和管理台暂时不可用",
        Alarm.ZOOKEEPER: "ZooKeeper 没有回应：接待不受影响，客服的上线和离线会晚一些才被发现",
    }[alarm]


_NAMES: Final = {
    Alarm.OLDEST_WAIT: "排队等待过久",
    Alarm.NOBODY_ONLINE: "没有客服在线",
    Alarm.TOKEN: "取不到 access_token",
    Alarm.QUOTA: "接口调用次数达上限",
    Alarm.DEAD_LETTERS: "消息未送达",
    Alarm.DATABASE: "数据库没有回应",
    Alarm.ZOOKEEPER: "ZooKeeper 没有回应",
}


def _span(ms: int) -> str:
    minutes, seconds = divmod(ms // SECOND_MS, 60)
    return f"{minutes} 分 {seconds} 秒" if minutes else f"{seconds} 秒"


def _cut(text: str) -> str:
    return text.encode()[:BYTES_MAX].decode("utf-8", "ignore")
