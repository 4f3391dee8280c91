"""Patterns of key attributes, such as `SK=ORDER#*`: what they match, and whether two of them can match one key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_ANY: Final = None
_TOKEN: Final = re.compile(r"(?P<any>\*+)|\\(?P<escaped>[*\\])|(?P<plain>[^\\])", re.DOTALL)


@dataclass(frozen=True, slots=True, repr=False)
class KeyPattern:
    """What the text of a key attribute looks like.

    Attributes:
        name: The key attribute.
        tokens: The characters of the pattern; `None` stands for any text, even none.
        text: The pattern as it was written.
    """

    name: str
    tokens: tuple[str | None, ...]
    text: str = field(compare=False)
    _parts: tuple[str, ...] = field(compare=False)

    def matches(self, keys: Mapping[str, Any]) -> bool:
        """Whether an item's keys, in wire form, fit. A key that is no text does not."""
        value = keys.get(self.name)
        text = value.get("S") if isinstance(value, dict) else None
        return isinstance(text, str) and self._fits(text)

    def _fits(self, text: str) -> bool:
        """Find the parts between the stars one after another, each as early as can be: no text takes long."""
        first, *middle = self._parts
        if not middle:
            return text == first
        last = middle.pop()
        if not text.startswith(first) or len(text) < len(first) + len(last) or not text.endswith(last):
            return False
        position, end = len(first), len(text) - len(last)
        for part in middle:
            found = text.find(part, position, end)
            if found < 0:
                return False
            position = found + len(part)
        return True

    def overlaps(self, other: KeyPattern) -> bool:
        """Whether some text fits both."""
        todo, seen = [(0, 0)], set[tuple[int, int]]()
        while todo:
            here, there = place = todo.pop()
            if place == (len(self.tokens), len(other.tokens)):
                return True
            if place not in seen:
                seen.add(place)
                todo += self._steps(other, here, there)
        return False

    def _steps(self, other: KeyPattern, here: int, there: int) -> list[tuple[int, int]]:
        """From a place in both patterns, where one more character of a text that fits both can lead."""
        mine = self.tokens[here : here + 1]
        others = other.tokens[there : there + 1]
        steps = []
        if mine == (_ANY,):  # it ends, or takes in what stands in the other pattern
            steps += [(here + 1, there), (here, there + len(others))]
        if others == (_ANY,):
            steps += [(here, there + 1), (here + len(mine), there)]
        if mine and mine == others:
            steps.append((here + 1, there + 1))
        return steps

    def covers(self, other: KeyPattern) -> bool:
        """Whether every text that fits the other pattern fits this one."""
        places = self._past_any({0})
        for token in other.tokens:
            reached = {
                place if self.tokens[place] is _ANY else place + 1
                for place in places
                if place < len(self.tokens) and self.tokens[place] in (_ANY, token)
            }
            places = self._past_any(reached)
        return len(self.tokens) in places

    def _past_any(self, places: set[int]) -> set[int]:
        """The places and those behind a star that stands there, since it may stand for nothing."""
        return places | {
            place + 1 for place in places if place < len(self.tokens) and self.tokens[place] is _ANY
        }

    def __repr__(self) -> str:
        return repr(self.text)


def read_pattern(text: Any) -> KeyPattern:
    r"""Read a pattern: a name, `=`, and text in which `*` stands for any text, `\*` for a star, `\\` for a backslash.

    Raises:
        ValueError: When it is not in that form.
    """
    name, separator, pattern = text.partition("=") if isinstance(text, str) else ("", "", "")
    if not name or not separator or not pattern:
        raise ValueError(
            f"{text!r} is no pattern of a key: write its name, '=' and how it looks, as in 'SK=ORDER#*'"
        )
    tokens: list[str | None] = []
    position = 0
    while match := _TOKEN.match(pattern, position):
        tokens.append(_ANY if match["any"] else match["escaped"] or match["plain"])
        position = match.end()
    if position != len(pattern):
        raise ValueError(rf"{text!r} ends in a single backslash: write \\ for one, \* for a star")
    parts = [""]
    for token in tokens:
        if token is None:
            parts.append("")
        else:
            parts[-1] += token
    return KeyPattern(name, tuple(tokens), text, tuple(parts))
