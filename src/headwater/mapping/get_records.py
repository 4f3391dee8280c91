"""What boto3's `get_records` returns, in the form in which Lambda passes it to a function."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

_BEFORE_STREAM: Final = ("eventID", "eventName", "eventVersion", "eventSource", "awsRegion")
_STREAM: Final = (
    "ApproximateCreationDateTime",
    "Keys",
    "NewImage",
    "OldImage",
    "SequenceNumber",
    "SizeBytes",
    "StreamViewType",
)


def lambda_record(record: Mapping[str, Any], *, stream_arn: str) -> dict[str, Any]:
    """Write one record of `get_records` as it is in a Lambda event.

    The API differs in four ways: binaries are bytes and not base64, the time is a datetime and not seconds, the
    identity's keys are capitalised, and the stream's ARN is not there.

    Args:
        record: An element of `Records` in the answer of `boto3.client("dynamodbstreams").get_records`.
        stream_arn: The stream that was read.
    """
    written = {name: record[name] for name in _BEFORE_STREAM if name in record}
    identity = record.get("userIdentity")
    if identity:
        written["userIdentity"] = {"type": identity["Type"], "principalId": identity["PrincipalId"]}
    stream = record["dynamodb"]
    written["dynamodb"] = {name: _as_json(stream[name]) for name in _STREAM if name in stream}
    written["eventSourceARN"] = stream_arn
    return written


def _as_json(value: Any) -> Any:
    match value:
        case bytes():
            return b64encode(value).decode("ascii")
        case datetime():
            return value.timestamp()
        case dict():
            return {name: _as_json(member) for name, member in value.items()}
        case list():
            return [_as_json(member) for member in value]
        case _:
            return value
