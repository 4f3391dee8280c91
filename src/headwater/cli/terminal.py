"""What all commands share: where they print, how they refuse, and with which exit code."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path
from typing import NoReturn, TextIO

import typer
from rich.console import Console, RenderableType
from rich.text import Text

FAILED, UNUSABLE, INTERRUPTED = 1, 2, 130

# A pipe has no width: wide enough there that nothing is folded or cut.
UNFOLDED = 1_000_000
console = Console(highlight=False, width=None if sys.stdout.isatty() else UNFOLDED)
errors = Console(stderr=True, highlight=False, soft_wrap=True)


def put(on: Console, what: RenderableType = "") -> None:
    """Print lines; where no terminal shows them, without the spaces that fill up the cells of a table.

    Args:
        on: Where to.
        what: What is printed; an empty line unless given.
    """
    if on.is_terminal:
        on.print(what)
        return
    with on.capture() as captured:
        on.print(what)
    on.file.write(re.sub(r" +$", "", captured.get(), flags=re.MULTILINE))
    on.file.flush()


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


def check_place(file: Path | None) -> None:
    """Refuse a file that can not be written, before there is anything to write.

    Args:
        file: The file; `None` when none is wanted.

    Raises:
        typer.Exit: When it is a folder, or in none that exists.
    """
    if file is not None and (not file.absolute().parent.is_dir() or file.is_dir()):
        refuse(f"{file} can not be written: it is a folder, or in none that exists")


def needs_local() -> NoReturn:
    """Say what to install for commands that need a DynamoDB.

    Raises:
        typer.Exit: Always.
    """
    refuse('this command needs boto3 and moto: pip install "headwater[cli,local]"')


write_anything(sys.stdout, sys.stderr)
