"""Both images of each record, decoded: into models, and into plain Python."""

# Powertools documents that its record models are narrowed by overriding their fields.
# pyright: reportIncompatibleVariableOverride=false

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from aws_lambda_powertools.utilities.parser import parse
from aws_lambda_powertools.utilities.parser.envelopes import DynamoDBStreamEnvelope
from aws_lambda_powertools.utilities.parser.models import (
    DynamoDBStreamChangedRecordModel,
    DynamoDBStreamRecordModel,
)
from boto3.dynamodb.types import TypeDeserializer
from pydantic import TypeAdapter

from benchmarks.batch import order, order_event
from benchmarks.contest import Contestant, Workload
from benchmarks.models import Order, OrderData, OrderDict
from benchmarks.peers import Event, powertools
from headwater import Modify, StreamApp, decode, to_python

Pairs: TypeAlias = list[tuple[Any, Any]]
"""The old and the new image of each record."""


class OrderChange(DynamoDBStreamChangedRecordModel):
    """What Powertools' parser is told about the images."""

    NewImage: Order | None = None
    OldImage: Order | None = None


class OrderRecord(DynamoDBStreamRecordModel):
    """What Powertools' batch processor is told about a record."""

    dynamodb: OrderChange


def workloads(records: int) -> list[Workload]:
    """A pydantic model, a TypedDict, a dataclass, and plain Python."""
    event = order_event(records)
    return [_pydantic(event), _typed_dict(event), _dataclass(event), _plain(event)]


def _pydantic(event: Event) -> Workload:
    app, seen = StreamApp(), list[tuple[Order, Order]]()

    @app.on_modify
    def handle(record: Modify[Order]) -> None:
        seen.append((record.old, record.new))

    def decoded() -> Pairs:
        return [(decode(old, Order), decode(new, Order)) for old, new in _wire(event)]

    def parser() -> Pairs:
        found: Pairs = []

        def take(record: OrderRecord) -> None:
            found.append((record.dynamodb.OldImage, record.dynamodb.NewImage))

        powertools(event, take, OrderRecord)
        return found

    def envelope() -> Pairs:
        images: Any = parse(event=event, model=Order, envelope=DynamoDBStreamEnvelope)
        return [(image["OldImage"], image["NewImage"]) for image in images]

    more = {
        "`headwater.decode`, without an app": decoded,
        "Powertools batch + parser": parser,
        "Powertools parser, its envelope": envelope,
    }
    return _into_model("pydantic", "a pydantic model", event, Order, _through(app, event, seen), more)


def _typed_dict(event: Event) -> Workload:
    app, seen = StreamApp(), list[tuple[OrderDict, OrderDict]]()

    @app.on_modify
    def handle(record: Modify[OrderDict]) -> None:
        seen.append((record.old, record.new))

    return _into_model("types", "a TypedDict", event, OrderDict, _through(app, event, seen), {})


def _dataclass(event: Event) -> Workload:
    app, seen = StreamApp(), list[tuple[OrderData, OrderData]]()

    @app.on_modify
    def handle(record: Modify[OrderData]) -> None:
        seen.append((record.old, record.new))

    return _into_model("types", "a dataclass", event, OrderData, _through(app, event, seen), {})


def _through(app: StreamApp, event: Event, seen: list[tuple[Any, Any]]) -> Callable[[], Pairs]:
    def run() -> Pairs:
        seen.clear()
        app(event)
        return seen

    return run


def _into_model(
    family: str,
    title: str,
    event: Event,
    model: Any,
    app: Callable[[], Pairs],
    more: dict[str, Callable[[], Pairs]],
) -> Workload:
    validate: Callable[[Any], Any] = TypeAdapter(model).validate_python
    deserialize = TypeDeserializer().deserialize
    plain = _plain_pairs(event)
    expected = [(validate(old), validate(new)) for old, new in plain]
    records = len(expected)

    def boto3() -> Pairs:
        return [
            (
                validate({name: deserialize(value) for name, value in old.items()}),
                validate({name: deserialize(value) for name, value in new.items()}),
            )
            for old, new in _wire(event)
        ]

    def floor() -> Pairs:
        return [(validate(old), validate(new)) for old, new in plain]

    def is_right(result: Pairs) -> bool:
        return result == expected

    runs = {"Headwater": app, **more, "boto3 deserializer + pydantic": boto3}
    return Workload(
        family,
        f"both images into {title}",
        (
            *(Contestant(name, run, is_right, records) for name, run in runs.items()),
            Contestant("pydantic on plain dicts", floor, is_right, records, is_floor=True),
        ),
    )


def _plain(event: Event) -> Workload:
    expected = _plain_pairs(event)
    deserialize = TypeDeserializer().deserialize

    def headwater() -> Pairs:
        return [(to_python(old), to_python(new)) for old, new in _wire(event)]

    def boto3() -> Pairs:
        return [
            (
                {name: deserialize(value) for name, value in old.items()},
                {name: deserialize(value) for name, value in new.items()},
            )
            for old, new in _wire(event)
        ]

    def data_class() -> Pairs:
        streams = (DynamoDBRecord(record).dynamodb for record in event["Records"])
        return [(stream.old_image, stream.new_image) for stream in streams if stream]

    runs = {
        "`headwater.to_python`": headwater,
        "boto3 deserializer": boto3,
        "Powertools data class": data_class,
    }
    return Workload(
        "plain",
        "both images into plain Python",
        tuple(
            Contestant(name, run, lambda result: bool(result == expected), len(expected))
            for name, run in runs.items()
        ),
    )


def _wire(event: Event) -> Iterator[tuple[Any, Any]]:
    for record in event["Records"]:
        stream = record["dynamodb"]
        yield stream["OldImage"], stream["NewImage"]


def _plain_pairs(event: Event) -> Pairs:
    return [(order(number, "open"), order(number, "paid")) for number in range(len(event["Records"]))]
