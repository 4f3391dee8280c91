"""Code written for a model: it reads the attributes that the model has, as `to_python` does, and no others."""

from __future__ import annotations

import copy
import dataclasses
import enum
from collections import UserDict, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, NotRequired, Optional, Required, TypeVar

import pydantic
import pytest
from pydantic import (
    AfterValidator,
    AliasChoices,
    AliasPath,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    RootModel,
    TypeAdapter,
    create_model,
    field_validator,
    model_validator,
)
from pydantic_core import core_schema
from typing_extensions import TypeAliasType, TypedDict

from headwater.encoding import to_wire
from headwater.errors import WireValueError
from headwater.readers import reader_of
from headwater.values import to_python

T = TypeVar("T")


def read(model: Any, item: Any) -> Any:
    """What a model's reader makes of an item in wire form."""
    return reader_of(TypeAdapter(model).core_schema, "Model")(item)


# --- which attributes are read ----------------------------------------------------------------------------------------


class Inner(BaseModel):
    x: int = 0


class Basic(BaseModel):
    a: int
    b: Decimal | None = None
    c: str = "c"


class Aliased(BaseModel):
    a: int = Field(alias="A")
    b: int = Field(validation_alias=AliasChoices("B", "b2"), default=0)
    c: int = Field(validation_alias=AliasPath("c", "unread", 0), default=0)


