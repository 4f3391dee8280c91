"""Dead letters: what is put aside, when, what is stored, and what happens to the records behind it."""

from __future__ import annotations

import asyncio
import copy
import logging
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import MagicMock

import pytest
from pydantic import BaseModel

from headwater import (
    DeadLetter,
    DeadLettered,
    DeadLetterError,
    DeadlineError,
    Failed,
    Handled,
    HandlerError,
    Insert,
    MemoryLedger,
    Modify,
    Record,
    Reject,
    Skip,
    Skipped,
    StreamApp,
)
from headwater.dead_letters import digest_traceback
from headwater.invocation import Invocation, Plan
from headwater.origins import NOTHING_DECLARED
from headwater.testing import LambdaContext, Table, event

TABLE = Table("Orders", keys="Id")
ARN = "arn:aws:lambda:eu-central-1:123456789012:function:orders:live"


class Order(BaseModel):
    Id: Any
    Total: int = 0


class Box:
    """A sink that keeps what it is given, or is broken."""

    def __init__(self) -> None:
        self.letters: list[DeadLetter] = []
        self.broken = False

    def store(self, letters: Sequence[DeadLetter]) -> None:
        if self.broken:
            raise ConnectionError("no connection to the box")
        self.letters.extend(letters)


def records(*items: Any) -> list[dict[str, Any]]:
    return [TABLE.insert({"Id": item, "N": position}) for position, item in enumerate(items)]


def named(record: dict[str, Any]) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}


DONE: dict[str, Any] = {"batchItemFailures": []}


def failing(box: Any, *, error: Exception | None = None, **options: Any) -> StreamApp:
    """An app whose handler fails for the item "bad"."""
    app = StreamApp(dead_letters=box, **options)

    @app.on_insert
    def handle(record: Insert) -> None:
        if record.keys["Id"] == "bad":
            raise error or ConnectionError("not now")

    return app


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.parametrize("on_failure", ["stop", "isolate"])
def test_a_record_is_put_aside_after_so_many_attempts(concurrency: int, on_failure: Any) -> None:
    """Each an invocation in which its handler failed. Then it counts as done, and those behind it are handled."""
    box, batch = Box(), records("a", "bad", "b", "bad")
    app = failing(box, max_attempts=3, concurrency=concurrency, on_failure=on_failure)
    waiting = event(batch)
    for _ in range(2):
        assert app(waiting) == named(batch[1])
        assert box.letters == []
        waiting = event(batch[1:])
    last = app.run(waiting)
    first = last.outcomes[0]
    assert isinstance(first, DeadLettered)
    assert (first.phase, type(first.error), first.route, first.attempts) == (
        "handler",
        ConnectionError,
        "handle",
        3,
    )
    assert last.response == named(batch[3])  # the same item again, with attempts of its own
    assert [letter.record for letter in box.letters] == [batch[1]]


def test_the_attempts_of_another_record_are_carried_over_when_the_checkpoint_moves() -> None:
    """It has failed as often, though it was not the first of the batch."""
    box, batch = Box(), records("a", "b", "c")
    app = StreamApp(dead_letters=box, max_attempts=3, on_failure="isolate")
    failures = {"a": 2, "b": 9}

    @app.on_insert
    def handle(record: Insert) -> None:
        failures[record.keys["Id"]] = failures.get(record.keys["Id"], 0) - 1
        if failures[record.keys["Id"]] >= 0:
            raise ConnectionError

    assert app(event(batch)) == named(batch[0])
    assert app(event(batch)) == named(batch[0])
    assert app(event(batch)) == DONE
    assert [letter.attempts for letter in box.letters] == [3]


