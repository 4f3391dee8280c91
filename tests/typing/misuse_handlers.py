"""Handlers that a decorator must not take: each line with the mark must be an error to both checkers."""

from __future__ import annotations

from typing import Any

from misuse_models import GameScore, Order

from headwater import Insert, LambdaContext, Modify, Record, Remove, StreamApp, stream_handler

app = StreamApp()


def inserted(_record: Insert[GameScore]) -> None: ...
def modified(_record: Modify[GameScore]) -> None: ...
def removed(_record: Remove[GameScore]) -> None: ...
def written(_record: Insert[GameScore] | Modify[GameScore]) -> None: ...
async def inserted_async(_record: Insert[GameScore]) -> None: ...
async def modified_async(_record: Modify[GameScore]) -> None: ...
def modified_with_context(_record: Modify[GameScore], _context: LambdaContext) -> None: ...


# A handler for another kind of record

app.on_insert(modified)  # error
app.on_insert(removed)  # error
app.on_insert(modified_async)  # error
app.on_insert(modified_with_context)  # error
app.on_modify(inserted)  # error
app.on_modify(removed)  # error
app.on_modify(inserted_async)  # error
app.on_remove(inserted)  # error
app.on_remove(modified)  # error
app.on_remove(written)  # error
app.on_record(inserted)  # error
app.on_record(modified)  # error
app.on_record(removed)  # error
app.on_record(written)  # error
app.on_insert(attribute="TopScore")(modified)  # error
app.on_modify(attribute="TopScore")(inserted)  # error
app.on_remove(expired=True)(modified_with_context)  # error
app.on_record(table="GameScores")(written)  # error


@app.on_insert  # error
def insert_decorates_modify(_record: Modify[GameScore]) -> None: ...


@app.on_modify(attribute="TopScore")  # error
def modify_decorates_remove(_record: Remove[GameScore]) -> None: ...


@app.on_remove(expired=True)  # error
async def remove_decorates_insert(_record: Insert[GameScore]) -> None: ...


@app.on_record  # error
def record_decorates_modify(_record: Modify) -> None: ...


class Service:
    def handle(self, record: Modify[GameScore]) -> None: ...


class Counter:
    def __call__(self, record: Modify[GameScore]) -> None: ...


app.on_insert(Service().handle)  # error
app.on_modify(Service.handle)  # error
app.on_insert(Counter())  # error
app.on_modify(Counter)  # error


# A handler that is not for records, or for nothing


def takes_nothing() -> None: ...
def takes_model(_record: GameScore) -> None: ...
def takes_dict(_record: dict[str, Any]) -> None: ...
def takes_event(_event: dict[str, Any], _context: LambdaContext) -> None: ...


app.on_insert(takes_nothing)  # error
app.on_modify(takes_nothing)  # error
app.on_remove(takes_nothing)  # error
app.on_record(takes_nothing)  # error
app.on_insert(takes_model)  # error
app.on_modify(takes_model)  # error
app.on_remove(takes_dict)  # error
app.on_record(takes_event)  # error
app.on_modify(attribute="TopScore")(takes_model)  # error
app.on_modify()(takes_nothing)  # error
app.on_modify(3)  # error
app.on_modify(GameScore)  # error
app.on_modify(modified(None))  # error


# What the handler requires, nobody passes


def requires_retries(_record: Modify[GameScore], _retries: int) -> None: ...
def requires_third(_record: Modify[GameScore], _context: LambdaContext, _retries: int) -> None: ...
def requires_keyword(_record: Modify[GameScore], *, retries: int) -> None: ...
def requires_text(_record: Record[GameScore], _context: str) -> None: ...
def requires_other(_record: Record[GameScore], _order: Order) -> None: ...
async def requires_async(_record: Modify[GameScore], _retries: int) -> None: ...


app.on_modify(requires_retries)  # error
app.on_modify(requires_third)  # error
app.on_modify(requires_keyword)  # error
app.on_modify(requires_async)  # error
app.on_insert(requires_text)  # error
app.on_remove(requires_text)  # error
app.on_record(requires_text)  # error
app.on_record(requires_other)  # error
app.on_modify(attribute="TopScore")(requires_retries)  # error
app.on_record(table="GameScores")(requires_text)  # error


@app.on_modify(attribute="TopScore")  # error
def decorated_with_retries(_record: Modify[GameScore], _retries: int) -> None: ...


# The single function


stream_handler(takes_nothing)  # error
stream_handler(takes_model)  # error
stream_handler(takes_dict)  # error
stream_handler(takes_event)  # error
stream_handler(requires_retries)  # error
stream_handler(requires_third)  # error
stream_handler(requires_keyword)  # error
stream_handler(requires_async)  # error
stream_handler(Service.handle)  # error
stream_handler(3)  # error
stream_handler()  # error
stream_handler(modified, attribute="TopScore")  # error


@stream_handler  # error
def takes_a_number(_record: int) -> None: ...


# A decorated function keeps its signature: a direct call is checked as before


@app.on_modify(attribute="TopScore")
def kept(record: Modify[GameScore]) -> int:
    return record.new.top_score


@stream_handler
def single(_record: Modify[GameScore]) -> None: ...


def call(insert: Insert[GameScore], modify: Modify[GameScore], order: Modify[Order], context: int) -> None:
    kept(insert)  # error
    kept(order)  # error
    kept()  # error
    kept(event=modify)  # error
    kept(modify).upper()  # error
    app.on_modify(modified_with_context)(modify, context)  # error
    app.on_modify(modified_with_context)(modify)  # error
    app.on_insert(inserted)(modify)  # error
    single()  # error
    single(modify, None, 3)  # error
    print(single.new)  # error
    print(single(modify)["failures"])  # error
    print(single(modify).batchItemFailures)  # error
