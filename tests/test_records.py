"""Records: what identifies one, what it says of its stream, and its images in the handler's types."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel, Field

from headwater import (
    Change,
    DecodeError,
    Insert,
    MalformedRecordError,
    MissingImageError,
    Modify,
    Record,
    Remove,
    UserIdentity,
    WireValueError,
)
from headwater.kinds import read_record
from headwater.records import reshape
from headwater.testing import Table, as_record

SCORES = Table("GameScores", keys=("UserId", "GameTitle"))
KEYS = {"UserId": "u1", "GameTitle": "Meteor Blasters"}


class GameScore(BaseModel):
    user_id: str = Field(alias="UserId")
    top_score: int = Field(alias="TopScore")


def modify(**changes: Any) -> dict[str, Any]:
    record = SCORES.modify({**KEYS, "TopScore": 1}, {**KEYS, "TopScore": 2})
    record["dynamodb"].update(changes)
    return record


# What identifies it


def test_a_record_says_what_happened_where() -> None:
    """Event name and id, sequence number, table, region and view type are those of the raw record."""
    raw = modify()
    record = as_record(raw, Modify)
    assert record.raw == raw
    assert record.event_name == "MODIFY"
    assert record.event_id == raw["eventID"]
    assert record.sequence_number == raw["dynamodb"]["SequenceNumber"]
    assert record.table_name == "GameScores"
    assert record.region == "us-east-1"
    assert record.view_type == "NEW_AND_OLD_IMAGES"
    assert record.keys == KEYS


@pytest.mark.parametrize(
    ("arn", "table", "region"),
    [
        (
            "arn:aws:dynamodb:eu-west-1:123456789012:table/T.a_b-c/stream/2026-01-01T00:00:00.000",
            "T.a_b-c",
            "eu-west-1",
        ),
        ("arn:aws-cn:dynamodb:cn-north-1:123456789012:table/T/stream/2026", "T", "cn-north-1"),
        ("arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/T/stream/2026", "T", "us-gov-west-1"),
        ("arn:aws:dynamodb:ddblocal:000000000000:table/T/stream/2026", "T", "ddblocal"),
        ("arn:aws:dynamodb:us-east-2:123456789012:table/T", "T", "us-east-2"),
        ("stream-ARN", "", "us-east-1"),
        ("", "", "us-east-1"),
        ("arn:aws:sqs:us-east-2:123456789012:queue", "", "us-east-1"),
        (None, "", "us-east-1"),
        (5, "", "us-east-1"),
    ],
)
def test_table_and_region_come_from_the_arn(arn: object, table: str, region: str) -> None:
    """In every partition; an ARN that names no table crashes nothing, and `awsRegion` serves for the region."""
    record = read_record({**modify(), "eventSourceARN": arn})
    assert (record.table_name, record.region) == (table, region)


def test_a_record_with_only_a_sequence_number_has_empty_texts() -> None:
    """What is not there reads as empty, so that a log line can always be written."""
    record = read_record({"eventName": "INSERT", "dynamodb": {"SequenceNumber": "1"}})
    assert (record.event_id, record.table_name, record.region, record.view_type) == ("", "", "", "")
    assert record.user_identity is None
    assert record.replicated is None
    assert repr(record) == "<Insert ?() sequence_number=1>"


@pytest.mark.parametrize("seconds", [1428537600, 1428537600.0, Decimal(1428537600)])
def test_the_time_is_an_aware_datetime(seconds: Any) -> None:
    """From seconds in every form that JSON readers give, and the age is counted from it."""
    record = read_record(modify(ApproximateCreationDateTime=seconds))
    assert record.created_at == datetime(2015, 4, 9, tzinfo=UTC)
    assert record.created_at.tzinfo is UTC
    assert (
        timedelta(days=365 * 11)
        < record.age
        == pytest.approx(datetime.now(tz=UTC) - record.created_at, abs=timedelta(minutes=1))
    )


@pytest.mark.parametrize("seconds", [None, "1428537600", True, 1e300, float("nan"), -1e18, [1]])
def test_a_time_that_is_none_is_a_named_error(seconds: object) -> None:
    """It says which field of which record, and only when somebody asks."""
    raw = modify(ApproximateCreationDateTime=seconds)
    with pytest.raises(MalformedRecordError) as caught:
        print(read_record(raw).created_at)
    assert caught.value.path == "dynamodb.ApproximateCreationDateTime"
    assert caught.value.sequence_number == raw["dynamodb"]["SequenceNumber"]


@pytest.mark.parametrize(
    ("kind", "identity", "expired"),
    [
        ("REMOVE", {"type": "Service", "principalId": "dynamodb.amazonaws.com"}, True),
        ("REMOVE", {"type": "Service", "principalId": "other.amazonaws.com"}, False),
        ("REMOVE", {"type": "User", "principalId": "dynamodb.amazonaws.com"}, False),
        ("REMOVE", {}, False),
        ("REMOVE", None, False),
        ("REMOVE", "dynamodb.amazonaws.com", False),
        ("INSERT", {"type": "Service", "principalId": "dynamodb.amazonaws.com"}, False),
    ],
)
def test_expired_only_where_time_to_live_removed_the_item(kind: str, identity: object, expired: bool) -> None:
    """Both parts of the identity and the kind must say so."""
    record = read_record({**modify(), "eventName": kind, "userIdentity": identity})
    assert record.expired is expired


def test_the_identity_of_time_to_live() -> None:
    """It is readable as it is in the record."""
    record = as_record(SCORES.remove(KEYS, expired=True), Remove)
    assert record.user_identity == UserIdentity("Service", "dynamodb.amazonaws.com")


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ({"aws:rep:updateregion": {"S": "eu-west-1"}}, True),
        ({"aws:rep:updateregion": {"S": "us-east-1"}}, False),
        ({"Other": {"S": "eu-west-1"}}, None),
        ([], None),
        ("text", None),
    ],
)
def test_replicated_is_never_a_guess(image: object, expected: object) -> None:
    """Only the attribute of 2017 global tables tells; without it the answer is that nobody knows."""
    inserted = {**modify(NewImage=image, OldImage=None), "eventName": "INSERT"}
    assert read_record(inserted).replicated is expected


def test_an_update_may_carry_the_region_of_the_write_before_it() -> None:
    """Without the old image nobody knows whether it does."""
    image = {"aws:rep:updateregion": {"S": "eu-west-1"}}
    assert read_record(modify(NewImage=image, OldImage=None)).replicated is None
    assert read_record(modify(NewImage=image, OldImage={})).replicated is True
    assert read_record(modify(NewImage=image, OldImage=image)).replicated is False


def test_an_old_image_tells_nothing_of_replication() -> None:
    """It was written by the change before this one."""
    old = {"aws:rep:updateregion": {"S": "eu-west-1"}}
    assert read_record({**modify(NewImage=None, OldImage=old), "eventName": "REMOVE"}).replicated is None


# Its images


def test_images_are_decoded_once_for_a_model_and_shared() -> None:
    """Two views with one model have the same object; another model has its own."""
    raw = modify()
    record = as_record(raw, Modify[GameScore])
    assert record.new is record.new
    plain: Modify[Any] = reshape(record, read_record(raw)._shape)
    assert plain.new == {**KEYS, "TopScore": 2}
    assert reshape(plain, record._shape).new is record.new
    assert record.old.top_score == 1


def test_each_kind_has_the_images_that_make_sense() -> None:
    """An insert has no old item and a removal no new one, and neither is optional where it is."""
    insert, remove = as_record(SCORES.insert(KEYS), Insert), as_record(SCORES.remove(KEYS), Remove)
    assert insert.new == remove.old == KEYS
    assert not hasattr(insert, "old")
    assert not hasattr(remove, "new")
    assert not hasattr(Record, "new")


def test_a_record_can_not_be_changed() -> None:
    """It has no attributes to set."""
    record: Any = as_record(modify(), Modify)
    for name in ("new", "keys", "other"):
        with pytest.raises(AttributeError):
            setattr(record, name, {})


def test_a_failure_to_decode_says_where() -> None:
    """Image and path are the item's own, whether the value is malformed or does not fit the model."""
    raw = modify(NewImage={"UserId": {"S": "u1"}, "Lines": {"L": [{"M": {"Qty": {"N": "many"}}}]}})
    raw["dynamodb"]["OldImage"]["TopScore"] = {"S": "high"}
    record = as_record(raw, Modify[GameScore])
    with pytest.raises(WireValueError) as malformed:
        print(record.new)
    assert malformed.value.path == "NewImage.Lines[0].Qty"
    with pytest.raises(DecodeError) as unfit:
        print(record.old)
    assert unfit.value.path == "OldImage.TopScore"
    assert {malformed.value.sequence_number, unfit.value.sequence_number} == {record.sequence_number}
    assert str(pickle.loads(pickle.dumps(unfit.value))) == str(unfit.value)


