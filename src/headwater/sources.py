"""Lambda event to raw records, and their outcomes to the response: what depends on who called the function.

| source | event | identifier | response names |
|---|---|---|---|
| event source mapping | `{"Records": [...]}` | `dynamodb.SequenceNumber` | the first unacknowledged record |
| EventBridge Pipes | `[...]` | `eventID` | every unacknowledged record |
| Kinesis Data Streams | `{"Records": [...]}` | `kinesis.sequenceNumber` | the first unacknowledged record |
| on-failure object | `{"payload": ...}` | that of the event in it | the first unacknowledged record |
| GetRecords | boto3's answer | `dynamodb.SequenceNumber` | the first unacknowledged record |

Sources: [Configuring partial batch response with DynamoDB and Lambda](
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html),
[Amazon EventBridge Pipes batching and concurrency](
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-pipes-batching-concurrency.html),
[Retain discarded records for a DynamoDB event source in Lambda](
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias, TypedDict

from headwater.errors import HeadwaterError, SourceError
from headwater.get_records import is_page, lambda_record
from headwater.outcomes import ACKNOWLEDGED, Outcome, acknowledged
from headwater.streams import KINESIS, is_number

if TYPE_CHECKING:
    from headwater.windows import Window

RawRecord: TypeAlias = Mapping[str, Any]
Source: TypeAlias = Literal[
    "event source mapping", "EventBridge Pipes", "Kinesis Data Streams", "on-failure object", "GetRecords"
]

_DYNAMODB: Final = "aws:dynamodb"
_STREAM: Final = itemgetter("dynamodb")
_SOURCE: Final = itemgetter("eventSource")
_DISCARDED: Final = ("DDBStreamBatchInfo", "KinesisBatchInfo")
"""Where an on-failure message says which records were discarded."""


_NO_PROBLEMS: Final[Mapping[int, HeadwaterError]] = MappingProxyType({})


class BatchItemFailure(TypedDict):
    """One record that is to be delivered again."""

    itemIdentifier: str


class BatchResponse(TypedDict):
    """What the Lambda function returns."""

    batchItemFailures: list[BatchItemFailure]


class Batch(NamedTuple):
    """The raw records of one invocation.

    Attributes:
        source: Who called the function.
        records: The records in the order of the batch; the list is not the event's own, which a handler may change.
        identifiers: For each record the text that names it in a response.
        problems: By position, why a record is none of a table; it has a name all the same, so it fails alone.
        originals: The records as they came, where `records` are taken out of something else.
        window: The tumbling window that the records are in; `None` where the event source mapping has none.
        state: What the last invocation for the window returned; empty at its begin.
    """

    source: Source
    records: Sequence[RawRecord]
    identifiers: Sequence[str]
    problems: Mapping[int, HeadwaterError] = _NO_PROBLEMS
    originals: Sequence[RawRecord] | None = None
    window: Window | None = None
    state: Any = None

    def original(self, position: int) -> RawRecord:
        """A record as it came."""
        return (self.originals or self.records)[position]

    def response(self, outcomes: Iterable[Outcome]) -> BatchResponse:
        """Name what is to be delivered again.

        An event source mapping delivers the first record named and all that follow it, so one is enough. Pipes delivers
        only the records named, so there all unacknowledged ones are.
        """
        listed = list(outcomes)
        if {*map(type, listed)} <= ACKNOWLEDGED:  # nearly all batches
            return BatchResponse(batchItemFailures=[])
        failures = [
            BatchItemFailure(itemIdentifier=identifier)
            for identifier, outcome in zip(self.identifiers, listed, strict=True)
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
        event: What Lambda passes to the function, or what boto3's `get_records` of `dynamodbstreams` returns; to the latter
            the stream's ARN may be added as `eventSourceARN`.

    Raises:
        SourceError: When it is not a batch of DynamoDB stream records, or a record has no usable identifier.
    """
    if isinstance(event, list):
        identifiers = [_identify(index, raw, _event_id) for index, raw in enumerate(event)]
        return Batch("EventBridge Pipes", list(event), identifiers)
    if not isinstance(event, dict):
        raise SourceError(f"a stream event is a JSON object with Records, this is a {type(event).__name__}")
    if any(name in event for name in _DISCARDED):
        return _read_mapping_event(_payload(event))._replace(source="on-failure object")
    records = _records(event)
    if "window" not in event and is_page(event, records):
        return _read_page(event, records)
    return _read_mapping_event(event)


def _read_mapping_event(event: Mapping[str, Any]) -> Batch:
    """What an event source mapping sends: changes of DynamoDB or of Kinesis, in a tumbling window or not."""
    records = _records(event)
    window, state = _window(event) if "window" in event else (None, None)
    if not records or _source_of(records[0]) != KINESIS:
        return Batch("event source mapping", list(records), _numbers(records), window=window, state=state)
    from headwater.kinesis import placeholder, unwrap  # few functions have a stream of Kinesis

    numbers = [_kinesis_number(index, outer) for index, outer in enumerate(records)]
    problems: dict[int, HeadwaterError] = {}
    changes: list[RawRecord] = []
    for index, (outer, number) in enumerate(zip(records, numbers, strict=True)):
        try:
            changes.append(unwrap(outer, number))
        except HeadwaterError as problem:
            problems[index] = problem.with_traceback(None)  # of ours, which says nothing to who reads the log
            changes.append(placeholder(outer, number))
    return Batch("Kinesis Data Streams", changes, numbers, problems, list(records), window, state)


