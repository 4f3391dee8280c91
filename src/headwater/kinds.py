"""The kinds of records: `eventName` alone decides which one a record is, never the images that it has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from headwater.errors import MalformedRecordError
from headwater.models import Shape
from headwater.origins import NOTHING_DECLARED, Declared
from headwater.records import Insert, Modify, Record, Remove

RECORD_TYPES: Final[Mapping[str, type[Record[Any, Any]]]] = {
    kind.event_name: kind for kind in (Insert, Modify, Remove)
}

ALL_KINDS: Final = tuple(RECORD_TYPES)

AnyKind: TypeAlias = Insert[Any, Any] | Modify[Any, Any] | Remove[Any, Any]
"""What a function for any kind of record must accept; one that takes a `Record` does."""

# The kinds of records that two conditions can have in common: what they are combined to can be asked of those.
Inserted: TypeAlias = Insert[object, object]
Modified: TypeAlias = Modify[object, object]
Removed: TypeAlias = Remove[object, object]
Written: TypeAlias = Inserted | Modified
Existing: TypeAlias = Modified | Removed
Anything: TypeAlias = Inserted | Modified | Removed

if TYPE_CHECKING:
    # A function may ask for a model of its own.
    AskInserted: TypeAlias = Callable[[Insert[Any, Any]], bool]
    AskModified: TypeAlias = Callable[[Modify[Any, Any]], bool]
    AskRemoved: TypeAlias = Callable[[Remove[Any, Any]], bool]
    AskWritten: TypeAlias = Callable[[Insert[Any, Any] | Modify[Any, Any]], bool]
    AskExisting: TypeAlias = Callable[[Modify[Any, Any] | Remove[Any, Any]], bool]
    AskAnything: TypeAlias = Callable[[AnyKind], bool]

_PLAIN: Final = Shape()


def read_record(raw: Mapping[str, Any], declared: Declared = NOTHING_DECLARED) -> Record:
    """The typed view of a raw record, with plain dicts for images.

    Args:
        raw: A record that `headwater.sources` has let through: its `dynamodb` part is a dict.
        declared: What the user says of its table.

    Raises:
        MalformedRecordError: When its `eventName` is none that DynamoDB Streams has.
    """
    number = raw["dynamodb"].get("SequenceNumber")  # before anything that can fail
    sequence_number = number if isinstance(number, str) else ""
    name: Any = raw.get("eventName")
    kind = RECORD_TYPES.get(name) if isinstance(name, str) else None
    if kind is None:
        raise MalformedRecordError(
            f"eventName is INSERT, MODIFY or REMOVE, here it is {name!r}",
            sequence_number=sequence_number,
            steps=("eventName",),
        )
    return kind(raw, sequence_number, _PLAIN, {}, declared)
