"""What can be compared with a value: the methods of `Attr` and `Key` in boto3's words, and what they refuse."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Generic, TypeAlias

from headwater.comparisons import ORDERED_TAGS, compare_values, size
from headwater.conditions import Condition, R_contra
from headwater.errors import DeclarationError, WireValueError
from headwater.literals import Literal, literal
from headwater.paths import Path
from headwater.questions import Comparison
from headwater.records import Record
from headwater.values import TAGS, WireValue

_TYPES: Final = {"N": "a number", "S": "a text", "B": "bytes"}
_TAKES: Final[Mapping[str, Sequence[str]]] = {
    **dict.fromkeys(("lt", "lte", "gt", "gte", "between"), ORDERED_TAGS),
    "begins_with": ("S", "B"),
    "size": ("N",),
    "crosses": ("N",),
    "changed_by": ("N",),
}
"""The types that an operator takes; what is not listed takes all."""


class Comparable(Generic[R_contra]):
    """What can be compared with a value, or with another attribute."""

    __slots__ = ()

    def eq(self, value: Value) -> Condition[R_contra]:
        """It is equal to a value: of the same type, sets in any order, `1` as `1.0`."""
        return _compare(self, "eq", value)

    def ne(self, value: Value) -> Condition[R_contra]:
        """It is not equal to a value, is of another type, or is not there."""
        return _compare(self, "ne", value)

    def lt(self, value: Scalar) -> Condition[R_contra]:
        """It is less than a number, a text (by UTF-8 bytes) or a binary; false for another type."""
        return _compare(self, "lt", value)

    def lte(self, value: Scalar) -> Condition[R_contra]:
        """It is less than a value or equal to it."""
        return _compare(self, "lte", value)

    def gt(self, value: Scalar) -> Condition[R_contra]:
        """It is greater than a number, a text (by UTF-8 bytes) or a binary; false for another type."""
        return _compare(self, "gt", value)

    def gte(self, value: Scalar) -> Condition[R_contra]:
        """It is greater than a value or equal to it."""
        return _compare(self, "gte", value)

    def between(self, low: Scalar, high: Scalar) -> Condition[R_contra]:
        """It lies between two values, both included."""
        return _compare(self, "between", low, high)

    def is_in(self, values: Collection[Value]) -> Condition[R_contra]:
        """It is equal to one of several values."""
        given: object = values
        if isinstance(given, str | bytes | bytearray | Mapping) or not isinstance(given, Collection):
            raise DeclarationError(f"{self!r}.is_in takes a list of values, not a {type(values).__name__}")
        if not values:
            raise DeclarationError(f"{self!r}.is_in is given no value, so it would never hold: list some")
        # A set has no order, and conditions of the same code must be equal in every process.
        listed = sorted(values, key=repr) if isinstance(values, AbstractSet) else values
        return _compare(self, "is_in", *listed)


class Searchable(Generic[R_contra]):
    """What can be looked into."""

    __slots__ = ()

    def begins_with(self, value: str | bytes | bytearray | Comparable[Any]) -> Condition[R_contra]:
        """It is a text or binary that begins with a value."""
        return _compare(self, "begins_with", value)

    def contains(self, value: Value) -> Condition[R_contra]:
        """It is a text or binary with a value in it, a set with that member, or a list with that element."""
        return _compare(self, "contains", value)

    def exists(self) -> Condition[R_contra]:
        """It is there; `NULL` is."""
        return _compare(self, "exists")

    def not_exists(self) -> Condition[R_contra]:
        """It is not there."""
        return _compare(self, "not_exists")

    def attribute_type(self, tag: str) -> Condition[R_contra]:
        """It is of a type, given by its tag: `S N B BOOL NULL SS NS BS L M`."""
        if tag not in TAGS:
            raise DeclarationError(
                f"{self!r}.attribute_type({tag!r}) would never hold: the types are {', '.join(TAGS)}"
            )
        return _compare(self, "attribute_type", tag)

    def size(self) -> Size[R_contra]:
        """Its size, to compare: UTF-16 code units of a text, bytes of a binary, elements, members."""
        return Size(self)


Scalar: TypeAlias = str | int | Decimal | bytes | bytearray | Comparable[Any]
"""What has an order, or another attribute."""

Value: TypeAlias = Scalar | bool | Sequence[Any] | Mapping[str, Any] | AbstractSet[Any] | None
"""What DynamoDB can hold, or another attribute."""


@dataclass(frozen=True, slots=True, repr=False)
class Size(Comparable[R_contra]):
    """The size of an attribute: a number, or nothing for what has no size."""

    attribute: Any

    @property
    def kinds(self) -> tuple[str, ...]:
        """Those of the attribute."""
        kinds: tuple[str, ...] = self.attribute.kinds
        return kinds

    def read(self, record: Record) -> WireValue | None:
        """The size as a number in wire form."""
        value = self.attribute.read(record)
        try:
            return size(value)
        except WireValueError as error:
            raise record.named(error, *self.place(record)) from None

    def place(self, record: Record) -> Path:
        """That of the attribute."""
        place: Path = self.attribute.place(record)
        return place

    def values(self, record: Record) -> Mapping[str, WireValue | None]:
        """The size, at the place of the attribute."""
        try:
            return {f"size of {at}": size(value) for at, value in self.attribute.values(record).items()}
        except WireValueError:
            return {}

    def __repr__(self) -> str:
        return f"{self.attribute!r}.size()"


def _compare(operand: Any, operator: str, *values: Any) -> Condition[Any]:
    text = f"{operand!r}.{operator}"
    others = tuple(_other(value, operand, operator, text) for value in values)
    if operator == "between" and all(isinstance(other, Literal) for other in others):
        low, high = (other.wire for other in others)
        order = compare_values(low, high)
        if order is None or order > 0:
            raise DeclarationError(
                f"{text}({', '.join(map(repr, others))}) would never hold: "
                "give the lower value first, and both of one type"
            )
    return Comparison(operand, operator, others)


def _other(value: Any, operand: Any, operator: str, text: str) -> Any:
    if not isinstance(value, Comparable):
        return checked_literal(value, "size" if isinstance(operand, Size) else operator, text)
    if value == operand and operator != "between":
        raise DeclarationError(f"{text} compares it with itself, so the answer would always be the same")
    return value


def checked_literal(value: object, operator: str, text: str) -> Literal:
    """A value that is written into the code, of a type that the operator takes.

    Args:
        value: The value.
        operator: The operator's name.
        text: The code so far, for messages.

    Raises:
        DeclarationError: When DynamoDB has no such value, or the operator could never hold for it.
    """
    try:
        made = literal(value)
    except WireValueError as error:
        raise DeclarationError(f"{text}({value!r}): {error}") from None
    tags = _TAKES.get(operator, TAGS)
    if not made.wire.keys() & set(tags):
        raise DeclarationError(
            f"{text}({value!r}) would never hold: compare it with {' or '.join(_TYPES[tag] for tag in tags)}"
        )
    return made
