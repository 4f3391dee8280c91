"""What all commands share: where they print, how they refuse, and with which exit code."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer
from rich.console import Console
from rich.text import Text

FAILED, UNUSABLE, INTERRUPTED = 1, 2, 130

# A pipe has no width: wide enough there that nothing is folded or cut.
console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def refuse(reason: str) -> NoReturn:
    """Say in one sentence why there is nothing to do.

    Raises:
        typer.Exit: Always.
    """
    errors.print(Text(reason, style="red"))
    raise typer.Exit(UNUSABLE)


def needs_local() -> NoReturn:
    """Say what to install for commands that need a DynamoDB.

    Raises:
        typer.Exit: Always.
    """
    refuse('this command needs boto3 and moto: pip install "headwater[cli,local]"')
