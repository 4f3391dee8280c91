"""Reading a stream shard by shard through boto3: parents before children, each in its own order.

Source: [Reading and processing a stream](
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html#Streams.Processing).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from headwater.get_records import lambda_record

StartingPosition: TypeAlias = Literal["TRIM_HORIZON", "LATEST"]

READ_LIMIT: Final = 1_000
"""Records that one `GetRecords` returns at most."""

PAUSE_SECONDS: Final = 0.25
"""Between two empty reads of a shard: Lambda reads each four times a second.

Source: [Using AWS Lambda with Amazon DynamoDB](https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html).
"""


@dataclass(slots=True)
class _Shard:
    """A shard that is being read.

    Attributes:
        shard_id: Its name.
        parent_id: The shard that must be read to its end before this one.
        start: Where to start when nothing has been read.
        last_read: The sequence number of the last record read.
        iterator: The place of the next read; `None` before the first one.
    """

    shard_id: str
    parent_id: str | None
    start: StartingPosition
    last_read: str | None = None
    iterator: str | None = None


class StreamPoller:
    """Reads a stream from a position on.

    It remembers in memory what it has read, so it reads on where it stopped as long as it lives.
    """

    def __init__(
        self,
        client: Any,
        stream_arn: str,
        *,
        position: StartingPosition = "TRIM_HORIZON",
        batch_size: int = 100,
    ) -> None:
        """Read nothing yet.

        Args:
            client: A boto3 client of `dynamodbstreams`.
            stream_arn: The stream.
            position: `TRIM_HORIZON` for all that the stream still has, `LATEST` for what comes from now on.
            batch_size: Records in a batch, at most 1,000.
        """
        self._client = client
        self._stream_arn = stream_arn
        self._batch_size = min(batch_size, READ_LIMIT)
        self._open: dict[str, _Shard] = {}
        self._finished: set[str] = set()
        self._find_shards(position)
        for shard in self._open.values():
            # LATEST means from now on, not from whenever the shard is read first.
            shard.iterator = self._new_iterator(shard)

    def batches(self, pause: Callable[[float], object]) -> Iterator[list[dict[str, Any]]]:
        """Read for ever.

        Args:
            pause: Waits for so many seconds; called when no shard had anything.

        Yields:
            Batches in Lambda's form, each of one shard; an empty one when no shard had anything, so that the caller can
            stop.
        """
        while True:
            found = False
            for shard in self._readable():
                if records := self._read(shard):
                    found = True
                    yield records
            if not found:
                yield []
                pause(PAUSE_SECONDS)
                self._find_shards("TRIM_HORIZON")

    def _readable(self) -> list[_Shard]:
        return [shard for shard in self._open.values() if shard.parent_id not in self._open]

    def _find_shards(self, position: StartingPosition) -> None:
        request = {"StreamArn": self._stream_arn}
        while True:
            stream = self._client.describe_stream(**request)["StreamDescription"]
            for shard in stream["Shards"]:
                name = shard["ShardId"]
                if name not in self._open and name not in self._finished:
                    self._open[name] = _Shard(name, shard.get("ParentShardId"), position)
            if "LastEvaluatedShardId" not in stream:
                return
            request["ExclusiveStartShardId"] = stream["LastEvaluatedShardId"]

    def _read(self, shard: _Shard) -> list[dict[str, Any]]:
        errors = self._client.exceptions
        try:
            page = self._client.get_records(
                ShardIterator=shard.iterator or self._new_iterator(shard), Limit=self._batch_size
            )
        except errors.ExpiredIteratorException:
            shard.iterator = None
            return []
        except errors.TrimmedDataAccessException:
            # What was to be read next is older than a day and gone: go on with what is there.
            shard.start, shard.last_read, shard.iterator = "TRIM_HORIZON", None, None
            return []
        except errors.LimitExceededException:
            return []
        shard.iterator = page.get("NextShardIterator")
        if shard.iterator is None:
            del self._open[shard.shard_id]
            self._finished.add(shard.shard_id)
            self._find_shards("TRIM_HORIZON")
        records = [lambda_record(record, stream_arn=self._stream_arn) for record in page["Records"]]
        if records:
            shard.last_read = records[-1]["dynamodb"]["SequenceNumber"]
        return records

    def _new_iterator(self, shard: _Shard) -> str:
        where = (
            {"ShardIteratorType": shard.start}
            if shard.last_read is None
            else {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": shard.last_read}
        )
        answer = self._client.get_shard_iterator(StreamArn=self._stream_arn, ShardId=shard.shard_id, **where)
        return str(answer["ShardIterator"])