@pytest.mark.parametrize(
    ("error", "options"),
    [
        (Reject("not ours"), {}),
        (ValueError("no"), {"permanent": (ValueError,)}),
        (UnicodeError("no"), {"permanent": [OSError, ValueError]}),
        (ValueError("no"), {"permanent": ValueError}),
        (KeyError("no"), {"max_attempts": 1}),
    ],
)
def test_what_no_repetition_mends_is_put_aside_at_once(error: Exception, options: dict[str, Any]) -> None:
    """A rejected record, a permanent exception or one of its subclasses, the first failure of one allowed."""
    box, batch = Box(), records("bad", "a")
    result = failing(box, error=error, **options).run(event(batch))
    assert result.response == DONE
    assert isinstance(result.outcomes[0], DeadLettered)
    assert box.letters[0].error_message == str(error)


def test_records_that_can_not_be_decoded_or_read_are_put_aside_at_once() -> None:
    """They never will be. One that lacks an image is the stream's fault: it fails as any other."""
    box = Box()
    app = StreamApp(dead_letters=box)

    @app.on_insert
    def handle(record: Insert[Order]) -> None:
        assert record.new.Total >= 0

    @app.on_modify
    def compare(record: Modify[Order]) -> None:
        assert record.old.Total >= 0

    undecodable = TABLE.insert({"Id": 1, "Total": "much"})
    unreadable = TABLE.insert({"Id": 2})
    unreadable["eventName"] = "OTHER"
    not_wire = TABLE.insert({"Id": 3})
    not_wire["dynamodb"]["NewImage"]["Total"] = {"N": "one"}
    keys_only = Table("Orders", keys="Id", view_type="KEYS_ONLY").modify({"Id": 4}, {"Id": 4, "Total": 1})

    result = app.run(event([undecodable, unreadable, not_wire, keys_only]))

    assert [type(outcome) for outcome in result.outcomes] == [
        DeadLettered,
        DeadLettered,
        DeadLettered,
        Failed,
    ]
    assert [(letter.phase, letter.route) for letter in box.letters] == [
        ("decode", "handle"),
        ("record", None),
        ("decode", "handle"),
    ]


def test_without_a_sink_a_rejected_record_fails_as_any_other() -> None:
    """There is nowhere to put it."""
    batch = records("bad")
    result = failing(None, error=Reject("not ours")).run(event(batch))
    assert result.response == named(batch[0])
    assert isinstance(result.outcomes[0], Failed)


def test_a_failing_condition_counts_as_an_attempt() -> None:
    """The record could not be handled, whatever the reason."""
    box = Box()
    app = StreamApp(dead_letters=box, max_attempts=2)
    app.on_insert(when=lambda record: record.new["Missing"])(lambda _record: None)
    batch = records("a")
    assert app(event(batch)) == named(batch[0])
    assert app(event(batch)) == DONE
    assert (box.letters[0].phase, box.letters[0].attempts) == ("condition", 2)


@pytest.mark.parametrize("concurrency", [1, 2])
def test_a_sink_that_fails_leaves_the_record_unacknowledged(concurrency: int) -> None:
    """Stored first, acknowledged then: the next delivery tries again."""
    box, batch = Box(), records("bad", "bad", "a")
    box.broken = True
    app = failing(box, error=Reject("no"), concurrency=concurrency)
    result = app.run(event(batch))
    assert result.response == named(batch[0])
    failed = result.outcomes[0]
    assert isinstance(failed, Failed)
    assert (failed.phase, failed.route, str(failed.error)) == (
        "dead letter",
        "handle",
        "no connection to the box",
    )
    box.broken = False
    assert app(event(batch)) == DONE
    assert [letter.record for letter in box.letters] == batch[:2]


@pytest.mark.parametrize("concurrency", [1, 2])
def test_any_function_can_be_the_sink(concurrency: int) -> None:
    """A plain one, an async one, and an object with an async `store`."""
    seen: list[str] = []

    def plain(letter: DeadLetter) -> None:
        seen.append(f"plain {letter.error_message}")

    async def waits(letter: DeadLetter) -> None:
        await asyncio.sleep(0)
        seen.append(f"async {letter.error_message}")

    class Waits:
        async def store(self, letters: Sequence[DeadLetter]) -> None:
            await waits(letters[0])

    for sink in (plain, waits, Waits()):
        app = failing(sink, error=Reject("no"), concurrency=concurrency)
        assert app(event(records("bad"))) == DONE
    assert seen == ["plain no", "async no", "async no"]


