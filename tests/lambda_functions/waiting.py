"""Async handlers that share a lock, which asyncio binds to the loop that first has to wait for it."""

from __future__ import annotations

import asyncio

from headwater import Insert, LambdaContext, StreamApp

LOCK = asyncio.Lock()
LOOPS: list[asyncio.AbstractEventLoop] = []  # kept, so that no two loops can have one identity

lambda_handler = StreamApp()


@lambda_handler.on_insert
async def wait(record: Insert, context: LambdaContext) -> None:
    async def hold() -> None:
        async with LOCK:
            await asyncio.sleep(0)

    await asyncio.gather(hold(), hold())
    loop = asyncio.get_running_loop()
    if loop not in LOOPS:
        LOOPS.append(loop)
    print(f"waited for {record.new['Id']} in {context.aws_request_id} on one of {len(LOOPS)} loops")
