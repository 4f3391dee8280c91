"""Items for the builders: models and plain values into the wire form."""

from __future__ import annotations

import enum
import math
from collections import UserDict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any, TypedDict
from uuid import UUID

import pydantic
import pytest
from pydantic import BaseModel, ConfigDict, Field, RootModel, field_serializer
from pydantic.alias_generators import to_camel

from headwater import Insert, Modify, Record, Remove, SourceError, WireValueError, decode
from headwater.testing import Table, as_record
from headwater.testing.items import wire_item

GAMES = Table("Games", keys="Id")


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Size(enum.StrEnum):
    SMALL = "small"


class Line(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)
    unit_price: Decimal


class Game(BaseModel):
    id: str = Field(alias="Id")
    at: datetime = datetime(2024, 5, 6, 12, tzinfo=UTC)
    day: date = date(2024, 5, 6)
    wait: timedelta = timedelta(minutes=5)
    uuid: UUID = UUID(int=7)
    path: PurePosixPath = PurePosixPath("/a/b")
    colour: Colour = Colour.RED
    level: Level = Level.HIGH
    size: Size = Size.SMALL
    ratio: float = 0.1
    whole: float = 2.0
    blob: bytes = b"\xff"
    tags: set[str] = {"a"}
    ids: frozenset[UUID] = frozenset({UUID(int=1)})
    lines: tuple[Line, ...] = (Line(unit_price=Decimal("9.90")),)
    by_level: dict[Level, float] = {Level.HIGH: 1.5}
    by_colour: dict[Colour, int] = {Colour.RED: 1}
    by_size: dict[Size, int] = {Size.SMALL: 1}
    by_number: dict[int, None] = {5: None}
    by_name: dict[str, bool] = {"x": True}


def test_a_model_is_written_with_its_aliases_and_in_json_form() -> None:
    """Types that DynamoDB has stay; all others become what pydantic writes as JSON, floats exactly as printed."""
    assert wire_item(Game(Id="g1")) == {
        "Id": {"S": "g1"},
        "at": {"S": "2024-05-06T12:00:00Z"},
        "day": {"S": "2024-05-06"},
        "wait": {"S": "PT5M"},
        "uuid": {"S": "00000000-0000-0000-0000-000000000007"},
        "path": {"S": "/a/b"},
        "colour": {"S": "red"},
        "level": {"N": "3"},
        "size": {"S": "small"},
        "ratio": {"N": "0.1"},
        "whole": {"N": "2"},
        "blob": {"B": "/w=="},
        "tags": {"SS": ["a"]},
        "ids": {"SS": ["00000000-0000-0000-0000-000000000001"]},
        "lines": {"L": [{"M": {"unitPrice": {"N": "9.9"}}}]},
        "by_level": {"M": {"3": {"N": "1.5"}}},
        "by_colour": {"M": {"red": {"N": "1"}}},
        "by_size": {"M": {"small": {"N": "1"}}},
        "by_number": {"M": {"5": {"NULL": True}}},
        "by_name": {"M": {"x": {"BOOL": True}}},
    }


def test_text_of_an_enum_is_plain_text() -> None:
    """No enum is left inside the record, where a later comparison or JSON writer would meet it."""
    written = wire_item(Game(Id="g1"))
    assert type(written["size"]["S"]) is str
    assert {type(name) for name in written["by_size"]["M"]} == {str}


def test_a_model_comes_back_from_its_record() -> None:
    """What a handler is given is the model that the record was built from."""
    game = Game(Id="g1")
    assert as_record(GAMES.insert(game), Insert[Game]).new == game


@dataclass
class PlainScore:
    Id: str
    ratio: float = 0.5
    at: datetime = datetime(2024, 5, 6, tzinfo=UTC)
    lines: list[Line] = field(default_factory=lambda: [Line(unit_price=Decimal(1))])


@pydantic.dataclasses.dataclass
class AliasedScore:
    id: str = Field(alias="Id")
    colour: Colour = Colour.RED


class ScoreDict(TypedDict):
    Id: str
    Points: int


