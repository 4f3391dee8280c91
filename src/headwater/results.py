"""What became of a batch, as tests and tools see it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from headwater.outcomes import Outcome
from headwater.sources import BatchResponse, RawRecord


class BatchResult(NamedTuple):
    """What became of a batch.

    Attributes:
        records: The raw records, in the order of the batch.
        outcomes: For each of them, what became of it.
        response: What the Lambda function returns.
    """

    records: Sequence[RawRecord]
    outcomes: Sequence[Outcome]
    response: BatchResponse

    def __repr__(self) -> str:  # without the records: items stay out of logs
        return f"BatchResult(outcomes={self.outcomes!r}, response={self.response!r})"
