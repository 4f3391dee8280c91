"""A DynamoDB with streams, wherever it runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

REGION = "us-east-1"
CREDENTIALS = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
PATIENCE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class DynamoDB:
    """A running DynamoDB.

    Attributes:
        endpoint_url: Where it listens.
        dynamodb: A boto3 client of `dynamodb`.
        streams: A boto3 client of `dynamodbstreams`.
    """

    endpoint_url: str
    dynamodb: Any
    streams: Any

    def create_table(self, name: str, *, keys: tuple[str, ...], view_type: str = "NEW_AND_OLD_IMAGES") -> str:
        """Create a table with a stream, all keys text; returns the stream's ARN."""
        created = self.dynamodb.create_table(
            TableName=name,
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
            KeySchema=[
                {"AttributeName": key, "KeyType": kind}
                for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
            ],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": view_type},
        )
        return str(created["TableDescription"]["LatestStreamArn"])

    def read_stream(self, stream_arn: str, *, count: int) -> list[dict[str, Any]]:
        """The first records of a stream, as `get_records` gives them: waits until there are so many."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            records = list(self._read_shards(stream_arn))
            if len(records) >= count:
                return records
            time.sleep(0.05)
        raise TimeoutError(f"{stream_arn} had no {count} records within {PATIENCE_SECONDS} s")

    def _read_shards(self, stream_arn: str) -> Iterator[dict[str, Any]]:
        shards = self.streams.describe_stream(StreamArn=stream_arn)["StreamDescription"]["Shards"]
        for shard in shards:
            iterator = self.streams.get_shard_iterator(
                StreamArn=stream_arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            while iterator:
                page = self.streams.get_records(ShardIterator=iterator)
                yield from page["Records"]
                iterator = page.get("NextShardIterator") if page["Records"] else None


def connect(endpoint_url: str) -> DynamoDB:
    """Clients of a DynamoDB on this machine."""
    config = Config(retries={"max_attempts": 2}, connect_timeout=5, read_timeout=30)
    clients = [
        boto3.client(service, endpoint_url=endpoint_url, region_name=REGION, config=config, **CREDENTIALS)
        for service in ("dynamodb", "dynamodbstreams")
    ]
    return DynamoDB(endpoint_url, *clients)


def wait_until(ready: Callable[[], object], what: str) -> None:
    """Poll until something answers without raising.

    Raises:
        TimeoutError: When it never does.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            ready()
        except Exception as error:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} was not ready within {PATIENCE_SECONDS} s") from error
            time.sleep(0.05)
        else:
            return
