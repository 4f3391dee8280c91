"""Items into the user's types: one meaning for decoding, and failures in the item's own names."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import traceback
from collections import Counter, OrderedDict, UserDict
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any, Literal, NamedTuple, Union

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    RootModel,
    TypeAdapter,
    ValidationError,
    WrapValidator,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from headwater import DecodeError, WireValueError, decode, to_python, to_wire
from headwater.models import PLAIN, SWITCH, decoder_for
from headwater.paths import parse_path
from tests.strategies import IMAGE_KINDS, WIRE_ITEMS, Kind, items_for, with_odd_value

SECRET = "tell-nobody"


# --- decoding has one meaning -----------------------------------------------------------------------------------------


def identical(left: Any, right: Any) -> bool:
    """Equal, and of the same types all the way down."""
    if type(left) is not type(right):
        return False
    equal: bool = left == right
    match left:
        case BaseModel():
            return (
                identical(dict(left.__dict__), dict(right.__dict__))
                and left.model_fields_set == right.model_fields_set
                and identical(left.__pydantic_extra__, right.__pydantic_extra__)
            )
        case dict():
            return identical(list(left), list(right)) and identical(list(left.values()), list(right.values()))
        case list() | tuple():
            return len(left) == len(right) and all(map(identical, left, right))
        case set() | frozenset():
            return equal and Counter(map(type, left)) == Counter(map(type, right))
        case Decimal():
            return bool(left.as_tuple() == right.as_tuple())
        case _ if dataclasses.is_dataclass(left):
            return identical(vars(left), vars(right))
        case _:
            return equal or bool(left != left)  # noqa: PLR0124 - NaN


def agree(model: Any, item: Any) -> bool:
    """Decode both ways, compare, and say whether the item fitted."""
    expected, errors = reference(model, item)
    if not errors:
        assert identical(decode(item, model), expected)
        return True
    with pytest.raises(DecodeError) as caught:
        decode(item, model)
    assert [(each.type, each.message) for each in caught.value.violations] == errors
    return False


def reference(model: Any, item: Any) -> tuple[Any, list[tuple[str, str]]]:
    """What pydantic makes of the item in plain Python, and the kinds and sentences of its errors."""
    try:
        return TypeAdapter(model).validate_python(to_python(item)), []
    except ValidationError as error:
        return None, [(each["type"], each["msg"]) for each in error.errors()]


def replace_value(item: Any, path: str) -> None:
    """Put another value in the place of a malformed one."""
    *outer, last = parse_path(path)
    for step in outer:
        [item] = item[step].values()
    item[last] = {"NULL": True}


@given(st.data())
def test_decode_is_validate_python_of_to_python(data: st.DataObject) -> None:
    """For every model and item that hypothesis can think of: the same value, or the same errors."""
    kind: Kind = data.draw(IMAGE_KINDS, label="model")
    for _ in range(3):
        agree(kind.type, to_wire(data.draw(items_for(kind, spoil=True), label="item")))


@given(st.data())
def test_decode_agrees_on_items_that_mostly_fit(data: st.DataObject) -> None:
    """The same where few values are wrong, so that the inner parts of a model are reached."""
    kind: Kind = data.draw(IMAGE_KINDS, label="model")
    for _ in range(3):
        agree(kind.type, to_wire(data.draw(items_for(kind, spoil=False), label="item")))


@given(st.data())
def test_decode_agrees_on_items_with_an_odd_value(data: st.DataObject) -> None:
    """The same for values that are malformed, or in wire form as no JSON has them. What no model reads may be anything."""
    kind: Kind = data.draw(IMAGE_KINDS, label="model")
    item = data.draw(with_odd_value(items_for(kind, spoil=False).map(to_wire)), label="item")
    try:
        to_python(item)
    except WireValueError as error:
        malformed = error
    else:
        agree(kind.type, item)
        return
    try:
        decoded = decode(item, kind.type)
    except WireValueError as error:
        assert (str(error), error.path) == (str(malformed), malformed.path)  # noqa: PT017 - not all of them raise
    else:
        replace_value(item, malformed.path)
        assert identical(reference(kind.type, item), (decoded, []))


@given(st.data())
def test_decode_agrees_on_items_of_any_other_shape(data: st.DataObject) -> None:
    """The same for an item that was not made for the model."""
    kind: Kind = data.draw(IMAGE_KINDS, label="model")
    agree(kind.type, data.draw(WIRE_ITEMS, label="item"))


def test_the_generators_reach_both_success_and_failure() -> None:
    """Of what these tests compare, a fair part fits and a fair part does not."""
    seen: Counter[bool] = Counter()

    @given(st.data())
    def count(data: st.DataObject) -> None:
        kind = data.draw(IMAGE_KINDS)
        seen[agree(kind.type, to_wire(data.draw(items_for(kind, spoil=data.draw(st.booleans())))))] += 1

    count()
    assert min(seen[True], seen[False]) > 0.15 * seen.total()


@given(WIRE_ITEMS)
def test_decoding_leaves_the_item_as_it_is(item: Any) -> None:
    """An image can be decoded again, into another model."""
    before = copy.deepcopy(item)
    decode(item, dict[str, Any])
    assert item == before


@pytest.mark.parametrize("model", [dict, dict[str, Any], Any, object])
def test_plain_dicts_need_no_validator(model: Any) -> None:
    """What asks for nothing gets the item in plain Python, by one and the same decoder."""
    assert decoder_for(model) is PLAIN
    assert decode({"a": {"N": "1.0"}, "b": {"SS": ["x"]}}, model) == {"a": 1, "b": {"x"}}
    assert agree(model, {"a": {"N": "1.0"}, "b": {"SS": ["x"]}})
    assert decoder_for(model).unknown_attribute(("anything",)) is None


class First(BaseModel):
    x: int = 0


class Second(BaseModel):
    x: int = 0


def test_the_order_of_a_union_counts() -> None:
    """`First | Second` equals `Second | First` in Python, yet each decodes to its own first member."""
    item = {"x": {"N": "1"}}
    assert type(decode(item, First | Second)) is First
    assert type(decode(item, Second | First)) is Second
    assert type(decode(item, Union[First, Second])) is First  # noqa: UP007
    assert type(decode({"a": {"M": item}}, dict[str, First | Second])["a"]) is First
    assert type(decode({"a": {"M": item}}, dict[str, Second | First])["a"]) is Second


def test_a_model_has_one_decoder() -> None:
    """The validator of a model is made once."""
    assert decoder_for(First) is decoder_for(First)
    assert decoder_for(dict[str, First]) is decoder_for(dict[str, First])


def test_a_model_that_can_not_be_hashed_is_decoded_all_the_same() -> None:
    """Such as an annotation with a list in it."""
    model = Annotated[First, ["not hashable"]]
    assert decode({"x": {"N": "1"}}, model) == First(x=1)
    assert decoder_for(model) is not decoder_for(model)


def test_a_malformed_value_is_no_matter_of_the_model() -> None:
    """The wire form is judged first, with the path to the value."""
    with pytest.raises(WireValueError) as caught:
        decode({"x": {"N": SECRET}}, First)
    assert caught.value.path == "x"


def test_what_is_no_type_is_refused_by_pydantic() -> None:
    """The error of pydantic says what it can make no validator for."""
    with pytest.raises(pydantic.errors.PydanticUserError):
        decoder_for(5j)


def test_a_decoder_has_the_name_of_its_model() -> None:
    """A class by its name, anything else as written."""
    assert decoder_for(First).name == "First"
    assert "First" in decoder_for(First | Second).name


# --- the fast way -----------------------------------------------------------------------------------------------------


UNTOUCHED: dict[str, Any] = {"Unread": {"N": SECRET}}
"""What a model without this attribute can only decode where its attributes alone are read."""


class Leaf(BaseModel):
    x: int = 0


class Linked(BaseModel):
    x: int = Field(alias="X")
    following: Linked | None = None
    listed: list[Linked] = []
    named: dict[str, Linked] = {}


class Wide(BaseModel):
    text: str = Field(alias="Text")
    number: Decimal = Field(validation_alias=AliasChoices("Number", "Count"))
    flag: bool | None = None
    leaf: Leaf = Leaf()
    moment: datetime | None = None


class Loose(TypedDict, total=False):
    x: int
    leaf: Leaf


@dataclasses.dataclass
class Plank:
    x: int
    leaf: Leaf | None = None


class Verified(BaseModel):
    x: Annotated[int, AfterValidator(abs)]

    @model_validator(mode="after")
    def check(self) -> Verified:
        return self


LEAF: dict[str, Any] = {"M": {"x": {"N": "1"}, **UNTOUCHED}}
LINK: dict[str, Any] = {"M": {"X": {"N": "1"}, **UNTOUCHED}}
FAST: list[tuple[Any, dict[str, Any]]] = [
    (Leaf, {"x": {"N": "1"}}),
    (Wide, {"Text": {"S": "a"}, "Number": {"N": "1.50"}, "flag": {"NULL": True}, "leaf": LEAF}),
    (Wide, {"Text": {"S": "a"}, "Count": {"N": "1"}, "flag": {"BOOL": True}, "moment": {"N": "1700000000"}}),
    (
        Linked,
        {"X": {"N": "1"}, "following": LINK, "listed": {"L": [LINK, LINK]}, "named": {"M": {"k": LINK}}},
    ),
    (Loose, {"x": {"N": "1"}, "leaf": LEAF}),
    (Plank, {"x": {"N": "1"}, "leaf": LEAF}),
    (pydantic.dataclasses.dataclass(Plank), {"x": {"N": "1"}, "leaf": LEAF}),
    (Verified, {"x": {"N": "-1"}}),
    (RootModel[Leaf], {"x": {"N": "1"}}),
    (Annotated[Leaf, AfterValidator(copy.copy)], {"x": {"N": "1"}}),
]


@pytest.mark.parametrize(("model", "item"), FAST)
def test_attributes_that_the_model_does_not_have_are_not_touched(model: Any, item: dict[str, Any]) -> None:
    """Not even judged: the code written for the model has decoded it, and not the reference."""
    clean = json.loads(json.dumps(item, default=str), object_hook=without_untouched)
    assert identical(decode(item | UNTOUCHED, model), reference(model, clean)[0])
    with pytest.raises(WireValueError):
        to_python(item | UNTOUCHED)


def without_untouched(content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name not in UNTOUCHED}


@pytest.mark.parametrize("value", ["0", "off", "No", "FALSE"])
def test_the_fast_way_can_be_switched_off(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then every attribute is read, and a malformed one is an error."""
    monkeypatch.setenv(SWITCH, value)
    model = pydantic.create_model("Switched", x=(int, ...))
    assert decode({"x": {"N": "1"}}, model) == model(x=1)
    with pytest.raises(WireValueError):
        decode({"x": {"N": "1"}} | UNTOUCHED, model)


