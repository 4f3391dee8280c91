"""Dead letters in SQS and S3: stored, all of them, or the sink raises and names those that are not."""

from __future__ import annotations

import json
import pickle
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import ANY, Stubber
from jsonschema import Draft202012Validator

from headwater import DeadLetterError
from headwater.aws import S3Sink, SqsSink
from headwater.dead_letters import DeadLetter, DeadLetterSink
from headwater.errors import DeclarationError, HeadwaterError
from tests.parts.letters import client, letter, record
from tests.parts.tables import CREDENTIALS, REGION, DynamoDB

SCHEMA = json.loads((Path(__file__).parents[1] / "docs" / "dead-letter.schema.json").read_text())
URL = "https://sqs.us-east-1.amazonaws.com/123456789012/letters"
BUCKET = "letters"
SURE = 262_144


@pytest.fixture
def sqs(moto_server: DynamoDB) -> Any:
    """A client of an SQS."""
    return client("sqs", moto_server.endpoint_url)


@pytest.fixture
def s3(moto_server: DynamoDB) -> Any:
    """A client of an S3 with an empty bucket."""
    s3 = client("s3", moto_server.endpoint_url)
    s3.create_bucket(Bucket=BUCKET)
    for found in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
        s3.delete_object(Bucket=BUCKET, Key=found["Key"])
    return s3


@pytest.fixture
def stubbed() -> Iterator[tuple[Any, Stubber]]:
    """An SQS that answers as the test says, and refuses any other call."""
    stubbed = boto3.client("sqs", region_name=REGION, **CREDENTIALS)
    with Stubber(stubbed) as stubber:
        yield stubbed, stubber
        stubber.assert_no_pending_responses()


def new_queue(sqs: Any, *, fifo: bool = False, **attributes: str) -> str:
    name = f"letters-{uuid.uuid4()}"
    if fifo:
        attributes["FifoQueue"], name = "true", f"{name}.fifo"
    url: str = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url


def receive(sqs: Any, url: str) -> list[dict[str, Any]]:
    """All messages of a queue, as they come."""
    messages: list[dict[str, Any]] = []
    while True:
        page = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], AttributeNames=["All"]
        ).get("Messages", [])
        if not page:
            return messages
        for message in page:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        messages += page


def keys_of(s3: Any) -> list[str]:
    return [found["Key"] for found in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ())]


def read_object(s3: Any, key: str) -> Any:
    return json.loads(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())


def letters(count: int) -> list[DeadLetter]:
    return [letter(record(number)) for number in range(1, count + 1)]


# --- SQS --------------------------------------------------------------------------------------------------------------


def test_each_letter_is_a_message(sqs: Any) -> None:
    """Its body is the letter's JSON, its attributes are there to filter by."""
    url = new_queue(sqs)
    sink = SqsSink(url, oversize="fail", client=sqs)
    stored = letters(25)
    sink.store(stored)
    found = receive(sqs, url)
    bodies = sorted(
        (json.loads(message["Body"]) for message in found), key=lambda body: body["sequenceNumber"]
    )
    assert bodies == [each.to_json() for each in stored]
    values = {name: held["StringValue"] for name, held in found[0]["MessageAttributes"].items()}
    assert values == {
        "table": "GameScores",
        "route": "congratulate",
        "errorType": "builtins.ValueError",
        "phase": "handler",
    }


def test_what_a_letter_does_not_know_is_no_attribute(sqs: Any) -> None:
    """SQS takes no empty ones."""
    url = new_queue(sqs)
    SqsSink(url, oversize="fail", client=sqs).store([letter(table="", route=None)])
    [message] = receive(sqs, url)
    assert set(message["MessageAttributes"]) == {"errorType", "phase"}


def test_characters_that_sqs_refuses_are_no_obstacle(stubbed: tuple[Any, Stubber]) -> None:
    """In the body they are escaped, in an attribute they become a question mark."""
    sqs, stubber = stubbed
    strange = letter(
        record(note="\x00\ufffe\x1b"), route="a\x00\ud800ß\U0001f600\ufffe", error_message="\ud800"
    )
    expect_limit(stubber)
    seen: list[dict[str, Any]] = []
    sqs.meta.events.register("before-parameter-build.sqs", lambda params, **_: seen.append(deepcopy(params)))
    stubber.add_response("send_message_batch", taken("0"), {"QueueUrl": URL, "Entries": ANY})
    SqsSink(URL, oversize="fail", client=sqs).store([strange])
    [entry] = seen[-1]["Entries"]
    assert entry["MessageBody"].isascii()
    assert entry["MessageBody"].isprintable()
    assert json.loads(entry["MessageBody"]) == strange.to_json()
    assert entry["MessageAttributes"]["route"]["StringValue"] == "a??ß\U0001f600?"


