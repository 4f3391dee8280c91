"""A table with a stream, for tests: makes the records that the stream would hold."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final, Literal, TypeAlias

from headwater.changes import same
from headwater.errors import WireValueError
from headwater.streams import TTL, EventName
from headwater.testing.items import Item, wire_item
from headwater.testing.sizes import item_size
from headwater.values import WireItem

ViewType: TypeAlias = Literal["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"]
"""Which images a stream's records have."""

# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html
_MAX_SEQUENCE_DIGITS: Final = 40
_STREAM_LABEL: Final = "2024-01-01T00:00:00.000"
_NAME: Final = re.compile(r"[a-zA-Z0-9_.-]{3,255}")
_MAX_KEYS: Final = 2
_IMAGES: Final[Mapping[ViewType, tuple[str, ...]]] = {
    "KEYS_ONLY": (),
    "NEW_IMAGE": ("NewImage",),
    "OLD_IMAGE": ("OldImage",),
    "NEW_AND_OLD_IMAGES": ("NewImage", "OldImage"),
}
_KEY_TAGS: Final = ("S", "N", "B")


@dataclass(frozen=True)
class Table:
    """A table with a stream: what is written to it comes out as records in the wire form of a Lambda event.

    Each record has the fields of a real one, in the order in which AWS sends them. Sequence numbers rise with each
    record made, and are not in order as text, since those of AWS are not either. They start at a point that depends on
    the settings alone, so a test sees the same numbers each time; use one `Table` for one table, as a second one with the
    same settings begins anew.

    Attributes:
        name: The table's name.
        keys: The key schema: the name of the partition key, or of partition key and sort key.
        view_type: Which images the records have.
        region: The AWS region; also decides the partition of the ARN, such as `aws-cn`.
        account_id: The AWS account, twelve digits.
    """

    name: str
    _: KW_ONLY
    keys: str | tuple[str] | tuple[str, str]
    view_type: ViewType = "NEW_AND_OLD_IMAGES"
    region: str = "us-east-1"
    account_id: str = "123456789012"
    _positions: Iterator[int] = field(default_factory=count, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse a table that could not exist.

        Raises:
            ValueError: With what is wrong with its name, keys or view type.
        """
        if not _NAME.fullmatch(self.name):
            raise ValueError(
                f"{self.name!r} is not a table's name: give 3 to 255 letters, digits, '_', '.' or '-'"
            )
        names = self.key_names
        if not 1 <= len(names) <= _MAX_KEYS or len(set(names)) < len(names) or not all(names):
            raise ValueError(
                f"table {self.name}: keys={self.keys!r} is no key schema: name the partition key, "
                "or the partition key and the sort key"
            )
        if self.view_type not in _IMAGES:
            raise ValueError(
                f"table {self.name}: view_type={self.view_type!r} does not exist, there are "
                f"{', '.join(_IMAGES)}"
            )

    @property
    def key_names(self) -> tuple[str, ...]:
        """The name of the partition key, then that of the sort key where there is one."""
        return (self.keys,) if isinstance(self.keys, str) else tuple(self.keys)

    @property
    def stream_arn(self) -> str:
        """The ARN of the table's stream."""
        partition = {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(self.region.rsplit("-", 2)[0], "aws")
        return (
            f"arn:{partition}:dynamodb:{self.region}:{self.account_id}:"
            f"table/{self.name}/stream/{_STREAM_LABEL}"
        )

    def insert(
        self, item: Item, *, sequence_number: str | None = None, created_at: datetime | None = None
    ) -> dict[str, Any]:
        """The record of a new item.

        Args:
            item: A pydantic model, dataclass or mapping of Python values, in full.
            sequence_number: Digits to use instead of the table's next number.
            created_at: When it was written, an aware datetime; now by default. Rounded down to the second, as by AWS.

        Returns:
            A record in the wire form of a Lambda event, ready for JSON.

        Raises:
            WireValueError: When DynamoDB could not hold the item, or a key attribute is missing or of a wrong type.
            ValueError: When the sequence number or the time could not be one.
        """
        return self._record("INSERT", {"NewImage": wire_item(item)}, sequence_number, created_at)

    def modify(
        self, old: Item, new: Item, *, sequence_number: str | None = None, created_at: datetime | None = None
    ) -> dict[str, Any]:
        """The record of a change.

        Args:
            old: The item before the change, in full.
            new: The item after it, in full, with the same keys.
            sequence_number: As for `insert`.
            created_at: As for `insert`.

        Returns:
            A record in the wire form of a Lambda event, ready for JSON.

        Raises:
            WireValueError: As `insert`, and when the two items have different keys.
            ValueError: As `insert`.
        """
        images = {"NewImage": wire_item(new), "OldImage": wire_item(old)}
        old_keys = self._keys_of(images["OldImage"])
        for name, value in self._keys_of(images["NewImage"]).items():
            if not same(old_keys[name], value):
                raise WireValueError(
                    "old and new have different keys, but a change never touches them: "
                    "DynamoDB would remove one item and insert another",
                    steps=(name,),
                )
        return self._record("MODIFY", images, sequence_number, created_at)

    def remove(
        self,
        item: Item,
        *,
        expired: bool = False,
        sequence_number: str | None = None,
        created_at: datetime | None = None,
    ) -> dict[str, Any]:
        """The record of a removal.

        Args:
            item: The item as it was before, in full.
            expired: Whether Time to Live removed it, and no person or program did.
            sequence_number: As for `insert`.
            created_at: As for `insert`.

        Returns:
            A record in the wire form of a Lambda event, ready for JSON.

        Raises:
            WireValueError: As `insert`.
            ValueError: As `insert`.
        """
        record = self._record("REMOVE", {"OldImage": wire_item(item)}, sequence_number, created_at)
        if not expired:
            return record
        identity = {"type": TTL.type, "principalId": TTL.principal_id}
        last = {name: record.pop(name) for name in ("dynamodb", "eventSourceARN")}
        return {**record, "userIdentity": identity, **last}

    def _keys_of(self, item: WireItem) -> dict[str, Any]:
        return {name: _key(name, item, self.name) for name in self.key_names}

    def _record(
        self,
        event_name: EventName,
        images: Mapping[str, WireItem],
        sequence_number: str | None,
        created_at: datetime | None,
    ) -> dict[str, Any]:
        item = next(iter(images.values()))
        shown = {name: image for name, image in images.items() if name in _IMAGES[self.view_type]}
        parts = {"Keys": self._keys_of(item), **shown}
        seconds = _seconds(created_at)
        number = self._next_number() if sequence_number is None else _checked_number(sequence_number)
        return {
            "eventID": hashlib.sha256(f"{self.stream_arn} {number}".encode()).hexdigest()[:32],
            "eventName": event_name,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": self.region,
            "dynamodb": {
                "ApproximateCreationDateTime": seconds,
                **parts,
                "SequenceNumber": number,
                "SizeBytes": sum(map(item_size, parts.values())),
                "StreamViewType": self.view_type,
            },
            "eventSourceARN": self.stream_arn,
        }

    def _next_number(self) -> str:
        # 22 digits that begin with a 9, then 23 that begin with 10: the second one sorts before the first as text.
        start = int(hashlib.sha256(self.stream_arn.encode()).hexdigest(), 16) % 10**21
        return str((9 + next(self._positions)) * 10**21 + start)


def _key(name: str, item: Mapping[str, Any], table: str) -> dict[str, Any]:
    value = item.get(name)
    if value is None:
        raise WireValueError(
            f"table {table} has the key attribute {name!r}, which this item lacks: "
            f"its attributes are {', '.join(item) or 'none'} (a model's are named by its serialization aliases)",
            steps=(name,),
        )
    [(tag, content)] = value.items()
    if tag not in _KEY_TAGS:
        raise WireValueError(
            f"a key attribute is text, a number or binary, this one has the type {tag}", steps=(name,)
        )
    if content == "":
        raise WireValueError("a key attribute can not be empty", steps=(name,))
    return {tag: content}


def _checked_number(number: str) -> str:
    if number.isascii() and number.isdigit() and len(number) <= _MAX_SEQUENCE_DIGITS:
        return number
    raise ValueError(
        f"sequence_number={number!r} is none of DynamoDB: give digits, 21 to {_MAX_SEQUENCE_DIGITS} as AWS does"
    )


def _seconds(created_at: datetime | None) -> float:
    if created_at is None:
        created_at = datetime.now(tz=UTC)
    if created_at.utcoffset() is None:
        raise ValueError(
            "created_at has no time zone, so it is no point in time: write datetime(..., tzinfo=UTC)"
        )
    return float(math.floor(created_at.timestamp()))
