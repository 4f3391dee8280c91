"""Handlers in lanes that fail as their records say, and put aside what fails for good."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter

from headwater import Insert, Reject, StreamApp
from headwater.json_lines import JsonLinesSink

lambda_handler = StreamApp(
    concurrency=4,
    on_failure="isolate",
    dead_letters=JsonLinesSink(os.environ["LETTERS"]),
    max_attempts=3,
    deadline_margin=0.2,
)
failures: Counter[str] = Counter()


def act(record: Insert, route: str) -> None:
    failures[route + record.sequence_number] += 1
    if record.new["Route"] != route or failures[route + record.sequence_number] > record.new["Fails"]:
        print(f"{route} handled {record.keys['Id']} {record.new['N']}")
        return
    raise Reject("as told") if record.new["Reject"] else ConnectionError


@lambda_handler.on_insert
async def waits(record: Insert) -> None:
    await asyncio.sleep(0.001)
    act(record, "waits")


@lambda_handler.on_insert
def plain(record: Insert) -> None:
    time.sleep(0.0005)
    if record.new["Route"] == "slow":
        time.sleep(0.8)
    act(record, "plain")
