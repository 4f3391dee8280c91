"""Lanes: records of one item in order, those of different items side by side, on the loop and on threads."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from headwater import (
    DeadlineError,
    Failed,
    Handled,
    HandlerError,
    Insert,
    Modify,
    Record,
    Skip,
    Skipped,
    StreamApp,
)
from headwater.items import item_of
from headwater.lanes import Lanes
from headwater.testing import LambdaContext, Table, event
from headwater.workers import Workers

TABLE = Table("Orders", keys="Id")
SHORT = 200
"""Milliseconds: of an invocation whose handlers do not end."""


def records(*items: Any) -> list[dict[str, Any]]:
    return [TABLE.insert({"Id": item, "N": position}) for position, item in enumerate(items)]


def number(record: dict[str, Any]) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


def names(outcomes: Any) -> list[str]:
    return [type(outcome).__name__ for outcome in outcomes]


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Held by handlers that must not end by themselves; opened when the test is over, so that no thread is left."""
    held = threading.Event()
    yield held
    held.set()


class Watch:
    """How many handlers run at once, in all and of one item, and in which order they started."""

    def __init__(self) -> None:
        self.running: dict[Any, int] = defaultdict(int)
        self.most = 0
        self.order: dict[Any, list[int]] = defaultdict(list)
        self.overlapped = False
        self._lock = threading.Lock()

    def __call__(self, record: Record, change: int) -> None:
        with self._lock:
            item = record.keys["Id"]
            self.running[item] += change
            self.overlapped |= self.running[item] > 1
            self.most = max(self.most, sum(self.running.values()))
            if change > 0:
                self.order[item].append(record.wire_image("NewImage")["N"]["N"])


@pytest.mark.parametrize("is_async", [True, False])
def test_items_run_side_by_side_and_each_in_its_order(is_async: bool) -> None:
    """Up to so many at once, and never two of one item; on the loop and on threads."""
    app, watch = StreamApp(concurrency=4), Watch()
    meeting = threading.Barrier(4)

    async def handle_async(record: Record) -> None:
        watch(record, 1)
        await asyncio.sleep(0.001)
        watch(record, -1)

    def handle(record: Record) -> None:
        watch(record, 1)
        if len(watch.order) <= 4 and len(watch.order[record.keys["Id"]]) == 1:
            meeting.wait(timeout=30)  # would break if fewer than four ran at once
        watch(record, -1)

    app.on_record(handle_async if is_async else handle)
    batch = records(*[each % 4 for each in range(40)])
    assert names(app.run(event(batch)).outcomes) == ["Handled"] * 40
    assert watch.most == 4
    assert not watch.overlapped
    assert {item: [int(each) for each in order] for item, order in watch.order.items()} == {
        item: list(range(item, 40, 4)) for item in range(4)
    }


def test_sync_handlers_run_under_load_on_real_threads() -> None:
    """5,000 records of 50 items, some slow: none overlaps another of its item, and none is missing."""
    app, watch = StreamApp(concurrency=16), Watch()

    @app.on_record
    def handle(record: Record) -> None:
        watch(record, 1)
        if record.keys["Id"] % 7 == 0:
            time.sleep(0.0001)
        watch(record, -1)

    batch = records(*[each * 7919 % 50 for each in range(5_000)])
    assert app(event(batch)) == {"batchItemFailures": []}
    assert not watch.overlapped
    assert all(order == sorted(order, key=int) for order in watch.order.values())
    assert sum(map(len, watch.order.values())) == 5_000


