"""A change that came through Kinesis Data Streams for DynamoDB, as a record of a DynamoDB stream.

The Kinesis record holds the change as base64 of JSON. The change has no sequence number and no view type of its own,
names its table by `tableName`, and gives its time in milliseconds or microseconds.

Source: [Change data capture for Kinesis Data Streams](
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/kds.html).
"""

from __future__ import annotations

import binascii
import json
from collections.abc import Mapping
from typing import Any, Final

from headwater.errors import MalformedRecordError, SourceError
from headwater.streams import KINESIS, is_number

# https://github.com/awslabs/kinesis-aggregation/blob/master/KinesisAggregatedRecordFormat.md
_AGGREGATED: Final = b"\xf3\x89\x9a\xc2"

# Records from before there was a choice say no precision: those are in milliseconds.
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_EnableKinesisStreamingConfiguration.html
_UNITS_PER_SECOND: Final = {None: 1_000, "MILLISECOND": 1_000, "MICROSECOND": 1_000_000}


def kinesis_number(outer: Mapping[str, Any]) -> str | None:
    """The sequence number by which a Kinesis record is named; `None` when it has no usable one."""
    kinesis = outer.get("kinesis")
    number = kinesis.get("sequenceNumber") if isinstance(kinesis, dict) else None
    return number if is_number(number) else None


def unwrap(outer: Mapping[str, Any], number: str) -> dict[str, Any]:
    """The change in a Kinesis record, in the form of a DynamoDB stream's record.

    Its sequence number is the Kinesis record's, its time is in seconds, and `eventSourceARN` is the Kinesis stream's. A
    stream record that a pipe or a function has put into the Kinesis stream keeps its time, view type and ARN.

    Args:
        outer: The Kinesis record as Lambda passes it.
        number: Its sequence number.

    Raises:
        MalformedRecordError: When its data is not base64 of a JSON object.
        SourceError: When the data is no change of a DynamoDB table.
    """
    change = _read_json(_read_base64(outer["kinesis"].get("data"), number), number)
    if change.get("eventSource") != "aws:dynamodb" or not isinstance(change.get("dynamodb"), dict):
        raise SourceError(
            "the data of this Kinesis record is no change of a DynamoDB table: give the function a stream of its own, "
            'or filter the event source mapping by {"data": {"eventSource": ["aws:dynamodb"]}}',
            sequence_number=number,
        )
    stream = change["dynamodb"]
    if "SequenceNumber" not in stream:
        stream = _with_seconds({**stream, "StreamViewType": "NEW_AND_OLD_IMAGES"})
    written = {name: value for name, value in change.items() if name != "userIdentity" or value is not None}
    written["dynamodb"] = {**stream, "SequenceNumber": number}
    return _with_arn(written, outer)


def placeholder(outer: Mapping[str, Any], number: str) -> dict[str, Any]:
    """What stands in a batch for a Kinesis record that holds no change: its name and nothing else."""
    return _with_arn({"eventSource": KINESIS, "dynamodb": {"SequenceNumber": number}}, outer)


def _read_base64(data: object, number: str) -> bytes:
    try:
        content = binascii.a2b_base64(data, strict_mode=True) if isinstance(data, str) else b""
    except ValueError:
        content = b""
    if not content:
        raise MalformedRecordError(
            "the data of a Kinesis record is base64, this is none: check what writes to the stream",
            sequence_number=number,
            steps=("kinesis", "data"),
        )
    return content


def _read_json(content: bytes, number: str) -> dict[str, Any]:
    if content.startswith(_AGGREGATED):
        raise SourceError(
            "this Kinesis record holds several, aggregated by the Kinesis Producer Library, which DynamoDB never "
            "writes: give the function a stream to which only DynamoDB writes",
            sequence_number=number,
        )
    try:
        change = json.loads(content)
    except (ValueError, RecursionError):
        change = None
    if not isinstance(change, dict):
        raise MalformedRecordError(
            "the data of this Kinesis record is no JSON object, as a change of a DynamoDB table is: "
            "check what writes to the stream",
            sequence_number=number,
            steps=("kinesis", "data"),
        )
    return change


def _with_seconds(stream: dict[str, Any]) -> dict[str, Any]:
    """The time as a stream record has it; without one where its unit is not known."""
    time = stream.pop("ApproximateCreationDateTime", None)
    precision = stream.pop("ApproximateCreationDateTimePrecision", None)
    units = _UNITS_PER_SECOND.get(precision) if precision is None or isinstance(precision, str) else None
    if units is None or isinstance(time, bool) or not isinstance(time, int):
        return stream
    try:
        # A float is exact to the microsecond for the next two centuries.
        return {"ApproximateCreationDateTime": time / units, **stream}
    except OverflowError:
        return stream


def _with_arn(record: dict[str, Any], outer: Mapping[str, Any]) -> dict[str, Any]:
    arn = outer.get("eventSourceARN")
    return {"eventSourceARN": arn, **record} if isinstance(arn, str) else record
