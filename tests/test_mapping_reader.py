"""Reading a shard: whatever the stream answers, no record is skipped unsaid, and none comes twice."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    IncompleteReadError,
    NoCredentialsError,
    ReadTimeoutError,
)

from headwater.mapping.checkpoints import Checkpoints
from headwater.mapping.lineage import TRIM_HORIZON, Lineage, ListedShard, Start, StartingPosition
from headwater.mapping.listing import Listing, describe
from headwater.mapping.polling import next_read_at
from headwater.mapping.reader import Page, PositionError, ShardReader, UnansweredError, is_transient
from headwater.sources import read_event
from tests.parts.dynamodb_local import free_port
from tests.parts.streams import SHARD_A, SHARD_B, SHARD_C, STREAM_ARN, Script, numbers
from tests.parts.tables import CREDENTIALS, PATIENCE_SECONDS, REGION, DynamoDB

LATEST = Start("LATEST", since=1000.0)
KEPT = Start("AFTER_SEQUENCE_NUMBER", f"{2:021}")


def reader_of(script: Script, start: Start = TRIM_HORIZON) -> ShardReader:
    return ShardReader(script.client, STREAM_ARN, SHARD_A, start)


def read(reader: ShardReader) -> Page:
    return reader.read(100)


# In order, to the end


def test_a_shard_is_read_page_by_page_to_its_end() -> None:
    """The last page says that it is the last; nothing is asked after it."""
    script = Script()
    script.iterator("a0")
    script.records("a0", 1, 2, then="a1")
    script.records("a1", then="a2")
    script.records("a2", 3, then=None)

    reader = reader_of(script)
    pages = [read(reader) for _ in range(4)]

    assert [(numbers(page.records), page.found, page.closed) for page in pages] == [
        ([1, 2], True, False),
        ([], False, False),
        ([3], True, True),
        ([], False, True),
    ]
    assert not any(page.trimmed or page.wait or page.reason for page in pages)
    script.is_over()


def test_reading_goes_on_behind_the_kept_position() -> None:
    """Should the stream give what is at or before it, that is not handed out."""
    script = Script()
    script.iterator("a0", "AFTER_SEQUENCE_NUMBER", 2)
    script.records("a0", 1, 2, 3, 10, then="a1")
    script.records("a1", 10, 9, 11, then="a2")

    reader = reader_of(script, KEPT)
    assert numbers(read(reader).records) == [3, 10]
    assert numbers(read(reader).records) == [11]


def test_no_more_than_a_thousand_records_are_asked_for() -> None:
    """The service refuses a larger limit."""
    script = Script()
    script.iterator("a0")
    script.records("a0", 1, then="a1", limit=1000)
    assert numbers(reader_of(script).read(10_000).records) == [1]


# Iterators that are no use any more


def test_behind_an_expired_iterator_reading_goes_on_after_the_last_record() -> None:
    """Also when nothing was read since the position that was kept."""
    script = Script()
    script.iterator("a0", "AFTER_SEQUENCE_NUMBER", 2)
    script.fails("a0", "ExpiredIteratorException")
    script.iterator("a1", "AFTER_SEQUENCE_NUMBER", 2)
    script.records("a1", 3, 4, then="a2")
    script.fails("a2", "ExpiredIteratorException")
    script.iterator("a3", "AFTER_SEQUENCE_NUMBER", 4)
    script.records("a3", 5, then="a4")

    reader = reader_of(script, KEPT)
    pages = [read(reader) for _ in range(4)]

    assert [numbers(page.records) for page in pages] == [[], [3, 4], [], [5]]
    assert not any(page.trimmed or page.wait for page in pages)
    script.is_over()


def test_what_the_stream_has_trimmed_is_told_and_reading_goes_on() -> None:
    """When an iterator leads to what is gone."""
    script = Script()
    script.iterator("a0")
    script.records("a0", 1, 2, then="a1")
    script.fails("a1", "TrimmedDataAccessException")
    script.iterator("a2")
    script.records("a2", 2, 7, then="a3")

    reader = reader_of(script)
    read(reader)
    trimmed, after = read(reader), read(reader)

    assert (trimmed.records, trimmed.trimmed, trimmed.closed, trimmed.wait) == ((), True, False, 0)
    assert f"trimmed records of shard {SHARD_A} before they were read" in trimmed.reason
    assert (numbers(after.records), after.trimmed) == ([7], False)
    script.is_over()


def test_a_kept_position_that_is_trimmed_is_told_and_reading_goes_on() -> None:
    """When the mapping was stopped for more than a day."""
    script = Script()
    script.no_iterator("TrimmedDataAccessException", "AFTER_SEQUENCE_NUMBER", 2)
    script.iterator("a0")
    script.records("a0", 7, then="a1")

    reader = reader_of(script, KEPT)
    assert read(reader).trimmed
    assert read(reader)._replace(records=[]) == Page(records=[], found=True)


def test_a_shard_that_has_vanished_is_closed_and_what_may_be_lost_is_told() -> None:
    """The stream lists it no more: nothing will ever come, and its children must not wait for ever."""
    script = Script()
    script.no_iterator("ResourceNotFoundException", "AFTER_SEQUENCE_NUMBER", 2)

    reader = reader_of(script, KEPT)
    page = read(reader)

    assert (page.closed, page.trimmed) == (True, True)
    assert f"no shard {SHARD_A} any more" in page.reason
    assert read(reader) == Page(closed=True)


# Starting at LATEST


def test_latest_means_from_the_moment_it_was_said() -> None:
    """The place is fixed by `open`, and read from later; what comes by it has no need of a time."""
    script = Script()
    script.iterator("a0", "LATEST")
    script.records("a0", 5, then="a1", created={5: 3.0})

    reader = reader_of(script, LATEST)
    assert (reader.open(), reader.open()) == (Page(), Page())
    assert numbers(read(reader).records) == [5]
    script.is_over()


@pytest.mark.parametrize("code", ["ExpiredIteratorException", "TrimmedDataAccessException"])
def test_latest_is_not_said_twice(code: str) -> None:
    """A second iterator of that type would leave out what was written since: what is too old is left out by its time."""
    script = Script()
    script.iterator("a0", "LATEST")
    script.records("a0", then="a1")
    script.fails("a1", code)
    script.iterator("a2")
    script.records("a2", 1, 2, then="a3", created={1: 900.0, 2: 998.5})
    script.records("a3", 3, 4, 5, 6, then="a4", created={3: 999.0, 4: 1000.0, 5: 998.0})

    reader = reader_of(script, LATEST)
    pages = [read(reader) for _ in range(4)]

    assert [(numbers(page.records), page.found) for page in pages] == [
        ([], False),
        ([], False),
        ([], True),
        ([4, 5, 6], True),
    ]
    assert not any(page.trimmed for page in pages)
    script.is_over()


@pytest.mark.parametrize(
    "created", [{1: 999.0}, {1: 999.0, 2: 999.5}, {1: 900.0, 2: 960.0}], ids=["none", "second", "minute"]
)
def test_what_may_have_been_written_since_is_wanted(created: dict[int, float]) -> None:
    """Rather a record too many than one too few: where there is no time, or it is rounded down."""
    script = Script()
    script.iterator("a0")
    script.records("a0", 1, 2, 3, then="a1", created=created)
    assert numbers(read(reader_of(script, Start("AT_TIMESTAMP", since=1000.0))).records) == [2, 3]


# Streams that do not answer


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("LimitExceededException", 400),
        ("ProvisionedThroughputExceededException", 400),
        ("ThrottlingException", 400),
        ("Throttling", 400),
        ("InternalServerError", 500),
        ("SomethingNew", 503),
    ],
)
def test_a_stream_that_is_busy_is_asked_again_later(code: str, status: int) -> None:
    """Each time after twice as long, at most eight seconds, with the same iterator; an answer ends that."""
    script = Script()
    script.iterator("a0")
    for _ in range(7):
        script.fails("a0", code, status)
    script.records("a0", 1, then="a1")
    script.fails("a1", code, status)

    reader = reader_of(script)
    pages = [read(reader) for _ in range(9)]

    assert [page.wait for page in pages] == [0.25, 0.5, 1, 2, 4, 8, 8, 0, 0.25]
    assert code in pages[0].reason
    assert numbers(pages[7].records) == [1]
    assert not any(page.trimmed or page.closed for page in pages)


def test_the_place_is_fixed_later_when_the_stream_is_busy() -> None:
    """A place that is not fixed is asked for in the same way again."""
    script = Script()
    script.no_iterator("LimitExceededException", "LATEST")
    script.iterator("a0", "LATEST")

    reader = reader_of(script, LATEST)
    assert [reader.open().wait, reader.open().wait] == [0.25, 0]
    script.is_over()


def test_a_stream_that_can_not_be_reached_is_asked_again_later() -> None:
    """An emulator that is being restarted, or a network that is away."""
    endpoint = f"http://127.0.0.1:{free_port()}"
    config = Config(retries={"max_attempts": 0})
    client = boto3.client(
        "dynamodbstreams", endpoint_url=endpoint, region_name=REGION, config=config, **CREDENTIALS
    )

    reader = ShardReader(client, STREAM_ARN, SHARD_A, TRIM_HORIZON)
    pages = [read(reader), read(reader)]

    assert [page.wait for page in pages] == [0.25, 0.5]
    assert endpoint in pages[0].reason
    with pytest.raises(EndpointConnectionError) as caught:
        describe(client, STREAM_ARN)
    assert is_transient(caught.value)


def test_a_page_of_a_proxy_is_no_answer() -> None:
    """It has the status 200, so botocore takes it for one; the stream is asked again, where reading stood."""
    client = boto3.client("dynamodbstreams", region_name=REGION, **CREDENTIALS)
    page = b"<html>Sign in</html>"
    bodies = [page, b'{"ShardIterator": "a0"}', page, b'{"Records": [], "NextShardIterator": "a1"}']

    def answer(request: AWSPreparedRequest, **_given: Any) -> AWSResponse:
        body = SimpleNamespace(stream=lambda: [bodies.pop(0)])
        return AWSResponse(request.url, 200, {}, body)

    client.meta.events.register("before-send.dynamodb-streams", answer)
    reader = ShardReader(client, STREAM_ARN, SHARD_A, LATEST)
    pages = [read(reader) for _ in range(3)]

    assert [page.wait for page in pages] == [0.25, 0.5, 0.0]
    assert [page.reason for page in pages] == [
        f"an answer has no {name}: is it a proxy that answers in place of DynamoDB?"
        for name in ("ShardIterator", "Records")
    ] + [""]
    assert not any(page.closed for page in pages)
    assert bodies == []


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (ConnectTimeoutError(endpoint_url="http://x"), True),
        (ReadTimeoutError(endpoint_url="http://x"), True),
        (IncompleteReadError(actual_bytes=1, expected_bytes=2), True),
        (UnansweredError("no Records"), True),
        (NoCredentialsError(), False),
        (ClientError({"Error": {"Code": "ThrottlingException"}}, "DescribeStream"), True),
        (ClientError({"Error": {"Code": "AccessDeniedException"}}, "DescribeStream"), False),
        (ClientError({}, "DescribeStream"), False),
        (ValueError(), False),
    ],
)
def test_an_error_says_whether_asking_again_helps(error: Exception, *, transient: bool) -> None:
    """Waiting cures a busy service, and no missing permission."""
    assert is_transient(error) is transient


@pytest.mark.parametrize("code", ["AccessDeniedException", "ValidationException"])
def test_what_asking_again_does_not_cure_is_raised(code: str) -> None:
    """As boto3 says it."""
    script = Script()
    script.no_iterator(code)
    with pytest.raises(ClientError, match=code):
        read(reader_of(script))


def test_a_position_of_another_stream_is_refused() -> None:
    """Nobody can tell what of this shard was read."""
    script = Script()
    script.no_iterator("ValidationException", "AFTER_SEQUENCE_NUMBER", 2)
    with pytest.raises(
        PositionError, match=f"no record {2:021} in shard {SHARD_A}.*: .* forget it"
    ) as caught:
        read(reader_of(script, KEPT))
    assert isinstance(caught.value.__cause__, ClientError)


# Pacing


def test_a_shard_without_records_is_read_four_times_a_second() -> None:
    """And one that has records at once again."""
    assert next_read_at(10.0, found=False) == 10.25
    assert next_read_at(10.0, found=True) == 10.0


# Listing


def test_a_stream_is_listed_over_all_its_pages() -> None:
    """With what is closed, and the time by the service's clock, rounded to the safe side."""
    shards = [ListedShard(SHARD_B, SHARD_A), ListedShard(SHARD_A, closed=True), ListedShard(SHARD_C, SHARD_A)]
    script = Script()
    script.describe(*shards[:2], more=True, date="Sat, 21 Nov 2026 08:00:00 GMT")
    script.describe(shards[2], after=SHARD_A, date="Sat, 21 Nov 2026 09:00:00 GMT")

    listing = describe(script.client, STREAM_ARN)

    assert listing == Listing("ENABLED", shards, 1795248000.0 - 1)
    assert not listing.disabled
    script.is_over()