def test_async_and_sync_handlers_of_one_record_run_in_the_order_of_their_declaration() -> None:
    """One after another: the async ones on the loop of the process, the others on threads."""
    app = StreamApp(concurrency=2)
    ran: list[tuple[str, bool]] = []

    def note(name: str) -> None:
        ran.append((name, threading.current_thread().name.startswith("headwater")))

    @app.on_record
    async def first(_record: Record) -> None:
        note("first")

    @app.on_record
    def second(_record: Record) -> None:
        note("second")

    @app.on_record
    def third(_record: Record) -> Any:
        note("third")

        async def rest() -> None:
            note("rest of third")

        return rest()

    app.on_record(functools.partial(lambda name, _record: note(name), "fourth"))
    app(event(records(1)))
    assert ran == [
        ("first", False),
        ("second", True),
        ("third", True),
        ("rest of third", False),
        ("fourth", True),
    ]


def test_no_task_is_made_for_a_record_before_it_starts() -> None:
    """Of a batch of 10,000 there are never more tasks than lanes."""
    app = StreamApp(concurrency=3)
    most = 0

    @app.on_record
    async def handle(record: Record) -> None:
        nonlocal most
        await asyncio.sleep(0)
        if record.keys["Id"] % 100 == 0:
            most = max(most, len(asyncio.all_tasks()))

    app(event(records(*range(10_000))))
    assert most <= 3 + 1  # and that of the batch


@pytest.mark.parametrize("concurrency", [1, 4])
def test_context_variables_of_the_caller_reach_all_handlers(concurrency: int) -> None:
    """Sync and async ones; what one handler sets is not seen by the record of another lane."""
    variable = contextvars.ContextVar("variable", default="unset")
    app = StreamApp(concurrency=concurrency)
    seen: list[str] = []

    @app.on_insert
    async def handle(_record: Insert) -> None:
        seen.append(variable.get())
        if concurrency > 1:
            variable.set("leaked")

    @app.on_modify
    def handle_sync(_record: Modify) -> None:
        seen.append(variable.get())

    variable.set("set by the caller")
    modified = TABLE.modify({"Id": 1}, {"Id": 1, "N": 2})
    app(event([*records(*range(8)), modified]))
    assert seen == ["set by the caller"] * 9


# What happens after a failure


def test_with_stop_nothing_starts_after_a_failure() -> None:
    """What runs already ends; the rest is withheld, and the response names the first that is not acknowledged."""
    app = StreamApp(concurrency=2)
    failed = asyncio.Event()

    @app.on_record
    async def handle(record: Record) -> None:
        if record.keys["Id"] == 0:
            await failed.wait()
        elif record.keys["Id"] == 1:
            failed.set()
            raise ConnectionError

    batch = records(0, 1, 2, 3)
    result = app.run(event(batch))
    assert names(result.outcomes) == ["Handled", "Failed", "Withheld", "Withheld"]
    assert result.response == {"batchItemFailures": [{"itemIdentifier": number(batch[1])}]}


@pytest.mark.parametrize("concurrency", [1, 3])
def test_with_isolate_only_later_records_of_the_item_are_withheld(concurrency: int) -> None:
    """Others go on, and the checkpoint is the first that is not acknowledged."""
    app = StreamApp(concurrency=concurrency, on_failure="isolate")

    @app.on_record
    def handle(record: Record) -> None:
        if record.keys["Id"] == "bad":
            raise ConnectionError

    batch = records("a", "bad", "b", "bad", "a", "bad")
    result = app.run(event(batch))
    assert names(result.outcomes) == ["Handled", "Failed", "Handled", "Withheld", "Handled", "Withheld"]
    assert result.response == {"batchItemFailures": [{"itemIdentifier": number(batch[1])}]}


@pytest.mark.parametrize("fatal", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError])
@pytest.mark.parametrize("is_async", [True, False])
def test_what_is_no_ordinary_exception_ends_the_batch_cleanly(
    fatal: type[BaseException], is_async: bool
) -> None:
    """The call raises it, the other handlers are cancelled, and the app can be called again."""
    app = StreamApp(concurrency=3)
    ended: list[str] = []
    calm = False

    def refuse(record: Record) -> None:
        if record.keys["Id"] == 1 and not calm:
            raise fatal

    @app.on_record
    async def slow(record: Record) -> None:
        if record.keys["Id"] == 0 and not calm:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                ended.append("cancelled")
                raise

    async def refuse_async(record: Record) -> None:
        await asyncio.sleep(0)
        refuse(record)

    app.on_record(refuse_async if is_async else refuse)
    batch = records(0, 1, 2, 3, 4)
    with pytest.raises(fatal):
        app(event(batch))
    assert ended == ["cancelled"]
    calm = True
    assert app(event(batch)) == {"batchItemFailures": []}


