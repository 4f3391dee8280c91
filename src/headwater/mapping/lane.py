"""A lane of a shard: batches one after another, redelivered, split and discarded as Lambda does.

Sources: [Polling and batching streams](
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html), [Retain discarded records](
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html), [partial batch response](
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
        self._free_at = 0.0
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
        return not (self._waiting.first or self._work or self._under_way or open_window)

    def put(self, entry: Entry) -> None:
        """Take one more record."""
        self._waiting.put(entry)

    def due(self, now: float, *, caught_up: bool, closed: bool) -> list[Invocation | Discard]:
        """What is to be done now: records to discard, then at most one invocation to start.

        Args:
            now: The time, in seconds since 1970.
            caught_up: Whether the stream has nothing more for now.
            closed: Whether the shard has ended.
        """
        if self._under_way is not None or now < self._resume_at:
            return []
        steps: list[Invocation | Discard] = []
        while (work := self._next_work(now, caught_up=caught_up, closed=closed)) is not None:
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

    def answered(self, answer: Answer, now: float) -> list[Delivery | Discard]:
        """Go on after the invocation that is under way.

        Args:
            answer: How it ended.
            now: When, in seconds since 1970.

        Returns:
            The delivery, and then the records that are discarded after it.
        """
        invocation, self._under_way = self._under_way, None
        if invocation is None:
            raise RuntimeError(f"lane {self._number} of {self._shard_id} has no invocation under way")
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
        if self._tumbling is not None:
            verdict = self._tumbling.judge(verdict, closes=not work.entries)
        work.attempts = Attempts(invocation.request_id, work.attempts.invoked + 1, verdict.raised)
        if verdict.redeliver_from is None:
            work.drop(len(work.entries))
            self._work.pop()
            return [Delivery(invocation, now, verdict, "advance", 0.0)]
        if verdict.redeliver_from:
            work.drop(verdict.redeliver_from)
            return [Delivery(invocation, now, verdict, "advance", 0.0)]
        return self._failed(work, invocation, verdict, now)

    def _failed(
        self, work: Remainder, invocation: Invocation, verdict: Verdict, now: float
    ) -> list[Delivery | Discard]:
        work.failures += 1
        then: Then = "retry"
        wait = 0.0
        discards: list[Discard] = []
        if self._may_split(work, verdict):
            then = "bisect"
            middle = self._rules.assumptions.bisect_at(len(work.entries))
            halves = (
                Remainder(work.batch, work.entries[:middle]),
                Remainder(work.batch, work.entries[middle:]),
            )
            self._work[-1:] = reversed(halves)
        elif work.entries and 0 <= self._rules.settings.maximum_retry_attempts < work.failures:
            then = "discard"
            discards.append(self._discard("RetryAttemptsExhausted", work, len(work.entries), now))
            self._work.pop()
        else:
            wait = self._wait(work.failures, now)
        return [Delivery(invocation, now, verdict, then, wait), *discards]

    def _may_split(self, work: Remainder, verdict: Verdict) -> bool:
        assumptions = self._rules.assumptions
        return (
            self._rules.settings.bisect_batch_on_function_error
            and len(work.entries) > 1
            and (verdict.raised or assumptions.bisect_on_response)
            and work.failures > assumptions.retries_before_bisect
        )

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
        entries, attempts = work.entries[:count], work.attempts
        if not attempts.invoked:
            attempts = attempts._replace(request_id=self._rules.request_id(self._shard_id, 0))
        document = (
            None
            if condition == "Trimmed"
            else metadata(condition, self._shard_id, entries, attempts, self._rules.origin, now)
        )
        work.drop(count)
        return Discard(now, self._shard_id, self._number, work.batch, entries, condition, document)

    def _next_work(self, now: float, *, caught_up: bool, closed: bool) -> Remainder | None:
        """What is to be delivered: what is left of a batch, the end of a window, or a new batch."""
        if not self._work:
            following = self._waiting.first
            if self._tumbling is not None and self._tumbling.is_over(
                following, now, caught_up=caught_up, closed=closed
            ):
                self._work.append(Remainder(next(self._numbers.batches), ()))
            elif following is not None and (
                closed or self._waiting.is_full or now >= self._waiting.flush_at(self._free_at)
            ):
                self._work.append(Remainder(next(self._numbers.batches), self._waiting.take()))
        return self._work[-1] if self._work else None

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
