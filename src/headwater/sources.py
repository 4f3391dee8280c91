"""Lambda event to raw records, and their outcomes to the response: what depends on who called the function.

| caller | event | identifier | response names |
|---|---|---|---|
| event source mapping | `{"Records": [...]}` | `dynamodb.SequenceNumber` | the first unacknowledged record |
| EventBridge Pipes | `[...]` | `eventID` | every unacknowledged record |

Sources: [Configuring partial batch response with DynamoDB and Lambda](
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html) and
[Amazon EventBridge Pipes batching and concurrency](
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-batching-concurrency.html).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias, TypedDict

from headwater.errors import SourceError
from headwater.outcomes import Outcome, acknowledged

RawRecord: TypeAlias = Mapping[str, Any]
Source: TypeAlias = Literal["event source mapping", "EventBridge Pipes"]

_DYNAMODB: Final = "aws:dynamodb"


class BatchItemFailure(TypedDict):
    """One record that is to be delivered again."""

    itemIdentifier: str


class BatchResponse(TypedDict):
    """What the Lambda function returns."""

    batchItemFailures: list[BatchItemFailure]


@dataclass(frozen=True, slots=True)
class Batch:
    """The raw records of one invocation.

    Attributes:
        source: Who called the function.
        records: The records in the order of the batch; the list is not the event's own, which a handler may change.
        identifiers: For each record the text that names it in a response.
    """

    source: Source
    records: Sequence[RawRecord]
    identifiers: Sequence[str]

    def response(self, outcomes: Iterable[Outcome]) -> BatchResponse:
        """Name what is to be delivered again.

        An event source mapping delivers the first record named and all that follow it, so one is enough. Pipes delivers
        only the records named, so there all unacknowledged ones are.
        """
        failures = [
            BatchItemFailure(itemIdentifier=identifier)
            for identifier, outcome in zip(self.identifiers, outcomes, strict=True)
            if not acknowledged(outcome)
        ]
        return BatchResponse(
            batchItemFailures=failures if self.source == "EventBridge Pipes" else failures[:1]
        )


def read_event(event: Any) -> Batch:
    """Recognise an event and take its records out.

    Every record is named before any of them is handled: one that no response could name would make Lambda deliver the
    whole batch again, and then nothing of it should have run.

    Args:
        event: What Lambda passes to the function.

    Raises:
        SourceError: When it is not a batch of DynamoDB stream records, or a record has no usable identifier.
    """
    if isinstance(event, list):
        identifiers = [_identify(index, raw, _event_id) for index, raw in enumerate(event)]
        return Batch("EventBridge Pipes", list(event), identifiers)
    if not isinstance(event, dict):
        raise SourceError(f"a stream event is a JSON object with Records, this is a {type(event).__name__}")
    records = event.get("Records")
    if not isinstance(records, list):
        raise SourceError(
            f"a stream event has a list of Records, this one has {_names(event)}: check what invokes the function"
        )
    if "window" in event:
        raise SourceError(
            "this event source mapping has a tumbling window, whose state a stream app does not keep: "
            "set TumblingWindowInSeconds to 0"
        )
    return Batch(
        "event source mapping",
        list(records),
        [_identify(i, raw, _sequence_number) for i, raw in enumerate(records)],
    )


def _identify(index: int, raw: Any, identifier_of: Any) -> str:
    source = _source_of(raw)
    if source != _DYNAMODB:
        raise SourceError(
            f"record {index} comes from {source or 'an unknown source'} and not from a DynamoDB stream "
            f"({_DYNAMODB}): check what invokes the function"
        )
    if not isinstance(raw.get("dynamodb"), dict):
        raise SourceError(f"record {index} has no dynamodb part, so it is no record of a DynamoDB stream")
    identifier: str = identifier_of(index, raw)
    return identifier


def _sequence_number(index: int, raw: RawRecord) -> str:
    number = raw["dynamodb"].get("SequenceNumber")
    if isinstance(number, str) and number.isascii() and number.isdigit():
        return number
    raise SourceError(
        f"record {index} has no usable SequenceNumber, so no response could name it: "
        "none of the batch was handled, and Lambda delivers it again"
    )


def _event_id(index: int, raw: RawRecord) -> str:
    identifier = raw.get("eventID")
    if isinstance(identifier, str) and identifier:
        return identifier
    raise SourceError(
        f"record {index} has no usable eventID, so no response could name it to EventBridge Pipes: "
        "none of the batch was handled, and Pipes delivers it again"
    )


def _source_of(raw: Any) -> str:
    if not isinstance(raw, dict):
        return f"a {type(raw).__name__}"
    source = raw.get("eventSource") or raw.get("EventSource")  # SNS writes it with a capital
    return source if isinstance(source, str) else ""


def _names(event: Mapping[str, Any]) -> str:
    return ", ".join(map(repr, event)) or "nothing"
