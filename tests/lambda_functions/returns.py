"""Handlers that return what the runtime could not write as JSON, or would write in an odd form."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import NamedTuple

from headwater import Insert, StreamApp


class Point(NamedTuple):
    x: int
    y: Decimal


lambda_handler = StreamApp()


@lambda_handler.on_insert
def returns_namedtuple(record: Insert) -> Point:
    return Point(1, record.new["Total"])


@lambda_handler.on_insert
def returns_set(_record: Insert) -> set[int]:
    return {1, 2}


@lambda_handler.on_insert
def returns_record(record: Insert) -> Insert:
    return record


@lambda_handler.on_insert
def returns_response(_record: Insert) -> dict[str, list[dict[str, str]]]:
    return {"batchItemFailures": [{"itemIdentifier": "1"}]}


@lambda_handler.on_insert
async def returns_date(_record: Insert) -> dt.date:
    return dt.date(2025, 1, 1)
