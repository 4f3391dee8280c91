"""What must be so in a record for a condition to hold, as far as a look at one attribute tells: what routes are indexed by."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple, TypeAlias, cast

from headwater.conditions import Combination, Condition, Predicate
from headwater.errors import WireValueError
from headwater.options import AnyChanged, Option
from headwater.paths import Path
from headwater.streams import ImageName
from headwater.values import number


class Differs(NamedTuple):
    """An attribute differs between the images."""

    name: str


class Holds(NamedTuple):
    """An attribute of an image has a value, given by its `key_of`."""

    image: ImageName
    name: str
    key: Hashable


Trigger: TypeAlias = Differs | Holds


def triggers(condition: Condition[Any], kind: str) -> frozenset[Trigger] | None:
    """What may make a condition hold: where none of it is so, the condition does not.

    Args:
        condition: The condition.
        kind: The event name of the records that it is asked about.

    Returns:
        The triggers; `None` where the condition must be asked about every record.
    """
    match condition:
        case AnyChanged():
            return frozenset(Differs(_name(path)) for path in condition.paths)
        case Combination() if any(isinstance(part, Option) and part.may_fail for part in condition.parts):
            return None
        case Combination():
            parts = [triggers(part, kind) for part in condition.parts]
            known = [part for part in parts if part is not None]
            if condition.operator == "&":
                return min(known, key=_breadth, default=None)
            return frozenset[Trigger]().union(*known) if len(known) == len(parts) else None
        case Option() | Predicate():
            return None
        case _:
            return _of_question(condition, kind)


def _of_question(condition: Condition[Any], kind: str) -> frozenset[Trigger] | None:
    from headwater.attributes import Located  # an app without Attr and Key does without these
    from headwater.questions import Comparison, Transition

    match condition:
        case Transition(operator="was"):
            return _holds("OldImage", condition.path, condition.others)
        case Transition():
            becomes = condition.operator == "becomes"
            value = _holds("NewImage", condition.path, condition.others) if becomes else None
            return value or frozenset({Differs(_name(condition.path))})
        case Comparison(operator="eq" | "is_in", operand=Located() as operand):
            return _holds(operand.image_of(kind), operand.path, condition.others)
        case _:
            return None


def key_of(value: Any) -> Hashable:
    """What is the same for equal texts, numbers and truth values alone; `None` for other values, and for no value."""
    if not isinstance(value, dict) or len(value) != 1:
        return None
    [(tag, content)] = value.items()
    if tag == "S" and isinstance(content, str):
        return content
    if tag == "BOOL" and isinstance(content, bool):
        return tag, content
    if tag == "N" and isinstance(content, str):
        try:
            return number(content)
        except WireValueError:
            return None
    return None


def _holds(image: ImageName, path: tuple[Any, ...], others: tuple[Any, ...]) -> frozenset[Trigger] | None:
    """That an attribute is equal to one of these, where all have keys; another attribute has no wire form yet."""
    name, *further = path
    keys = [key_of(getattr(other, "wire", None)) for other in others]
    return None if further or None in keys else frozenset(Holds(image, name, key) for key in keys)


def _name(path: Path) -> str:
    """The attribute at the top of the item that a path leads into."""
    return cast("str", path[0])


def _breadth(found: frozenset[Trigger]) -> tuple[bool, int]:
    """How many records it lets through, as far as that can be said: a value fits fewer than a difference does."""
    return any(isinstance(trigger, Differs) for trigger in found), len(found)
