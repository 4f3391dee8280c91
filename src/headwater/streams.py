"""What a record says of the stream it comes from: the table and region in its ARN, its view type, who made the change."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, NamedTuple, TypeAlias

EventName: TypeAlias = Literal["INSERT", "MODIFY", "REMOVE"]
ImageName: TypeAlias = Literal["Keys", "NewImage", "OldImage"]

VIEWS_WITH: Final = {
    "Keys": "any view type",
    "NewImage": "NEW_IMAGE or NEW_AND_OLD_IMAGES",
    "OldImage": "OLD_IMAGE or NEW_AND_OLD_IMAGES",
}
"""Which stream view types put an image into a record.

Source: [StreamSpecification](
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_StreamSpecification.html).
"""

_TABLE_ARN: Final = re.compile(r"arn:[^:]*:dynamodb:([^:]*):[^:]*:table/([^/:]+)(?:/.*)?")


class TableArn(NamedTuple):
    """Where a table is."""

    region: str
    table_name: str


@dataclass(frozen=True, slots=True)
class UserIdentity:
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
    match = _TABLE_ARN.fullmatch(arn)
    return TableArn(match[1], match[2]) if match else TableArn("", "")
