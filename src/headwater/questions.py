"""What can be asked of an attribute: the conditions at the leaves, evaluated on wire values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from headwater.changes import differences, lookup
from headwater.comparisons import OPERATORS, TRANSITIONS
from headwater.conditions import Condition, R_contra
from headwater.errors import HeadwaterError, WireValueError
from headwater.kinds import ALL_KINDS
from headwater.literals import Literal
from headwater.models import Shape
from headwater.paths import Path, format_path
from headwater.places import BOTH_IMAGES, placed, values_at
from headwater.records import Record
from headwater.values import WireValue

KINDS_OF_TRANSITIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "changed": ALL_KINDS,
    "added": ("INSERT", "MODIFY"),
    "removed": ("MODIFY", "REMOVE"),
    "was": ("MODIFY", "REMOVE"),
    "becomes": ("INSERT", "MODIFY"),
    "increased": ("MODIFY",),
    "decreased": ("MODIFY",),
    "crosses": ("MODIFY",),
    "changed_by": ("MODIFY",),
}
"""On the other kinds of records they do not hold."""

_SHOWN: Final = 3


class Operand(Protocol):
    """One side of a comparison."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The event names of the records in which it can be there."""
        ...

    def read(self, record: Record) -> WireValue | None:
        """Its value for a record; `None` when there is none."""
        ...

    def place(self, record: Record) -> Path:
        """Where in a record it is."""
        ...

    def values(self, record: Record) -> Mapping[str, WireValue | None]:
        """The values that it reads, by their places."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class Comparison(Condition[R_contra]):
    """A value of the record beside others, by one of DynamoDB's operators.

    Attributes:
        operand: The value that is asked about.
        operator: boto3's name of the operator.
        others: What it is compared with.
    """

    operand: Operand
    operator: str
    others: tuple[Operand | Literal, ...] = ()

    @property
    def kinds(self) -> tuple[str, ...]:
        """Those in which both sides can be there."""
        sides = (self.operand, *self.others)
        return tuple(kind for kind in ALL_KINDS if all(kind in side.kinds for side in sides))

    @property
    def otherwise(self) -> bool:
        """What is never there differs from everything."""
        return self.operator in ("ne", "not_exists")

    def holds(self, record: Record, _shape: Shape, /) -> bool:
        """Compare."""
        value = self.operand.read(record)
        try:
            return OPERATORS[self.operator](value, *[other.read(record) for other in self.others])
        except WireValueError as error:
            sides = (self.operand, *self.others)
            places = [side.place(record) for side in sides if not isinstance(side, Literal)]
            raise placed(error, record, places) from None

    def values(self, record: Record) -> Mapping[str, WireValue | None]:
        """Those of both sides."""
        return {
            at: value for side in (self.operand, *self.others) for at, value in side.values(record).items()
        }

    def __repr__(self) -> str:
        others = ", ".join(map(repr, self.others))
        return f"{self.operand!r}.{self.operator}({f'[{others}]' if self.operator == 'is_in' else others})"


@dataclass(frozen=True, slots=True, repr=False)
class Transition(Condition[R_contra]):
    """An attribute before and after the change.

    Attributes:
        path: Where it is in the item.
        operator: One of `TRANSITIONS`.
        others: What it is compared with.
    """

    path: Path
    operator: str
    others: tuple[Literal, ...] = ()

    @property
    def kinds(self) -> tuple[str, ...]:
        """Those on which it can hold."""
        return KINDS_OF_TRANSITIONS[self.operator]

    def holds(self, record: Record, _shape: Shape, /) -> bool:
        """Compare the two images."""
        if record.event_name not in KINDS_OF_TRANSITIONS[self.operator]:
            return False
        try:
            # For `was`, a stream of old images is enough.
            old, new = (record.wire_image("OldImage"), {}) if self.operator == "was" else record.wire_images()
            before, after = lookup(old, self.path), lookup(new, self.path)
            return TRANSITIONS[self.operator](before, after, *[other.wire for other in self.others])
        except WireValueError as error:
            raise placed(error, record, [(image, *self.path) for image in BOTH_IMAGES]) from None

    def values(self, record: Record) -> Mapping[str, WireValue | None]:
        """The attribute in both images."""
        return values_at(record, BOTH_IMAGES, self.path)

    def __repr__(self) -> str:
        name = "at_least=" if self.operator == "changed_by" else ""
        return f"Attr({format_path(self.path)!r}).{self.operator}({name}{', '.join(map(repr, self.others))})"


@dataclass(frozen=True, slots=True, repr=False)
class OnlyChanged(Condition[R_contra]):
    """A modification that is confined to some paths."""

    paths: tuple[Path, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """What is new or gone as a whole is not confined to an attribute."""
        return ("MODIFY",)

    def holds(self, record: Record, _shape: Shape, /) -> bool:
        """Compare the two images, all but those paths."""
        if record.event_name != "MODIFY":
            return False
        return next(self._others(record), None) is None

    def values(self, record: Record) -> Mapping[str, WireValue | None]:
        """The first of the other places that have changed."""
        try:
            others = [path[:1] for path in self._others(record)] if record.event_name == "MODIFY" else []
        except HeadwaterError:
            return {}
        others = list(dict.fromkeys(others))[:_SHOWN]  # names further in can be data, such as a map by e-mail
        return values_at(record, BOTH_IMAGES, *others)

    def _others(self, record: Record) -> Iterator[Path]:
        old, new = record.wire_images()
        try:
            yield from differences(old, new, outside=self.paths)
        except WireValueError as error:
            raise record.named(error) from None

    def __repr__(self) -> str:
        return f"only_changed({sorted(map(format_path, self.paths))})"
