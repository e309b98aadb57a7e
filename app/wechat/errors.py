"""What the platform's error codes mean (wechat-platform 4.3, 5.5, 6.1, 8.1), joined with ``wechat_codes``.

``Kind`` tells what can be done: RETRY later, renew the TOKEN, REFUSED for good, reply BUDGET or
window spent, QUOTA of the day or month, CONFIG that an operator must mend.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from app.wechat import codes as wechat_codes


class Kind(enum.StrEnum):
    """What a refusal asks for."""

    RETRY = "retry"
    TOKEN = "token"  # noqa: S105 -- a kind of error
    REFUSED = "refused"
    BUDGET = "budget"
    QUOTA = "quota"
    CONFIG = "config"


@dataclass(frozen=True, slots=True)
class Meaning:
    """One code: a name for machines, words for people, what it asks for."""

    code: str
    zh: str
    en: str
    kind: Kind


_R, _T, _X, _B, _Q, _C = (
    Kind.RETRY,
    Kind.TOKEN,
    Kind.REFUSED,
    Kind.BUDGET,
    Kind.QUOTA,
    Kind.CONFIG,
)

_UNKNOWN = Meaning("unknown_code", "微信拒绝了请求", "WeChat refused the request", _X)

MEANINGS: dict[int, Meaning] = {
    -1: Meaning("system_busy", "微信系统繁忙，请稍后再试", "WeChat is busy, try again later", _R),
    # Tokens and rights of the account
    40001: Meaning(
        "token_invalid",
        "access_token 无效或已更新，或 AppSecret 错误",
        "The access token is invalid or replaced, or the AppSecret is wrong",
        _T,
    ),
    40002: Meaning("grant_type", "凭证类型不正确", "Wrong grant type", _C),
    40013: Meaning("appid_invalid", "AppID 不正确", "The AppID is wrong", _C),
    40014: Meaning("token_malformed", "access_token 不合法", "The access token is malformed", _T),
    40125: Meaning("secret_invalid", "AppSecret 不正确", "The AppSecret is wrong", _C),
    40164: Meaning(
        "ip_not_whitelisted",
        "服务器 IP 不在公众号的 IP 白名单中",
        "This server's IP is not on the account's whitelist",
        _C,
    ),
    40243: Meaning("secret_frozen", "AppSecret 已被冻结", "The AppSecret is frozen", _C),
    41001: Meaning("token_missing", "缺少 access_token", "The access token is missing", _C),
    41002: Meaning("appid_missing", "缺少 AppID", "The AppID is missing", _C),
    41004: Meaning("secret_missing", "缺少 AppSecret", "The AppSecret is missing", _C),
    42001: Meaning("token_expired", "access_token 已过期", "The access token has expired", _T),
    42007: Meaning(
        "authorization_revoked",
        "授权已失效，需要重新授权",
        "The authorisation is void and must be given again",
        _C,
    ),
    43002: Meaning("needs_post", "请求方式应为 POST", "The request must be a POST", _C),
    45009: Meaning(
        "daily_quota_spent",
        "今日接口调用次数已用完",
        "Today's quota of API calls is used up",
        _Q,
    ),
    45011: Meaning("too_frequent", "接口调用过于频繁", "Calls come too fast", _R),
    48001: Meaning(
        "api_unauthorized", "公众号没有此接口的权限", "The account has no right to this API", _C
    ),
    48004: Meaning("api_banned", "接口已被封禁", "This API is banned for the account", _C),
    48006: Meaning(
        "clear_quota_spent", "本月清零次数已用完", "This month's quota resets are used up", _Q
    ),
    50002: Meaning("restricted", "用户或公众号受限", "The user or account is restricted", _X),
    50004: Meaning("api_forbidden", "接口被禁止使用", "Use of the API is forbidden", _C),
    50007: Meaning("account_frozen", "公众号已被冻结", "The account is frozen", _C),
    61004: Meaning(
        "ip_not_whitelisted",
        "服务器 IP 不在公众号的 IP 白名单中",
        "This server's IP is not on the account's whitelist",
        _C,
    ),
    89501: Meaning(
        "ip_awaits_admin",
        "此 IP 等待管理员确认",
        "This IP awaits the account admin's confirmation",
        _C,
    ),
    89503: Meaning(
        "ip_needs_admin",
        "此 IP 需要管理员确认",
        "This IP needs the account admin's confirmation",
        _C,
    ),
    89506: Meaning(
        "ip_refused_for_a_day",
        "此 IP 在 24 小时内被管理员拒绝两次",
        "The account admin refused this IP twice within 24 hours",
        _C,
    ),
    89507: Meaning(
        "ip_refused_for_an_hour",
        "此 IP 被管理员拒绝，1 小时后可重试",
        "The account admin refused this IP; try again after an hour",
        _C,
    ),
    # Messages to customers
    40003: Meaning(
        "openid_invalid",
        "该用户不是本公众号的关注者",
        "This is not a follower of this account",
        _X,
    ),
    40007: Meaning("media_invalid", "素材无效或已过期", "The media is invalid or expired", _X),
    40008: Meaning("msgtype_invalid", "消息类型不正确", "Wrong message type", _X),
    40033: Meaning(
        "escaped_unicode", "请求中不能含有 \\u 转义", "The request has \\u escapes in it", _X
    ),
    40200: Meaning(
        "account_type",
        "此类公众号不支持该功能",
        "This kind of account does not support the feature",
        _X,
    ),
    43004: Meaning("not_subscribed", "用户未关注公众号", "The customer does not follow", _X),
    43019: Meaning(
        "blacklisted", "用户在公众号黑名单中", "The customer is on the account's blacklist", _X
    ),
    44002: Meaning("empty_post", "请求内容为空", "The request is empty", _X),
    44004: Meaning("empty_content", "消息内容为空", "The message is empty", _X),
    45002: Meaning("content_too_long", "消息内容过长", "The message is too long", _X),
    45003: Meaning("title_too_long", "标题过长", "The title is too long", _X),
    45004: Meaning("description_too_long", "描述过长", "The description is too long", _X),
    45005: Meaning("url_too_long", "链接过长", "The link is too long", _X),
    45006: Meaning("picurl_too_long", "图片链接过长", "The picture's link is too long", _X),
    45008: Meaning("too_many_articles", "图文消息只能有一条", "Only one article is allowed", _X),
    45015: Meaning(
        "window_closed",
        "已超过 48 小时回复期限或用户已取消关注",
        "The reply window is over or the customer has unfollowed",
        _B,
    ),
    45047: Meaning(
        "budget_spent",
        "可回复条数已用完，需等客户再发消息",
        "No replies are left until the customer writes again",
        _B,
    ),
    45072: Meaning("typing_command", "输入状态命令不正确", "Wrong typing command", _X),
    45080: Meaning(
        "typing_needs_message",
        "30 秒内没有消息往来，不能显示输入状态",
        "Typing needs a message within the last 30 seconds",
        _X,
    ),
    45081: Meaning("typing_already", "已在输入状态", "Typing is already shown", _X),
    45166: Meaning("content_rejected", "内容未通过安全审核", "The content was rejected", _X),
    46004: Meaning("user_unknown", "用户不存在", "No such user", _X),
    47001: Meaning("bad_json", "请求格式错误", "The request's data is malformed", _X),
    48002: Meaning("user_refuses", "用户拒绝接收消息", "The customer refuses messages", _X),
    48008: Meaning(
        "msgtype_unauthorized",
        "公众号没有此类消息的权限",
        "The account may not send this type of message",
        _X,
    ),
    # Customer-service accounts
    65400: Meaning(
        "kf_not_enabled",
        "公众号未开通新版客服功能，或刚开通请稍候",
        "The new customer-service feature is not enabled, or was only just",
        _C,
    ),
    65401: Meaning("kf_unknown", "客服账号不存在", "No such customer-service account", _X),
    65402: Meaning(
        "kf_not_bound",
        "客服账号尚未绑定微信号",
        "The customer-service account is not bound to a WeChat user yet",
        _X,
    ),
    65403: Meaning("kf_nickname", "客服昵称不合法", "The nickname is not allowed", _X),
    65404: Meaning("kf_malformed", "客服账号不合法", "The kf_account is malformed", _X),
    65405: Meaning(
        "kf_too_many", "客服账号数量已达上限", "The number of accounts has reached its limit", _X
    ),
    65406: Meaning("kf_exists", "客服账号已存在", "The kf_account exists already", _X),
    65407: Meaning(
        "kf_already_worker",
        "该微信用户已是本公众号客服",
        "This WeChat user is one of the agents already",
        _X,
    ),
    65408: Meaning(
        "kf_already_invited",
        "已向该微信用户发出过邀请",
        "This WeChat user has been invited already",
        _X,
    ),
    65409: Meaning("kf_wechat_invalid", "微信号不存在", "No such WeChat user", _X),
    65410: Meaning(
        "kf_worker_full",
        "该微信用户绑定的客服账号过多",
        "This WeChat user is bound to too many accounts",
        _X,
    ),
    65411: Meaning(
        "kf_invitation_pending",
        "该客服账号已有待确认的邀请",
        "The account has a pending invitation already",
        _X,
    ),
    65412: Meaning(
        "kf_already_bound",
        "客服账号已绑定微信号",
        "The account is bound to a WeChat user already",
        _X,
    ),
    65413: Meaning("kf_no_session", "没有有效的客服会话", "The customer has no session", _X),
    65414: Meaning(
        "kf_other_agent", "其他客服正在接待该客户", "Another agent serves the customer", _X
    ),
    65415: Meaning("kf_offline", "客服不在线", "The agent is not online", _X),
    65416: Meaning("kf_parameter", "参数不正确", "A parameter is wrong", _X),
    65417: Meaning("kf_time_span", "查询时间跨度过大", "The time span is too long", _X),
    61450: Meaning(
        "kf_system_error",
        "公众号没有客服功能或系统错误",
        "The account has no customer-service feature, or a system error",
        _C,
    ),
    61451: Meaning("kf_parameter", "参数不正确", "A parameter is wrong", _X),
    61452: Meaning("kf_unknown", "客服账号不存在", "No such customer-service account", _X),
    61453: Meaning("kf_exists", "客服账号已存在", "The kf_account exists already", _X),
    61454: Meaning(
        "kf_prefix_too_long",
        "客服账号名过长（最多 10 个字符）",
        "The prefix is over 10 characters",
        _X,
    ),
    61455: Meaning(
        "kf_prefix_characters",
        "客服账号名只能用字母、数字和下划线",
        "The prefix may have letters, digits and underscores only",
        _X,
    ),
    61456: Meaning(
        "kf_too_many", "客服账号数量已达上限", "The number of accounts has reached its limit", _X
    ),
    61457: Meaning("kf_avatar_type", "头像文件类型不支持", "The avatar's file type is wrong", _X),
    61458: Meaning(
        "kf_other_agent", "其他客服正在接待该客户", "Another agent serves the customer", _X
    ),
    61459: Meaning("kf_offline", "客服不在线", "The agent is not online", _X),
    # Media
    40004: Meaning("media_type", "素材类型不正确", "Wrong kind of media", _X),
    40005: Meaning("file_type", "文件类型不支持", "The file type is not supported", _X),
    40006: Meaning("file_size", "文件大小超出限制", "The file is too big", _X),
    40009: Meaning("image_size", "图片大小超出限制", "The picture is too big", _X),
    40010: Meaning("voice_size", "语音大小超出限制", "The voice file is too big", _X),
    40011: Meaning("video_size", "视频大小超出限制", "The video is too big", _X),
    40012: Meaning("thumb_size", "缩略图大小超出限制", "The thumbnail is too big", _X),
    41005: Meaning("media_missing", "缺少文件内容", "The file is missing", _X),
    44001: Meaning("media_empty", "文件为空", "The file is empty", _X),
    45001: Meaning("media_too_big", "文件大小超出限制", "The file is too big", _X),
}

_MORE = ((wechat_codes.REFUSED, _X), (wechat_codes.BUDGET, _B), (wechat_codes.CONFIG, _C))
MEANINGS |= {code: Meaning(*row, kind) for rows, kind in _MORE for code, row in rows.items()}

TOKEN_CODES = frozenset(code for code, meaning in MEANINGS.items() if meaning.kind is Kind.TOKEN)


def meaning(errcode: int) -> Meaning:
    """What a code means; unknown codes are refusals."""
    return MEANINGS.get(errcode, _UNKNOWN)


def reason(errcode: int, lang: str = "zh") -> str:
    """The code in words, e.g. "可回复条数已用完，需等客户再发消息（45047）"."""
    found = meaning(errcode)
    if lang.startswith("en"):
        return f"{found.en} ({errcode})"
    return f"{found.zh}（{errcode}）"