class ByName(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    a: int = Field(alias="A")


class Nested(BaseModel):
    one: Inner
    some: list[Inner] = []
    named: dict[str, Inner] = {}
    deep: dict[str, list[dict[str, Inner]]] = {}
    maybe: Inner | None = None


class Boxed(BaseModel, Generic[T]):
    a: T


class Tree(BaseModel):
    name: str
    left: Tree | None = None
    branches: list[Tree] = []
    twins: dict[str, Twin] = {}


class Twin(BaseModel):
    tree: Tree


class Checked(BaseModel):
    a: int
    b: Annotated[int, AfterValidator(abs)] = 0
    c: Annotated[int, BeforeValidator(abs)] = 0

    @field_validator("a")
    @classmethod
    def _check_a(cls, value: int) -> int:
        return value

    @model_validator(mode="after")
    def _check(self) -> Checked:
        return self


class Row(TypedDict):
    a: int
    b: NotRequired[int]
    inner: NotRequired[Inner]


class Partial(TypedDict, total=False):
    a: Required[int]
    b: int


class LinkedRow(TypedDict, total=False):
    a: int
    following: LinkedRow


@dataclasses.dataclass
class Part:
    a: int
    b: int = 0
    inner: Inner | None = None


@pydantic.dataclasses.dataclass
class CheckedPart:
    a: int
    b: int = Field(alias="B", default=0)


@dataclasses.dataclass
class LinkedPart:
    a: int
    following: Optional[LinkedPart] = None  # noqa: UP045 - a dataclass's own annotation is looked up as written


X = {"x": 1}
XU = {"x": 1, "unread": 2}
READ: list[tuple[Any, dict[str, Any], dict[str, Any]]] = [
    (Basic, {"a": 1, "unread": 2}, {"a": 1}),
    (Basic, {"a": Decimal("1.5"), "b": None, "c": "", "unread": 2}, {"a": Decimal("1.5"), "b": None, "c": ""}),
    (Aliased, {"a": 1, "A": 2, "B": 3, "b2": 4, "b": 5}, {"A": 2, "B": 3, "b2": 4}),
    (Aliased, {"A": 2, "c": {"unread": [0], "u": 1}}, {"A": 2, "c": {"unread": [0], "u": 1}}),
    (ByName, {"a": 1, "A": 2, "u": 3}, {"a": 1, "A": 2}),
    (ByName, {"a": 1, "u": 3}, {"a": 1}),
    (Nested, {"one": XU, "some": [XU, X], "u": 1}, {"one": X, "some": [X, X]}),
    (Nested, {"one": X, "named": {"k": XU}, "deep": {"k": [{"l": XU}]}}, {"one": X, "named": {"k": X}, "deep": {"k": [{"l": X}]}}),
    (Nested, {"one": X, "maybe": XU}, {"one": X, "maybe": X}),
    (Nested, {"one": X, "maybe": None}, {"one": X, "maybe": None}),
    (Boxed[Inner], {"a": XU, "u": 1}, {"a": X}),
    (Tree, {"name": "a", "left": {"name": "b", "u": 1}, "u": 1}, {"name": "a", "left": {"name": "b"}}),
    (Tree, {"name": "a", "branches": [{"name": "b", "u": 1}]}, {"name": "a", "branches": [{"name": "b"}]}),
    (
        Tree,
        {"name": "a", "twins": {"k": {"tree": {"name": "b", "u": 1}, "u": 1}}},
        {"name": "a", "twins": {"k": {"tree": {"name": "b"}}}},
    ),
    (Checked, {"a": 1, "b": -1, "c": -1, "u": 1}, {"a": 1, "b": -1, "c": -1}),
    (Row, {"a": 1, "b": 2, "inner": XU, "u": 3}, {"a": 1, "b": 2, "inner": X}),
    (Partial, {"a": 1, "u": 3}, {"a": 1}),
    (LinkedRow, {"following": {"following": {"a": 1, "u": 1}}}, {"following": {"following": {"a": 1}}}),
    (Part, {"a": 1, "inner": XU, "u": 3}, {"a": 1, "inner": X}),
    (CheckedPart, {"a": 1, "b": 2, "B": 3, "u": 3}, {"a": 1, "B": 3}),
    (LinkedPart, {"a": 1, "following": {"a": 2, "u": 1}}, {"a": 1, "following": {"a": 2}}),
    (RootModel[Inner], XU, X),
    (RootModel[dict[str, Inner]], {"k": XU}, {"k": X}),
    (dict[str, Inner], {"k": XU, "l": X}, {"k": X, "l": X}),
    (Inner | None, XU, X),
    (create_model("Empty"), {"u": 1}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("model", "item", "expected"), READ)
def test_the_attributes_of_the_model_are_read(
    model: Any, item: dict[str, Any], expected: dict[str, Any]
) -> None:
    """Those that the model never reads are left out, at every depth."""
    assert read(model, to_wire(item)) == expected


class Allowing(Inner):
    model_config = ConfigDict(extra="allow")


class Forbidding(Inner):
    model_config = ConfigDict(extra="forbid")


class Before(Inner):
    @model_validator(mode="before")
    @classmethod
    def _check(cls, data: Any) -> Any:
        return data


class Around(Inner):
    @model_validator(mode="wrap")
    @classmethod
    def _check(cls, data: Any, handler: Any) -> Any:
        return handler(data)


class OwnInit(Inner):
    def __init__(self, **data: Any) -> None:
        super().__init__(**data)


class Kinded(Inner):
    kind: Literal["a"] = "a"


class OpenRow(TypedDict):
    __pydantic_config__ = ConfigDict(extra="allow")  # type: ignore[misc]
    x: int


@pydantic.dataclasses.dataclass(config=ConfigDict(extra="allow"))
class OpenPart:
    x: int


class OwnSchema(Inner):
    """A model whose author says what pydantic makes of it, and leaves the configuration open."""

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> core_schema.CoreSchema:
        fields = {"x": core_schema.model_field(core_schema.int_schema())}
        return core_schema.model_schema(cls, core_schema.model_fields_schema(fields))


IN_FULL: list[Any] = [
    Allowing,
    Forbidding,
    Before,
    Around,
    OwnInit,
    OpenRow,
    OpenPart,
    OwnSchema,
    Any,
    dict,
    Inner | Basic,
    Annotated[Inner, BeforeValidator(dict)],
    Annotated[Kinded | Part, Field(union_mode="left_to_right")],
    set[int],
    list[Any],
    tuple[Inner, ...],
]


@pytest.mark.parametrize("model", IN_FULL)
def test_what_may_see_everything_is_read_in_full(model: Any) -> None:
    """At the top, in a field, in lists and in maps."""
    item = to_wire({"x": 1, "unread": 2})
    assert reader_of(TypeAdapter(model).core_schema, "Model")(item) == to_python(item)
    outer = create_model("Outer", a=(model, ...), b=(list[model], []), c=(dict[str, model], {}))
    nested: dict[str, Any] = {"a": {"M": item}, "b": {"L": [{"M": item}]}, "c": {"M": {"k": {"M": item}}}}
    assert read(outer, nested) == to_python(nested)


def test_a_list_at_the_top_is_read_as_any_item() -> None:
    """An item is no list, so the reference will say what is wrong."""
    for model in (list[Inner], str, int):
        assert reader_of(TypeAdapter(model).core_schema, "Model") is to_python


def schemas_within(schema: Any) -> Iterator[dict[str, Any]]:
    """Every schema and field in a schema."""
    if isinstance(schema, dict):
        if isinstance(schema.get("type"), str):
            yield schema
        for value in schema.values():
            yield from schemas_within(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from schemas_within(value)


def with_unknown_key(model: Any, kind: str) -> Any:
    """A model's schema, as if pydantic had a new key for its first part of a kind."""
    changed = copy.deepcopy(TypeAdapter(model).core_schema)
    next(schema for schema in schemas_within(changed) if schema["type"] == kind)["news"] = True
    return changed


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        *[(Basic, "model"), (Basic, "model-fields"), (Basic, "model-field"), (Tree, "definitions")],
        *[(Row, "typed-dict"), (Row, "typed-dict-field")],
        *[(Part, "dataclass"), (Part, "dataclass-args"), (Part, "dataclass-field")],
    ],
)
def test_a_model_with_an_unknown_key_in_its_schema_is_read_in_full(model: Any, kind: str) -> None:
    """A newer pydantic may mean something by it."""
    item = to_wire({"a": 1, "name": "a", "unread": 1})
    assert read(model, item) != to_python(item)
    assert reader_of(with_unknown_key(model, kind), "Model")(item) == to_python(item)


class Parts(BaseModel):
    inner: Annotated[dict[str, list[Inner | None]], AfterValidator(dict)] = {}


@pytest.mark.parametrize("kind", ["default", "function-after", "dict", "list", "nullable"])
def test_a_field_with_an_unknown_key_in_its_schema_is_read_in_full(kind: str) -> None:
    """And the rest of the model as ever."""
    item = to_wire({"inner": {"k": [XU]}, "unread": 1})
    assert read(Parts, item) == {"inner": {"k": [X]}}
    assert reader_of(with_unknown_key(Parts, kind), "Model")(item) == {"inner": {"k": [XU]}}


# --- how values are read ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        {"S": "x"},
        {"S": "5"},
        {"N": "5"},
        {"N": "1.50"},
        {"BOOL": True},
        {"NULL": True},
        {"B": "YQ=="},
        {"SS": ["x"]},
        {"L": [{"S": "x"}]},
        {"L": ({"S": "x"},)},
        {"M": {"x": {"N": "1"}}},
        {"M": defaultdict(dict, {"x": {"N": "1"}})},
        defaultdict(bool, {"NULL": True}),
    ],
)
@pytest.mark.parametrize(
    "type_", [str, int, bool, Decimal, pydantic.AwareDatetime, bytes, list[str], dict[str, int], Inner]
)
def test_values_under_any_tag_are_read_as_to_python_reads_them(type_: Any, value: Any) -> None:
    """The type of a field is a guess at the tag: another one is read just as well."""
    for model in (create_model("One", a=(type_, ...)), create_model("One", a=(type_ | None, None))):
        item = {"a": copy.deepcopy(value)}
        found = read(model, item)
        assert found == to_python(item)
        assert item == {"a": value}  # as it was: a defaultdict makes up what it is asked for
        assert list(map(type, found.values())) == list(map(type, to_python(item).values()))


