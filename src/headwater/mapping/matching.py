"""Rules asked of records.

AWS's rule engine sees a record as a flat list of values, each named by the path to it with dots; lists leave no trace in that
path. What it keeps of lists is in which element of each a value was found: two fields of a rule never fit with values from
different elements of the same list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from headwater.mapping.criteria import (
    AnythingBut,
    Between,
    Equal,
    EqualIgnoreCase,
    Exists,
    Prefix,
    Rule,
    Suffix,
    Test,
    Wildcard,
)
from headwater.mapping.doubles import double_of

Ask: TypeAlias = Callable[[Any], bool]

_Array: TypeAlias = tuple[str, int]
"""A list in a record: the path to it, and its identity, since a path can lead to several."""

_Choices: TypeAlias = Mapping[_Array, int]
"""From which element of each list the values so far were taken."""


_OBJECTS: Final = (dict, Mapping)  # dict first, since it is quickly seen
_NESTED: Final = (dict, list, Mapping)


class _Step(NamedTuple):
    """A place on a path.

    Attributes:
        path: The path so far.
        following: The keys that lead on, and where to; none at the end of the path. There is more than one where names
            remain, since a key may hold dots.
    """

    path: str
    following: tuple[tuple[str, _Step], ...]


class _Field(NamedTuple):
    """A field of a rule.

    Attributes:
        start: The begin of its path.
        fits: Whether a value fits.
        absent: Whether it fits when there is no value.
        later: What the paths of the fields after this one lead through: for those, choices are remembered.
    """

    start: _Step
    fits: Ask
    absent: bool
    later: frozenset[str]


def compile_rule(rule: Rule) -> Ask:
    """Make the question whether a record fits a rule.

    The fields are asked by name, as the engine does: one that may be absent is looked for in the elements of a list that the
    fields before it have chosen. In that order, a path comes before those that lead through it, and fields that share a list
    follow each other, so that no element of one list is ever combined with those of another beside it. Fields that differ in
    their first name share none; of those, what is quickly asked comes first.

    Args:
        rule: A rule of a pattern.
    """
    heights: dict[str, int] = {}
    for path in rule:
        first = _first_name(path)
        heights[first] = max(heights.get(first, 0), path.count("."))
    paths = sorted(rule, key=lambda path: (heights[_first_name(path)], path))
    starts = [_steps(path) for path in paths]
    fields = [
        _Field(
            start=start[0],
            fits=any_of([_fits(test) for test in rule[path]]),
            absent=Exists(wanted=False) in rule[path],
            later=frozenset(step.path for following in starts[index + 1 :] for step in following),
        )
        for index, (path, start) in enumerate(zip(paths, starts, strict=True))
    ]
    return lambda record: _fit_together(fields, record)


def _first_name(path: str) -> str:
    return path.partition(".")[0]


def _steps(path: str) -> list[_Step]:
    """The places on a path, from its begin to its end."""
    names = path.split(".")
    count = len(names)
    steps: dict[int, _Step] = {}
    for here in range(count, -1, -1):
        following = ((".".join(names[here:there]), steps[there]) for there in range(here + 1, count + 1))
        steps[here] = _Step(".".join(names[:here]), tuple(following))
    return [steps[here] for here in range(count + 1)]


def _fit_together(fields: Sequence[_Field], record: Mapping[str, Any]) -> bool:
    """Whether all fields fit, with values that can be taken together."""
    ways: list[_Choices] = [{}]
    for field in fields:
        open_ways: dict[frozenset[tuple[_Array, int]], _Choices] = {}
        for way in ways:
            values = _values(record, field.start, way)
            reached = [choices for value, choices in values if field.fits(value)]
            if field.absent and not values:
                reached.append(way)
            for choices in reached:
                kept = choices and {
                    array: index for array, index in choices.items() if array[0] in field.later
                }
                open_ways[frozenset(kept.items())] = kept
        if not open_ways:
            return False
        ways = list(open_ways.values())
    return True


def _values(record: Mapping[str, Any], start: _Step, way: _Choices) -> list[tuple[Any, _Choices]]:
    """The values at the end of a path, with the choices that lead to each."""
    found: list[tuple[Any, _Choices]] = []
    places: list[tuple[Any, _Step, _Choices]] = [(record, start, way)]
    for node, step, choices in places:  # which grows on the way
        if isinstance(node, _OBJECTS):
            for key, following in step.following:
                if key in node:
                    places.append((node[key], following, choices))
        elif isinstance(node, list):
            places += _elements(node, step, choices)
        elif not step.following:
            found.append((node, choices))
    return found


def _elements(array: list[Any], step: _Step, choices: _Choices) -> list[tuple[Any, _Step, _Choices]]:
    """The elements of a list that can be taken. A plain value binds nothing: it stands for itself in the list."""
    name = (step.path, id(array))
    if name in choices:
        return [(array[choices[name]], step, choices)]
    return [
        (element, step, {**choices, name: index} if isinstance(element, _NESTED) else choices)
        for index, element in enumerate(array)
    ]


def any_of(asks: Sequence[Ask]) -> Ask:
    """Make the question whether one of these is answered with yes.

    Args:
        asks: One question or more.
    """
    if len(asks) == 1:
        return asks[0]
    return lambda value: any(ask(value) for ask in asks)


def _fits(test: Test) -> Ask:
    """Make the question whether a value fits."""
    match test:
        case Equal(value=value):
            return _equal(value)
        case Between():
            return _between(test)
        case Exists(wanted=wanted):
            return lambda _value: wanted
        case AnythingBut(tests=tests):
            excluded = any_of([_fits(inner) for inner in tests])
            return lambda value: not excluded(value)
        case Prefix(text=text, ignore_case=False):
            return lambda value: isinstance(value, str) and value.startswith(text)
        case Suffix(text=text, ignore_case=False):
            return lambda value: isinstance(value, str) and value.endswith(text)
        case _:
            fullmatch = re.compile(_expression(test), re.DOTALL).fullmatch
            return lambda value: isinstance(value, str) and fullmatch(value) is not None


def _equal(wanted: Any) -> Ask:
    if wanted is None or isinstance(wanted, bool):
        return lambda value: value is wanted
    if isinstance(wanted, str):
        return lambda value: isinstance(value, str) and value == wanted
    double = double_of(wanted)
    if double is not None:
        return lambda value: double_of(value) == double
    return lambda value: isinstance(value, int) and value == wanted


def _between(bounds: Between) -> Ask:
    low, high, low_closed, high_closed = bounds.low, bounds.high, bounds.low_closed, bounds.high_closed

    def fits(value: Any) -> bool:
        double = double_of(value)
        if double is None:
            return False
        return (low < double < high) or (low_closed and double == low) or (high_closed and double == high)

    return fits


def _expression(test: EqualIgnoreCase | Prefix | Suffix | Wildcard) -> str:
    match test:
        case EqualIgnoreCase():
            return _either_case(test.text)
        case Prefix():
            return _either_case(test.text) + ".*"
        case Suffix():
            return ".*" + _either_case(test.text)
        case _:
            first, *others = map(re.escape, test.parts)
            last = [".*" + others.pop()] if others else []
            # Each part is taken where it first comes and stays there, so no text takes long.
            return "".join([first, *(f"(?>.*?{part})" for part in others), *last])


def _either_case(text: str) -> str:
    """Each character as it is in lower or in upper case, one by one, as the engine does."""
    cases = (dict.fromkeys([character.lower(), character.upper()]) for character in text)
    return "".join(f"(?:{'|'.join(map(re.escape, either))})" for either in cases)
