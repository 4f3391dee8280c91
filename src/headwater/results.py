"""What became of a batch, as tests and tools see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from headwater.outcomes import Outcome
from headwater.sources import BatchResponse, RawRecord


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of a batch.

    Attributes:
        records: The raw records, in the order of the batch.
        outcomes: For each of them, what became of it.
        response: What the Lambda function returns.
    """

    records: Sequence[RawRecord] = field(repr=False)
    outcomes: Sequence[Outcome]
    response: BatchResponse
