"""The command line: `headwater demo`, `invoke`, `routes` and `run`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; without its extra, say what to install."""
    try:
        import rich  # noqa: F401 - only to see whether it is there
        import typer  # noqa: F401
    except ImportError:
        sys.exit(_needs("cli"))
    from headwater.cli.commands import app

    app()


def _needs(extras: str) -> str:
    return f'this command needs more than the library: pip install "headwater[{extras}]"'
