"""The process: `python wsgi.py serve` runs one node in the foreground; `flask kf …` are commands."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from typing import cast

from flask import Flask

from app.node.launcher import serve
from app.node.serving import Application


def create_app() -> Flask:
    """Where Flask's command line looks for ``flask kf …``."""
    return cast(Flask, import_module("app.commands.cli").create_app())


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and run; the process's exit status."""
    parser = argparse.ArgumentParser(prog="wsgi.py", description="kfring server")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="run one node in the foreground until Ctrl-C")
    parser.parse_args(arguments)
    return serve(_application)


def _application() -> Application:
    """The launcher asks for it once the settings are read and the embedded store is on its way."""
    return cast(Application, import_module("app.wiring"))


if __name__ == "__main__":
    sys.exit(main())