@pytest.mark.parametrize("concurrency", [1, 2])
def test_a_letter_says_all_that_is_needed(concurrency: int) -> None:
    """The raw record unchanged, and who failed where, why, how often, in which invocation, and when."""
    box = Box()
    app = StreamApp(dead_letters=box, concurrency=concurrency, permanent=ValueError)

    @app.on_insert
    def first(_record: Insert) -> None: ...

    @app.on_insert
    def second(_record: Insert) -> None:
        raise ValueError("no good")

    @app.on_insert
    def third(_record: Insert) -> None: ...

    [record] = records("x")
    before = copy.deepcopy(record)
    context = LambdaContext(invoked_function_arn=ARN, aws_request_id="r-1")
    app(event([record]), context)

    [letter] = box.letters
    assert letter.record == before
    assert (letter.event_id, letter.sequence_number) == (
        record["eventID"],
        record["dynamodb"]["SequenceNumber"],
    )
    assert (letter.table, letter.stream_arn) == ("Orders", record["eventSourceARN"])
    assert (letter.phase, letter.route, letter.routes_done) == ("handler", "second", ("first",))
    assert (letter.error_type, letter.error_message) == ("builtins.ValueError", "no good")
    assert (letter.attempts, letter.function_arn, letter.request_id) == (1, ARN, "r-1")
    assert datetime.now(tz=UTC) - letter.time < timedelta(minutes=1)
    assert len(letter.traceback_digest) == 16
    written = letter.to_json()
    assert written["record"] is letter.record
    assert written["time"].endswith("Z")


def test_letters_without_a_context_and_from_poor_records_say_what_they_can() -> None:
    """What is not known is an empty text."""
    box = Box()
    app = failing(box)
    app({"Records": [{"eventSource": "aws:dynamodb", "dynamodb": {"SequenceNumber": "300"}}]})
    [letter] = box.letters
    assert (letter.sequence_number, letter.event_id, letter.table, letter.stream_arn) == ("300", "", "", "")
    assert (letter.function_arn, letter.request_id) == ("", "")


def test_an_error_that_can_not_say_what_it_is_does_not_cost_the_letter() -> None:
    """Its class is known all the same."""

    class Mute(Exception):  # noqa: N818
        def __str__(self) -> str:
            raise RuntimeError

    box = Box()
    assert failing(box, error=Mute(), permanent=Mute)(event(records("bad"))) == DONE
    assert box.letters[0].error_message == "(its text could not be made: RuntimeError)"


def test_the_digest_is_that_of_the_way_to_the_failure() -> None:
    """The same for the same way, in order and in lanes, and another one for another way or another class."""

    def inner(error: Exception) -> None:
        raise error

    def deeper_inner(error: Exception) -> None:
        inner(error)

    def digest(error: Exception, *, deeper: bool = False) -> str:
        try:
            (deeper_inner if deeper else inner)(error)
        except Exception as raised:
            return digest_traceback(raised)
        return ""

    assert digest(ValueError("one")) == digest(ValueError("two"))
    assert len({digest(ValueError()), digest(KeyError()), digest(ValueError(), deeper=True)}) == 3
    boxes = [Box(), Box()]
    for concurrency, box in enumerate(boxes, start=1):
        failing(box, error=Reject("no"), concurrency=concurrency)(event(records("bad")))
    assert boxes[0].letters[0].traceback_digest == boxes[1].letters[0].traceback_digest


