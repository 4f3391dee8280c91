"""The modelled app of a forecast does with a batch what the real one does: both run under the same mapping."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import repeat
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater import Insert, StreamApp
from headwater.cli.modelled_app import ModelledApp
from headwater.cli.workload import START, Sample, Workload, WrittenRecord
from headwater.mapping import Delivery, Discard, EventSourceMapping, Invocation, Raised, Returned, Rules
from headwater.mapping.entries import Entry
from headwater.mapping.simulation import Ran, Simulation, Write
from headwater.testing import Table

REPORT = ("ReportBatchItemFailures",)
ORDERS = Table("Orders", keys="Id")
POISON, PLAIN = ORDERS.insert({"Id": "poison"}), ORDERS.insert({"Id": "plain"})

APPS: tuple[dict[str, Any], ...] = tuple(
    {"on_failure": on_failure, **letters}
    for on_failure in ("stop", "isolate")
    for letters in (
        {},
        {"max_attempts": 1, "hold_item": True},
        {"max_attempts": 3},
        {"max_attempts": 3, "hold_item": True},
    )
)
MAPPINGS = st.builds(
    EventSourceMapping,
    function_response_types=st.just(REPORT),
    batch_size=st.integers(1, 12),
    parallelization_factor=st.integers(1, 3),
    bisect_batch_on_function_error=st.just(False),
    maximum_retry_attempts=st.integers(0, 6),
)


def make_app(handle: Callable[[Insert], None], options: dict[str, Any], put_aside: list[Any]) -> StreamApp:
    app = StreamApp(**options, dead_letters=put_aside.append if "max_attempts" in options else None)
    app.on_insert(handle)
    return app


def records(seed: int, count: int, poison: float) -> list[Write]:
    workload = Workload([Sample(PLAIN, wanted=True, fails=False)], 50.0, count, 6, 2, poison, seed)
    return list(workload.writes())


def simulate(
    mapping: EventSourceMapping,
    writes: Sequence[Write],
    invoke: Callable[[Invocation], Ran],
    forget: Any = None,
) -> list[tuple[Any, ...]]:
    """What was delivered and discarded, as plain values."""
    seen: list[tuple[Any, ...]] = []

    def note(step: Delivery | Discard) -> None:
        if isinstance(step, Discard):
            seen.append((step.shard_id, step.condition, [entry.sequence_number for entry in step.entries]))
            if forget is not None:
                forget(step.entries)
            return
        numbers = [entry.sequence_number for entry in step.invocation.entries]
        first = step.verdict and step.verdict.redeliver_from
        seen.append((step.invocation.shard_id, step.invocation.lane, numbers, first, step.then))

    Simulation(Rules(mapping), invoke, start=START, observe=note).run(writes)
    return seen


@pytest.mark.parametrize("options", APPS, ids=str)
@settings(max_examples=40, deadline=None)
@given(MAPPINGS, st.integers(0, 10**6), st.integers(1, 80), st.sampled_from([0.3, 0.05, 0.0, 1.0]))
def test_the_model_answers_as_the_app_does(
    options: dict[str, Any], mapping: EventSourceMapping, seed: int, count: int, poison: float
) -> None:
    """The same deliveries, the same discards, and as many dead letters."""
    writes = records(seed, count, poison)
    poisoned = {write.raw["eventID"]: written(write).poisoned for write in writes}
    put_aside: list[Any] = []

    def handle(record: Insert) -> None:
        if poisoned[record.event_id]:
            raise ValueError(record.event_id)

    app = make_app(handle, options, put_aside)

    def run(invocation: Invocation) -> Ran:
        return Ran(Returned(app({"Records": [dict(entry.raw) for entry in invocation.entries]})), 0.0)

    modelled = model(make_app(handle, options, []), latencies=[0.0])
    real = simulate(mapping, writes, run)
    assert simulate(mapping, writes, modelled.invoke, modelled.forget) == real
    if not any(condition == "RetryAttemptsExhausted" for _, condition, *_ in real):
        # Else some were discarded that had been put aside before.
        assert modelled.dead_letters == len({letter.event_id for letter in put_aside})


def written(write: Write) -> WrittenRecord:
    raw: Any = write.raw
    assert isinstance(raw, WrittenRecord)
    return raw


def model(app: StreamApp, latencies: Sequence[float], **options: Any) -> ModelledApp:
    endless = repeat(latencies[0]) if len(latencies) == 1 else iter(latencies)
    defaults: dict[str, Any] = {"timeout": 900.0, "report": True, "windows": False}
    return ModelledApp(app, draw=lambda: next(endless), **{**defaults, **options})


# One batch, on its own clock


def batch(items: str, *, poisoned: str = "", unwanted: str = "", failing: str = "") -> Invocation:
    """A batch of records, one for each letter: its item."""
    entries = []
    for number, item in enumerate(items, start=1):
        raw = WrittenRecord({"eventName": "INSERT", "dynamodb": {"SequenceNumber": str(number)}})
        raw.shard_id, raw.item = "shard-0", ord(item)
        raw.wanted, raw.poisoned, raw.fails = item not in unwanted, item in poisoned, item in failing
        entries.append(Entry(raw, START))
    return Invocation(1, "request", "shard-0", 0, 1, 1, entries, {"Records": []}, START)


def first_of(ran: Ran) -> str | None:
    assert isinstance(ran.answer, Returned)
    failures = ran.answer.payload.get("batchItemFailures")
    return failures[0]["itemIdentifier"] if failures else None


def plain(_record: Insert) -> None: ...
async def waiting(_record: Insert) -> None: ...


def app_of(handler: Any = plain, **options: Any) -> StreamApp:
    app = StreamApp(**options)
    app.on_insert(handler)
    return app


@pytest.mark.parametrize(
    ("concurrency", "items", "seconds"),
    [
        (1, "abcd", 4.0),
        (2, "abcd", 2.0),
        (3, "abcd", 2.0),
        (9, "abcd", 1.0),
        (9, "aabb", 2.0),
        (2, "aaab", 3.0),
    ],
)
def test_a_batch_takes_as_long_as_its_lanes(concurrency: int, items: str, seconds: float) -> None:
    """Records of different items run beside each other, as many as `concurrency` says."""
    ran = model(app_of(waiting, concurrency=concurrency), [1.0]).invoke(batch(items))
    assert (ran.seconds, first_of(ran)) == (seconds, None)


def test_records_that_no_route_wants_take_no_time() -> None:
    """They are acknowledged; one for which a condition raises fails at once."""
    ran = model(app_of(), [1.0]).invoke(batch("abc", unwanted="ac"))
    assert (ran.seconds, first_of(ran)) == (1.0, None)
    ran = model(app_of(), [1.0]).invoke(batch("abc", unwanted="abc", failing="b"))
    assert (ran.seconds, first_of(ran)) == (0.0, "2")


def test_a_batch_is_answered_before_its_time_is_over() -> None:
    """Records that might not end in time are withheld, so what is done counts."""
    ran = model(app_of(), [1.0], timeout=5.0).invoke(batch("abcdefgh"))
    assert (ran.seconds, first_of(ran)) == (4.0, "5")


def test_a_plain_function_can_not_be_stopped() -> None:
    """Beyond the margin it still answers; beyond the timeout it does not."""
    assert first_of(model(app_of(), [4.5], timeout=5.0).invoke(batch("ab"))) == "2"
    late = model(app_of(), [6.0], timeout=5.0).invoke(batch("ab"))
    assert late == Ran(Raised("Sandbox.Timedout", "Task timed out after 5.00 seconds"), 5.0)


@pytest.mark.parametrize("options", [{}, {"concurrency": 2}])
def test_an_async_handler_is_stopped_in_time(options: dict[str, Any]) -> None:
    """Its record has failed, and those that are done are done."""
    ran = model(app_of(waiting, **options), [0.1, 6.0, 0.1], timeout=5.0).invoke(batch("abc"))
    assert (ran.seconds, first_of(ran)) == (4.0, "2")


def test_a_record_that_time_ran_out_for_is_put_aside_only_where_it_was_the_first() -> None:
    """One behind it has not had the time, which is no fault of its own."""
    options = {"dead_letters": print, "max_attempts": 1}
    modelled = model(app_of(waiting, **options), [3.5, 6.0, 6.0], timeout=5.0)
    assert first_of(modelled.invoke(batch("ab"))) == "2"
    assert modelled.dead_letters == 0
    assert first_of(modelled.invoke(batch("b"))) is None
    assert modelled.dead_letters == 1


def test_without_a_report_what_failed_is_lost() -> None:
    """Lambda takes the answer for success."""
    modelled = model(app_of(), [0.0], report=False)
    ran = modelled.invoke(batch("abc", poisoned="b"))
    assert (first_of(ran), modelled.unreported) == (None, 2)


def test_a_batch_of_a_window_is_folded_as_a_whole() -> None:
    """A failure in its middle sends all of it back; the state is always there."""
    modelled = model(app_of(), [0.0], windows=True)
    ran = modelled.invoke(batch("abc", poisoned="b"))
    assert first_of(ran) == "1"
    assert isinstance(ran.answer, Returned)
    assert ran.answer.payload["state"] == {}
    assert modelled.invoke(batch("")) == Ran(Returned({"state": {}}), 0.0)


def test_latencies_are_drawn_in_the_order_in_which_records_start() -> None:
    """So that the same seed gives the same forecast."""
    rng = Random(5)
    drawn = [rng.random() for _ in range(3)]
    again = Random(5)
    modelled = ModelledApp(app_of(), draw=again.random, timeout=900.0, report=True, windows=False)
    assert modelled.invoke(batch("abc")).seconds == pytest.approx(sum(drawn))