def calls_of(sqs: Any, operation: str) -> list[dict[str, Any]]:
    """The parameters of all calls from now on."""
    seen: list[dict[str, Any]] = []
    sqs.meta.events.register(
        f"before-parameter-build.sqs.{operation}", lambda params, **_: seen.append(deepcopy(params))
    )
    return seen


def test_a_call_has_ten_messages_at_most(sqs: Any) -> None:
    """And the limit is asked for once."""
    url = new_queue(sqs)
    sent, asked = calls_of(sqs, "SendMessageBatch"), calls_of(sqs, "GetQueueAttributes")
    sink = SqsSink(url, oversize="fail", client=sqs)
    sink.store(letters(25))
    sink.store(letters(1))
    assert [len(call["Entries"]) for call in sent] == [10, 10, 5, 1]
    assert len(asked) == 1


def sizes(call: dict[str, Any]) -> int:
    return sum(
        len(entry["MessageBody"])
        + sum(
            len(name) + len(held["DataType"]) + len(held["StringValue"].encode())
            for name, held in entry["MessageAttributes"].items()
        )
        for entry in call["Entries"]
    )


@pytest.mark.parametrize(
    ("limit", "expected"),
    [(1_048_576, [10]), (400_000, [3, 3, 3, 1]), (SURE, [2, 2, 2, 2, 2]), (110_000, [1] * 10)],
)
def test_a_call_is_no_larger_than_the_queue_allows(limit: int, expected: list[int], sqs: Any) -> None:
    """As the queue itself says."""
    url = new_queue(sqs, MaximumMessageSize=str(limit))
    sent = calls_of(sqs, "SendMessageBatch")
    stored = [letter(record(number, note="x" * 100_000)) for number in range(1, 11)]
    SqsSink(url, oversize="fail", client=sqs).store(stored)
    assert [len(call["Entries"]) for call in sent] == expected
    assert max(map(sizes, sent)) <= limit
    assert len(receive(sqs, url)) == 10


def test_a_message_may_be_as_large_as_the_queue_allows(sqs: Any, s3: Any) -> None:
    """To the byte, attributes counted: one more, and the record goes elsewhere."""
    sent = calls_of(sqs, "SendMessageBatch")
    url = new_queue(sqs)
    SqsSink(url, oversize="fail", client=sqs).store([letter()])
    size = sizes(sent[0])
    for limit, offloaded in ((size, 0), (size - 1, 1)):
        url = new_queue(sqs, MaximumMessageSize=str(limit))
        SqsSink(url, offload=S3Sink(BUCKET, client=s3), client=sqs).store([letter()])
        assert len(keys_of(s3)) == offloaded


def test_a_letter_that_is_too_large_goes_to_s3(sqs: Any, s3: Any) -> None:
    """The message has everything but the record, and says where that is: the object is the whole letter."""
    url = new_queue(sqs, MaximumMessageSize=str(SURE))
    large, small = letter(record(1, note="x" * SURE)), letter(record(2))
    SqsSink(url, offload=S3Sink(BUCKET, client=s3), client=sqs).store([large, small])
    [key] = keys_of(s3)
    assert read_object(s3, key) == large.to_json()
    found = {body["sequenceNumber"]: body for body in (json.loads(m["Body"]) for m in receive(sqs, url))}
    assert found[small.sequence_number] == small.to_json()
    pointer = found[large.sequence_number]
    assert pointer == large.to_json() | {"record": None, "recordAt": {"bucket": BUCKET, "key": key}}
    Draft202012Validator(SCHEMA).validate(pointer)


def test_an_error_that_quotes_the_whole_item_is_cut_off_in_the_message(sqs: Any, s3: Any) -> None:
    """The object has all of it."""
    url = new_queue(sqs, MaximumMessageSize=str(SURE))
    large = letter(error_message="y" * SURE)
    SqsSink(url, offload=S3Sink(BUCKET, client=s3), client=sqs).store([large])
    [message] = receive(sqs, url)
    pointer = json.loads(message["Body"])
    assert pointer["error"] == large.to_json()["error"] | {"message": "y" * 1_000}
    assert read_object(s3, pointer["recordAt"]["key"]) == large.to_json()
    Draft202012Validator(SCHEMA).validate(pointer)