@pytest.mark.parametrize("image", [[], "text", 1])
def test_an_image_that_is_no_map_is_a_named_error(image: object) -> None:
    """It is malformed, not missing."""
    with pytest.raises(MalformedRecordError, match="NewImage maps attribute names to values") as caught:
        print(as_record(modify(NewImage=image), Modify).new)
    assert caught.value.path == "NewImage"


def test_a_missing_image_without_view_type_or_table_is_still_explained() -> None:
    """Where the record does not say them, the error says so."""
    raw = {**modify(NewImage=None, StreamViewType=None), "eventSourceARN": None}
    with pytest.raises(
        MissingImageError, match=r"the stream has view type \(not stated\), and this needs NEW_IMAGE or"
    ):
        print(as_record(raw, Modify).new)


def test_keys_that_are_missing_are_a_named_error() -> None:
    """Not a crash, and not an empty dict."""
    with pytest.raises(MissingImageError, match="there is no Keys"):
        print(as_record(modify(Keys=None), Modify).keys)


# What changed


def test_changes_tell_what_was_added_removed_and_changed() -> None:
    """From path to kind and values in plain Python, down into maps and lists."""
    old = {**KEYS, "Gone": 1, "Address": {"City": "Ulm", "Zip": "1"}, "Lines": [{"Sku": "a"}, {"Sku": "b"}]}
    new = {**KEYS, "Came": None, "Address": {"City": "Ulm", "Zip": "2"}, "Lines": [{"Sku": "c"}]}
    changes = as_record(SCORES.modify(old, new), Modify).changes
    assert {path: (change.kind, change.old, change.new) for path, change in changes.items()} == {
        "Gone": ("removed", 1, None),
        "Address.Zip": ("changed", "1", "2"),
        "Lines[0].Sku": ("changed", "a", "c"),
        "Lines[1]": ("removed", {"Sku": "b"}, None),
        "Came": ("added", None, None),
    }
    assert changes["Gone"] == Change("removed", {"N": "1"}, None)
    assert repr(changes["Gone"]) == "<Change removed>"


