"""The bundled platform in front of this node, where the settings ask for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from app.node.context import NodeContext, accounts_of
from app.node.logs import begin
from config.accounts import OfficialAccount
from config.settings import Settings
from simulator.config import SimAccount, SimulatorConfig
from simulator.web import create_simulator, mount

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

STATE_FILE = "simulator.db"


def with_simulator(server: Wsgi, settings: Settings, node: NodeContext) -> Wsgi:
    """``server`` behind a simulated platform that knows every official account it serves."""
    state = settings.data_dir / STATE_FILE
    state.touch(mode=0o600)
    state.chmod(0o600)  # one that an earlier version made
    config = SimulatorConfig(
        accounts=tuple(_simulated(config, node) for config in accounts_of(settings, node)),
        state_file=str(state),
        budget_rule=settings.budget_rule,
    )
    return mount(server, _named(create_simulator(config)))


def _simulated(config: OfficialAccount, node: NodeContext) -> SimAccount:
    key = config.encoding_aes_key
    return SimAccount(
        appid=config.appid,
        secret=config.app_secret.get_secret_value(),
        token=config.token.get_secret_value(),
        encoding_aes_key=key.get_secret_value() if key else "",
        mode=config.callback_mode.value,
        kind=config.kind.value,
        wechat_id=config.wechat_id,
        callback_url=f"{node.base_url}/wechat/callback/{config.appid}",
    )


def _named(simulator: Wsgi) -> Wsgi:
    """Its answers carry a request id like all others."""

    def called(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        request_id = begin(environ.get("HTTP_X_REQUEST_ID", ""))

        def named(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            return start(status, [*headers, ("X-Request-ID", request_id)], exc_info)

        return simulator(environ, named)

    return called
