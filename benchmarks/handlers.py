"""What it costs to call a handler, and what is won where handlers wait."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

from benchmarks.batch import numbered_event, order_event
from benchmarks.contest import DONE, Contestant, Workload, is_done
from benchmarks.peers import Event, gather, powertools, powertools_async
from headwater import Record, StreamApp

WAIT_SECONDS = 0.01
RECORDS_OF_AN_ITEM = 10


def workloads(records: int) -> list[Workload]:
    """Handlers that do nothing, plain and async at several concurrencies, and handlers that wait."""
    event = order_event(records)
    return [_plain(event), *(_at_once(event, concurrency) for concurrency in (1, 10, 50)), _waiting(records)]


async def _nothing(record: Any) -> None: ...


def _nothing_plain(record: Any) -> None: ...


def _plain(event: Event) -> Workload:
    app = StreamApp()
    app.on_record(_nothing_plain)
    records = len(event["Records"])

    def loop() -> Any:
        for record in event["Records"]:
            _nothing_plain(record)
        return DONE

    return Workload(
        "handlers",
        "handler that does nothing, `def`",
        (
            Contestant("Headwater", lambda: app(event), is_done, records),
            Contestant(
                "Powertools batch, data class", lambda: powertools(event, _nothing_plain), is_done, records
            ),
            Contestant("bare loop", loop, is_done, records, is_floor=True),
        ),
    )


def _at_once(event: Event, concurrency: int) -> Workload:
    app = StreamApp(concurrency=concurrency)
    app.on_record(_nothing)
    records = len(event["Records"])

    def loop() -> Any:
        async def each() -> None:
            for record in event["Records"]:
                await _nothing(record)

        asyncio.run(each())
        return DONE

    peers = (
        Contestant(
            "Powertools async batch, all at once", lambda: powertools_async(event, _nothing), is_done, records
        ),
        Contestant("bare `asyncio.gather`", lambda: gather(event, _nothing), is_done, records, is_floor=True),
    )
    in_order = (Contestant("bare loop that awaits", loop, is_done, records, is_floor=True),)
    return Workload(
        "handlers",
        f"handler that does nothing, `async def`, concurrency={concurrency}",
        (
            Contestant("Headwater", lambda: app(event), is_done, records),
            *peers,
            *(in_order if concurrency == 1 else ()),
        ),
    )


def _waiting(records: int) -> Workload:
    items = records // RECORDS_OF_AN_ITEM
    event = numbered_event(records, items)
    seen: dict[str, list[int]] = defaultdict(list)

    async def wait(images: Mapping[str, Any]) -> None:
        await asyncio.sleep(WAIT_SECONDS)
        seen[images["Keys"]["OrderId"]["N"]].append(int(images["NewImage"]["Number"]["N"]))

    async def wait_raw(record: Any) -> None:
        raw = record.raw_event if isinstance(record, DynamoDBRecord) else record
        await wait(raw["dynamodb"])

    def headwater(concurrency: int, event: Event = event) -> Callable[[], Any]:
        app = StreamApp(concurrency=concurrency)

        @app.on_record
        async def handle(record: Record) -> None:
            await wait(record.raw["dynamodb"])

        return lambda: app(event)

    def chains() -> Any:
        async def chain(records: Sequence[Any]) -> None:
            for record in records:
                await wait_raw(record)

        async def all_chains() -> None:
            found: dict[str, list[Any]] = defaultdict(list)
            for record in event["Records"]:
                found[record["dynamodb"]["Keys"]["OrderId"]["N"]].append(record)
            await asyncio.gather(*map(chain, found.values()))

        asyncio.run(all_chains())
        return DONE

    def contestant(
        name: str,
        run: Callable[[], Any],
        *,
        in_order: bool = True,
        amount: int = records,
        is_floor: bool = False,
    ) -> Contestant:
        def is_right(result: Any) -> bool:
            ordered = all(numbers == sorted(numbers) for numbers in seen.values())
            return is_done(result) and sum(map(len, seen.values())) == amount and ordered >= in_order

        return Contestant(name, run, is_right, amount, is_floor, settle=seen.clear)

    few = max(records // 10, 1)
    first = {"Records": event["Records"][:few]}

    return Workload(
        "waiting",
        f"handler that waits for {WAIT_SECONDS * 1000:.0f} ms, {RECORDS_OF_AN_ITEM} records of each item",
        (
            contestant("Headwater, concurrency=50", headwater(50)),
            contestant("Headwater, concurrency=100", headwater(100)),
            contestant("Headwater, one after another", headwater(1, first), amount=few),
            contestant("a chain by hand for each item", chains, is_floor=True),
            contestant(
                "Powertools async batch, in no order",
                lambda: powertools_async(event, wait_raw),
                in_order=False,
            ),
            contestant(
                "bare `asyncio.gather`, in no order",
                lambda: gather(event, wait_raw),
                in_order=False,
                is_floor=True,
            ),
        ),
        rounds=4,
        is_long=True,
    )
