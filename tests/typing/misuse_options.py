"""Options that a decorator or router must not take: each line with the mark must be an error to both checkers."""

from __future__ import annotations

from typing import Any

from misuse_models import GameScore, Order

from headwater import Insert, LambdaContext, Modify, Record, Remove, Router, StreamApp

app = StreamApp()


def modified(_record: Modify[GameScore]) -> None: ...


# attribute=, table=, expired=

app.on_insert("TopScore")  # error
app.on_modify("TopScore")  # error
app.on_remove("TopScore")  # error
app.on_record("TopScore")  # error
app.on_modify(["TopScore"])  # error
app.on_modify(modified, "TopScore")  # error
app.on_modify("TopScore", modified)  # error
app.on_modify(modified, attribute="TopScore")  # error
app.on_insert(attribute=3)  # error
app.on_modify(attribute=3)  # error
app.on_remove(attribute=b"TopScore")  # error
app.on_record(attribute=[1, 2])  # error
app.on_modify(attribute={"TopScore": 3})  # error
app.on_modify(attribute=GameScore)  # error
app.on_insert(table=3)  # error
app.on_modify(table=["GameScores"])  # error
app.on_insert(expired=True)  # error
app.on_modify(expired=True)  # error
app.on_record(expired=True)  # error
app.on_remove(expired="yes")  # error
app.on_remove(expired=3)  # error
app.on_insert(attributes="TopScore")  # error
app.on_modify(attributes=["TopScore"])  # error
app.on_remove(ttl=True)  # error
app.on_record(kind="INSERT")  # error
app.on_modify(handler=modified)  # error
app.on_update(modified)  # error
app.on_delete(modified)  # error


@app.on_modify("TopScore")  # error
def positional(_record: Modify[GameScore]) -> None: ...


@app.on_modify(attribute=3)  # error
def not_text(_record: Modify[GameScore]) -> None: ...


# when=


def of_insert(record: Insert[GameScore]) -> bool:
    return record.new.top_score > 3


def of_modify(record: Modify[GameScore]) -> bool:
    return record.new.top_score > 3


def of_remove(record: Remove[GameScore]) -> bool:
    return record.old.top_score > 3


def of_written(record: Insert[GameScore] | Modify[GameScore]) -> bool:
    return record.new.top_score > 3


def with_context(_record: Record, _context: LambdaContext) -> bool:
    return True


def with_nothing() -> bool:
    return True


def with_number(_record: int) -> bool:
    return True


def with_text(record: Record) -> str:
    return record.sequence_number


def with_none(_record: Record) -> None: ...


async def with_coroutine(_record: Record) -> bool:
    return True


app.on_insert(when=of_modify)  # error
app.on_insert(when=of_remove)  # error
app.on_modify(when=of_insert)  # error
app.on_modify(when=of_remove)  # error
app.on_remove(when=of_insert)  # error
app.on_remove(when=of_modify)  # error
app.on_remove(when=of_written)  # error
app.on_record(when=of_insert)  # error
app.on_record(when=of_modify)  # error
app.on_record(when=of_remove)  # error
app.on_record(when=of_written)  # error
app.on_modify(when=with_context)  # error
app.on_modify(when=with_nothing)  # error
app.on_modify(when=with_number)  # error
app.on_modify(when=with_text)  # error
app.on_modify(when=with_none)  # error
app.on_modify(when=with_coroutine)  # error
app.on_record(when=with_coroutine)  # error
app.on_modify(when=True)  # error
app.on_modify(when="TopScore > 3")  # error
app.on_modify(when=lambda: True)  # error
app.on_modify(when=lambda record: record.sequence_number)  # error
app.on_insert(when=lambda record: record.old.top_score > 3)  # error
app.on_remove(when=lambda record: record.new.top_score > 3)  # error
app.on_record(when=lambda record: record.new.top_score > 3)  # error
app.on_modify(when=lambda record: record.newer.top_score > 3)  # error


@app.on_remove(when=of_modify)  # error
def guarded(_record: Remove[GameScore]) -> None: ...


@app.on_modify(when=of_modify, expired=True)  # error
def guarded_and_expired(_record: Modify[GameScore]) -> None: ...


# Routers

Router("Shop")  # error
Router(table=3)  # error
Router(tables=["Shop"])  # error
Router(when=of_insert)  # error
Router(when=of_modify)  # error
Router(when=of_written)  # error
Router(when=with_text)  # error
Router(when=with_coroutine)  # error
Router(when=with_nothing)  # error
Router(when=lambda record: record.new["Total"] > 3)  # error
Router(attribute="Total")  # error
router = Router(table="Shop")
router({"Records": []})  # error
app.include(app.on_insert)  # error
app.include(Router)  # error
app.include(router, router)  # error
app.include([router])  # error
app.include(modified)  # error
app.include("orders")  # error
app.include()  # error
app.routes = ()  # error
app.routes.append(router)  # error


@router.on_insert(attribute="Total")  # error
def order_changed(_record: Modify[Order]) -> None: ...


# The app

StreamApp(table="Shop")  # error
app()  # error
app({"Records": []}, None, 3)  # error
print(app({"Records": []})["failures"])  # error
print(app({"Records": []}).outcomes)  # error
print(app.run({"Records": []})["batchItemFailures"])  # error
print(app.run({"Records": []}).results)  # error
print(app.run({"Records": []}).outcomes[0].error)  # error


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> str:
    return app(event, context)  # error