def test_without_a_place_for_large_letters_the_sink_is_refused() -> None:
    """At start, and not when the first large record blocks its shard."""
    with pytest.raises(DeclarationError, match=r"up to 400 KB .*give offload=S3Sink\(\.\.\.\)"):
        SqsSink(URL)
    with pytest.raises(DeclarationError, match="oversize='fial' does not exist"):
        SqsSink(URL, oversize="fial")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_a_large_letter_raises_where_that_was_accepted(sqs: Any) -> None:
    """It stays unacknowledged, and so do those that came with it."""
    url = new_queue(sqs, MaximumMessageSize="20000")
    sink = SqsSink(url, oversize="fail", client=sqs)
    with pytest.raises(DeadLetterError, match="and the queue takes 20000: give the sink offload=") as raised:
        sink.store([letter(record(1)), letter(record(2, note="x" * 20_000))])
    assert [number[-1] for number in raised.value.not_stored] == ["1", "2"]
    assert receive(sqs, url) == []


def expect_limit(stubber: Stubber, limit: int = 1_048_576) -> None:
    stubber.add_response(
        "get_queue_attributes",
        {"Attributes": {"MaximumMessageSize": str(limit)}},
        {"QueueUrl": URL, "AttributeNames": ["MaximumMessageSize"]},
    )


def taken(*names: str, failed: Sequence[str] = ()) -> dict[str, Any]:
    """What SQS answers."""
    return {
        "Successful": [{"Id": name, "MessageId": name, "MD5OfMessageBody": "0"} for name in names],
        "Failed": [{"Id": name, "SenderFault": False, "Code": "InternalError"} for name in failed],
    }


def entries(*names: str) -> dict[str, Any]:
    """What SQS is sent, by the names of the messages."""
    return {"QueueUrl": URL, "Entries": Names(names)}


class Names:
    """Equal to entries of these names."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, list) and [entry["Id"] for entry in other] == self.names

    def __hash__(self) -> int:
        return hash(tuple(self.names))


@pytest.mark.parametrize("code", ["AccessDenied", "QueueDoesNotExist"])
def test_a_queue_that_does_not_tell_its_limit_is_taken_for_an_old_one(
    code: str, stubbed: tuple[Any, Stubber]
) -> None:
    """256 KiB is what any queue takes by default. It is not asked again."""
    sqs, stubber = stubbed
    stubber.add_client_error("get_queue_attributes", code)
    stubber.add_response("send_message_batch", taken("0"), entries("0"))
    stubber.add_response("send_message_batch", taken("1"), entries("1"))
    sink = SqsSink(URL, oversize="fail", client=sqs)
    sink.store([letter(record(number, note="x" * 200_000)) for number in (1, 2)])
    with pytest.raises(DeadLetterError, match=f"the queue takes {SURE}"):
        sink.store([letter(record(note="x" * SURE))])


def test_what_sqs_refuses_of_a_call_is_sent_again_by_itself(
    stubbed: tuple[Any, Stubber], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice, after a pause each; nothing that it has taken is sent twice, and nothing is waited for after that."""
    sqs, stubber = stubbed
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    expect_limit(stubber)
    stubber.add_response("send_message_batch", taken("0", failed=["1", "2"]), entries("0", "1", "2"))
    stubber.add_response("send_message_batch", taken("1"), entries("1"))
    stubber.add_response("send_message_batch", taken(failed=["2"]), entries("2"))
    stubber.add_response("send_message_batch", taken("2"), entries("2"))
    stubber.add_response("send_message_batch", taken("0"), entries("0"))
    sink = SqsSink(URL, oversize="fail", client=sqs)
    sink.store(letters(3))
    assert pauses == [0.1, 0.4]
    sink.store(letters(1))
    assert pauses == [0.1, 0.4]


def test_what_sqs_refuses_three_times_is_named(stubbed: tuple[Any, Stubber]) -> None:
    """And nothing behind that call is sent, since it could be about the same item."""
    sqs, stubber = stubbed
    expect_limit(stubber)
    names = [str(number) for number in range(10)]
    stubber.add_response("send_message_batch", taken(*names[1:], failed=["0"]), entries(*names))
    for _ in range(2):
        stubber.add_response("send_message_batch", taken(failed=["0"]), entries("0"))
    with pytest.raises(
        DeadLetterError, match=r"did not take 3 of 12 dead letters \(InternalError\)"
    ) as raised:
        SqsSink(URL, oversize="fail", client=sqs).store(letters(12))
    assert [int(number) for number in raised.value.not_stored] == [1, 11, 12]
    assert all(number in str(raised.value) for number in raised.value.not_stored)


