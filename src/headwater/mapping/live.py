"""A mapping on a real stream: shards are read, the function is invoked, checkpoints are kept, until told to stop.

One thread decides, and owns all that is not said to be of others. What waits for something (reading, invoking, storing
word of discards) runs in threads of its own, and what comes of it is put into a queue.

What is due when goes by a clock that nobody sets, which starts anywhere; the age of records by the one of the calendar.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Generic

from headwater.mapping.checkpoints import Checkpoints
from headwater.mapping.following import Followed, ShardState
from headwater.mapping.history import Delivery, Discard, Invocation
from headwater.mapping.lineage import Lineage
from headwater.mapping.listing import Listing, describe
from headwater.mapping.observed import Delivered, Event, Noticed, R, Reason, Stored
from headwater.mapping.reader import Page, ShardReader, is_transient
from headwater.mapping.rules import Rules
from headwater.mapping.shard import Shard
from headwater.mapping.tasks import Tasks, Threads

LIST_SECONDS: Final = 30.0
"""Between two looks for new shards; there is one more when a shard ends."""

_TRY_AGAIN_SECONDS: Final = 1.0
_LONGEST_TURN_SECONDS: Final = 0.5
_FIRST_WAIT_SECONDS: Final = 0.5
_MOST_DOUBLINGS: Final = 6
_IO_THREADS: Final = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts(Generic[R]):
    """What a live mapping works with.

    Attributes:
        client: A boto3 client of `dynamodbstreams`.
        checkpoints: Where positions are kept.
        invoke: Runs the function, and comes back when that is over. Called in threads, also several at once.
        store: Gives a discard to the on-failure destination, and says where it is. Called in threads, and again as long as it
            raises.
        observe: Told of what happens, in the thread that runs the mapping.
        turned: Called between events, several times a second, in that thread.
        most_at_once: Invocations that run at once; more wait.
    """

    client: Any
    checkpoints: Checkpoints
    invoke: Callable[[Invocation], R]
    store: Callable[[Discard], str]
    observe: Callable[[Event[R]], object]
    turned: Callable[[], object] = lambda: None
    most_at_once: int = 1


class LiveMapping(Generic[R]):
    """An event source mapping on a stream, as it runs."""

    def __init__(self, rules: Rules, parts: Parts[R], *, until_idle: float | None = None) -> None:
        """Nothing is read yet.

        Args:
            rules: What holds for the mapping; its origin names the stream.
            parts: What it works with.
            until_idle: Stop when there was nothing to do for so many seconds; `None` to go on for ever.
        """
        self._rules = rules
        self._parts = parts
        self._until_idle = math.inf if until_idle is None else until_idle
        self._started = False  # a listing must tell first which of the kept shards are parents of others
        self._lineage = Lineage(rules.settings.starting_position, parts.checkpoints.position())
        self._followed: dict[str, Followed] = {}
        self._tasks = Tasks()
        self._io = Threads(_IO_THREADS, "headwater-io")
        self._functions = Threads(parts.most_at_once, "headwater-invoke")
        self._listing = False
        self._list_at = -math.inf
        self._problem = ""  # of the last listing, which was told of
        self._expecting = True  # shards that a listing will tell of
        self._disabled = False
        self._stopping = False
        self._failure: Exception | None = None
        self._filtered = 0
        self._idle_since = math.inf

    @property
    def states(self) -> list[ShardState]:
        """How the shards are getting on; for the thread that runs the mapping."""
        return [followed.state for followed in self._followed.values()]

    @property
    def filtered(self) -> int:
        """How many records the filters did not want."""
        return self._filtered + sum(followed.shard.filtered for followed in self._followed.values())

    def retry_now(self) -> None:
        """Deliver at once what waits to be delivered again: the function has changed. For the thread that runs the mapping."""
        for followed in self._followed.values():
            followed.shard.retry_now()

    def stop(self) -> None:
        """Start nothing more, and end when what is under way is over. For any thread, and for signal handlers."""
        self._tasks.tell(self._let_go)

    def run(self) -> Reason:
        """Follow the stream until told to stop, until idle, or until a stream that is switched off is read to its end.

        Returns:
            Why it is over.

        Raises:
            PositionError: When a kept position does not fit the stream.
            CheckpointError: When a checkpoint can not be kept.
            botocore.exceptions.ClientError: When the stream can not be read, and asking again does not help.
            Exception: What `invoke` raises.
        """
        try:
            while (reason := self._turn()) is None:
                pass
        finally:
            for threads in (self._io, self._functions):
                threads.stop()
        if self._failure is not None:
            raise self._failure
        return reason

    def _turn(self) -> Reason | None:
        """Do what is due, then wait for something to happen; or say why the mapping is over."""
        now = time.monotonic()
        if not self._stopping:
            self._look_for_shards(now)
        for followed in list(self._followed.values()):
            self._go_on(followed, now)
        self._parts.turned()
        if reason := self._ending(now):
            return reason
        self._tasks.take(self._seconds_to_wait(now))
        return None

    def _seconds_to_wait(self, now: float) -> float:
        times = [now + _LONGEST_TURN_SECONDS]
        if not self._stopping:
            times += [
                at
                for followed in self._followed.values()
                if (at := followed.next_at(now, time.time())) is not None
            ]
        return max(0.0, min(times) - now)

    def _ending(self, now: float) -> Reason | None:
        followed = self._followed.values()
        if self._stopping:
            return None if any(each.busy for each in followed) else "stopped"
        if self._disabled and not self._expecting and self._lineage.done:
            return "disabled"
        idle = not self._expecting and not self._lineage.waiting and all(each.idle for each in followed)
        self._idle_since = min(self._idle_since, now) if idle else math.inf
        return "idle" if now - self._idle_since >= self._until_idle else None

    def _go_on(self, followed: Followed, now: float) -> None:
        """Do what is due in a shard."""
        if not self._stopping:
            if followed.read_at is not None and followed.read_at <= now:
                followed.reading = True
                self._tasks.do(self._io, followed.read_once, partial(self._took, followed), self._fail)
            if not followed.unsent:
                for step in followed.shard.due(time.time()):
                    if isinstance(step, Invocation):
                        self._invoke(followed, step)
                    else:
                        followed.unsent.append(step)
        if followed.unsent and not followed.sending and followed.send_at <= now:
            self._send(followed)
        self._keep(followed)
        if followed.finished:
            shard_id = followed.shard.shard_id
            self._parts.checkpoints.finish(shard_id)
            self._lineage.finish(shard_id)
            self._filtered += followed.shard.filtered
            del self._followed[shard_id]

    # Shards

    def _look_for_shards(self, now: float) -> None:
        if not self._listing and self._list_at <= now:
            self._listing = True
            self._list_at = now + LIST_SECONDS
            ask = partial(describe, self._parts.client, self._rules.origin.stream_arn)
            self._tasks.do(self._io, ask, self._listed, self._not_listed)
        if not self._started:
            return
        for shard_id, start in self._lineage.startable().items():
            reader = ShardReader(self._parts.client, self._rules.origin.stream_arn, shard_id, start)
            self._followed[shard_id] = Followed(Shard(shard_id, self._rules), reader, start.sequence_number)

    def _listed(self, listing: Listing) -> None:
        self._listing, self._problem = False, ""
        self._expecting = self._list_at == -math.inf  # a shard has ended since the stream was asked
        self._disabled = listing.disabled
        self._lineage.found(listing.shards, listing.at)
        if not self._started:
            self._parts.checkpoints.start(self._lineage.position)
            self._started = True
        self._parts.checkpoints.prune([shard.shard_id for shard in listing.shards])

    def _not_listed(self, error: Exception) -> None:
        self._listing = False
        self._list_at = time.monotonic() + _TRY_AGAIN_SECONDS
        if not is_transient(error):
            self._fail(error)
        elif str(error) != self._problem:
            self._problem = str(error)
            self._parts.observe(Noticed(f"the stream can not be listed now: {error}"))

    # Reading

    def _took(self, followed: Followed, page: Page) -> None:
        problem = followed.took(page, time.monotonic(), time.time())
        if problem:
            self._parts.observe(Noticed(problem, followed.shard.shard_id))
        if page.closed:
            self._list_at = -math.inf  # its children may be new
            self._expecting = True

    # Delivering

    def _invoke(self, followed: Followed, invocation: Invocation) -> None:
        call = partial(self._parts.invoke, invocation)
        future = self._tasks.do(
            self._functions,
            call,
            partial(self._answered, followed, invocation),
            partial(self._broke, followed, invocation),
        )
        followed.started(invocation, future)

    def _answered(self, followed: Followed, invocation: Invocation, reply: R) -> None:
        steps = followed.shard.answered(invocation, reply.answer, time.time())
        followed.unsent.extend(step for step in steps if isinstance(step, Discard))
        [delivery] = [step for step in steps if isinstance(step, Delivery)]
        followed.ended(delivery)
        self._keep(followed)
        self._parts.observe(Delivered(delivery, reply, followed.kept))

    def _broke(self, followed: Followed, invocation: Invocation, error: Exception) -> None:
        """The environment has failed, and not the function: nobody knows what became of the records."""
        del followed.running[invocation.lane]
        self._fail(error)

    def _keep(self, followed: Followed) -> None:
        number = followed.to_keep
        if number is not None:
            self._parts.checkpoints.keep(followed.shard.shard_id, number)
            followed.kept = number

    # Discarding

    def _send(self, followed: Followed) -> None:
        followed.sending = True
        discard = followed.unsent[0]
        store = partial(_store, self._parts.store, discard)
        self._tasks.do(self._io, store, partial(self._sent, followed), partial(self._refused, followed))

    def _sent(self, followed: Followed, place: str) -> None:
        followed.sending, followed.refusals = False, 0
        discard = followed.unsent.popleft()
        self._keep(followed)
        self._parts.observe(Stored(discard, place, followed.kept))

    def _refused(self, followed: Followed, error: Exception) -> None:
        wait = _FIRST_WAIT_SECONDS * 2.0 ** min(followed.refusals, _MOST_DOUBLINGS)
        followed.sending, followed.refusals = False, followed.refusals + 1
        followed.send_at = time.monotonic() + wait
        text = f"word of discarded records can not be stored ({error}): tried again in {wait:g} s"
        self._parts.observe(Noticed(text, followed.shard.shard_id))

    # Endings

    def _fail(self, error: Exception) -> None:
        self._failure = self._failure or error
        self._let_go()

    def _let_go(self) -> None:
        self._stopping = True
        for followed in self._followed.values():
            followed.let_go()


def _store(store: Callable[[Discard], str], discard: Discard) -> str:
    """Nobody is told of what the stream itself has trimmed."""
    return store(discard) if discard.document is not None else ""
