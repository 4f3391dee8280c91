"""What one invocation knows of how far records got: from the ledger at its start, for the ledger at its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from headwater.ledger import Entry, RecordProgress
from headwater.outcomes import Outcome, acknowledged
from headwater.sources import Batch, RawRecord

NOTHING: Final = RecordProgress()
_IDENTITY_BYTES: Final = 12


def _name(raw: RawRecord) -> tuple[Any, ...]:
    return raw.get("eventSourceARN"), raw["dynamodb"].get("SequenceNumber"), raw.get("eventID")


def _identity(name: tuple[Any, ...]) -> str:
    """A short text that is the same for every delivery of a record, and another one for every other record."""
    from hashlib import blake2b

    named = "\n".join(map(str, name)).encode(errors="surrogatepass")
    return blake2b(named, digest_size=_IDENTITY_BYTES).hexdigest()


class Tally:
    """How far the records of a batch got. What names them is taken before a handler can change a record."""

    __slots__ = ("_batch", "_loaded", "_names", "_noted")

    def __init__(self, batch: Batch, loaded: Entry | None) -> None:
        self._batch = batch
        self._loaded = loaded
        self._names = [_name(raw) for raw in batch.records]
        self._noted: dict[int, RecordProgress] = {}

    @property
    def loaded(self) -> Entry | None:
        """What the ledger knew."""
        return self._loaded

    def before(self, position: int) -> RecordProgress:
        """How far a record got in earlier invocations."""
        if self._loaded is None:
            return NOTHING
        return self._loaded.progress.get(_identity(self._names[position]), NOTHING)

    def note(self, position: int, progress: RecordProgress) -> None:
        """Remember how far a record got in this one."""
        self._noted[position] = progress

    def entry(self, outcomes: Sequence[Outcome]) -> Entry | None:
        """What the ledger is to keep for the next delivery; `None` when it need not remember anything.

        What was loaded of records that are not in this batch is kept: after a bisection, the other half has them.
        """
        waiting = [position for position, outcome in enumerate(outcomes) if not acknowledged(outcome)]
        progress = {} if self._loaded is None else dict(self._loaded.progress)
        redelivered = self._redelivered(waiting)
        if not (redelivered or progress):
            return None
        again = frozenset(redelivered)
        for position, identity in enumerate(map(_identity, self._names)):
            if position not in again:
                progress.pop(identity, None)
            elif position in self._noted:
                progress[identity] = self._noted[position]
        if redelivered and progress:
            first = redelivered[0]
            return Entry(_checkpoint(self._names[first], self._batch.identifiers[first]), progress)
        return self._loaded if progress else None

    def _redelivered(self, waiting: Sequence[int]) -> Sequence[int]:
        """Which positions come again: of Pipes what is listed, of a window all, else all from the checkpoint on."""
        if not waiting or self._batch.source == "EventBridge Pipes":
            return waiting
        return range(0 if self._batch.window is not None else waiting[0], len(self._names))


def checkpoint_of(batch: Batch, position: int) -> str:
    """The sequence number of a record; where it has none, what names it in a response."""
    return _checkpoint(_name(batch.records[position]), batch.identifiers[position])


def _checkpoint(name: tuple[Any, ...], identifier: str) -> str:
    _, number, _ = name
    return number if isinstance(number, str) and number else identifier
