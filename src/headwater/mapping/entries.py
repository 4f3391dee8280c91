"""A record on its way through the mapping."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from headwater.errors import SourceError

_JSON: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)
"""Made once: each record is measured."""


class Entry:
    """A record on its way through the mapping, with what the mapping has to know of it.

    Attributes:
        raw: The record in Lambda's form.
        sequence_number: Its sequence number.
        created: When it was written, in seconds since 1970: `ApproximateCreationDateTime`, or when it was read, where
            the record does not say.
        read: When it was read from the stream, in seconds since 1970.
        lane: Which of the shard's lanes it is in, from 0 on.
        settled: Whether the mapping is done with it: acknowledged, discarded, or not wanted by the filters.
    """

    __slots__ = ("_size", "created", "lane", "raw", "read", "sequence_number", "settled")

    def __init__(self, raw: Mapping[str, Any], read: float) -> None:
        """Begin with a record.

        Args:
            raw: The record in Lambda's form.
            read: When it was read.

        Raises:
            SourceError: When it has no sequence number, by which alone it can be tracked.
        """
        stream = raw.get("dynamodb")
        number = stream.get("SequenceNumber") if isinstance(stream, Mapping) else None
        if not isinstance(stream, Mapping) or not isinstance(number, str):
            raise SourceError(
                "a record of a DynamoDB stream has a dynamodb.SequenceNumber, and this one has not: "
                "check what the records are made by"
            )
        self.raw = raw
        self.sequence_number = number
        self.created = _seconds(stream.get("ApproximateCreationDateTime"), read)
        self.read = read
        self.lane = 0
        self.settled = False
        self._size = 0

    @property
    def size(self) -> int:
        """The bytes that the record takes in the payload of an invocation, as JSON."""
        if not self._size:
            self._size = json_size(self.raw)
        return self._size

    def __repr__(self) -> str:
        return f"<Entry {self.sequence_number}>"


def json_size(value: Any) -> int:
    """The bytes of a value in the payload of an invocation: as JSON, in UTF-8."""
    return len(_JSON.encode(value).encode(errors="surrogatepass"))


def _seconds(time: Any, otherwise: float) -> float:
    """A time of a record, which is a number, and in some of AWS's own samples the text of one."""
    try:
        return float(time)
    except (TypeError, ValueError):
        return otherwise