def test_the_last_safe_attempt_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The next failure puts the record aside, and Lambda must not give up before."""
    app, batch = failing(Box(), max_attempts=2), records("bad")
    app(event(batch))
    app(event(batch))
    warnings = [line.getMessage() for line in caplog.records if line.levelno == logging.WARNING]
    [warning] = warnings
    assert "has failed 1 of max_attempts=2 times" in warning
    assert "MaximumRetryAttempts" in warning
    assert "is put aside: ConnectionError" in caplog.records[-1].getMessage()


@pytest.mark.parametrize("concurrency", [1, 2])
@pytest.mark.parametrize("kind", ["function", "store"])
def test_a_sink_that_returns_a_generator_has_stored_nothing(concurrency: int, kind: str) -> None:
    """Its body has not run."""

    class Returns:
        def store(self, letters: Sequence[DeadLetter]) -> Any:
            return (letter for letter in letters)

    async def later(letter: DeadLetter) -> Any:
        return (each for each in [letter])

    batch = records("bad")
    app = failing(Returns() if kind == "store" else later, error=Reject("no"), concurrency=concurrency)
    result = app.run(event(batch))
    assert result.response == named(batch[0])
    [failed] = result.outcomes
    assert isinstance(failed, Failed)
    assert (failed.phase, type(failed.error)) == ("dead letter", DeadLetterError)


def test_what_another_app_has_put_aside_is_not_done() -> None:
    """Two apps of one function may share a ledger: each has progress of its own."""
    ledger, stored, sent = MemoryLedger(), Box(), list[Any]()
    search = StreamApp(ledger=ledger, dead_letters=stored, on_failure="isolate")
    mail = StreamApp(ledger=ledger)

    @search.on_insert
    def index(record: Insert) -> None:
        raise (Reject if record.keys["Id"] == "y" else ConnectionError)

    @mail.on_insert
    def send(record: Insert) -> None:
        sent.append(record.keys["Id"])

    batch = records("x", "y")
    assert search(event(batch)) == named(batch[0])
    assert mail(event(batch)) == DONE
    assert sent == ["x", "y"]


def test_a_record_that_was_put_aside_can_be_run_again() -> None:
    """While the ledger still has it: a batch that a person makes of it does not start where Lambda's did."""
    box, seen = Box(), list[Any]()
    app = StreamApp(dead_letters=box, on_failure="isolate")

    @app.on_insert
    def handle(record: Insert) -> None:
        seen.append(record.keys["Id"])
        if record.keys["Id"] == "x":
            raise ConnectionError
        if seen.count("y") == 1:
            raise Reject("not yet")

    batch = records("x", "y")
    assert app(event(batch)) == named(batch[0])
    [letter] = box.letters
    assert app.run({"Records": [letter.record]}).outcomes == [Handled(("handle",))]
    assert seen == ["x", "y", "y"]


def test_a_record_whose_handler_hangs_on_its_thread_is_put_aside_all_the_same() -> None:
    """Each invocation that makes no progress counts, also those in which it could not even start."""
    box, gate = Box(), threading.Event()
    app = StreamApp(
        dead_letters=box, max_attempts=3, concurrency=2, deadline_margin=0.05, on_failure="isolate"
    )

    @app.on_insert
    def handle(record: Insert) -> None:
        if record.keys["Id"] == "hangs":
            gate.wait(30)

    batch = records("hangs", "a")
    try:
        for _ in range(2):
            assert app(event(batch), LambdaContext(remaining_ms=150)) == named(batch[0])
        assert app(event(batch), LambdaContext(remaining_ms=150)) == DONE
    finally:
        gate.set()
    [letter] = box.letters
    assert (letter.phase, letter.attempts) == ("deadline", 3)


@pytest.mark.parametrize("sink", ["function", "store"])
def test_letters_are_stored_when_all_threads_hang(sink: str) -> None:
    """As when what all handlers need does not answer."""
    box, gate = Box(), threading.Event()
    app = StreamApp(
        dead_letters=box if sink == "store" else lambda letter: box.store([letter]),
        max_attempts=1,
        concurrency=2,
        deadline_margin=0.1,
    )
    app.on_insert(lambda _record: gate.wait(30))
    batch = records("a", "b")
    try:
        response = app(event(batch), LambdaContext(remaining_ms=200))
    finally:
        gate.set()
    assert response == named(batch[1])
    assert [letter.record for letter in box.letters] == [batch[0]]


