"""What DynamoDB's condition operators say of wire values. `None` stands for an attribute that is not there.

The words are those of boto3's conditions, the answers those of DynamoDB: values of different types are neither equal nor
in any order, and nothing that is absent compares with anything, so that only `ne` and `not_exists` hold for it.

Source: [Condition and filter expressions, operators, and functions](
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Context, Decimal
from typing import Any, Final, TypeAlias

from headwater.changes import same, tagged
from headwater.values import MAX_DIGITS, MAX_EXPONENT, MIN_EXPONENT, WireValue, value_to_python

Operand: TypeAlias = WireValue | None

ORDERED_TAGS: Final = ("N", "S", "B")
"""The types that have an order: numbers as numbers, text by its UTF-8 bytes, binaries by their bytes."""

# Wide enough for the difference of the largest number and the last digit of the smallest one.
_EXACT: Final = Context(prec=MAX_EXPONENT - MIN_EXPONENT + MAX_DIGITS + 2)


def equal(left: Operand, right: Operand) -> bool:
    """Whether both are there and are the same value; sets have no order, `1` is `1.0`."""
    return left is not None and right is not None and same(left, right)


def compare_values(left: Operand, right: Operand) -> int | None:
    """Which of two values comes first: -1, 0 or 1; `None` when they have no order."""
    pair = _alike(left, right, ORDERED_TAGS)
    if pair is None:
        return None
    first, second = pair  # Python orders text by code points, which is the order of its UTF-8 bytes
    return int(first > second) - int(first < second)


def is_between(value: Operand, low: Operand, high: Operand) -> bool:
    """Whether a value lies between two others, both included."""
    return compare_values(value, low) in (0, 1) and compare_values(value, high) in (-1, 0)


def begins_with(value: Operand, start: Operand) -> bool:
    """Whether a text or binary begins with another one."""
    pair = _alike(value, start, ("S", "B"))
    return pair is not None and pair[0].startswith(pair[1])


def contains(value: Operand, part: Operand) -> bool:
    """Whether a text or binary has another one in it, a set has a member, or a list an element."""
    if value is None or part is None:
        return False
    tag, content = tagged(value)
    match tag:
        case "S" | "B":
            pair = _alike(value, part, (tag,))
            return pair is not None and pair[1] in pair[0]
        case "SS" | "NS" | "BS":
            return f"{tagged(part)[0]}S" == tag and value_to_python(part) in value_to_python(value)
        case "L":
            return any(same(element, part) for element in content)
        case _:
            return False


def size(value: Operand) -> WireValue | None:
    """The size of a value as a number in wire form; `None` for what has none.

    Bytes of a binary, elements of a list or map, members of a set, UTF-16 code units of a text. The developer guide says
    "the length of the string"; this is how DynamoDB Local measures it, which counts one for `é` and two for an emoji.
    """
    if value is None:
        return None
    tag, content = tagged(value)
    match tag:
        case "S":
            return {"N": str(len(value_to_python(value).encode("utf-16-le", "surrogatepass")) // 2)}
        case "B" | "SS" | "NS" | "BS":
            return {"N": str(len(value_to_python(value)))}
        case "L" | "M":
            return {"N": str(len(content))}
        case _:
            return None


def has_type(value: Operand, tag: Operand) -> bool:
    """Whether a value has a type, which is given by its tag as a text: `{"S": "NS"}`."""
    return value is not None and tag is not None and tagged(value)[0] == tag.get("S")


def _alike(left: Operand, right: Operand, tags: tuple[str, ...]) -> tuple[Any, Any] | None:
    """Both in Python when they have one type and it is among these, else `None`."""
    if left is None or right is None:
        return None
    (tag, _), (other, _) = tagged(left), tagged(right)
    if tag != other or tag not in tags:
        return None
    return value_to_python(left), value_to_python(right)


def _becomes(old: Operand, new: Operand, value: Operand) -> bool:
    return equal(new, value) and not equal(old, value)


def _grows(old: Operand, new: Operand) -> bool:
    return new is not None and "N" in new and compare_values(old, new) == -1


def _crosses(old: Operand, new: Operand, value: Operand) -> bool:
    before, after = compare_values(old, value), compare_values(new, value)
    return before is not None and after is not None and (before < 0) != (after < 0)


def _changed_by(old: Operand, new: Operand, at_least: WireValue) -> bool:
    pair = _alike(old, new, ("N",))
    if pair is None:
        return False
    by = _EXACT.subtract(Decimal(pair[0]), Decimal(pair[1]))
    return bool(by.copy_abs() >= value_to_python(at_least))  # abs() would round


OPERATORS: Final[Mapping[str, Callable[..., bool]]] = {
    "eq": equal,
    "ne": lambda left, right: not equal(left, right),
    "lt": lambda left, right: compare_values(left, right) == -1,
    "lte": lambda left, right: compare_values(left, right) in (-1, 0),
    "gt": lambda left, right: compare_values(left, right) == 1,
    "gte": lambda left, right: compare_values(left, right) in (0, 1),
    "between": is_between,
    "is_in": lambda value, *choices: any(equal(value, choice) for choice in choices),
    "begins_with": begins_with,
    "contains": contains,
    "attribute_type": has_type,
    "exists": lambda value: value is not None,
    "not_exists": lambda value: value is None,
}
"""By boto3's name: what an operator says of a value and its operands."""

TRANSITIONS: Final[Mapping[str, Callable[..., bool]]] = {
    "changed": lambda old, new: not same(old, new),
    "added": lambda old, new: old is None and new is not None,
    "removed": lambda old, new: old is not None and new is None,
    "was": lambda old, _, value: equal(old, value),
    "becomes": _becomes,
    "increased": _grows,
    "decreased": lambda old, new: _grows(new, old),
    "crosses": _crosses,
    "changed_by": _changed_by,
}
"""What only a stream can ask: what a transition says of the value before, the value after and its operand."""
