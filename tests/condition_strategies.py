"""What hypothesis makes up for conditions: each as ours, as boto3's, and as a plain function of decoded items."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

from boto3.dynamodb import conditions as boto3
from boto3.dynamodb.types import Binary
from hypothesis import strategies as st

from headwater import Attr, Condition, Key, only_changed

Item: TypeAlias = Mapping[str, Any]
Reference: TypeAlias = Callable[[Item | None, Item | None], bool]
"""Old and new item, `None` where there is none, to yes or no."""


class Missing:
    """What stands at a path where nothing is."""


MISSING = Missing()
BIG = 12345678901234567890123456789012345678
NUMBERS: list[int | Decimal] = [
    0,
    1,
    -1,
    2,
    10,
    Decimal("1.5"),
    Decimal("-0.5"),
    BIG,
    BIG + 1,
    Decimal("1E-130"),
    Decimal("9.9E+125"),
]
TEXTS = ["", "a", "ab", "b", "B", "é", "\uffff", "\U0001f600", "10", "9"]
BINARIES = [b"", b"a", b"ab", b"\x00", b"\xff"]
SCALARS = [*NUMBERS, *TEXTS, *BINARIES, True, False, None]
SETS: list[Any] = [{1}, {1, 2}, {Decimal("1.5")}, {"a"}, {"a", "b"}, {b"a"}, {b"a", b"\xff"}]
NESTED: list[Any] = [
    [],
    ["a", 1],
    [{"x": 1}],
    [[1], {"a"}],
    {},
    {"x": 1},
    {"x": 1, "y": "a"},
    {"x": {"y": [1, None]}},
]
POOL = [*SCALARS, *SETS, *NESTED]
ROOTS: tuple[str, ...] = ("A", "B", "C")
PATHS = (*ROOTS, "A", "B", "A.x", "A.x.y", "A.x.y[0]", "A[0]", "B[1]", "A[0].x", "B.y")
VALUES = st.sampled_from(POOL)
ITEMS: st.SearchStrategy[dict[str, Any]] = st.dictionaries(st.sampled_from(ROOTS), VALUES, max_size=3)


@dataclass(frozen=True)
class Asked:
    """One condition in three forms; `boto3` is `None` where boto3 has no word for it."""

    ours: Condition[Any]
    boto3: Any
    reference: Reference

    def __repr__(self) -> str:
        return repr(self.ours)


# --- the plain reference ------------------------------------------------------------------------------------------------


def at(item: Item | None, path: str) -> Any:
    """The decoded value at a path of an item."""
    value: Any = item
    for step in path.replace("[", ".[").split("."):
        if step.startswith("[") and isinstance(value, list) and int(step[1:-1]) < len(value):
            value = value[int(step[1:-1])]
        elif not step.startswith("[") and isinstance(value, dict) and step in value:
            value = value[step]
        else:
            return MISSING
    return value


def kind(value: Any) -> str:
    """DynamoDB's type of a decoded value; none is shared by two of Python's types that differ to DynamoDB."""
    if isinstance(value, bool) or value is None or isinstance(value, Missing):
        return type(value).__name__
    if isinstance(value, int | Decimal):
        return "N"
    if isinstance(value, set):
        return f"set of {kind(next(iter(value)))}"
    return type(value).__name__


def equals(left: Any, right: Any) -> bool:
    """Equal to DynamoDB: one type, and equal inside too, so that `True` is not `1`."""
    if left is MISSING or right is MISSING or kind(left) != kind(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(equals, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(equals(left[name], right[name]) for name in left)
    return bool(left == right)


def order(left: Any, right: Any) -> int | None:
    if kind(left) != kind(right) or kind(left) not in ("N", "str", "bytes"):
        return None
    if isinstance(left, str):
        left, right = left.encode(), right.encode()
    return int(left > right) - int(left < right)


def has(value: Any, part: Any) -> bool:
    if isinstance(value, str | bytes):
        return kind(value) == kind(part) and part in value
    if isinstance(value, set):
        return kind(value) == f"set of {kind(part)}" and part in value
    return isinstance(value, list) and any(equals(element, part) for element in value)


def size_of(value: Any) -> Any:
    if isinstance(value, str):
        return len(value.encode("utf-16-le")) // 2
    return len(value) if isinstance(value, bytes | set | list | dict) else MISSING


TAG_OF = {
    "N": "N",
    "str": "S",
    "bytes": "B",
    "bool": "BOOL",
    "NoneType": "NULL",
    "list": "L",
    "dict": "M",
    "set of N": "NS",
    "set of str": "SS",
    "set of bytes": "BS",
}

WORDS: Mapping[str, Callable[..., bool]] = {
    "eq": equals,
    "ne": lambda left, right: not equals(left, right),
    "lt": lambda left, right: order(left, right) == -1,
    "lte": lambda left, right: order(left, right) in (-1, 0),
    "gt": lambda left, right: order(left, right) == 1,
    "gte": lambda left, right: order(left, right) in (0, 1),
    "between": lambda value, low, high: order(value, low) in (0, 1) and order(value, high) in (-1, 0),
    "begins_with": lambda value, start: (
        kind(value) == kind(start) in ("str", "bytes") and value.startswith(start)
    ),
    "contains": has,
    "attribute_type": lambda value, tag: TAG_OF.get(kind(value)) == tag,
    "exists": lambda value: value is not MISSING,
    "not_exists": lambda value: value is MISSING,
}


def exactly(old: Any, new: Any) -> Any:
    """By how much a number has grown, in units of the last digit of the smallest number: an exact integer."""
    if kind(old) != "N" or kind(new) != "N":
        return None
    return _units(new) - _units(old)


def _units(number: Any) -> int:
    sign, digits, exponent = Decimal(number).as_tuple()
    assert isinstance(exponent, int)
    magnitude: int = int("".join(map(str, digits))) * 10 ** (exponent + 200)
    return -magnitude if sign else magnitude


TRANSITIONS: Mapping[str, Callable[..., bool]] = {
    "changed": lambda old, new: not (old is new is MISSING or equals(old, new)),
    "added": lambda old, new: old is MISSING and new is not MISSING,
    "removed": lambda old, new: old is not MISSING and new is MISSING,
    "was": lambda old, _new, value: equals(old, value),
    "becomes": lambda old, new, value: equals(new, value) and not equals(old, value),
    "increased": lambda old, new: (exactly(old, new) or 0) > 0,
    "decreased": lambda old, new: (exactly(old, new) or 0) < 0,
    "crosses": lambda old, new, value: (
        exactly(old, new) is not None and (exactly(value, old) < 0) != (exactly(value, new) < 0)
    ),
    "changed_by": lambda old, new, value: (
        exactly(old, new) is not None and abs(exactly(old, new)) >= _units(value)
    ),
}


# --- all three forms ----------------------------------------------------------------------------------------------------


def to_boto3(value: Any) -> Any:
    """boto3's serializer knows binaries in sets only as its own type."""
    if isinstance(value, set) and isinstance(next(iter(value)), bytes):
        return {Binary(member) for member in value}
    if isinstance(value, list):
        return [to_boto3(element) for element in value]
    return value


