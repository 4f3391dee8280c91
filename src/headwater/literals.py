"""Values that are written into the code of a condition."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from headwater.encoding import value_to_wire
from headwater.kinds import ALL_KINDS
from headwater.records import Record
from headwater.values import WireValue


@dataclass(frozen=True, slots=True, repr=False)
class Literal:
    """A value that is written into the code.

    Attributes:
        wire: The value in wire form.
        shown: The value as it was written.
    """

    wire: WireValue
    shown: str = field(compare=False)

    @property
    def kinds(self) -> tuple[str, ...]:
        """All of them."""
        return ALL_KINDS

    def read(self, _record: Record) -> WireValue:
        """The value itself."""
        return self.wire

    def values(self, _record: Record) -> Mapping[str, WireValue | None]:
        """None: it is no data."""
        return {}

    def __hash__(self) -> int:
        return hash(json.dumps(self.wire, sort_keys=True))

    def __repr__(self) -> str:
        return self.shown


def literal(value: object) -> Literal:
    """A value for a condition.

    Raises:
        WireValueError: When DynamoDB has no such value.
    """
    wire = json.loads(json.dumps(value_to_wire(value)))  # plain text, also of an Enum that is a text
    return Literal(wire, _show(value))


def _show(value: object) -> str:
    """The code that makes a value: a set always in the same order, an Enum as its value."""
    match value:
        case set() | frozenset():
            return f"{{{', '.join(sorted(map(_show, value)))}}}"
        case list() | tuple():
            return f"[{', '.join(map(_show, value))}]"
        case Mapping():
            return f"{{{', '.join(f'{_show(name)}: {_show(member)}' for name, member in value.items())}}}"
        case str():
            return repr(str.__str__(value))
        case bool() | None:
            return repr(value)
        case int():
            return repr(int(value))
        case _:
            return repr(value)