def test_all_of_an_insert_is_added_and_all_of_a_removal_removed() -> None:
    """The image that these kinds do not have counts as an empty item."""
    insert, remove = as_record(SCORES.insert(KEYS), Insert), as_record(SCORES.remove(KEYS), Remove)
    assert {path: change.kind for path, change in insert.changes.items()} == dict.fromkeys(KEYS, "added")
    assert {path: change.kind for path, change in remove.changes.items()} == dict.fromkeys(KEYS, "removed")


def test_changes_of_a_malformed_value_name_the_record() -> None:
    """The error has path and sequence number."""
    record = as_record(modify(NewImage={"TopScore": {"N": "many"}}), Modify)
    with pytest.raises(WireValueError) as caught:
        print(record.changes)
    assert caught.value.path == "TopScore"
    assert caught.value.sequence_number == record.sequence_number


def test_changes_without_an_image_are_a_named_error() -> None:
    """They are not taken for "everything was added"."""
    with pytest.raises(MissingImageError):
        print(as_record(modify(OldImage=None), Modify).changes)


def test_the_text_of_a_record_shows_keys_and_nothing_else() -> None:
    """Whatever the keys are, even malformed ones; never an image."""
    assert repr(as_record(modify(SequenceNumber="7"), Modify)) == (
        "<Modify GameScores(UserId='u1', GameTitle='Meteor Blasters') sequence_number=7>"
    )
    odd = {"N": {"N": "5"}, "B": {"B": "YQ=="}, "Empty": {}, "Text": "x"}
    assert repr(read_record(modify(Keys=odd, SequenceNumber="1"))) == (
        "<Modify GameScores(N=5, B='YQ==', Empty=None, Text=None) sequence_number=1>"
    )