def current(path: str) -> Callable[[Item | None, Item | None], Any]:
    """What `Attr` reads: the new item, after a removal the old one."""
    return lambda old, new: at(old if new is None else new, path)


ORDERED = st.sampled_from([*NUMBERS, *TEXTS, *BINARIES])


@st.composite
def comparisons(draw: st.DrawFn) -> Asked:
    """One of DynamoDB's words on an attribute, its size, or one beside another."""
    path = draw(st.sampled_from(PATHS))
    word = draw(st.sampled_from([*WORDS, "is_in", "size"]))
    ours, theirs, read = Attr(path), boto3.Attr(path), current(path)
    if word == "size":
        word = draw(st.sampled_from(["eq", "lt", "lte", "gt", "gte", "between"]))
        numbers = sorted(draw(st.lists(st.integers(0, 4), min_size=2, max_size=2)))
        values: list[Any] = numbers if word == "between" else numbers[:1]
        return Asked(
            getattr(ours.size(), word)(*values),
            getattr(theirs.size(), word)(*values),
            lambda old, new: WORDS[word](size_of(read(old, new)), *values),
        )
    if word == "is_in":
        values = draw(st.lists(VALUES, min_size=1, max_size=4))
        return Asked(
            ours.is_in(values),
            theirs.is_in(list(map(to_boto3, values))),
            lambda old, new: any(equals(read(old, new), value) for value in values),
        )
    if word in ("eq", "ne", "lt", "lte", "gt", "gte") and draw(st.integers(0, 3)) == 0:
        other = draw(st.sampled_from([name for name in PATHS if name != path]))
        return Asked(
            getattr(ours, word)(Attr(other)),
            getattr(theirs, word)(boto3.Attr(other)),
            lambda old, new: WORDS[word](read(old, new), current(other)(old, new)),
        )
    values = draw(operands(word))
    return Asked(
        getattr(ours, word)(*values),
        getattr(theirs, word)(*map(to_boto3, values)),
        lambda old, new: WORDS[word](read(old, new), *values),
    )


