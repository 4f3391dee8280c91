"""Observers: what they are told, in which order and context, and that they change nothing."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections import Counter
from typing import Any

import pytest

from headwater import (
    BatchFinished,
    BatchStarted,
    DeadLettered,
    Failed,
    Handled,
    Insert,
    MemoryLedger,
    Modify,
    RecordFinished,
    RecordStarted,
    Reject,
    Skipped,
    StreamApp,
    Withheld,
)
from headwater.events import Event
from headwater.testing import LambdaContext, Table, event, pipes_batch

TABLE = Table("Orders", keys="Id")


def records(*items: Any) -> list[dict[str, Any]]:
    return [TABLE.insert({"Id": item}) for item in items]


def build(told: list[Event], **options: Any) -> StreamApp:
    """An app with two routes for inserts; the item "bad" fails in the second, "rejected" is rejected there."""
    app = StreamApp(observers=[told.append], **options)

    @app.on_insert
    async def first(_record: Insert) -> None:
        await asyncio.sleep(0)

    @app.on_insert
    def second(record: Insert) -> None:
        if record.keys["Id"] == "bad":
            raise ConnectionError
        if record.keys["Id"] == "rejected":
            raise Reject("no")

    return app


@pytest.mark.parametrize("concurrency", [1, 4])
def test_observers_are_told_of_the_batch_and_of_each_record(concurrency: int) -> None:
    """The start of those that a route wants, the end of all that were looked at, the batch with all outcomes."""
    told: list[Event] = []
    app = build(told, concurrency=concurrency, dead_letters=lambda letter: None, on_failure="isolate")
    batch = [*records("a", "bad", "rejected", "bad"), TABLE.remove({"Id": "b"})]
    context = LambdaContext()
    outcomes = app.run(event(batch), context).outcomes

    started, *between, finished = told
    assert started == BatchStarted("event source mapping", batch, context)
    assert isinstance(finished, BatchFinished)
    assert (finished.source, list(finished.records), finished.context) == (
        "event source mapping",
        batch,
        context,
    )
    assert list(finished.outcomes) == list(outcomes)
    assert [type(outcome) for outcome in outcomes] == [Handled, Failed, DeadLettered, Withheld, Skipped]
    assert finished.seconds > 0
    starts = {each.record.keys["Id"]: each for each in between if isinstance(each, RecordStarted)}
    assert {item: (each.routes, each.attempt) for item, each in starts.items()} == dict.fromkeys(
        ("a", "bad", "rejected"), (("first", "second"), 1)
    )
    ends = {each.identifier: each for each in between if isinstance(each, RecordFinished)}
    assert [ends[raw["dynamodb"]["SequenceNumber"]].outcome for raw in (*batch[:3], batch[4])] == [
        *outcomes[:3],
        outcomes[4],
    ]
    assert len(ends) == 4
    handled, skipped = (
        ends[batch[0]["dynamodb"]["SequenceNumber"]],
        ends[batch[4]["dynamodb"]["SequenceNumber"]],
    )
    assert (handled.raw, handled.record and handled.record.keys) == (batch[0], {"Id": "a"})
    assert set(handled.handler_seconds) == {"first", "second"}
    assert 0 < sum(handled.handler_seconds.values()) <= handled.seconds
    assert (skipped.record, skipped.handler_seconds) == (None, {})


def test_an_attempt_is_counted_on_and_what_had_returned_is_not_announced() -> None:
    """As far as the ledger remembers."""
    told: list[Event] = []
    app = build(told, ledger=MemoryLedger())
    batch = event(records("bad"))
    for _ in range(3):
        app(batch)
    assert [(each.attempt, each.routes) for each in told if isinstance(each, RecordStarted)] == [
        (1, ("first", "second")),
        (2, ("second",)),
        (3, ("second",)),
    ]


def test_the_source_is_named() -> None:
    """As in the response."""
    told: list[Event] = []
    build(told)(pipes_batch(records("a")))
    assert isinstance(told[0], BatchStarted)
    assert told[0].source == "EventBridge Pipes"


@pytest.mark.parametrize("concurrency", [1, 4])
def test_start_and_end_of_a_record_come_in_the_context_of_its_handlers(concurrency: int) -> None:
    """What an observer sets at the start, handlers see, sync and async ones, and it sees at the end."""
    current = contextvars.ContextVar("current", default="none")
    seen: list[tuple[str, str]] = []

    def observe(told: Event) -> None:
        if isinstance(told, RecordStarted):
            current.set(told.record.keys["Id"])
        elif isinstance(told, RecordFinished) and told.record is not None:
            seen.append((told.record.keys["Id"], current.get()))

    app = StreamApp(observers=[observe], concurrency=concurrency)

    @app.on_insert
    async def waits(record: Insert) -> None:
        await asyncio.sleep(0.001)
        seen.append((record.keys["Id"], current.get()))

    @app.on_insert
    def plain(record: Insert) -> None:
        seen.append((record.keys["Id"], current.get()))

    items = [f"item {number}" for number in range(8)]
    app(event(records(*items)))
    assert Counter(seen) == {(item, item): 3 for item in items}


def test_of_an_end_observers_are_told_in_the_other_order() -> None:
    """So that the first one stands around the others."""
    said: list[str] = []
    app = StreamApp(
        observers=[lambda told, name=name: said.append(f"{name} {type(told).__name__}") for name in "ab"]
    )
    app.on_insert(lambda _record: None)
    app(event(records(1)))
    assert said == [
        "a BatchStarted",
        "b BatchStarted",
        "a RecordStarted",
        "b RecordStarted",
        "b RecordFinished",
        "a RecordFinished",
        "b BatchFinished",
        "a BatchFinished",
    ]


@pytest.mark.parametrize("concurrency", [1, 4])
def test_an_observer_that_raises_is_logged_once_and_changes_nothing(
    concurrency: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Others are told all the same."""
    told: list[Event] = []

    def broken(_event: Event) -> None:
        raise LookupError

    app = build(told, concurrency=concurrency)
    failing = StreamApp(observers=[broken, told.append, broken], concurrency=concurrency)
    failing.on_insert(lambda _record: None)
    for _ in range(2):
        assert failing(event(records(1, 2))) == {"batchItemFailures": []}
    assert len(told) == 2 * (2 + 2 * 2)
    said = [line.getMessage() for line in caplog.records if line.name == "headwater"]
    assert len(said) == 2  # one for each of the two
    assert all("raised at" in line for line in said)
    assert app(event(records(1))) == {"batchItemFailures": []}


def test_a_logger_that_raises_beside_a_broken_observer_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two failures that have nothing to do with the records."""

    def refuse(*_arguments: object, **_options: object) -> None:
        raise OSError

    monkeypatch.setattr(logging.getLogger("headwater"), "exception", refuse)
    app = StreamApp(observers=[refuse])
    app.on_insert(lambda _record: None)
    assert app(event(records(1))) == {"batchItemFailures": []}


def test_a_batch_that_raises_has_no_end() -> None:
    """Nothing is known of what became of it."""
    told: list[Event] = []
    app = StreamApp(observers=[told.append])

    @app.on_modify
    def end(_record: Modify) -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        app(event([TABLE.modify({"Id": 1}, {"Id": 1, "N": 1})]))
    assert [type(each) for each in told] == [BatchStarted, RecordStarted]