def test_the_batch_can_be_cancelled_from_outside() -> None:
    """Then its handlers are cancelled too, and nothing is answered."""
    app = StreamApp(concurrency=2)
    ended: list[int] = []
    lanes: list[Any] = []

    @app.on_record
    async def handle(record: Record) -> None:
        lanes[0].cancel()
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(record.keys["Id"])

    inner = Lanes.run

    async def run(self: Lanes) -> Any:
        task = asyncio.current_task()
        lanes.append(task)
        return await inner(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lanes, "run", run)
        with pytest.raises(asyncio.CancelledError):
            app(event(records(1, 2, 3)))
    assert sorted(ended) == [1, 2]


def test_an_exception_that_a_future_can_not_carry_is_a_failure_like_any_other() -> None:
    """`StopIteration` has a meaning to coroutines."""
    for concurrency in (1, 2):
        app = StreamApp(concurrency=concurrency)

        @app.on_record
        def handle(_record: Record) -> None:
            next(iter(()))

        [outcome] = app.run(event(records(1))).outcomes
        assert isinstance(outcome, Failed)
        assert isinstance(outcome.error, StopIteration)
        assert (outcome.phase, outcome.route) == ("handler", "handle")


def test_a_record_whose_content_a_handler_took_away_fails_alone() -> None:
    """It is no record any more, so it counts as one of its table without a key."""
    app, batch = StreamApp(on_failure="isolate"), event(records(1, 2))

    @app.on_record
    def handle(_record: Record) -> None:
        del batch["Records"][1]["dynamodb"]

    first, second = app.run(batch).outcomes
    assert isinstance(first, Handled)
    assert isinstance(second, Failed)


def test_a_generator_is_refused_in_a_lane_too() -> None:
    """Its body has not run."""
    app = StreamApp(concurrency=2)
    app.on_record(lambda record: (each for each in [record]))
    [outcome] = app.run(event(records(1))).outcomes
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, HandlerError)


def test_a_failing_condition_and_a_record_that_can_not_be_read_fail_in_a_lane_too() -> None:
    """With the phase that they have in order."""
    app = StreamApp(concurrency=2, on_failure="isolate")
    app.on_insert(when=lambda record: record.new["Missing"])(lambda _record: None)
    batch = records(1, 2)
    batch[1]["eventName"] = "OTHER"
    outcomes = app.run(event(batch)).outcomes
    assert [(outcome.phase, type(outcome)) for outcome in outcomes if isinstance(outcome, Failed)] == [
        ("condition", Failed),
        ("record", Failed),
    ]


def test_records_that_nobody_wants_need_no_task() -> None:
    """They are acknowledged on the way; so are those that every handler skips."""
    app = StreamApp(concurrency=2)

    @app.on_modify
    def handle(_record: Modify) -> None:
        raise Skip("a test")

    modified = TABLE.modify({"Id": 1}, {"Id": 1, "N": 2})
    assert app.run(event([*records(1, 1), modified])).outcomes == [Skipped(), Skipped(), Skipped("a test")]


# The deadline


