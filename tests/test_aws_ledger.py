"""The ledger in DynamoDB: it remembers what the one in memory does, and two writers lose nothing."""

from __future__ import annotations

import importlib.util
import json
import random
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import ANY, Stubber
from cfnlint.api import lint_all
from hypothesis import given, settings
from hypothesis import strategies as st

import headwater.aws
from headwater.aws import DynamoDBLedger, LedgerError, create_ledger_table, ledger_template
from headwater.aws.entries import write_progress
from headwater.errors import DeclarationError, HeadwaterError
from headwater.ledger import Entry, Ledger, MemoryLedger, merge, ordered
from headwater.progress import RecordProgress
from headwater.testing.sizes import item_size
from tests.parts.letters import client
from tests.parts.tables import CREDENTIALS, REGION, DynamoDB

CONSUMER = "arn:aws:lambda:us-east-1:123456789012:function:leaderboard of a stream"
TABLE = "Ledger"
LIMIT = 400 * 1024
CONFLICT = "ConditionalCheckFailedException"


def identity(number: int) -> str:
    return f"{number:024x}"


def progress(*numbers: int, attempts: int = 1, done: tuple[str, ...] = ()) -> dict[str, RecordProgress]:
    return {identity(number): RecordProgress(frozenset(done), attempts) for number in numbers}


@pytest.fixture(params=["moto_server", "dynamodb_local"])
def dynamodb(request: pytest.FixtureRequest) -> Any:
    """A client of a DynamoDB that has the table: moto's and AWS's own."""
    running: DynamoDB = request.getfixturevalue(request.param)
    create_ledger_table(TABLE, client=running.dynamodb)
    return running.dynamodb


@pytest.fixture
def consumer() -> str:
    """One that nobody has used before."""
    return f"{CONSUMER} {uuid.uuid4()}"


