"""What boto3's `get_records` returns, in the form in which Lambda passes it to a function.

Source: [GetRecords](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html).
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Mapping, Sequence
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
_BESIDE_RECORDS: Final = ("NextShardIterator", "ResponseMetadata", "eventSourceARN")


def is_page(event: Mapping[str, Any], records: Sequence[Any]) -> bool:
    """Whether this is an answer of `get_records` and no Lambda event: by what is beside its records, or by a time.

    Args:
        event: What holds the records; without the tumbling window whose events name the stream beside the records too.
        records: Its records.
    """
    return any(name in event for name in _BESIDE_RECORDS) or _have_datetime(records)


def lambda_record(record: Mapping[str, Any], *, stream_arn: str | None = None) -> dict[str, Any]:
    """Write one record of `get_records` as it is in a Lambda event.

    The API differs in four ways: binaries are bytes and not base64, the time is a datetime and not seconds, the
    identity's keys are capitalised, and the stream's ARN is not there.

    Args:
        record: An element of `Records` in the answer of `boto3.client("dynamodbstreams").get_records`.
        stream_arn: The stream that was read. Without it the record has the ARN that it had, if any, and no table name.
    """
    written = {name: record[name] for name in _BEFORE_STREAM if name in record}
    identity = record.get("userIdentity")
    if isinstance(identity, dict) and identity:
        written["userIdentity"] = {
            name: identity.get(name[0].upper() + name[1:], identity.get(name))
            for name in ("type", "principalId")
        }
    stream = record["dynamodb"]
    written["dynamodb"] = {name: _as_json(stream[name]) for name in _STREAM if name in stream}
    arn = stream_arn or record.get("eventSourceARN")
    if arn is not None:
        written["eventSourceARN"] = arn
    return written


def _have_datetime(records: Sequence[Any]) -> bool:
    """Whether the first record that has a time has a datetime."""
    streams = (record.get("dynamodb") for record in records if isinstance(record, dict))
    times = (stream.get("ApproximateCreationDateTime") for stream in streams if isinstance(stream, dict))
    return isinstance(next((time for time in times if time is not None), None), datetime)


def _as_json(value: Any) -> Any:
    match value:
        case bytes() | bytearray():
            return b2a_base64(value, newline=False).decode("ascii")
        case datetime():
            return value.timestamp()
        case dict():
            return {name: _as_json(member) for name, member in value.items()}
        case list():
            return [_as_json(member) for member in value]
        case _:
            return value