def test_async_handlers_are_cancelled_in_time_and_their_records_come_again() -> None:
    """Those that were done stay done: the checkpoint is the first that was not."""
    app = StreamApp(concurrency=3, deadline_margin=0.05)

    @app.on_record
    async def handle(record: Record) -> None:
        await asyncio.sleep(60 if record.keys["Id"] == 1 else 0)

    batch = records(0, 1, 2)
    result = app.run(event(batch), LambdaContext(remaining_ms=SHORT))
    assert names(result.outcomes) == ["Handled", "Failed", "Handled"]
    failed = result.outcomes[1]
    assert isinstance(failed, Failed)
    assert (failed.phase, failed.route, type(failed.error)) == ("deadline", "handle", DeadlineError)
    assert result.response == {"batchItemFailures": [{"itemIdentifier": number(batch[1])}]}


def test_a_handler_that_ends_when_it_is_cancelled_counts_as_done() -> None:
    """It had the time to come to its end."""
    app = StreamApp(concurrency=2, deadline_margin=0.05)

    @app.on_record
    async def handle(_record: Record) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return

    assert names(app.run(event(records(1)), LambdaContext(remaining_ms=SHORT)).outcomes) == ["Handled"]


def test_a_thread_that_goes_on_keeps_its_item_until_it_ends(gate: threading.Event) -> None:
    """A thread can not be stopped: while it runs, no record of its item starts, and those of others do."""
    app = StreamApp(concurrency=2, deadline_margin=0.05)
    ran: list[tuple[int, int]] = []

    @app.on_insert
    def handle(record: Insert) -> None:
        ran.append((record.keys["Id"], record.new["N"]))
        if record.new["N"] == 0 and len(ran) == 1:
            gate.wait(30)

    batch = records(1, 1, 2)
    first = app.run(event(batch), LambdaContext(remaining_ms=SHORT))
    assert names(first.outcomes) == ["Failed", "Withheld", "Handled"]
    second = app.run(event(batch[:2]), LambdaContext(remaining_ms=SHORT))
    assert names(second.outcomes) == ["Failed", "Withheld"]
    [failed, _] = second.outcomes
    assert isinstance(failed, Failed)
    assert "an earlier invocation had left behind" in str(failed.error)
    assert ran == [(1, 0), (2, 2)]
    gate.set()
    third = app.run(event(batch[:2]))
    assert names(third.outcomes) == ["Handled", "Handled"]
    assert ran == [(1, 0), (2, 2), (1, 0), (1, 1)]


def test_a_record_waits_for_a_thread_that_ends_meanwhile(gate: threading.Event) -> None:
    """As long as there is time."""
    app = StreamApp(concurrency=2, deadline_margin=0.05)
    ran: list[int] = []

    @app.on_insert
    def handle(record: Insert) -> None:
        ran.append(record.new["N"])
        if len(ran) == 1:
            gate.wait(30)
        elif record.keys["Id"] == 2:
            gate.set()

    batch = records(1, 2)
    assert names(app.run(event(batch[:1]), LambdaContext(remaining_ms=SHORT)).outcomes) == ["Failed"]
    assert names(app.run(event(batch)).outcomes) == ["Handled", "Handled"]
    assert ran == [0, 1, 0]


def test_a_task_that_refuses_to_be_cancelled_is_left_behind() -> None:
    """Its item waits for it, as for a thread."""
    app = StreamApp(concurrency=2, deadline_margin=0.05)
    stubborn = True

    @app.on_record
    async def handle(_record: Record) -> None:
        while stubborn:
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                continue

    batch = records(1)
    [outcome] = app.run(event(batch), LambdaContext(remaining_ms=SHORT)).outcomes
    assert isinstance(outcome, Failed)
    assert outcome.phase == "deadline"
    assert names(app.run(event(batch), LambdaContext(remaining_ms=SHORT)).outcomes) == ["Failed"]
    stubborn = False
    assert names(app.run(event(batch)).outcomes) == ["Handled"]


