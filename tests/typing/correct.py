"""Correct use of the public API: no line of it may trouble mypy --strict or pyright in strict mode."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Generic, Literal, ParamSpec, Protocol, TypeAlias, TypeVar

from pydantic import BaseModel, Field
from typing_extensions import NotRequired, TypedDict, assert_never, assert_type

from headwater import (
    Attr,
    BatchFinished,
    BatchResult,
    BatchStarted,
    CallNext,
    Change,
    Condition,
    DeadLetter,
    DeadLettered,
    Entities,
    Explanation,
    Failed,
    Handled,
    Insert,
    Key,
    LambdaContext,
    Ledger,
    MemoryLedger,
    Modify,
    Observer,
    Outcome,
    Record,
    RecordFinished,
    RecordStarted,
    Reject,
    Remove,
    Route,
    Router,
    Skip,
    Skipped,
    StreamApp,
    UserIdentity,
    Window,
    Withheld,
    loop_guard,
    only_changed,
    stream_handler,
)
from headwater.aws import DynamoDBLedger, S3Sink, SqsSink
from headwater.json_lines import JsonLinesSink
from headwater.metrics import EmfMetrics
from headwater.testing import LambdaContext as TestContext


class Item(BaseModel):
    user_id: str = Field(alias="UserId")


class GameScore(Item):
    game_title: str = Field(alias="GameTitle")
    top_score: int = Field(alias="TopScore")


class ScoreKey(BaseModel):
    user_id: str = Field(alias="UserId")


class Order(TypedDict):
    Id: str
    Total: NotRequired[int]


@dataclass
class Customer:
    Name: str


T = TypeVar("T")


class Envelope(BaseModel, Generic[T]):
    Body: T


ScoreChange: TypeAlias = Insert[GameScore] | Modify[GameScore]
AnyScore: TypeAlias = Insert[GameScore] | Modify[GameScore] | Remove[GameScore]

app = StreamApp()
router = Router()


# Each decorator, bare


@app.on_insert
def insert_model(record: Insert[GameScore]) -> None:
    assert_type(record.new, GameScore)
    assert_type(record.new.top_score, int)
    assert_type(record.keys, dict[str, Any])


@app.on_modify
def modify_model(record: Modify[GameScore]) -> None:
    assert_type(record.new, GameScore)
    assert_type(record.old, GameScore)
    assert_type(record.new.top_score - record.old.top_score, int)


@app.on_remove
def remove_model(record: Remove[GameScore]) -> None:
    assert_type(record.old, GameScore)


@app.on_record
def any_model(record: Record[GameScore]) -> None:
    assert_type(record.keys, dict[str, Any])


@app.on_insert
async def insert_async(record: Insert[GameScore]) -> None:
    assert_type(record.new, GameScore)


@app.on_modify
async def modify_async(record: Modify[GameScore]) -> int:
    return record.new.top_score


@app.on_remove
async def remove_async(record: Remove[GameScore]) -> None:
    assert_type(record.old, GameScore)


@app.on_record
async def any_async(record: Record[GameScore]) -> None:
    assert_type(record.event_id, str)


# Each decorator with keywords


@app.on_insert()
def insert_empty(_record: Insert[GameScore]) -> None: ...


@app.on_insert(attribute="TopScore")
def insert_attribute(_record: Insert[GameScore]) -> None: ...


@app.on_insert(
    attribute=["TopScore", "GameTitle"], table="GameScores", when=lambda record: record.new.top_score > 3
)
async def insert_all(_record: Insert[GameScore]) -> None: ...


@app.on_modify()
def modify_empty(_record: Modify[GameScore]) -> None: ...


@app.on_modify(attribute="TopScore")
def modify_attribute(_record: Modify[GameScore]) -> None: ...


@app.on_modify(attribute=("TopScore", "GameTitle"))
def modify_tuple(_record: Modify[GameScore]) -> None: ...


@app.on_modify(attribute={"TopScore", "GameTitle"})
def modify_set(_record: Modify[GameScore]) -> None: ...


@app.on_modify(attribute=frozenset({"TopScore"}))
def modify_frozenset(_record: Modify[GameScore]) -> None: ...


@app.on_modify(attribute="TopScore", table="GameScores", when=lambda record: record.new != record.old)
async def modify_all(_record: Modify[GameScore]) -> None: ...


@app.on_remove()
def remove_empty(_record: Remove[GameScore]) -> None: ...


@app.on_remove(expired=True)
def remove_expired(_record: Remove[GameScore]) -> None: ...


@app.on_remove(
    attribute="TopScore", table="GameScores", expired=False, when=lambda record: record.old.top_score > 3
)
async def remove_all(_record: Remove[GameScore]) -> None: ...


@app.on_record()
def any_empty(_record: Record[GameScore]) -> None: ...


@app.on_record(attribute="TopScore", table="GameScores", when=lambda record: record.replicated is not True)
async def any_all(_record: Record[GameScore]) -> None: ...


@app.on_insert(attribute=None, table=None, when=None)
def insert_nones(_record: Insert) -> None: ...


@app.on_remove(attribute=None, table=None, when=None, expired=None)
def remove_nones(_record: Remove) -> None: ...


# The Lambda context as a second parameter


@app.on_insert
def with_context(_record: Insert[GameScore], context: LambdaContext) -> None:
    assert_type(context.aws_request_id, str)
    assert_type(context.get_remaining_time_in_millis(), int)


@app.on_modify(attribute="TopScore")
def with_any(_record: Modify[GameScore], context: Any) -> None:
    print(context.aws_request_id)


@app.on_remove(expired=True)
async def with_object(_record: Remove[GameScore], context: object) -> None:
    print(context)


@app.on_record
async def with_context_async(_record: Record[GameScore], context: LambdaContext) -> None:
    print(context.function_name)


@app.on_record(table="GameScores")
def with_any_on_record(_record: AnyScore, context: Any) -> None:
    print(context)


@app.on_modify
def with_default(_record: Modify[GameScore], retries: int = 3) -> None:
    print(retries)


@app.on_modify
def with_keyword_default(_record: Modify[GameScore], *, retries: int = 3) -> None:
    print(retries)


@app.on_modify
def with_optional_context(_record: Modify[GameScore], context: LambdaContext | None = None) -> None:
    print(context)


@app.on_modify
def with_context_and_default(_record: Modify[GameScore], context: LambdaContext, retries: int = 3) -> None:
    print(context, retries)


@app.on_modify
def with_rest(*arguments: Any) -> None:
    print(arguments)


# Models of every kind, none, and key models


@app.on_modify
def keyed(record: Modify[GameScore, ScoreKey]) -> None:
    assert_type(record.keys, ScoreKey)
    assert_type(record.keys.user_id, str)
    assert_type(record.old, GameScore)


@app.on_record
def keyed_record(record: Record[GameScore, ScoreKey]) -> None:
    assert_type(record.keys, ScoreKey)


@app.on_modify
def typed_dict(record: Modify[Order]) -> None:
    assert_type(record.new["Id"], str)
    assert_type(record.old.get("Total"), int | None)


@app.on_insert
def data_class(record: Insert[Customer]) -> None:
    assert_type(record.new.Name, str)


@app.on_modify
def plain(record: Modify) -> None:
    assert_type(record.new, dict[str, Any])
    assert_type(record.keys, dict[str, Any])


@app.on_insert
def plain_written_out(record: Insert[dict[str, Any]]) -> None:
    assert_type(record.new, dict[str, Any])


@app.on_insert
def two_models(record: Insert[GameScore | Customer]) -> None:
    if isinstance(record.new, Customer):
        assert_type(record.new.Name, str)
    else:
        assert_type(record.new.top_score, int)


@app.on_insert
def generic_model(record: Insert[Envelope[int]]) -> None:
    assert_type(record.new.Body, int)


@app.on_modify
def anything(record: Any) -> None:
    print(record)


@app.on_remove
def an_object(record: object) -> None:
    print(record)


# A handler for more kinds than the decorator has, several kinds, several decorators


@app.on_insert
@app.on_modify(attribute="TopScore")
@app.on_remove
def for_each_kind(record: Record[GameScore]) -> None:
    assert_type(record.table_name, str)


@app.on_insert
@app.on_modify
def for_two_kinds(record: ScoreChange) -> None:
    assert_type(record.new, GameScore)


@app.on_record
def for_a_union(record: Insert[GameScore] | Modify[GameScore] | Remove[GameScore]) -> None:
    if isinstance(record, Remove):
        assert_type(record, Remove[GameScore])
        assert_type(record.old, GameScore)
    else:
        assert_type(record.new, GameScore)


@app.on_record(when=lambda record: record.age < timedelta(hours=1))
def match_union(record: AnyScore) -> str:
    match record:
        case Insert():
            return record.new.game_title
        case Modify(new=new, old=old):
            return new.game_title + old.game_title
        case Remove(old=old):
            return old.game_title
        case _:
            assert_never(record)


@app.on_record
def narrowed(record: Record[GameScore]) -> None:
    if isinstance(record, Modify):
        print(record.new.top_score - record.old.top_score)
    elif isinstance(record, Insert):
        print(record.new.top_score)


@app.on_record
def narrowed_with_key(record: Record[GameScore, ScoreKey]) -> None:
    match record:
        case Modify(old=old):
            print(old.top_score, record.keys.user_id)
        case _:
            assert_type(record.keys, ScoreKey)


# Handlers that are not plain functions


class Service:
    def __init__(self) -> None:
        self.seen: list[str] = []

    def handle(self, record: Modify[GameScore]) -> None:
        self.seen.append(record.new.game_title)

    async def handle_async(self, record: Insert[GameScore], context: LambdaContext) -> None:
        self.seen.append(record.new.game_title + context.aws_request_id)

    @staticmethod
    def handle_static(record: Remove[GameScore]) -> None:
        print(record.old.game_title)

    @classmethod
    def handle_class(cls, record: Record[GameScore]) -> None:
        print(cls, record)


class Counter:
    def __init__(self) -> None:
        self.count = 0

    def __call__(self, record: Modify[GameScore]) -> None:
        self.count += record.new.top_score


def with_retries(record: Modify[GameScore], retries: int) -> None:
    print(record.new, retries)


class HasRequestId(Protocol):
    @property
    def aws_request_id(self) -> str: ...


P = ParamSpec("P")
R = TypeVar("R")


def traced(function: Callable[P, R]) -> Callable[P, R]:
    @functools.wraps(function)
    def inner(*arguments: P.args, **keywords: P.kwargs) -> R:
        return function(*arguments, **keywords)

    return inner


@app.on_modify(attribute="TopScore")
@traced
def traced_inside(_record: Modify[GameScore]) -> None: ...


@traced
@app.on_modify
def traced_outside(_record: Modify[GameScore]) -> None: ...


@app.on_modify
def with_part_of_the_context(_record: Modify[GameScore], context: HasRequestId) -> None:
    print(context.aws_request_id)


def factory(to: Router, then: Callable[[T], Awaitable[None]]) -> Callable[[Insert[T]], Awaitable[None]]:
    @to.on_insert
    async def handle(record: Insert[T]) -> None:
        await then(record.new)

    return handle


service = Service()
app.on_modify(service.handle)
app.on_modify(attribute="TopScore")(service.handle)
app.on_insert(service.handle_async)
app.on_remove(Service.handle_static)
app.on_record(Service.handle_class)
assert_type(app.on_modify(Counter()), Counter)
assert_type(app.on_modify(attribute="TopScore")(Counter()), Counter)
app.on_modify(functools.partial(with_retries, retries=3))
app.on_modify(attribute="TopScore")(functools.partial(with_retries, retries=3))


def named_handlers() -> Sequence[Callable[[Modify[GameScore]], None]]:
    return [modify_model, service.handle]


for handler in named_handlers():
    app.on_modify(handler)


# Conditions


def better(record: Modify[GameScore]) -> bool:
    return record.new.top_score > record.old.top_score


def high(record: ScoreChange) -> bool:
    return record.new.top_score > 1000


def recent(record: Record) -> bool:
    return record.age < timedelta(hours=1)


def of_a_user(record: Record[Any, ScoreKey]) -> bool:
    return record.keys.user_id != ""


class Above:
    def __init__(self, limit: int) -> None:
        self.limit = limit

    def __call__(self, record: ScoreChange) -> bool:
        return record.new.top_score > self.limit


@app.on_modify(when=better)
def when_better(_record: Modify[GameScore]) -> None: ...


@app.on_insert(when=high)
@app.on_modify(when=high)
@app.on_modify(when=Above(3))
def when_high(_record: ScoreChange) -> None: ...


@app.on_remove(when=recent)
@app.on_insert(when=recent)
def when_recent(_record: Record[GameScore]) -> None: ...


@app.on_record(when=of_a_user)
def when_of_a_user(_record: Record[GameScore]) -> None: ...


@app.on_modify(when=lambda record: record.new["Total"] > 3 and "Total" in record.changes)
def when_lambda(_record: Modify) -> None: ...


# Routers


orders = Router(table="Shop", when=lambda record: record.keys["PK"].startswith("ORDER#"))
customers = Router(when=recent)
users = Router(table=None, when=of_a_user)


@orders.on_modify(attribute="Total")
def order_changed(record: Modify[Order]) -> None:
    assert_type(record.new, Order)


@customers.on_insert
async def customer_added(record: Insert[Customer]) -> None:
    assert_type(record.new, Customer)


router.include(orders)
app.include(router)
app.include(customers)
app.include(users)
app.include(StreamApp())
assert_type(app.routes, tuple[Route, ...])


# What a decorator returns is the function


def call_directly(
    modify: Modify[GameScore], insert: Insert[GameScore], remove: Remove[GameScore], either: Record[GameScore]
) -> None:
    modify_model(record=modify)
    with_default(modify, retries=4)
    with_context(insert, TestContext())
    with_context(insert, context=TestContext())
    with_any(modify, None)
    any_model(modify)
    any_model(either)
    for_two_kinds(insert)
    for_each_kind(record=remove)
    assert_type(match_union(remove), str)


async def await_directly(modify: Modify[GameScore]) -> None:
    assert_type(await modify_async(modify), int)
    await with_context_async(modify, TestContext())


kept: Callable[[Modify[GameScore]], None] = modify_model
kept_async: Callable[[Modify[GameScore]], Awaitable[int]] = modify_async
protocol: LambdaContext = TestContext()


# What a record says


def attributes(record: Modify[GameScore, ScoreKey]) -> None:
    assert_type(record.new, GameScore)
    assert_type(record.old, GameScore)
    assert_type(record.keys, ScoreKey)
    assert_type(record.changes, Mapping[str, Change])
    assert_type(record.event_name, Literal["INSERT", "MODIFY", "REMOVE"])
    assert_type(record.event_id, str)
    assert_type(record.sequence_number, str)
    assert_type(record.created_at, datetime)
    assert_type(record.age, timedelta)
    assert_type(record.table_name, str)
    assert_type(record.region, str)
    assert_type(record.view_type, str)
    assert_type(record.user_identity, UserIdentity | None)
    assert_type(record.expired, bool)
    assert_type(record.replicated, bool | None)
    assert_type(record.raw, Mapping[str, Any])


# A record of a narrower model stands in for one of a wider model, and of a kind for any kind


def takes_items(records: Sequence[Modify[Item]]) -> list[str]:
    return [record.new.user_id for record in records]


def takes_any(record: Record[Item]) -> str:
    return record.table_name


def covariant(score: Modify[GameScore], removed: Remove[GameScore]) -> None:
    item: Modify[Item] = score
    takes_items([score, item])
    takes_any(score)
    takes_any(removed)


def generic(record: Record[T]) -> Record[T]:
    return record


app.on_modify(generic)


# The app is a Lambda handler


lambda_handler: Callable[[Any, Any], Mapping[str, Any]] = app


def run(event: dict[str, Any]) -> Sequence[str]:
    assert_type(app(event, TestContext())["batchItemFailures"][0]["itemIdentifier"], str)
    app(event)
    result = app.run(event, TestContext())
    assert_type(result, BatchResult)
    return [describe(outcome) for outcome in result.outcomes]


def describe(outcome: Outcome) -> str:
    match outcome:
        case Handled(routes):
            return ", ".join(routes)
        case DeadLettered():
            return f"{outcome.route} {outcome.attempts}"
        case Skipped():
            return "skipped"
        case Failed(phase, error):
            return f"{phase}: {error}"
        case Withheld():
            return "withheld"
        case _:
            assert_never(outcome)


# One function for the whole stream


@stream_handler
def one_kind(record: Insert[GameScore]) -> None:
    assert_type(record.new, GameScore)


@stream_handler
def two_kinds(record: Insert[GameScore] | Modify[GameScore]) -> None:
    assert_type(record.new, GameScore)


@stream_handler
def aliased_kinds(_record: AnyScore, context: LambdaContext) -> None:
    print(context.aws_request_id)


@stream_handler
def two_models_by_kind(_record: Insert[GameScore] | Remove[Customer]) -> None: ...


@stream_handler
def every_kind(record: Record[GameScore, ScoreKey]) -> None:
    assert_type(record.keys, ScoreKey)


@stream_handler
async def every_kind_async(_record: Record, context: Any) -> None:
    print(context)


@stream_handler
async def context_as_object(_record: Modify[Order], context: object) -> None:
    print(context)


@stream_handler
def optional_argument(_record: Modify[Order], retries: int = 3) -> None:
    print(retries)


@stream_handler
def not_said(record: Any) -> None:
    print(record)


assert_type(one_kind, StreamApp)
assert_type(two_kinds, StreamApp)
assert_type(every_kind_async, StreamApp)
assert_type(stream_handler(service.handle), StreamApp)
assert_type(stream_handler(functools.partial(with_retries, retries=3)), StreamApp)
one_kind({"Records": []}, TestContext())


# conditions

plain_condition: Condition[Modify[Any, Any]] = Attr("TopScore").changed()
assert_type(Attr("TopScore").increased(), Condition[Modify[object, object]])
assert_type(Attr("TopScore").old.eq(3), Condition[Modify[object, object] | Remove[object, object]])
assert_type(Attr("TopScore").increased() & Attr("Level").changed(), Condition[Modify[object, object]])
assert_type(~Attr("TopScore").increased(), Condition[Modify[object, object]])
assert_type(better & Attr("TopScore").changed(), Condition[Modify[object, object]])
assert_type(Attr("A").was(1) & Attr("A").becomes(2), Condition[Modify[object, object]])
assert_type(Attr("A").exists() | Attr("A").old.eq(1), Condition[Modify[object, object] | Remove[object, object]])

conditioned = StreamApp(
    ignore={"updated_at"}, replicas="ignore", ttl_attribute="expires_at", origin_attribute="region"
)


@conditioned.on_insert(when=Attr("TopScore").gt(3) & Attr("Level").exists() | Attr("Level").added())
def well_begun(_record: Insert[GameScore]) -> None: ...


@conditioned.on_insert(when=Attr("TopScore").between(Decimal("1.5"), 10) & ~Key("UserId").begins_with("bot#"))
def begun(_record: Insert[GameScore]) -> None: ...


@conditioned.on_modify(when=Attr("Level").was("beginner") & Attr("Level").becomes("expert"))
def promoted(_record: Modify[GameScore]) -> None: ...


@conditioned.on_modify(when=Attr("TopScore").crosses(100) & Attr("TopScore").increased() & better)
def above(_record: Modify[GameScore]) -> None: ...


@conditioned.on_modify(when=better & Attr("TopScore").changed_by(at_least=10) | ~only_changed(["Level", "Seen"]))
def leapt(_record: Modify[GameScore]) -> None: ...


@conditioned.on_modify(when=Attr("TopScore").new.gt(Attr("TopScore").old))
def beside_itself(_record: Modify[GameScore]) -> None: ...


@conditioned.on_remove(when=Attr("Level").is_in(["expert", None, b"x", {1}, ["y"], {"z": True}]))
def retired(_record: Remove[GameScore]) -> None: ...


@conditioned.on_remove(expired=True, when=Attr("TopScore").removed() & Attr("Level").was("expert"))
def lost(_record: Remove[GameScore]) -> None: ...


@conditioned.on_record(when=Attr("Level").attribute_type("S") | Attr("Level").contains("x"))
def any_level(_record: Record[GameScore]) -> None: ...


@conditioned.on_record(when=Attr("TopScore").increased())
def grown(_record: Record[GameScore]) -> None: ...


@conditioned.on_record(when=loop_guard(writes={"Rank"}, marker="RankedFrom"))
def ranked(_record: Record[GameScore]) -> None: ...


entities = Entities({"SK=ORDER#*": Order, ("PK=C#*", "SK=PROFILE"): Customer}, unknown="fail")
by_type = Entities({"order": Order, 5: Customer}, attribute="Meta.Type", unknown="ignore")
shop = Router(table="Shop", when=Attr("Status").increased(), ignore="seen", entities=by_type)


@shop.on_modify
def any_order(_record: Modify[Order]) -> None: ...


conditioned.include(shop)


@StreamApp(entities=entities).on_insert
def new_customer(_record: Insert[Customer]) -> None: ...


def explained(record: Modify[GameScore], raw: dict[str, Any]) -> str:
    assert_type(Attr("TopScore").changed()(record), bool)
    explanation = conditioned.explain(record)
    assert_type(explanation, Explanation)
    assert_type(explanation.routes[0].said, bool | None)
    return explanation.text(show_values=True) + str(conditioned.explain(raw))


# How batches run


class Box:
    async def store(self, letters: Sequence[DeadLetter]) -> None: ...


async def store_async(letter: DeadLetter) -> None: ...


def store(letter: DeadLetter) -> object:
    assert_type(letter.attempts, int)
    assert_type(letter.routes_done, tuple[str, ...])
    return letter.to_json()


def tell(told: BatchStarted | RecordStarted | RecordFinished | BatchFinished) -> None:
    match told:
        case RecordFinished():
            assert_type(told.outcome, Outcome)
            assert_type(told.handler_seconds, Mapping[str, float])
        case RecordStarted():
            assert_type(told.attempt, int)
        case BatchStarted() | BatchFinished():
            assert_type(told.records, Sequence[Mapping[str, Any]])
        case _:
            assert_never(told)


observer: Observer = tell
ledger: Ledger = MemoryLedger(max_records=10)
batches = StreamApp(
    concurrency=4,
    on_failure="isolate",
    ledger=ledger,
    dead_letters=store,
    max_attempts=3,
    permanent=(ValueError, KeyError),
    hold_item=True,
    deadline_margin=2,
    observers=[observer, tell, EmfMetrics()],
)
StreamApp(dead_letters=store_async, permanent=ValueError)
StreamApp(dead_letters=Box(), ledger=DynamoDBLedger("ledger"))
StreamApp(dead_letters=SqsSink("https://sqs/queue", offload=S3Sink("bucket")))
StreamApp(dead_letters=JsonLinesSink("/dev/null"))


@batches.middleware
def around(record: Record, call_next: CallNext) -> None:
    call_next(record)


@batches.middleware
async def around_async(record: Record, call_next: CallNext) -> None:
    await call_next(record)


@batches.on_startup
def connect() -> None: ...


@batches.on_startup
async def connect_async() -> None: ...


assert_type(connect(), None)


@batches.on_insert
def verdict(record: Insert[GameScore]) -> None:
    if record.new.top_score < 0:
        raise Reject("below zero")
    raise Skip


class Totals(BaseModel):
    total: int = 0


windows = StreamApp()


@windows.on_window
def add(state: Totals, record: Insert[GameScore] | Modify[GameScore]) -> Totals:
    return Totals(total=state.total + record.new.top_score)


@windows.on_window_end
def publish(state: Totals, window: Window) -> None:
    assert_type(window.final, bool)


