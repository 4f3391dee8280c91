"""What a list in a pattern holds: plain values, and objects with one operator each."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

from headwater.mapping.criteria import (
    AnythingBut,
    Between,
    Equal,
    EqualIgnoreCase,
    Exists,
    FilterError,
    Prefix,
    Suffix,
    Test,
    Wildcard,
)
from headwater.mapping.doubles import double_of
from headwater.paths import Path


class Members(NamedTuple):
    """A JSON object, with the names that are there twice.

    Attributes:
        pairs: Names and values, as they are written.
    """

    pairs: list[tuple[str, Any]]


def read_tests(values: list[Any], place: Path) -> tuple[Test, ...]:
    """Read the list that belongs to a field.

    Args:
        values: The list, of which one entry has to fit.
        place: Where it is in the pattern.

    Raises:
        FilterError: When Lambda would refuse it.
    """
    if not values:
        raise FilterError("an empty list fits nothing: name a value, or leave the field out", steps=place)
    return tuple(_read_test(value, (*place, index)) for index, value in enumerate(values))


def shown(value: Any) -> str:
    """A value of a pattern, as it is written there, in short."""
    match value:
        case Members():
            return "{...}"
        case list():
            return "[...]"
        case Decimal():
            return str(value)
        case _:
            return json.dumps(value, ensure_ascii=False)


def _read_test(value: Any, place: Path) -> Test:
    if isinstance(value, list):
        raise FilterError("a list stands in a list: write its values into the outer one", steps=place)
    if not isinstance(value, Members):
        return Equal(value)
    name, operand = _only_member(value, place)
    if name not in _READERS:
        raise FilterError(
            f"{shown(name)} is no operator: there are {', '.join(OPERATORS)}. "
            "The members of a map are named outside the list",
            steps=place,
        )
    return _READERS[name](operand, (*place, name))


def _only_member(members: Members, place: Path) -> tuple[str, Any]:
    if not members.pairs:
        raise FilterError(
            f"an empty object asks nothing: write one of {', '.join(OPERATORS)} into it", steps=place
        )
    if len(members.pairs) > 1:
        names = ", ".join(shown(name) for name, _ in members.pairs)
        raise FilterError(
            f"{names} stand in one object: give each operator an object of its own, of which one has to fit",
            steps=place,
        )
    return members.pairs[0]


def _read_equal_ignore_case(operand: Any, place: Path) -> EqualIgnoreCase:
    return EqualIgnoreCase(_text(operand, place))


def _read_prefix(operand: Any, place: Path) -> Prefix:
    if isinstance(operand, Members):
        return Prefix(_text_ignoring_case(operand, place), ignore_case=True)
    return Prefix(_text(operand, place))


def _read_suffix(operand: Any, place: Path) -> Suffix:
    if isinstance(operand, Members):
        return Suffix(_text_ignoring_case(operand, place), ignore_case=True)
    return Suffix(_text(operand, place))


def _text_ignoring_case(members: Members, place: Path) -> str:
    name, operand = _only_member(members, place)
    if name != "equals-ignore-case":
        raise FilterError(
            f'{shown(name)} can not stand here: write a text, or {{"equals-ignore-case": text}}', steps=place
        )
    return _text(operand, (*place, name))


def _read_wildcard(operand: Any, place: Path) -> Wildcard:
    text = _text(operand, place)
    parts, position = [""], 0
    while position < len(text):
        character, following = text[position], text[position + 1 : position + 2]
        if character == "\\":
            if following not in ("*", "\\"):
                raise FilterError(
                    r"a backslash stands before something else than * or \: in JSON, write \\* for a star, \\\\ for a backslash",
                    steps=place,
                )
            parts[-1] += following
            position += 1
        elif character == "*":
            if following == "*":
                raise FilterError("** is refused: one * stands for any text already", steps=place)
            parts.append("")
        else:
            parts[-1] += character
        position += 1
    return Wildcard(tuple(parts))


def _read_exists(operand: Any, place: Path) -> Exists:
    if not isinstance(operand, bool):
        raise FilterError(f"{shown(operand)} is neither true nor false: write one of them", steps=place)
    return Exists(operand)


def _read_numeric(operand: Any, place: Path) -> Between:
    if not isinstance(operand, list):
        raise FilterError(
            f'{shown(operand)} is no list: write one such as ["=", 5] or [">", 0, "<=", 5]', steps=place
        )
    match operand:
        case ["=", value]:
            number = _double(value, place)
            return Between(number, number, low_closed=True, high_closed=True)
        case [">" | ">=" as above, value]:
            return Between(low=_double(value, place), low_closed=above == ">=")
        case ["<" | "<=" as below, value]:
            return Between(high=_double(value, place), high_closed=below == "<=")
        case [">" | ">=" as above, bottom, "<" | "<=" as below, top]:
            low, high = _double(bottom, place), _double(top, place)
            if low >= high:
                raise FilterError(
                    f"{shown(bottom)} is not less than {shown(top)}: the lower bound comes first", steps=place
                )
            return Between(low, high, low_closed=above == ">=", high_closed=below == "<=")
        case _:
            raise FilterError(
                'a range is one of "=", ">", ">=", "<", "<=" and a number, or a lower bound and then an upper one, '
                'as in [">", 0, "<=", 5]',
                steps=place,
            )


def _read_anything_but(operand: Any, place: Path) -> AnythingBut:
    if isinstance(operand, Members):
        return _read_anything_but_operator(operand, place)
    values = operand if isinstance(operand, list) else [operand]
    if not values:
        raise FilterError("an empty list excludes nothing: name the values to exclude", steps=place)
    if not all(isinstance(value, str) for value in values):
        if any(isinstance(value, str) or not _is_number(value) for value in values):
            raise FilterError("only texts, or only numbers, can be excluded together", steps=place)
        for value in values:
            _double(value, place)
    return AnythingBut(tuple(Equal(value) for value in values))


def _read_anything_but_operator(members: Members, place: Path) -> AnythingBut:
    name, operand = _only_member(members, place)
    place = (*place, name)
    if name not in _EXCLUDABLE:
        raise FilterError(f"anything-but takes {', '.join(_EXCLUDABLE)}, texts or numbers", steps=place)
    texts = operand if isinstance(operand, list) else [operand]
    if not texts:
        raise FilterError("an empty list excludes nothing: name the texts to exclude", steps=place)
    if "" in texts and name in ("prefix", "suffix"):
        raise FilterError(f'every text has the {name} "": name a longer one', steps=place)
    return AnythingBut(tuple(_READERS[name](_text(text, place), place) for text in texts))


def _text(operand: Any, place: Path) -> str:
    if not isinstance(operand, str):
        raise FilterError(f"{shown(operand)} is no text: write one in quotes", steps=place)
    return operand


def _double(operand: Any, place: Path) -> float:
    if not _is_number(operand):
        raise FilterError(f"{shown(operand)} is no number: write one without quotes", steps=place)
    double = double_of(operand)
    if double is None:
        raise FilterError(
            f"{shown(operand)} has more digits than can be compared, which is done in IEEE doubles: write fewer",
            steps=place,
        )
    return double


def _is_number(value: Any) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


_READERS: Final[Mapping[str, Callable[[Any, Path], Test]]] = {
    "anything-but": _read_anything_but,
    "equals-ignore-case": _read_equal_ignore_case,
    "exists": _read_exists,
    "numeric": _read_numeric,
    "prefix": _read_prefix,
    "suffix": _read_suffix,
    "wildcard": _read_wildcard,
}

OPERATORS: Final = tuple(_READERS)
"""The names of all operators."""

_EXCLUDABLE: Final = ("equals-ignore-case", "prefix", "suffix", "wildcard")
