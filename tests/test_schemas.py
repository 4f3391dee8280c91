"""Which attributes a model reads: unknown names are refused with what is known, and nothing that may be read is."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from typing import Annotated, Any, Generic, Literal, TypeVar

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import (
    AliasChoices,
    AliasPath,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    RootModel,
    Tag,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.errors import PydanticUndefinedAnnotation
from typing_extensions import TypedDict

from headwater.encoding import to_wire
from headwater.models import decoder_for
from headwater.paths import Path, parse_path
from headwater.schemas import UnknownAttribute
from headwater.values import to_python
from tests.strategies import IMAGE_KINDS, Kind, items_for
from tests.test_models import identical

T = TypeVar("T")


class Address(BaseModel):
    city: str = Field(alias="City")
    zip: str = "1"


class Generated(BaseModel):
    model_config = ConfigDict(alias_generator=lambda name: name.title())
    street: str


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = Field(alias="Lives")


class Dog(BaseModel):
    kind: Literal["dog"]
    toys: list[Address] = Field(alias="Toys")


class Tree(BaseModel):
    name: str = Field(alias="Name")
    children: list[Tree] = Field(alias="Children", default=[])


class Box(BaseModel, Generic[T]):
    content: T = Field(alias="Content")


@dataclasses.dataclass
class Part:
    Weight: int
    Home: Address


class Row(TypedDict, total=False):
    Size: int
    Home: Address


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")
    city: str = "x"


class Before(BaseModel):
    score: int = Field(alias="Score")

    @model_validator(mode="before")
    @classmethod
    def rename(cls, data: Any) -> Any:
        return {"Score": data["Legacy"]} if "Legacy" in data else data


class After(BaseModel):
    score: int = Field(alias="Score")

    @model_validator(mode="after")
    def check(self) -> After:
        return self


class Wrapped(BaseModel):
    score: int = Field(alias="Score")

    @model_validator(mode="wrap")
    @classmethod
    def check(cls, data: Any, handler: Any) -> Any:
        return handler(data)


class OwnInit(BaseModel):
    score: int

    def __init__(self, **data: Any) -> None:
        super().__init__(score=data.get("Legacy", data.get("score")))


def tag(value: Any) -> str:
    return str(value["Species"]) if isinstance(value, dict) else str(value.kind)


class Shop(BaseModel):
    user_id: str = Field(alias="UserId")
    plain: int = 0
    address: Address = Field(alias="Address")
    maybe: Address | None = Field(alias="Maybe", default=None)
    lines: list[Address] = Field(alias="Lines", default=[])
    named: dict[str, Address] = Field(alias="Named", default={})
    either: Address | Generated = Field(alias="Either")
    pet: Annotated[Cat | Dog, Field(discriminator="kind")] = Field(alias="Pet")
    chosen: Annotated[Annotated[Cat, Tag("cat")] | Annotated[Dog, Tag("dog")], Discriminator(tag)] = Field(
        alias="Chosen"
    )
    tree: Tree = Field(alias="Tree")
    boxed: Box[Address] = Field(alias="Boxed")
    part: Part = Field(alias="Part")
    row: Row = Field(alias="Row")
    open: Open = Field(alias="Open")
    before: Before = Field(alias="Before")
    after: After = Field(alias="After")
    wrapped: Wrapped = Field(alias="Wrapped")
    own: OwnInit = Field(alias="Own")
    anything: Any = Field(alias="Anything")
    listed: list[Any] = Field(alias="Listed")
    root: RootModel[Address | Generated] = Field(alias="Root")
    none: None = Field(alias="None")
    serial: int = Field(alias="Serial", serialization_alias="Out")
    validation: int = Field(validation_alias="Validation")
    deep: int = Field(validation_alias=AliasPath("Deep", 0, "In"))
    choice: Address = Field(validation_alias=AliasChoices("One", "Two"))
    mixed: int = Field(validation_alias=AliasChoices("Three", AliasPath("Four", "In")))
    checked: Address = Field(alias="Checked")
    pair: tuple[Address, Address] = Field(alias="Pair")

    @field_validator("checked", mode="before")
    @classmethod
    def check(cls, value: Any) -> Any:
        return value


class ByName(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    top_score: int = Field(alias="TopScore")
    inner: int = Field(validation_alias=AliasPath("Path", "x"))
    same: int = 0


def unknown(model: Any, path: str) -> Any:
    return decoder_for(model).unknown_attribute(parse_path(path))


@pytest.mark.parametrize(
    "path",
    [
        "UserId", "UserId.anything", "plain", "Address", "Address.City", "Address.zip", "Address[0]", "Maybe.City",
        "Lines", "Lines[3]", "Lines[3].City", "Named.any.City", 'Named["a.b"]', "Either.City", "Either.Street",
        "Pet.kind", "Pet.Lives", "Pet.Toys[0].City", "Chosen.Species", "Chosen.Lives",
        "Tree.Name", "Tree.Children[0].Children[1].Name", "Boxed.Content.City", "Part.Weight", "Part.Home.City",
        "Row.Size", "Row.Home.City", "Open.city", "Open.other", "Before.Score", "Before.Legacy", "After.Score",
        "Wrapped.Legacy", "Own.Legacy", "Anything.at.all", "Listed[0].x", "Root.City", "Root.Street", "None", "None.x",
        "Serial", "Validation", "Deep", "Deep[0].In", "Deep.other", "One.City", "Two.City", "Three", "Four", "Four.In",
        "Checked.other", "Pair[0].City",
    ],
)  # fmt: skip
def test_a_path_that_the_model_may_read_is_accepted(path: str) -> None:
    """Through models, containers, unions and validators, and wherever nothing is certain."""
    assert unknown(Shop, path) is None


@pytest.mark.parametrize(
    ("path", "name", "known", "alias"),
    [
        ("userid", "userid", "UserId", None),
        ("user_id", "user_id", "UserId", "UserId"),
        ("Plain", "Plain", "plain", None),
        ("Address.Cty", "Cty", "City", None),
        ("Address.city", "city", "City", "City"),
        ("Maybe.Cty", "Cty", "City", None),
        ("Lines[0].Cty", "Cty", "City", None),
        ("Named.x.city", "city", "City", "City"),
        ("Either.x", "x", "City", None),
        ("Either.x", "x", "Street", None),
        ("Either.street", "street", "Street", "Street"),
        ("Either.city", "city", "City", "City"),
        ("Pet.x", "x", "Lives", None),
        ("Pet.x", "x", "Toys", None),
        ("Pet.lives", "lives", "Lives", "Lives"),
        ("Pet.Toys[0].x", "x", "City", None),
        ("Tree.Children[0].name", "name", "Name", "Name"),
        ("Boxed.Content.x", "x", "City", None),
        ("Boxed.content", "content", "Content", "Content"),
        ("Part.weight", "weight", "Weight", None),
        ("Part.Home.x", "x", "City", None),
        ("Row.size", "size", "Size", None),
        ("After.score", "score", "Score", "Score"),
        ("Root.x", "x", "City", None),
        ("Root.x", "x", "Street", None),
        ("Out", "Out", "Serial", None),
        ("validation", "validation", "Validation", "Validation"),
        ("In", "In", "Deep", None),
        ("deep", "deep", "Deep", "Deep"),
        ("choice", "choice", "One", "One"),
        ("choice", "choice", "Two", "One"),
        ("One.x", "x", "City", None),
        ("mixed", "mixed", "Three", "Three"),
    ],
)
def test_a_name_that_the_model_never_reads_is_told_with_the_names_it_does(
    path: str, name: str, known: str, alias: str | None
) -> None:
    """The known names are those of the place in question; a Python name comes with its attribute."""
    found = unknown(Shop, path)
    assert (found.name, found.alias) == (name, alias)
    assert known in found.known
    assert len(set(found.known)) == len(found.known)


def test_fields_can_be_read_by_their_python_names_where_the_model_says_so() -> None:
    """`populate_by_name` adds the names of the fields to the attributes."""
    assert all(
        unknown(ByName, path) is None for path in ("TopScore", "top_score", "Path.x", "inner.x", "same")
    )
    assert unknown(ByName, "x").known == ("TopScore", "top_score", "Path", "inner", "same")


@pytest.mark.parametrize(
    "model",
    [
        Address,
        pydantic.dataclasses.dataclass(Part),
        RootModel[Address],
        RootModel[Address | None],
        Address | Generated,
        Address | None,
        Annotated[Address, "note"],
        Box[Box[Address]],
        Tree,
        Row,
        Part,
        After,
    ],
)
def test_every_form_of_a_whole_image_is_looked_into(model: Any) -> None:
    """An unknown name is told whatever kind of type the image becomes."""
    assert unknown(model, "Unheard").name == "Unheard"


@pytest.mark.parametrize(
    "model",
    [Open, Before, Wrapped, OwnInit, RootModel[dict[str, int]], dict[str, Address], list[Address], int, None],
)
def test_where_nothing_is_certain_every_name_is_accepted(model: Any) -> None:
    """A model that may read more than its fields is not held to them."""
    assert unknown(model, "Unheard") is None
    assert unknown(model, "Unheard.City") is None


def test_an_open_dataclass_or_typed_dict_accepts_every_name() -> None:
    """`extra="allow"` counts wherever it is written."""

    class OpenRow(TypedDict):
        __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]
        Size: int

    @pydantic.dataclasses.dataclass(config=ConfigDict(extra="allow"))
    class OpenPart:
        Weight: int

    assert unknown(OpenRow, "Unheard") is None
    assert unknown(OpenPart, "Unheard") is None


def test_a_typed_dict_and_a_dataclass_have_aliases_too() -> None:
    """From a generator in their configuration."""

    class UpperRow(TypedDict):
        __pydantic_config__ = ConfigDict(alias_generator=str.upper)  # type: ignore[misc]
        size: int

    @pydantic.dataclasses.dataclass(config=ConfigDict(alias_generator=str.upper, populate_by_name=True))
    class UpperPart:
        weight: int

    assert unknown(UpperRow, "SIZE") is None
    assert unknown(UpperRow, "size").alias == "SIZE"
    assert unknown(UpperPart, "WEIGHT") is None
    assert unknown(UpperPart, "weight") is None
    assert unknown(UpperPart, "x").known == ("WEIGHT", "weight")


class Early(BaseModel):
    later: Later = Field(alias="Later")  # type: ignore[name-defined]  # noqa: F821 - not yet


def test_a_model_that_waits_for_another_class_is_not_judged_before() -> None:
    """Until the other class exists every name is accepted, and from then on the fields are known."""
    try:
        decoder = decoder_for(Early)
    except PydanticUndefinedAnnotation:  # pydantic 2.7 can not even make the validator that waits
        return
    assert decoder.unknown_attribute(("Unheard",)) is None
    globals()["Later"] = Address
    try:
        assert decoder.unknown_attribute(("Later", "Cty")) == UnknownAttribute("Cty", ("City", "zip"), None)
    finally:
        del globals()["Later"]


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Every path into a plain value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, member in inner:
        yield (*path, step)
        yield from places(member, (*path, step))


def without(item: dict[str, Any], path: Path) -> dict[str, Any]:
    """A copy of an item that lacks what is at a path."""
    result: Any = copy.deepcopy(item)
    container = result
    for step in path[:-1]:
        container = container[step]
    del container[path[-1]]
    return dict(result)


@given(st.data())
def test_no_path_that_a_model_reads_is_refused(data: st.DataObject) -> None:
    """Where taking a value out of an item changes what it decodes to, the model reads that path."""
    kind: Kind = data.draw(IMAGE_KINDS, label="model")
    item = to_python(to_wire(data.draw(items_for(kind, spoil=False), label="item")))
    adapter = TypeAdapter(kind.type)
    try:
        whole = adapter.validate_python(item)
    except ValidationError:
        return
    for path in places(item):
        try:
            read = not identical(adapter.validate_python(without(item, path)), whole)
        except ValidationError:
            read = True
        if read:
            assert decoder_for(kind.type).unknown_attribute(path) is None, path


@given(st.data())
def test_no_path_is_too_odd_to_be_judged(data: st.DataObject) -> None:
    """Any path into any model has an answer, and names a step of it."""
    kind: Kind = data.draw(IMAGE_KINDS)
    steps: st.SearchStrategy[Any] = st.lists(
        st.sampled_from(["A_Field", "a_field", "Content", "Children", "Kind", "in", "x", 0, 7]), max_size=4
    )
    path: Path = ("A_Field", *data.draw(steps))
    found = decoder_for(kind.type).unknown_attribute(path)
    assert found is None or (found.name in path and found.name not in found.known)
