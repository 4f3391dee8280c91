"""A handler that raises what is no Exception: the process is to end, not to go on with the next record."""

from __future__ import annotations

import asyncio
import sys

from headwater import Insert, Modify, StreamApp

lambda_handler = StreamApp()


@lambda_handler.on_insert
def end(record: Insert) -> None:
    print(f"started {record.keys['Id']}")
    match record.new["End"]:
        case "SystemExit":
            sys.exit(0)
        case "KeyboardInterrupt":
            raise KeyboardInterrupt
        case _:
            print("went on")


@lambda_handler.on_modify
async def end_async(record: Modify) -> None:
    await asyncio.sleep(0)
    print(f"started {record.keys['Id']}")
    if record.new["End"] == "SystemExit":
        sys.exit(0)
    raise KeyboardInterrupt
