"""The builders against DynamoDB Local: the same changes give the same records."""

from __future__ import annotations

from typing import Any, get_args
from uuid import uuid4

import pytest
from boto3.dynamodb.types import Binary, TypeSerializer

from headwater import to_python
from headwater.testing import Table, ViewType
from tests.parts.tables import DynamoDB

KEY = {"Id": "u1", "Sort": "é"}
FIRST = {
    **KEY,
    "Text": "",
    "Number": -12,
    "Big": 12345678901234567890123456789012345678,
    "Blob": b"\x00\xff",
    "Yes": True,
    "Nothing": None,
    "Texts": {"b", "a"},
    "Numbers": {10, 9, -1},
    "Blobs": {b"\x01", b"a"},
    "List": [1, "a", [], {}, {"deep": [None, {"deeper": {1}}]}],
    "Map": {"a.b": {"x": [b""]}},
}
SECOND = {**KEY, "Text": "changed", "Added": [{"x": 1}]}


@pytest.mark.parametrize("view_type", get_args(ViewType))
def test_the_builders_make_the_records_of_a_real_stream(
    dynamodb_local: DynamoDB, view_type: ViewType
) -> None:
    """Put, overwritten, deleted: names, keys, images, sizes and the fields themselves agree, for each view type.

    Left out are what is new with every write (identifiers, numbers) and what DynamoDB Local has differently from AWS:
    its region `ddblocal`, its times cut to the minute.
    """
    name = f"changes-{uuid4().hex}"
    arn = dynamodb_local.create_table(name, keys=("Id", "Sort"), view_type=view_type)
    key, first, second = _attributes(KEY), _attributes(FIRST), _attributes(SECOND)
    dynamodb_local.dynamodb.put_item(TableName=name, Item=first)
    dynamodb_local.dynamodb.put_item(TableName=name, Item=second)
    dynamodb_local.dynamodb.delete_item(TableName=name, Key=key)
    captured = dynamodb_local.read_stream(arn, count=3)

    table = Table(name, keys=("Id", "Sort"), view_type=view_type)
    built = [table.insert(FIRST), table.modify(FIRST, SECOND), table.remove(SECOND)]

    assert [_comparable(record) for record in built] == [_comparable(record) for record in captured]
    for record, real in zip(built, captured, strict=True):
        assert record.keys() - real.keys() == {"eventSourceARN"}  # which Lambda adds
        assert record["dynamodb"].keys() == real["dynamodb"].keys()
    numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in captured]
    assert numbers == sorted(numbers)


def _attributes(item: dict[str, Any]) -> dict[str, Any]:
    serializer = TypeSerializer()
    return {name: serializer.serialize(_boto3(value)) for name, value in item.items()}


def _boto3(value: Any) -> Any:
    """boto3's serializer knows binaries in sets only as its own type."""
    if isinstance(value, set) and all(isinstance(member, bytes) for member in value):
        return {Binary(member) for member in value}
    return value


def _comparable(record: dict[str, Any]) -> dict[str, Any]:
    stream = record["dynamodb"]
    return {
        "eventName": record["eventName"],
        "eventVersion": record["eventVersion"],
        "eventSource": record["eventSource"],
        "userIdentity": record.get("userIdentity"),
        "SizeBytes": stream["SizeBytes"],
        "StreamViewType": stream["StreamViewType"],
        **{name: to_python(stream[name]) for name in ("Keys", "NewImage", "OldImage") if name in stream},
    }
