"""`Attr` and `Key`: what a condition is written with, in boto3's words and those that only a stream can ask."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from headwater.comparisons import compare_values
from headwater.conditions import Condition, R_contra
from headwater.errors import DeclarationError
from headwater.kinds import ALL_KINDS, Anything, Existing, Modified, Written
from headwater.operands import Comparable, Searchable, Value, checked_literal
from headwater.paths import Path, format_path, parse_path
from headwater.places import read, values_at
from headwater.questions import Transition
from headwater.records import Record
from headwater.streams import ImageName
from headwater.values import WireValue


class Located(ABC):
    """A path into an image or the keys of a record."""

    __slots__ = ()
    path: Path

    @abstractmethod
    def image_of(self, kind: str, /) -> ImageName:
        """The image or the keys that the path leads into, in records with that event name."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The event names of the records that have it."""
        return ALL_KINDS

    def read(self, record: Record) -> WireValue | None:
        """Its value; `None` when there is none."""
        return read(record, self.image_of(record.event_name), self.path)

    def place(self, record: Record) -> Path:
        """Where it is in a record."""
        return (self.image_of(record.event_name), *self.path)

    def values(self, record: Record) -> Mapping[str, WireValue | None]:
        """Its value, by its place."""
        return values_at(record, (self.image_of(record.event_name),), self.path)


@dataclass(frozen=True, slots=True, repr=False)
class ImageAttr(Located, Comparable[R_contra], Searchable[R_contra]):
    """An attribute of one of the two images."""

    path: Path
    image: ImageName

    @property
    def kinds(self) -> tuple[str, ...]:
        """Those that have the image."""
        return ("MODIFY", "REMOVE") if self.image == "OldImage" else ("INSERT", "MODIFY")

    def image_of(self, _kind: str, /) -> ImageName:
        """The one that it was asked for."""
        return self.image

    def __repr__(self) -> str:
        return f"Attr({format_path(self.path)!r}).{'old' if self.image == 'OldImage' else 'new'}"


@dataclass(frozen=True, slots=True, repr=False)
class Attr(Located, Comparable[Anything], Searchable[Anything]):
    """An attribute of the item: as it is now, or for a removal as it was.

    Args:
        name: Its path: `Status`, `Address.City`, `Lines[0].Sku`, or `["a.b"]` for a name that holds dots or brackets.

    Raises:
        DeclarationError: When that is no path.
    """

    name: str = field(compare=False)
    path: Path = field(init=False)

    def __post_init__(self) -> None:
        path = _path(self.name, "Attr")
        object.__setattr__(self, "name", str.__str__(self.name))  # of an Enum, its text
        object.__setattr__(self, "path", path)

    @property
    def old(self) -> ImageAttr[Existing]:
        """It in the old image: before the change."""
        return ImageAttr(self.path, "OldImage")

    @property
    def new(self) -> ImageAttr[Written]:
        """It in the new image: after the change."""
        return ImageAttr(self.path, "NewImage")

    def changed(self) -> Condition[Anything]:
        """Its value is another one than before; added and removed count, so an insert or removal with it does."""
        return self._transition("changed")

    def added(self) -> Condition[Written]:
        """It is there and was not before."""
        return self._transition("added")

    def removed(self) -> Condition[Existing]:
        """It was there and is no more."""
        return self._transition("removed")

    def was(self, value: Value) -> Condition[Existing]:
        """Before the change it was equal to a value, whatever it is now."""
        return self._transition("was", value)

    def becomes(self, value: Value) -> Condition[Written]:
        """It is equal to a value now, and was not before."""
        return self._transition("becomes", value)

    def increased(self) -> Condition[Modified]:
        """It was a number and is a greater one."""
        return self._transition("increased")

    def decreased(self) -> Condition[Modified]:
        """It was a number and is a smaller one."""
        return self._transition("decreased")

    def crosses(self, value: int | Decimal) -> Condition[Modified]:
        """It went from below a number to that number or above it, or the other way."""
        return self._transition("crosses", value)

    def changed_by(self, *, at_least: int | Decimal) -> Condition[Modified]:
        """It was a number and is one that differs by so much or more, in either direction."""
        return self._transition("changed_by", at_least)

    def image_of(self, kind: str, /) -> ImageName:
        """The new image, for a removal the old one."""
        return "OldImage" if kind == "REMOVE" else "NewImage"

    def _transition(self, operator: str, *values: object) -> Condition[Any]:
        text = f"{self!r}.{operator}"
        others = tuple(checked_literal(value, operator, text) for value in values)
        if operator == "changed_by" and compare_values(others[0].wire, {"N": "0"}) != 1:
            raise DeclarationError(f"{text}: at_least={others[0]!r} would hold always: give a number above 0")
        return Transition(self.path, operator, others)

    def __repr__(self) -> str:
        return f"Attr({self.name!r})"


@dataclass(frozen=True, slots=True, repr=False)
class Key(Located, Comparable[Anything], Searchable[Anything]):
    """A key attribute of the item. Records of every stream view type have the keys, and they never change.

    Args:
        name: Its name, or `["a.b"]` for a name that holds dots or brackets.

    Raises:
        DeclarationError: When that is no name of a key.
    """

    name: str = field(compare=False)
    path: Path = field(init=False)

    def __post_init__(self) -> None:
        path = _path(self.name, "Key")
        if len(path) > 1:
            raise DeclarationError(
                f"Key({self.name!r}) leads into a map, and keys are none: "
                f"write Key({format_path((self.name,))!r}) for a name with dots in it, or Attr for another attribute"
            )
        object.__setattr__(self, "name", str.__str__(self.name))  # of an Enum, its text
        object.__setattr__(self, "path", path)

    def image_of(self, _kind: str, /) -> ImageName:
        """The keys."""
        return "Keys"

    def __repr__(self) -> str:
        return f"Key({self.name!r})"


def _path(name: Any, what: str) -> Path:
    if not isinstance(name, str):
        raise DeclarationError(f"{what} takes the name of an attribute, not a {type(name).__name__}")
    try:
        return parse_path(name)
    except ValueError as error:
        raise DeclarationError(f"{what}: {error}") from None
