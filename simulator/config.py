"""What a simulated official account is, and how the platform behaves around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from simulator.budget import DEFAULT_RULE, RULES

DEMO_MENU: tuple[tuple[str, str, str], ...] = (
    ("CLICK", "人工客服", "人工"),
    ("CLICK", "营业时间", "HOURS"),
    ("VIEW", "官网", "https://example.com/"),
)
MODES = ("safe", "compat", "plain")
KINDS = ("official", "miniprogram")


@dataclass(frozen=True, slots=True)
class SimAccount:
    """One official account (or mini program) as its owner sees it in WeChat's console.

    ``menu`` rows are (event, label, key). ``verified`` false answers like a test account:
    48001 on kf accounts, 40200 on msgmenu and typing. ``kf_enabled`` false answers 65400.
    ``require_bound_kf`` makes custom/send refuse an unbound kf account with 65402.
    """

    appid: str
    secret: str
    token: str
    encoding_aes_key: str = ""
    mode: str = "safe"
    wechat_id: str = "kfring_demo"
    original_id: str = "gh_0123456789ab"
    callback_url: str = ""
    kind: str = "official"
    name: str = "演示公众号"
    verified: bool = True
    kf_enabled: bool = True
    require_bound_kf: bool = False
    ip_whitelist: tuple[str, ...] = ()
    menu: tuple[tuple[str, str, str], ...] = DEMO_MENU

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"mode must be one of {MODES}, not {self.mode!r}")
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {KINDS}, not {self.kind!r}")
        if self.mode != "plain" and len(self.encoding_aes_key) != 43:
            raise ValueError("encoding_aes_key must have 43 characters in safe and compat mode")


@dataclass(frozen=True, slots=True)
class SimulatorConfig:
    """The whole simulator. The flat fields describe the first account; ``accounts`` adds more.

    ``retries`` is the total number of deliveries of one push (wechat-platform 2.3: three).
    A failed delivery is repeated ``deadline_s`` after the previous one began, so at 0/5/10 s.
    ``markfail_after`` failed pushes in a row stop pushing for 60 s; 0 switches that off.
    ``state_file`` is an SQLite file that keeps the state over a restart. ``budget_rule`` says how what
    several acts of a customer allow combines: the larger of them ("max") or all together ("sum").
    """

    appid: str = ""
    secret: str = ""
    token: str = ""
    encoding_aes_key: str = ""
    mode: str = "safe"
    wechat_id: str = "kfring_demo"
    original_id: str = "gh_0123456789ab"
    callback_url: str = ""
    kind: str = "official"
    name: str = "演示公众号"
    verified: bool = True
    accounts: tuple[SimAccount, ...] = ()
    state_file: str | None = None
    retries: int = 3
    deadline_s: float = 5.0
    markfail_after: int = 20
    quotas: dict[str, int] = field(default_factory=dict)
    budget_rule: str = DEFAULT_RULE

    def __post_init__(self) -> None:
        if self.budget_rule not in RULES:
            raise ValueError(f"budget_rule must be one of {RULES}, not {self.budget_rule!r}")

    def all_accounts(self) -> Iterator[SimAccount]:
        """The flat account first, then the added ones."""
        if self.appid:
            yield SimAccount(
                appid=self.appid,
                secret=self.secret,
                token=self.token,
                encoding_aes_key=self.encoding_aes_key,
                mode=self.mode,
                wechat_id=self.wechat_id,
                original_id=self.original_id,
                callback_url=self.callback_url,
                kind=self.kind,
                name=self.name,
                verified=self.verified,
            )
        yield from self.accounts
