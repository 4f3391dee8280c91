"""Handlers, records and loggers that misbehave: the checkpoint is right all the same."""

from __future__ import annotations

import asyncio
import functools
import logging
import sys
from collections.abc import Iterator
from typing import Any, TypeVar

import pytest
from pydantic import BaseModel, field_validator
from typing_extensions import TypeAliasType, TypedDict

from headwater import (
    DeclarationError,
    DecodeError,
    Failed,
    Handled,
    HandlerError,
    Insert,
    MissingImageError,
    Modify,
    Record,
    Router,
    StreamApp,
    decode,
    stream_handler,
)
from headwater.testing import LambdaContext, Table, as_record, event

ORDERS = Table("Orders", keys="Id")
Model = TypeVar("Model")


def number(record: dict[str, Any]) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


def named(*records: dict[str, Any]) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": number(record)} for record in records]}


def only_outcome(app: StreamApp, record: dict[str, Any]) -> object:
    [outcome] = app.run(event([record]), LambdaContext()).outcomes
    return outcome


# What handlers return


def test_a_coroutine_inside_a_coroutine_is_awaited() -> None:
    """As when an async wrapper returns what the async function behind it gave."""
    app = StreamApp()
    done: list[str] = []

    async def work(record: Record) -> None:
        await asyncio.sleep(0)
        done.append(record.keys["Id"])

    async def wrapper(record: Record) -> object:
        return work(record)

    app.on_insert(wrapper)
    assert only_outcome(app, ORDERS.insert({"Id": "1"})) == Handled(("wrapper",))
    assert done == ["1"]


def test_an_async_handler_that_returns_a_generator_fails() -> None:
    """The generator's body has not run either."""
    app = StreamApp()

    def generate(record: Record) -> Iterator[str]:
        yield record.event_id

    async def handle(record: Record) -> object:
        return generate(record)

    app.on_insert(handle)
    outcome = only_outcome(app, ORDERS.insert({"Id": "1"}))
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, HandlerError)


# What handlers do to their record and event


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw.clear(),
        lambda raw: raw.update(dynamodb=None),
        lambda raw: raw.update(eventName="MODIFY"),
        lambda raw: raw["dynamodb"].update(SequenceNumber="1"),
    ],
)
@pytest.mark.parametrize("raises", [True, False])
def test_a_handler_that_damages_its_record_changes_no_checkpoint(damage: Any, raises: bool) -> None:
    """What names the record, and what kind it is, has been read before."""
    app, record = StreamApp(), ORDERS.insert({"Id": "1"})
    ran: list[str] = []

    @app.on_insert
    def vandal(record: Insert) -> None:
        damage(record.raw)
        if raises:
            raise ValueError

    @app.on_insert
    def after(record: Insert) -> None:
        ran.append(record.event_name)

    assert app(event([record])) == (named(record) if raises else named())
    assert ran == ([] if raises else ["INSERT"])


@pytest.mark.parametrize("damage", [list.reverse, list.clear, lambda records: records.append(records[0])])
def test_a_handler_that_changes_the_events_list_changes_nothing(damage: Any) -> None:
    """The batch is what Lambda sent, whatever becomes of the event."""
    app = StreamApp()
    batch = event([ORDERS.insert({"Id": key}) for key in "abc"])
    records = list(batch["Records"])
    seen: list[str] = []

    @app.on_insert
    def vandal(record: Insert) -> None:
        damage(batch["Records"])
        seen.append(record.keys["Id"])
        if record.keys["Id"] == "b":
            raise ValueError

    assert app(batch) == named(records[1])
    assert seen == ["a", "b"]


# Logging that fails


def failing_app() -> StreamApp:
    app = StreamApp()

    @app.on_insert
    def handle(_record: Insert) -> None:
        raise ValueError

    return app


