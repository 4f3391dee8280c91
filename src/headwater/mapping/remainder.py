"""What is left of a batch: it shrinks with each answer that moves the checkpoint."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.mapping.documents import Attempts
from headwater.mapping.entries import Entry


class Remainder:
    """A batch, or what is left of it, that is delivered until nothing is left.

    Attributes:
        batch: Its number.
        entries: The records that are left; none where a tumbling window is closed.
        failures: Deliveries that failed since the checkpoint moved or the batch was split.
        attempts: What the on-failure document would say.
    """

    __slots__ = ("attempts", "batch", "entries", "failures")

    def __init__(self, batch: int, entries: Sequence[Entry]) -> None:
        self.batch = batch
        self.entries = entries
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget the failures: the checkpoint has moved."""
        self.failures = 0
        self.attempts = Attempts("", 0, function_error=False)

    def drop(self, count: int) -> None:
        """The first records are done with."""
        for entry in self.entries[:count]:
            entry.settled = True
        self.entries = self.entries[count:]
        self.begin_anew()