def test_what_waits_for_a_thread_of_the_pool_is_cancelled(gate: threading.Event) -> None:
    """It has not started, so it never does."""
    app = StreamApp(concurrency=2, deadline_margin=0.05)
    ran: list[int] = []

    @app.on_record
    def handle(record: Record) -> None:
        ran.append(record.keys["Id"])
        gate.wait(30)

    context = LambdaContext(remaining_ms=SHORT)
    outcomes = app.run(event(records(1, 2, 3)), context).outcomes
    assert names(outcomes) == ["Failed", "Failed", "Withheld"]
    assert sorted(ran) == [1, 2]


def test_no_record_starts_when_the_time_is_nearly_over() -> None:
    """Those that run end; the others come again."""
    app = StreamApp(concurrency=2, deadline_margin=0.05)
    ran: list[int] = []

    @app.on_record
    async def handle(record: Record) -> None:
        ran.append(record.keys["Id"])
        await asyncio.sleep(0.03)

    result = app.run(event(records(*range(100))), LambdaContext(remaining_ms=SHORT))
    assert names(result.outcomes[: len(ran)]) == ["Handled"] * len(ran)
    assert set(names(result.outcomes[len(ran) :])) == {"Withheld"}
    assert 2 <= len(ran) < 100


def test_an_item_waits_for_all_calls_that_were_left_behind(gate: threading.Event) -> None:
    """A plain middleware and what it waits for are two; the record starts when both have ended."""
    app = StreamApp(concurrency=2, deadline_margin=0.05)
    ran: list[str] = []

    @app.middleware
    def wait(record: Any, call_next: Any) -> None:
        call_next(record)
        ran.append("left")

    @app.on_record
    def handle(_record: Record) -> None:
        ran.append("handler")
        gate.wait(30)

    batch = records(1)
    assert names(app.run(event(batch), LambdaContext(remaining_ms=SHORT)).outcomes) == ["Failed"]
    timer = threading.Timer(0.02, gate.set)
    timer.start()
    assert names(app.run(event(batch)).outcomes) == ["Handled"]
    timer.join()
    assert ran[0] == "handler"
    assert ran[-2:] == ["handler", "left"]


def test_a_task_that_ends_the_process_late_ends_the_batch() -> None:
    """Even when it does so while it is cancelled, beside one that does not let itself be cancelled."""
    app = StreamApp(concurrency=2, deadline_margin=0.05)
    stubborn = True

    @app.on_record
    async def handle(record: Record) -> None:
        while stubborn:
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                if record.keys["Id"] == 1:
                    raise SystemExit from None

    with pytest.raises(SystemExit):
        app.run(event(records(1, 2)), LambdaContext(remaining_ms=SHORT))
    stubborn = False
    assert app(event(records(1, 2))) == {"batchItemFailures": []}


def test_what_does_not_end_when_the_batch_is_to_end_is_left_behind() -> None:
    """The batch raises all the same, and the item waits."""
    app = StreamApp(concurrency=2, deadline_margin=0.05)
    stubborn = True

    @app.on_record
    async def handle(record: Record) -> None:
        while stubborn:
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                continue
            if record.keys["Id"] == 1:
                raise SystemExit

    with pytest.raises(SystemExit):
        app.run(event(records(1, 2)))
    assert names(app.run(event(records(2)), LambdaContext(remaining_ms=SHORT)).outcomes) == ["Failed"]
    stubborn = False
    assert app(event(records(2))) == {"batchItemFailures": []}


def test_what_a_task_of_a_middleware_asks_for_when_it_is_too_late_does_not_start() -> None:
    """Its record is settled, and may be running again."""
    app = StreamApp(concurrency=2, dead_letters=lambda _letter: None, permanent=TimeoutError)
    ran: list[str] = []
    tasks: list[asyncio.Task[None]] = []

    @app.middleware
    async def give_up(record: Any, call_next: Any) -> None:
        if record.event_name == "MODIFY":
            await call_next(record)
            return
        tasks.append(asyncio.create_task(_after(0.02, call_next, record)))
        raise TimeoutError

    app.on_insert(lambda _record: ran.append("insert"))

    @app.on_modify
    async def wait(_record: Modify) -> None:
        await asyncio.sleep(0.06)
        ran.append("modify")

    app(event([*records(1), TABLE.modify({"Id": 2}, {"Id": 2, "N": 1})]))
    assert ran == ["modify"]
    error = tasks[0].exception()
    assert isinstance(error, HandlerError)
    assert "settled already" in str(error)


