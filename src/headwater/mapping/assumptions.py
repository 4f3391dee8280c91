"""What AWS does not document about event source mappings, and what is done here instead."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal
from zlib import crc32

_JSON: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"))  # made once: each record has a lane
_FIRST_WAIT_SECONDS: Final = 0.4
_LONGEST_WAIT_SECONDS: Final = 60.0
_MOST_DOUBLINGS: Final = 16


def doubling_back_off(failures: int) -> float:
    """Seconds to wait after so many failures in a row: 0.4, 0.8, 1.6, and so on up to 60.

    In one run recorded of AWS, a record that always fails was delivered eight times before it was 60 seconds old. A
    doubling does that when it begins with less than half a second.
    """
    return min(_FIRST_WAIT_SECONDS * 2.0 ** min(failures - 1, _MOST_DOUBLINGS), _LONGEST_WAIT_SECONDS)


def lane_by_checksum(keys: Mapping[str, Any], lanes: int) -> int:
    """The lane of an item: by the CRC-32 of its keys, written as JSON in order of their names."""
    return crc32(_JSON.encode(keys).encode()) % lanes


def lower_half(count: int) -> int:
    """How many records of a batch go into the first half: half of them, rounded down."""
    return count // 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Assumptions:
    """What AWS does not document about event source mappings. Each can be told otherwise.

    Attributes:
        back_off: From the number of failures without progress, the seconds until the next delivery.
        lane_of: From an item's keys in wire form and the `ParallelizationFactor`, the lane, from 0 on.
        bisect_at: From the number of records, 2 or more, how many are in the first half: 1 or more, less than all.
        retries_before_bisect: How often a batch is delivered again whole before it is split.
        bisect_on_response: Whether a response that fails the whole batch splits it, as a function error does.
        unknown_identifier: What an `itemIdentifier` that names no record of the batch makes of it: all of it fails, or
            the entry is ignored.
        other_response: What a response that is no JSON object, and not empty, makes of the batch.
        state_after_partial: Which state of a tumbling window the records behind the checkpoint are given: the one that
            came with the response, or the one from before.
        retention_seconds: For how long the stream keeps a record; older ones are never delivered. This one is
            documented: [24 hours](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html).
    """

    back_off: Callable[[int], float] = doubling_back_off
    lane_of: Callable[[Mapping[str, Any], int], int] = lane_by_checksum
    bisect_at: Callable[[int], int] = lower_half
    retries_before_bisect: int = 0
    bisect_on_response: bool = True
    unknown_identifier: Literal["failure", "ignored"] = "failure"
    other_response: Literal["failure", "success"] = "failure"
    state_after_partial: Literal["returned", "kept"] = "returned"
    retention_seconds: float = 86_400.0


DEFAULTS: Final = Assumptions()
"""The stated defaults."""
