"""The process: `python wsgi.py serve` runs one node in the foreground; `flask kf …` are commands."""

from __future__ import annotations

import argparse
import sys

from app import wiring
from app.cli import create_app as create_app  # where Flask's command line looks for it
from app.launcher import serve


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and run; the process's exit status."""
    parser = argparse.ArgumentParser(prog="wsgi.py", description="kfring server")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="run one node in the foreground until Ctrl-C")
    parser.parse_args(arguments)
    return serve(wiring.create_wsgi, wiring.shutdown)


if __name__ == "__main__":
    sys.exit(main())
