"""Middlewares around the handlers of a record, and functions that run once at the start."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from headwater import (
    DeadlineError,
    DeclarationError,
    Failed,
    Handled,
    HandlerError,
    MemoryLedger,
    MiddlewareError,
    Modify,
    Record,
    Skip,
    Skipped,
    StreamApp,
)
from headwater.testing import LambdaContext, Table, event

TABLE = Table("Orders", keys="Id")


def records(count: int = 1) -> list[dict[str, Any]]:
    return [TABLE.insert({"Id": number}) for number in range(count)]


Make = Callable[[list[str]], StreamApp]


def make(said: list[str], *, concurrency: int, handler_async: bool) -> StreamApp:
    """An app with one handler that says so, and fails while told to."""
    app = StreamApp(concurrency=concurrency)

    def handle(_record: Record) -> None:
        said.append("handler")
        if "fail" in said:
            raise ConnectionError("as told")

    async def handle_async(record: Record) -> None:
        await asyncio.sleep(0)
        handle(record)

    app.on_record(handle_async if handler_async else handle)
    return app


def around(app: StreamApp, said: list[str], name: str, *, is_async: bool) -> None:
    """A middleware that says when it is entered and left."""

    def plain(record: Any, call_next: Any) -> None:
        said.append(f"{name} in")
        call_next(record)
        said.append(f"{name} out")

    async def waits(record: Any, call_next: Any) -> None:
        await asyncio.sleep(0)
        said.append(f"{name} in")
        await call_next(record)
        said.append(f"{name} out")

    app.middleware(waits if is_async else plain)


@pytest.fixture(
    params=[(concurrency, is_async) for concurrency in (1, 3) for is_async in (False, True)],
    ids=lambda value: f"{value[0]}-{'async' if value[1] else 'sync'}",
)
def app_and_said(request: pytest.FixtureRequest) -> tuple[StreamApp, list[str]]:
    concurrency, handler_async = request.param
    said: list[str] = []
    return make(said, concurrency=concurrency, handler_async=handler_async), said


@pytest.mark.parametrize("kinds", ["", "s", "a", "ss", "sa", "as", "aa", "sas", "asa", "ssass"])
def test_middlewares_stand_around_the_handlers_in_their_order(
    app_and_said: tuple[StreamApp, list[str]], kinds: str
) -> None:
    """The first one declared is outermost, plain and async ones in any mixture, around either kind of handler."""
    app, said = app_and_said
    for index, kind in enumerate(kinds):
        around(app, said, f"{kind}{index}", is_async=kind == "a")
    names = [f"{kind}{index}" for index, kind in enumerate(kinds)]
    for _ in range(2):
        said.clear()
        assert [type(each) for each in app.run(event(records())).outcomes] == [Handled]
        assert said == [
            *(f"{name} in" for name in names),
            "handler",
            *(f"{name} out" for name in reversed(names)),
        ]


def test_more_records_at_once_than_threads_for_one_layer_do_not_block(
    app_and_said: tuple[StreamApp, list[str]],
) -> None:
    """Each plain middleware holds a thread while it waits for what is inside it."""
    app, said = app_and_said
    for index in range(3):
        around(app, said, f"s{index}", is_async=False)
    assert app(event(records(40))) == {"batchItemFailures": []}
    assert said.count("handler") == 40


@pytest.mark.parametrize("is_async", [False, True])
def test_a_handlers_exception_comes_out_of_call_next(
    app_and_said: tuple[StreamApp, list[str]], is_async: bool
) -> None:
    """As it was raised; the outcome is that of the handler."""
    app, said = app_and_said
    said.append("fail")
    seen: list[Exception] = []

    def plain(record: Any, call_next: Any) -> None:
        try:
            call_next(record)
        except ConnectionError as error:
            seen.append(error)
            raise

    async def waits(record: Any, call_next: Any) -> None:
        try:
            await call_next(record)
        except ConnectionError as error:
            seen.append(error)
            raise

    app.middleware(waits if is_async else plain)
    [outcome] = app.run(event(records())).outcomes
    assert isinstance(outcome, Failed)
    assert [outcome.error] == seen
    assert (outcome.phase, (outcome.route or "").startswith("handle")) == ("handler", True)


def test_a_failure_that_a_middleware_keeps_to_itself_is_a_failure_all_the_same(
    app_and_said: tuple[StreamApp, list[str]],
) -> None:
    """The handler has not returned, so the record is not done."""
    app, said = app_and_said
    said.append("fail")

    @app.middleware
    def swallow(record: Any, call_next: Any) -> None:
        with pytest.raises(ConnectionError):
            call_next(record)

    [outcome] = app.run(event(records())).outcomes
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, ConnectionError)


def test_a_middleware_can_put_another_exception_in_its_place(
    app_and_said: tuple[StreamApp, list[str]],
) -> None:
    """It is still the handler that failed."""
    app, said = app_and_said
    said.append("fail")

    @app.middleware
    def rename(record: Any, call_next: Any) -> None:
        try:
            call_next(record)
        except ConnectionError as error:
            raise LookupError("renamed") from error

    [outcome] = app.run(event(records())).outcomes
    assert isinstance(outcome, Failed)
    assert (outcome.phase, type(outcome.error)) == ("handler", LookupError)


def test_a_middleware_can_try_again(app_and_said: tuple[StreamApp, list[str]]) -> None:
    """What had returned does not run again; when the rest succeeds, the record is done."""
    app, said = app_and_said
    said.append("fail")
    app.on_record(lambda _record: said.append("second"))

    @app.middleware
    def retry(record: Any, call_next: Any) -> None:
        with pytest.raises(ConnectionError):
            call_next(record)
        said.remove("fail")
        call_next(record)
        call_next(record)

    assert [type(each) for each in app.run(event(records())).outcomes] == [Handled]
    assert said == ["handler", "handler", "second"]


def test_a_middleware_of_its_own_can_fail(app_and_said: tuple[StreamApp, list[str]]) -> None:
    """Before or behind the handlers: the record is not done, and the outcome says where."""
    app, said = app_and_said

    @app.middleware
    def fails(record: Any, call_next: Any) -> None:
        if len(said) > 0:
            call_next(record)
        raise LookupError

    for _ in range(2):
        [outcome] = app.run(event(records())).outcomes
        assert isinstance(outcome, Failed)
        assert (outcome.phase, type(outcome.error), outcome.route) == ("middleware", LookupError, None)
        said.append("again")


@pytest.mark.parametrize("is_async", [False, True])
def test_a_middleware_that_does_not_call_the_handlers_is_a_failure(
    app_and_said: tuple[StreamApp, list[str]], is_async: bool
) -> None:
    """Nothing has run, so nothing is done; it says what to do instead."""
    app, said = app_and_said

    async def waits(_record: Any, _call_next: Any) -> None: ...

    app.middleware(waits if is_async else lambda _record, _call_next: None)
    [outcome] = app.run(event(records())).outcomes
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, MiddlewareError)
    assert "raise Skip" in str(outcome.error)
    assert outcome.error.sequence_number
    assert said == []


@pytest.mark.parametrize("is_async", [False, True])
def test_a_middleware_can_skip_a_record(app_and_said: tuple[StreamApp, list[str]], is_async: bool) -> None:
    """On purpose, as an idempotency check does."""
    app, said = app_and_said

    def plain(_record: Any, _call_next: Any) -> None:
        raise Skip("seen before")

    async def waits(_record: Any, _call_next: Any) -> None:
        raise Skip("seen before")

    app.middleware(waits if is_async else plain)
    assert app.run(event(records())).outcomes == [Skipped("seen before")]
    assert said == []


@pytest.mark.parametrize("is_async", [False, True])
def test_a_middleware_hands_on_the_record_that_it_was_given(
    app_and_said: tuple[StreamApp, list[str]], is_async: bool
) -> None:
    """Another one would be handled in its name."""
    app, said = app_and_said

    def plain(_record: Any, call_next: Any) -> None:
        call_next("another")

    async def waits(_record: Any, call_next: Any) -> None:
        await call_next("another")

    app.middleware(waits if is_async else plain)
    [outcome] = app.run(event(records())).outcomes
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, HandlerError)
    assert "'another'" in str(outcome.error)
    assert said == []


def test_a_generator_is_no_middleware_even_when_it_is_returned(
    app_and_said: tuple[StreamApp, list[str]],
) -> None:
    """Its body has not run."""
    app, _said = app_and_said
    app.middleware(lambda record, call_next: (call_next(each) for each in [record]))
    [outcome] = app.run(event(records())).outcomes
    assert isinstance(outcome, Failed)
    assert "returned a generator" in str(outcome.error)


def test_a_record_that_nobody_wants_meets_no_middleware() -> None:
    """It costs nothing."""
    app = StreamApp()
    app.on_modify(lambda _record: None)

    @app.middleware
    def refuse(_record: Any, _call_next: Any) -> None:
        raise LookupError

    assert app.run(event(records())).outcomes == [Skipped()]


def test_what_had_returned_is_remembered_when_a_middleware_fails() -> None:
    """With a ledger, its handlers do not run again."""
    said: list[str] = []
    app = StreamApp(ledger=MemoryLedger())
    app.on_record(lambda _record: said.append("handler"))

    @app.middleware
    def fails_first(record: Any, call_next: Any) -> None:
        call_next(record)
        said.append("middleware")
        if said.count("middleware") == 1:
            raise LookupError

    batch = event(records())
    app(batch)
    assert [type(each) for each in app.run(batch).outcomes] == [Handled]
    assert said.count("handler") == 1


def test_a_handler_that_a_middleware_gave_up_counts_for_itself_alone() -> None:
    """It may end while another one runs, on a thread of the middleware's own; that one has not returned for that."""
    app, first, go_on = StreamApp(ledger=MemoryLedger()), [True], threading.Event()

    @app.middleware
    def try_again(record: Any, call_next: Any) -> None:
        def give_up() -> None:
            with contextlib.suppress(ConnectionError):
                call_next(record)

        thread = threading.Thread(target=give_up)
        thread.start()
        thread.join(0.05)
        if thread.is_alive():
            call_next(record)

    @app.on_insert
    def slow(_record: Record) -> None:
        if first.pop() if first else False:
            go_on.wait()

    @app.on_insert
    def fails(_record: Record) -> None:
        go_on.set()
        time.sleep(0.1)
        raise ConnectionError("never works")

    batch = event(records())
    for _ in range(2):
        [outcome] = app.run(batch).outcomes
        assert isinstance(outcome, Failed)
        assert outcome.route == "fails"


