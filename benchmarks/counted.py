"""The work whose instructions are counted: `python -m benchmarks.counted WORK REPETITIONS` does it, on an event from stdin.

It imports nothing but what a function would, as all of it is run by valgrind, which is slow.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from headwater import Attr, Modify, StreamApp, to_python

Work = Callable[[Any], object]
"""Handles one event."""


def unwanted() -> Work:
    """A record that none of 20 routes wants."""
    app = StreamApp()

    def handle(record: Modify) -> None:
        raise ValueError(record)

    for number in range(10):
        app.on_modify(attribute=f"Attribute{number}")(handle)
        app.on_modify(when=Attr("Status").becomes(f"Status{number}"))(handle)
    return app


def model() -> Work:
    """Both images into a pydantic model, through an app."""
    from benchmarks.models import Order

    app = StreamApp()

    @app.on_modify
    def handle(record: Modify[Order]) -> None:
        if record.old.Status == record.new.Status:
            raise ValueError(record)

    return app


def plain() -> Work:
    """Both images into plain Python."""
    return lambda event: [
        (to_python(record["dynamodb"]["OldImage"]), to_python(record["dynamodb"]["NewImage"]))
        for record in event["Records"]
    ]


def yardstick() -> Work:
    """A fixed loop in Python that unpacks by hand: what an instruction of this interpreter is worth."""
    return lambda event: [
        (_unpacked(record["dynamodb"]["OldImage"]), _unpacked(record["dynamodb"]["NewImage"]))
        for record in event["Records"]
    ]


def _unpacked(image: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    item: dict[str, Any] = {}
    for name, value in image.items():
        [(tag, content)] = value.items()
        if tag == "N":
            item[name] = Decimal(content)
        elif tag == "M":
            item[name] = _unpacked(content)
        elif tag == "L":
            item[name] = [_unpacked({name: element})[name] for element in content]
        elif tag == "SS":
            item[name] = set(content)
        else:
            item[name] = None if tag == "NULL" else content
    return item


WORKS: Final[Mapping[str, Callable[[], Work]]] = {
    "yardstick": yardstick,
    "unwanted": unwanted,
    "model": model,
    "plain": plain,
}


def main(name: str, repetitions: int) -> None:
    """Warm up, then do the work so many times."""
    work = WORKS[name]()
    event = json.load(sys.stdin)
    work(event)  # what is done once belongs to both counts
    gc.collect()
    gc.disable()  # else a collection falls into one count and not into the other
    for _ in range(repetitions):
        work(event)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
