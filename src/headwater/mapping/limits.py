"""What AWS takes in each setting of an event source mapping of a DynamoDB stream, and the sentences that refuse the rest.

Sources: [CreateEventSourceMapping](https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html) and
[Lambda parameters for Amazon DynamoDB](https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from headwater.errors import HeadwaterError

FILTER_LIMIT: Final = 10
"""Filters of one mapping: 5, which AWS raises to 10 for an account that asks."""

PATTERN_LIMIT: Final = 4_096
"""Characters of one filter pattern."""

DESTINATION_LIMIT: Final = 350
"""Characters of the ARN of a destination."""

REPORT_FAILURES: Final = "ReportBatchItemFailures"
_REFERENCE: Final = re.compile(r"\$\{[^}]*\}")
_DESTINATIONS: Final = "of a standard SQS queue, a standard SNS topic or an S3 bucket"
_ARN_PARTS: Final = 6
_HIDDEN: Final = "\0"
_ACCOUNT: Final = re.compile(r"[0-9]{12}")
_STREAM: Final = re.compile(r"table/[^/]+/stream/[^/]+")


class SettingsError(HeadwaterError, ValueError):
    """A mapping is set to something that AWS refuses, or its settings can not be read."""

    phase = "declaration"


class Number(NamedTuple):
    """A setting that is a whole number.

    Attributes:
        parameter: AWS's name of it.
        allowed: The ranges that it is in.
        rule: What AWS takes, in words.
    """

    parameter: str
    allowed: tuple[range, ...]
    rule: str


NUMBERS: Final[Mapping[str, Number]] = {
    "batch_size": Number("BatchSize", (range(1, 10_001),), "1 to 10,000 records"),
    "maximum_batching_window_in_seconds": Number(
        "MaximumBatchingWindowInSeconds", (range(301),), "0 (no waiting) to 300 seconds"
    ),
    "parallelization_factor": Number("ParallelizationFactor", (range(1, 11),), "1 to 10 batches of a shard"),
    "maximum_retry_attempts": Number(
        "MaximumRetryAttempts", (range(-1, 10_001),), "-1 (without limit) or 0 to 10,000 retries"
    ),
    "maximum_record_age_in_seconds": Number(
        "MaximumRecordAgeInSeconds",
        (range(-1, 0), range(60, 604_801)),
        "-1 (without limit) or 60 to 604,800 seconds",
    ),
    "tumbling_window_in_seconds": Number(
        "TumblingWindowInSeconds", (range(901),), "0 (no window) to 900 seconds"
    ),
}
"""The numbers, by the names of their fields."""

SWITCHES: Final[Mapping[str, str]] = {
    "bisect_batch_on_function_error": "BisectBatchOnFunctionError",
    "enabled": "Enabled",
}
"""AWS's names of what is on or off, by the names of their fields."""


