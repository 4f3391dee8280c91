"""A shard under an event source mapping: a state machine without a clock and without I/O.

Records that were read are offered to it. It says what is to be invoked and discarded, is told how each invocation ended,
and knows the checkpoint.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, Final

from headwater.mapping.answers import Answer
from headwater.mapping.entries import Entry
from headwater.mapping.history import Delivery, Discard, Invocation
from headwater.mapping.lane import Lane, Numbers
from headwater.mapping.rules import Rules
from headwater.mapping.waiting import PAYLOAD_LIMIT_BYTES

_BATCHES_AHEAD: Final = 2
"""For each lane: how much is read before it is needed."""

_RECORDS_AHEAD: Final = 2_000
_SETTLED_KEPT: Final = 1_000


class Shard:
    """A shard under an event source mapping. All times are seconds since 1970.

    Attributes:
        shard_id: Its name.
        checkpoint: The sequence number up to which, itself included, all records are settled; `None` before the first.
        closed: Whether its end has been read.
        filtered: How many records the filters did not want.
    """

    def __init__(self, shard_id: str, rules: Rules) -> None:
        """Start with nothing read.

        Args:
            shard_id: Its name.
            rules: What holds for all shards of the mapping.
        """
        self.shard_id = shard_id
        self.checkpoint: str | None = None
        self.closed = False
        self.filtered = 0
        settings = rules.settings
        numbers = Numbers(count(1), count(1))
        self._rules = rules
        self._lanes = [
            Lane(number, shard_id, rules, numbers) for number in range(settings.parallelization_factor)
        ]
        self._awake: dict[int, Lane] = {}  # those that have something to do, in order of their numbers
        self._unsettled: deque[Entry] = deque()
        self._compact_at = _SETTLED_KEPT
        self._caught_up = False
        self._newest = 0.0
        batches = _BATCHES_AHEAD * settings.parallelization_factor
        self._most_ahead = max(_RECORDS_AHEAD, batches * settings.batch_size)
        self._most_bytes = batches * PAYLOAD_LIMIT_BYTES

    def offer(self, records: Sequence[Mapping[str, Any]], now: float) -> list[Entry]:
        """Take what one read of the stream brought, in the stream's order.

        Args:
            records: In Lambda's form; none when there was nothing.
            now: When they were read.

        Returns:
            The records that the filters want, as they are tracked from now on.

        Raises:
            SourceError: When one has no sequence number. Then none is taken.
        """
        entries = [Entry(raw, now) for raw in records]
        self._caught_up = not entries
        wanted = []
        for entry in entries:
            if self._rules.wanted(entry.raw):
                self._assign(entry)
                wanted.append(entry)
            else:
                entry.settled = True
                self.filtered += 1
            self._unsettled.append(entry)
            self._newest = max(self._newest, entry.created)
        self._advance()
        return wanted

    def close(self) -> None:
        """The shard has ended: nothing more will be offered."""
        self.closed = True

    @property
    def has_room(self) -> bool:
        """Whether reading more makes sense: not while as much waits as two batches of each lane are."""
        return (
            not self.closed
            and sum(lane.pending for lane in self._awake.values()) < self._most_ahead
            and sum(lane.waiting_bytes for lane in self._awake.values()) < self._most_bytes
        )

    @property
    def left(self) -> int:
        """How many records were offered, are wanted by the filters, and are not settled."""
        return sum(lane.pending + lane.held for lane in self._awake.values())

    @property
    def oldest(self) -> float | None:
        """When the oldest record that is not settled was written; `None` where all are."""
        return self._unsettled[0].created if self._unsettled else None

    @property
    def finished(self) -> bool:
        """Whether it has ended and all of it is settled: its children may start."""
        return self.closed and self.idle

    @property
    def idle(self) -> bool:
        """Whether all that was offered is settled, and no tumbling window is open."""
        return not self._unsettled and all(lane.idle for lane in self._awake.values())

    def due(self, now: float) -> list[Invocation | Discard]:
        """What is to be done now: records to discard, invocations to start, at most one in each lane."""
        steps: list[Invocation | Discard] = []
        read_until = now if self._caught_up else self._newest
        for number, lane in list(self._awake.items()):
            steps += lane.due(now, read_until=read_until, closed=self.closed)
            if lane.idle:
                del self._awake[number]
        self._advance()
        return steps

    def wake_at(self, now: float) -> float | None:
        """When to ask `due` again though nothing is offered or answered until then; `None` where there is no such time."""
        times = [lane.wake_at(now, caught_up=self._caught_up) for lane in self._awake.values()]
        return min((time for time in times if time is not None), default=None)

    def retry_now(self) -> None:
        """Do not wait for the next deliveries: the function is not what it was, so it may not fail again."""
        for lane in self._awake.values():
            lane.retry_now()

    def answered(self, invocation: Invocation, answer: Answer, now: float) -> list[Delivery | Discard]:
        """Go on after an invocation.

        Args:
            invocation: One that `due` said to start.
            answer: How it ended.
            now: When.

        Returns:
            The delivery, and then the records that are discarded after it.

        Raises:
            RuntimeError: When it is not under way: each is answered once.
        """
        steps = self._lanes[invocation.lane].answered(invocation, answer, now)
        self._advance()
        return steps

    def _assign(self, entry: Entry) -> None:
        if len(self._lanes) > 1:
            keys = entry.raw["dynamodb"].get("Keys", {})
            entry.lane = self._rules.assumptions.lane_of(keys, len(self._lanes))
        self._lanes[entry.lane].put(entry)
        if entry.lane not in self._awake:
            self._awake = dict(sorted({**self._awake, entry.lane: self._lanes[entry.lane]}.items()))

    def _advance(self) -> None:
        while self._unsettled and self._unsettled[0].settled:
            self.checkpoint = self._unsettled.popleft().sequence_number
        if len(self._unsettled) > self._compact_at:
            self._compact()

    def _compact(self) -> None:
        """Of records that are settled behind one that is not, only the last is needed, as a checkpoint to come."""
        kept: deque[Entry] = deque()
        for entry in self._unsettled:
            if kept and kept[-1].settled and entry.settled:
                kept.pop()
            kept.append(entry)
        self._unsettled = kept
        self._compact_at = 2 * len(kept) + _SETTLED_KEPT
