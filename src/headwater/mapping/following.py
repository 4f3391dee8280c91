"""A shard that a live mapping follows: how far it is read, what is under way, and how far it is done for good."""

from __future__ import annotations

import math
from collections import deque
from concurrent.futures import Future
from typing import Any, NamedTuple

from headwater.mapping.history import Delivery, Discard, Invocation
from headwater.mapping.polling import next_read_at
from headwater.mapping.reader import Page, ShardReader
from headwater.mapping.shard import Shard


class ShardState(NamedTuple):
    """How a shard is getting on, for a person who watches.

    Attributes:
        shard_id: The shard.
        read: The sequence number of the last record that was read; `None` before the first.
        checkpoint: The sequence number that is kept: a new start goes on behind it.
        waiting: Records that are read and wait to be delivered, or to be delivered again; also those that are discarded,
            until word of that is stored.
        under_way: Records that the function is given now.
        oldest: When the oldest record that is not done was written, in seconds since 1970; `None` where all are done.
        closed: Whether its end was read.
    """

    shard_id: str
    read: str | None
    checkpoint: str | None
    waiting: int
    under_way: int
    oldest: float | None
    closed: bool


class Followed:
    """A shard, with its reader and all that is under way.

    Attributes:
        shard: What decides on deliveries.
        reader: Reads it.
        reading: Whether it is being read.
        running: What is under way, by lane.
        unsent: Discards that no destination has stored yet, in order. Until they are, nothing more is delivered and no
            checkpoint is kept.
        sending: Whether the first of these is being stored.
        send_at: When to try that, by the clock that nobody sets.
        refusals: How often in a row the destination has refused it.
        kept: The checkpoint that is kept.
    """

    def __init__(self, shard: Shard, reader: ShardReader, kept: str | None) -> None:
        self.shard = shard
        self.reader = reader
        self.reading = False
        self.running: dict[int, tuple[Invocation, Future[Any]]] = {}
        self.unsent: deque[Discard] = deque()
        self.sending = False
        self.send_at = -math.inf
        self.refusals = 0
        self.kept = kept
        self._opened = False
        self._read_at = -math.inf
        self._read = kept
        self._caught_up = False
        self._problem = ""

    def read_once(self) -> Page:
        """Read, or fix the place of the first read. This waits for the stream: it is for a thread."""
        return self.reader.read() if self._opened else self.reader.open()

    @property
    def read_at(self) -> float | None:
        """When to read next, by the clock that nobody sets; `None` where that makes no sense."""
        return None if self.reading or not self.shard.has_room else self._read_at

    def took(self, page: Page, now: float, date: float) -> str:
        """Take what a read has brought.

        Args:
            page: What it has brought.
            now: When, by the clock that nobody sets.
            date: When, in seconds since 1970.

        Returns:
            A problem to tell of, which was not told of just before; empty where there is none.
        """
        self.reading = False
        news = page.reason if page.reason != self._problem else ""
        self._problem = page.reason
        self._read_at = now + page.wait
        if page.wait:
            return news
        if not self._opened and not page.closed:
            self._opened = True
            return news
        self._read_at = next_read_at(now, found=page.found)
        self._caught_up = not page.found
        if page.records:
            self._read = page.records[-1]["dynamodb"]["SequenceNumber"]
        if page.records or self._caught_up:
            self.shard.offer(page.records, date)
        if page.closed:
            self.shard.close()
        return news

    def started(self, invocation: Invocation, future: Future[Any]) -> None:
        """An invocation is under way."""
        self.running[invocation.lane] = (invocation, future)

    def ended(self, delivery: Delivery) -> None:
        """An invocation is over."""
        del self.running[delivery.invocation.lane]

    def let_go(self) -> None:
        """Give up invocations that have not started: the records come again with the next start."""
        self.running = {
            lane: (invocation, future)
            for lane, (invocation, future) in self.running.items()
            if not future.cancel()
        }

    @property
    def to_keep(self) -> str | None:
        """The checkpoint, where it has moved for good: it does not pass a discard that nobody has stored."""
        settled = self.shard.checkpoint
        return None if self.unsent or settled == self.kept else settled

    @property
    def busy(self) -> bool:
        """Whether something is under way that is to be finished before the mapping stops."""
        return bool(self.running) or self.sending

    @property
    def idle(self) -> bool:
        """Whether all that the stream has is read and done with."""
        return (self._caught_up or self.shard.closed) and self.shard.idle and not self.unsent

    @property
    def finished(self) -> bool:
        """Whether the shard has ended and nothing of it is left to do."""
        return self.shard.finished and not self.unsent

    def next_at(self, now: float, date: float) -> float | None:
        """When there is something to do though nothing happens until then; `None` where there is no such time.

        Args:
            now: The time, by the clock that nobody sets; likewise what is returned.
            date: The time, in seconds since 1970.
        """
        send_at = None if self.sending else self.send_at
        times = [self.read_at, send_at if self.unsent else self._wake_at(now, date)]
        return min((time for time in times if time is not None), default=None)

    @property
    def state(self) -> ShardState:
        """How it is getting on."""
        under_way = sum(len(invocation.entries) for invocation, _ in self.running.values())
        unsent = sum(len(discard.entries) for discard in self.unsent)
        return ShardState(
            shard_id=self.shard.shard_id,
            read=self._read,
            checkpoint=self.kept,
            waiting=self.shard.left - under_way + unsent,
            under_way=under_way,
            oldest=self.shard.oldest,
            closed=self.shard.closed,
        )

    def _wake_at(self, now: float, date: float) -> float | None:
        wake_at = self.shard.wake_at(date)
        return None if wake_at is None else now + wake_at - date