# Skip


@pytest.mark.parametrize("concurrency", [1, 2])
def test_skip_acknowledges_on_purpose(concurrency: int) -> None:
    """Other handlers of the record run all the same."""
    app = StreamApp(concurrency=concurrency)
    ran: list[str] = []

    @app.on_insert
    def first(record: Insert) -> None:
        if record.keys["Id"] == "skipped":
            raise Skip("a test order")

    @app.on_insert(when=lambda record: record.new["N"] == 0)
    def second(record: Insert) -> None:
        ran.append(record.keys["Id"])

    result = app.run(event(records("skipped", "skipped", "x")))
    assert result.outcomes == [Handled(("first", "second")), Skipped("a test order"), Handled(("first",))]
    assert ran == ["skipped"]


def test_skip_needs_no_reason() -> None:
    """It is empty then."""
    app = StreamApp()

    @app.on_insert
    def handle(_record: Insert) -> None:
        raise Skip

    assert app.run(event(records(1))).outcomes == [Skipped("")]
    assert (Skip("why").reason, Reject("why").reason) == ("why", "why")


# What follows behind a record that was put aside


@pytest.mark.parametrize("concurrency", [1, 2])
def test_later_records_of_the_item_run_behind_one_that_was_put_aside(concurrency: int) -> None:
    """It counts as done, so they do not wait."""
    box, ran = Box(), list[int]()
    app = StreamApp(dead_letters=box, concurrency=concurrency)

    @app.on_insert
    def handle(record: Insert) -> None:
        if record.new["N"] == 0:
            raise Reject("no")
        ran.append(record.new["N"])

    assert app(event(records("x", "x", "y"))) == DONE
    assert sorted(ran) == [1, 2]


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.parametrize("on_failure", ["stop", "isolate"])
def test_hold_item_puts_them_aside_too_in_order(concurrency: int, on_failure: Any) -> None:
    """Those that a route wants; other items go on, and what nobody wants is acknowledged unread."""
    box, ran = Box(), list[Any]()
    app = StreamApp(dead_letters=box, hold_item=True, concurrency=concurrency, on_failure=on_failure)

    @app.on_insert(when=lambda record: record.new["N"] != 3 or record.new["Missing"])
    def handle(record: Insert) -> None:
        if record.new["N"] == 0:
            raise Reject("no")
        ran.append(record.keys["Id"])

    batch = [*records("x", "y", "x", "x", "y", "x"), TABLE.remove({"Id": "x"})]
    result = app.run(event(batch))

    assert result.response == DONE
    assert ran == ["y", "y"]
    assert [letter.record for letter in box.letters] == [batch[0], batch[2], batch[3], batch[5]]
    number = batch[0]["dynamodb"]["SequenceNumber"]
    assert {(letter.phase, letter.attempts, letter.error_message) for letter in box.letters[1:]} == {
        ("dead letter", 0, f"put aside behind record {number} of its item, as hold_item asks")
    }
    assert result.outcomes[2] == DeadLettered("dead letter")
    assert result.outcomes[6] == Skipped()


@pytest.mark.parametrize("concurrency", [1, 2])
def test_an_item_stays_held_on_redelivery(concurrency: int) -> None:
    """The ledger knows which records have been put aside: they are not stored again."""
    box, fails = Box(), True
    app = StreamApp(
        dead_letters=box, hold_item=True, max_attempts=9, concurrency=concurrency, on_failure="isolate"
    )

    @app.on_insert
    def handle(record: Insert) -> None:
        if record.keys["Id"] == "x":
            raise Reject("no")
        if fails:
            raise ConnectionError

    batch = records("y", "x", "x")
    assert app(event(batch)) == named(batch[0])
    assert len(box.letters) == 2
    fails = False
    result = app.run(event([*batch, *records("x")]))
    assert [type(outcome) for outcome in result.outcomes] == [
        Handled,
        DeadLettered,
        DeadLettered,
        DeadLettered,
    ]
    assert len(box.letters) == 3


