"""Both images of each record, decoded: into models, and into plain Python."""

# Powertools documents that its record models are narrowed by overriding their fields.
# pyright: reportIncompatibleVariableOverride=false

from __future__ import annotations

from collections import deque
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

Pairs: TypeAlias = deque[tuple[Any, Any]]
"""The old and the new image of each record, or of the last ones."""
Collect: TypeAlias = Callable[[int | None], Pairs]
"""Decodes all images and keeps those of so many records: a batch's images are not all in use at once, so no clock sees that."""


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
    app, taken = StreamApp(), [Pairs()]

    @app.on_modify
    def handle(record: Modify[Order]) -> None:
        taken[0].append((record.old, record.new))

    def parser(keep: int | None) -> Pairs:
        found = Pairs(maxlen=keep)

        def take(record: OrderRecord) -> None:
            found.append((record.dynamodb.OldImage, record.dynamodb.NewImage))

        powertools(event, take, OrderRecord)
        return found

    def envelope(keep: int | None) -> Pairs:
        images: Any = parse(event=event, model=Order, envelope=DynamoDBStreamEnvelope)
        return Pairs(((image["OldImage"], image["NewImage"]) for image in images), keep)

    more = {
        "`headwater.decode`, without an app": _each(event, lambda item: decode(item, Order)),
        "Powertools batch + parser": parser,
        "Powertools parser, its envelope": envelope,
    }
    return _into_model("pydantic", "a pydantic model", event, Order, _through(app, event, taken), more)


def _typed_dict(event: Event) -> Workload:
    app, taken = StreamApp(), [Pairs()]

    @app.on_modify
    def handle(record: Modify[OrderDict]) -> None:
        taken[0].append((record.old, record.new))

    return _into_model("types", "a TypedDict", event, OrderDict, _through(app, event, taken), {})


def _dataclass(event: Event) -> Workload:
    app, taken = StreamApp(), [Pairs()]

    @app.on_modify
    def handle(record: Modify[OrderData]) -> None:
        taken[0].append((record.old, record.new))

    return _into_model("types", "a dataclass", event, OrderData, _through(app, event, taken), {})


def _through(app: StreamApp, event: Event, taken: list[Pairs]) -> Collect:
    def collect(keep: int | None) -> Pairs:
        taken[0] = Pairs(maxlen=keep)
        app(event)
        return taken[0]

    return collect


def _each(event: Event, read: Callable[[Any], Any]) -> Collect:
    return lambda keep: Pairs(((read(old), read(new)) for old, new in _wire(event)), keep)


def _into_model(
    family: str, title: str, event: Event, model: Any, app: Collect, more: dict[str, Collect]
) -> Workload:
    validate: Callable[[Any], Any] = TypeAdapter(model).validate_python
    deserialize = TypeDeserializer().deserialize
    plain = _plain_pairs(event)
    expected = Pairs((validate(old), validate(new)) for old, new in plain)

    def boto3(item: Any) -> Any:
        return validate({name: deserialize(value) for name, value in item.items()})

    def floor(keep: int | None) -> Pairs:
        return Pairs(((validate(old), validate(new)) for old, new in plain), keep)

    ways = {"Headwater": app, **more, "boto3 deserializer + pydantic": _each(event, boto3)}
    return Workload(
        family,
        f"both images into {title}",
        (
            *(_contestant(name, collect, expected) for name, collect in ways.items()),
            _contestant("pydantic on plain dicts", floor, expected, is_floor=True),
        ),
    )


def _plain(event: Event) -> Workload:
    expected = _plain_pairs(event)
    deserialize = TypeDeserializer().deserialize

    def boto3(item: Any) -> Any:
        return {name: deserialize(value) for name, value in item.items()}

    def data_class(keep: int | None) -> Pairs:
        streams = (DynamoDBRecord(record).dynamodb for record in event["Records"])
        return Pairs(((stream.old_image, stream.new_image) for stream in streams if stream), keep)

    ways = {
        "`headwater.to_python`": _each(event, to_python),
        "boto3 deserializer": _each(event, boto3),
        "Powertools data class": data_class,
    }
    return Workload(
        "plain",
        "both images into plain Python",
        tuple(_contestant(name, collect, expected) for name, collect in ways.items()),
    )


def _contestant(name: str, collect: Collect, expected: Pairs, *, is_floor: bool = False) -> Contestant:
    return Contestant(
        name,
        lambda: collect(1),
        lambda result: bool(result == expected),
        len(expected),
        is_floor,
        whole=lambda: collect(None),
    )


def _wire(event: Event) -> Iterator[tuple[Any, Any]]:
    for record in event["Records"]:
        stream = record["dynamodb"]
        yield stream["OldImage"], stream["NewImage"]


def _plain_pairs(event: Event) -> Pairs:
    return Pairs((order(number, "open"), order(number, "paid")) for number in range(len(event["Records"])))
