"""How the peers run a batch, as their documentation says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from aws_lambda_powertools.utilities.batch import (
    AsyncBatchProcessor,
    BatchProcessor,
    EventType,
    async_process_partial_response,
    process_partial_response,
)

from benchmarks.contest import DONE

Event: TypeAlias = dict[str, Any]


def powertools(event: Event, handle: Callable[[Any], object], model: Any = None) -> Any:
    """Powertools' batch processor: `handle` is given its data class, or the parser's model."""
    processor = BatchProcessor(event_type=EventType.DynamoDBStreams, model=model)
    return process_partial_response(event=event, record_handler=handle, processor=processor, context=None)


def powertools_async(event: Event, handle: Callable[[Any], Awaitable[None]]) -> Any:
    """Powertools' processor for coroutines: all records of the batch at once."""
    processor = AsyncBatchProcessor(event_type=EventType.DynamoDBStreams)
    return async_process_partial_response(
        event=event, record_handler=handle, processor=processor, context=None
    )


def gather(event: Mapping[str, Any], handle: Callable[[Any], Awaitable[None]]) -> Any:
    """`asyncio.gather` over the bare records, with no regard to failures or order."""

    async def each() -> None:
        await asyncio.gather(*map(handle, event["Records"]))

    asyncio.run(each())
    return DONE
