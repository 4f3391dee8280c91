"""Dead letters in a queue: one message each."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Literal

from headwater.aws.clients import LazyClient
from headwater.aws.errors import not_stored
from headwater.aws.s3 import CONFIG, S3Sink
from headwater.dead_letters import DeadLetter
from headwater.errors import DeadLetterError, DeclarationError
from headwater.json_lines import as_text, dumps

# Today's limit, of a message as of a call, is 1 MiB; a queue can have a lower one, and older ones have 256 KiB.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
_SURE_BYTES: Final = 262_144
_MOST_IN_A_CALL: Final = 10
_PAUSES: Final = (0.1, 0.4)
_MOST_OF_A_TEXT: Final = 1_000
_REFUSED_BY_SQS: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Message:
    """A letter on its way.

    Attributes:
        body: JSON in ASCII.
        attributes: By name, what a consumer can filter by.
        group: Which messages stay in order, by the item they are about; `None` for a queue without order.
        deduplication_id: Equal for a letter that is sent again; `None` for a queue without order.
    """

    body: str
    attributes: Mapping[str, str]
    group: str | None = None
    deduplication_id: str | None = None

    @property
    def size(self) -> int:
        """What SQS counts: the body, and the names, types and values of the attributes."""
        return len(self.body) + sum(
            len(name) + len("String") + len(value.encode()) for name, value in self.attributes.items()
        )

    def entry(self, identifier: str) -> dict[str, Any]:
        """The message in a call of `send_message_batch`."""
        entry: dict[str, Any] = {
            "Id": identifier,
            "MessageBody": self.body,
            "MessageAttributes": {
                name: {"DataType": "String", "StringValue": value} for name, value in self.attributes.items()
            },
        }
        if self.group is not None:
            entry |= {"MessageGroupId": self.group, "MessageDeduplicationId": self.deduplication_id}
        return entry


class SqsSink:
    """Sends dead letters to an SQS queue, one message each.

    The body is the letter's JSON; the attributes `table`, `route`, `errorType` and `phase` are there to filter by. In a FIFO
    queue the letters of one item stay in order, and one that is sent again within five minutes is dropped.

    The function needs `sqs:SendMessage` and `sqs:GetQueueAttributes` on the queue. Without the second one a message is taken
    to hold 256 KiB at most.
    """

    def __init__(
        self,
        queue_url: str,
        *,
        offload: S3Sink | None = None,
        oversize: Literal["refuse", "fail"] = "refuse",
        client: Any = None,
    ) -> None:
        """Name the queue; AWS is not asked before the first letter.

        Args:
            queue_url: The queue's URL. A FIFO queue's ends with `.fifo`.
            offload: Where a letter goes that is larger than a message may be. Its message then says where, in `recordAt`, and
                has no record.
            oversize: What to do about such a letter where there is no `offload`: with `"refuse"` the sink is not made at all;
                with `"fail"` storing it raises, so that its record stays unacknowledged.
            client: A boto3 client of `sqs`; one is made by default.

        Raises:
            DeclarationError: When nothing says what to do with a letter that is too large.
        """
        if oversize not in ("refuse", "fail"):
            raise DeclarationError(
                f"SqsSink: oversize={oversize!r} does not exist: say 'fail', or give offload=S3Sink(...)"
            )
        if offload is None and oversize == "refuse":
            raise DeclarationError(
                "SqsSink: a record with two images of up to 400 KB each, written as JSON, does not fit into a message of SQS, "
                "and would block its shard: give offload=S3Sink(...), or accept that with oversize='fail'"
            )
        self._queue_url = queue_url
        self._offload = offload
        self._ordered = queue_url.endswith(".fifo")
        self._client = LazyClient("sqs", client, CONFIG)
        self._limit: int | None = None

    def store(self, letters: Sequence[DeadLetter], /) -> None:
        """Send each letter, up to ten in a call. What SQS refuses of a call is sent again, twice, each by itself.

        Raises:
            DeadLetterError: When some were not stored; it names them.
        """
        waiting = {str(position): letter for position, letter in enumerate(letters)}
        try:
            limit = self._read_limit()
            messages = {name: self._message(letter, limit) for name, letter in waiting.items()}
            for call in _calls(messages, limit):
                self._send({name: messages[name] for name in call}, waiting)
        except Exception as error:
            raise not_stored(
                f"queue {self._queue_url} did not take {len(waiting)} of {len(letters)} dead letters ({error})",
                [letter.sequence_number for letter in waiting.values()],
            ) from error

    def _send(self, messages: Mapping[str, Message], waiting: dict[str, DeadLetter]) -> None:
        """Send messages that fit into one call; those that SQS has taken do not wait any more."""
        refused = self._call(messages, waiting)
        for pause in _PAUSES:
            if not refused:
                return
            time.sleep(pause)
            refused = {
                name: reason
                for again in refused
                for name, reason in self._call({again: messages[again]}, waiting).items()
            }
        if refused:  # those behind them wait too: in a FIFO queue they could be about the same item
            raise DeadLetterError(", ".join(sorted(set(refused.values()))))

    def _call(self, messages: Mapping[str, Message], waiting: dict[str, DeadLetter]) -> dict[str, str]:
        """Send messages once; those that were refused come back, each with the reason."""
        answer = self._client.get().send_message_batch(
            QueueUrl=self._queue_url, Entries=[message.entry(name) for name, message in messages.items()]
        )
        reasons = {failed["Id"]: str(failed["Code"]) for failed in answer.get("Failed", ())}
        taken = {sent["Id"] for sent in answer.get("Successful", ())}
        for name in taken:
            waiting.pop(name, None)
        return {name: reasons.get(name, "no answer") for name in messages if name not in taken}

    def _message(self, letter: DeadLetter, limit: int) -> Message:
        message = self._around(letter, dumps(letter))
        if message.size <= limit:
            return message
        if self._offload is None:
            raise DeadLetterError(
                f"the message of record {letter.sequence_number} has {message.size} bytes, and the queue takes {limit}: "
                "give the sink offload=S3Sink(...)"
            )
        document = letter.to_json() | {"record": None, "recordAt": self._offload.put(letter)}
        short = self._around(letter, as_text(document))
        if short.size <= limit:
            return short
        # An error can quote all of an item. The object in S3 has the whole text.
        document["error"] = {**document["error"], "message": letter.error_message[:_MOST_OF_A_TEXT]}
        return self._around(letter, as_text(document))

    def _around(self, letter: DeadLetter, body: str) -> Message:
        names = {
            "table": letter.table,
            "route": letter.route or "",
            "errorType": letter.error_type,
            "phase": letter.phase,
        }
        # SQS refuses an empty value, and characters that XML does not have.
        attributes = {
            name: _REFUSED_BY_SQS.sub("?", value[:_MOST_OF_A_TEXT]) for name, value in names.items() if value
        }
        if not self._ordered:
            return Message(body, attributes)
        # By whom and when, too: another function's letter of the same change, or a later one, is not the same letter.
        change = letter.stream_arn, letter.sequence_number, letter.event_id
        named = "\n".join((*change, letter.function_arn, letter.request_id, letter.time.isoformat()))
        return Message(body, attributes, _digest(_item(letter)), _digest(named))

    def _read_limit(self) -> int:
        """How large a message may be, as the queue says; asked once."""
        if self._limit is None:
            try:
                known = self._client.get().get_queue_attributes(
                    QueueUrl=self._queue_url, AttributeNames=["MaximumMessageSize"]
                )
                self._limit = int(known["Attributes"]["MaximumMessageSize"])
            except Exception:  # not allowed to ask: then the least that any queue takes by default
                self._limit = _SURE_BYTES
        return self._limit

    def __repr__(self) -> str:
        return f"SqsSink({self._queue_url!r}, offload={self._offload!r})"


def _calls(messages: Mapping[str, Message], limit: int) -> Iterator[list[str]]:
    """Which messages go together: ten at most, within the limit, and no two of a group.

    SQS can take the second of a group and refuse the first, which would then be sent behind it.
    """
    call: list[str] = []
    for name, message in messages.items():
        if call and not _fits(message, [messages[other] for other in call], limit):
            yield call
            call = []
        call.append(name)
    if call:
        yield call


def _fits(message: Message, others: Collection[Message], limit: int) -> bool:
    return (
        len(others) < _MOST_IN_A_CALL
        and sum(other.size for other in others) + message.size <= limit
        and (message.group is None or message.group not in {other.group for other in others})
    )


def _item(letter: DeadLetter) -> str:
    """The item that a letter is about; where its keys can not be seen, its table, so that nothing overtakes it."""
    table = letter.stream_arn.partition("/stream/")[0] or letter.table
    for part, name in (("dynamodb", "Keys"), ("kinesis", "partitionKey")):
        held = letter.record.get(part)
        if isinstance(held, Mapping) and held.get(name):
            return as_text({"table": table, "keys": _in_one_order(held[name])})
    return as_text({"table": table})


def _in_one_order(keys: Any) -> Any:
    return sorted(keys.items(), key=lambda pair: str(pair[0])) if isinstance(keys, Mapping) else keys


def _digest(text: str) -> str:
    """64 characters that SQS takes as an identifier of any kind."""
    return sha256(text.encode(errors="surrogatepass")).hexdigest()
