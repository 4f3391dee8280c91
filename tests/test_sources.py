"""Events that do not come from a DynamoDB event source mapping: Kinesis, on-failure objects, GetRecords."""

from __future__ import annotations

import copy
import itertools
import json
import math
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from hypothesis import given
from hypothesis import strategies as st

from headwater import (
    Failed,
    Handled,
    HeadwaterError,
    Insert,
    MalformedRecordError,
    Modify,
    Record,
    Remove,
    SourceError,
    StreamApp,
    to_python,
)
from headwater.get_records import lambda_record
from headwater.kinds import read_record
from headwater.sources import Batch, read_event
from headwater.streams import place_of, table_of
from headwater.testing import Table, event
from tests.parts.tables import CREDENTIALS, REGION, DynamoDB

ORDERS = Table("Orders", keys="Id")
KINESIS_ARN = "arn:aws:kinesis:eu-west-1:123456789012:stream/changes"
NUMBERS = [f"4959033827149025660855969253836157109592157598913658889{digit}" for digit in range(8)]
CAPTURED: dict[str, Any] = {
    "awsRegion": "eu-west-1",
    "eventID": "b015b5f0-c095-4b50-8ad0-4279aa3d88c6",
    "eventName": "INSERT",
    "userIdentity": None,
    "recordFormat": "application/json",
    "tableName": "Orders",
    "dynamodb": {
        "ApproximateCreationDateTime": 1720740233012995,
        "Keys": {"Id": {"S": "1"}},
        "NewImage": {"Id": {"S": "1"}, "Total": {"N": "12.50"}},
        "SizeBytes": 99,
        "ApproximateCreationDateTimePrecision": "MICROSECOND",
    },
    "eventSource": "aws:dynamodb",
}


def wrapped(data: str | bytes | dict[str, Any], number: str = NUMBERS[0]) -> dict[str, Any]:
    """A record as Lambda passes it from a Kinesis stream."""
    content = json.dumps(data).encode() if isinstance(data, dict) else data
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "1",
            "sequenceNumber": number,
            "data": b64encode(content).decode() if isinstance(content, bytes) else content,
            "approximateArrivalTimestamp": 1720740233.5,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-000000000006:{number}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::123456789012:role/lambda",
        "awsRegion": "eu-west-1",
        "eventSourceARN": KINESIS_ARN,
    }


def sent_to_kinesis(raw: dict[str, Any], **stream: Any) -> dict[str, Any]:
    """What DynamoDB puts into Kinesis for a change, made of what is in its stream."""
    kept = {
        name: raw["dynamodb"][name] for name in ("Keys", "NewImage", "OldImage") if name in raw["dynamodb"]
    }
    return {
        **CAPTURED,
        "eventID": str(uuid4()),
        "eventName": raw["eventName"],
        "userIdentity": raw.get("userIdentity"),
        "dynamodb": {"ApproximateCreationDateTime": 1720740233012, **kept, "SizeBytes": 1, **stream},
    }


