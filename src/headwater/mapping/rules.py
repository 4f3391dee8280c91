"""What holds for all shards of one event source mapping."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from headwater.mapping.assumptions import DEFAULTS, Assumptions
from headwater.mapping.documents import LOCAL, Origin
from headwater.mapping.filters import compile_filters
from headwater.mapping.settings import EventSourceMapping


def numbered_request_id(shard_id: str, number: int) -> str:
    """The same name for the same invocation of every run."""
    return f"{crc32(shard_id.encode()):08x}-0000-4000-8000-{number:012x}"


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for all shards of one event source mapping.

    Attributes:
        settings: Those of the mapping.
        assumptions: What AWS does not document.
        origin: The stream and the function, as documents name them.
        request_id: Names the invocations of a shard by their number.
        wanted: Whether the filters want a record.

    Raises:
        FilterError: When AWS would refuse one of the filter patterns.
    """

    settings: EventSourceMapping
    assumptions: Assumptions = DEFAULTS
    origin: Origin = LOCAL
    request_id: Callable[[str, int], str] = numbered_request_id
    wanted: Callable[[Mapping[str, Any]], bool] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "wanted", compile_filters(self.settings.filter_criteria))
