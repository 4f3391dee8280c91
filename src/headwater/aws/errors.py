"""What the ledger and the sinks raise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from headwater.errors import DeadLetterError, HeadwaterError

_SHOWN: Final = 10


class LedgerError(HeadwaterError):
    """An entry was not kept in the ledger. That costs repeats; no record is lost by it."""


def not_stored(reason: str, sequence_numbers: Sequence[str]) -> DeadLetterError:
    """The error for these records, with what went wrong and what to do."""
    shown = ", ".join(sequence_numbers[:_SHOWN]) + (", ..." if len(sequence_numbers) > _SHOWN else "")
    return DeadLetterError(
        f"{reason}; the records that stay unacknowledged have the sequence numbers {shown}",
        not_stored=sequence_numbers,
    )
