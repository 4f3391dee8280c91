"""The text of a pattern, read into rules."""

from __future__ import annotations

import json
from typing import Any, Final, NoReturn

from headwater.mapping.criteria import FilterError, Rule, Test
from headwater.mapping.doubles import read_number
from headwater.mapping.limits import PATTERN_LIMIT
from headwater.mapping.operators import OPERATORS, Members, read_tests, shown
from headwater.paths import Path

MAX_RULES: Final = 1_000
"""Combinations that the $or of a pattern may make: a bound of Headwater's own, so that no pattern takes for ever."""

MAX_STEPS: Final = 128
"""Names of a path: an item nests 32 levels deep, which are not 70 names. A bound of Headwater's own."""

_EXAMPLE: Final = 'such as {"eventName": ["INSERT"]}'
_TOO_DEEP: Final = f"the pattern is nested deeper than any record: a path has {MAX_STEPS} names at most"

_MIN_BRANCHES: Final = 2

_RESERVED: Final = frozenset(
    {
        *OPERATORS,
        "cidr",
        "exactly",
        "regex",
        "not-wildcard",
        "not-equals-ignore-case",
        "=",
        "<",
        "<=",
        ">",
        ">=",
    }
    | {"date-after", "date-on-or-after", "date-before", "date-on-or-before", "in-date-range"}
    | {"ip-address-in-range", "ip-address-not-in-range"}
)
"""What no field below a $or may be called."""


def read_pattern(text: str) -> tuple[Rule, ...]:
    """Read a pattern.

    A name that is written twice in one object counts twice, and for one field the last list counts: that is how AWS's rule
    engine reads the documented pattern with `dynamodb` in it twice, where other readers of JSON would lose the first.

    Args:
        text: The pattern.

    Returns:
        The rules of which one has to fit: several where the pattern has a $or.

    Raises:
        FilterError: When Lambda would refuse it.
    """
    pattern = _read_json(text)
    if not isinstance(pattern, Members):
        raise FilterError(f"{shown(pattern)} is no JSON object: write one, {_EXAMPLE}")
    return tuple(_read_members(pattern, (), (), [{}]))


def _read_json(text: Any) -> Any:
    if not isinstance(text, str):
        raise FilterError(f"{type(text).__name__} is no text: write the pattern as JSON, with json.dumps")
    if len(text) > PATTERN_LIMIT:
        raise FilterError(f"{len(text)} characters are too long: a pattern has {PATTERN_LIMIT} at most")
    try:
        return json.loads(
            text, object_pairs_hook=Members, parse_float=read_number, parse_constant=_refuse_constant
        )
    except RecursionError:
        raise FilterError(_TOO_DEEP) from None
    except json.JSONDecodeError as error:
        raise FilterError(
            f"this is no JSON ({error.msg} at character {error.pos + 1}): write an object, {_EXAMPLE}"
        ) from error


def _refuse_constant(name: str) -> NoReturn:
    raise FilterError(f"{name} is no JSON: write a number")


def _read_members(members: Members, names: tuple[str, ...], place: Path, rules: list[Rule]) -> list[Rule]:
    """Add what an object asks to each of the rules.

    Args:
        members: The object.
        names: Of the fields around it.
        place: Where it is in the pattern; as `names`, with the $or in between.
        rules: What was read before it.
    """
    if len(place) > MAX_STEPS:
        raise FilterError(_TOO_DEEP)
    if not members.pairs:
        raise FilterError("an empty object asks nothing: name a field in it, or leave it out", steps=place)
    for name, value in members.pairs:
        inner = (*place, name)
        if name == "$or" and isinstance(value, list):
            rules = _read_or(value, names, inner, rules)
            continue
        if len(place) > len(names) and name in _RESERVED:
            raise FilterError(f"no field below $or can be called {shown(name)}", steps=inner)
        field = (*names, name)
        match value:
            case Members():
                rules = _read_members(value, field, inner, rules)
            case list():
                rules = _with_field(".".join(field), read_tests(value, inner), rules)
            case _:
                raise FilterError(_scalar(name, value), steps=inner)
    return rules


def _read_or(branches: list[Any], names: tuple[str, ...], place: Path, rules: list[Rule]) -> list[Rule]:
    if len(branches) < _MIN_BRANCHES or not all(isinstance(branch, Members) for branch in branches):
        raise FilterError("$or takes a list of two objects or more", steps=place)
    joined = []
    for index, branch in enumerate(branches):
        joined += _read_members(branch, names, (*place, index), rules)
        if len(joined) > MAX_RULES:
            raise FilterError(
                f"there are more than {MAX_RULES} combinations of what $or leaves open: write several patterns",
                steps=place,
            )
    return joined


def _with_field(path: str, tests: tuple[Test, ...], rules: list[Rule]) -> list[Rule]:
    if path.count(".") >= MAX_STEPS:
        raise FilterError(_TOO_DEEP)
    return [{**rule, path: tests} for rule in rules]


def _scalar(name: str, value: Any) -> str:
    if name in OPERATORS:
        return f"an operator stands in an object in a list: write [{{{shown(name)}: {shown(value)}}}]"
    return f"{shown(value)} stands alone: write it in a list, [{shown(value)}]"