@pytest.mark.parametrize("type_", [str, int, bool, list[str], dict[str, int], Inner, Any])
@pytest.mark.parametrize(
    "value", [None, "S", {}, {"S": "x", "N": "1"}, {"X": 1}, {"S": 5}, {"N": 5}, UserDict({"S": "x"})]
)
def test_what_is_not_in_the_wire_form_is_refused(type_: Any, value: Any) -> None:
    """Also a mapping that is no dict, as in `to_python`."""
    for model in (create_model("One", a=(type_, ...)), create_model("One", a=(type_ | None, None))):
        with pytest.raises((WireValueError, TypeError)):
            read(model, {"a": value})


class Bare:
    """Read from a map by fields alone, under the configuration of what it is in."""

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> core_schema.CoreSchema:
        field = core_schema.model_field(core_schema.int_schema(), validation_alias="X")
        return core_schema.model_fields_schema({"x": field})


class BareRow(TypedDict):
    __pydantic_config__ = ConfigDict(populate_by_name=True)  # type: ignore[misc]
    a: Bare


def test_the_innermost_configuration_holds() -> None:
    """That of a TypedDict in a model, for what is in the TypedDict."""
    item = to_wire({"a": {"x": 1, "X": 2, "u": 3}})
    assert read(create_model("One", row=(BareRow, ...)), {"row": {"M": item}}) == {
        "row": {"a": {"x": 1, "X": 2}}
    }
    assert read(create_model("One", a=(Bare, ...)), item) == {"a": {"X": 2}}


