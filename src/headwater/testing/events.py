"""Records into what Lambda and EventBridge Pipes pass to a function, and into what a handler is given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any, cast, get_args, get_origin

from headwater.kinds import RECORD_TYPES, read_record
from headwater.models import Shape, decoder_for
from headwater.records import AnyRecord, Record, reshape
from headwater.sources import RawRecord, read_event


def event(records: Iterable[RawRecord]) -> dict[str, Any]:
    """The event that an event source mapping passes to a function for a batch of records.

    Args:
        records: In the order of the batch.

    Returns:
        A dict with the key `Records`, of copies, so that a handler that changes its event leaves the next delivery as
        it is.

    Raises:
        TypeError: When given one record instead of several.
    """
    return {"Records": _copies(records, "event")}


def pipes_batch(records: Iterable[RawRecord]) -> list[dict[str, Any]]:
    """The list that EventBridge Pipes passes to a function for a batch of records.

    Args:
        records: In the order of the batch.

    Returns:
        Copies of the records.

    Raises:
        TypeError: When given one record instead of several.
    """
    return _copies(records, "pipes_batch")


def as_record(raw: RawRecord, kind: type[AnyRecord]) -> AnyRecord:
    """The typed record that a handler is given, to call one directly.

    Args:
        raw: A record in wire form, as from `Table.modify`.
        kind: What the handler's annotation says: `Modify[GameScore]`, or `Record[GameScore]` for any kind.

    Raises:
        TypeError: When the record is of another kind.
        SourceError: When it is no DynamoDB stream record.
        pydantic.errors.PydanticUserError: When pydantic can make no validator for the model.
    """
    [known] = read_event(event([raw])).records
    record = read_record(known)
    wanted = get_origin(kind) or kind
    if wanted is not Record and wanted not in RECORD_TYPES.values():
        raise TypeError(f"a handler is given an Insert, Modify, Remove or Record, not a {kind!r}")
    if not isinstance(record, wanted):
        raise TypeError(
            f"this is the record of {record.event_name}, so it is a {type(record).__name__} "
            f"and no {wanted.__name__}: ask for the kind that it has"
        )
    shape = Shape(*(decoder_for(model) for model in get_args(kind)))
    return cast("AnyRecord", reshape(record, shape))


def _copies(records: Iterable[RawRecord], builder: str) -> list[dict[str, Any]]:
    if isinstance(records, Mapping):
        raise TypeError(f"{builder} takes a list of records, this is one mapping: write {builder}([record])")
    return [deepcopy(dict(record)) for record in records]