def test_an_entry_that_sqs_says_nothing_of_is_not_stored(stubbed: tuple[Any, Stubber]) -> None:
    """Only what is among the successful ones is."""
    sqs, stubber = stubbed
    expect_limit(stubber)
    for _ in range(3):
        stubber.add_response("send_message_batch", {"Successful": [], "Failed": []}, entries("0"))
    with pytest.raises(DeadLetterError, match="no answer"):
        SqsSink(URL, oversize="fail", client=sqs).store([letter()])


def test_a_call_that_fails_names_what_is_not_stored(stubbed: tuple[Any, Stubber]) -> None:
    """Whether it is the first one or another: throttling, a missing permission, no connection."""
    sqs, stubber = stubbed
    expect_limit(stubber)
    stubber.add_response("send_message_batch", taken(*"012345678", failed=["9"]), entries(*"0123456789"))
    stubber.add_client_error("send_message_batch", "RequestThrottled")
    with pytest.raises(DeadLetterError, match=r"did not take 3 of 12 .*RequestThrottled") as raised:
        SqsSink(URL, oversize="fail", client=sqs).store(letters(12))
    assert [int(number) for number in raised.value.not_stored] == [10, 11, 12]
    assert isinstance(raised.value.__cause__, ClientError)


def test_an_offload_that_fails_names_what_is_not_stored(sqs: Any, s3: Any) -> None:
    """No message may say that the record is where it is not."""
    url = new_queue(sqs, MaximumMessageSize="1024")
    sink = SqsSink(url, offload=S3Sink("missing", client=s3), client=sqs)
    with pytest.raises(DeadLetterError, match="NoSuchBucket"):
        sink.store([letter()])
    assert receive(sqs, url) == []


def test_a_long_list_of_what_is_not_stored_is_cut_off_in_the_text_alone(stubbed: tuple[Any, Stubber]) -> None:
    """The error itself has all of it."""
    sqs, stubber = stubbed
    expect_limit(stubber)
    stubber.add_client_error("send_message_batch", "AccessDenied")
    with pytest.raises(DeadLetterError) as raised:
        SqsSink(URL, oversize="fail", client=sqs).store(letters(25))
    assert len(raised.value.not_stored) == 25
    assert str(raised.value).endswith(f"{10:021}, ...")


def test_nothing_to_store_sends_nothing(stubbed: tuple[Any, Stubber]) -> None:
    """An empty call would be refused."""
    sqs, stubber = stubbed
    expect_limit(stubber)
    SqsSink(URL, oversize="fail", client=sqs).store([])


# --- FIFO queues ------------------------------------------------------------------------------------------------------


def test_letters_of_one_item_stay_in_order(sqs: Any) -> None:
    """In a FIFO queue; no call has two of one item, since SQS could take the second and refuse the first."""
    url = new_queue(sqs, fifo=True)
    sent = calls_of(sqs, "SendMessageBatch")
    stored = [letter(record(number, user=f"u{number % 3}")) for number in range(1, 10)]
    SqsSink(url, oversize="fail", client=sqs).store(stored)
    assert [len(call["Entries"]) for call in sent] == [3, 3, 3]
    by_group: dict[str, list[int]] = {}
    for message in receive(sqs, url):
        group = message["Attributes"]["MessageGroupId"]
        by_group.setdefault(group, []).append(int(json.loads(message["Body"])["sequenceNumber"]))
    assert sorted(by_group.values()) == [[1, 4, 7], [2, 5, 8], [3, 6, 9]]


def test_a_letter_that_is_sent_again_is_dropped(sqs: Any) -> None:
    """By SQS, within five minutes: the identifier is that of the change, whatever has become of it since."""
    url = new_queue(sqs, fifo=True)
    sink = SqsSink(url, oversize="fail", client=sqs)
    sink.store([letter()])
    sink.store([letter(attempts=4, error_message="again")])
    sink.store([letter(record(2))])
    assert [int(json.loads(message["Body"])["sequenceNumber"]) for message in receive(sqs, url)] == [1, 2]