def test_a_missing_attribute_leaves_the_reader_at_a_loss() -> None:
    """The reference says what is missing."""
    with pytest.raises(KeyError):
        read(Basic, {})


def test_an_attribute_of_two_fields_is_read_once_for_both() -> None:
    """By its tag alone, where they differ about the type."""
    model = create_model(
        "Two", a=(int, Field(alias="A")), b=(str, Field(alias="A")), c=(Inner, Field({}, alias="A"))
    )
    assert read(model, {"A": {"N": "1"}}) == {"A": 1}
    assert read(model, to_wire({"A": XU})) == {"A": XU}


Lists = TypeAliasType("Lists", "list[Lists]")
Maps = TypeAliasType("Maps", "dict[str, Maps]")
Either = TypeAliasType("Either", "str | list[Either] | dict[str, Either]")


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        (Maps, {"k": {"l": {}}}),
        (Either, {"k": ["a", {"l": "b"}]}),
        (Lists, []),
        (pydantic.JsonValue, {"k": [None]}),
    ],
)
def test_types_that_name_themselves_are_read(type_: Any, value: Any) -> None:
    """Maps by a function that calls itself, the others by their tags."""
    assert read(create_model("One", a=(type_, ...)), to_wire({"a": value})) == {"a": value}


# --- names ------------------------------------------------------------------------------------------------------------


class Word(str, enum.Enum):  # noqa: UP042 - a StrEnum's `str()` is its text
    A = "first"
    B = "second"


class Sly(str):
    __slots__ = ()

    def __repr__(self) -> str:
        return "exit()"

    __str__ = __repr__


NAMES = [
    *[
        "",
        " ",
        "class",
        "it's",
        'a"b',
        "a\nb",
        "a\\",
        "{a}",
        "%s",
        "\0",
        "\u2028",
        "é",
        "e\u0301",
        "ﬁ",
        "'''",
        "__class__",
    ],
    *[
        "held",
        "value",
        "content",
        "made",
        "get",
        "number",
        "other",
        "whole",
        "name",
        "read_0",
        "type",
        "len",
        "dict",
    ],
    *[Word.A, Sly("sly")],
]


@pytest.mark.parametrize("default", [..., 0])
def test_any_text_can_be_an_attribute(default: Any) -> None:
    """Names are data in the code, never code; an enum's member is the text that it stands for."""
    fields: Any = {f"f{index}": (int, Field(default, alias=name)) for index, name in enumerate(NAMES)}
    plain = {"".join(name): index for index, name in enumerate(NAMES)}
    assert read(create_model("Names", **fields), to_wire(plain | {"unread": 1})) == plain


def test_names_in_alias_paths_and_choices_can_be_members_of_an_enum() -> None:
    """As in plain aliases."""
    model = create_model(
        "Paths",
        a=(int, Field(0, validation_alias=AliasPath(Word.A))),
        b=(int, Field(0, validation_alias=AliasChoices(Word.B, Sly("sly")))),
    )
    assert read(model, to_wire({"first": 1, "second": 2, "sly": 3, "u": 4})) == {
        "first": 1,
        "second": 2,
        "sly": 3,
    }


def test_a_model_may_have_any_name_and_many_fields() -> None:
    """Its name is for tracebacks only."""
    fields: Any = {f"f{index}": (int, ...) for index in range(500)}
    plain = {f"f{index}": index for index in range(500)}
    schema = TypeAdapter(create_model("Many", **fields)).core_schema
    for name in ("Many", "a\0b", "\ud800", "x" * 10_000, "'\n"):
        assert reader_of(schema, name)(to_wire(plain | {"unread": 1})) == plain
