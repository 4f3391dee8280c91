"""How much memory handling a full event takes, beside the event itself."""

from __future__ import annotations

import gc
import json
import tracemalloc
from collections.abc import Callable
from typing import Any, TypeAlias

from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

from benchmarks.batch import small_event
from benchmarks.contest import is_done
from benchmarks.models import Summary
from benchmarks.peers import Event, powertools
from headwater import Modify, StreamApp

RECORDS = 10_000
"""The most that Lambda puts into a batch; with three attributes an item, they fill the 6 MB that it takes."""

Handle: TypeAlias = Callable[[Any], Any]


def contestants() -> dict[str, Handle]:
    """By name, what handles the event."""
    return {
        "Headwater, every record into a model": _wanted(),
        "Headwater, no record is wanted": _unwanted(),
        "Powertools batch, data class": lambda event: powertools(event, _read_both),
    }


def full_event(records: int = RECORDS) -> str:
    """The event as JSON, as Lambda sends it."""
    return json.dumps(small_event(records), separators=(",", ":"))


def peak(handle: Handle, event: str) -> float:
    """The most memory that is in use while an event is handled, as a multiple of the parsed event.

    Raises:
        ValueError: When the event is not handled rightly.
    """
    handle(small_event(2))  # what is made once for the process is no part of it
    gc.collect()
    tracemalloc.start()
    try:
        parsed: Event = json.loads(event)
        own, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        result = handle(parsed)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    if not is_done(result):
        raise ValueError(f"a wrong response: {result}")
    return most / own


def peaks(records: int = RECORDS) -> dict[str, float]:
    """The peak of each contestant."""
    event = full_event(records)
    return {name: peak(handle, event) for name, handle in contestants().items()}


def _wanted() -> Handle:
    app = StreamApp()

    @app.on_modify
    def handle(record: Modify[Summary]) -> object:
        return record.old, record.new

    return app


def _unwanted() -> Handle:
    app = StreamApp()

    @app.on_modify(attribute="Total")
    def handle(record: Modify[Summary]) -> object:
        return record.old, record.new

    return app


def _read_both(record: DynamoDBRecord) -> object:
    stream = record.dynamodb
    return (stream.old_image, stream.new_image) if stream else None
