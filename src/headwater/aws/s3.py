"""Dead letters in a bucket: one object each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final, TypedDict

from headwater.aws.clients import LazyClient
from headwater.aws.errors import not_stored
from headwater.dead_letters import DeadLetter
from headwater.json_lines import dumps
from headwater.streams import read_time

CONFIG: Final = {
    "connect_timeout": 2,
    "read_timeout": 10,
    "retries": {"mode": "standard", "total_max_attempts": 3},
}
"""For the clients of sinks: a letter is worth more time than an entry of the ledger."""

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html: safe characters, 1,024 bytes.
_SAFE: Final = re.compile(r"[A-Za-z0-9_.-]{1,255}")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_.-]")
_TIMES: Final = (("dynamodb", "ApproximateCreationDateTime"), ("kinesis", "approximateArrivalTimestamp"))


class ObjectAddress(TypedDict):
    """Where an object is."""

    bucket: str
    key: str


class S3Sink:
    """Stores dead letters in an S3 bucket, one JSON object each.

    The key is `{prefix}{table}/{yyyy}/{mm}/{dd}/{sequence number}-{event id}-{function}-{route}.json`, with the day on which the
    record was created, or `undated` where it does not say. It depends on nothing else, so a letter that is stored again
    takes the place of the first one, and functions, their aliases and routes keep their letters apart.

    The function needs `s3:PutObject` on the prefix.
    """

    def __init__(self, bucket: str, *, prefix: str = "headwater/dead-letters/", client: Any = None) -> None:
        """Name the bucket; AWS is not asked before the first letter.

        Args:
            bucket: The bucket's name.
            prefix: What every key starts with.
            client: A boto3 client of `s3`; one is made by default.

        Raises:
            DeclarationError: When there is neither a client nor boto3.
        """
        self._bucket = bucket
        self._prefix = prefix
        self._client = LazyClient("s3", client, CONFIG)

    def store(self, letters: Sequence[DeadLetter], /) -> None:
        """Store each letter.

        Raises:
            DeadLetterError: At the first that S3 did not take; it names that one and those after it.
        """
        for position, letter in enumerate(letters):
            try:
                self.put(letter)
            except Exception as error:
                raise not_stored(
                    f"bucket {self._bucket} did not take {len(letters) - position} of {len(letters)} dead letters "
                    f"({error}): check its name, its region and s3:PutObject on {self._prefix}*",
                    [waiting.sequence_number for waiting in letters[position:]],
                ) from error

    def put(self, letter: DeadLetter) -> ObjectAddress:
        """Store one letter.

        Returns:
            Where it is.

        Raises:
            botocore.exceptions.ClientError: What S3 says.
            botocore.exceptions.BotoCoreError: When it does not answer.
        """
        key = self._key(letter)
        self._client.get().put_object(
            Bucket=self._bucket, Key=key, Body=dumps(letter).encode("ascii"), ContentType="application/json"
        )
        return ObjectAddress(bucket=self._bucket, key=key)

    def _key(self, letter: DeadLetter) -> str:
        table = _safe(letter.table) or "unknown-table"
        function = letter.function_arn.split(":")[6:8]  # arn:aws:lambda:region:account:function:name:alias
        names = [letter.sequence_number, letter.event_id, *function, letter.route or letter.phase]
        day = _created_at(letter.record)
        folder = day.strftime("%Y/%m/%d") if day else "undated"
        return f"{self._prefix}{table}/{folder}/{'-'.join(filter(None, map(_safe, names)))}.json"

    def __repr__(self) -> str:
        return f"S3Sink({self._bucket!r}, prefix={self._prefix!r})"


def _safe(text: str) -> str:
    """A text as part of a key. One that has to be changed gets a digest, so that no two become one."""
    if not text or _SAFE.fullmatch(text):
        return text
    digest = sha256(text.encode(errors="surrogatepass")).hexdigest()[:12]
    return f"{_UNSAFE.sub('_', text[:100])}-{digest}"


def _created_at(record: Mapping[str, Any]) -> datetime | None:
    for part, name in _TIMES:
        held = record.get(part)
        time = held.get(name) if isinstance(held, Mapping) else None
        if isinstance(time, datetime):
            return time.astimezone(UTC)
        known = read_time(time)
        if known is not None:
            return known
    return None
