"""What a pattern asks, as values, and the error of one that asks for nothing Lambda knows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, TypeAlias

from headwater.errors import HeadwaterError, Phase


class FilterError(HeadwaterError, ValueError):
    """A pattern that Lambda would refuse: what is wrong, where in the pattern, and what to write instead."""

    phase: ClassVar[Phase] = "declaration"


@dataclass(frozen=True, slots=True)
class Equal:
    """The value is this one. A number of JSON is never equal to a text, and so never to a number attribute."""

    value: str | bool | int | Decimal | None


@dataclass(frozen=True, slots=True)
class EqualIgnoreCase:
    """The value is this text, each letter of it large or small."""

    text: str


@dataclass(frozen=True, slots=True)
class Prefix:
    """The value is a text that begins with this one."""

    text: str
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class Suffix:
    """The value is a text that ends in this one."""

    text: str
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class Wildcard:
    """The value is a text in which these parts follow each other, with any text between them, even none."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """The value is a number of JSON between these two, or one of them where that one is `closed`."""

    low: float = -math.inf
    high: float = math.inf
    low_closed: bool = False
    high_closed: bool = False


@dataclass(frozen=True, slots=True)
class Exists:
    """There is a value, or there is none."""

    wanted: bool


@dataclass(frozen=True, slots=True)
class AnythingBut:
    """There is a value, and none of these tests fits it."""

    tests: tuple[Test, ...]


Test: TypeAlias = Equal | EqualIgnoreCase | Prefix | Suffix | Wildcard | Between | Exists | AnythingBut
"""What one entry of a list asks of a value."""

Rule: TypeAlias = Mapping[str, tuple[Test, ...]]
"""For each field, by its path with dots, the tests of which one has to fit its value. All fields have to fit."""
