"""What one invocation knows of how far records got: from the ledger at its start, for the ledger at its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from headwater.ledger import Entry, ordered
from headwater.outcomes import Outcome, acknowledged
from headwater.progress import NOTHING, RecordProgress
from headwater.sources import Batch, RawRecord

HELD: Final = RecordProgress(frozenset({"hold_item"}), put_aside=True)
"""What is kept for an item, and not for a record: later records of it are put aside too."""
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

    __slots__ = ("_batch", "_held", "_is_own", "_loaded", "_names", "_noted")

    def __init__(self, batch: Batch, loaded: Entry | None) -> None:
        self._batch = batch
        self._loaded = loaded
        self._names = [_name(raw) for raw in batch.records]
        self._noted: dict[int, RecordProgress] = {}
        # Whether the entry was written for a batch that started with the same record.
        self._is_own = loaded is not None and ordered(loaded.checkpoint) == ordered(self._checkpoint(0))
        known = loaded.progress if loaded is not None and self._is_own else {}
        self._held = {identity for identity, progress in known.items() if progress == HELD}

    @property
    def knows(self) -> bool:
        """Whether the ledger had an entry."""
        return self._loaded is not None

    def before(self, position: int) -> RecordProgress:
        """How far a record got in earlier invocations.

        That it was put aside is believed only of a batch that starts where the entry does: one that starts elsewhere may be
        a person's, who wants it to run again.
        """
        if self._loaded is None:
            return NOTHING
        progress = self._loaded.progress.get(_identity(self._names[position]), NOTHING)
        return progress._replace(put_aside=False) if progress.put_aside and not self._is_own else progress

    def note(self, position: int, progress: RecordProgress) -> None:
        """Remember how far a record got in this one."""
        self._noted[position] = progress

    def hold(self, item: object) -> None:
        """Remember that later records of an item are put aside, until all of the batch is done."""
        self._held.add(_identity((repr(item),)))

    def holds(self, item: object) -> bool:
        """Whether they are, since this or an earlier invocation."""
        return bool(self._held) and _identity((repr(item),)) in self._held

    def changes(self, outcomes: Sequence[Outcome]) -> tuple[Entry | None, Entry | None]:
        """What the ledger is to forget, and what it is to keep for the next delivery; twice `None` for no change.

        An entry that was written for another first record is somebody else's: of another lane of the shard, or of a batch
        that Lambda has bisected. It is read, and left alone while it knows of records that are not in this batch.
        """
        waiting = [position for position, outcome in enumerate(outcomes) if not acknowledged(outcome)]
        if self._loaded is None and not waiting:
            return None, None
        identities = [_identity(name) for name in self._names]
        known = {} if self._loaded is None else self._loaded.progress
        redelivered = self._redelivered(waiting)
        kept = {identities[position]: self._latest(position) for position in redelivered}
        kept = {identity: progress for identity, progress in kept.items() if progress != NOTHING}
        others = {identity: known[identity] for identity in known.keys() - set(identities)}
        last = self._checkpoint(len(self._names) - 1)
        if self._loaded is not None and ordered(last) < ordered(self._loaded.last) and (self._is_own or kept):
            # A part of a batch that Lambda has bisected: what comes behind it looks here for what is done.
            kept |= {identity: progress for identity, progress in others.items() if progress != HELD}
            last = self._loaded.last
        if waiting:
            kept |= dict.fromkeys(self._held, HELD)
        forgotten = self._loaded if self._is_own or not others else None
        if not kept:
            return forgotten, None
        entry = Entry(self._checkpoint(redelivered[0] if waiting else 0), kept, last)
        return (None, None) if entry == forgotten else (forgotten, entry)

    def _checkpoint(self, position: int) -> str:
        return _checkpoint(self._names[position], self._batch.identifiers[position])

    def _latest(self, position: int) -> RecordProgress:
        noted = self._noted.get(position)
        return self.before(position) if noted is None else noted

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