def test_what_a_thread_of_a_middleware_asks_for_when_it_is_too_late_does_not_start() -> None:
    """The same, for a plain middleware that an async one has given up."""
    app = StreamApp(concurrency=2, dead_letters=lambda _letter: None, permanent=TimeoutError)
    ran: list[str] = []
    late: list[HandlerError] = []

    @app.middleware
    async def limit(record: Any, call_next: Any) -> None:
        if record.event_name == "MODIFY":
            await call_next(record)
        else:
            await asyncio.wait_for(call_next(record), 0.01)

    @app.middleware
    def slow(record: Any, call_next: Any) -> None:
        time.sleep(0.03 if record.event_name == "INSERT" else 0)
        try:
            call_next(record)
        except HandlerError as error:
            late.append(error)
            raise

    app.on_insert(lambda _record: ran.append("insert"))

    @app.on_modify
    async def wait(_record: Modify) -> None:
        await asyncio.sleep(0.08)
        ran.append("modify")

    app(event([*records(1), TABLE.modify({"Id": 2}, {"Id": 2, "N": 1})]))
    assert ran == ["modify"]
    [error] = late
    assert "settled already" in str(error)


async def _after(seconds: float, call_next: Any, record: Any) -> None:
    await asyncio.sleep(seconds)
    await call_next(record)


def test_a_task_that_a_middleware_leaves_running_is_cancelled_and_keeps_its_item() -> None:
    """The handlers in it would overlap the next record of the item."""
    app = StreamApp(concurrency=2, dead_letters=lambda _letter: None, permanent=TimeoutError)
    watch, tasks = Watch(), list[Any]()

    @app.middleware
    async def limit(record: Any, call_next: Any) -> None:
        task = asyncio.create_task(call_next(record))
        tasks.append(task)
        await asyncio.wait({task}, timeout=0.01)
        raise TimeoutError

    @app.on_record
    async def handle(record: Record) -> None:
        watch(record, 1)
        try:
            await asyncio.sleep(60)
        finally:
            watch(record, -1)

    assert app(event(records(1, 1))) == {"batchItemFailures": []}
    assert not watch.overlapped
    assert all(task.cancelled() for task in tasks[:1])


@pytest.mark.parametrize("kind", ["condition", "observer"])
def test_what_is_no_exception_ends_the_batch_from_anywhere(kind: str) -> None:
    """Out of a condition that is asked between two records, or out of an observer: nothing hangs."""

    class Fatal(BaseException):
        pass

    def refuse(told: Any) -> None:
        if kind == "observer" and type(told).__name__ == "RecordFinished":
            raise Fatal

    app = StreamApp(concurrency=2, observers=[refuse])

    def asks(_record: Modify) -> bool:
        raise Fatal

    if kind == "condition":
        app.on_modify(when=asks)(lambda _record: None)

    @app.on_insert
    async def handle(_record: Insert) -> None:
        await asyncio.sleep(0.001)

    batch = [*records("a"), TABLE.modify({"Id": "a"}, {"Id": "a", "N": 2})]
    with pytest.raises(Fatal):
        app(event(batch))


def test_what_ends_the_process_in_a_task_of_the_users_own_ends_the_batch() -> None:
    """`asyncio.wait_for` makes one on Python 3.11: out of it, SystemExit would leave the loop with the others running."""
    app = StreamApp(concurrency=2)
    calm = False

    @app.middleware
    async def limit(record: Any, call_next: Any) -> None:
        await asyncio.wait_for(asyncio.ensure_future(call_next(record)), 5)

    @app.on_record
    async def handle(record: Record) -> None:
        await asyncio.sleep(0.001)
        if record.keys["Id"] == 1 and not calm:
            raise SystemExit

    with pytest.raises(SystemExit):
        app(event(records(1, 2, 3)))
    calm = True
    assert app(event(records(1, 2, 3))) == {"batchItemFailures": []}


