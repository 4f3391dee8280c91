"""Conditions that are written as options of an app, a router or a decorator, and print as those."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headwater.changes import changed
from headwater.conditions import Condition
from headwater.errors import ConditionError, WireValueError
from headwater.models import Shape
from headwater.origins import is_bookkeeping, may_be_bookkeeping
from headwater.paths import Path, format_path, is_below
from headwater.questions import BOTH_IMAGES, OnlyChanged, placed, values_at
from headwater.records import Record
from headwater.values import WireValue


class Option(Condition[Any]):
    """A condition that prints as an option, with the option's name."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, repr=False)
class OfTable(Option):
    """`table=`: the record is of that table."""

    table: str

    def holds(self, record: Record, _shape: Shape, /) -> bool:
        """Read the table from the stream's ARN.

        Raises:
            ConditionError: When the ARN names no table.
        """
        if not record.table_name:
            raise ConditionError(
                "the eventSourceARN names no table, so it is not known whether a route with table= wants this record",
                sequence_number=record.sequence_number,
                steps=("eventSourceARN",),
            )
        return self.table == record.table_name

    def __repr__(self) -> str:
        return f"table={self.table!r}"


@dataclass(frozen=True, slots=True, repr=False)
class Expired(Option):
    """`expired=`: Time to Live has removed the item, or something else has."""

    expired: bool

    def holds(self, record: Record, _shape: Shape, /) -> bool:
        """Ask the record."""
        return record.expired is self.expired

    def __repr__(self) -> str:
        return f"expired={self.expired}"


@dataclass(frozen=True, slots=True, repr=False)
class AnyChanged(Option):
    """`attribute=`: the value at one of these paths has changed, was added or was removed."""

    paths: tuple[Path, ...]

    def holds(self, record: Record, _shape: Shape, /) -> bool:
        """Compare the two images there."""
        old, new = record.wire_images()
        try:
            for path in self.paths:
                if changed(old, new, path):
                    return True
        except WireValueError as error:
            places = [(image, *path) for path in self.paths for image in BOTH_IMAGES]
            raise placed(error, record, places) from None
        return False

    def values(self, record: Record) -> Mapping[str, WireValue | None]:
        """Each of them in both images."""
        return values_at(record, BOTH_IMAGES, *self.paths)

    def __repr__(self) -> str:
        names = [format_path(path) for path in self.paths]
        return f"attribute={names[0]!r}" if len(names) == 1 else f"attribute={names}"


@dataclass(frozen=True, slots=True, repr=False)
class Ignoring(Option):
    """`ignore=`: not a modification that changed nothing but noise."""

    noise: OnlyChanged[Any]

    def holds(self, record: Record, shape: Shape, /) -> bool:
        """Compare the two images, all but those paths."""
        return not self.noise.holds(record, shape)

    def ignores(self, path: Path) -> bool:
        """Whether a change at this path is noise."""
        return is_below(path, self.noise.paths)

    def values(self, record: Record) -> Mapping[str, WireValue | None]:
        """The first of the other places that have changed."""
        return self.noise.values(record)

    def __repr__(self) -> str:
        return f"ignore={[format_path(path) for path in self.noise.paths]}"


@dataclass(frozen=True, slots=True, repr=False)
class NotReplicated(Option):
    """`replicas="ignore"`: not a change that was made in another region, nor a note that replication made of one."""

    def holds(self, record: Record, _shape: Shape, /) -> bool:
        """Ask the record; what the stream does not tell counts as made here, so that nothing is lost.

        Raises:
            MissingImageError: When the stream's view type leaves out the new image, which alone could tell.
        """
        if record.event_name == "REMOVE":
            return True
        new = record.wire_image("NewImage")
        if record.event_name == "MODIFY" and may_be_bookkeeping(new):
            try:
                if is_bookkeeping(record.wire_image("OldImage"), new):
                    return False
            except WireValueError as error:
                raise record.named(error) from None
        return not record.replicated

    def __repr__(self) -> str:
        return "replicas='ignore'"