def items_of(dynamodb: Any, consumer: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = dynamodb.query(
        TableName=TABLE,
        KeyConditionExpression="consumer = :consumer",
        ExpressionAttributeValues={":consumer": {"S": consumer}},
        ConsistentRead=True,
    )["Items"]
    return items


# --- what it remembers ------------------------------------------------------------------------------------------------


def test_it_knows_nothing_of_a_new_consumer(dynamodb: Any, consumer: str) -> None:
    """As every ledger."""
    ledger: Ledger = DynamoDBLedger(TABLE, client=dynamodb)
    assert ledger.load(consumer, "100") is None


def test_an_entry_comes_back_as_it_was(dynamodb: Any, consumer: str) -> None:
    """Routes, attempts and what was put aside, by record; zeros in front of a checkpoint too."""
    known = {
        identity(1): RecordProgress(frozenset({"app.archive", "app.größe"}), 2),
        identity(2): RecordProgress(frozenset({"app.archive"}), 0),
        identity(2**96 - 1): RecordProgress(frozenset(), 7, put_aside=True),
    }
    ledger = DynamoDBLedger(TABLE, client=dynamodb)
    ledger.replace(consumer, None, Entry("000000000000000000100", known))
    found = ledger.load(consumer, "100")
    assert found == Entry("000000000000000000100", known)
    assert DynamoDBLedger(TABLE, client=dynamodb).load(consumer, "100") == found


def test_an_entry_without_progress_is_an_entry(dynamodb: Any, consumer: str) -> None:
    """It says where a batch begins and nothing of its records."""
    ledger = DynamoDBLedger(TABLE, client=dynamodb)
    ledger.replace(consumer, None, Entry("100", {}))
    assert ledger.load(consumer, "100") == Entry("100", {})


def test_the_nearest_entry_before_is_taken(dynamodb: Any, consumer: str) -> None:
    """By number: 9 is before 10, and a number of 40 digits before one of 41. Another consumer's is not seen."""
    ledger = DynamoDBLedger(TABLE, client=dynamodb)
    for checkpoint in ("9", "10", "9" * 40, "1" + "0" * 40):
        ledger.replace(consumer, None, Entry(checkpoint, progress(1)))
    ledger.replace(consumer + "!", None, Entry("50", {}))
    asked = {"8": None, "9": "9", "11": "10", "99": "10", "9" * 40: "9" * 40, "2" + "0" * 40: "1" + "0" * 40}
    found = {checkpoint: ledger.load(consumer, checkpoint) for checkpoint in asked}
    assert {checkpoint: entry and entry.checkpoint for checkpoint, entry in found.items()} == asked


def test_the_old_entry_goes_when_the_checkpoint_moves(dynamodb: Any, consumer: str) -> None:
    """And the last one when all is done."""
    ledger = DynamoDBLedger(TABLE, client=dynamodb)
    ledger.replace(consumer, None, Entry("100", progress(1, 2)))
    ledger.replace(consumer, ledger.load(consumer, "100"), Entry("200", progress(2)))
    [item] = items_of(dynamodb, consumer)
    assert item["sequence_number"] == {"S": "200"}
    ledger.replace(consumer, ledger.load(consumer, "200"), None)
    assert items_of(dynamodb, consumer) == []
    ledger.replace(consumer, None, None)
    assert items_of(dynamodb, consumer) == []


def test_the_same_checkpoint_is_written_anew(dynamodb: Any, consumer: str) -> None:
    """What was loaded before is what this invocation knew, so it does not come back."""
    ledger = DynamoDBLedger(TABLE, client=dynamodb)
    ledger.replace(consumer, None, Entry("100", progress(1, 2)))
    ledger.replace(consumer, ledger.load(consumer, "100"), Entry("100", progress(2, attempts=2)))
    assert ledger.load(consumer, "100") == Entry("100", progress(2, attempts=2))


def test_an_entry_that_was_deleted_meanwhile_is_written_all_the_same(dynamodb: Any, consumer: str) -> None:
    """By Time to Live, for instance: knowing more costs nothing."""
    ledger = DynamoDBLedger(TABLE, client=dynamodb)
    ledger.replace(consumer, None, Entry("100", progress(1)))
    loaded = ledger.load(consumer, "100")
    ledger.replace(consumer, loaded, None)
    ledger.replace(consumer, loaded, Entry("100", progress(1, attempts=2)))
    assert ledger.load(consumer, "100") == Entry("100", progress(1, attempts=2))


# --- time -------------------------------------------------------------------------------------------------------------


def change(dynamodb: Any, consumer: str, name: str, value: Any) -> None:
    """Overwrite an attribute of the only entry, or remove it."""
    [item] = items_of(dynamodb, consumer)
    changed = {**item, name: value} if value is not None else {k: v for k, v in item.items() if k != name}
    dynamodb.put_item(TableName=TABLE, Item=changed)


def test_an_entry_lasts_longer_than_the_stream_keeps_records(dynamodb: Any, consumer: str) -> None:
    """25 hours, or as long as is asked for, in the attribute that is asked for."""
    import time

    before = time.time()
    DynamoDBLedger(TABLE, client=dynamodb).replace(consumer, None, Entry("1", {}))
    other = DynamoDBLedger(TABLE, client=dynamodb, ttl=timedelta(minutes=1), ttl_attribute="gone_at")
    other.replace(consumer, None, Entry("2", {}))
    first, second = items_of(dynamodb, consumer)
    after = time.time()
    assert before + 25 * 3600 <= int(first["expires_at"]["N"]) <= after + 25 * 3600 + 1
    assert before + 60 <= int(second["gone_at"]["N"]) <= after + 61
    assert "expires_at" not in second
    assert other.load(consumer, "2") == Entry("2", {})


def test_an_entry_whose_time_is_over_is_not_seen(dynamodb: Any, consumer: str) -> None:
    """DynamoDB can take days to delete it. Writing at its place takes nothing over from it."""
    ledger = DynamoDBLedger(TABLE, client=dynamodb)
    ledger.replace(consumer, None, Entry("100", progress(1)))
    change(dynamodb, consumer, "expires_at", {"N": "1700000000"})
    assert ledger.load(consumer, "100") is None
    ledger.replace(consumer, None, Entry("100", progress(2)))
    assert ledger.load(consumer, "100") == Entry("100", progress(2))


# --- what somebody else has written -----------------------------------------------------------------------------------

GARBLED: Mapping[str, tuple[str, Any]] = {
    "another format": ("format", {"N": "2"}),
    "no format": ("format", None),
    "no groups": ("groups", None),
    "groups of another type": ("groups", {"S": "x"}),
    "a group of another type": ("groups", {"L": [{"S": "x"}]}),
    "identities of another length": (
        "groups",
        {
            "L": [
                {
                    "M": {
                        "done": {"L": []},
                        "attempts": {"N": "1"},
                        "put_aside": {"BOOL": False},
                        "records": {"B": b"123"},
                    }
                }
            ]
        },
    ),
    "no such route": (
        "groups",
        {
            "L": [
                {
                    "M": {
                        "done": {"L": [{"N": "9"}]},
                        "attempts": {"N": "1"},
                        "put_aside": {"BOOL": False},
                        "records": {"B": b"1" * 12},
                    }
                }
            ]
        },
    ),
    "text for identities": (
        "groups",
        {
            "L": [
                {
                    "M": {
                        "done": {"L": []},
                        "attempts": {"N": "1"},
                        "put_aside": {"BOOL": False},
                        "records": {"S": "1" * 12},
                    }
                }
            ]
        },
    ),
    "a number that is none": ("groups", {"L": [{"M": {"done": {"L": []}, "attempts": {"S": "many"}}}]}),
    "no version": ("version", None),
    "no time": ("expires_at", None),
    "no routes": ("routes", {"M": {}}),
}


@pytest.mark.parametrize(("name", "value"), GARBLED.values(), ids=GARBLED)
def test_an_item_that_can_not_be_read_counts_as_none(
    name: str, value: Any, dynamodb: Any, consumer: str
) -> None:
    """It is neither an error nor in the way: the next entry takes its place."""
    ledger = DynamoDBLedger(TABLE, client=dynamodb)
    ledger.replace(consumer, None, Entry("100", progress(1)))
    change(dynamodb, consumer, name, value)
    assert ledger.load(consumer, "100") is None
    ledger.replace(consumer, None, Entry("100", progress(2)))
    assert ledger.load(consumer, "100") == Entry("100", progress(2))


# --- two writers ------------------------------------------------------------------------------------------------------


def test_who_comes_second_adds_to_what_the_first_has_written(dynamodb: Any, consumer: str) -> None:
    """Both had loaded nothing; both are known in the end."""
    first, second = DynamoDBLedger(TABLE, client=dynamodb), DynamoDBLedger(TABLE, client=dynamodb)
    first.replace(consumer, None, Entry("100", progress(1, 2, attempts=3)))
    second.replace(consumer, None, Entry("100", progress(2, 3, done=("archive",))))
    both = merge(progress(1, 2, attempts=3), progress(2, 3, done=("archive",)))
    assert first.load(consumer, "100") == Entry("100", both)


def test_an_entry_that_was_written_anew_is_not_forgotten(dynamodb: Any, consumer: str) -> None:
    """Who loaded it before knows less than who wrote it since."""
    first, second = DynamoDBLedger(TABLE, client=dynamodb), DynamoDBLedger(TABLE, client=dynamodb)
    first.replace(consumer, None, Entry("100", progress(1)))
    seen_by_first, seen_by_second = first.load(consumer, "100"), second.load(consumer, "100")
    second.replace(consumer, seen_by_second, Entry("100", progress(1, attempts=2)))
    first.replace(consumer, seen_by_first, None)
    assert first.load(consumer, "100") == Entry("100", progress(1, attempts=2))


@pytest.mark.parametrize("dynamodb", ["dynamodb_local"], indirect=True)
def test_threads_that_write_one_entry_lose_nothing(dynamodb: Any, consumer: str) -> None:
    """Each has loaded the same, and all write at once.

    Only where conditional writes are atomic: moto's server asks the condition and writes in two steps, and of two
    threads that put one new item both can succeed (6 of 300 times when it was tried).
    """
    writers = 4  # of which each can be beaten three times, and a ledger tries five times
    ledger = DynamoDBLedger(TABLE, client=dynamodb)
    for round_ in range(8):
        checkpoint = str(1000 + round_)
        if round_ % 2:
            ledger.replace(consumer, None, Entry(checkpoint, {}))
        start = Barrier(writers)

        def write(
            number: int,
            start: Barrier = start,
            checkpoint: str = checkpoint,
            *,
            loads: bool = round_ % 2 == 1,
        ) -> None:
            mine = DynamoDBLedger(TABLE, client=dynamodb)
            old = mine.load(consumer, checkpoint) if loads else None
            start.wait()
            mine.replace(consumer, old, Entry(checkpoint, progress(number, 99, attempts=number)))

        with ThreadPoolExecutor(writers) as threads:
            list(threads.map(write, range(1, writers + 1)))
        expected: dict[str, RecordProgress] = {}
        for number in range(1, writers + 1):
            expected = merge(expected, progress(number, 99, attempts=number))
        assert ledger.load(consumer, checkpoint) == Entry(checkpoint, expected)


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str, str | None, dict[str, RecordProgress]]]:
    """What invocations do one after another: load an entry, then replace it by one from there on, or by none."""
    known = st.dictionaries(
        st.integers(0, 5).map(identity),
        st.builds(
            RecordProgress,
            st.frozensets(st.sampled_from("abc"), max_size=3),
            st.integers(0, 3),
            st.booleans(),
        ),
        max_size=4,
    )
    numbers = st.sampled_from(["7", "08", "9", "10", "99", "100", "9" * 21, "1" + "0" * 21])
    return draw(st.lists(st.tuples(numbers, st.none() | numbers, known), max_size=8))


