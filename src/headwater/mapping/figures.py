"""What a mapping has done, in figures: counted step by step, so that nothing of the records is kept."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Callable

from headwater.mapping.entries import Entry
from headwater.mapping.history import Delivery, Discard


class Ages:
    """How old the last record of each invocation was when it started, in seconds: what CloudWatch calls `IteratorAge`."""

    __slots__ = ("_seconds",)

    def __init__(self) -> None:
        self._seconds = array("d")

    def note(self, seconds: float) -> None:
        """Add an invocation."""
        self._seconds.append(seconds)

    @property
    def max(self) -> float:
        """The largest; 0 where there was no invocation."""
        return max(self._seconds, default=0.0)

    def percentile(self, percent: float) -> float:
        """The age that so many percent of the invocations do not exceed; 0 where there was none.

        Args:
            percent: More than 0, 100 at most.
        """
        if not self._seconds:
            return 0.0
        return sorted(self._seconds)[max(math.ceil(percent / 100 * len(self._seconds)), 1) - 1]

    def __repr__(self) -> str:
        return f"<Ages p50={self.percentile(50):.3f} p99={self.percentile(99):.3f} max={self.max:.3f}>"


def creation(entry: Entry) -> float:
    """When a record was written, as far as it says so itself."""
    return entry.created


class Figures:
    """What a mapping has done.

    Attributes:
        invocations: How often the function ran.
        failed: How many of these made no progress.
        throttled: How often it was not reached.
        retries: Invocations beyond the first of their batch.
        delivered: Records of all invocations, each counted as often as it was delivered.
        repeats: How many of these were no first deliveries.
        handled: Records that were acknowledged.
        discarded: By condition, the records that were given up.
        documents: How many messages went to the on-failure destination.
        ages: The iterator age.
    """

    def __init__(self, written: Callable[[Entry], float] = creation) -> None:
        """Begin with nothing.

        Args:
            written: When a record was written, in seconds since 1970.
        """
        self.invocations = 0
        self.failed = 0
        self.throttled = 0
        self.retries = 0
        self.delivered = 0
        self.repeats = 0
        self.handled = 0
        self.discarded: Counter[str] = Counter()
        self.documents = 0
        self.ages = Ages()
        self._written = written
        self._batches: dict[tuple[str, int], int] = {}  # of each lane, the last batch that was delivered

    def note(self, step: Delivery | Discard) -> None:
        """Count what was done."""
        if isinstance(step, Discard):
            self.discarded[step.condition] += len(step.entries)
            self.documents += step.document is not None
        elif step.verdict is None:
            self.throttled += 1
        else:
            self._ran(step)
            self.failed += step.verdict.redeliver_from == 0
            self.handled += step.done

    def _ran(self, delivery: Delivery) -> None:
        invocation = delivery.invocation
        entries = invocation.entries
        self.invocations += 1
        self.delivered += len(entries)
        lane = invocation.shard_id, invocation.lane
        if self._batches.get(lane) == invocation.batch:
            self.retries += 1
            self.repeats += len(entries)
        self._batches[lane] = invocation.batch
        if entries:
            self.ages.note(invocation.started - self._written(entries[-1]))
