"""What an on-failure destination is sent when records are discarded.

Source: [Retain discarded records for a DynamoDB event source in Lambda](
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from uuid import uuid4

from headwater.mapping.entries import Entry
from headwater.mapping.history import Condition, Discard


class Origin(NamedTuple):
    """Who delivers what to whom, as documents name it.

    Attributes:
        stream_arn: The stream.
        function_arn: The function.
        function_version: Its version.
        mapping_uuid: The identifier of the event source mapping.
    """

    stream_arn: str = "arn:aws:dynamodb:us-east-1:123456789012:table/local/stream/2026-01-01T00:00:00.000"
    function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:local"
    function_version: str = "$LATEST"
    mapping_uuid: str = "00000000-0000-4000-8000-000000000000"


LOCAL: Final = Origin()
"""Where nothing is known of stream and function."""


class Attempts(NamedTuple):
    """How records were delivered before they were discarded.

    Attributes:
        request_id: Of the last invocation.
        invoked: How many invocations there were since the checkpoint moved or the batch was split.
        function_error: Whether the last of them failed itself; a response that names failures is no function error.
    """

    request_id: str
    invoked: int
    function_error: bool


def metadata(
    condition: Condition,
    shard_id: str,
    entries: Sequence[Entry],
    attempts: Attempts,
    origin: Origin,
    now: float,
) -> dict[str, Any]:
    """What a queue or topic is sent: which records were discarded and why, without the records.

    Args:
        condition: Why they are discarded.
        shard_id: The shard they are in.
        entries: The records, in its order.
        attempts: How they were delivered.
        origin: The stream and the function.
        now: When they are discarded, in seconds since 1970.
    """
    document: dict[str, Any] = {
        "requestContext": {
            "requestId": attempts.request_id,
            "functionArn": origin.function_arn,
            "condition": condition,
            "approximateInvokeCount": max(
                1, attempts.invoked
            ),  # also where there was none, as recorded of AWS
        }
    }
    if condition == "RetryAttemptsExhausted":
        document["responseContext"] = {
            "statusCode": 200,
            "executedVersion": origin.function_version,
            "functionError": "Unhandled" if attempts.function_error else None,
        }
    return document | {
        "version": "1.0",
        "timestamp": _time(now, "milliseconds"),
        "DDBStreamBatchInfo": {
            "shardId": shard_id,
            "startSequenceNumber": entries[0].sequence_number,
            "endSequenceNumber": entries[-1].sequence_number,
            "approximateArrivalOfFirstRecord": _time(entries[0].created, "seconds"),
            "approximateArrivalOfLastRecord": _time(entries[-1].created, "seconds"),
            "batchSize": len(entries),
            "streamArn": origin.stream_arn,
        },
    }


def with_payload(discard: Discard) -> Mapping[str, Any]:
    """What a bucket is sent: the same, with the event as escaped JSON text beside it."""
    event = discard.event or {"Records": [entry.raw for entry in discard.entries]}
    return {**(discard.document or {}), "payload": json.dumps(event, separators=(",", ":"))}


def object_key(discard: Discard, origin: Origin) -> str:
    """Under which key a bucket is sent it: `aws/lambda/<UUID>/<shard>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<random UUID>`."""
    at = datetime.fromtimestamp(discard.at, tz=UTC)
    return f"aws/lambda/{origin.mapping_uuid}/{discard.shard_id}/{at:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}-{uuid4()}"


def _time(seconds: float, precision: str) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat(timespec=precision).replace("+00:00", "Z")
