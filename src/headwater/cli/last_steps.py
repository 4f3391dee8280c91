"""The last steps of a run, for its report."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from headwater.cli.environment import Reply
from headwater.mapping.history import Delivery, Discard
from headwater.mapping.observed import Delivered, Event, Stored


@dataclass(slots=True)
class LastSteps:
    """The last deliveries and discards: so many that they fit into memory, however long a run takes.

    Attributes:
        most_deliveries: How many deliveries are kept.
        most_records: How many records the steps that are kept have together; the last one is kept in any case.
        deliveries: The oldest first.
        discards: The oldest first.
    """

    most_deliveries: int = 20_000
    most_records: int = 100_000
    deliveries: deque[Delivery] = field(default_factory=deque)
    discards: deque[Discard] = field(default_factory=deque)
    _records: int = 0

    def add(self, event: Event[Reply]) -> None:
        """Keep a step, in the place of the oldest ones."""
        if isinstance(event, Delivered):
            # The event has the records once more, and the report does not read it.
            invocation = event.delivery.invocation._replace(event={})
            self.deliveries.append(event.delivery._replace(invocation=invocation))
            self._records += len(invocation.entries)
        elif isinstance(event, Stored):
            self.discards.append(event.discard._replace(event=None))
            self._records += len(event.discard.entries)
        while self._too_many:
            entries = (
                self.deliveries.popleft().invocation.entries
                if len(self.deliveries) > 1
                else self.discards.popleft().entries
            )
            self._records -= len(entries)

    @property
    def _too_many(self) -> bool:
        more_than_one = len(self.deliveries) > 1 or len(self.discards) > 1
        return len(self.deliveries) > self.most_deliveries or (
            more_than_one and self._records > self.most_records
        )