@pytest.mark.parametrize("value", ["1", "on", ""])
def test_anything_else_leaves_the_fast_way_on(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is on by default."""
    monkeypatch.setenv(SWITCH, value)
    model = pydantic.create_model("Switched", x=(int, ...))
    assert decode({"x": {"N": "1"}} | UNTOUCHED, model) == model(x=1)


def test_a_class_that_is_defined_later_is_decoded_fast_once_it_is_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Until then pydantic says what is missing."""

    class Waiting(BaseModel):
        soon: Soon  # type: ignore[name-defined]  # noqa: F821 - it is to come

    for _ in range(2):
        with pytest.raises((pydantic.errors.PydanticUserError, pydantic.errors.PydanticUndefinedAnnotation)):
            decode({"soon": {"M": {}}}, Waiting)
    monkeypatch.setitem(globals(), "Soon", Leaf)
    assert decode({"soon": LEAF} | UNTOUCHED, Waiting).soon == Leaf(x=1)


def test_a_decoder_made_before_a_class_is_defined_gets_fast_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as that of a handler declared above its model's parts."""

    class Waiting(BaseModel):
        soon: Soon  # type: ignore[name-defined]  # noqa: F821 - it is to come

    try:
        decoder = decoder_for(Waiting)
    except pydantic.errors.PydanticUndefinedAnnotation:
        assert not hasattr(TypeAdapter, "rebuild")  # an older pydantic makes none before the class is there
        return
    for _ in range(2):
        with pytest.raises(pydantic.errors.PydanticUserError):
            decoder({"soon": {"M": {}}})
    monkeypatch.setitem(globals(), "Soon", Leaf)
    assert decoder({"soon": LEAF} | UNTOUCHED).soon == Leaf(x=1)


def test_a_schema_that_can_not_be_read_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Items are decoded all the same, read in full."""
    tried: list[Any] = []

    def reader_of(schema: Any, name: str) -> Any:
        tried.append(name)
        raise KeyError("schema")

    monkeypatch.setattr("headwater.readers.reader_of", reader_of)
    model = pydantic.create_model("Strange", x=(int, ...))
    assert [decode({"x": {"N": "1"}}, model), decode({"x": {"N": "2"}}, model)] == [model(x=1), model(x=2)]
    assert tried == ["Strange"]


def test_validators_run_again_for_an_item_that_does_not_fit() -> None:
    """Once for an item that fits; for another, the reference says what is wrong with it."""
    seen: list[int] = []
    model = model_of(Annotated[int, AfterValidator(seen.append)])
    decode({"A": {"N": "1"}}, model)
    assert seen == [1]
    with pytest.raises(DecodeError):
        decode({"A": {"N": "2"}}, pydantic.create_model("Two", __base__=model, b=(int, ...)))
    assert seen == [1, 2]  # an attribute that is missing is noticed before any validator runs
    with pytest.raises(DecodeError):
        decode(
            {"A": {"N": "3"}, "b": {"N": "1.5"}}, pydantic.create_model("Two", __base__=model, b=(int, ...))
        )
    assert seen == [1, 2, 3, 3]


@pytest.mark.parametrize("error", [RuntimeError, KeyError, RecursionError, KeyboardInterrupt])
def test_what_a_validator_raises_is_raised(error: type[BaseException]) -> None:
    """Whatever it is, with no other error in its context."""

    def fail(value: Any) -> Any:
        raise error("by the validator")

    with pytest.raises(error, match="by the validator") as caught:
        decode({"A": {"N": "1"}}, model_of(Annotated[int, AfterValidator(fail)]))
    assert caught.value.__context__ is None


@pytest.mark.parametrize("error", [TimeoutError, RuntimeError])
def test_what_comes_from_elsewhere_is_raised_at_once(error: type[Exception]) -> None:
    """Such as the time-out of a signal handler: decoding again would swallow it."""
    seen: list[int] = []

    def interrupted(value: int) -> int:
        seen.append(value)
        raise error

    with pytest.raises(error):
        decode({"A": {"N": "1"}}, model_of(Annotated[int, AfterValidator(interrupted)]))
    assert seen == [1]


@pytest.mark.parametrize("model", [dict, Leaf, dict[str, int]])
def test_an_item_may_be_any_kind_of_dict(model: Any) -> None:
    """It is read in full then; what is no dict is refused."""
    assert agree(model, OrderedDict(x={"N": "1"}))
    others: list[Any] = [UserDict(x={"N": "1"}), MappingProxyType({"x": {"N": "1"}}), [], None]
    for item in others:
        with pytest.raises(WireValueError):
            decode(item, model)


def test_a_model_whose_validator_is_deferred_has_one_decoder_once_it_is_used() -> None:
    """The validator is made for the first item, and only then."""

    class Deferred(BaseModel):
        model_config = ConfigDict(defer_build=True)
        x: int

    assert [decode({"x": {"N": "1"}} | UNTOUCHED, Deferred).x for _ in range(3)] == [1, 1, 1]
    assert decoder_for(Deferred) is decoder_for(Deferred)


@pytest.mark.parametrize("model", [First, Plank, dict[str, First], First | Second, dict])
def test_a_decoder_survives_pickling_and_copying_after_use(model: Any) -> None:
    """It goes with each record that it has decoded an image of."""
    item: Any = {"x": {"M": {}} if model == dict[str, First] else {"N": "1"}}
    decoder = decoder_for(model)
    expected = decoder(item)
    assert identical(pickle.loads(pickle.dumps(decoder))(item), expected)
    assert identical(copy.deepcopy(decoder)(item), expected)


def test_two_decoded_items_share_nothing_that_can_change() -> None:
    """And nothing with the item."""
    model = model_of(dict[str, list[Any]])
    item: Any = {"A": {"M": {"k": {"L": [{"M": {}}, {"SS": ["x"]}, {"L": []}, {"B": bytearray(b"x")}]}}}}
    before = copy.deepcopy(item)
    first, second = decode(item, model), decode(item, model)
    assert identical(first, second)
    first.a["k"][0]["new"] = 1
    first.a["k"][1].add("new")
    first.a["k"][2].append("new")
    first.a["new"] = []
    assert second.a == {"k": [{}, {"x"}, [], b"x"]}
    assert item == before


def test_threads_may_be_the_first_to_decode() -> None:
    """The code is written when the first item is decoded, wherever that is."""
    decoder = decoder_for(pydantic.create_model("Shared", x=(int, ...)))
    with ThreadPoolExecutor(8) as pool:
        decoded = list(pool.map(decoder, [{"x": {"N": str(index)}} for index in range(200)]))
    assert [each.x for each in decoded] == list(range(200))


# --- failures ---------------------------------------------------------------------------------------------------------


def raises_value_error(value: Any) -> Any:
    raise ValueError(f"{value!r} will not do")


def raises_assertion(value: Any) -> Any:
    raise AssertionError(f"{value!r} will not do")


def raises_custom(value: Any, handler: Any) -> Any:
    raise PydanticCustomError("will_not_do", "{value} will not do", {"value": str(value)})


class Inner(BaseModel):
    qty: int = Field(alias="Qty")


class Row(TypedDict):
    Size: int


class Spot(NamedTuple):
    Lat: int
    Lon: int


@dataclasses.dataclass
class Part:
    Weight: int


class ByLocation(BaseModel):
    model_config = ConfigDict(loc_by_alias=False)
    top_score: int = Field(alias="TopScore")
    inner: dict[str, ByPythonName] = Field(alias="Inner", default={})


class ByPythonName(BaseModel):
    model_config = ConfigDict(loc_by_alias=False)
    best_of: int = Field(alias="BestOf")


ByLocation.model_rebuild()


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    top_score: int = Field(alias="TopScore")


class Upper(BaseModel):
    model_config = ConfigDict(alias_generator=str.upper)
    score: int


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = Field(alias="Lives")


class Dog(BaseModel):
    kind: Literal["dog"]
    toys: list[int] = Field(alias="Toys")


class Pets(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] = Field(alias="Pet")


class Checked(BaseModel):
    score: int = Field(alias="Score")

    @field_validator("score")
    @classmethod
    def check(cls, value: int) -> int:
        raise ValueError(f"no {value}")


class Whole(BaseModel):
    score: int = Field(alias="Score")

    @model_validator(mode="after")
    def check(self) -> Whole:
        raise ValueError(f"not {self!r}")


class Tree(BaseModel):
    name: str = Field(alias="Name")
    children: list[Tree] = Field(alias="Children", default=[])


class Paths(BaseModel):
    deep: int = Field(validation_alias=AliasPath("Deep", "List", 1))
    either: int = Field(validation_alias=AliasChoices("One", "Two"))


def model_of(type_: Any) -> Any:
    """A model with one field of a type, for the attribute `A`."""
    return pydantic.create_model("OneField", a=(type_, Field(alias="A")))


FAILURES: list[tuple[Any, dict[str, Any], list[tuple[str, str]]]] = [
    # aliases
    (Inner, {"Qty": SECRET}, [("Qty", "int_parsing")]),
    (Inner, {}, [("Qty", "missing")]),
    (Inner, {"qty": 1}, [("Qty", "missing")]),
    (Upper, {"SCORE": SECRET}, [("SCORE", "int_parsing")]),
    (Strict, {"top_score": SECRET}, [("top_score", "int_parsing")]),
    (Strict, {"TopScore": SECRET}, [("TopScore", "int_parsing")]),
    (Strict, {"TopScore": 1, "More": SECRET}, [("More", "extra_forbidden")]),
    (
        Paths,
        {"Deep": {"List": [1, SECRET]}, "Two": SECRET},
        [("Deep.List[1]", "int_parsing"), ("Two", "int_parsing")],
    ),
    (ByLocation, {"TopScore": SECRET}, [("TopScore", "int_parsing")]),
    (ByLocation, {}, [("TopScore", "missing")]),
    (
        ByLocation,
        {"TopScore": 1, "Inner": {"k.1": {"BestOf": SECRET}}},
        [('Inner["k.1"].BestOf', "int_parsing")],
    ),
    (ByLocation, {"TopScore": 1, "Inner": {"k": {}}}, [("Inner.k.BestOf", "missing")]),
    # containers
    (model_of(Inner), {"A": {"Qty": SECRET}}, [("A.Qty", "int_parsing")]),
    (model_of(Inner), {"A": {}}, [("A.Qty", "missing")]),
    (model_of(Inner), {"A": SECRET}, [("A", "model_type")]),
    (model_of(list[Inner]), {"A": [{"Qty": 1}, {"Qty": SECRET}]}, [("A[1].Qty", "int_parsing")]),
    (model_of(list[Inner]), {"A": [{"Qty": 1}, {}]}, [("A[1].Qty", "missing")]),
    (model_of(dict[str, Inner]), {"A": {"x.y": {"Qty": SECRET}}}, [('A["x.y"].Qty', "int_parsing")]),
    (model_of(dict[str, int]), {"A": {"a b[]": SECRET}}, [('A["a b[]"]', "int_parsing")]),
    (model_of(dict[int, int]), {"A": {"k": 1}}, [("A.k", "int_parsing")]),
    (model_of(set[int]), {"A": {SECRET}}, [("A", "int_parsing")]),
    (model_of(frozenset[int]), {"A": [1, SECRET]}, [("A[1]", "int_parsing")]),
    (model_of(tuple[int, int]), {"A": [1, SECRET]}, [("A[1]", "int_parsing")]),
    (model_of(tuple[int, int]), {"A": [1]}, [("A[1]", "missing")]),
    (model_of(tuple[int, int]), {"A": [1, 2, 3]}, [("A", "too_long")]),
    (
        Tree,
        {"Name": "a", "Children": [{"Name": "b", "Children": [{"Name": 5}]}]},
        [("Children[0].Children[0].Name", "string_type")],
    ),
    # unions: the members are no places in the item
    (model_of(int | Inner), {"A": SECRET}, [("A", "int_parsing"), ("A", "model_type")]),
    (model_of(int | Inner), {"A": {"Qty": SECRET}}, [("A", "int_type"), ("A.Qty", "int_parsing")]),
    (model_of(Inner | None), {"A": {"Qty": SECRET}}, [("A.Qty", "int_parsing")]),
    (Pets, {"Pet": {"kind": "cat", "Lives": SECRET}}, [("Pet.Lives", "int_parsing")]),
    (Pets, {"Pet": {"kind": "dog", "Toys": [1, SECRET]}}, [("Pet.Toys[1]", "int_parsing")]),
    (Pets, {"Pet": {"kind": "cat"}}, [("Pet.Lives", "missing")]),
    (Pets, {"Pet": {"kind": SECRET}}, [("Pet", "union_tag_invalid")]),
    (Pets, {"Pet": {}}, [("Pet", "union_tag_not_found")]),
    (Inner | Strict, {"Qty": SECRET, "TopScore": 1}, [("Qty", "int_parsing"), ("Qty", "extra_forbidden")]),
    # validators, which quote what they were given
    (model_of(Annotated[str, BeforeValidator(raises_value_error)]), {"A": SECRET}, [("A", "value_error")]),
    (model_of(Annotated[str, AfterValidator(raises_assertion)]), {"A": SECRET}, [("A", "assertion_error")]),
    (model_of(Annotated[str, PlainValidator(raises_value_error)]), {"A": SECRET}, [("A", "value_error")]),
    (model_of(Annotated[str, WrapValidator(raises_custom)]), {"A": SECRET}, [("A", "will_not_do")]),
    (
        model_of(list[Annotated[str, WrapValidator(raises_custom)]]),
        {"A": [SECRET]},
        [("A[0]", "will_not_do")],
    ),
    (Checked, {"Score": 5}, [("Score", "value_error")]),
    (Whole, {"Score": 5}, [("", "value_error")]),
    (model_of(Whole), {"A": {"Score": 5}}, [("A", "value_error")]),
    # everything else that TypeAdapter takes
    (RootModel[dict[str, int]], {"a.b": SECRET}, [('["a.b"]', "int_parsing")]),
    (RootModel[list[int]], {"A": SECRET}, [("", "list_type")]),
    (Part, {"Weight": SECRET}, [("Weight", "int_parsing")]),
    (Part, {}, [("Weight", "missing")]),
    (model_of(Part), {"A": {"Weight": SECRET}}, [("A.Weight", "int_parsing")]),
    (Row, {"Size": SECRET}, [("Size", "int_parsing")]),
    (model_of(Row), {"A": {}}, [("A.Size", "missing")]),
    (Spot, {"Lat": 1, "Lon": SECRET}, [("Lon", "int_parsing")]),
    (list[int], {"A": SECRET}, [("", "list_type")]),
]


@pytest.mark.parametrize(("model", "item", "expected"), FAILURES)
def test_a_failure_names_the_places_in_the_items_own_names(
    model: Any, item: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    """Attribute names, positions and map keys; no union members, tags or validators. No content in any text."""
    with pytest.raises(DecodeError) as caught:
        decode(to_wire(item), model)
    error = caught.value
    assert [(each.path, each.type) for each in error.violations] == expected
    assert error.path == expected[0][0]
    assert error.phase == "decode"
    assert decoder_for(model).name in error.message
    assert all(f"{path or 'the item'}: {kind}" in error.message for path, kind in expected)
    for text in (str(error), repr(error), "".join(traceback.format_exception(error))):
        assert SECRET not in text
        assert "will not do" not in text
    assert error.__cause__ is None
    assert error.__context__ is None


def test_a_missing_field_of_a_named_tuple_is_named() -> None:
    """There have been two kinds of error for it; the place is the same."""
    with pytest.raises(DecodeError) as caught:
        decode(to_wire({"A": {"Lat": 1}}), model_of(Spot))
    assert [each.path for each in caught.value.violations] == ["A.Lon"]


def test_the_violations_keep_pydantics_own_sentences() -> None:
    """They can quote the item, so they are fields and not text."""
    model = model_of(Annotated[str, BeforeValidator(raises_value_error)])
    with pytest.raises(DecodeError) as caught:
        decode({"A": {"S": SECRET}}, model)
    [violation] = caught.value.violations
    assert violation.message == f"Value error, {SECRET!r} will not do"


def test_many_failures_are_counted_after_the_third() -> None:
    """The text stays short; `violations` has them all."""
    with pytest.raises(DecodeError) as caught:
        decode(to_wire({"A": [SECRET] * 5}), model_of(list[int]))
    error = caught.value
    assert str(error) == (
        "this item does not fit OneField: A[0]: int_parsing; A[1]: int_parsing; A[2]: int_parsing and 2 more (at A[0])"
    )
    assert [each.path for each in error.violations] == [f"A[{index}]" for index in range(5)]


def test_a_failure_survives_pickling() -> None:
    """With its path and violations."""
    with pytest.raises(DecodeError) as caught:
        decode({"Qty": {"S": SECRET}}, Inner)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.path, again.violations) == (str(caught.value), "Qty", caught.value.violations)


@given(st.data())
def test_no_failure_quotes_the_item(data: st.DataObject) -> None:
    """Whatever the model: an item's text values are in no message, only its names are."""
    kind: Kind = data.draw(IMAGE_KINDS)
    item = data.draw(items_for(kind, spoil=True))
    marked = {name: marked_with_secrets(value) for name, value in item.items()}
    text = ""
    try:
        decode(to_wire(marked), kind.type)
    except DecodeError as error:
        text = "".join(traceback.format_exception(error))
    assert SECRET not in text


def marked_with_secrets(value: Any) -> Any:
    match value:
        case str():
            return SECRET
        case list():
            return [marked_with_secrets(member) for member in value]
        case dict():
            return {name: marked_with_secrets(member) for name, member in value.items()}
        case _:
            return value
