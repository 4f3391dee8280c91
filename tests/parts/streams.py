"""A dynamodbstreams client that must be asked exactly what a script says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import boto3
from botocore.stub import Stubber

from headwater.mapping.lineage import ListedShard
from tests.parts.tables import CREDENTIALS, REGION

STREAM_ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/T/stream/2026-01-01T00:00:00.000"
SHARD_A, SHARD_B, SHARD_C, SHARD_D = (
    f"shardId-{number:020}-{letter * 8}" for number, letter in enumerate("abcd")
)


class Script:
    """Answers in this order, and errors, each for one request."""

    def __init__(self) -> None:
        self.client = boto3.client("dynamodbstreams", region_name=REGION, **CREDENTIALS)
        self.stub = Stubber(self.client)
        self.stub.activate()

    def describe(
        self,
        *shards: ListedShard,
        status: str = "ENABLED",
        after: str | None = None,
        more: bool = False,
        date: str | None = None,
    ) -> None:
        """A page of the description of the stream."""
        described: dict[str, Any] = {
            "Shards": [
                {
                    "ShardId": shard.shard_id,
                    "SequenceNumberRange": {"StartingSequenceNumber": f"{1:021}"}
                    | ({"EndingSequenceNumber": f"{9:021}"} if shard.closed else {}),
                }
                | ({"ParentShardId": shard.parent_id} if shard.parent_id else {})
                for shard in shards
            ],
            "StreamStatus": status,
        }
        if more:
            described["LastEvaluatedShardId"] = shards[-1].shard_id
        asked = {"StreamArn": STREAM_ARN} | ({"ExclusiveStartShardId": after} if after else {})
        headers = {"date": date} if date else {}
        self.stub.add_response(
            "describe_stream",
            {"StreamDescription": described, "ResponseMetadata": {"HTTPHeaders": headers}},
            asked,
        )

    def iterator(self, value: str, kind: str = "TRIM_HORIZON", after: int | None = None) -> None:
        """An iterator of shard A."""
        self.stub.add_response("get_shard_iterator", {"ShardIterator": value}, _place(kind, after))

    def no_iterator(self, code: str, kind: str = "TRIM_HORIZON", after: int | None = None) -> None:
        """No iterator of shard A."""
        self.stub.add_client_error("get_shard_iterator", code, expected_params=_place(kind, after))

    def records(
        self,
        iterator: str,
        *numbers: int,
        then: str | None,
        created: Mapping[int, float] | None = None,
        limit: int = 100,
    ) -> None:
        """A page of records with these sequence numbers, some with a time."""
        times = created or {}
        records = [
            {
                "eventName": "INSERT",
                "eventSource": "aws:dynamodb",
                "dynamodb": {"SequenceNumber": f"{number:021}"}
                | (
                    {"ApproximateCreationDateTime": datetime.fromtimestamp(times[number], UTC)}
                    if number in times
                    else {}
                ),
            }
            for number in numbers
        ]
        answer: dict[str, Any] = {"Records": records} | ({"NextShardIterator": then} if then else {})
        self.stub.add_response("get_records", answer, {"ShardIterator": iterator, "Limit": limit})

    def fails(self, iterator: str, code: str, status: int = 400) -> None:
        """No page."""
        asked = {"ShardIterator": iterator, "Limit": 100}
        self.stub.add_client_error(
            "get_records", code, "as scripted", http_status_code=status, expected_params=asked
        )

    def is_over(self) -> None:
        """All has been asked."""
        self.stub.assert_no_pending_responses()


def numbers(records: Sequence[Mapping[str, Any]]) -> list[int]:
    """The sequence numbers of records."""
    return [int(record["dynamodb"]["SequenceNumber"]) for record in records]


def _place(kind: str, after: int | None) -> dict[str, str]:
    place = {"StreamArn": STREAM_ARN, "ShardId": SHARD_A, "ShardIteratorType": kind}
    return place if after is None else place | {"SequenceNumber": f"{after:021}"}
