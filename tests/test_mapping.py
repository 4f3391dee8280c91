"""The event source mapping on this machine: reading a stream, and delivering from the checkpoint on."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.stub import Stubber

from headwater import Record, StreamApp, to_python
from headwater.get_records import lambda_record
from headwater.mapping.answers import first_to_redeliver
from headwater.mapping.delivery import Delivery, deliver
from headwater.mapping.poller import StreamPoller
from headwater.sources import read_event
from headwater.testing import Table, event
from tests.parts.tables import CREDENTIALS, REGION, DynamoDB

TABLE = Table("Orders", keys="Id")
BATCH = ["30", "4", "100"]


# Reading a function's answer


@pytest.mark.parametrize(
    ("answer", "first"),
    [
        (None, None),
        ({}, None),
        ([], None),
        ("", None),
        ({"batchItemFailures": []}, None),
        ({"batchItemFailures": None}, None),
        ({"batchitemFailures": [{"itemIdentifier": "4"}]}, None),
        ({"ok": True}, None),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, 0),
        ({"batchItemFailures": [{"itemIdentifier": None}]}, 0),
        ({"batchItemFailures": [{"foo": "4"}]}, 0),
        ({"batchItemFailures": [{"itemIdentifier": 4}]}, 0),
        ({"batchItemFailures": [{"itemIdentifier": "5"}]}, 0),
        ({"batchItemFailures": ["4"]}, 0),
        ({"batchItemFailures": "4"}, 0),
        ({"batchItemFailures": [{"itemIdentifier": "30"}]}, 0),
        ({"batchItemFailures": [{"itemIdentifier": "4"}]}, 1),
        ({"batchItemFailures": [{"itemIdentifier": "100"}]}, 2),
        ({"batchItemFailures": [{"itemIdentifier": "100"}, {"itemIdentifier": "4"}]}, 1),
        ({"batchItemFailures": [{"itemIdentifier": "100"}, {"itemIdentifier": "unknown"}]}, 0),
    ],
)
def test_an_answer_is_read_as_lambda_reads_it(answer: Any, first: int | None) -> None:
    """Nothing listed is success, a wrong key too; an identifier that names no record fails the whole batch."""
    assert first_to_redeliver(answer, BATCH) == first


# Delivering


def test_a_batch_is_delivered_again_from_the_first_failure_on() -> None:
    """Each redelivery starts at the checkpoint; attempts count anew when it has moved."""
    records = [TABLE.insert({"Id": number}) for number in range(4)]
    app, failures = StreamApp(), {1: 2, 3: 1}

    @app.on_record
    def handle(record: Record) -> None:
        number = record.keys["Id"]
        if failures.get(number, 0):
            failures[number] -= 1
            raise RuntimeError

    deliveries = list(deliver(records, app.run))

    assert [(d.number, d.attempt, len(d.records), d.redeliver_from) for d in deliveries] == [
        (1, 1, 4, 1),
        (2, 1, 3, 0),
        (3, 2, 3, 2),
        (4, 1, 1, None),
    ]


def test_a_call_that_raises_is_delivered_again_whole() -> None:
    """As when the function's code is broken: nothing is acknowledged."""
    calls: list[Any] = []
    app = StreamApp()

    def invoke(batch: dict[str, Any]) -> Any:
        calls.append(batch)
        if len(calls) == 1:
            raise TimeoutError
        return app.run(batch)

    first, second = deliver([TABLE.insert({"Id": 1})], invoke)
    assert isinstance(first, Delivery)
    assert isinstance(first.error, TimeoutError)
    assert (first.result, first.redeliver_from, second.redeliver_from) == (None, 0, None)
    assert calls[0] == calls[1]


# From the API's form to Lambda's