@settings(max_examples=60)
@given(history=histories())
def test_it_remembers_what_the_one_in_memory_does(
    dynamodb_local: DynamoDB, history: list[tuple[str, str | None, dict[str, RecordProgress]]]
) -> None:
    """Whatever comes after what. Only an entry that was not loaded is not overwritten, but merged with."""
    create_ledger_table(TABLE, client=dynamodb_local.dynamodb)
    consumer = f"{CONSUMER} {uuid.uuid4()}"
    memory, stored = MemoryLedger(), DynamoDBLedger(TABLE, client=dynamodb_local.dynamodb)
    for checkpoint, next_checkpoint, known in history:
        remembered, loaded = memory.load(consumer, checkpoint), stored.load(consumer, checkpoint)
        assert loaded == remembered
        new = None if next_checkpoint is None else Entry(next_checkpoint, known)
        stored.replace(consumer, loaded, new)
        if new is not None:
            there = memory.load(consumer, new.checkpoint)
            if (
                there is not None
                and ordered(there.checkpoint) == ordered(new.checkpoint)
                and there != remembered
            ):
                new = Entry(new.checkpoint, merge(new.progress, there.progress))
        memory.replace(consumer, remembered, new)


# --- size -------------------------------------------------------------------------------------------------------------


def stored_size(dynamodb: Any, consumer: str) -> int:
    [item] = items_of(dynamodb, consumer)
    return item_size(item)