def check_number(number: Number, value: object) -> None:
    """Refuse what is no whole number, and one out of range."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise SettingsError(
            f"{number.parameter}={value!r} is no whole number: Lambda takes {number.rule}: give such a number"
        )
    if not any(value in allowed for allowed in number.allowed):
        raise SettingsError(
            f"{number.parameter}={value} is out of range: Lambda takes {number.rule}: give a number in that range"
        )


def check_switch(parameter: str, value: object) -> None:
    """Refuse what is neither on nor off."""
    if not isinstance(value, bool):
        raise SettingsError(f"{parameter}={value!r}: Lambda takes true or false: give one of these")


def check_name(parameter: str, name: object) -> None:
    """Refuse what names nothing."""
    if name is not None and not (isinstance(name, str) and name):
        raise SettingsError(f"{parameter}={name!r}: Lambda takes a name: give one, or leave it out")


def check_position(position: object) -> None:
    """Refuse where no mapping of a DynamoDB stream starts."""
    if position == "AT_TIMESTAMP":
        raise SettingsError(
            "StartingPosition='AT_TIMESTAMP': Lambda takes it for Kinesis and Kafka, not for a DynamoDB stream: give "
            "TRIM_HORIZON or LATEST"
        )
    if position not in ("TRIM_HORIZON", "LATEST"):
        raise SettingsError(
            f"StartingPosition={position!r}: Lambda takes TRIM_HORIZON or LATEST: give one of these"
        )


def read_texts(parameter: str, values: object) -> tuple[str, ...]:
    """A list of texts as a tuple; whatever else is refused."""
    if (
        isinstance(values, str)
        or not isinstance(values, Sequence)
        or not all(isinstance(value, str) for value in values)
    ):
        raise SettingsError(
            f"{parameter}={values!r}: Lambda takes a list of texts: give one, or leave it out"
        )
    return tuple(values)


def check_response_types(types: tuple[str, ...]) -> None:
    """Refuse all but the one type that there is."""
    if types not in ((), (REPORT_FAILURES,)):
        raise SettingsError(
            f"FunctionResponseTypes={list(types)}: Lambda takes {REPORT_FAILURES}, once, and nothing else: give "
            f"[{REPORT_FAILURES!r}], or leave it out"
        )


def check_patterns(patterns: tuple[str, ...]) -> None:
    """Refuse too many filter patterns, and one that is too long."""
    if len(patterns) > FILTER_LIMIT:
        raise SettingsError(
            f"FilterCriteria has {len(patterns)} filters: Lambda takes 5, and {FILTER_LIMIT} where AWS has raised the "
            "quota: say what you want with fewer, by listing several values in one pattern"
        )
    for pattern in patterns:
        if len(pattern) > PATTERN_LIMIT:
            raise SettingsError(
                f"FilterCriteria has a pattern of {len(pattern):,} characters, which starts with {pattern[:30]!r}: "
                f"Lambda takes {PATTERN_LIMIT:,}: make it shorter, or several patterns of it"
            )


def check_destination(destination: object) -> None:
    """Refuse what Lambda can not send word of discarded records to."""
    if destination is None:
        return
    parameter = f"DestinationConfig.OnFailure.Destination={destination!r}"
    if not isinstance(destination, str):
        raise SettingsError(f"{parameter} is no text: Lambda takes the ARN {_DESTINATIONS}: give one")
    if len(destination) > DESTINATION_LIMIT:
        raise SettingsError(
            f"{parameter} has {len(destination)} characters: Lambda takes {DESTINATION_LIMIT}: give the ARN alone"
        )
    arn = _read_arn(destination)
    if arn is None or arn.service not in ("sqs", "sns", "s3", _HIDDEN):
        raise SettingsError(
            f"{parameter} is no destination of a DynamoDB stream: Lambda takes the ARN {_DESTINATIONS}: give one"
        )
    if arn.service != "s3" and destination.endswith(".fifo"):
        raise SettingsError(
            f"{parameter} is FIFO: Lambda takes the ARN {_DESTINATIONS}: give one that is not FIFO"
        )
    if arn.account or arn.service != "s3":
        _check_account(parameter, arn)


def check_stream(arn: object) -> None:
    """Refuse what is not the ARN of a DynamoDB stream."""
    if arn is None:
        return
    rule = "Lambda takes the ARN of a stream, which ends with /stream/ and the time of its making"
    if not isinstance(arn, str):
        raise SettingsError(f"EventSourceArn={arn!r} is no text: {rule}: give one")
    parameter, read = f"EventSourceArn={arn!r}", _read_arn(arn)
    if read is None or read.service not in ("dynamodb", _HIDDEN):
        raise SettingsError(f"{parameter} is not of DynamoDB: {rule}: give that of a DynamoDB stream")
    if _HIDDEN not in read.resource and not _STREAM.fullmatch(read.resource):
        kind = "not that of a stream" if "/stream/" in read.resource else "that of a table"
        raise SettingsError(f"{parameter} is {kind}: {rule}: give the table's LatestStreamArn")
    _check_account(parameter, read)


class _Arn(NamedTuple):
    service: str
    account: str
    resource: str


def _read_arn(text: str) -> _Arn | None:
    """What an ARN says, with `_HIDDEN` where a reference stands; `None` when it is no ARN."""
    parts = _REFERENCE.sub(_HIDDEN, text).split(":", _ARN_PARTS - 1)
    if parts[0].startswith(_HIDDEN):
        return _Arn(_HIDDEN, _HIDDEN, _HIDDEN)
    if parts[0] != "arn" or len(parts) != _ARN_PARTS or not parts[-1]:
        return None
    return _Arn(_HIDDEN if _HIDDEN in parts[2] else parts[2], parts[4], parts[5])


def _check_account(parameter: str, arn: _Arn) -> None:
    if _HIDDEN not in arn.account and not _ACCOUNT.fullmatch(arn.account):
        raise SettingsError(
            f"{parameter} is of the account {arn.account!r}, which is no 12 digits: give the ARN as AWS shows it"
        )