def _window(event: Mapping[str, Any]) -> tuple[Window, Any]:
    """The tumbling window of an event, and its state."""
    from headwater.windows import read_state, read_window  # few functions have windows

    return read_window(event), read_state(event)


def _read_page(event: Mapping[str, Any], records: Sequence[Any]) -> Batch:
    """What boto3's `get_records` returns."""
    arn = event.get("eventSourceARN")
    if "eventSourceARN" in event and not (isinstance(arn, str) and arn):
        raise SourceError(
            f"eventSourceARN beside the Records of get_records is the stream's ARN, here it is a {type(arn).__name__}: "
            'write {**page, "eventSourceARN": stream_arn}'
        )
    identifiers = [_identify(index, raw, _sequence_number) for index, raw in enumerate(records)]
    return Batch("GetRecords", [lambda_record(raw, stream_arn=arn) for raw in records], identifiers)


def _payload(message: Mapping[str, Any]) -> dict[str, Any]:
    """The event that an on-failure message holds, which only those in S3 do: there it is JSON in a text."""
    payload = message.get("payload")
    if payload is None:
        raise SourceError(
            "this is an on-failure message, which says where the discarded records are and does not hold them: read "
            f"them from the stream while it has them ({_discarded(message)}), and pass what get_records returns; "
            "only an S3 destination keeps the records themselves"
        )
    if isinstance(payload, str):
        try:
            payload = json.loads(payload)
        except (ValueError, RecursionError):
            raise SourceError(
                "the payload of this on-failure object is no JSON, so no record can be read from it: "
                "pass the object as Lambda has written it"
            ) from None
    if isinstance(payload, dict) and isinstance(payload.get("Records"), list):
        return payload
    raise SourceError(
        "the payload of this on-failure object is no event with Records: pass the object as Lambda has written it"
    )


def _discarded(message: Mapping[str, Any]) -> str:
    info = next(message[name] for name in _DISCARDED if name in message)
    known = info if isinstance(info, dict) else {}
    first, last = known.get("startSequenceNumber"), known.get("endSequenceNumber")
    return f"shard {known.get('shardId')}, sequence numbers {first} to {last}"


def _records(event: Mapping[str, Any]) -> list[Any]:
    records = event.get("Records")
    if isinstance(records, list):
        return records
    raise SourceError(
        f"a stream event has a list of Records, this one has {_names(event)}: check what invokes the function"
    )


def _numbers(records: Sequence[Any]) -> list[str]:
    """The sequence numbers of records. All of them are looked at together; only where one is odd, each by itself."""
    try:
        # Their types first: another mapping might make up what it is asked for.
        if {*map(type, records)} == {dict} and {*map(type, map(_STREAM, records))} == {dict}:
            numbers = [raw["dynamodb"]["SequenceNumber"] for raw in records]
            of_streams = list(map(_SOURCE, records)) == [_DYNAMODB] * len(records)
            if of_streams and all(numbers) and "".join(numbers).encode().isdigit():
                return numbers
    except (KeyError, TypeError, ValueError):
        pass
    return [_identify(index, raw, _sequence_number) for index, raw in enumerate(records)]


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
    if is_number(number):
        return number
    raise _nameless(index, "SequenceNumber", "it", "Lambda")


def _kinesis_number(index: int, outer: Any) -> str:
    from headwater.kinesis import kinesis_number

    source = _source_of(outer)
    if source != KINESIS:
        raise SourceError(
            f"record {index} comes from {source or 'an unknown source'}, and record 0 from {KINESIS}: "
            "a batch is of one stream, so check what invokes the function"
        )
    number = kinesis_number(outer)
    if number is not None:
        return number
    raise _nameless(index, "kinesis.sequenceNumber", "it", "Lambda")


def _event_id(index: int, raw: RawRecord) -> str:
    identifier = raw.get("eventID")
    if isinstance(identifier, str) and identifier:
        return identifier
    raise _nameless(index, "eventID", "it to EventBridge Pipes", "Pipes")


def _nameless(index: int, lacks: str, named: str, caller: str) -> SourceError:
    return SourceError(
        f"record {index} has no usable {lacks}, so no response could name {named}: "
        f"none of the batch was handled, and {caller} delivers it again"
    )


def _source_of(raw: Any) -> str:
    if not isinstance(raw, dict):
        return f"a {type(raw).__name__}"
    source = raw.get("eventSource") or raw.get("EventSource")  # SNS writes it with a capital
    return source if isinstance(source, str) else ""


def _names(event: Mapping[str, Any]) -> str:
    return ", ".join(map(repr, event)) or "nothing"