def test_ten_thousand_records_fit(dynamodb: Any, consumer: str) -> None:
    """In any state that a batch gets into: 40 routes with long names, done up to each of them, some attempts, some aside."""
    randomly = random.Random(7)
    routes = [f"shop.orders.handlers.route_with_a_long_name_{number:02}" for number in range(40)]
    known = {
        f"{randomly.getrandbits(96):024x}": RecordProgress(
            frozenset(routes[: randomly.randrange(41)]), randomly.randrange(4), randomly.random() < 0.1
        )
        for _ in range(10_000)
    }
    ledger = DynamoDBLedger(TABLE, client=dynamodb)
    ledger.replace(consumer, None, Entry("100", known))
    assert ledger.load(consumer, "100") == Entry("100", known)
    assert stored_size(dynamodb, consumer) < 200_000


def test_what_is_done_is_left_out_before_anything_else(dynamodb: Any, consumer: str) -> None:
    """Where each of 10,000 records has a set of routes of its own: attempts and what was put aside are still known."""
    randomly = random.Random(7)
    routes = [f"route {number}" for number in range(60)]
    known = {
        identity(number): RecordProgress(frozenset(randomly.sample(routes, 30)), number % 3, number % 7 == 0)
        for number in range(10_000)
    }
    ledger = DynamoDBLedger(TABLE, client=dynamodb)
    ledger.replace(consumer, None, Entry("100", known))
    found = ledger.load(consumer, "100")
    assert found is not None
    assert found.progress == {
        name: RecordProgress(frozenset(), each.attempts, each.put_aside)
        for name, each in known.items()
        if each.attempts or each.put_aside
    }
    assert stored_size(dynamodb, consumer) < LIMIT