def group(stored: DeadLetter) -> str:
    """The group of a letter's message."""
    message = SqsSink(URL + ".fifo", oversize="fail", client=object())._message(stored, SURE)
    entry = message.entry("0")
    assert len(entry["MessageDeduplicationId"]) == 64
    return str(entry["MessageGroupId"])


def with_keys(keys: Any) -> dict[str, Any]:
    raw = record()
    raw["dynamodb"]["Keys"] = keys
    return raw


def test_a_group_is_an_item() -> None:
    """Its table and keys, in whatever order they come; 64 characters, whatever they are."""
    one, two = {"A": {"S": "1"}, "B": {"B": b"\x00"}}, {"B": {"B": b"\x00"}, "A": {"S": "1"}}
    other_stream = letter().stream_arn.replace("2024-01-01", "2025-01-01")
    assert group(letter(with_keys(one))) == group(letter(with_keys(two), stream_arn=other_stream))
    others: list[DeadLetter] = [
        letter(with_keys(one)),
        letter(with_keys({"A": {"S": "1"}, "B": {"B": b"\x01"}})),
        letter(with_keys({"A": {"N": "1"}, "B": {"B": b"\x00"}})),
        letter(with_keys({"A": {"S": "x" * 2_000}})),
        letter(with_keys(one), stream_arn="arn:aws:dynamodb:us-east-1:123456789012:table/Other/stream/x"),
        letter(with_keys(one), stream_arn="", table="Other"),
        letter(with_keys(None)),
    ]
    groups = [group(each) for each in others]
    assert max(Counter(groups).values()) == 1
    assert {len(each) for each in groups} == {64}


def test_a_record_without_keys_is_grouped_by_what_it_has() -> None:
    """From Kinesis, by its partition key; else with all of its table, so that nothing overtakes it."""
    kinesis: dict[str, Any] = {"kinesis": {"partitionKey": "A"}, "eventID": "shardId-0:1"}
    assert group(replace(letter(), record=kinesis)) == group(replace(letter(), record=deepcopy(kinesis)))
    kinesis_b = {**kinesis, "kinesis": {"partitionKey": "B"}}
    assert group(replace(letter(), record=kinesis)) != group(replace(letter(), record=kinesis_b))
    assert group(replace(letter(), record={"dynamodb": "x"})) == group(replace(letter(), record={}))


# --- S3 ---------------------------------------------------------------------------------------------------------------


def test_each_letter_is_an_object(s3: Any) -> None:
    """Of JSON, at a place that says table, day, record and function."""
    stored = letters(2)
    S3Sink(BUCKET, client=s3).store(stored)
    assert keys_of(s3) == [
        f"headwater/dead-letters/GameScores/2025/03/09/{each.sequence_number}-{each.event_id}-leaderboard-live-{each.route}.json"
        for each in stored
    ]
    found = s3.get_object(Bucket=BUCKET, Key=keys_of(s3)[0])
    assert found["ContentType"] == "application/json"
    assert json.loads(found["Body"].read()) == stored[0].to_json()


def test_a_letter_that_is_stored_again_takes_the_place_of_the_first(s3: Any) -> None:
    """On another day, with another error; one of another alias or route does not."""
    sink = S3Sink(BUCKET, prefix="", client=s3)
    first = letter()
    again = letter(
        time=first.time + timedelta(days=1),
        attempts=9,
        error_type="builtins.KeyError",
    )
    sink.store([first])
    sink.store([again])
    [key] = keys_of(s3)
    assert key.startswith("GameScores/")
    assert read_object(s3, key) == again.to_json()
    sink.store([replace(first, function_arn=first.function_arn.replace(":live", ":blue"))])
    sink.store([replace(first, route="another")])
    sink.store([replace(first, route=None, phase="record")])
    assert len(keys_of(s3)) == 4


def at(value: Any) -> dict[str, Any]:
    raw = record()
    raw["dynamodb"]["ApproximateCreationDateTime"] = value
    return raw