@pytest.mark.parametrize(
    ("status", "disabled"), [("ENABLING", False), ("DISABLING", True), ("DISABLED", True)]
)
def test_a_stream_says_whether_more_will_come(status: str, *, disabled: bool) -> None:
    """Where the service does not say the time, this machine's clock is as good as any."""
    script, before = Script(), time.time()
    script.describe(status=status)
    listing = describe(script.client, STREAM_ARN)
    assert listing.disabled is disabled
    assert before - 1 <= listing.at <= time.time() - 1


# Real streams


def put(database: DynamoDB, table: str, *values: int) -> None:
    for value in values:
        database.dynamodb.put_item(
            TableName=table, Item={"Id": {"S": "1"}, "N": {"N": str(value)}, "B": {"B": b"x"}}
        )


def values(records: list[dict[str, Any]]) -> list[int]:
    return [int(record["dynamodb"]["NewImage"]["N"]["N"]) for record in records]


class Follower:
    """The least that can be done with the parts: read all that may be read, and settle each record at once."""

    def __init__(self, client: Any, stream_arn: str, starting_position: StartingPosition, path: Path) -> None:
        self.client, self.stream_arn = client, stream_arn
        self.checkpoints = Checkpoints(path, mapping="test", stream_arn=stream_arn)
        self.lineage = Lineage(starting_position, self.checkpoints.position())
        self.readers: dict[str, ShardReader] = {}
        self.list_shards()
        self.checkpoints.start(self.lineage.position)

    def list_shards(self) -> None:
        listing = describe(self.client, self.stream_arn)
        self.disabled = listing.disabled
        self.lineage.found(listing.shards, listing.at)
        for shard_id, start in self.lineage.startable().items():
            self.readers[shard_id] = ShardReader(self.client, self.stream_arn, shard_id, start)
            assert self.readers[shard_id].open() == Page()

    def step(self, limit: int = 3) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for shard_id, reader in list(self.readers.items()):
            page = reader.read(limit)
            assert len(page.records) <= limit
            assert not page.trimmed
            found += page.records
            if page.records:
                self.checkpoints.keep(shard_id, page.records[-1]["dynamodb"]["SequenceNumber"])
            if page.closed:
                self.checkpoints.finish(shard_id)
                self.lineage.finish(shard_id)
                del self.readers[shard_id]
        self.list_shards()
        return found

    def take(self, count: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(found) < count and time.monotonic() < deadline:
            found += self.step()
        assert len(found) == count
        return found


@pytest.fixture(params=["dynamodb_local", "moto_server"])
def database(request: pytest.FixtureRequest) -> DynamoDB:
    found: DynamoDB = request.getfixturevalue(request.param)
    return found


def test_a_real_stream_is_read_in_order_in_lambdas_form(database: DynamoDB, tmp_path: Path) -> None:
    """And goes on where it was left."""
    name = f"reader-{uuid4().hex}"
    arn = database.create_table(name, keys=("Id",))
    put(database, name, *range(7))

    mapping = Follower(database.streams, arn, "TRIM_HORIZON", tmp_path / "kept")
    records = mapping.step()
    assert len(read_event({"Records": records}).identifiers) == 3
    assert {record["eventSourceARN"] for record in records} == {arn}
    assert records[0]["dynamodb"]["NewImage"] == {"Id": {"S": "1"}, "N": {"N": "0"}, "B": {"B": "eA=="}}
    mapping.checkpoints.close()

    again = Follower(database.streams, arn, "LATEST", tmp_path / "kept")
    put(database, name, 7)
    assert values(records + again.take(5)) == list(range(8))
    assert again.step() == []
    again.checkpoints.close()


@pytest.mark.parametrize("before", [(), (1, 2)])
def test_latest_starts_with_what_comes_after(
    database: DynamoDB, tmp_path: Path, before: tuple[int, ...]
) -> None:
    """What was written before is not read; what was written while the mapping was stopped is, though it had read nothing."""
    name = f"latest-{uuid4().hex}"
    arn = database.create_table(name, keys=("Id",))
    put(database, name, *before)
    mapping = Follower(database.streams, arn, "LATEST", tmp_path / "kept")
    put(database, name, 3)
    assert values(mapping.take(1)) == [3]
    mapping.checkpoints.close()


def test_a_restart_at_latest_loses_nothing(database: DynamoDB, tmp_path: Path) -> None:
    """What was written while the mapping was stopped is read, though it had read nothing before."""
    name = f"restart-{uuid4().hex}"
    arn = database.create_table(name, keys=("Id",))
    Follower(database.streams, arn, "LATEST", tmp_path / "kept").checkpoints.close()
    put(database, name, 1, 2)
    again = Follower(database.streams, arn, "LATEST", tmp_path / "kept")
    assert values(again.take(2)) == [1, 2]
    again.checkpoints.close()


def test_a_disabled_stream_is_read_to_its_end(dynamodb_local: DynamoDB, tmp_path: Path) -> None:
    """It says that no more comes, so the mapping can end."""
    name = f"disabled-{uuid4().hex}"
    arn = dynamodb_local.create_table(name, keys=("Id",))
    put(dynamodb_local, name, 1, 2, 3, 4)
    dynamodb_local.dynamodb.update_table(TableName=name, StreamSpecification={"StreamEnabled": False})

    mapping = Follower(dynamodb_local.streams, arn, "TRIM_HORIZON", tmp_path / "kept")
    assert values(mapping.take(4)) == [1, 2, 3, 4]
    assert (mapping.disabled, mapping.lineage.done) == (True, True)
    mapping.checkpoints.close()

    again = Follower(dynamodb_local.streams, arn, "TRIM_HORIZON", tmp_path / "kept")
    assert (again.readers, again.lineage.done) == ({}, True)
    again.checkpoints.close()


def test_a_real_stream_refuses_a_position_of_another_one(dynamodb_local: DynamoDB) -> None:
    """And a shard that it does not have has vanished."""
    arn = dynamodb_local.create_table(f"other-{uuid4().hex}", keys=("Id",))
    [shard] = describe(dynamodb_local.streams, arn).shards
    foreign = Start("AFTER_SEQUENCE_NUMBER", f"{0:021}")
    with pytest.raises(PositionError):
        ShardReader(dynamodb_local.streams, arn, shard.shard_id, foreign).open()
    assert ShardReader(dynamodb_local.streams, arn, SHARD_A, foreign).open().trimmed
