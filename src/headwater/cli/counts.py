"""What a run has done so far, in figures."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from headwater.cli.environment import Reply
from headwater.mapping.answers import NotRun, Raised
from headwater.mapping.history import Delivery, Discard
from headwater.mapping.observed import Delivered, Event, Stored

_ERRORS_KEPT: Final = 5


class Trouble(NamedTuple):
    """A record that is not done, or the batch that begins with it.

    Attributes:
        sequence_number: Its sequence number.
        reason: What went wrong, in one line.
        times: How often in a row.
        over: Whether it is done by now.
    """

    sequence_number: str
    reason: str
    times: int
    over: bool = False


@dataclass(slots=True)
class Counts:
    """What a run has done so far.

    Attributes:
        batches: Batches that were delivered, each counted once.
        deliveries: Invocations of the function.
        handled: Records that are acknowledged.
        retried: Records that are to be delivered again, each time.
        dead_lettered: Records that the app has put aside, and acknowledged.
        discarded: Records that the mapping has given up.
        errors: The last that went wrong, the newest last.
    """

    batches: int = 0
    deliveries: int = 0
    handled: int = 0
    retried: int = 0
    dead_lettered: int = 0
    discarded: int = 0
    errors: deque[Trouble] = field(default_factory=lambda: deque(maxlen=_ERRORS_KEPT))
    _batch: dict[tuple[str, int], tuple[int, int]] = field(default_factory=dict)

    def count(self, event: Event[Reply]) -> None:
        """Add what has happened."""
        match event:
            case Delivered(delivery, reply):
                self._delivered(delivery, reply)
            case Stored(discard):
                self._discarded(discard)
            case _:
                pass

    def delivery_of_batch(self, delivery: Delivery) -> int:
        """How many deliveries of its batch there were when this one had been counted."""
        return self._batch[delivery.invocation.shard_id, delivery.invocation.lane][1]

    def _delivered(self, delivery: Delivery, reply: Reply) -> None:
        invocation = delivery.invocation
        lane = (invocation.shard_id, invocation.lane)
        batch, before = self._batch.get(lane, (0, 0))
        again = batch == invocation.batch
        self._batch[lane] = (invocation.batch, before + 1 if again else 1)
        self.batches += not again
        self.deliveries += 1
        done = delivery.done
        self.handled += done
        self._settle({entry.sequence_number for entry in invocation.entries[:done]})
        self.dead_lettered += sum(
            outcome["outcome"] == "deadlettered" for outcome in (reply.outcomes or ())[:done]
        )
        left = invocation.entries[done:]
        if left and delivery.then != "discard":
            self.retried += len(left)
        if left:
            self._note(left[0].sequence_number, reason_of(delivery, reply))

    def _discarded(self, discard: Discard) -> None:
        self.discarded += len(discard.entries)

    def _settle(self, numbers: set[str]) -> None:
        for place, trouble in enumerate(self.errors):
            if trouble.sequence_number in numbers:
                self.errors[place] = trouble._replace(over=True)

    def _note(self, sequence_number: str, reason: str) -> None:
        times = 1
        for trouble in self.errors:
            if trouble.sequence_number == sequence_number:
                times = trouble.times + 1
                self.errors.remove(trouble)
                break
        self.errors.append(Trouble(sequence_number, reason, times))


def reason_of(delivery: Delivery, reply: Reply) -> str:
    """Why not all of a delivery is done, in one line: the first failure of a record, where the environment tells of it."""
    for outcome in (reply.outcomes or ())[delivery.done :]:
        if outcome["outcome"] == "failed":
            return failure_text(outcome["route"], outcome["phase"], outcome["error"], outcome["message"])
    match reply.answer:
        case Raised(error_type, message):
            return f"{error_type}: {without_request(message)}"
        case NotRun(reason):
            return reason
        case _:
            return delivery.verdict.reason if delivery.verdict else ""


def without_request(message: str) -> str:
    """An error of Lambda's own, without the identifier of the request that it begins with."""
    return re.sub(r"^RequestId: \S+ Error: ", "", message)


def failure_text(route: str | None, phase: str, error: str | None, message: str) -> str:
    """A record's failure in one line."""
    where = "" if phase == "handler" else f" in phase {phase}"
    return f"{route or 'record'} failed{where}: {error}: {message.partition(chr(10))[0]}"