@pytest.mark.parametrize("concurrency", [1, 2])
@pytest.mark.parametrize("on_failure", ["stop", "isolate"])
def test_an_item_stays_held_when_the_record_that_holds_it_is_not_delivered_again(
    concurrency: int, on_failure: Any
) -> None:
    """It was before the checkpoint; the record behind it was never reached."""
    box, fails, ran = Box(), True, list[Any]()
    app = StreamApp(dead_letters=box, hold_item=True, concurrency=concurrency, on_failure=on_failure)

    @app.on_insert
    def handle(record: Insert) -> None:
        if record.keys["Id"] == "x" and record.new["N"] == 0:
            raise Reject("no")
        if fails:
            raise ConnectionError
        ran.append(record.keys["Id"])

    batch = records("x", "y", "x", "z")
    if on_failure == "isolate":
        batch = [batch[0], batch[1], batch[3]]
    assert app(event(batch)) == named(batch[1])
    fails = False
    assert app(event([*batch[1:], *records("w", "x")])) == DONE
    assert "x" not in ran
    assert [letter.record["dynamodb"]["Keys"]["Id"]["S"] for letter in box.letters] == ["x"] * len(
        box.letters
    )
    assert len(box.letters) == (3 if on_failure == "stop" else 2)
    assert "behind an earlier record of its item" in box.letters[1].error_message
    assert repr(app._settings.ledger) == "<MemoryLedger with 0 records>"


def test_a_record_put_aside_by_an_earlier_invocation_is_not_asked_again() -> None:
    """Nothing is logged for it either."""
    box, asked = Box(), list[Any]()
    app = StreamApp(dead_letters=box, max_attempts=9, on_failure="isolate")

    @app.on_record
    def handle(record: Record) -> None:
        asked.append(record.keys["Id"])
        raise (Reject if record.keys["Id"] == "x" else ConnectionError)

    batch = records("y", "x")
    app(event(batch))
    app(event(batch))
    assert asked == ["y", "x", "y"]
    assert len(box.letters) == 1


def test_an_unfinished_record_counts_only_when_it_was_the_first() -> None:
    """As Lambda counts: an invocation that makes progress is no attempt of what follows."""
    box = Box()
    app = StreamApp(
        dead_letters=box, max_attempts=2, concurrency=2, deadline_margin=0.05, on_failure="isolate"
    )

    @app.on_insert
    async def handle(record: Insert) -> None:
        if record.keys["Id"] == "hangs":
            await asyncio.sleep(60)

    batch = records("a", "hangs")
    for _ in range(3):
        assert app(event(batch), LambdaContext(remaining_ms=150)) == named(batch[1])
    assert app(event(batch[1:]), LambdaContext(remaining_ms=150)) == named(batch[1])
    assert app(event(batch[1:]), LambdaContext(remaining_ms=150)) == DONE
    [letter] = box.letters
    assert (letter.phase, letter.attempts, letter.route) == ("deadline", 2, "handle")


def test_a_reject_that_a_middleware_makes_of_the_deadline_is_put_aside() -> None:
    """It is a verdict of its own, whatever position the record has."""
    box = Box()
    app = StreamApp(dead_letters=box, deadline_margin=0.05, on_failure="isolate")

    @app.middleware
    async def give_up(record: Any, call_next: Any) -> None:
        try:
            await asyncio.wait_for(call_next(record), 0.01)
        except TimeoutError:
            raise Reject("too slow") from None

    @app.on_insert
    async def handle(record: Insert) -> None:
        await asyncio.sleep(60 if record.keys["Id"] == "slow" else 0)

    assert app(event(records("a", "slow"))) == DONE
    assert [letter.error_message for letter in box.letters] == ["too slow"]


