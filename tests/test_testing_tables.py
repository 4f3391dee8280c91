"""The builders of records: what they make is what AWS would send, and what AWS could not send is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from headwater import SourceError, WireValueError
from headwater.kinds import read_record
from headwater.sources import read_event
from headwater.testing import Table, ViewType, event, pipes_batch

SAMPLES = Path(__file__).parent / "samples"
KEY = {"UserId": "u1", "GameTitle": "Galaxy"}
NOON = datetime(2024, 5, 6, 12, 0, 0, 750_000, tzinfo=UTC)


def scores(view_type: ViewType = "NEW_AND_OLD_IMAGES") -> Table:
    return Table("GameScores", keys=("UserId", "GameTitle"), view_type=view_type)


def test_a_modify_record_is_as_aws_sends_it() -> None:
    """Every field, and the fields in the order of a real event."""
    old, new = {**KEY, "TopScore": 7}, {**KEY, "TopScore": Decimal("7.5")}
    record = scores().modify(old, new, sequence_number="4421584500000000017450439092", created_at=NOON)
    keys = {"UserId": {"S": "u1"}, "GameTitle": {"S": "Galaxy"}}
    arn = "arn:aws:dynamodb:us-east-1:123456789012:table/GameScores/stream/2024-01-01T00:00:00.000"
    expected = {
        "eventID": record["eventID"],
        "eventName": "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1714996800.0,
            "Keys": keys,
            "NewImage": {**keys, "TopScore": {"N": "7.5"}},
            "OldImage": {**keys, "TopScore": {"N": "7"}},
            "SequenceNumber": "4421584500000000017450439092",
            "SizeBytes": 89,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": arn,
    }
    assert json.dumps(record) == json.dumps(expected)
    assert len(record["eventID"]) == 32
    assert int(record["eventID"], 16)


def test_the_fields_of_the_recorded_samples_are_those_of_the_builder() -> None:
    """What the samples of AWS hold for one item is built again: keys, images, sizes, names."""
    table = Table("ExampleTableWithStream", keys="Id", region="eu-central-1")
    first, second = {"Message": "New item!", "Id": 101}, {"Message": "This item has changed", "Id": 101}
    built = [table.insert(first), table.modify(first, second), table.remove(second)]
    for path in SAMPLES.glob("*.json"):
        for record, sample in zip(built, json.loads(path.read_text())["Records"], strict=True):
            assert record["eventName"] == sample["eventName"]
            for name in ("Keys", "NewImage", "OldImage", "SizeBytes", "StreamViewType"):
                assert record["dynamodb"].get(name) == sample["dynamodb"].get(name)
            assert sample.keys() - record.keys() <= {"userIdentity"}


@pytest.mark.parametrize(
    ("view_type", "images"),
    [
        ("KEYS_ONLY", ([], [], [])),
        ("NEW_IMAGE", (["NewImage"], ["NewImage"], [])),
        ("OLD_IMAGE", ([], ["OldImage"], ["OldImage"])),
        ("NEW_AND_OLD_IMAGES", (["NewImage"], ["NewImage", "OldImage"], ["OldImage"])),
    ],
)
def test_a_record_has_the_images_of_its_view_type(view_type: ViewType, images: tuple[list[str], ...]) -> None:
    """Keys are always there; an image is there when the kind of record has one and the view type shows it."""
    table = scores(view_type)
    for record, expected in zip(
        [table.insert(KEY), table.modify(KEY, {**KEY, "n": 1}), table.remove(KEY)], images, strict=True
    ):
        assert [name for name in record["dynamodb"] if name.endswith("Image")] == expected
        assert list(record["dynamodb"]["Keys"]) == ["UserId", "GameTitle"]


def test_only_a_removal_by_time_to_live_has_a_user_identity() -> None:
    """It stands where AWS puts it, and the typed record says expired."""
    by_hand, by_time = scores().remove(KEY), scores().remove(KEY, expired=True)
    assert "userIdentity" not in by_hand
    assert by_time["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    assert list(by_time)[-4:] == ["awsRegion", "userIdentity", "dynamodb", "eventSourceARN"]
    assert read_record(by_time).expired
    assert not read_record(by_hand).expired


def test_sequence_numbers_rise_as_numbers_and_not_as_text() -> None:
    """They have 21 to 40 digits and are in order as numbers; who sorts them as text gets another order."""
    table = scores()
    numbers = [table.insert(KEY)["dynamodb"]["SequenceNumber"] for _ in range(200)]
    assert [int(number) for number in numbers] == sorted({int(number) for number in numbers})
    assert sorted(numbers[:2]) != numbers[:2]
    assert all(21 <= len(number) <= 40 for number in numbers)


def test_tables_do_not_share_numbers_or_event_ids() -> None:
    """Two tables with different names give different numbers; a table made again repeats its own."""
    games, users = Table("Games", keys="Id"), Table("Users", keys="Id")
    records = [table.insert({"Id": n}) for table in (games, users) for n in range(50)]
    assert len({record["dynamodb"]["SequenceNumber"] for record in records}) == 100
    assert len({record["eventID"] for record in records}) == 100
    again = Table("Games", keys="Id").insert({"Id": 0}, created_at=NOON)
    assert again["dynamodb"]["SequenceNumber"] == records[0]["dynamodb"]["SequenceNumber"]


def test_a_refused_record_uses_up_no_number() -> None:
    """After a refusal the next record is numbered as if it had not been tried."""
    table, other = scores(), scores()
    with pytest.raises(WireValueError):
        table.insert({"UserId": "u1"})
    assert table.insert(KEY)["dynamodb"]["SequenceNumber"] == other.insert(KEY)["dynamodb"]["SequenceNumber"]


@pytest.mark.parametrize("number", ["", "-1", "1.5", "x", "\uff11", "1" * 41])
def test_a_sequence_number_that_could_not_be_one_is_refused(number: str) -> None:
    """It is digits, 40 at most."""
    with pytest.raises(ValueError, match="21 to 40"):
        scores().insert(KEY, sequence_number=number)


def test_times_are_whole_seconds_in_any_time_zone() -> None:
    """Rounded down, before 1970 too; without a time, now; without a time zone, refused."""
    table = scores()

    def seconds(created_at: datetime | None) -> Any:
        return table.insert(KEY, created_at=created_at)["dynamodb"]["ApproximateCreationDateTime"]

    assert seconds(NOON) == seconds(NOON.astimezone(timezone(timedelta(hours=9)))) == 1714996800.0
    assert seconds(datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC)) == -1.0
    before = datetime.now(tz=UTC).timestamp()
    now = seconds(None)
    assert before - 1 < now <= datetime.now(tz=UTC).timestamp()
    assert isinstance(now, float)
    assert now.is_integer()
    with pytest.raises(ValueError, match="time zone"):
        seconds(NOON.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"UserId": "u1"}, "has the key attribute 'GameTitle', which this item lacks"),
        ({}, "its attributes are none"),
        ({"UserId": "u1", "GameTitle": True}, "this one has the type BOOL"),
        ({"UserId": "u1", "GameTitle": {"a"}}, "this one has the type SS"),
        ({"UserId": "u1", "GameTitle": ""}, "can not be empty"),
        ({"UserId": b"", "GameTitle": "x"}, "can not be empty"),
        ({**KEY, "Score": 1.5}, "use Decimal"),
        ({**KEY, "Tags": set()}, "no empty set"),
    ],
)
def test_an_item_that_the_table_could_not_hold_is_refused(item: dict[str, Any], message: str) -> None:
    """Each kind of record refuses it, with the place and what to do."""
    for build in (scores().insert, scores().remove, lambda bad: scores().modify(KEY, bad)):
        with pytest.raises(WireValueError, match=message) as refusal:
            build(item)
        assert refusal.value.path


def test_old_and_new_with_different_keys_are_refused() -> None:
    """DynamoDB has no such change. Keys that are written differently but are the same value are no difference."""
    with pytest.raises(WireValueError, match="different keys") as refusal:
        scores().modify(KEY, {**KEY, "GameTitle": "Other"})
    assert refusal.value.path == "GameTitle"
    table = Table("Numbered", keys="Id")
    assert table.modify({"Id": 1}, {"Id": Decimal("1.00")})["dynamodb"]["Keys"] == {"Id": {"N": "1"}}


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("no", {"keys": "Id"}, "not a table's name"),
        ("arn:aws:x", {"keys": "Id"}, "not a table's name"),
        ("Games", {"keys": ()}, "no key schema"),
        ("Games", {"keys": ""}, "no key schema"),
        ("Games", {"keys": ("a", "a")}, "no key schema"),
        ("Games", {"keys": ("a", "b", "c")}, "no key schema"),
        ("Games", {"keys": "Id", "view_type": "ALL"}, "there are KEYS_ONLY"),
    ],
)
def test_a_table_that_could_not_exist_is_refused(name: str, settings: dict[str, Any], message: str) -> None:
    """When it is declared, not with its first record."""
    with pytest.raises(ValueError, match=message):
        Table(name, **settings)


@pytest.mark.parametrize(
    ("region", "partition"),
    [("us-east-1", "aws"), ("cn-north-1", "aws-cn"), ("us-gov-west-1", "aws-us-gov"), ("eu-west-3", "aws")],
)
def test_the_region_is_in_the_record(region: str, partition: str) -> None:
    """In its ARN, with the partition that the region lies in, and beside it."""
    raw = Table("Games", keys="Id", region=region, account_id="210987654321").insert({"Id": 1})
    assert raw["eventSourceARN"].startswith(f"arn:{partition}:dynamodb:{region}:210987654321:table/Games/")
    assert raw["awsRegion"] == region
    record = read_record(raw)
    assert (record.region, record.table_name) == (region, "Games")


def test_an_event_is_json_and_is_recognised() -> None:
    """Binaries and sets included, it comes back from JSON unchanged, and is read as what each caller sends."""
    item = {
        **KEY,
        "Blob": b"\x00\xff",
        "Blobs": {b"a", b"b"},
        "Nested": {"l": [None, True, {Decimal("1.5")}]},
    }
    table = scores()
    records = [table.insert(item), table.modify(item, KEY), table.remove(item, expired=True)]
    for build, source in ((event, "event source mapping"), (pipes_batch, "EventBridge Pipes")):
        built: Any = build(records)
        assert json.loads(json.dumps(built)) == built
        assert read_event(built).source == source
        assert read_event(built).records == records
    assert read_event(event([])).records == []


def test_an_event_shares_nothing_with_its_records() -> None:
    """What a handler does to its event is not seen by the next delivery of the same records."""
    record = scores().insert(KEY)
    event([record])["Records"][0]["dynamodb"]["NewImage"].clear()
    pipes_batch([record])[0]["dynamodb"]["Keys"].clear()
    assert record["dynamodb"]["NewImage"].keys() == record["dynamodb"]["Keys"].keys() == KEY.keys()
    record["dynamodb"]["NewImage"]["UserId"]["S"] = "u2"
    assert record["dynamodb"]["Keys"]["UserId"] == {"S": "u1"}


@pytest.mark.parametrize("build", [event, pipes_batch])
def test_one_record_in_place_of_a_list_is_refused(build: Any) -> None:
    """A record is a mapping, and iterating over it would make an event of field names."""
    with pytest.raises(TypeError, match="takes a list of records"):
        build(scores().insert(KEY))
    with pytest.raises(SourceError):
        read_event(scores().insert(KEY))
