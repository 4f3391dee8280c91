"""What the mapping does and has done: one value for each invocation, and one for each discard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from headwater.mapping.answers import Verdict
from headwater.mapping.entries import Entry

Then: TypeAlias = Literal["advance", "retry", "bisect", "discard"]
"""What follows an invocation: the records behind the checkpoint are delivered, all are delivered again, in two halves, or
not any more."""

Condition: TypeAlias = Literal["RetryAttemptsExhausted", "RecordAgeExceeded", "Trimmed"]
"""Why records are discarded: Lambda's two conditions, and the stream's own retention, which nobody is told of."""


class Invocation(NamedTuple):
    """The function is to be invoked.

    Attributes:
        number: 1 for the first invocation of the shard, counted on.
        request_id: Names it in the function's context and in the on-failure document.
        shard_id: The shard.
        lane: The lane of the shard, from 0 on.
        batch: 1 for the first batch of the shard, counted on; the same for its redeliveries and halves.
        attempt: 1 for the first delivery of these records, counted on until the checkpoint moves or they are split.
        entries: The records, in the shard's order; none where a tumbling window ends.
        event: What the function is given.
        started: When, in seconds since 1970.
    """

    number: int
    request_id: str
    shard_id: str
    lane: int
    batch: int
    attempt: int
    entries: Sequence[Entry]
    event: Mapping[str, Any]
    started: float


class Delivery(NamedTuple):
    """An invocation that is over.

    Attributes:
        invocation: What the function was given.
        ended: When, in seconds since 1970.
        verdict: What the mapping made of the answer; `None` when the function was not run.
        then: What follows.
        wait: Seconds until these records, or the first half of them, are delivered again; 0 where none are, or at once.
    """

    invocation: Invocation
    ended: float
    verdict: Verdict | None
    then: Then
    wait: float

    @property
    def done(self) -> int:
        """How many of the records are done, from the first on."""
        if self.verdict is None:
            return 0
        position = self.verdict.redeliver_from
        return len(self.invocation.entries) if position is None else position


class Discard(NamedTuple):
    """Records that the function is not given any more.

    Attributes:
        at: When, in seconds since 1970.
        shard_id: The shard.
        lane: The lane of the shard.
        batch: The batch they were in.
        entries: The records, in the shard's order.
        condition: Why.
        document: What the on-failure destination is sent; `None` for what the stream itself has trimmed.
        event: What the function was given with these records last; `None` where that was with others, or never.
    """

    at: float
    shard_id: str
    lane: int
    batch: int
    entries: Sequence[Entry]
    condition: Condition
    document: Mapping[str, Any] | None
    event: Mapping[str, Any] | None = None