def test_a_deadline_that_a_plain_middleware_turns_into_a_reject_is_put_aside() -> None:
    """Only running out of time itself is counted by position."""
    box = Box()
    app = StreamApp(dead_letters=box, deadline_margin=0.05)

    @app.middleware
    def give_up(record: Any, call_next: Any) -> None:
        try:
            call_next(record)
        except DeadlineError:
            raise Reject("too slow") from None

    @app.on_insert
    async def handle(record: Insert) -> None:
        await asyncio.sleep(60 if record.keys["Id"] == "slow" else 0)

    assert app(event(records("a", "slow")), LambdaContext(remaining_ms=150)) == DONE
    assert [letter.error_message for letter in box.letters] == ["too slow"]


@pytest.mark.parametrize("concurrency", [1, 2])
def test_a_sink_that_returns_a_future_has_not_stored_yet(concurrency: int) -> None:
    """Nobody waits for it, and it may fail; the same for a handler."""
    with ThreadPoolExecutor(1) as pool:
        batch = records("bad")
        app = failing(lambda _letter: pool.submit(print), error=Reject("no"), concurrency=concurrency)
        assert app(event(batch)) == named(batch[0])
        handled = StreamApp(concurrency=concurrency)
        handled.on_insert(lambda _record: pool.submit(print))
        [outcome] = handled.run(event(batch)).outcomes
        assert isinstance(outcome, Failed)
        assert "returned a future" in str(outcome.error)


def test_a_letter_is_stored_though_a_handler_that_was_given_up_keeps_the_only_thread() -> None:
    """The sink gets another one, at once."""
    box, gate = Box(), threading.Event()
    app = StreamApp(dead_letters=box, permanent=TimeoutError)

    @app.middleware
    async def limit(record: Any, call_next: Any) -> None:
        await asyncio.wait_for(call_next(record), 0.02)

    app.on_insert(lambda _record: gate.wait(30))
    try:
        assert app(event(records("a"))) == DONE
    finally:
        gate.set()
    assert [letter.error_type for letter in box.letters] == ["builtins.TimeoutError"]


class OddContext:
    """A double of a context."""

    aws_request_id = 7

    @property
    def invoked_function_arn(self) -> str:
        raise LookupError


@pytest.mark.parametrize("context", [OddContext(), MagicMock()], ids=["odd", "mock"])
def test_a_context_that_is_none_costs_nothing(context: Any) -> None:
    """Attempts are counted, and the letter says what is known."""
    box, batch = Box(), records("bad")
    app = failing(box, max_attempts=2)
    assert app(event(batch), context) == named(batch[0])
    assert app(event(batch), context) == DONE
    assert (box.letters[0].function_arn, box.letters[0].request_id) == ("", "")


# Letters of several lanes


class Slow:
    """A sink that takes its time, and refuses some."""

    def __init__(self, *refused: str) -> None:
        self.calls: list[list[Any]] = []
        self.refused = refused
        self.ids: dict[str, Any] = {}

    async def store(self, letters: Sequence[DeadLetter]) -> None:
        await asyncio.sleep(0.01)
        self.calls.append([letter.record["dynamodb"]["Keys"]["Id"]["S"] for letter in letters])
        refused = [
            letter.sequence_number
            for letter in letters
            if letter.record["dynamodb"]["Keys"]["Id"]["S"] in self.refused
        ]
        if refused:
            raise DeadLetterError("full", not_stored=refused)


def rejecting(box: Any, **options: Any) -> StreamApp:
    app = StreamApp(dead_letters=box, concurrency=4, **options)

    @app.on_insert
    async def handle(_record: Insert) -> None:
        await asyncio.sleep(0)
        raise Reject("no")

    return app


