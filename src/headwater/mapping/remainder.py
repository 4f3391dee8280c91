"""What is left of a batch: it shrinks with each answer that moves the checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headwater.mapping.documents import Attempts
from headwater.mapping.entries import Entry


class Remainder:
    """A batch, or what is left of it, that is delivered until nothing is left.

    Attributes:
        batch: Its number.
        entries: The records that are left; none where a tumbling window is closed.
        failures: Deliveries that failed since the checkpoint moved or the batch was split.
        attempts: What the on-failure document would say of them.
        event: What the last of them was given; `None` before the first.
    """

    __slots__ = ("attempts", "batch", "entries", "event", "failures")

    def __init__(self, batch: int, entries: Sequence[Entry]) -> None:
        self.batch = batch
        self.entries = entries
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget the failures: the checkpoint has moved."""
        self.failures = 0
        self.attempts = Attempts("", 0, function_error=False)
        self.event: Mapping[str, Any] | None = None

    def drop(self, count: int) -> Sequence[Entry]:
        """Let go of the first records, and begin anew with the rest."""
        dropped, self.entries = self.entries[:count], self.entries[count:]
        self.begin_anew()
        return dropped