@pytest.mark.parametrize("fatal", [SystemExit, KeyboardInterrupt])
@pytest.mark.parametrize("kinds", ["s", "a", "sa", "as"])
def test_what_is_no_exception_passes_all_middlewares(
    app_and_said: tuple[StreamApp, list[str]], kinds: str, fatal: type[BaseException]
) -> None:
    """Through threads and the loop, to whoever called the app."""
    app, said = app_and_said

    @app.on_modify
    def end(_record: Modify) -> None:
        raise fatal

    for index, kind in enumerate(kinds):
        around(app, said, f"{kind}{index}", is_async=kind == "a")
    modified = TABLE.modify({"Id": 1}, {"Id": 1, "N": 2})
    with pytest.raises(fatal):
        app(event([modified]))
    assert app(event(records())) == {"batchItemFailures": []}


def test_the_deadline_reaches_a_handler_behind_a_thread() -> None:
    """A plain middleware waits on a thread for an async handler, which is cancelled there."""
    app = StreamApp(concurrency=2, deadline_margin=0.05)
    said: list[str] = []

    @app.on_record
    async def handle(_record: Record) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            said.append("cancelled")
            raise

    @app.middleware
    def wait(record: Any, call_next: Any) -> None:
        try:
            call_next(record)
        finally:
            said.append("left")

    [outcome] = app.run(event(records()), LambdaContext(remaining_ms=150)).outcomes
    assert isinstance(outcome, Failed)
    assert (outcome.phase, type(outcome.error)) == ("deadline", DeadlineError)
    assert said == ["cancelled", "left"]