def test_no_number_of_records_is_refused(dynamodb: Any, consumer: str) -> None:
    """Of 40,000, those that were put aside are kept, then those with the most attempts."""
    known = {identity(number): RecordProgress(frozenset(), number, number < 100) for number in range(40_000)}
    ledger = DynamoDBLedger(TABLE, client=dynamodb)
    ledger.replace(consumer, None, Entry("100", known))
    found = ledger.load(consumer, "100")
    assert found is not None
    kept = {int(name, 16) for name in found.progress}
    assert kept == {*range(100), *range(40_000 - 3_900, 40_000)}
    assert all(known[name] == each for name, each in found.progress.items())
    assert stored_size(dynamodb, consumer) < LIMIT


def test_what_is_kept_is_never_larger_than_was_reckoned() -> None:
    """As many groups as fit: DynamoDB's own count stays below the limit that the estimate keeps to."""
    routes = [f"r{number}" for number in range(30)]
    for count in (100, 1_000, 2_000, 3_000, 5_000):
        known = {
            identity(number): RecordProgress(
                frozenset(route for bit, route in enumerate(routes) if number >> bit & 1), number
            )
            for number in range(count)
        }
        assert item_size(write_progress(known)) < 350_000


@pytest.mark.parametrize(
    "name", ["", "0" * 23, "0" * 25, "G" * 24, "A" * 24, "0" * 22 + " 0", "0" * 24 + "\n"]
)
def test_an_identity_of_another_form_is_refused(name: str) -> None:
    """It could not be told from its neighbours."""
    with pytest.raises(HeadwaterError, match="24 hexadecimal digits"):
        write_progress({name: RecordProgress()})


# --- calls and faults -------------------------------------------------------------------------------------------------


@pytest.fixture
def stubbed() -> Iterator[tuple[Any, Stubber]]:
    """A client that answers as the test says, and refuses any other call."""
    stubbed = boto3.client("dynamodb", region_name=REGION, **CREDENTIALS)
    with Stubber(stubbed) as stubber:
        yield stubbed, stubber
        stubber.assert_no_pending_responses()


def test_loading_is_one_consistent_query(stubbed: tuple[Any, Stubber]) -> None:
    """And nothing else."""
    dynamodb, stubber = stubbed
    stubber.add_response(
        "query",
        {"Items": []},
        {
            "TableName": TABLE,
            "KeyConditionExpression": "#consumer = :consumer AND #checkpoint <= :checkpoint",
            "ExpressionAttributeNames": {"#consumer": "consumer", "#checkpoint": "checkpoint"},
            "ExpressionAttributeValues": {
                ":consumer": {"S": CONSUMER},
                ":checkpoint": {"S": "100".zfill(64)},
            },
            "ConsistentRead": True,
            "ScanIndexForward": False,
            "Limit": 1,
        },
    )
    assert DynamoDBLedger(TABLE, client=dynamodb).load(CONSUMER, "100") is None


def test_a_race_that_is_never_won_is_an_error(stubbed: tuple[Any, Stubber]) -> None:
    """After five times, with what to look for. The old entry is left alone."""
    dynamodb, stubber = stubbed
    for _ in range(5):
        stubber.add_client_error(
            "put_item", CONFLICT, modeled_fields={"Item": {"version": {"S": uuid.uuid4().hex}}}
        )
    old = Entry("50", {}, version={"S": "version"})
    with pytest.raises(LedgerError, match="at 100 in table Ledger was changed by others 5 times"):
        DynamoDBLedger(TABLE, client=dynamodb).replace(CONSUMER, old, Entry("100", {}))


def test_each_try_expects_what_the_last_one_found(stubbed: tuple[Any, Stubber]) -> None:
    """Nothing at first, then the version that was there; an item without one can be overwritten."""
    dynamodb, stubber = stubbed
    expected: dict[str, Any] = {
        "TableName": TABLE,
        "Item": ANY,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        "ExpressionAttributeNames": {"#version": "version"},
    }
    unknown = {**expected, "ConditionExpression": "attribute_not_exists(#version)"}
    unchanged = {
        **expected,
        "ConditionExpression": "attribute_not_exists(#version) OR #version = :version",
        "ExpressionAttributeValues": {":version": {"S": "theirs"}},
    }
    stubber.add_client_error("put_item", CONFLICT, expected_params=unknown)
    stubber.add_client_error(
        "put_item", CONFLICT, modeled_fields={"Item": {"version": {"S": "theirs"}}}, expected_params=unknown
    )
    stubber.add_response("put_item", {}, unchanged)
    DynamoDBLedger(TABLE, client=dynamodb).replace(CONSUMER, None, Entry("100", {}))


