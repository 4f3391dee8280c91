"""What is measured, by whom."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import dynamodb_stream_router as router
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from boto3.dynamodb.types import TypeDeserializer

from benchmarks.batch import RECORDS, Order, order, stream_event
from benchmarks.concurrency import ITEMS, overhead, waiting
from benchmarks.contest import Contestant
from headwater import Attr, Modify, StreamApp, to_python

FEW = 100
DONE: dict[str, list[object]] = {"batchItemFailures": []}


def unwanted(routes: int) -> Mapping[str, Contestant]:
    """Records that no route wants: the routes ask for attributes that are not there, or for a status that is not reached."""
    event = json.loads(json.dumps(stream_event(FEW)))
    names = [f"Attribute{number}" for number in range(routes)]
    app, conditions = StreamApp(), StreamApp()
    for name in names:
        app.on_modify(attribute=name)(lambda record: print(record))
        conditions.on_modify(when=Attr("Status").becomes(name))(lambda record: print(record))
    processor = BatchProcessor(event_type=EventType.DynamoDBStreams)

    def handle(record: DynamoDBRecord) -> None:
        stream = record.dynamodb
        new, old = (stream.new_image, stream.old_image) if stream else ({}, {})
        if any(new.get(name) != old.get(name) for name in names):
            print(record)

    def powertools() -> Any:
        return process_partial_response(event=event, record_handler=handle, processor=processor, context=None)

    def stream_router() -> Any:
        # Its routes are global to the process, so each run brings its own.
        for route in router.get_routes(router.Operation.MODIFY):
            router.remove_route(router.Operation.MODIFY, route)
        for route in parsed:
            router.add_route(router.Operation.MODIFY, route)
        router.route_records(event["Records"])
        return DONE

    parsed = [_parsed(name) for name in names]
    return {
        f"headwater, {routes} times attribute=": Contestant(lambda: app(event), _is_done),
        f"headwater, {routes} conditions": Contestant(lambda: conditions(event), _is_done),
        "powertools data class": Contestant(powertools, _is_done),
        "dynamodb-stream-router": Contestant(stream_router, _is_done),
    }


def _parsed(name: str) -> Any:
    """A route of dynamodb-stream-router, its condition parsed before the clock runs."""
    before = router.get_routes(router.Operation.MODIFY)
    declare: Any = router.on_modify
    declare(f"has_changed('{name}')", 0)(lambda record: print(record))
    [route] = router.get_routes(router.Operation.MODIFY) - before
    return route


def one_route() -> Mapping[str, Contestant]:
    """Records that the only route does not want, beside a loop written by hand."""
    event = json.loads(json.dumps(stream_event()))
    single = StreamApp()
    single.on_modify(attribute="Total")(lambda record: print(record))

    def by_hand() -> Any:
        for record in event["Records"]:
            stream = record["dynamodb"]
            if record["eventName"] == "MODIFY" and stream["NewImage"].get("Total") != stream["OldImage"].get(
                "Total"
            ):
                print(record)
        return DONE

    return {
        "headwater, 1 route": Contestant(lambda: single(event), _is_done),
        "loop by hand, 1 attribute": Contestant(by_hand, _is_done),
    }


def _is_done(result: Any) -> bool:
    return bool(result == DONE)


def models() -> Mapping[str, Contestant]:
    """Both images of each record into a pydantic model."""
    event = json.loads(json.dumps(stream_event()))
    expected = [Order(**order(number, "paid")) for number in range(RECORDS)]
    plain = [(order(number, "open"), order(number, "paid")) for number in range(RECORDS)]
    deserialize, validate = TypeDeserializer().deserialize, Order.model_validate
    seen: list[Order] = []
    app = StreamApp()

    @app.on_modify
    def handle(record: Modify[Order]) -> None:
        if record.old.Status != record.new.Status:
            seen.append(record.new)

    def headwater() -> list[Order]:
        seen.clear()
        app(event)
        return seen

    def boto3() -> list[Order]:
        found = []
        for record in event["Records"]:
            stream = record["dynamodb"]
            old = validate({name: deserialize(value) for name, value in stream["OldImage"].items()})
            new = validate({name: deserialize(value) for name, value in stream["NewImage"].items()})
            if old.Status != new.Status:
                found.append(new)
        return found

    def floor() -> list[Order]:
        return [
            new
            for old, new in ((validate(old), validate(new)) for old, new in plain)
            if old.Status != new.Status
        ]

    return {
        "headwater": Contestant(headwater, lambda result: result == expected),
        "boto3 + pydantic": Contestant(boto3, lambda result: result == expected),
        "pydantic on plain dicts": Contestant(floor, lambda result: result == expected),
    }


def plain() -> Mapping[str, Contestant]:
    """Both images of each record into plain Python."""
    event = json.loads(json.dumps(stream_event()))
    expected = order(RECORDS - 1, "paid")
    deserialize = TypeDeserializer().deserialize
    images = [record["dynamodb"][name] for record in event["Records"] for name in ("OldImage", "NewImage")]

    def boto3() -> Any:
        return [{name: deserialize(value) for name, value in image.items()} for image in images]

    def powertools() -> Any:
        return [
            dict(image)
            for r in event["Records"]
            if (s := DynamoDBRecord(r).dynamodb)
            for image in (s.old_image, s.new_image)
        ]

    return {
        "headwater": Contestant(
            lambda: [to_python(image) for image in images], lambda result: result[-1] == expected
        ),
        "boto3": Contestant(boto3, lambda result: result[-1] == expected),
        "powertools data class": Contestant(powertools, lambda result: result[-1] == expected),
    }


def imports() -> Mapping[str, Contestant]:
    """A fresh interpreter that imports one thing."""

    def importing(statement: str) -> Contestant:
        return Contestant(
            lambda: subprocess.run([sys.executable, "-c", statement], check=True).returncode,  # noqa: S603 - our own words
            lambda result: result == 0,
        )

    return {
        "headwater": importing("import headwater"),
        "powertools batch": importing("import aws_lambda_powertools.utilities.batch"),
        "pydantic": importing("import pydantic; pydantic.BaseModel"),
        "boto3": importing("import boto3"),
        "nothing": importing(""),
    }


logging.getLogger("headwater").setLevel(logging.CRITICAL)
ALL: Mapping[str, Callable[[], Mapping[str, Contestant]]] = {
    f"record that none of 20 routes wants ({FEW} records)": partial(unwanted, 20),
    f"record that none of 200 routes wants ({FEW} records)": partial(unwanted, 200),
    f"record that the only route does not want ({RECORDS} records)": one_route,
    f"both images into a pydantic model ({RECORDS} records)": models,
    f"both images into plain Python ({RECORDS} records)": plain,
    **{
        f"handler that does nothing, {lanes} at once ({RECORDS} records)": partial(overhead, lanes)
        for lanes in (1, 10, 50)
    },
    f"handler that waits for 10 ms ({RECORDS} records of {ITEMS} items)": waiting,
    "import in a fresh interpreter": imports,
}