def test_a_plain_decorator_around_an_async_middleware_changes_nothing(
    app_and_said: tuple[StreamApp, list[str]],
) -> None:
    """Timing, tracing and retry decorators are often written so."""
    app, said = app_and_said

    def traced(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*arguments: Any) -> Any:
            said.append("wrapper")
            return function(*arguments)

        return wrapper

    @app.middleware
    @traced
    async def waits(record: Any, call_next: Any) -> None:
        await call_next(record)
        said.append("out")

    assert app.run(event(records()), LambdaContext(remaining_ms=5_000)).response == {"batchItemFailures": []}
    assert said == ["wrapper", "handler", "out"]


@pytest.mark.parametrize("is_async", [False, True])
def test_a_middleware_that_keeps_what_is_no_exception_to_itself_is_told_what_happened(is_async: bool) -> None:
    """It has called the handlers, and they have not come to their end."""
    app = StreamApp(concurrency=2 if is_async else 1)

    @app.on_record
    def end(_record: Record) -> None:
        raise GeneratorExit

    @app.middleware
    def keep(record: Any, call_next: Any) -> None:
        with contextlib.suppress(BaseException):
            call_next(record)

    [outcome] = app.run(event(records())).outcomes
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, MiddlewareError)
    assert "have not come to their end" in str(outcome.error)


# Declaration