def test_dataclasses_are_written_like_models() -> None:
    """Python's own and pydantic's, with aliases where they have some."""
    score = PlainScore("s1")
    assert wire_item(score) == {
        "Id": {"S": "s1"},
        "ratio": {"N": "0.5"},
        "at": {"S": "2024-05-06T00:00:00Z"},
        "lines": {"L": [{"M": {"unitPrice": {"N": "1"}}}]},
    }
    assert decode(wire_item(score), PlainScore) == score
    assert wire_item(AliasedScore(Id="s1")) == {"Id": {"S": "s1"}, "colour": {"S": "red"}}


def test_mappings_are_written_strictly() -> None:
    """A dict, TypedDict or other mapping holds what boto3 would take, and nothing is converted."""
    assert wire_item(ScoreDict(Id="s1", Points=3)) == {"Id": {"S": "s1"}, "Points": {"N": "3"}}
    other: UserDict[str, Any] = UserDict({"Id": {"a", "b"}})
    assert wire_item(other) == {"Id": {"SS": ["a", "b"]}}
    for value in (1.5, datetime.now(tz=UTC), UUID(int=1), Colour.RED, Line(unit_price=Decimal(1))):
        with pytest.raises(WireValueError) as refusal:
            wire_item({"Id": {"deep": [value]}})
        assert refusal.value.path == "Id.deep[0]"


@dataclass(frozen=True)
class Point:
    x: int


class Odd(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    value: Any


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (set(), "no empty set: leave the attribute out"),
        (frozenset({(1, 2)}), "holds L"),
        ({"a", 1}, "only text, only numbers or only binaries"),
        (math.nan, "no NaN"),
        (math.inf, "no NaN and no Infinity"),
        (1e300, "between 1E-130"),
        (object(), "no type for a object"),
        ({object(): 1}, "names are text"),
        ({(1, object()): 1}, "names are text"),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_dynamodb_can_not_hold_is_refused_in_models_too(value: Any, message: str) -> None:
    """With the path of the attribute."""
    with pytest.raises((WireValueError, pydantic.ValidationError), match=message) as refusal:
        wire_item(Odd.model_construct(value=value))
    assert isinstance(refusal.value, WireValueError)
    assert refusal.value.path.startswith("value")


class Fields(RootModel[dict[str, int]]):
    pass


class Numbers(RootModel[list[int]]):
    pass


class Masked(BaseModel):
    Id: str
    moment: timedelta

    @field_serializer("moment")
    def in_seconds(self, moment: timedelta) -> float:
        return moment.total_seconds()


def test_the_models_own_serializers_are_used() -> None:
    """A serializer of the user's and a root model say themselves what is stored."""
    assert wire_item(Masked(Id="m", moment=timedelta(seconds=1.5)))["moment"] == {"N": "1.5"}
    assert wire_item(Fields({"Id": 1})) == {"Id": {"N": "1"}}


@pytest.mark.parametrize(
    "item", [None, "u1", [("Id", 1)], 7, Game, Point, Numbers([1]), pydantic.TypeAdapter(int), object()]
)
def test_what_is_no_item_is_refused(item: Any) -> None:
    """Among others a model's class in place of an instance."""
    with pytest.raises(WireValueError, match="an item is a pydantic model, dataclass or mapping"):
        GAMES.insert(item)


def test_a_record_for_a_handler_has_its_types() -> None:
    """Images as the model, keys as the key model, plain dicts where nothing is said."""
    raw = GAMES.modify(AliasedScore(Id="s1"), {"Id": "s1", "colour": "red", "n": 1})
    record = as_record(raw, Modify[AliasedScore, AliasedScore])
    assert record.old == record.new == record.keys == AliasedScore(Id="s1")
    assert as_record(raw, Modify).new == {"Id": "s1", "colour": "red", "n": 1}
    assert as_record(raw, Record[AliasedScore]).keys == {"Id": "s1"}
    assert isinstance(as_record(raw, Record), Modify)


def test_a_record_of_another_kind_is_refused() -> None:
    """So is something that is no kind of record, or no record."""
    raw = GAMES.insert({"Id": "s1"})
    with pytest.raises(TypeError, match=r"record of INSERT, so it is a Insert and no Remove"):
        as_record(raw, Remove[Game])
    wrong: Any = Game
    with pytest.raises(TypeError, match="Insert, Modify, Remove or Record"):
        as_record(raw, wrong)
    with pytest.raises(SourceError):
        as_record({"Records": [raw]}, Insert)