def test_a_log_field_that_is_taken_costs_the_fields_and_not_the_checkpoint(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The user's record factory sets `table` on its own."""
    factory = logging.getLogRecordFactory()

    def with_table(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = factory(*args, **kwargs)
        record.table = "mine"
        return record

    logging.setLogRecordFactory(with_table)
    record = ORDERS.insert({"Id": "1"})
    try:
        assert failing_app()(event([record])) == named(record)
    finally:
        logging.setLogRecordFactory(factory)
    [line] = caplog.records
    assert number(record) in line.message
    assert line.exc_info is not None


def test_a_filter_that_raises_does_not_cost_the_checkpoint() -> None:
    """There is no log then, but there is a response."""

    def broken(_record: logging.LogRecord) -> bool:
        raise RuntimeError

    logger, record = logging.getLogger("headwater"), ORDERS.insert({"Id": "1"})
    logger.addFilter(broken)
    try:
        assert failing_app()(event([record])) == named(record)
    finally:
        logger.removeFilter(broken)


# The one loop


class Promise:
    """Something to await that is no coroutine."""

    def __await__(self) -> Iterator[None]:
        yield


@pytest.mark.parametrize("promised", [False, True])
def test_an_app_called_inside_an_async_handler_is_told_so(promised: bool) -> None:
    """It would wait for itself: its record fails at once, and its handler does not run later."""
    inner, outer = StreamApp(), StreamApp()
    record = ORDERS.insert({"Id": "1"})
    ran: list[str] = []
    results: list[Any] = []

    async def never(record: Insert) -> None:
        ran.append(record.event_id)

    inner.on_insert((lambda _record: Promise()) if promised else never)

    @outer.on_insert
    async def handle(_record: Insert) -> None:
        results.append(inner.run(event([record])))

    assert outer(event([record])) == named()
    [result] = results
    assert result.response == named(record)
    assert "called inside an async handler" in str(result.outcomes[0].error)
    outer(event([]))
    assert ran == []


def test_an_app_can_be_called_on_a_thread_of_an_async_handler() -> None:
    """With a loop of its own, since the handler's loop waits for the thread."""
    inner, outer = StreamApp(), StreamApp()
    record = ORDERS.insert({"Id": "1"})
    ran: list[str] = []

    @inner.on_insert
    async def inside(record: Insert) -> None:
        await asyncio.sleep(0)
        ran.append(record.event_id)

    @outer.on_insert
    async def handle(_record: Insert) -> None:
        assert await asyncio.to_thread(inner, event([record])) == named()

    assert outer(event([record])) == named()
    assert ran == [record["eventID"]]


# Decoding


def test_models_that_name_local_models_as_text_are_decoded() -> None:
    """With annotations as text, as in this file, names are looked up where the model is used."""

    class Line(TypedDict):
        Sku: str

    class Order(TypedDict):
        Lines: list[Line]

    wire = {"Lines": {"L": [{"M": {"Sku": {"S": "a"}}}]}}
    assert decode(wire, Order) == {"Lines": [{"Sku": "a"}]}

    app = StreamApp()
    seen: list[Order] = []

    @app.on_insert
    def handle(record: Insert[Order]) -> None:
        seen.append(record.new)

    item = {"Id": "1", "Lines": [{"Sku": "b"}]}
    assert only_outcome(app, ORDERS.insert(item)) == Handled(("handle",))
    assert seen == [{"Lines": [{"Sku": "b"}]}]


class Picky(BaseModel):
    Id: str

    @field_validator("Id")
    @classmethod
    def look_up(cls, value: str) -> str:
        return {"known": value}[value]


def test_a_validator_that_raises_what_it_should_not_fails_in_phase_decode(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The error says which image of which record and which line of code, and the log does not quote the item."""
    app, record = StreamApp(), ORDERS.insert({"Id": "secret"})

    @app.on_insert
    def handle(record: Insert[Picky]) -> None:
        print(record.new)

    outcome = only_outcome(app, record)
    assert isinstance(outcome, Failed)
    assert outcome.phase == "decode"
    assert isinstance(outcome.error, DecodeError)
    assert (outcome.error.path, outcome.error.sequence_number) == ("NewImage", number(record))
    assert "KeyError while Picky was made of it, raised in look_up at " in str(outcome.error)
    assert "look_up" in caplog.text
    assert "secret" not in caplog.text.replace(str(caplog.records[0].__dict__["keys"]), "")


@pytest.mark.parametrize(("image", "name"), [("NewImage", "new"), ("Keys", "keys")])
def test_an_image_that_the_view_type_promises_is_called_damaged_when_it_is_gone(
    image: str, name: str
) -> None:
    """Advice to change the stream would help nobody."""
    record = ORDERS.insert({"Id": "1"})
    del record["dynamodb"][image]
    with pytest.raises(MissingImageError, match="the record is not as DynamoDB wrote it"):
        print(getattr(as_record(record, Insert), name))


# Declarations


Changed = TypeAliasType("Changed", Modify[Model] | Insert[Model], type_params=(Model,))


def test_an_alias_with_a_parameter_is_looked_into() -> None:
    """`Changed[M]` is a union of records of M."""

    class Order(BaseModel):
        Id: str

    app = StreamApp()
    seen: list[object] = []

    @app.on_insert
    def handle(record: Changed[Order]) -> None:
        seen.append(record.new)

    assert only_outcome(app, ORDERS.insert({"Id": "1"})) == Handled(("handle",))
    assert seen == [Order(Id="1")]


def test_the_type_statement_makes_such_an_alias_too() -> None:
    """From Python 3.12 on; before, the statement is a syntax error."""
    code = (
        "from headwater import Insert, Modify\n"
        "type Changed[M] = Insert[M] | Modify[M]\n"
        "type Plain = Insert[dict] | Modify[dict]\n"
        "def first(record: Changed[dict]) -> None: ...\n"
        "def second(record: Plain) -> None: ...\n"
    )
    if sys.version_info < (3, 12):
        with pytest.raises(SyntaxError):
            compile(code, "aliases", "exec")
        return
    scope: dict[str, Any] = {}
    exec(code, scope)
    app = StreamApp()
    app.on_insert(scope["first"])
    app.on_modify(scope["second"])
    assert [route.name for route in app.routes] == ["first", "second"]


def test_a_wrapper_is_called_as_it_is_written() -> None:
    """What functools.wraps copies tells the model, and the wrapper's own parameters tell whether to pass the context."""

    class Order(BaseModel):
        Id: str

    app = StreamApp()
    seen: list[object] = []

    def takes_record(record: Insert[Order]) -> None:
        seen.append(record.new)

    @functools.wraps(takes_record)
    def adds_context(r: Any, context: Any) -> None:
        seen.append(context.function_name)
        takes_record(r)

    def takes_client(record: Insert[Order], client: str) -> None:
        seen.append((record.new, client))

    @functools.wraps(takes_client)
    def binds_client(r: Any) -> None:
        takes_client(r, "client")

    @functools.wraps(takes_record)
    def passes_on(*args: Any, **kwargs: Any) -> None:
        takes_record(*args, **kwargs)

    for handler in (adds_context, binds_client, passes_on):
        app.on_insert(handler)

    outcome = only_outcome(app, ORDERS.insert({"Id": "1"}))
    assert outcome == Handled(("takes_record", "takes_client", "takes_record"))
    assert seen == [LambdaContext().function_name, Order(Id="1"), (Order(Id="1"), "client"), Order(Id="1")]


def test_tables_that_contradict_are_refused_wherever_they_meet() -> None:
    """Also when the outer router was there first, two levels up; what was refused is not kept."""
    app, shop, inner, other = StreamApp(), Router(table="Shop"), Router(), Router(table="Other")
    app.include(shop)
    shop.include(inner)
    other.on_insert(lambda _record: None)
    decorate: Any = inner.on_insert(table="Other")
    with pytest.raises(DeclarationError, match="inside a router of table Shop"):
        decorate(lambda _record: None)
    with pytest.raises(DeclarationError, match="inside a router of table Shop"):
        inner.include(other)
    assert app.routes == ()


def test_what_is_no_handler_is_refused_by_name() -> None:
    """None, an app, a router; and a router that is included already."""
    app, router = StreamApp(), Router()
    register: Any = app.on_insert
    with pytest.raises(DeclarationError, match="is no function"):
        register(None)
    with pytest.raises(DeclarationError, match="on_insert takes a handler, this is a StreamApp: include it"):
        register(StreamApp())
    with pytest.raises(DeclarationError, match="an app is a Lambda handler already"):
        stream_handler(StreamApp())
    app.include(router)
    with pytest.raises(DeclarationError, match="included already: its routes would run twice"):
        app.include(router)


def test_the_text_of_a_result_shows_no_item() -> None:
    """It ends up in logs like everything else."""
    result = failing_app().run(event([ORDERS.insert({"Id": "1", "Card": "4111-1111"})]))
    assert "4111-1111" not in repr(result)
