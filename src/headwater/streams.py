"""What a record says of the stream it comes from: the table and region in its ARN, its view type, who made the change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple, TypeAlias, TypeGuard

EventName: TypeAlias = Literal["INSERT", "MODIFY", "REMOVE"]
ImageName: TypeAlias = Literal["Keys", "NewImage", "OldImage"]

KINESIS: Final = "aws:kinesis"
"""The `eventSource` of a record of Kinesis Data Streams."""

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_StreamSpecification.html
_VIEWS_WITH: Final = {
    "NewImage": "NEW_IMAGE or NEW_AND_OLD_IMAGES",
    "OldImage": "OLD_IMAGE or NEW_AND_OLD_IMAGES",
}
_TABLE_ARN: Final = r"arn:[^:]*:dynamodb:([^:]*):[^:]*:table/([^/:]+)(?:/.*)?"


class TableArn(NamedTuple):
    """Where a table is."""

    region: str
    table_name: str


class UserIdentity(NamedTuple):
    """Who deleted an item, where DynamoDB itself did.

    Source: [Identity](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Identity.html).
    """

    type: str
    principal_id: str


TTL: Final = UserIdentity("Service", "dynamodb.amazonaws.com")
"""The identity on a record of an item that Time to Live has deleted.

Source: [DynamoDB Streams and Time to Live](
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html).
"""


@lru_cache(maxsize=256)
def parse_arn(arn: str) -> TableArn:
    """Region and table name of a table's or stream's ARN, in any partition; empty texts for any other text."""
    match = re.fullmatch(_TABLE_ARN, arn)
    return TableArn(match[1], match[2]) if match else TableArn("", "")


def place_of(raw: Mapping[str, Any]) -> TableArn:
    """Where a record's table is: from the ARN, else from `awsRegion` and `tableName`; empty texts when neither says.

    A change that came through Kinesis has the ARN of the Kinesis stream, and names its table itself.
    """
    named = parse_arn(text_of(raw.get("eventSourceARN")))
    if all(named):
        return named
    return TableArn(
        named.region or text_of(raw.get("awsRegion")), named.table_name or text_of(raw.get("tableName"))
    )


def table_of(raw: Mapping[str, Any]) -> str:
    """The name of a record's table; empty when the record does not say."""
    return place_of(raw).table_name


def missing_image(name: ImageName, view_type: str, table_name: str) -> str:
    """Say why a record lacks an image, and what to do about it."""
    if name == "Keys" or view_type in _VIEWS_WITH[name].split(" or "):
        return f"there is no {name}, though every {view_type} stream has it: the record is not as DynamoDB wrote it"
    table = f"of table {table_name} " if table_name else ""
    return (
        f"there is no {name}: the stream {table}has view type {view_type or '(not stated)'}, and this needs "
        f"{_VIEWS_WITH[name]}. A view type can not be changed: disable the stream and enable a new one"
    )


def text_of(value: object) -> str:
    """A text as it is; an empty one for anything else."""
    return value if isinstance(value, str) else ""


def keys_text(keys: object) -> str:
    """The keys of a record for people, as in `UserId='u1', Turn=7`; empty when they are no map."""
    return ", ".join(map(_key_text, keys, keys.values())) if isinstance(keys, dict) else ""


def _key_text(name: str, value: object) -> str:
    content = next(iter(value.values()), None) if isinstance(value, dict) else None
    return f"{name}={content if isinstance(value, dict) and 'N' in value else repr(content)}"


def is_number(value: object) -> TypeGuard[str]:
    """Whether it is a sequence number: a text of digits."""
    return isinstance(value, str) and value.isascii() and value.isdigit()


def read_time(seconds: object) -> datetime | None:
    """The time that a record gives in seconds since 1970, as an aware datetime in UTC; `None` when it is none."""
    if not isinstance(seconds, int | float | Decimal) or isinstance(seconds, bool):
        return None
    try:
        return datetime.fromtimestamp(float(seconds), tz=UTC)
    except (ValueError, OverflowError, OSError):  # no time that a datetime can hold
        return None
