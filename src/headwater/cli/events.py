"""Read the events that `headwater invoke` is given: a file, a directory of them, or standard input."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class EventError(Exception):
    """There is no usable event; the message says what is wrong where."""


def read_events(source: str) -> Iterator[tuple[str, Any]]:
    """Name and content of each event.

    Args:
        source: A JSON file, `-` for standard input, or a directory, whose `*.json` files are taken in order of name.

    Raises:
        EventError: When there is no such file, no event in the directory, or no JSON in a file.
    """
    if source == "-":
        yield "standard input", _parse("standard input", sys.stdin.buffer.read())
        return
    path = Path(source)
    if not path.exists():
        raise EventError(f"there is no file or directory {source}")
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        raise EventError(f"the directory {source} holds no *.json file")
    for file in files:
        yield str(file), _parse(str(file), file.read_bytes())


def _parse(name: str, content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError as error:
        raise EventError(f"{name} is no JSON: {error}") from error