def no_parameters() -> None: ...


def one_parameter(_record: Any) -> None: ...


def three_parameters(_record: Any, _call_next: Any, _more: Any) -> None: ...


def yields(record: Any, call_next: Any) -> Any:
    yield call_next(record)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (no_parameters, "can not be called with a record and call_next"),
        (one_parameter, "can not be called with a record and call_next"),
        (three_parameters, "can not be called with a record and call_next"),
        (yields, "contains yield"),
        ("middleware", "is no function"),
        (None, "is no function"),
    ],
)
def test_what_could_not_be_a_middleware_is_refused(function: Any, reason: str) -> None:
    """When it is declared, in one sentence."""
    with pytest.raises(DeclarationError, match=reason):
        StreamApp().middleware(function)


def test_all_that_can_be_called_so_is_a_middleware() -> None:
    """A method, a partial, an instance, an async instance, a builtin without a signature."""
    said: list[str] = []

    class Service:
        def method(self, record: Any, call_next: Any) -> None:
            said.append("method")
            call_next(record)

        def __call__(self, record: Any, call_next: Any) -> None:
            said.append("instance")
            call_next(record)

    class Async:
        async def __call__(self, record: Any, call_next: Any) -> None:
            said.append("async")
            await call_next(record)

    async def bound(name: str, record: Any, call_next: Any) -> None:
        said.append(name)
        await call_next(record)

    app = StreamApp()
    app.on_record(lambda _record: None)
    for function in (Service().method, Service(), Async(), functools.partial(bound, "partial")):
        assert app.middleware(function) is function
    assert app(event(records())) == {"batchItemFailures": []}
    assert said == ["method", "instance", "async", "partial"]
    builtin: Any = max
    StreamApp().middleware(builtin)


# The start


def test_startup_functions_run_once_before_the_first_batch() -> None:
    """Plain and async, in their order; not for an event that is refused."""
    app, said = StreamApp(), list[str]()
    app.on_record(lambda _record: said.append("handler"))

    @app.on_startup
    def plain() -> None:
        said.append("plain")

    @app.on_startup
    async def waits() -> None:
        await asyncio.sleep(0)
        said.append("async")

    with pytest.raises(Exception, match="Records"):
        app({})
    assert said == []
    app(event(records()))
    app(event(records()))
    assert said == ["plain", "async", "handler", "handler"]


def test_a_startup_function_that_fails_runs_again_with_the_next_invocation() -> None:
    """The invocation raises, so that nothing is acknowledged; those that succeeded do not run twice."""
    app, said = StreamApp(), list[str]()
    app.on_record(lambda _record: said.append("handler"))
    app.on_startup(lambda: said.append("first"))

    @app.on_startup
    def connect() -> None:
        said.append("connect")
        if said.count("connect") == 1:
            raise ConnectionError

    with pytest.raises(ConnectionError):
        app(event(records()))
    app(event(records()))
    assert said == ["first", "connect", "connect", "handler"]


@pytest.mark.parametrize(
    ("function", "reason"),
    [(one_parameter, "can not be called without arguments"), (1, "is no function")],
)
def test_what_could_not_be_a_startup_function_is_refused(function: Any, reason: str) -> None:
    """When it is declared."""
    with pytest.raises(DeclarationError, match=reason):
        StreamApp().on_startup(function)


def test_a_startup_function_with_yield_is_refused() -> None:
    """Nothing of it would run."""

    def start() -> Any:
        yield

    with pytest.raises(DeclarationError, match="contains yield"):
        StreamApp().on_startup(start)
    StreamApp().on_startup(dict)


def test_both_are_refused_when_the_app_has_handled_a_batch() -> None:
    """Its records would have missed them."""
    app = StreamApp()
    app.on_record(lambda _record: None)
    app(event(records()))
    with pytest.raises(DeclarationError, match="too late to add a middleware"):
        app.middleware(lambda record, call_next: call_next(record))
    with pytest.raises(DeclarationError, match="too late to add a startup function"):
        app.on_startup(lambda: None)


def test_an_app_that_has_them_can_not_be_included() -> None:
    """They count for a whole app."""
    with_middleware, with_startup = StreamApp(), StreamApp()
    with_middleware.middleware(lambda record, call_next: call_next(record))
    with_startup.on_startup(lambda: None)
    for inner in (with_middleware, with_startup):
        with pytest.raises(DeclarationError, match="count for a whole app"):
            StreamApp().include(inner)
    with pytest.raises(DeclarationError, match="count for a whole app"):
        StreamApp().include(StreamApp(concurrency=2))
