"""How a shard is read: how much at once, and how often.

Sources: [GetRecords](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html), [Using AWS
Lambda with Amazon DynamoDB](https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html).
"""

from __future__ import annotations

from typing import Final

READ_LIMIT: Final = 1_000
"""Records that one `GetRecords` returns at most."""

READ_LIMIT_BYTES: Final = 1_000_000
"""Bytes that one `GetRecords` returns at most."""

POLL_SECONDS: Final = 0.25
"""Between two reads of a shard that has nothing: Lambda reads each four times a second."""


def next_read_at(last_read_at: float, *, found: bool) -> float:
    """When to read a shard again.

    Args:
        last_read_at: When it was read last, by any clock.
        found: Whether it had records then.

    Returns:
        A time by the same clock: at once behind records, four times a second where there are none.
    """
    return last_read_at if found else last_read_at + POLL_SECONDS
