"""The deadline: records stop starting in time, one always runs, and a slow record long ago is forgotten."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from headwater import DeadlineError, Failed, Handled, MemoryLedger, Record, StreamApp, Withheld
from headwater.deadline import Deadline, Pace, remaining_seconds
from headwater.testing import LambdaContext, Table, event

TABLE = Table("Orders", keys="Id")


class Clock:
    """A clock that a test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr("headwater.deadline.time.monotonic", lambda: self.now)
        monkeypatch.setattr("headwater.batch.perf_counter", lambda: self.now)
        monkeypatch.setattr("headwater.invocation.perf_counter", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def records(count: int) -> list[dict[str, Any]]:
    return [TABLE.insert({"Id": number}) for number in range(count)]


def run(clock: Clock, seconds: list[float], remaining: float, margin: float = 1.0) -> list[str]:
    """The outcomes of a batch whose records take so many seconds."""
    app = StreamApp(deadline_margin=margin)

    @app.on_record
    def handle(record: Record) -> None:
        clock.now += seconds[record.keys["Id"]]

    context = LambdaContext(remaining_ms=int(remaining * 1_000))
    return [type(outcome).__name__ for outcome in app.run(event(records(len(seconds))), context).outcomes]


def test_no_record_starts_that_might_not_end_in_time(clock: Clock) -> None:
    """The slowest one so far takes 3 seconds and 1 is kept, so of 10 seconds the last start is at 6."""
    assert run(clock, [3, 3, 3, 3], remaining=10) == ["Handled", "Handled", "Handled", "Withheld"]
    assert run(clock, [3, 3.25, 1, 1], remaining=10) == ["Handled", "Handled", "Withheld", "Withheld"]
    assert run(clock, [3, 3, 1, 1], remaining=10.1) == ["Handled", "Handled", "Handled", "Withheld"]


def test_quick_records_use_the_time_up_to_the_margin(clock: Clock) -> None:
    """Nothing is given away for a slowness that was not seen."""
    assert run(clock, [0.5] * 10, remaining=5).count("Handled") == 8
    assert run(clock, [0.5] * 10, remaining=5, margin=0).count("Handled") == 10


def test_at_least_one_record_always_runs(clock: Clock) -> None:
    """However little time is left."""
    assert run(clock, [0.5, 0.5], remaining=0.001) == ["Handled", "Withheld"]
    assert run(clock, [0.5, 0.5], remaining=0) == ["Handled", "Withheld"]


def test_a_margin_keeps_at_most_half_of_the_time(clock: Clock) -> None:
    """A function with a timeout shorter than the margin still gets something done."""
    assert run(clock, [0.125] * 9, remaining=1, margin=60).count("Handled") == 4


def test_a_slow_record_long_ago_does_not_shorten_all_batches_to_come(clock: Clock) -> None:
    """It counts half of what it did with each invocation, and never for more than half of the time."""
    app = StreamApp(deadline_margin=0)
    seconds = 8.0

    @app.on_record
    def handle(_record: Record) -> None:
        clock.now += seconds

    def handled(count: int) -> int:
        outcomes = app.run(event(records(count)), LambdaContext(remaining_ms=10_000)).outcomes
        return sum(isinstance(outcome, Handled) for outcome in outcomes)

    assert handled(1) == 1
    seconds = 1.0
    assert [handled(20) for _ in range(4)] == [7, 9, 10, 10]


def test_a_batch_that_is_cut_short_is_answered_with_its_checkpoint(clock: Clock) -> None:
    """And the ledger is not written for it, since nothing has failed."""
    app = StreamApp(ledger=MemoryLedger())
    app.on_record(lambda _record: setattr(clock, "now", clock.now + 2))
    batch = records(3)
    result = app.run(event(batch), LambdaContext(remaining_ms=3_500))
    assert result.outcomes[1:] == [Withheld(), Withheld()]
    assert result.response == {
        "batchItemFailures": [{"itemIdentifier": batch[1]["dynamodb"]["SequenceNumber"]}]
    }
    assert repr(app._settings.ledger) == "<MemoryLedger with 0 records>"


def test_an_async_handler_in_order_is_cancelled_in_time() -> None:
    """The batch answers, and its record fails with a named error."""
    app = StreamApp(deadline_margin=0.05)
    seen: list[str] = []

    @app.on_record
    async def handle(_record: Record) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            seen.append("ended")

    [outcome] = app.run(event(records(1)), LambdaContext(remaining_ms=150)).outcomes
    assert isinstance(outcome, Failed)
    assert (outcome.phase, type(outcome.error)) == ("deadline", DeadlineError)
    assert "give it a timeout of its own" in str(outcome.error)
    assert seen == ["ended"]


def test_a_timeout_of_the_handlers_own_is_its_own_failure() -> None:
    """It is not taken for the end of the invocation's time."""
    app = StreamApp()

    @app.on_record
    async def handle(_record: Record) -> None:
        async with asyncio.timeout(0.001):
            await asyncio.sleep(60)

    [outcome] = app.run(event(records(1)), LambdaContext(remaining_ms=60_000)).outcomes
    assert isinstance(outcome, Failed)
    assert (outcome.phase, type(outcome.error)) == ("handler", TimeoutError)


class Odd:
    """A context that says something odd."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def get_remaining_time_in_millis(self) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    "context",
    [
        None,
        object(),
        {},
        *map(Odd, [None, "100", True, float("nan"), float("inf"), Decimal(100), ValueError()]),
    ],
    ids=lambda context: type(getattr(context, "answer", context)).__name__,
)
def test_a_context_that_does_not_tell_the_time_sets_no_deadline(context: Any) -> None:
    """Nor does a missing one."""
    assert remaining_seconds(context) is None


def test_the_time_of_a_context_is_in_seconds() -> None:
    """Never below 0."""
    assert [remaining_seconds(Odd(each)) for each in (1_500, 0.5, -3)] == [1.5, 0.0005, 0.0]


def test_without_a_deadline_nothing_is_ever_late(clock: Clock) -> None:
    """As in a test without a context."""
    pace = Pace()
    pace.note(1e9)
    deadline = Deadline(None, 1.0, pace)
    clock.now += 1e9
    assert deadline.may_start()
    assert deadline.left() is None
    assert deadline.grace == 0.5


def test_what_is_left_is_the_time_before_the_margin(clock: Clock) -> None:
    """It runs down to 0."""
    deadline = Deadline(10.0, 1.0, Pace())
    assert deadline.left() == 9.0
    clock.now += 20
    assert deadline.left() == 0.0