def changed(content: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """A copy with another value at a path; without it where the value is `...`."""
    copied = copy.deepcopy(content)
    inner = copied
    for name in path[:-1]:
        inner = inner[name]
    if value is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return copied


def only(batch: Batch) -> Record:
    """The one record of a batch, as a handler sees it."""
    [raw] = batch.records
    return read_record(raw)


class Recorder:
    """An app that keeps what its handler saw."""

    def __init__(self) -> None:
        self.app = StreamApp()
        self.seen: list[Record] = []
        self.app.on_record(self.keep)

    def keep(self, record: Record) -> None:
        self.seen.append(record)


# Kinesis Data Streams for DynamoDB


def test_a_change_from_kinesis_reads_as_one_of_a_stream() -> None:
    """As captured from AWS: table, region, exact time, images and identifiers; the JSON null identity is gone."""
    outer = wrapped(CAPTURED)
    batch = read_event({"Records": [outer]})
    assert (batch.source, batch.identifiers, batch.problems) == ("Kinesis Data Streams", [NUMBERS[0]], {})
    assert batch.original(0) is outer
    record = only(batch)
    assert isinstance(record, Insert)
    assert record.new == to_python(CAPTURED["dynamodb"]["NewImage"])
    assert record.keys == {"Id": "1"}
    assert (record.table_name, record.region) == ("Orders", "eu-west-1")
    assert record.sequence_number == NUMBERS[0]
    assert record.event_id == CAPTURED["eventID"]
    assert record.view_type == "NEW_AND_OLD_IMAGES"
    assert record.created_at == datetime(2024, 7, 11, 23, 23, 53, 12995, tzinfo=UTC)
    assert record.user_identity is None
    assert "userIdentity" not in record.raw
    assert "ApproximateCreationDateTimePrecision" not in record.raw["dynamodb"]
    assert record.raw["eventSourceARN"] == KINESIS_ARN
    assert json.loads(json.dumps(record.raw)) == record.raw
    assert outer == wrapped(CAPTURED)


def test_an_identity_is_kept() -> None:
    """A removal by Time to Live is told from others through Kinesis too."""
    raw = ORDERS.remove({"Id": "1"}, expired=True)
    record = only(read_event({"Records": [wrapped(sent_to_kinesis(raw))]}))
    assert isinstance(record, Remove)
    assert record.expired


ITEMS = st.dictionaries(
    st.text(min_size=1, max_size=5),
    st.recursive(
        st.none()
        | st.booleans()
        | st.text(max_size=5)
        | st.binary(max_size=5)
        | st.integers(-(10**30), 10**30),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=5,
    ),
    max_size=4,
)


@given(ITEMS, ITEMS, st.sampled_from(["insert", "modify", "remove"]))
def test_a_wrapped_change_decodes_as_the_direct_one(old: Any, new: Any, kind: str) -> None:
    """Images, keys and changes are the same, whichever way a change came."""
    before, after = {**old, "Id": "1"}, {**new, "Id": "1"}
    raw = ORDERS.modify(before, after) if kind == "modify" else getattr(ORDERS, kind)(after)
    through = only(read_event({"Records": [wrapped(sent_to_kinesis(raw))]}))
    direct = only(read_event({"Records": [raw]}))
    assert type(through) is type(direct)
    assert (through.keys, through.changes) == (direct.keys, direct.changes)
    for image in ("new", "old"):
        assert getattr(through, image, None) == getattr(direct, image, None)


@pytest.mark.parametrize(
    ("precision", "per_second"), [(None, 1_000), ("MILLISECOND", 1_000), ("MICROSECOND", 1_000_000)]
)
@given(data=st.data())
def test_a_time_comes_out_exact(precision: str | None, per_second: int, data: st.DataObject) -> None:
    """Milliseconds where nothing is said, as in older records; every microsecond until the year 2240."""
    units = data.draw(st.integers(1_500_000_000 * per_second, 8_500_000_000 * per_second))
    stream: dict[str, Any] = {"ApproximateCreationDateTime": units}
    if precision is not None:
        stream["ApproximateCreationDateTimePrecision"] = precision
    record = only(read_event({"Records": [wrapped(sent_to_kinesis(ORDERS.insert({"Id": "1"}), **stream))]}))
    start = datetime(1970, 1, 1, tzinfo=UTC)
    assert record.created_at == start + timedelta(microseconds=units * (1_000_000 // per_second))


@pytest.mark.parametrize(
    "stream",
    [
        {"ApproximateCreationDateTime": 1, "ApproximateCreationDateTimePrecision": "NANOSECOND"},
        {"ApproximateCreationDateTime": 1, "ApproximateCreationDateTimePrecision": ["MILLISECOND"]},
        {"ApproximateCreationDateTime": None},
        {"ApproximateCreationDateTime": "1720740233012"},
        {"ApproximateCreationDateTime": True},
        {"ApproximateCreationDateTime": 10**400},
        {"ApproximateCreationDateTime": 10**30},
    ],
)
def test_a_time_that_is_none_is_an_error_for_who_asks(stream: dict[str, Any]) -> None:
    """Never a wrong time; a handler that does not ask for it runs."""
    record = only(read_event({"Records": [wrapped(sent_to_kinesis(ORDERS.insert({"Id": "1"}), **stream))]}))
    assert record.keys == {"Id": "1"}
    with pytest.raises(MalformedRecordError, match="ApproximateCreationDateTime holds no time"):
        print(record.created_at)


def test_a_stream_record_that_was_put_into_kinesis_keeps_what_it_has() -> None:
    """Whether a pipe or a function has put it there: its time is in seconds, its view type and ARN are its own."""
    keys_only = Table("Orders", keys="Id", view_type="KEYS_ONLY", region="us-east-2")
    raw = keys_only.insert({"Id": "1"}, created_at=datetime(2026, 11, 21, tzinfo=UTC))
    record = only(read_event({"Records": [wrapped(raw)]}))
    assert record.created_at == datetime(2026, 11, 21, tzinfo=UTC)
    assert (record.view_type, record.table_name, record.region) == ("KEYS_ONLY", "Orders", "us-east-2")
    assert record.sequence_number == NUMBERS[0]
    assert record.raw["eventSourceARN"] == keys_only.stream_arn


BAD_DATA: dict[str, tuple[Any, str, type[HeadwaterError]]] = {
    "missing": (..., "is base64, this is none", MalformedRecordError),
    "null": (None, "is base64, this is none", MalformedRecordError),
    "a number": (1, "is base64, this is none", MalformedRecordError),
    "empty": ("", "is base64, this is none", MalformedRecordError),
    "no base64": ("{}", "is base64, this is none", MalformedRecordError),
    "cut off": ("eyJhIjog", "is no JSON object", MalformedRecordError),
    "not ascii": ("é", "is base64, this is none", MalformedRecordError),
    "no JSON": (b"\xff\xfe\xfd", "is no JSON object", MalformedRecordError),
    "too deep": (b"[" * 100_000, "is no JSON object", MalformedRecordError),
    "too many digits": (b"1" * 5_000, "is no JSON object", MalformedRecordError),
    "a list": (b"[]", "is no JSON object", MalformedRecordError),
    "null inside": (b"null", "is no JSON object", MalformedRecordError),
    "no change": (b"{}", "is no change of a DynamoDB table", SourceError),
    "another source": (
        changed(CAPTURED, ("eventSource",), "aws:sqs"),
        "is no change of a DynamoDB table",
        SourceError,
    ),
    "no source": (changed(CAPTURED, ("eventSource",), ...), "is no change of a DynamoDB table", SourceError),
    "no stream part": (
        changed(CAPTURED, ("dynamodb",), ...),
        "is no change of a DynamoDB table",
        SourceError,
    ),
    "null stream part": (
        changed(CAPTURED, ("dynamodb",), None),
        "is no change of a DynamoDB table",
        SourceError,
    ),
    "aggregated": (
        b"\xf3\x89\x9a\xc2\n\x0bsomething",
        "aggregated by the Kinesis Producer Library",
        SourceError,
    ),
}


@pytest.mark.parametrize("name", BAD_DATA)
def test_a_kinesis_record_that_holds_no_change_fails_alone(name: str) -> None:
    """It has a name, so the ones before it are acknowledged, and the error says what is wrong with it."""
    data, message, kind = BAD_DATA[name]
    bad = wrapped(b"x" if data is ... else data, NUMBERS[1])
    bad = bad if data is not ... else changed(bad, ("kinesis", "data"), ...)
    records = [wrapped(CAPTURED, NUMBERS[0]), bad, wrapped(CAPTURED, NUMBERS[2])]
    batch = read_event({"Records": records})
    assert list(batch.problems) == [1]
    assert isinstance(batch.problems[1], kind)
    assert batch.problems[1].sequence_number == NUMBERS[1]
    assert message in str(batch.problems[1])
    assert batch.records[1] == {
        "eventSource": "aws:kinesis",
        "eventSourceARN": KINESIS_ARN,
        "dynamodb": {"SequenceNumber": NUMBERS[1]},
    }
    assert batch.original(1) is bad

    recorder = Recorder()
    result = recorder.app.run({"Records": records})
    assert result.response == {"batchItemFailures": [{"itemIdentifier": NUMBERS[1]}]}
    assert result.outcomes[0] == Handled(("keep",))
    assert isinstance(result.outcomes[1], Failed)
    assert result.outcomes[1].phase == "record"
    assert [record.sequence_number for record in recorder.seen] == [NUMBERS[0]]


def test_a_bad_record_quotes_nothing_of_its_data() -> None:
    """The error ends up in logs."""
    batch = read_event({"Records": [wrapped(b'{"Card": "4111-1111"'), wrapped(b'{"Card": "4111-1111"}')]})
    assert len(batch.problems) == 2
    assert all("4111" not in f"{problem}{problem.__cause__}" for problem in batch.problems.values())


@pytest.mark.parametrize("number", [..., None, 5, "", "12a", "-1", "٣", ["1"]])
def test_a_kinesis_record_without_a_number_fails_the_batch(number: Any) -> None:
    """No response could name it, so nothing runs."""
    recorder = Recorder()
    bad = changed(wrapped(CAPTURED), ("kinesis", "sequenceNumber"), number)
    with pytest.raises(SourceError, match=r"record 1 has no usable kinesis\.sequenceNumber"):
        recorder.app({"Records": [wrapped(CAPTURED), bad]})
    assert recorder.seen == []


@pytest.mark.parametrize("part", [..., None, "x", []])
def test_a_kinesis_record_without_its_part_fails_the_batch(part: Any) -> None:
    """As one without a sequence number does."""
    with pytest.raises(SourceError, match=r"record 0 has no usable kinesis\.sequenceNumber"):
        read_event({"Records": [changed(wrapped(CAPTURED), ("kinesis",), part)]})


@pytest.mark.parametrize("kinesis_first", [True, False])
def test_a_batch_of_two_sources_is_refused(kinesis_first: bool) -> None:
    """A mapping reads one stream, so such an event was not made by one."""
    records = [wrapped(CAPTURED), ORDERS.insert({"Id": "1"})]
    expected = (
        "from aws:dynamodb, and record 0 from aws:kinesis" if kinesis_first else "from aws:kinesis and not"
    )
    with pytest.raises(SourceError, match=f"record 1 comes {expected}"):
        read_event({"Records": records if kinesis_first else records[::-1]})
    with pytest.raises(SourceError, match="record 1 comes from a NoneType, and record 0 from aws:kinesis"):
        read_event({"Records": [wrapped(CAPTURED), None]})


def test_the_first_unacknowledged_kinesis_record_is_named() -> None:
    """Lambda takes it for the checkpoint, as of a DynamoDB stream."""
    app = StreamApp()

    @app.on_modify(table="Orders", attribute="Total")
    def handle(record: Modify) -> None:
        if record.new["Total"] == 2:
            raise ValueError

    def change(total: int) -> dict[str, Any]:
        return sent_to_kinesis(ORDERS.modify({"Id": "1", "Total": 0}, {"Id": "1", "Total": total}))

    result = app.run({"Records": [wrapped(change(n), number) for n, number in enumerate(NUMBERS[:4])]})
    assert result.response == {"batchItemFailures": [{"itemIdentifier": NUMBERS[2]}]}
    assert [type(outcome).__name__ for outcome in result.outcomes] == [
        "Skipped",
        "Handled",
        "Failed",
        "Withheld",
    ]


def test_a_record_of_kinesis_can_be_explained() -> None:
    """Its raw form is that of a stream's record."""
    recorder = Recorder()
    recorder.app({"Records": [wrapped(CAPTURED)]})
    [record] = recorder.seen
    assert "keep" in str(recorder.app.explain(record))


def test_where_a_table_is() -> None:
    """The ARN comes first; what it does not say, the record may; no other type counts."""
    assert table_of(ORDERS.insert({"Id": "1"})) == "Orders"
    assert table_of({"eventSourceARN": ORDERS.stream_arn, "tableName": "Other"}) == "Orders"
    assert place_of({"eventSourceARN": KINESIS_ARN, "tableName": "T", "awsRegion": "r"}) == ("r", "T")
    assert place_of({"eventSourceARN": "arn:aws:dynamodb::1:table/T", "awsRegion": "r"}) == ("r", "T")
    assert place_of({"eventSourceARN": 1, "tableName": 2, "awsRegion": None}) == ("", "")
    assert place_of({}) == ("", "")


# On-failure objects

INFO = {
    "shardId": "shardId-00000001573689847184-864758bb",
    "startSequenceNumber": "800000000003126276362",
    "endSequenceNumber": "800000000003126276390",
    "approximateArrivalOfFirstRecord": "2019-11-14T00:13:19Z",
    "approximateArrivalOfLastRecord": "2019-11-14T00:13:19Z",
    "batchSize": 1,
    "streamArn": ORDERS.stream_arn,
}


def discarded(payload: Any, info: str = "DDBStreamBatchInfo") -> dict[str, Any]:
    """What Lambda writes to an on-failure destination; without payload where that is `...`."""
    message = {
        "requestContext": {
            "requestId": "316aa6d0-8154-xmpl-9af7-85d5f4a6bc81",
            "functionArn": "arn:aws:lambda:us-east-2:123456789012:function:f",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 1,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": "2019-11-14T00:13:49.717Z",
        info: INFO,
    }
    return message if payload is ... else {**message, "payload": payload}


@pytest.mark.parametrize("write", [json.dumps, dict], ids=["text", "object"])
def test_an_on_failure_object_is_its_payload(write: Callable[[Any], Any]) -> None:
    """As a text, which AWS documents, or as an object; the response is that of the event in it."""
    records = [ORDERS.insert({"Id": "1"}), ORDERS.insert({"Id": "2"})]
    batch = read_event(discarded(write(event(records))))
    assert (batch.source, batch.records) == ("on-failure object", records)
    app = StreamApp()

    @app.on_insert
    def handle(record: Insert) -> None:
        if record.new["Id"] == "2":
            raise ValueError

    assert app(discarded(write(event(records)))) == {
        "batchItemFailures": [{"itemIdentifier": records[1]["dynamodb"]["SequenceNumber"]}]
    }


def test_an_on_failure_object_of_kinesis_is_its_payload() -> None:
    """`KinesisBatchInfo` instead, and Kinesis records in the payload."""
    batch = read_event(discarded(json.dumps({"Records": [wrapped(CAPTURED)]}), "KinesisBatchInfo"))
    assert (batch.source, batch.identifiers) == ("on-failure object", [NUMBERS[0]])
    assert only(batch).table_name == "Orders"
    assert batch.original(0) == wrapped(CAPTURED)


def test_the_age_limit_writes_no_response_context() -> None:
    """What was never invoked has no response; the records are there all the same."""
    message = discarded(json.dumps(event([ORDERS.insert({"Id": "1"})])))
    del message["responseContext"]
    assert len(read_event(message).records) == 1


@pytest.mark.parametrize("info", ["DDBStreamBatchInfo", "KinesisBatchInfo"])
@pytest.mark.parametrize("payload", [..., None])
def test_an_on_failure_message_without_records_says_where_they_are(payload: Any, info: str) -> None:
    """SQS and SNS get metadata only."""
    with pytest.raises(SourceError) as caught:
        Recorder().app(discarded(payload, info))
    for part in (
        INFO["shardId"],
        INFO["startSequenceNumber"],
        INFO["endSequenceNumber"],
        "does not hold them",
    ):
        assert str(part) in str(caught.value)


def test_the_message_of_a_pipe_is_refused_in_the_same_words() -> None:
    """It has another context, and no records either."""
    message = {
        "context": {"partnerResourceArn": "arn:aws:pipes:::pipe/p", "condition": "RetryAttemptsExhausted"},
        "version": "1.0",
        "timestamp": "2024-01-01T00:00:00.000Z",
        "DDBStreamBatchInfo": INFO,
    }
    with pytest.raises(SourceError, match="shardId-00000001573689847184-864758bb"):
        read_event(message)


@pytest.mark.parametrize("info", [None, [], "x", {}])
def test_an_on_failure_message_that_knows_nothing_is_refused(info: Any) -> None:
    """Its batch info may be anything."""
    with pytest.raises(SourceError, match="shard None, sequence numbers None to None"):
        read_event({"DDBStreamBatchInfo": info})


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ("", "is no JSON"),
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("null", "is no event with Records"),
        ("[]", "is no event with Records"),
        ("{}", "is no event with Records"),
        ({}, "is no event with Records"),
        ([], "is no event with Records"),
        (1, "is no event with Records"),
        ({"Records": None}, "is no event with Records"),
        (json.dumps(json.dumps({"Records": []})), "is no event with Records"),
        ({"Records": [{"body": "x", "eventSource": "aws:sqs"}]}, "record 0 comes from aws:sqs"),
        ({"DDBStreamBatchInfo": {}, "payload": "{}"}, "is no event with Records"),
    ],
)
def test_a_payload_that_is_no_event_is_refused(payload: Any, message: str) -> None:
    """Never success."""
    with pytest.raises(SourceError, match=message):
        read_event(discarded(payload))


def test_other_messages_of_lambda_are_refused() -> None:
    """Such as that of an asynchronous invocation that failed."""
    with pytest.raises(SourceError, match="has a list of Records, this one has 'version', 'requestPayload'"):
        read_event({"version": "1.0", "requestPayload": event([ORDERS.insert({"Id": "1"})])})


# What boto3's get_records returns


class Answer:
    """A client of `dynamodbstreams` that is answered, so that boto3 parses what AWS's service would send."""

    def __init__(self, page: dict[str, Any]) -> None:
        self.client = boto3.client("dynamodbstreams", region_name=REGION, **CREDENTIALS)
        self.content = json.dumps(page).encode()
        self.client.meta.events.register("before-send.dynamodb-streams.GetRecords", self.respond)

    def respond(self, **_: Any) -> AWSResponse:
        response = AWSResponse("https://streams.dynamodb", 200, {"x-amzn-RequestId": "1"}, None)
        response._content = self.content
        return response

    def page(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.client.get_records(ShardIterator="x")
        return answer


def as_sent(raw: dict[str, Any]) -> dict[str, Any]:
    """A record as the service sends it: a capitalised identity, no ARN."""
    sent = {name: value for name, value in raw.items() if name != "eventSourceARN"}
    if "userIdentity" in sent:
        sent["userIdentity"] = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
    return sent


WRITTEN = {
    "Id": "1",
    "Exact": 12345678901234567890123456789012345678,
    "Binary": b"\x00\xff",
    "Binaries": {b"", b"x"},
    "Texts": {"a", "b"},
    "Nested": [{"B": b"y", "None": None}, True],
}


@pytest.fixture
def page() -> dict[str, Any]:
    """An answer with an insertion, a change and a removal by Time to Live."""
    table = Table("Orders", keys="Id", region=REGION)
    records = [
        table.insert(WRITTEN, sequence_number="90"),
        table.modify(WRITTEN, {**WRITTEN, "Texts": {"c"}}, sequence_number="100"),
        table.remove(WRITTEN, expired=True, sequence_number="101"),
    ]
    return Answer({"Records": [as_sent(raw) for raw in records], "NextShardIterator": "next"}).page()


def test_an_answer_of_get_records_is_read_as_it_is(page: dict[str, Any]) -> None:
    """Parsed by boto3: bytes, a datetime, a capitalised identity. The records become those of a Lambda event."""
    assert isinstance(page["Records"][0]["dynamodb"]["NewImage"]["Binary"]["B"], bytes)
    batch = read_event({**page, "eventSourceARN": ORDERS.stream_arn})
    assert (batch.source, batch.identifiers, batch.problems) == ("GetRecords", ["90", "100", "101"], {})
    inserted, modified, removed = map(read_record, batch.records)
    assert isinstance(inserted, Insert)
    assert inserted.new == WRITTEN
    assert list(modified.changes) == ["Texts"]
    assert isinstance(removed, Remove)
    assert removed.expired
    assert removed.table_name == "Orders"
    written = page["Records"][0]["dynamodb"]["ApproximateCreationDateTime"]
    assert inserted.created_at == written
    assert json.loads(json.dumps(list(batch.records))) == batch.records
    assert batch.original(0) == batch.records[0]
    assert list(removed.raw) == list(ORDERS.remove({"Id": "1"}, expired=True))


@pytest.mark.parametrize("kept", ["NextShardIterator", "ResponseMetadata", None])
def test_an_answer_of_get_records_is_told_by_any_of_its_marks(page: dict[str, Any], kept: str | None) -> None:
    """What is beside the records, or the type of a time; without ARN there is no table name."""
    marks = {name: page[name] for name in [kept] if name is not None}
    batch = read_event({"Records": page["Records"], **marks})
    assert batch.source == "GetRecords"
    assert read_record(batch.records[0]).table_name == ""
    assert "eventSourceARN" not in batch.records[0]


def test_the_last_page_of_a_shard_and_an_empty_one_are_read() -> None:
    """No iterator, no records."""
    batch = read_event(Answer({"Records": []}).page())
    assert (batch.source, list(batch.records)) == ("GetRecords", [])
    assert StreamApp()(Answer({"Records": []}).page()) == {"batchItemFailures": []}


def test_the_response_names_where_to_read_on(page: dict[str, Any]) -> None:
    """The first record that is not acknowledged, by its sequence number."""
    app = StreamApp()

    @app.on_modify
    def handle(_record: Modify) -> None:
        raise ValueError

    assert app(page) == {"batchItemFailures": [{"itemIdentifier": "100"}]}


def test_records_that_are_in_lambdas_form_already_stay_so() -> None:
    """As after a round through `lambda_record`: identity, ARN and binaries are as they were."""
    records = [ORDERS.remove(WRITTEN, expired=True), ORDERS.insert(WRITTEN)]
    batch = read_event({"Records": records, "ResponseMetadata": {}})
    assert batch.records == records
    assert lambda_record({"dynamodb": {}}) == {"dynamodb": {}}


@pytest.mark.parametrize("arn", [None, "", 1, []])
def test_an_arn_that_is_none_is_refused(page: dict[str, Any], arn: Any) -> None:
    """Else every record would be of no table, and routes of a table would not run."""
    with pytest.raises(
        SourceError, match=r"eventSourceARN beside the Records of get_records is the stream's ARN"
    ):
        read_event({**page, "eventSourceARN": arn})


def test_what_a_real_table_gives_is_read(dynamodb_local: DynamoDB) -> None:
    """Page by page from DynamoDB Local, as boto3 returns them."""
    name = f"pages-{uuid4().hex}"
    arn = dynamodb_local.create_table(name, keys=("Id",))
    for total in ("1", "2"):
        item = {"Id": {"S": "a"}, "Total": {"N": total}, "Raw": {"B": b"\xff"}}
        dynamodb_local.dynamodb.put_item(TableName=name, Item=item)
    dynamodb_local.read_stream(arn, count=2)  # wait for them
    [shard] = dynamodb_local.streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    iterator = dynamodb_local.streams.get_shard_iterator(
        StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    answer = dynamodb_local.streams.get_records(ShardIterator=iterator)
    app = StreamApp()
    seen: list[Any] = []

    @app.on_modify(table=name, attribute="Total")
    def handle(record: Modify) -> None:
        seen.append((record.new, record.old["Total"], record.region))

    result = app.run({**answer, "eventSourceARN": arn})
    assert result.response == {"batchItemFailures": []}
    assert seen == [({"Id": "a", "Total": 2, "Raw": b"\xff"}, 1, arn.split(":")[3])]


# EventBridge Pipes, and what is no event at all


def test_a_pipe_is_told_every_unacknowledged_record_by_its_event_id() -> None:
    """It sends a bare list, and delivers again only what is listed."""
    records = [ORDERS.insert({"Id": key}) for key in "abc"]
    batch = read_event(records)
    assert (batch.source, batch.records, batch.originals) == ("EventBridge Pipes", records, None)
    failed = Failed("handler", ValueError())
    assert batch.response([Handled(()), failed, failed]) == {
        "batchItemFailures": [{"itemIdentifier": raw["eventID"]} for raw in records[1:]]
    }


@pytest.mark.parametrize("event_id", [..., None, "", 1])
def test_a_record_of_a_pipe_without_event_id_fails_the_batch(event_id: Any) -> None:
    """No response could name it."""
    with pytest.raises(SourceError, match="record 0 has no usable eventID"):
        read_event([changed(ORDERS.insert({"Id": "1"}), ("eventID",), event_id)])


def test_a_kinesis_stream_behind_a_pipe_is_refused_by_name() -> None:
    """A pipe sends its records flat, without sequence number of DynamoDB and without `kinesis` part."""
    flat = {**wrapped(CAPTURED), **wrapped(CAPTURED)["kinesis"]}
    del flat["kinesis"]
    with pytest.raises(SourceError, match="record 0 comes from aws:kinesis and not from a DynamoDB stream"):
        read_event([flat])


@pytest.mark.parametrize("event", [None, 1, "Records", (), b""])
def test_what_is_no_json_object_is_refused(event: Any) -> None:
    """By its type."""
    with pytest.raises(SourceError, match=f"this is a {type(event).__name__}"):
        read_event(event)


# Whatever is missing or of a wrong type

ROUTED = sent_to_kinesis(ORDERS.modify({"Id": "1", "A": 1}, {"Id": "1", "A": 2}))
STREAM_PATHS = [
    ("eventName",),
    ("eventSource",),
    ("dynamodb",),
    ("dynamodb", "Keys"),
    ("dynamodb", "NewImage"),
    ("dynamodb", "OldImage"),
    ("dynamodb", "ApproximateCreationDateTime"),
]
WRONG = [..., None, True, 1, 1.5, "", "x", [], [None], {}, {"": None}, math.nan]


def read_all(record: Modify) -> None:
    """What a handler may ask, so that whatever is damaged is met."""
    print(record.old, record.new, record.keys, record.changes, record.created_at, record.user_identity)


def hostile() -> Iterator[tuple[str, Any]]:
    """Events of each source with one field missing or of a wrong type."""
    direct = ORDERS.modify({"Id": "1", "A": 1}, {"Id": "1", "A": 2}, sequence_number="5")
    numbered = [*STREAM_PATHS, ("dynamodb", "SequenceNumber")]
    outer = [("kinesis",), ("kinesis", "data"), ("kinesis", "sequenceNumber"), ("eventSource",)]
    for path, wrong in itertools.product(numbered, WRONG):
        yield f"page {path} {wrong}", {"Records": [changed(direct, path, wrong)], "ResponseMetadata": {}}
        yield f"object {path} {wrong}", discarded(event([changed(direct, path, wrong)]))
    for path, wrong in itertools.product(STREAM_PATHS, WRONG):
        yield f"change {path} {wrong}", {"Records": [wrapped(changed(ROUTED, path, wrong))]}
    for path, wrong in itertools.product(outer, WRONG):
        yield f"kinesis {path} {wrong}", {"Records": [changed(wrapped(ROUTED), path, wrong)]}
    for wrong in WRONG[1:]:
        yield f"record {wrong}", {"Records": [wrong], "ResponseMetadata": {}}
        yield f"second {wrong}", {"Records": [wrapped(ROUTED), wrong]}


HOSTILE = dict(hostile())
HARMLESS = {
    # They are right: a time in seconds, or a number of milliseconds after 1970.
    "page ('dynamodb', 'ApproximateCreationDateTime') 1",
    "page ('dynamodb', 'ApproximateCreationDateTime') 1.5",
    "object ('dynamodb', 'ApproximateCreationDateTime') 1",
    "object ('dynamodb', 'ApproximateCreationDateTime') 1.5",
    "change ('dynamodb', 'ApproximateCreationDateTime') 1",
    # An item without attributes is in the wire form.
    *(
        f"{source} ('dynamodb', '{image}') {{}}"
        for source in ("page", "object", "change")
        for image in ("Keys", "NewImage", "OldImage")
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_damaged_is_never_acknowledged(name: str) -> None:
    """It raises SourceError, or fails its record in a named way; a record that is fine is handled."""
    app = StreamApp()
    app.on_modify(read_all)
    try:
        result = app.run(HOSTILE[name])
    except SourceError:
        assert name not in HARMLESS
        return
    assert bool(result.response["batchItemFailures"]) == (name not in HARMLESS)
    for outcome in result.outcomes:
        if isinstance(outcome, Failed):
            assert isinstance(outcome.error, HeadwaterError)
