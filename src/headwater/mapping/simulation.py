"""An event source mapping on a virtual clock: shards, polls and invocations as events in order of time."""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count
from typing import Any, Final, NamedTuple, TypeAlias

from headwater.mapping.answers import Answer, NotRun
from headwater.mapping.entries import Entry
from headwater.mapping.history import Delivery, Discard, Invocation
from headwater.mapping.rules import Rules
from headwater.mapping.shard import Shard

POLL_SECONDS: Final = 0.25
"""Between two empty reads of a shard.

Source: [Using AWS Lambda with Amazon DynamoDB](https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html).
"""

READ_LIMIT: Final = 1_000
"""Records that one `GetRecords` returns at most."""

READ_LIMIT_BYTES: Final = 1_000_000
"""Bytes that one `GetRecords` returns at most."""


class Write(NamedTuple):
    """A record appears in the stream.

    Attributes:
        at: When, in seconds since 1970.
        shard_id: In which shard.
        raw: The record in Lambda's form.
    """

    at: float
    shard_id: str
    raw: Mapping[str, Any]


class Ran(NamedTuple):
    """What an invocation of the function came to.

    Attributes:
        answer: How it ended.
        seconds: How long it took.
    """

    answer: Answer
    seconds: float


Invoke: TypeAlias = Callable[[Invocation], Ran]
"""Runs the function. It is called when the invocation starts; the answer counts when its time is over."""

Step: TypeAlias = Delivery | Discard
Observe: TypeAlias = Callable[[Step], object]


class _Source:
    """What a shard of the stream holds that has not been read."""

    __slots__ = ("next_read", "shard", "unread", "wake_at")

    def __init__(self, shard: Shard) -> None:
        self.shard = shard
        self.unread: deque[Write] = deque()
        self.next_read = math.inf
        self.wake_at = math.inf


class Simulation:
    """A mapping on a virtual clock.

    Attributes:
        now: The time, in seconds since 1970.
    """

    def __init__(
        self,
        rules: Rules,
        invoke: Invoke,
        *,
        start: float,
        observe: Observe,
        read: Callable[[Entry], object] = lambda _entry: None,
        most_at_once: int | None = None,
    ) -> None:
        """Start without shards.

        Args:
            rules: What holds for the mapping.
            invoke: Runs the function.
            start: What time it is, in seconds since 1970.
            observe: Told of each delivery that is over and each discard, in order of time.
            read: Told of each record that was read and that the filters want.
            most_at_once: How many invocations may run at once; more are throttled.
        """
        self.now = start
        self._rules = rules
        self._invoke = invoke
        self._observe = observe
        self._read = read
        self._most_at_once = math.inf if most_at_once is None else most_at_once
        self._running = 0
        self._sources: dict[str, _Source] = {}
        self._events: list[tuple[float, bool, int, Callable[[], None]]] = []
        self._order = count()
        self._writes: Iterator[Write] = iter(())

    @property
    def shards(self) -> list[Shard]:
        """All shards that have had a record."""
        return [source.shard for source in self._sources.values()]

    def run(self, writes: Iterable[Write], *, until: float = math.inf) -> None:
        """Go on until everything that is written is settled, or until a time.

        Args:
            writes: What is written, in order of time. It is taken as its time comes.
            until: When to stop, in seconds since 1970, even if not all is settled.
        """
        self._writes = iter(writes)
        self._write_next()
        while self._events and self._events[0][0] <= until:
            self.now, _, _, happen = heapq.heappop(self._events)
            happen()
        if until < math.inf:
            self.now = max(self.now, until)

    def _at(self, time: float, happen: Callable[[], None], *, is_write: bool = False) -> None:
        # What is written at a time can be read at that time.
        heapq.heappush(self._events, (max(time, self.now), not is_write, next(self._order), happen))

    def _write_next(self) -> None:
        write = next(self._writes, None)
        if write is not None:
            self._at(write.at, lambda: self._write(write), is_write=True)

    def _write(self, write: Write) -> None:
        source = self._sources.get(write.shard_id)
        if source is None:
            source = self._sources[write.shard_id] = _Source(Shard(write.shard_id, self._rules))
        source.unread.append(write)
        self._read_at(source, self._next_poll())
        self._write_next()

    def _next_poll(self) -> float:
        """A poll that finds nothing changes nothing, so only those that find something happen."""
        return math.ceil(self.now / POLL_SECONDS) * POLL_SECONDS

    def _read_at(self, source: _Source, time: float) -> None:
        if time < source.next_read and source.shard.has_room:
            source.next_read = time
            self._at(time, lambda: self._poll(source))

    def _poll(self, source: _Source) -> None:
        source.next_read = math.inf
        page: list[Mapping[str, Any]] = []
        size = 0
        while source.unread and len(page) < READ_LIMIT:
            raw = source.unread[0].raw
            size += raw["dynamodb"].get("SizeBytes", 0)
            if page and size > READ_LIMIT_BYTES:
                break
            page.append(raw)
            source.unread.popleft()
        for entry in source.shard.offer(page, self.now):
            self._read(entry)
        if page:
            self._read_at(source, self.now if source.unread else self._next_poll() + POLL_SECONDS)
        self._go_on(source)

    def _go_on(self, source: _Source) -> None:
        for step in source.shard.due(self.now):
            if isinstance(step, Invocation):
                self._start(source, step)
            else:
                self._observe(step)
        wake_at = source.shard.wake_at(self.now)
        if wake_at is not None and (source.wake_at <= self.now or wake_at < source.wake_at):
            source.wake_at = wake_at
            self._at(wake_at, lambda: self._go_on(source))

    def _start(self, source: _Source, invocation: Invocation) -> None:
        throttled = self._running >= self._most_at_once
        ran = Ran(NotRun("TooManyRequestsException"), 0.0) if throttled else self._invoke(invocation)
        self._running += not throttled
        self._at(self.now + ran.seconds, lambda: self._end(source, invocation, ran.answer))

    def _end(self, source: _Source, invocation: Invocation, answer: Answer) -> None:
        self._running -= not isinstance(answer, NotRun)
        for step in source.shard.answered(invocation, answer, self.now):
            self._observe(step)
        if source.unread:
            self._read_at(source, self.now)
        self._go_on(source)
