"""A lane of a shard: batches one after another, redelivered, split and discarded as Lambda does.

Sources: [Polling and batching streams](
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html), [Retain discarded records](
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html), [partial batch response](
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile
from typing import NamedTuple

from headwater.mapping.answers import Answer, NotRun, Verdict, read_answer
from headwater.mapping.documents import Attempts, metadata
from headwater.mapping.entries import Entry
from headwater.mapping.history import Condition, Delivery, Discard, Invocation, Then
from headwater.mapping.remainder import Remainder
from headwater.mapping.rules import Rules
from headwater.mapping.tumbling import Tumbling
from headwater.mapping.waiting import Waiting


class Numbers(NamedTuple):
    """What is counted for all lanes of a shard.

    Attributes:
        batches: The numbers of batches to come.
        invocations: The numbers of invocations to come.
    """

    batches: Iterator[int]
    invocations: Iterator[int]


class Lane:
    """A lane of a shard. At most one invocation is under way."""

    __slots__ = (
        "_free_at",
        "_number",
        "_numbers",
        "_resume_at",
        "_rules",
        "_shard_id",
        "_stalls",
        "_tumbling",
        "_under_way",
        "_waiting",
        "_work",
    )

    def __init__(self, number: int, shard_id: str, rules: Rules, numbers: Numbers) -> None:
        self._number = number
        self._shard_id = shard_id
        self._rules = rules
        self._numbers = numbers
        self._work: list[Remainder] = []  # what is delivered next comes last
        self._under_way: Invocation | None = None
        self._free_at: float | None = None
        self._resume_at = 0.0
        self._stalls = 0  # how often in a row the function was not reached
        seconds = rules.settings.tumbling_window_in_seconds
        keeps = rules.assumptions.state_after_partial == "kept"
        self._tumbling = Tumbling(seconds, keeps_state_after_partial=keeps) if seconds else None
        self._waiting = Waiting(rules.settings, self._tumbling)

    @property
    def idle(self) -> bool:
        """Whether nothing waits, is delivered, or has to be closed."""
        open_window = self._tumbling is not None and self._tumbling.start is not None
        return not (self._waiting or self._work or open_window)

    @property
    def pending(self) -> int:
        """How many records wait or are delivered."""
        return len(self._waiting) + sum(len(work.entries) for work in self._work)

    @property
    def held(self) -> int:
        """How many records wait for the end of their tumbling window: they are handled, and not settled."""
        return self._tumbling.held if self._tumbling is not None else 0

    @property
    def waiting_bytes(self) -> int:
        """What the records that wait take in payloads."""
        return self._waiting.size

    def put(self, entry: Entry) -> None:
        """Take one more record."""
        self._waiting.put(entry)

    def due(self, now: float, *, read_until: float, closed: bool) -> list[Invocation | Discard]:
        """What is to be done now: records to discard, then at most one invocation to start.

        Args:
            now: The time, in seconds since 1970.
            read_until: The time up to which the stream has been read.
            closed: Whether the shard has ended.
        """
        if self._under_way is not None or now < self._resume_at:
            return []
        steps: list[Invocation | Discard] = []
        while (work := self._next_work(now, read_until=read_until, closed=closed)) is not None:
            closes = not work.entries
            steps += self._cut(work, now)
            if work.entries or closes:
                return [*steps, self._invoke(work, now)]
            self._work.pop()
        return steps

    def wake_at(self, now: float, *, caught_up: bool) -> float | None:
        """When `due` may have something though nothing happens until then; `None` where it can not."""
        if self._under_way is not None:
            return None
        if now < self._resume_at:
            return self._resume_at
        if self._work:
            return now
        if self._waiting.first is not None:
            return self._waiting.flush_at(self._free_at)
        return self._tumbling.end if self._tumbling is not None and caught_up else None

    def retry_now(self) -> None:
        """Do not wait for the next delivery: the function is not what it was."""
        self._resume_at = 0.0

    def answered(self, invocation: Invocation, answer: Answer, now: float) -> list[Delivery | Discard]:
        """Go on after the invocation that is under way.

        Args:
            invocation: It.
            answer: How it ended.
            now: When, in seconds since 1970.

        Returns:
            The delivery, and then the records that are discarded after it.

        Raises:
            RuntimeError: When another invocation is under way, or none: its answer says nothing of these records.
        """
        if invocation is not self._under_way:
            raise RuntimeError(
                f"invocation {invocation.number} of lane {self._number} of {self._shard_id} is not under way: each is "
                "answered once"
            )
        self._under_way = None
        self._free_at = now
        if isinstance(answer, NotRun):
            self._stalls += 1
            wait = self._wait(self._stalls, now)
            return [Delivery(invocation, now, None, "retry", wait)]
        self._stalls = 0
        work = self._work[-1]
        numbers = [entry.sequence_number for entry in work.entries]
        report = self._rules.settings.report_batch_item_failures
        verdict = read_answer(answer, numbers, report=report, assumptions=self._rules.assumptions)
        if self._tumbling is not None and work.entries:
            verdict = self._tumbling.judge(verdict)
        work.attempts = Attempts(invocation.request_id, work.attempts.invoked + 1, verdict.raised)
        work.event = invocation.event
        if verdict.kind == "failed":
            return self._failed(work, invocation, verdict, now)
        self._acknowledge(work, verdict.redeliver_from)
        return [Delivery(invocation, now, verdict, "advance", 0.0)]

    def _acknowledge(self, work: Remainder, count: int | None) -> None:
        """The first records are done, or all, or the window is closed."""
        if self._tumbling is None:
            _settle(work.drop(len(work.entries) if count is None else count))
        elif work.entries:
            self._tumbling.hold(work.drop(len(work.entries) if count is None else count))
        else:
            self._tumbling.close()
        if count is None:
            self._work.remove(work)

    def _failed(
        self, work: Remainder, invocation: Invocation, verdict: Verdict, now: float
    ) -> list[Delivery | Discard]:
        work.failures += 1
        then: Then = "retry"
        wait = 0.0
        discards: list[Discard] = []
        exhausted = bool(work.entries) and 0 <= self._rules.settings.maximum_retry_attempts < work.failures
        if self._may_split(work, verdict) and (
            exhausted or work.failures > self._rules.assumptions.retries_before_bisect
        ):
            then = "bisect"
            self._work[-1:] = reversed(self._halves(work))
        elif exhausted:
            then = "discard"
            discards.append(self._discard("RetryAttemptsExhausted", work, len(work.entries), now))
            self._work.pop()
        else:
            wait = self._wait(work.failures, now)
        return [Delivery(invocation, now, verdict, then, wait), *discards]

    def _may_split(self, work: Remainder, verdict: Verdict) -> bool:
        return (
            self._rules.settings.bisect_batch_on_function_error
            and len(work.entries) > 1
            and (verdict.raised or self._rules.assumptions.bisect_on_response)
        )

    def _halves(self, work: Remainder) -> Sequence[Remainder]:
        count = len(work.entries)
        middle = self._rules.assumptions.bisect_at(count)
        if not 0 < middle < count:
            raise ValueError(
                f"bisect_at({count}) is {middle}, which splits nothing: return 1 to {count - 1} for {count} records"
            )
        return [Remainder(work.batch, half) for half in (work.entries[:middle], work.entries[middle:])]

    def _wait(self, failures: int, now: float) -> float:
        wait = self._rules.assumptions.back_off(failures)
        self._resume_at = now + wait
        return wait

    def _cut(self, work: Remainder, now: float) -> Iterator[Discard]:
        """Discard what has become too old, from the front on."""
        retention = self._rules.assumptions.retention_seconds
        limits: list[tuple[Condition, float]] = [("Trimmed", retention)]
        if (age := self._rules.settings.maximum_record_age_in_seconds) >= 0:
            limits.append(("RecordAgeExceeded", age))
        for condition, seconds in limits:
            too_old = _older_than(seconds, now)
            if count := sum(1 for _ in takewhile(too_old, work.entries)):
                yield self._discard(condition, work, count, now)

    def _discard(self, condition: Condition, work: Remainder, count: int, now: float) -> Discard:
        event = work.event if count == len(work.entries) else None
        attempts = work.attempts
        entries = work.drop(count)
        _settle(entries)
        if not attempts.invoked:
            attempts = attempts._replace(request_id=self._rules.request_id(self._shard_id, 0))
        document = (
            None
            if condition == "Trimmed"
            else metadata(condition, self._shard_id, entries, attempts, self._rules.origin, now)
        )
        return Discard(now, self._shard_id, self._number, work.batch, entries, condition, document, event)

    def _next_work(self, now: float, *, read_until: float, closed: bool) -> Remainder | None:
        """What is to be delivered: the end of a window, what is left of a batch, or a new batch."""
        closing = bool(self._work) and not self._work[-1].entries
        following = self._waiting.first
        if self._tumbling is not None and not closing:
            over = not self._work and self._tumbling.is_over(following, read_until, closed=closed)
            if over or self._tumbling.too_large:
                self._work.append(Remainder(next(self._numbers.batches), ()))
        if not self._work and following is not None and self._is_ready(now, closed=closed):
            self._work.append(Remainder(next(self._numbers.batches), self._waiting.take()))
        return self._work[-1] if self._work else None

    def _is_ready(self, now: float, *, closed: bool) -> bool:
        return closed or self._waiting.is_full or now >= self._waiting.flush_at(self._free_at)

    def _invoke(self, work: Remainder, now: float) -> Invocation:
        number = next(self._numbers.invocations)
        records = [entry.raw for entry in work.entries]
        event = {"Records": records}
        if self._tumbling is not None:
            if work.entries:
                self._tumbling.open(work.entries[0])
            event = self._tumbling.event(
                records, self._shard_id, self._rules.origin.stream_arn, closes=not work.entries
            )
        self._under_way = Invocation(
            number=number,
            request_id=self._rules.request_id(self._shard_id, number),
            shard_id=self._shard_id,
            lane=self._number,
            batch=work.batch,
            attempt=work.failures + 1,
            entries=work.entries,
            event=event,
            started=now,
        )
        return self._under_way


def _older_than(seconds: float, now: float) -> Callable[[Entry], bool]:
    return lambda entry: now - entry.created >= seconds


def _settle(entries: Sequence[Entry]) -> None:
    for entry in entries:
        entry.settled = True
