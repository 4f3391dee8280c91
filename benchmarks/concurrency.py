"""Batches at once: what a record costs that does nothing, and what is won where handlers wait."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from aws_lambda_powertools.utilities.batch import (
    AsyncBatchProcessor,
    BatchProcessor,
    EventType,
    async_process_partial_response,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

from benchmarks.batch import RECORDS
from benchmarks.contest import Contestant
from headwater import Record, StreamApp
from headwater.testing import Table, event

WAIT_SECONDS = 0.01
ITEMS = 100
DONE: dict[str, list[object]] = {"batchItemFailures": []}

Handle = Callable[[Any], Awaitable[None]]


def _event(items: int) -> dict[str, Any]:
    table = Table("Orders", keys="OrderId")
    records = [table.insert({"OrderId": number % items, "Number": number}) for number in range(RECORDS)]
    made: dict[str, Any] = json.loads(json.dumps(event(records)))
    return made


def _is_done(result: Any) -> bool:
    return bool(result == DONE)


def overhead(concurrency: int) -> Mapping[str, Contestant]:
    """1,000 records of as many items, whose handlers do nothing: one handler for all of them."""
    batch = _event(RECORDS)

    async def nothing(record: Any) -> None: ...

    def nothing_sync(record: Any) -> None: ...

    apps = {
        f"headwater, async def, concurrency={concurrency}": nothing,
        f"headwater, def, concurrency={concurrency}": nothing_sync,
    }
    contestants: dict[str, Contestant] = {}
    for name, handler in apps.items():
        app = StreamApp(concurrency=concurrency)
        app.on_record(handler)
        contestants[name] = Contestant(lambda app=app: app(batch), _is_done)  # type: ignore[misc]

    def loop() -> Any:
        async def each() -> None:
            for record in batch["Records"]:
                await nothing(record)

        asyncio.run(each())
        return DONE

    return {
        **contestants,
        "bare loop that awaits": Contestant(loop, _is_done),
        "bare asyncio.gather": Contestant(lambda: _gather(batch, nothing), _is_done),
        "powertools BatchProcessor": Contestant(lambda: _powertools(batch, nothing_sync), _is_done),
        "powertools AsyncBatchProcessor": Contestant(lambda: _powertools_async(batch, nothing), _is_done),
    }


def waiting() -> Mapping[str, Contestant]:
    """1,000 records of 100 items, whose handlers wait for 10 ms. Where items have an order, it is checked."""
    batch = _event(ITEMS)
    seen: dict[str, list[int]] = defaultdict(list)

    def number_of(stream: Mapping[str, Any]) -> tuple[str, int]:
        return stream["Keys"]["OrderId"]["N"], int(stream["NewImage"]["Number"]["N"])

    async def wait(record: Any) -> None:
        stream = record.wire_image("Keys"), record.wire_image("NewImage")
        await asyncio.sleep(WAIT_SECONDS)
        seen[stream[0]["OrderId"]["N"]].append(int(stream[1]["Number"]["N"]))

    async def wait_raw(record: Any) -> None:
        raw = record.raw_event if isinstance(record, DynamoDBRecord) else record
        await asyncio.sleep(WAIT_SECONDS)
        item, number = number_of(raw["dynamodb"])
        seen[item].append(number)

    def headwater(concurrency: int) -> Callable[[], Any]:
        app = StreamApp(concurrency=concurrency)

        @app.on_record
        async def handle(record: Record) -> None:
            await wait(record)

        return lambda: app(batch)

    def chains() -> Any:
        async def chain(records: Sequence[Any]) -> None:
            for record in records:
                await wait_raw(record)

        async def all_chains() -> None:
            items: dict[str, list[Any]] = defaultdict(list)
            for record in batch["Records"]:
                items[record["dynamodb"]["Keys"]["OrderId"]["N"]].append(record)
            await asyncio.gather(*map(chain, items.values()))

        asyncio.run(all_chains())
        return DONE

    def ordered(result: Any) -> bool:
        in_order = all(numbers == sorted(numbers) for numbers in seen.values())
        complete = sum(map(len, seen.values())) == RECORDS
        seen.clear()
        return _is_done(result) and in_order and complete

    return {
        "headwater, concurrency=50": Contestant(headwater(50), ordered),
        "headwater, concurrency=100": Contestant(headwater(100), ordered),
        "headwater, concurrency=1": Contestant(headwater(1), ordered),
        "a chain by hand for each of 100 items": Contestant(chains, ordered),
        "bare asyncio.gather, all 1,000 at once": Contestant(lambda: _gather(batch, wait_raw), _is_done),
        "powertools AsyncBatchProcessor, all at once": Contestant(
            lambda: _powertools_async(batch, wait_raw), _is_done
        ),
    }


def _gather(batch: Mapping[str, Any], handle: Handle) -> Any:
    async def each() -> None:
        await asyncio.gather(*map(handle, batch["Records"]))

    asyncio.run(each())
    return DONE


def _powertools(batch: dict[str, Any], handle: Callable[[Any], None]) -> Any:
    processor = BatchProcessor(event_type=EventType.DynamoDBStreams)
    return process_partial_response(event=batch, record_handler=handle, processor=processor, context=None)


def _powertools_async(batch: dict[str, Any], handle: Handle) -> Any:
    processor = AsyncBatchProcessor(event_type=EventType.DynamoDBStreams)
    return async_process_partial_response(
        event=batch, record_handler=handle, processor=processor, context=None
    )
