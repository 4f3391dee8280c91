"""A record on its way through the mapping."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

_JSON: Final = json.JSONEncoder(
    separators=(",", ":"), ensure_ascii=False
)  # made once: each record is measured


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
        stream = raw["dynamodb"]
        self.raw = raw
        self.sequence_number: str = stream["SequenceNumber"]
        self.created: float = stream.get("ApproximateCreationDateTime", read)
        self.read = read
        self.lane = 0
        self.settled = False
        self._size = 0

    @property
    def size(self) -> int:
        """The bytes that the record takes in the payload of an invocation, as JSON."""
        if not self._size:
            self._size = len(_JSON.encode(self.raw).encode())
        return self._size

    def __repr__(self) -> str:
        return f"<Entry {self.sequence_number}>"