def test_letters_of_several_lanes_go_together() -> None:
    """Those that come while the sink is busy: four lanes need fewer calls than they have letters."""
    box = Slow()
    assert rejecting(box)(event(records(*"abcdefgh"))) == DONE
    assert sorted(each for call in box.calls for each in call) == list("abcdefgh")
    assert len(box.calls) < 8
    assert max(map(len, box.calls)) > 1


def test_a_sink_that_names_what_it_did_not_store_leaves_only_that_unacknowledged() -> None:
    """The others of the same call are stored."""
    box, batch = Slow("c"), records(*"abcd")
    result = rejecting(box, on_failure="isolate").run(event(batch))
    assert [type(outcome) for outcome in result.outcomes] == [
        DeadLettered,
        DeadLettered,
        Failed,
        DeadLettered,
    ]
    assert result.response == named(batch[2])


@pytest.mark.parametrize("fatal", [SystemExit, asyncio.CancelledError])
def test_a_sink_that_raises_what_is_no_exception_ends_the_batch(fatal: type[BaseException]) -> None:
    """Whatever it is called for."""

    class Ends:
        def store(self, _letters: Sequence[DeadLetter]) -> None:
            raise fatal

    with pytest.raises(fatal):
        rejecting(Ends())(event(records(*"ab")))


def test_a_letter_on_its_way_is_not_interrupted_by_the_deadline() -> None:
    """It is waited for within the margin, so that the record is not put aside twice."""

    class Box:
        stored = 0

        async def store(self, letters: Sequence[DeadLetter]) -> None:
            await asyncio.sleep(0.12)
            self.stored += len(letters)

    box = Box()
    app = rejecting(box, deadline_margin=0.1)
    assert app(event(records("a")), LambdaContext(remaining_ms=200)) == DONE
    assert box.stored == 1


class Stuck:
    """A sink that waits until it is told."""

    def __init__(self) -> None:
        self.waits = True
        self.stored: list[str] = []

    async def store(self, letters: Sequence[DeadLetter]) -> None:
        while self.waits:  # noqa: ASYNC110 - set between two runs of the loop
            await asyncio.sleep(0.005)
        self.stored.extend(letter.sequence_number for letter in letters)


def test_a_letter_that_takes_too_long_leaves_its_record_unacknowledged() -> None:
    """It may be stored all the same, so it may be stored twice: never not at all."""
    box, batch = Stuck(), records("a")
    app = rejecting(box, deadline_margin=0.05)
    result = app.run(event(batch), LambdaContext(remaining_ms=150))
    assert result.response == named(batch[0])
    assert isinstance(result.outcomes[0], Failed)
    box.waits = False
    assert app(event(batch)) == DONE
    assert set(box.stored) == {batch[0]["dynamodb"]["SequenceNumber"]}


def test_a_letter_of_a_record_that_was_stopped_may_take_too_long_too() -> None:
    """Its handler was stopped, and so is its letter: it is delivered again."""
    box, batch = Stuck(), records("a")
    app = StreamApp(dead_letters=box, max_attempts=1, concurrency=2, deadline_margin=0.05)
    hangs = True

    @app.on_insert
    async def handle(_record: Insert) -> None:
        if hangs:
            await asyncio.sleep(60)

    result = app.run(event(batch), LambdaContext(remaining_ms=150))
    assert result.response == named(batch[0])
    [failed] = result.outcomes
    assert isinstance(failed, Failed)
    assert failed.phase == "dead letter"
    box.waits, hangs = False, False
    assert app(event(batch)) == DONE


def test_without_a_sink_nothing_can_be_stored() -> None:
    """Which is refused rather than taken for done."""
    invocation = Invocation.__new__(Invocation)
    invocation.plan = Plan({}, NOTHING_DECLARED)
    letter = failing_letter()
    with pytest.raises(HandlerError, match="no dead_letters="):
        invocation.store(letter)


def failing_letter() -> DeadLetter:
    box = Box()
    failing(box, error=Reject("no"))(event(records("bad")))
    return box.letters[0]
