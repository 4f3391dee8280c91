"""An event source mapping on a virtual clock: writes, polls and invocations as events in order of time."""

from __future__ import annotations

import heapq
import json
import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from hashlib import blake2b
from itertools import count
from typing import Any, Final, NamedTuple, TypeAlias
from zlib import crc32

from headwater.mapping.answers import Answer, NotRun
from headwater.mapping.entries import Entry
from headwater.mapping.history import Delivery, Discard, Invocation
from headwater.mapping.polling import POLL_SECONDS, READ_LIMIT, READ_LIMIT_BYTES
from headwater.mapping.rules import Rules
from headwater.mapping.shard import Shard

THROTTLED: Final = NotRun("TooManyRequestsException")
"""How an invocation ends that finds as many running as may run at once."""

_OUT_OF_STEP: Final = (math.sqrt(5) - 1) / 2  # multiples of it are spread evenly, however many there are


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
    """What a shard of the stream holds that has not been read.

    Attributes:
        shard: The shard under the mapping.
        phase: When it is polled, as seconds after each full interval: shards are not polled in step.
        unread: What is written and not read.
        caught_up: Whether the last read found nothing.
        next_read: When it is read next.
        wake_at: When the shard is next asked what is due, though nothing happens until then.
    """

    __slots__ = ("caught_up", "next_read", "phase", "shard", "unread", "wake_at")

    def __init__(self, shard: Shard, phase: float) -> None:
        self.shard = shard
        self.phase = phase
        self.unread: deque[Mapping[str, Any]] = deque()
        self.caught_up = True
        self.next_read = math.inf
        self.wake_at = math.inf

    def next_poll(self, now: float) -> float:
        """The first poll from a time on. One that finds nothing changes nothing, so only the others happen."""
        return max(math.ceil((now - self.phase) / POLL_SECONDS) * POLL_SECONDS + self.phase, now)

    def take_page(self) -> list[Mapping[str, Any]]:
        """What one read returns."""
        page: list[Mapping[str, Any]] = []
        size = 0
        while self.unread and len(page) < READ_LIMIT:
            size += self.unread[0]["dynamodb"].get("SizeBytes", 0)
            if page and size > READ_LIMIT_BYTES:
                break
            page.append(self.unread.popleft())
        return page


def shard_of(keys: Mapping[str, Any], shards: int) -> str:
    """The name of an item's shard, in the form of AWS's: by a hash of the item's keys that has nothing to do with its lane.

    Args:
        keys: In wire form.
        shards: How many there are.
    """
    digest = blake2b(json.dumps(keys, sort_keys=True).encode(), digest_size=8).digest()
    number = int.from_bytes(digest, "big") % shards
    return f"shardId-{number:020d}-{crc32(str(number).encode()):08x}"


