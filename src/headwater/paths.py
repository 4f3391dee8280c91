"""Paths into an item: `Address.City`, `Lines[0].Sku`, and `["a.b"]` for a name that holds dots or brackets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Final, TypeAlias

Step: TypeAlias = str | int
"""An attribute or map key by name, or a list element by position."""

Path: TypeAlias = tuple[Step, ...]

_STEP: Final = r"""
    (?P<dot> \.? ) (?P<name> [^.\[\]"]+ )    # Address   .City
    | \[ (?P<index> [0-9]+ ) \]              # [0]
    | \[ (?P<quoted> " (?: [^"\\\x00-\x1f] | \\["\\/bfnrt] | \\u[0-9a-fA-F]{4} )* " ) \]  # ["a.b"], as in JSON
    """
_PLAIN: Final = re.compile(r'[^.\[\]"\x00-\x1f]+')


def parse_path(text: str) -> Path:
    """Read a path such as `Lines[0].Sku`.

    Raises:
        ValueError: When it is empty or not in that form. The message says how to write a name with dots in it.
    """
    if _PLAIN.fullmatch(text):
        return (
            str.__str__(text),
        )  # as most are: the other pattern need not be compiled. Of an Enum, its text
    steps: list[Step] = []
    position = 0
    step = re.compile(_STEP, re.VERBOSE)
    while match := step.match(text, position):
        first = position == 0
        if match["name"] is not None and first == bool(match["dot"]):
            break
        if match["index"] is not None and first:
            break
        steps.append(_step(match))
        position = match.end()
    if not steps or position != len(text):
        raise ValueError(
            f"{text!r} is not a path into an item: write Address.City, Lines[0].Sku, "
            'or ["a.b"] for a name that holds dots or brackets'
        )
    return tuple(steps)


def _step(match: re.Match[str]) -> Step:
    if match["index"] is not None:
        return int(match["index"])
    if match["quoted"] is not None:
        return str(json.loads(match["quoted"]))
    return match["name"]


def format_path(path: Path) -> str:
    """Write a path so that `parse_path` reads it back."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif not _PLAIN.fullmatch(step):
            text += f"[{json.dumps(step, ensure_ascii=False)}]"
        else:
            text += f".{step}" if text else step
    return text


def is_below(path: Path, starts: Iterable[Path]) -> bool:
    """Whether a path is one of these, or leads further in from one of them."""
    return any(path[: len(start)] == start for start in starts)
