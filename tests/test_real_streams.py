"""Events captured from AWS's DynamoDB Local while the test runs: all kinds, all types, all four view types."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from boto3.dynamodb.types import TypeSerializer
from pydantic import BaseModel

from headwater import (
    Attr,
    Failed,
    Handled,
    Insert,
    Key,
    MissingImageError,
    Modify,
    Record,
    Remove,
    Skipped,
    StreamApp,
)
from headwater.get_records import lambda_record
from tests.parts.tables import DynamoDB

PATIENCE_SECONDS = 60.0
VIEW_TYPES = ("KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES")
ITEM: dict[str, Any] = {
    "Id": "1",
    "Text": "",
    "Big": Decimal("1E125"),
    "Exact": Decimal("-12345678901234567890.123456789012345678"),
    "Tiny": Decimal("1E-130"),
    "Binary": b"\x00\xff",
    "Yes": True,
    "Nothing": None,
    "Texts": {"a", "b"},
    "Numbers": {1, Decimal("2.5")},
    "Binaries": {b"", b"x"},
    "List": [1, ["two", {"three": [b"3", None]}]],
    "Map": {"dotted.name": {"Deep": {"Set": {"x"}}}},
    "EmptyList": [],
    "EmptyMap": {},
}


class Item(BaseModel):
    Id: str
    Exact: Decimal
    Binary: bytes
    Numbers: set[Decimal]
    Map: dict[str, Any]


def as_boto3(item: dict[str, Any]) -> dict[str, Any]:
    serialize = TypeSerializer().serialize
    return {name: serialize(value) for name, value in item.items()}


def changes(database: DynamoDB, view_type: str) -> dict[str, Any]:
    """The event of an item that is put, changed and deleted, as Lambda would send it."""
    name = f"real-{uuid4().hex}"
    arn = database.create_table(name, keys=("Id",), view_type=view_type)
    database.dynamodb.put_item(TableName=name, Item=as_boto3(ITEM))
    database.dynamodb.put_item(TableName=name, Item=as_boto3({**ITEM, "Text": "changed"}))
    database.dynamodb.delete_item(TableName=name, Key=as_boto3({"Id": "1"}))
    records = database.read_stream(arn, count=3)
    return {"Records": [lambda_record(record, stream_arn=arn) for record in records]}


def test_every_type_arrives_as_it_was_written(dynamodb_local: DynamoDB) -> None:
    """Numbers exact over the whole range, sets, binaries and empties, in plain dicts and in a model."""
    app = StreamApp()
    seen: list[object] = []

    @app.on_insert
    def inserted(record: Insert) -> None:
        seen.append(record.new)

    @app.on_modify(attribute="Text")
    def modified(record: Modify) -> None:
        seen.append({path: (change.old, change.new) for path, change in record.changes.items()})

    @app.on_modify(attribute=["Numbers", "Texts", "Map", "Exact"])
    def unchanged(record: Modify) -> None:
        seen.append(record)

    @app.on_remove(expired=False)
    def removed(record: Remove[Item]) -> None:
        seen.append(record.old)

    result = app.run(changes(dynamodb_local, "NEW_AND_OLD_IMAGES"))

    assert result.outcomes == [Handled(("inserted",)), Handled(("modified",)), Handled(("removed",))]
    inserted_item, changed, removed_item = seen
    assert inserted_item == ITEM
    assert changed == {"Text": ("", "changed")}
    assert removed_item == Item.model_validate(ITEM)


def test_conditions_on_the_changes_of_a_real_table(dynamodb_local: DynamoDB) -> None:
    """Transitions, keys, sizes and noise, on numbers and sets as DynamoDB writes them."""
    name = f"conditions-{uuid4().hex}"
    arn = dynamodb_local.create_table(name, keys=("Id",))
    versions: list[dict[str, Any]] = [
        {"Status": "open", "Total": Decimal("900.50"), "Tags": {"a"}, "seen": 1},
        {"Status": "open", "Total": Decimal("9.005E2"), "Tags": {"a"}, "seen": 2},
        {"Status": "paid", "Total": Decimal("900.5"), "Tags": {"b", "a"}, "seen": 2},
        {"Status": "paid", "Total": Decimal(1000), "Tags": {"a", "b"}, "seen": 3},
        {"Status": "paid", "Total": Decimal("999.99"), "seen": 3},
    ]
    for item in versions:
        dynamodb_local.dynamodb.put_item(TableName=name, Item=as_boto3({"Id": "ORDER#1", **item}))
    dynamodb_local.dynamodb.delete_item(TableName=name, Key=as_boto3({"Id": "ORDER#1"}))
    records = [lambda_record(r, stream_arn=arn) for r in dynamodb_local.read_stream(arn, count=6)]

    app = StreamApp(ignore=["seen"])
    asked: dict[str, Any] = {
        "new": Attr("Status").added() & Key("Id").begins_with("ORDER#"),
        "paid": Attr("Status").was("open") & Attr("Status").becomes("paid"),
        "over": Attr("Total").crosses(1000) & Attr("Total").increased(),
        "under": Attr("Total").crosses(1000) & ~Attr("Total").changed_by(at_least=1),
        "tagged": Attr("Tags").size().gt(1) & Attr("Tags").old.size().eq(1),
        "untagged": Attr("Tags").removed() & Attr("Tags").was({"b", "a"}),
        "total": Attr("Total").changed() & Attr("Status").exists(),
        "gone": Attr("Status").removed(),
    }
    for word, condition in asked.items():

        def handle(record: Record) -> None: ...

        handle.__name__ = word
        app.on_record(when=condition)(handle)

    assert app.run({"Records": records}).outcomes == [
        Handled(("new", "total")),
        Skipped(),
        Handled(("paid", "tagged")),
        Handled(("over", "total")),
        Handled(("under", "untagged", "total")),
        Handled(("total", "gone")),
    ]


@pytest.mark.parametrize("view_type", VIEW_TYPES)
def test_an_image_is_there_or_its_absence_is_named(dynamodb_local: DynamoDB, view_type: str) -> None:
    """For each kind and image: what the view type keeps is decoded, what it leaves out is a MissingImageError."""
    event = changes(dynamodb_local, view_type)
    reads: dict[str, Callable[[Any], Any]] = {
        "NewImage": lambda record: record.new,
        "OldImage": lambda record: record.old,
    }
    kept = {
        "KEYS_ONLY": set[str](),
        "NEW_IMAGE": {"NewImage"},
        "OLD_IMAGE": {"OldImage"},
        "NEW_AND_OLD_IMAGES": {"NewImage", "OldImage"},
    }[view_type]
    has = {"INSERT": ["NewImage"], "MODIFY": ["NewImage", "OldImage"], "REMOVE": ["OldImage"]}
    for raw in event["Records"]:
        for image in has[raw["eventName"]]:
            app = StreamApp()
            app.on_record(reads[image])
            [outcome] = app.run({"Records": [raw]}).outcomes
            if image in kept:
                assert isinstance(outcome, Handled)
            else:
                assert isinstance(outcome, Failed)
                assert isinstance(outcome.error, MissingImageError)
                assert view_type in str(outcome.error)


def test_an_item_that_expires_is_told_from_one_that_is_deleted(dynamodb_local: DynamoDB) -> None:
    """A real Time to Live removal has the identity that `expired=True` asks for."""
    name = f"expiring-{uuid4().hex}"
    arn = dynamodb_local.create_table(name, keys=("Id",))
    dynamodb_local.dynamodb.update_time_to_live(
        TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "ExpiresAt"}
    )
    for key, expires_at in (("expires", int(time.time()) - 60), ("deleted", int(time.time()) + 3600)):
        dynamodb_local.dynamodb.put_item(TableName=name, Item=as_boto3({"Id": key, "ExpiresAt": expires_at}))
    dynamodb_local.dynamodb.delete_item(TableName=name, Key=as_boto3({"Id": "deleted"}))
    app = StreamApp()
    seen: list[tuple[str, str]] = []
    app.on_remove(expired=True)(lambda record: seen.append(("expired", record.keys["Id"])))
    app.on_remove(expired=False)(lambda record: seen.append(("deleted", record.keys["Id"])))

    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(records := dynamodb_local.read_stream(arn, count=3)) < 4:
        assert time.monotonic() < deadline, "nothing has expired"
        time.sleep(0.5)
    app({"Records": [lambda_record(record, stream_arn=arn) for record in records]})

    assert sorted(seen) == [("deleted", "deleted"), ("expired", "expires")]


def test_a_transaction_arrives_as_its_single_changes(dynamodb_local: DynamoDB) -> None:
    """Each item written has its own record; nothing in them says that they belong together."""
    name = f"transaction-{uuid4().hex}"
    arn = dynamodb_local.create_table(name, keys=("Id",))
    dynamodb_local.dynamodb.transact_write_items(
        TransactItems=[{"Put": {"TableName": name, "Item": as_boto3({"Id": key})}} for key in "ab"]
    )
    records = [lambda_record(record, stream_arn=arn) for record in dynamodb_local.read_stream(arn, count=2)]
    app = StreamApp()
    seen: list[str] = []
    app.on_insert(lambda record: seen.append(record.keys["Id"]))
    assert app({"Records": records}) == {"batchItemFailures": []}
    assert sorted(seen) == ["a", "b"]
    numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in records]
    assert all(first < second for first, second in itertools.pairwise(numbers))
