"""What all commands share: where they print, how they refuse, and with which exit code."""

from __future__ import annotations

import io
import json
import sys
from typing import NoReturn, TextIO

import typer
from rich.console import Console
from rich.text import Text

FAILED, UNUSABLE, INTERRUPTED = 1, 2, 130

# A pipe has no width: wide enough there that nothing is folded or cut.
console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def write_anything(*streams: TextIO) -> None:
    """Let streams write as an escape what their encoding has no character for, such as half of a surrogate pair.

    Args:
        streams: Standard output and error; one that a program has put in their place stays as it is.
    """
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_json(value: object) -> None:
    """Print a value as JSON, in characters that each terminal has."""
    console.print_json(json.dumps(value), ensure_ascii=True)


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


write_anything(sys.stdout, sys.stderr)