def operands(word: str) -> st.SearchStrategy[list[Any]]:
    """Values that a word takes."""
    match word:
        case "exists" | "not_exists":
            return st.just([])
        case "eq" | "ne" | "contains":
            return VALUES.map(lambda value: [value])
        case "attribute_type":
            return st.sampled_from(list(TAG_OF.values())).map(lambda tag: [tag])
        case "begins_with":
            return st.sampled_from([*TEXTS, *BINARIES]).map(lambda value: [value])
        case "between":
            return st.tuples(ORDERED, ORDERED).filter(lambda pair: order(*pair) in (-1, 0)).map(list)
        case _:
            return ORDERED.map(lambda value: [value])


@st.composite
def transitions(draw: st.DrawFn) -> Asked:
    """One of the words that only a stream has."""
    path = draw(st.sampled_from(PATHS))
    word = draw(st.sampled_from([*TRANSITIONS, "old", "new", "only_changed"]))
    if word == "only_changed":
        names = draw(st.sets(st.sampled_from(ROOTS), min_size=1))
        return Asked(only_changed(names), None, lambda old, new: confined(old, new, names))
    if word in ("old", "new"):
        inner = draw(st.sampled_from(["eq", "ne", "lt", "exists", "not_exists"]))
        values = draw(operands(inner))
        side = getattr(Attr(path), word)
        return Asked(
            getattr(side, inner)(*values),
            None,
            lambda old, new: WORDS[inner](at(old if word == "old" else new, path), *values),
        )
    if word in ("was", "becomes"):
        values = [draw(VALUES)]
    elif word in ("crosses", "changed_by"):
        values = [draw(st.sampled_from([number for number in NUMBERS if number > 0 or word == "crosses"]))]
    else:
        values = []
    keywords = {"at_least": values[0]} if word == "changed_by" else {}
    return Asked(
        getattr(Attr(path), word)(*([] if keywords else values), **keywords),
        None,
        lambda old, new: TRANSITIONS[word](at(old, path), at(new, path), *values),
    )


def confined(old: Item | None, new: Item | None, names: AbstractSet[str]) -> bool:
    if old is None or new is None:
        return False
    return all(
        not TRANSITIONS["changed"](at(old, name), at(new, name)) for name in {*old, *new} if name not in names
    )


def keys() -> st.SearchStrategy[Asked]:
    """Of the key attribute."""
    return st.sampled_from(["k", "k1", "x"]).map(
        lambda text: Asked(Key("Id").begins_with(text), None, lambda _old, _new: "k1".startswith(text))
    )


def combined(leaves: st.SearchStrategy[Asked]) -> st.SearchStrategy[Asked]:
    """Conditions of conditions."""
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.tuples(inner, inner).map(lambda pair: both(*pair)),
            st.tuples(inner, inner).map(lambda pair: either(*pair)),
            inner.map(opposite),
        ),
        max_leaves=5,
    )


def both(left: Asked, right: Asked) -> Asked:
    theirs = left.boto3 and right.boto3 and left.boto3 & right.boto3
    return Asked(
        left.ours & right.ours,
        theirs,
        lambda old, new: left.reference(old, new) and right.reference(old, new),
    )


def either(left: Asked, right: Asked) -> Asked:
    theirs = left.boto3 and right.boto3 and left.boto3 | right.boto3
    return Asked(
        left.ours | right.ours, theirs, lambda old, new: left.reference(old, new) or right.reference(old, new)
    )


def opposite(inner: Asked) -> Asked:
    return Asked(~inner.ours, inner.boto3 and ~inner.boto3, lambda old, new: not inner.reference(old, new))


CONDITIONS = combined(st.one_of(comparisons(), transitions(), keys()))
"""Any condition."""

FILTERS = combined(comparisons())
"""Conditions that boto3 can write too."""