def test_a_fault_of_the_lanes_themselves_ends_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop would log it and wait for ever."""
    app = StreamApp(concurrency=2)

    @app.on_record
    async def handle(_record: Record) -> None:
        await asyncio.sleep(0)

    def refuse(*_arguments: object) -> None:
        raise LookupError("a fault")

    monkeypatch.setattr(Lanes, "_settle", refuse)
    with pytest.raises(LookupError, match="a fault"):
        app(event(records(1, 2, 3)))


def test_a_handler_that_a_middleware_gives_up_keeps_its_item() -> None:
    """It goes on, on its thread: neither the next record of the item nor another try of the same one overlaps it."""
    for gives_up in ("skips", "retries", "fails"):
        app = StreamApp(concurrency=2, dead_letters=lambda _letter: None, permanent=TimeoutError)
        watch = Watch()

        @app.middleware
        async def limit(record: Any, call_next: Any, gives_up: str = gives_up) -> None:
            try:
                await asyncio.wait_for(call_next(record), 0.02)
            except TimeoutError:
                if gives_up == "skips":
                    raise Skip("too slow") from None
                if gives_up == "fails":
                    raise
                await call_next(record)

        @app.on_record
        def handle(record: Record, watch: Watch = watch) -> None:
            watch(record, 1)
            time.sleep(0.1)
            watch(record, -1)

        assert app(event(records("a", "a"))) == {"batchItemFailures": []}
        assert not watch.overlapped, gives_up
        assert watch.running["a"] in (0, 1)  # the last one may still be on its way
        time.sleep(0.15)


def test_a_middleware_that_calls_the_handlers_twice_at_once_runs_them_once() -> None:
    """One after the other, and what has returned does not run again."""
    app = StreamApp(concurrency=2)
    ran: list[int] = []

    @app.middleware
    async def twice(record: Any, call_next: Any) -> None:
        await asyncio.gather(call_next(record), call_next(record))

    @app.on_record
    async def handle(record: Record) -> None:
        await asyncio.sleep(0.001)
        ran.append(record.keys["Id"])

    assert app(event(records(1, 2))) == {"batchItemFailures": []}
    assert sorted(ran) == [1, 2]


# Items


def same(left: dict[str, Any], right: dict[str, Any]) -> bool:
    return item_of(left) == item_of(right)


def keyed(**keys: Any) -> dict[str, Any]:
    return {"eventSourceARN": "arn", "dynamodb": {"Keys": keys}}


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        (keyed(a={"S": "1"}), keyed(a={"S": "1"}), True),
        (keyed(a={"S": "1"}), keyed(a={"N": "1"}), False),
        (keyed(a={"N": "1"}), keyed(a={"N": "1.0"}), True),
        (keyed(a={"N": "1" * 38}), keyed(a={"N": "1" * 37 + "2"}), False),
        (keyed(a={"N": "x"}), keyed(a={"N": "x"}), True),
        (keyed(a={"B": "YQ=="}), keyed(a={"S": "YQ=="}), False),
        (keyed(a={"S": "1"}, b={"S": "2"}), keyed(b={"S": "2"}, a={"S": "1"}), True),
        (keyed(a={"S": "1"}, b={"S": "2"}), keyed(a={"S": "2"}, b={"S": "1"}), False),
        (keyed(a={"S": "1"}), keyed(b={"S": "1"}), False),
        (keyed(a=None), keyed(a=None), True),
        (keyed(a={"S": ["1"]}), keyed(a={"S": ["2"]}), False),
        (keyed(), keyed(a={"S": "1"}), False),
        ({"dynamodb": {}}, {"dynamodb": {"Keys": None}}, True),
        ({"dynamodb": {}}, keyed(a={"S": "1"}), False),
        ({**keyed(a={"S": "1"}), "eventSourceARN": "other"}, keyed(a={"S": "1"}), False),
        ({**keyed(a={"S": "1"}), "tableName": "other"}, keyed(a={"S": "1"}), False),
        ({**keyed(a={"S": "1"}), "eventSourceARN": ["hostile"]}, keyed(a={"S": "1"}), False),
    ],
)
def test_records_are_of_one_item_when_table_and_key_are_equal(
    left: dict[str, Any], right: dict[str, Any], equal: bool
) -> None:
    """In any order of the attributes, a number in any spelling; what can not be read is one item of its table."""
    assert same(left, right) is equal
    hash(item_of(left))


# Beside each other


def test_two_apps_share_the_loop_and_not_their_threads() -> None:
    """Called from two threads at once, both finish."""
    done: list[str] = []

    def make(name: str) -> StreamApp:
        app = StreamApp(concurrency=2)

        @app.on_record
        async def handle(_record: Record) -> None:
            await asyncio.sleep(0.001)
            done.append(name)

        return app

    threads = [threading.Thread(target=make(name), args=(event(records(*range(20))),)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == ["a"] * 20 + ["b"] * 20


def test_an_app_can_be_called_in_a_plain_handler_of_a_lane() -> None:
    """It runs on the handler's thread, with a loop of its own, since the other one waits for it."""
    ran: list[str] = []
    inner = StreamApp(concurrency=2)

    @inner.on_record
    async def inside(_record: Record) -> None:
        await asyncio.sleep(0.001)
        ran.append("inside")

    outer = StreamApp(concurrency=2)
    outer.on_record(lambda _record: inner(event(records(1))))
    assert names(outer.run(event(records(1, 2))).outcomes) == ["Handled", "Handled"]
    assert ran == ["inside", "inside"]