def test_the_four_differences_between_api_and_event_are_made_up_for() -> None:
    """Bytes become base64 however deep they are, the time seconds, the identity lower case; the ARN is added."""
    arn = "arn:aws:dynamodb:us-east-1:123456789012:table/T/stream/2026"
    images = {"B": {"B": b"foobar"}, "Deep": {"L": [{"M": {"S": {"BS": [b"a", b""]}}}]}}
    record = {
        "eventID": "e" * 32,
        "eventName": "REMOVE",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "userIdentity": {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"},
        "dynamodb": {
            "ApproximateCreationDateTime": datetime(2026, 11, 21, 8, tzinfo=UTC),
            "Keys": {"Id": {"N": "1"}},
            "OldImage": images,
            "SequenceNumber": "100",
            "SizeBytes": 26,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }

    written = lambda_record(record, stream_arn=arn)

    assert json.loads(json.dumps(written)) == written
    assert written["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    assert written["dynamodb"]["ApproximateCreationDateTime"] == 1795248000.0
    assert written["dynamodb"]["OldImage"]["B"] == {"B": "Zm9vYmFy"}
    assert to_python(written["dynamodb"]["OldImage"]) == {"B": b"foobar", "Deep": [{"S": {b"a", b""}}]}
    assert written["eventSourceARN"] == arn
    assert list(written) == list(TABLE.remove({"Id": 1}, expired=True))
    assert read_event({"Records": [written]}).identifiers == ["100"]


# Reading a stream


def unpaused(_seconds: float) -> None:
    """Do not wait."""


def take(poller: StreamPoller, count: int) -> list[dict[str, Any]]:
    """Read until there are so many records."""
    found: list[dict[str, Any]] = []
    for batch in itertools.islice(poller.batches(unpaused), 1000):
        found += batch
        if len(found) >= count:
            return found
    raise AssertionError(f"only {len(found)} of {count} records came")


@pytest.mark.parametrize("part", ["dynamodb_local", "moto_server"])
def test_a_real_stream_is_read_in_order_in_lambdas_form(part: str, request: pytest.FixtureRequest) -> None:
    """Batches are as large as asked for at most, and an app handles them."""
    database: DynamoDB = request.getfixturevalue(part)
    name = f"poller-{uuid4().hex}"
    arn = database.create_table(name, keys=("Id",))
    for number in range(7):
        database.dynamodb.put_item(
            TableName=name, Item={"Id": {"S": "1"}, "N": {"N": str(number)}, "B": {"B": b"x"}}
        )
    database.dynamodb.delete_item(TableName=name, Key={"Id": {"S": "1"}})
    app = StreamApp()
    seen: list[tuple[str, Any]] = []

    @app.on_record
    def handle(record: Record) -> None:
        image = getattr(record, "new", None) or getattr(record, "old", None)
        seen.append((record.event_name, image))
        assert record.table_name == name

    poller = StreamPoller(database.streams, arn, batch_size=3)
    batches: Iterator[list[dict[str, Any]]] = poller.batches(unpaused)
    while len(seen) < 8:
        batch = next(batches)
        assert len(batch) <= 3
        assert app(event(batch)) == {"batchItemFailures": []}

    values = [{"Id": "1", "N": number, "B": b"x"} for number in [*range(7), 6]]
    kinds = ["INSERT", *["MODIFY"] * 6, "REMOVE"]
    assert seen == list(zip(kinds, values, strict=True))
    assert next(batches) == []


def test_latest_starts_with_what_comes_after(dynamodb_local: DynamoDB) -> None:
    """What was written before the poller was made is not read."""
    name = f"latest-{uuid4().hex}"
    arn = dynamodb_local.create_table(name, keys=("Id",))
    dynamodb_local.dynamodb.put_item(TableName=name, Item={"Id": {"S": "before"}})
    poller = StreamPoller(dynamodb_local.streams, arn, position="LATEST")
    dynamodb_local.dynamodb.put_item(TableName=name, Item={"Id": {"S": "after"}})
    assert [record["dynamodb"]["Keys"] for record in take(poller, 1)] == [{"Id": {"S": "after"}}]


class Script:
    """A dynamodbstreams client that must be asked exactly what the script says."""

    arn = "arn:aws:dynamodb:us-east-1:123456789012:table/T/stream/2026-01-01T00:00:00.000"

    def __init__(self) -> None:
        self.client = boto3.client("dynamodbstreams", region_name=REGION, **CREDENTIALS)
        self.stub = Stubber(self.client)
        self.stub.activate()

    def describe(self, *shards: tuple[str, str | None], after: str | None = None, more: bool = False) -> None:
        described: dict[str, Any] = {
            "Shards": [
                {"ShardId": name, **({"ParentShardId": parent} if parent else {})} for name, parent in shards
            ]
        }
        if more:
            described["LastEvaluatedShardId"] = shards[-1][0]
        asked = {"StreamArn": self.arn} | ({"ExclusiveStartShardId": after} if after else {})
        self.stub.add_response("describe_stream", {"StreamDescription": described}, asked)

    def iterator(self, shard: str, value: str, **where: str) -> None:
        asked = {"StreamArn": self.arn, "ShardId": shard, **(where or {"ShardIteratorType": "TRIM_HORIZON"})}
        self.stub.add_response("get_shard_iterator", {"ShardIterator": value}, asked)

    def records(self, iterator: str, *numbers: int, then: str | None) -> None:
        records = [
            {
                "eventName": "INSERT",
                "eventSource": "aws:dynamodb",
                "dynamodb": {"SequenceNumber": f"{number:021}"},
            }
            for number in numbers
        ]
        answer: dict[str, Any] = {"Records": records} | ({"NextShardIterator": then} if then else {})
        self.stub.add_response("get_records", answer, {"ShardIterator": iterator, "Limit": 100})

    def fails(self, iterator: str, code: str) -> None:
        self.stub.add_client_error(
            "get_records", code, expected_params={"ShardIterator": iterator, "Limit": 100}
        )


SHARD_A, SHARD_B, SHARD_C = (f"shardId-{number:020}-{letter * 8}" for number, letter in enumerate("abc"))


def numbers(batch: list[dict[str, Any]]) -> list[int]:
    return [int(record["dynamodb"]["SequenceNumber"]) for record in batch]


def test_a_child_shard_waits_for_its_parent() -> None:
    """Also when they come on different pages and the child was listed first; a shard found later is read too."""
    script = Script()
    script.describe((SHARD_B, SHARD_A), more=True)
    script.describe((SHARD_A, "shardId-trimmed-away-long-ago"), after=SHARD_B)
    script.iterator(SHARD_B, "b0")
    script.iterator(SHARD_A, "a0")
    script.records("a0", 1, 2, then="a1")
    script.records("a1", then=None)
    script.describe((SHARD_B, SHARD_A), (SHARD_A, None))
    script.describe((SHARD_B, SHARD_A), (SHARD_A, None), (SHARD_C, SHARD_B))  # after the empty read
    script.records("b0", 3, then=None)
    script.describe((SHARD_B, SHARD_A), (SHARD_C, SHARD_B))
    script.iterator(SHARD_C, "c0")
    script.records("c0", 4, then="c1")

    poller = StreamPoller(script.client, script.arn)
    assert [numbers(batch) for batch in itertools.islice(poller.batches(unpaused), 4)] == [
        [1, 2],
        [],
        [3],
        [4],
    ]
    script.stub.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("code", "where"),
    [
        (
            "ExpiredIteratorException",
            {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": f"{2:021}"},
        ),
        ("TrimmedDataAccessException", {"ShardIteratorType": "TRIM_HORIZON"}),
    ],
)
def test_an_iterator_that_is_no_use_any_more_is_made_anew(code: str, where: dict[str, str]) -> None:
    """After fifteen minutes it expires: reading goes on behind the last record; what is trimmed is gone."""
    script = Script()
    script.describe((SHARD_A, None))
    script.iterator(SHARD_A, "a0")
    script.records("a0", 1, 2, then="a1")
    script.fails("a1", code)
    script.describe((SHARD_A, None))
    script.iterator(SHARD_A, "a2", **where)
    script.records("a2", 3, then="a3")

    poller = StreamPoller(script.client, script.arn)
    assert [numbers(batch) for batch in itertools.islice(poller.batches(unpaused), 3)] == [[1, 2], [], [3]]
    script.stub.assert_no_pending_responses()


def test_a_stream_that_is_asked_too_often_is_asked_again_later() -> None:
    """Throttling loses nothing: after a pause the same iterator is used."""
    script, pauses = Script(), list[float]()
    script.describe((SHARD_A, None))
    script.iterator(SHARD_A, "a0")
    script.fails("a0", "LimitExceededException")
    script.describe((SHARD_A, None))
    script.records("a0", 1, then="a1")

    poller = StreamPoller(script.client, script.arn)
    assert [numbers(batch) for batch in itertools.islice(poller.batches(pauses.append), 2)] == [[], [1]]
    assert pauses == [0.25]
