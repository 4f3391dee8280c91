"""Options that leave records out: noise, what another region has changed, and what Time to Live has or has not removed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from headwater.errors import WireValueError
from headwater.models import Shape
from headwater.options import Option
from headwater.origins import is_bookkeeping, may_be_bookkeeping
from headwater.paths import Path, format_path, is_below
from headwater.questions import OnlyChanged
from headwater.records import Record
from headwater.values import WireValue


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
