"""The ledger in a DynamoDB table: what is known of a batch outlives the function's environment."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

from headwater.aws.clients import LazyClient
from headwater.aws.entries import ATTRIBUTES, FORMAT, read_entry, write_progress
from headwater.aws.errors import LedgerError
from headwater.errors import DeclarationError
from headwater.ledger import Entry, merge, ordered

TTL_ATTRIBUTE: Final = "expires_at"

# A ledger that is down must leave the invocation its time.
_CONFIG: Final = {
    "connect_timeout": 1,
    "read_timeout": 2,
    "retries": {"mode": "standard", "total_max_attempts": 2},
}
_TRIES: Final = 5
_UNKNOWN: Final = "attribute_not_exists(#version)"
_UNCHANGED: Final = "attribute_not_exists(#version) OR #version = :version"
_LASTS: Final = timedelta(hours=25)


class DynamoDBLedger:
    """A ledger in a DynamoDB table, shared by all environments of a function, and by several functions.

    The table has the partition key `consumer` and the sort key `checkpoint`, both text: `create_ledger_table` makes one, and
    `ledger_template` is its CloudFormation. The function needs `dynamodb:Query`, `dynamodb:PutItem` and
    `dynamodb:DeleteItem` on it.

    Reading is one strongly consistent query for each invocation. Nothing is written until an invocation leaves something
    unacknowledged. Writes are conditional: of two invocations that know something of one batch, neither overwrites the
    other, and what is kept is what both know together.
    """

    def __init__(
        self,
        table_name: str,
        *,
        client: Any = None,
        ttl: timedelta = _LASTS,
        ttl_attribute: str = TTL_ATTRIBUTE,
    ) -> None:
        """Name the table; AWS is not asked before the first batch.

        Args:
            table_name: The table's name or ARN.
            client: A boto3 client of `dynamodb`. By default one is made that waits 1 second for a connection and 2 for an
                answer, and tries twice.
            ttl: How long an entry lasts after it was written. A stream keeps a record for
                [24 hours](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html), and an hour more
                is the default.
            ttl_attribute: The attribute that the table's Time to Live reads.

        Raises:
            DeclarationError: When an argument could not work.
        """
        if ttl <= timedelta(0):
            raise DeclarationError(f"DynamoDBLedger: ttl={ttl!r} keeps no entry: give it a day or more")
        if ttl_attribute in ATTRIBUTES or not ttl_attribute:
            raise DeclarationError(
                f"DynamoDBLedger: ttl_attribute={ttl_attribute!r} can not hold the time, since an entry has "
                f"{', '.join(ATTRIBUTES)} of its own: give it another name"
            )
        self._table_name = table_name
        self._client = LazyClient("dynamodb", client, _CONFIG)
        self._ttl = ttl
        self._ttl_attribute = ttl_attribute

    def load(self, consumer: str, checkpoint: str) -> Entry | None:
        """The entry with this checkpoint, else that with the nearest one before it, else `None`.

        An entry whose time is over, or that this version can not read, counts as none.

        Raises:
            botocore.exceptions.ClientError: What DynamoDB says.
            botocore.exceptions.BotoCoreError: When it does not answer.
        """
        found = self._client.get().query(
            TableName=self._table_name,
            KeyConditionExpression="#consumer = :consumer AND #checkpoint <= :checkpoint",
            ExpressionAttributeNames={"#consumer": "consumer", "#checkpoint": "checkpoint"},
            ExpressionAttributeValues={
                ":consumer": {"S": consumer},
                ":checkpoint": {"S": ordered(checkpoint)},
            },
            ConsistentRead=True,
            ScanIndexForward=False,
            Limit=1,
        )["Items"]
        return read_entry(found[0], self._ttl_attribute, time.time()) if found else None

    def replace(self, consumer: str, old: Entry | None, new: Entry | None) -> None:
        """Keep `new`, and forget `old`, which was loaded before.

        Where somebody else has written an entry with the checkpoint of `new` since, both are merged. Where somebody has
        written the entry `old` anew, it stays.

        Raises:
            LedgerError: When others write the same entry all the time.
            botocore.exceptions.ClientError: What DynamoDB says.
            botocore.exceptions.BotoCoreError: When it does not answer.
        """
        same = old is not None and new is not None and ordered(old.checkpoint) == ordered(new.checkpoint)
        if new is not None:
            self._keep(consumer, new, old.version if old is not None and same else None)
        if old is not None and not same:
            self._forget(consumer, old)

    def _keep(self, consumer: str, new: Entry, version: Any) -> None:
        for _ in range(_TRIES):
            item = self._put(consumer, new, version)
            if item is None:
                return
            version = item.get("version")
            other = read_entry(item, self._ttl_attribute, time.time())
            if other is not None:
                last = max(new.last, other.last, key=ordered)
                new = Entry(new.checkpoint, merge(new.progress, other.progress), last)
        raise LedgerError(
            f"the entry for {consumer} at {new.checkpoint} in table {self._table_name} was changed by others {_TRIES} times "
            "while it was written, so it was left to them: do several functions share one name?"
        )

    def _put(self, consumer: str, entry: Entry, version: Any) -> dict[str, Any] | None:
        """Put an entry where there is none, or one of this version; else return what is there."""
        client = self._client.get()
        expires_at = int(time.time() + self._ttl.total_seconds()) + 1
        item = {
            **_key(consumer, entry),
            "format": {"N": str(FORMAT)},
            "version": {"S": uuid4().hex},
            "sequence_number": {"S": entry.checkpoint},
            "last": {"S": entry.last},
            self._ttl_attribute: {"N": str(expires_at)},
            **write_progress(entry.progress),
        }
        try:
            client.put_item(
                TableName=self._table_name,
                Item=item,
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **_if_unchanged(version),
            )
        except client.exceptions.ConditionalCheckFailedException as error:
            there: dict[str, Any] = error.response.get("Item", {})
            return there
        return None

    def _forget(self, consumer: str, entry: Entry) -> None:
        client = self._client.get()
        try:
            client.delete_item(
                TableName=self._table_name, Key=_key(consumer, entry), **_if_unchanged(entry.version)
            )
        except client.exceptions.ConditionalCheckFailedException:
            return  # somebody has written it since, and knows more

    def __repr__(self) -> str:
        return f"DynamoDBLedger({self._table_name!r})"


def _key(consumer: str, entry: Entry) -> dict[str, Any]:
    return {"consumer": {"S": consumer}, "checkpoint": {"S": ordered(entry.checkpoint)}}


def _if_unchanged(version: Any) -> dict[str, Any]:
    """The condition that nobody has written an entry since; one without a version is none of ours."""
    names = {"ExpressionAttributeNames": {"#version": "version"}}
    if version is None:
        return {"ConditionExpression": _UNKNOWN, **names}
    return {
        "ConditionExpression": _UNCHANGED,
        "ExpressionAttributeValues": {":version": version},
        **names,
    }