def test_the_same_checkpoint_is_one_call(stubbed: tuple[Any, Stubber]) -> None:
    """Nothing is deleted, however many zeros are in front."""
    dynamodb, stubber = stubbed
    stubber.add_response("put_item", {})
    old = Entry("0100", {}, version={"S": "version"})
    DynamoDBLedger(TABLE, client=dynamodb).replace(CONSUMER, old, Entry("100", {}))


@pytest.mark.parametrize("code", ["ProvisionedThroughputExceededException", "AccessDeniedException"])
def test_what_dynamodb_says_is_raised(code: str, stubbed: tuple[Any, Stubber]) -> None:
    """It is for the app to log: no record is lost by it. What was not kept is not forgotten."""
    dynamodb, stubber = stubbed
    ledger = DynamoDBLedger(TABLE, client=dynamodb)
    old = Entry("50", {}, version={"S": "version"})
    calls: list[tuple[str, Callable[[], object]]] = [
        ("query", lambda: ledger.load(CONSUMER, "100")),
        ("put_item", lambda: ledger.replace(CONSUMER, old, Entry("100", {}))),
        ("delete_item", lambda: ledger.replace(CONSUMER, old, None)),
    ]
    for operation, call in calls:
        stubber.add_client_error(operation, code)
        with pytest.raises(ClientError, match=code):
            call()


def test_a_ledger_that_is_down_takes_little_of_the_invocation(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client that is made by default waits for seconds and tries twice, where boto3's waits for minutes."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1")
    ledger = DynamoDBLedger(TABLE)
    with pytest.raises(EndpointConnectionError):
        ledger.load(CONSUMER, "100")
    config = ledger._client.get().meta.config
    assert (config.connect_timeout, config.read_timeout) == (1, 2)
    assert config.retries == {"mode": "standard", "total_max_attempts": 2}


def test_threads_share_the_client_that_is_made_first(
    moto_server: DynamoDB, monkeypatch: pytest.MonkeyPatch, consumer: str
) -> None:
    """It is made once, from the environment as any boto3 client."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", moto_server.endpoint_url)
    create_ledger_table(TABLE)
    ledger = DynamoDBLedger(TABLE)
    start = Barrier(8)

    def get(_: int) -> int:
        start.wait()
        return id(ledger._client.get())

    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(get, range(8)))) == 1
    ledger.replace(consumer, None, Entry("1", {}))
    assert ledger.load(consumer, "1") == Entry("1", {})


def test_the_import_loads_no_boto3() -> None:
    """Neither it nor making a ledger or a sink costs a cold start what boto3 does."""
    script = """
import json, sys
from headwater.aws import DynamoDBLedger, S3Sink, SqsSink
DynamoDBLedger("Ledger"), SqsSink("https://sqs.us-east-1.amazonaws.com/1/q", offload=S3Sink("bucket"))
print(json.dumps(sorted({"boto3", "botocore", "pydantic", "asyncio"} & set(sys.modules))))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []


def test_without_boto3_and_without_a_client_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """When it is declared, not when the first record fails."""
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "headwater.aws.clients.find_spec", lambda name: None if name == "boto3" else found(name)
    )
    with pytest.raises(DeclarationError, match=r"pip install 'headwater\[aws\]', or pass client="):
        DynamoDBLedger(TABLE)
    assert repr(DynamoDBLedger(TABLE, client=object())) == "DynamoDBLedger('Ledger')"


@pytest.mark.parametrize("ttl", [timedelta(0), timedelta(hours=-1)])
def test_a_time_that_keeps_nothing_is_refused(ttl: timedelta) -> None:
    """When the ledger is made."""
    with pytest.raises(DeclarationError, match="keeps no entry"):
        DynamoDBLedger(TABLE, ttl=ttl)


@pytest.mark.parametrize("name", ["", "consumer", "checkpoint", "version", "groups"])
def test_an_attribute_that_an_entry_needs_itself_is_refused(name: str) -> None:
    """When the ledger is made."""
    with pytest.raises(DeclarationError, match="give it another name"):
        DynamoDBLedger(TABLE, ttl_attribute=name)


