"""What a stream says of itself: its shards, and whether more will come.

Source: [DescribeStream](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_DescribeStream.html).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple

from headwater.mapping.lineage import ListedShard
from headwater.mapping.reader import asked_for

_CLOCK_SECONDS: Final = 1.0
"""An answer's date is that of its sending, in whole seconds, so what it tells of may be that much older."""


class Listing(NamedTuple):
    """A stream, as it describes itself.

    Attributes:
        status: `ENABLING`, `ENABLED`, `DISABLING` or `DISABLED`.
        shards: Its shards.
        at: When, at the earliest, in seconds since 1970, by the service's clock where it says the time.
    """

    status: str
    shards: Sequence[ListedShard]
    at: float

    @property
    def disabled(self) -> bool:
        """Whether no more records and shards come. Those that are there can be read for a day."""
        return self.status in ("DISABLING", "DISABLED")


def describe(client: Any, stream_arn: str) -> Listing:
    """List a stream's shards, however many there are.

    Args:
        client: A boto3 client of `dynamodbstreams`.
        stream_arn: The stream.

    Raises:
        botocore.exceptions.ClientError: What the service says; `headwater.mapping.reader.is_transient` tells whether to ask again.
        botocore.exceptions.BotoCoreError: When it can not be reached; likewise.
    """
    answer = client.describe_stream(StreamArn=stream_arn)
    at = _served_at(answer)
    shards: list[ListedShard] = []
    while True:
        stream = asked_for(answer, "StreamDescription")
        shards += [
            ListedShard(
                shard["ShardId"],
                shard.get("ParentShardId"),
                closed="EndingSequenceNumber" in shard.get("SequenceNumberRange", {}),
            )
            for shard in stream["Shards"]
        ]
        last = stream.get("LastEvaluatedShardId")
        if last is None:
            return Listing(stream["StreamStatus"], shards, at)
        answer = client.describe_stream(StreamArn=stream_arn, ExclusiveStartShardId=last)


def _served_at(answer: Mapping[str, Any]) -> float:
    """When a request was answered, at the earliest: by the clock that dates the records, and not by that of this machine."""
    date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    now = time.time() if date is None else parsedate_to_datetime(date).timestamp()
    return now - _CLOCK_SECONDS