FOLDERS: dict[str, tuple[DeadLetter, str]] = {
    "seconds": (letter(at(1741564799.9)), "GameScores/2025/03/09/"),
    "a datetime": (letter(at(datetime(2025, 3, 9, 23, tzinfo=UTC))), "GameScores/2025/03/09/"),
    "a datetime elsewhere": (
        letter(at(datetime(2025, 3, 10, 1, tzinfo=timezone(timedelta(hours=2))))),
        "GameScores/2025/03/09/",
    ),
    "no time": (letter(at(None)), "GameScores/undated/"),
    "no time that can be": (letter(at(10**18)), "GameScores/undated/"),
    "from Kinesis": (
        replace(letter(), record={"kinesis": {"approximateArrivalTimestamp": 1741564799.9}}, table=""),
        "unknown-table/2025/03/09/",
    ),
    "no stream part": (replace(letter(), record={"dynamodb": [1]}), "GameScores/undated/"),
}


@pytest.mark.parametrize(("stored", "folder"), FOLDERS.values(), ids=FOLDERS)
def test_the_folder_is_the_day_of_the_record(stored: DeadLetter, folder: str, s3: Any) -> None:
    """It never depends on when the letter was written, so that a repeat finds the same place."""
    S3Sink(BUCKET, prefix="x/", client=s3).store([stored])
    [key] = keys_of(s3)
    assert key.startswith(f"x/{folder}")


def test_no_two_records_share_an_object(s3: Any) -> None:
    """Nor two functions with one record. What is unsafe in a key is replaced, and told apart by a digest."""
    stored = [
        letter(),
        letter(record(2)),
        letter(event_id=""),
        letter(event_id="a/b"),
        letter(event_id="a?b"),
        letter(event_id="../x"),
        letter(event_id="shardId-0:1"),
        letter(event_id="x" * 2_000),
        letter(event_id="x" * 2_001),
        letter(event_id="\ud800"),
        letter(function_arn=""),
        letter(function_arn="arn:aws:lambda:us-east-1:123456789012:function:other"),
        letter(table="Größe"),
        letter(table="Grüße"),
    ]
    S3Sink(BUCKET, client=s3).store(stored)
    keys = keys_of(s3)
    assert len(keys) == len(stored)
    safe = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/")
    assert [key for key in keys if not set(key) <= safe or len(key) > 1_024 or "//" in key] == []
    assert {key.count("/") for key in keys} == {6}


def test_an_object_that_s3_does_not_take_is_named(s3: Any) -> None:
    """With those behind it; what is stored stays stored."""
    s3.meta.events.register("before-call.s3.PutObject", FailFrom(2))
    with pytest.raises(
        DeadLetterError, match=r"bucket letters did not take 2 of 3 .*s3:PutObject on"
    ) as raised:
        S3Sink(BUCKET, client=s3).store(letters(3))
    assert [int(number) for number in raised.value.not_stored] == [2, 3]
    assert len(keys_of(s3)) == 1


class FailFrom:
    """Fails the calls from this one on."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.count = 0

    def __call__(self, **_: Any) -> None:
        self.count += 1
        if self.count >= self.number:
            raise EndpointConnectionError(endpoint_url="http://s3")


def test_a_bucket_that_is_not_there_is_an_error(s3: Any) -> None:
    """With what S3 says."""
    with pytest.raises(DeadLetterError, match=r"bucket missing did not take 1 of 1 .*NoSuchBucket"):
        S3Sink("missing", client=s3).store([letter()])


# --- both -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("service", ["sqs", "s3"])
def test_a_sink_makes_its_client_from_the_environment(
    service: str, moto_server: DynamoDB, sqs: Any, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the first letter comes, with a patience of seconds."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_server.endpoint_url)
    url = new_queue(sqs)
    sink = SqsSink(url, oversize="fail") if service == "sqs" else S3Sink(BUCKET)
    assert sink._client._client is None
    sink.store([letter()])
    assert len(receive(sqs, url) if service == "sqs" else keys_of(s3)) == 1
    config = sink._client.get().meta.config
    assert (config.connect_timeout, config.read_timeout) == (2, 10)


def test_they_are_sinks() -> None:
    """An app takes them, and their reprs say where they store."""
    bucket = S3Sink("letters", prefix="x/", client=object())
    queue = SqsSink(URL, offload=bucket, client=object())
    assert isinstance(bucket, DeadLetterSink)
    assert isinstance(queue, DeadLetterSink)
    assert repr(queue) == f"SqsSink({URL!r}, offload=S3Sink('letters', prefix='x/'))"


def test_what_they_raise_survives_pickling() -> None:
    """Its text and what was not stored."""
    error = DeadLetterError("the queue is full", not_stored=["1", "2"])
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.not_stored, copy.phase) == ("the queue is full", ("1", "2"), "dead letter")
    assert isinstance(copy, HeadwaterError)