class Simulation:
    """A mapping on a virtual clock.

    Attributes:
        now: The time, in seconds since 1970.
        most_running: How many invocations ran at once, at most.
    """

    def __init__(
        self,
        rules: Rules,
        invoke: Invoke,
        *,
        start: float,
        observe: Observe,
        read: Callable[[Entry], object] | None = None,
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
        self.most_running = 0
        self._rules = rules
        self._invoke = invoke
        self._observe = observe
        self._read = read
        self._most_at_once = math.inf if most_at_once is None else most_at_once
        self._has_windows = rules.settings.tumbling_window_in_seconds > 0
        self._running = 0
        self._sources: dict[str, _Source] = {}
        self._order = count()
        self._writes: list[tuple[float, int, Write, Iterator[Write]]] = []
        self._events: list[tuple[float, int, Callable[[], None], _Source | None]] = []

    @property
    def shards(self) -> list[Shard]:
        """All shards that have had a record."""
        return [source.shard for source in self._sources.values()]

    @property
    def drained(self) -> bool:
        """Whether everything that was written is settled, and no tumbling window is open."""
        return not self._writes and all(
            source.shard.idle and not source.unread for source in self._sources.values()
        )

    def write(self, writes: Iterable[Write]) -> None:
        """Let records appear in the stream, beside those of other calls.

        Args:
            writes: In order of time. Each is taken when its time comes, so there can be any number of them.
        """
        # Of what is written at one time, that of an earlier call comes first.
        self._take_next(iter(writes), next(self._order))

    def run(self, writes: Iterable[Write] = (), *, until: float = math.inf) -> None:
        """Go on until nothing is left to be done, and no further.

        Args:
            writes: What appears in the stream, as for `write`.
            until: When to stop even if not all is settled, in seconds since 1970.
        """
        self.write(writes)
        self._run(until)

    def advance(self, until: float) -> None:
        """Go on until a time, in seconds since 1970, though there is nothing to do."""
        self._run(until)
        self.now = max(self.now, until)

    def _run(self, until: float) -> None:
        writes, events = self._writes, self._events
        while True:
            write_at = writes[0][0] if writes else math.inf
            event_at = events[0][0] if events else math.inf
            at = min(write_at, event_at)
            if at > until or at == math.inf:
                break
            if write_at <= event_at:  # what is written at a time can be read at that time
                _, call, write, following = heapq.heappop(writes)
                self.now = max(self.now, at)
                self._write(write)
                self._take_next(following, call)
                continue
            _, _, happen, woken = heapq.heappop(events)
            if woken is None or woken.wake_at == at:  # or there is another time by now
                self.now = at
                happen()

    def _take_next(self, writes: Iterator[Write], call: int) -> None:
        write = next(writes, None)
        if write is not None:
            heapq.heappush(self._writes, (write.at, call, write, writes))

    def _at(self, time: float, happen: Callable[[], None], woken: _Source | None = None) -> None:
        heapq.heappush(self._events, (time, next(self._order), happen, woken))

    def _write(self, write: Write) -> None:
        source = self._sources.get(write.shard_id)
        if source is None:
            phase = len(self._sources) * _OUT_OF_STEP % 1 * POLL_SECONDS
            source = self._sources[write.shard_id] = _Source(Shard(write.shard_id, self._rules), phase)
        source.unread.append(write.raw)
        source.caught_up = False
        self._read_at(source, source.next_poll(self.now))

    def _read_at(self, source: _Source, time: float) -> None:
        if time < source.next_read and source.shard.has_room:
            source.next_read = time
            self._at(time, partial(self._poll, source))

    def _poll(self, source: _Source) -> None:
        source.next_read = math.inf
        page = source.take_page()
        wanted = source.shard.offer(page, self.now)
        if self._read is not None:
            for entry in wanted:
                self._read(entry)
        source.caught_up = not page
        self._go_on(source)
        self._read_on(source)

    def _read_on(self, source: _Source) -> None:
        """Read again: at once while there is more, then once to see that there is nothing, where that ends a window."""
        if source.unread:
            self._read_at(source, self.now)
        elif self._has_windows and not source.caught_up:
            self._read_at(source, source.next_poll(self.now) + POLL_SECONDS)

    def _go_on(self, source: _Source) -> None:
        for step in source.shard.due(self.now):
            if isinstance(step, Invocation):
                self._start(source, step)
            else:
                self._observe(step)
        wake_at = source.shard.wake_at(self.now)
        if wake_at is None:
            source.wake_at = math.inf
        elif wake_at != source.wake_at or wake_at == self.now:
            source.wake_at = max(wake_at, self.now)
            self._at(source.wake_at, partial(self._wake, source), source)

    def _wake(self, source: _Source) -> None:
        self._go_on(source)
        self._read_on(source)

    def _start(self, source: _Source, invocation: Invocation) -> None:
        if self._running >= self._most_at_once:
            self._at(self.now, partial(self._end, source, invocation, THROTTLED))
            return
        self._running += 1
        self.most_running = max(self.most_running, self._running)
        ran = self._invoke(invocation)
        self._at(self.now + ran.seconds, partial(self._stop, source, invocation, ran.answer))

    def _stop(self, source: _Source, invocation: Invocation, answer: Answer) -> None:
        self._running -= 1
        self._end(source, invocation, answer)

    def _end(self, source: _Source, invocation: Invocation, answer: Answer) -> None:
        for step in source.shard.answered(invocation, answer, self.now):
            self._observe(step)
        self._wake(source)
