# ruff: noqa: N803 - arguments are named as boto3's are
"""A dynamodbstreams client over shards in memory, which tests split, close and break as AWS does."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from botocore.exceptions import ClientError

STREAM_ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/T/stream/2026-01-01T00:00:00.000"


class MemoryStream:
    """A stream and its client in one.

    Attributes:
        status: As the stream describes itself.
        failures: Of the next requests, by operation: each is raised once.
        listings: How often the shards were listed.
    """

    def __init__(self) -> None:
        self.status = "ENABLED"
        self.failures: dict[str, list[Exception]] = {}
        self.listings = 0
        self._records: dict[str, list[dict[str, Any]]] = {}
        self._parents: dict[str, str | None] = {}
        self._closed: set[str] = set()
        self._lock = Lock()
        self._number = 0

    def shard(self, name: str, parent: str | None = None) -> None:
        """Open a shard."""
        with self._lock:
            self._records[name] = []
            self._parents[name] = parent

    def close(self, name: str) -> None:
        """Nothing more is written to a shard."""
        with self._lock:
            self._closed.add(name)

    def trim(self, name: str) -> None:
        """A shard is a day old: it is not listed any more."""
        with self._lock:
            del self._records[name], self._parents[name]

    def put(self, shard: str, *items: str, created: float | None = None) -> list[str]:
        """Write a change of each of these items; returns the sequence numbers."""
        with self._lock:
            records = [self._record(item, created) for item in items]
            self._records[shard] += records
        return [record["dynamodb"]["SequenceNumber"] for record in records]

    def fail(self, operation: str, code: str, *, times: int = 1, status: int = 400) -> None:
        """Let the next requests fail."""
        answer: Any = {
            "Error": {"Code": code, "Message": "told to"},
            "ResponseMetadata": {"HTTPStatusCode": status},
        }
        self.failures.setdefault(operation, []).extend(ClientError(answer, operation) for _ in range(times))

    def describe_stream(self, *, StreamArn: str) -> dict[str, Any]:
        """All shards on one page."""
        self._check("describe_stream", StreamArn)
        with self._lock:
            self.listings += 1
            shards = [
                {"ShardId": name, "SequenceNumberRange": {"StartingSequenceNumber": "1"}}
                | ({"ParentShardId": parent} if parent else {})
                for name, parent in self._parents.items()
            ]
            for shard in shards:
                if shard["ShardId"] in self._closed:
                    shard["SequenceNumberRange"] = {
                        "StartingSequenceNumber": "1",
                        "EndingSequenceNumber": "9",
                    }
            return {"StreamDescription": {"Shards": shards, "StreamStatus": self.status}}

    def get_shard_iterator(
        self,
        *,
        StreamArn: str,
        ShardId: str,
        ShardIteratorType: str,
        SequenceNumber: str = "0",
    ) -> dict[str, Any]:
        """An iterator that says where it stands."""
        self._check("get_shard_iterator", StreamArn)
        with self._lock:
            records = self._records[ShardId]
            place = 0
            if ShardIteratorType == "LATEST":
                place = len(records)
            elif ShardIteratorType == "AFTER_SEQUENCE_NUMBER":
                place = sum(
                    int(each["dynamodb"]["SequenceNumber"]) <= int(SequenceNumber) for each in records
                )
            return {"ShardIterator": f"{ShardId} {place}"}

    def get_records(self, *, ShardIterator: str, Limit: int) -> dict[str, Any]:
        """A page."""
        self._check("get_records", STREAM_ARN)
        shard, place = ShardIterator.split()
        with self._lock:
            records = self._records[shard][int(place) : int(place) + Limit]
            end = int(place) + len(records)
            over = shard in self._closed and end == len(self._records[shard])
            return {"Records": records} | ({} if over else {"NextShardIterator": f"{shard} {end}"})

    def _check(self, operation: str, stream_arn: str) -> None:
        assert stream_arn == STREAM_ARN
        if self.failures.get(operation):
            raise self.failures[operation].pop(0)

    def _record(self, item: str, created: float | None) -> dict[str, Any]:
        self._number += 1
        at = time.time() if created is None else created
        return {
            "eventID": f"{self._number:032x}",
            "eventName": "INSERT",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "us-east-1",
            "dynamodb": {
                "ApproximateCreationDateTime": datetime.fromtimestamp(at, UTC),
                "Keys": {"Id": {"S": item}},
                "NewImage": {"Id": {"S": item}},
                "SequenceNumber": f"{self._number}00000000000000000000",
                "SizeBytes": 10,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
        }


def items(records: Sequence[Any]) -> list[str]:
    """The keys of records in Lambda's form."""
    return [record["dynamodb"]["Keys"]["Id"]["S"] for record in records]
