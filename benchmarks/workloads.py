"""What is measured, by whom."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from boto3.dynamodb.types import TypeDeserializer

from benchmarks.batch import RECORDS, Order, order, stream_event
from benchmarks.contest import Contestant
from headwater import Modify, StreamApp, to_python

ROUTES = 20
DONE: dict[str, list[object]] = {"batchItemFailures": []}


def unwanted() -> Mapping[str, Contestant]:
    """Records that no route wants: 20 routes ask for attributes that have not changed."""
    event = json.loads(json.dumps(stream_event()))
    names = [f"Attribute{number}" for number in range(ROUTES)]
    app, single = StreamApp(), StreamApp()
    for name in names:
        app.on_modify(attribute=name)(lambda record: print(record))
    single.on_modify(attribute="Total")(lambda record: print(record))
    processor = BatchProcessor(event_type=EventType.DynamoDBStreams)

    def handle(record: DynamoDBRecord) -> None:
        stream = record.dynamodb
        new, old = (stream.new_image, stream.old_image) if stream else ({}, {})
        if any(new.get(name) != old.get(name) for name in names):
            print(record)

    def by_hand() -> Any:
        for record in event["Records"]:
            stream = record["dynamodb"]
            if record["eventName"] == "MODIFY" and stream["NewImage"].get("Total") != stream["OldImage"].get(
                "Total"
            ):
                print(record)
        return DONE

    def powertools() -> Any:
        return process_partial_response(event=event, record_handler=handle, processor=processor, context=None)

    return {
        "headwater, 20 routes": Contestant(lambda: app(event), lambda result: result == DONE),
        "headwater, 1 route": Contestant(lambda: single(event), lambda result: result == DONE),
        "powertools data class": Contestant(powertools, lambda result: result == DONE),
        "loop by hand, 1 attribute": Contestant(by_hand, lambda result: result == DONE),
    }


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
ALL = {
    f"record that no route wants (of {RECORDS})": unwanted,
    f"both images into a pydantic model ({RECORDS} records)": models,
    f"both images into plain Python ({RECORDS} records)": plain,
    "import in a fresh interpreter": imports,
}
