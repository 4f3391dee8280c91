"""What the ledger remembers between two deliveries of a batch: what is done beyond the checkpoint, and what has failed.

An entry is written only when an invocation has left something unacknowledged, and found again by the first record of a
batch: Lambda delivers from the checkpoint on, so that is the record the entry was written for. Where Lambda bisects a
batch, its second half starts later than that, which is why the nearest entry before it is taken.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from headwater.progress import Progress, RecordProgress

DIGITS: Final = 64
"""Sequence numbers are compared as numbers: as texts of this many digits. DynamoDB has 21 to 40, Kinesis 56."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of a batch.

    Attributes:
        checkpoint: The sequence number of the record to go on from.
        progress: Of records from there on; those that never started are not in it.
        last: The sequence number of the last record that it knows of.
        version: The ledger's own mark of what it has loaded; `None` for an entry that is new.
    """

    checkpoint: str
    progress: Progress
    last: str = ""
    version: Any = field(default=None, compare=False)


class Ledger(Protocol):
    """Where progress is kept. What it raises costs repeats and is logged; no record is lost by it."""

    def load(self, consumer: str, checkpoint: str) -> Entry | None:
        """The entry with this checkpoint, else that with the nearest one before it, else `None`.

        Args:
            consumer: Which function reads which stream.
            checkpoint: The sequence number of the first record of a batch.
        """
        ...

    def replace(self, consumer: str, old: Entry | None, new: Entry | None) -> object:
        """Keep `new`, and forget `old`, which was loaded before.

        Args:
            consumer: Which function reads which stream.
            old: What `load` returned.
            new: What is known now; `None` when all is done.
        """
        ...


def ordered(checkpoint: str) -> str:
    """A sequence number as a text that sorts as the number does."""
    return checkpoint.zfill(DIGITS)


def merge(first: Progress, second: Progress) -> dict[str, RecordProgress]:
    """What two invocations know together."""
    merged = dict(first)
    for identity, progress in second.items():
        known = merged.get(identity)
        merged[identity] = progress if known is None else known.merged(progress)
    return merged


class MemoryLedger:
    """A ledger in the memory of the process: it lasts as long as the function stays warm.

    A cold start forgets what it knew: then records beyond the checkpoint run again, and attempts are counted from 0.
    """

    def __init__(self, *, max_records: int = 100_000) -> None:
        """Remember nothing yet.

        Args:
            max_records: Of how many records progress is kept; beyond that, the oldest entries are forgotten.
        """
        self._max_records = max_records
        self._lock = threading.Lock()
        self._entries: dict[tuple[str, str], Entry] = {}

    def load(self, consumer: str, checkpoint: str) -> Entry | None:
        """The entry with this checkpoint, else that with the nearest one before it."""
        exact = self._entries.get((consumer, ordered(checkpoint)))
        if exact is not None:
            return exact
        nearest = max(
            (key for key in self._entries if key[0] == consumer and key[1] < ordered(checkpoint)),
            default=None,
        )
        return None if nearest is None else self._entries[nearest]

    def replace(self, consumer: str, old: Entry | None, new: Entry | None) -> None:
        """Keep `new`, as the youngest, and forget `old`."""
        with self._lock:
            if old is not None:
                self._entries.pop((consumer, ordered(old.checkpoint)), None)
            if new is None:
                return
            self._entries[consumer, ordered(new.checkpoint)] = new
            while len(self._entries) > 1 and self._records() > self._max_records:
                del self._entries[next(iter(self._entries))]

    def _records(self) -> int:
        return sum(len(entry.progress) for entry in self._entries.values())

    def __repr__(self) -> str:
        return f"<MemoryLedger with {self._records()} records>"
