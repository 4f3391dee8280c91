"""Reading one shard of a stream through boto3, in Lambda's form, whatever the stream answers.

Nothing here waits and nothing runs beside the caller: what must be waited for is said in the answer.

Source: [GetRecords](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetRecords.html).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from botocore import exceptions

from headwater.errors import HeadwaterError
from headwater.get_records import lambda_record
from headwater.mapping.lineage import Start
from headwater.mapping.polling import READ_LIMIT

FIRST_WAIT_SECONDS: Final = 0.25
"""After the first read that the stream did not answer; twice as long after each that follows."""

_DOUBLINGS: Final = 5
"""So the longest wait is 8 seconds."""

_BUSY: Final = frozenset(
    {
        "InternalFailure",
        "InternalServerError",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingException",
    }
)
_SERVER_ERROR: Final = 500


class PositionError(HeadwaterError):
    """A kept position is none of its shard, so nobody can tell what of the shard has been read."""


class UnansweredError(HeadwaterError):
    """What answered was not the stream: as a proxy that has a page for each request."""


_UNANSWERED: Final = (
    exceptions.ConnectionError,
    exceptions.HTTPClientError,
    exceptions.IncompleteReadError,
    UnansweredError,
)


class Page(NamedTuple):
    """What one read of a shard brought.

    Attributes:
        records: The records in Lambda's form, in order.
        closed: Whether nothing comes after them.
        trimmed: Whether records before these may be lost, since the stream has trimmed what was to be read next.
        wait: Seconds until it makes sense to ask again; 0 unless the stream did not answer.
        reason: Why there is a wait, or why something may be lost; empty otherwise.
        found: Whether the shard had records, wanted or not: then it is read again at once.
    """

    records: Sequence[dict[str, Any]] = ()
    closed: bool = False
    trimmed: bool = False
    wait: float = 0.0
    reason: str = ""
    found: bool = False


class ShardReader:
    """Reads one shard from a position on.

    It remembers the last record that it has read, so it reads on there when its iterator is no use any more. A record at
    or before its position is never handed out. It is for one thread at a time.
    """

    def __init__(self, client: Any, stream_arn: str, shard_id: str, start: Start) -> None:
        """Ask nothing yet.

        Args:
            client: A boto3 client of `dynamodbstreams`.
            stream_arn: The stream.
            shard_id: The shard.
            start: Where to start.
        """
        self._client = client
        self._place = {"StreamArn": stream_arn, "ShardId": shard_id}
        self._start = start
        self._done = int(start.sequence_number or -1)
        self._unwanted_before: float | None = None
        self._iterator: str | None = None
        self._closed = False
        self._failures = 0

    def open(self) -> Page:
        """Fix the place of the first read, without reading: `LATEST` means from now on, and not from the first read on.

        Returns:
            A page without records. When there is a wait in it, the place is not fixed yet.

        Raises:
            PositionError: When the kept position is none of this shard.
            botocore.exceptions.ClientError: What asking again does not cure, such as a missing permission.
        """
        return self._ask(0)

    def read(self, limit: int = READ_LIMIT) -> Page:
        """Read once.

        Args:
            limit: How many records to read at most, from 1 on. More than 1,000 is as 1,000.

        Returns:
            What there is; behind the shard's end, a closed page without records.

        Raises:
            PositionError: When the kept position is none of this shard.
            botocore.exceptions.ClientError: What asking again does not cure, such as a missing permission.
        """
        return self._ask(min(limit, READ_LIMIT))

    def _ask(self, limit: int) -> Page:
        """Make the iterator when there is none, and read, unless the limit is 0."""
        if self._closed:
            return Page(closed=True)
        try:
            if self._iterator is None:
                self._iterator = self._new_iterator()
            page = self._next_page(self._iterator, limit) if limit else Page()
        except (exceptions.ClientError, *_UNANSWERED) as error:
            answer = self._after_error(error)
            if answer is None:
                raise
            return answer
        self._failures = 0
        return page

    def _new_iterator(self) -> str:
        start = self._start
        where: dict[str, str] = {"ShardIteratorType": start.kind}
        if start.kind == "AFTER_SEQUENCE_NUMBER":
            where["SequenceNumber"] = str(start.sequence_number)
        elif start.kind == "AT_TIMESTAMP":
            # Emulators do not know this type, so what is too old is read and left out.
            where["ShardIteratorType"] = "TRIM_HORIZON"
            self._unwanted_before = start.since
        answer = self._client.get_shard_iterator(**self._place, **where)
        iterator = str(asked_for(answer, "ShardIterator"))
        if start.kind == "LATEST":
            # One more iterator of this type would leave out what was written since this one was made.
            self._start = Start("AT_TIMESTAMP", since=start.since)
        return iterator

    def _next_page(self, iterator: str, limit: int) -> Page:
        answer = self._client.get_records(ShardIterator=iterator, Limit=limit)
        found = asked_for(answer, "Records")
        self._iterator = answer.get("NextShardIterator")
        self._closed = self._iterator is None
        records = [
            lambda_record(record, stream_arn=self._place["StreamArn"])
            for record in found
            if self._wants(record["dynamodb"])
        ]
        return Page(records, closed=self._closed, found=bool(found))

    def _wants(self, stream: Mapping[str, Any]) -> bool:
        """Whether a record is behind the position; moves it."""
        number = stream["SequenceNumber"]
        if int(number) <= self._done:
            return False
        self._done = int(number)
        self._start = Start("AFTER_SEQUENCE_NUMBER", number)
        if self._unwanted_before is not None:
            if _written_before(stream, self._unwanted_before):
                return False
            self._unwanted_before = None
        return True

    def _after_error(self, error: Exception) -> Page | None:
        """What follows an error; `None` when asking again does not help."""
        shard_id = self._place["ShardId"]
        match _code(error):
            case "ExpiredIteratorException":
                self._iterator = None
                return Page()
            case "TrimmedDataAccessException":
                return self._trimmed()
            case "ResourceNotFoundException":
                self._closed = True
                reason = f"the stream has no shard {shard_id} any more: what was not read of it is lost"
                return Page(closed=True, trimmed=True, reason=reason)
            case "ValidationException" if self._iterator is None and self._start.sequence_number is not None:
                raise PositionError(
                    f"the stream has no record {self._start.sequence_number} in shard {shard_id}, where reading was to "
                    "go on: the kept position is of another stream; forget it, and start anew"
                ) from error
        if not is_transient(error):
            return None
        wait = FIRST_WAIT_SECONDS * 2.0 ** min(self._failures, _DOUBLINGS)
        self._failures += 1
        return Page(wait=wait, reason=str(error))

    def _trimmed(self) -> Page:
        self._iterator = None
        if self._start.kind == "AT_TIMESTAMP":
            # An iterator is good for a quarter of an hour, and nothing that is wanted can be a day older than that.
            return Page()
        self._start = Start("TRIM_HORIZON")
        reason = (
            f"the stream has trimmed records of shard {self._place['ShardId']} before they were read: it keeps them for "
            "a day, and reading goes on with the oldest that it has"
        )
        return Page(trimmed=True, reason=reason)


def asked_for(answer: Mapping[str, Any], name: str) -> Any:
    """What the stream was asked for.

    Args:
        answer: What boto3 returned.
        name: What each answer of the stream has.

    Raises:
        UnansweredError: When it is not there: botocore takes whatever comes with the status 200 for an answer.
    """
    if name not in answer:
        raise UnansweredError(f"an answer has no {name}: is it a proxy that answers in place of DynamoDB?")
    return answer[name]


def is_transient(error: Exception) -> bool:
    """Whether asking the stream again may help: it was busy, failed inside, or could not be reached.

    Args:
        error: What boto3 raised.
    """
    if isinstance(error, exceptions.ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return _code(error) in _BUSY or status >= _SERVER_ERROR
    return isinstance(error, _UNANSWERED)


def _written_before(stream: Mapping[str, Any], moment: float) -> bool:
    """Whether a record was surely written before a moment: its time is rounded down."""
    created = stream.get("ApproximateCreationDateTime")
    if created is None:
        return False
    seconds = created.timestamp()
    # DynamoDB rounds to the second, and DynamoDB Local to the minute.
    return bool(seconds + (1 if seconds % 60 else 60) <= moment)


def _code(error: Exception) -> str:
    """The service's name for what went wrong; empty when the service was not reached."""
    return (
        error.response.get("Error", {}).get("Code", "") if isinstance(error, exceptions.ClientError) else ""
    )
