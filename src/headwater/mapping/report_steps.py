"""The history of a mapping: what it did, as steps in the order of time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from headwater.mapping.entries import Entry
from headwater.mapping.history import Delivery, Discard

Step: TypeAlias = Delivery | Discard
"""Something that was done with records."""


class History(NamedTuple):
    """What a mapping did.

    Attributes:
        deliveries: The invocations that are over.
        discards: The records that were given up.
        records: What was read, by shard: with it, the report knows of those that the filters left out and of those that
            are still waiting for their first delivery.
        filtered: How many more records the filters left out, beside those in `records`.
    """

    deliveries: Sequence[Delivery]
    discards: Sequence[Discard] = ()
    records: Mapping[str, Sequence[Entry]] = MappingProxyType({})
    filtered: int = 0


def entries_of(step: Step) -> Sequence[Entry]:
    """The records it was about."""
    return step.entries if isinstance(step, Discard) else step.invocation.entries


def shard_of(step: Step) -> str:
    """The shard it was in."""
    return step.shard_id if isinstance(step, Discard) else step.invocation.shard_id


def batch_of(step: Step) -> tuple[str, int]:
    """Names its batch: the shard, and the batch in it."""
    return shard_of(step), step.batch if isinstance(step, Discard) else step.invocation.batch


def began(step: Step) -> float:
    """When it began."""
    return step.at if isinstance(step, Discard) else step.invocation.started


def ended(step: Step) -> float:
    """When it ended."""
    return step.at if isinstance(step, Discard) else step.ended


def order_of(step: Step) -> tuple[float, float, int]:
    """Orders steps by time: what takes none comes before what begins with it, and a batch before the next."""
    return began(step), ended(step), batch_of(step)[1]
