"""Conditions that are written as options of a decorator or router, and print as those. The rarer ones are in `exclusions.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headwater.changes import changed
from headwater.conditions import Condition
from headwater.errors import ConditionError, WireValueError
from headwater.models import Shape
from headwater.paths import Path, format_path
from headwater.places import BOTH_IMAGES, placed, values_at
from headwater.records import Record
from headwater.values import WireValue


class Option(Condition[Any]):
    """A condition that prints as an option, with the option's name."""

    __slots__ = ()

    @property
    def may_fail(self) -> bool:
        """Whether it is to fail for some records, so that it must be asked of every one."""
        return False


@dataclass(frozen=True, slots=True, repr=False, eq=False)
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


@dataclass(frozen=True, slots=True, repr=False, eq=False)
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
