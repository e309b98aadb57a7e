"""``python -m simulator``: the platform on a port of its own."""

from __future__ import annotations

import argparse
import ipaddress
import logging
import os
import sys
from collections.abc import Mapping

from werkzeug.serving import run_simple

from simulator.budget import DEFAULT_RULE, RULES
from simulator.config import KINDS, MODES, SimulatorConfig
from simulator.web import create_simulator

DEFAULTS = {
    "host": "127.0.0.1",
    "port": "9000",
    "appid": "wx5823bf96d3bd56c7",
    "secret": "demo-secret-demo-secret-demo-0001",
    "token": "kfringdemo",
    "encoding_aes_key": "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C",
    "mode": "safe",
    "kind": "official",
    "wechat_id": "kfring_demo",
    "original_id": "gh_0123456789ab",
    "callback_url": "http://127.0.0.1:8000/wechat/callback/wx5823bf96d3bd56c7",
    "state_file": "",
    "retries": "3",
    "deadline_s": "5.0",
    "budget_rule": DEFAULT_RULE,
}
CHOICES = {"mode": MODES, "kind": KINDS, "budget_rule": RULES}


def parse(argv: list[str], environ: Mapping[str, str]) -> argparse.Namespace:
    """Options win over SIM_ variables, these over the defaults."""
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    for name, value in DEFAULTS.items():
        given = environ.get("SIM_" + name.upper(), value)
        kind = {"port": int, "retries": int, "deadline_s": float}.get(name, str)
        flag = "--" + name.replace("_", "-")
        parser.add_argument(flag, type=kind, default=given, choices=CHOICES.get(name))
    parser.add_argument("--unverified", action="store_true", help="answer like a test account")
    parser.add_argument("--allow-remote", action="store_true", help="bind a non-loopback host")
    options = parser.parse_args(argv)
    if not options.allow_remote and not is_loopback(options.host):
        parser.error(f"{options.host} is not a loopback address; add --allow-remote to mean it")
    return options


def is_loopback(host: str) -> bool:
    """True for localhost and loopback addresses."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def main() -> int:
    """Serve until interrupted."""
    options = parse(sys.argv[1:], os.environ)
    app = create_simulator(
        SimulatorConfig(
            appid=options.appid,
            secret=options.secret,
            token=options.token,
            encoding_aes_key=options.encoding_aes_key,
            mode=options.mode,
            kind=options.kind,
            wechat_id=options.wechat_id,
            original_id=options.original_id,
            callback_url=options.callback_url,
            verified=not options.unverified,
            state_file=options.state_file or None,
            retries=options.retries,
            deadline_s=options.deadline_s,
            budget_rule=options.budget_rule,
        )
    )
    sys.stdout.write(f"phone: http://{options.host}:{options.port}/phone\n")
    sys.stdout.flush()
    # Its request lines would carry access tokens.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    run_simple(options.host, options.port, app, threaded=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