# --- the table --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["moto_server", "dynamodb_local"])
def test_a_table_is_made_once(part: str, request: pytest.FixtureRequest) -> None:
    """By request, with Time to Live; a second time changes nothing."""
    dynamodb = request.getfixturevalue(part).dynamodb
    name = f"Ledger-{uuid.uuid4()}"
    create_ledger_table(name, client=dynamodb, ttl_attribute="gone_at")
    made = dynamodb.describe_table(TableName=name)["Table"]
    create_ledger_table(name, client=dynamodb, ttl_attribute="gone_at")
    assert dynamodb.describe_table(TableName=name)["Table"] == made
    assert made["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    ttl = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert (ttl["TimeToLiveStatus"], ttl["AttributeName"]) == ("ENABLED", "gone_at")
    with pytest.raises(DeclarationError, match="reads 'gone_at' and not 'expires_at': pass ttl_attribute"):
        create_ledger_table(name, client=dynamodb)


@pytest.mark.parametrize(
    "keys", [("consumer",), ("UserId", "GameTitle"), ("checkpoint", "consumer")], ids=repr
)
@pytest.mark.parametrize("part", ["moto_server", "dynamodb_local"])
def test_a_table_with_other_keys_is_refused(
    part: str, keys: tuple[str, ...], request: pytest.FixtureRequest
) -> None:
    """It is somebody's, and stays as it is."""
    running: DynamoDB = request.getfixturevalue(part)
    name = f"Other-{uuid.uuid4()}"
    running.create_table(name, keys=keys)
    with pytest.raises(DeclarationError, match="with other keys than consumer and checkpoint"):
        create_ledger_table(name, client=running.dynamodb)
    ttl = running.dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert ttl["TimeToLiveStatus"] == "DISABLED"


@pytest.mark.parametrize("part", ["moto_server", "dynamodb_local"])
def test_the_template_makes_the_table_that_the_helper_makes(
    part: str, request: pytest.FixtureRequest
) -> None:
    """The same keys and the same way to pay."""
    dynamodb = request.getfixturevalue(part).dynamodb
    properties = ledger_template()["Resources"]["HeadwaterLedger"]["Properties"]
    ttl = properties.pop("TimeToLiveSpecification")
    name = f"Declared-{uuid.uuid4()}"
    dynamodb.create_table(TableName=name, **properties)
    dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=ttl)
    create_ledger_table(name, client=dynamodb)


@pytest.mark.parametrize("logical_id", ["HeadwaterLedger", "Other"])
def test_the_template_has_no_fault(logical_id: str) -> None:
    """cfn-lint finds neither an error nor anything to warn of."""
    template = ledger_template(logical_id)
    assert set(template["Resources"]) == {logical_id, f"{logical_id}Policy"}
    found = lint_all(json.dumps(template))
    assert [str(match) for match in found if match.rule.severity != "informational"] == []


def test_the_policy_allows_what_the_ledger_does(moto_server: DynamoDB, consumer: str) -> None:
    """No action more, and none less."""
    dynamodb = client("dynamodb", moto_server.endpoint_url)
    create_ledger_table(TABLE, client=moto_server.dynamodb)
    called: set[str] = set()
    dynamodb.meta.events.register("before-call.dynamodb", lambda model, **_: called.add(model.name))
    ledger = DynamoDBLedger(TABLE, client=dynamodb)
    ledger.replace(consumer, None, Entry("1", progress(1)))
    ledger.replace(consumer, None, Entry("1", progress(2)))
    ledger.replace(consumer, ledger.load(consumer, "1"), Entry("2", {}))
    ledger.replace(consumer, ledger.load(consumer, "2"), None)
    policy = ledger_template()["Resources"]["HeadwaterLedgerPolicy"]["Properties"]["PolicyDocument"]
    assert {f"dynamodb:{name}" for name in called} == set(policy["Statement"][0]["Action"])


def test_the_public_names_are_sorted_and_have_docstrings() -> None:
    """`__all__` names each once."""
    names = headwater.aws.__all__
    assert names == sorted(set(names))
    assert [name for name in names if not getattr(headwater.aws, name).__doc__] == []