def test_the_outcome_names_all_routes_of_the_record() -> None:
    """As it does in order."""
    app = StreamApp(concurrency=2)

    @app.on_record
    def one(_record: Record) -> None: ...

    @app.on_record
    async def two(_record: Record) -> None: ...

    handlers: Callable[..., Any] = app.run
    assert handlers(event(records(1))).outcomes == [Handled(("one", "two"))]


def test_a_task_that_ends_at_the_very_last_moment_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has ended, and the loop has not called back for it yet."""
    app = StreamApp(concurrency=2, deadline_margin=0.05)
    released = asyncio.Event()
    inner: Callable[..., Any] = asyncio.wait
    waits = 0

    async def wait(*arguments: Any, **options: Any) -> Any:
        nonlocal waits
        waits += 1
        found = await inner(*arguments, **options)
        if waits == 2:
            released.set()
            await asyncio.sleep(0)
        return found

    @app.on_record
    async def handle(_record: Record) -> None:
        while not released.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await released.wait()

    monkeypatch.setattr("headwater.lanes.asyncio.wait", wait)
    assert names(app.run(event(records(1)), LambdaContext(remaining_ms=SHORT)).outcomes) == ["Handled"]


def test_calls_that_were_left_behind_are_forgotten_when_they_end(gate: threading.Event) -> None:
    """With all that they hold; also those of items that never come again."""
    workers = Workers(2)
    calls = [workers.submit(gate.wait, 30), workers.submit(gate.wait, 30)]
    workers.leave_behind(("a",), calls)
    assert workers.left_behind(("a",)) == calls
    gate.set()
    assert [call.result(timeout=30) for call in calls] == [(True, None)] * 2
    workers.renew()
    for thread in threading.enumerate():
        if thread.name.startswith("headwater_"):
            thread.join(timeout=30)  # a future has its result before it calls back
    assert workers.left_behind(("a",)) == []
    assert workers._left_behind == {}
