"""What hypothesis makes up for these tests: wire values, pydantic models, and items that fit a model, or nearly do."""

from __future__ import annotations

import copy
import dataclasses
import enum
from collections import OrderedDict, UserDict, defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    NamedTuple,
    NotRequired,
    Optional,
    Required,
    TypeAlias,
    TypeVar,
    Union,
    get_args,
    get_origin,
)
from uuid import UUID

import pydantic
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
    WrapValidator,
    create_model,
)
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

Values: TypeAlias = st.SearchStrategy[Any]


# --- values -----------------------------------------------------------------------------------------------------------

TEXT = st.text(max_size=8)
NAMES = st.text(max_size=6) | st.text(alphabet='ab.[]"\\ 0', max_size=5)
INTEGERS = st.integers(-(10**38) + 1, 10**38 - 1) | st.integers(-3, 300)


@st.composite
def decimals(draw: st.DrawFn) -> Decimal:
    """A number that DynamoDB can hold: 38 digits, 1E-130 to 9.99E+125, zero with any exponent."""
    digits = draw(st.text("0123456789", min_size=1, max_size=38)).lstrip("0") or "0"
    first = draw(st.integers(-130, 125))  # the exponent of the first digit
    sign = draw(st.integers(0, 1))
    return Decimal((sign, tuple(map(int, digits)), first - len(digits) + 1))


@st.composite
def number_texts(draw: st.DrawFn) -> str:
    """The same numbers in the notations that an `N` may come in."""
    number = draw(decimals() | INTEGERS.map(Decimal))
    text = draw(st.sampled_from(["{}", "{:f}", "{:e}", "{:E}"])).format(number)
    whole = "e" not in text.lower()
    ending = draw(st.sampled_from(["", "0", "00"])) if "." in text and whole else ""
    beginning = draw(st.sampled_from(["", "0", "+"])) if not text.startswith("-") else ""
    return beginning + text + ending


SET_MEMBERS = {"SS": TEXT, "NS": number_texts(), "BS": st.binary(max_size=6)}


def _containers(values: Values) -> Values:
    return st.one_of(
        st.lists(values, max_size=4).map(lambda content: {"L": content}),
        st.dictionaries(NAMES, values, max_size=4).map(lambda content: {"M": content}),
    )


WIRE_VALUES: Values = st.recursive(
    st.one_of(
        TEXT.map(lambda content: {"S": content}),
        number_texts().map(lambda content: {"N": content}),
        st.binary(max_size=8).map(lambda content: {"B": content}),
        st.booleans().map(lambda content: {"BOOL": content}),
        st.just({"NULL": True}),
        *(
            st.fixed_dictionaries({tag: st.lists(members, min_size=1, max_size=4)})
            for tag, members in SET_MEMBERS.items()
        ),
    ),
    _containers,
    max_leaves=12,
)
"""Values as boto3 hands them over, with bytes for `B`."""

WIRE_ITEMS: Values = st.dictionaries(NAMES, WIRE_VALUES, max_size=5)

PLAIN_VALUES: Values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        TEXT,
        INTEGERS,
        decimals(),
        st.binary(max_size=8),
        st.sets(TEXT, min_size=1, max_size=3),
        st.sets(decimals(), min_size=1, max_size=3),
        st.sets(st.binary(max_size=3), min_size=1, max_size=3),
    ),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(NAMES, values, max_size=3),
    max_leaves=6,
)
"""Plain Python values that `to_wire` can write."""


class _Name(str, enum.Enum):  # noqa: UP042 - a StrEnum's `str()` is its text
    """Text with another `str()` and `repr()`."""

    TAG = "S"
    ONE = "1"


MALFORMED: Values = st.sampled_from(
    [
        *[None, "S", 5, [("S", "x")], {}, {"X": "x"}, {"S": "x", "N": "1"}, {1: "x"}],
        *[
            {"S": None},
            {"S": 5},
            {"S": b"x"},
            {"N": 5},
            {"N": ""},
            {"N": "1_0"},
            {"N": "\u0661"},
            {"N": "9" * 39},
        ],
        *[{"BOOL": "true"}, {"BOOL": 1}, {"NULL": False}, {"B": "*"}, {"B": None}],
        *[
            {"L": None},
            {"L": {}},
            {"L": [None]},
            {"M": None},
            {"M": []},
            {"M": {"x": "x"}},
            {"SS": [1]},
            {"NS": "12"},
        ],
        *[UserDict({"S": "x"}), UserDict({"M": {}}), MappingProxyType({"N": "1"})],
    ]
)
"""What is no value in wire form."""

UNUSUAL: Values = st.sampled_from(
    [
        *[OrderedDict(S="x"), defaultdict(str, N="1"), defaultdict(bool, NULL=True), {"M": OrderedDict()}],
        *[{"L": ()}, {"L": ({"N": "1"},)}, {"SS": ("x",)}, {"B": bytearray(b"x")}, {"M": {5: {"N": "1"}}}],
        *[{_Name.TAG: "1"}, {"S": _Name.TAG}, {"N": _Name.ONE}],
    ]
).map(copy.deepcopy)
"""Values in wire form as no JSON has them."""


@st.composite
def with_odd_value(draw: st.DrawFn, items: st.SearchStrategy[dict[str, Any]]) -> dict[str, Any]:
    """An item in wire form with a malformed or unusual value in the place of one of its own, or beside them."""
    item = draw(items)
    places = [(item, "beside"), *_places(item)]
    container, key = places[draw(st.integers(0, len(places) - 1))]
    container[key] = draw(MALFORMED | UNUSUAL)
    return item


def _places(content: Any) -> Iterator[tuple[Any, Any]]:
    for key, value in content.items() if isinstance(content, dict) else enumerate(content):
        yield content, key
        for tag in value.keys() & {"L", "M"}:
            yield from _places(value[tag])


# --- types, each with the plain values that fit it --------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Kind:
    """A type and a strategy for the plain values that fit it; `hashable` when it can be a member of a set."""

    type: Any
    values: Callable[[bool], Values]
    hashable: bool = False


def spoiled(values: Values, spoil: bool) -> Values:
    """Now and then some other value, when asked for."""
    if not spoil:
        return values
    return st.integers(0, 9).flatmap(lambda chance: values if chance else PLAIN_VALUES)


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


def _leaf(type_: Any, values: Values, *, hashable: bool = True) -> Kind:
    return Kind(type_, lambda spoil: spoiled(values, spoil), hashable)


MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1))
SMALL = st.integers(-5, 120)

LEAVES = (
    _leaf(str, TEXT),
    _leaf(int, INTEGERS | SMALL.map(str) | SMALL.map(lambda value: Decimal(f"{value}.0"))),
    _leaf(float, decimals() | INTEGERS | st.just("1.5")),
    _leaf(Decimal, decimals() | INTEGERS | st.just("2.50")),
    _leaf(bytes, st.binary(max_size=6) | TEXT),
    _leaf(bool, st.booleans() | st.sampled_from([0, 1, "yes", "off"])),
    _leaf(
        datetime,
        MOMENTS.map(datetime.isoformat)
        | MOMENTS.map(lambda moment: int(moment.replace(tzinfo=UTC).timestamp()))
        | st.just(Decimal("1700000000.25")),
    ),
    _leaf(date, st.dates().map(date.isoformat) | st.sampled_from([86400, 86401])),
    _leaf(timedelta, st.sampled_from(["PT1H", "P3DT2S", 90, Decimal("1.5")])),
    _leaf(UUID, st.uuids().map(str) | st.uuids().map(lambda value: value.bytes)),
    _leaf(Any, PLAIN_VALUES, hashable=False),
    _leaf(Literal["a", "b"], st.sampled_from(["a", "b"])),
    _leaf(Literal[1, 2], st.sampled_from([1, 2, Decimal("1.0")])),
    _leaf(Literal[1, True, "1"], st.sampled_from([1, True, "1"])),
    _leaf(Colour, st.sampled_from(["red", "blue"])),
    _leaf(Level, st.sampled_from([1, 2])),
    _leaf(Annotated[int, Field(ge=0, le=100)], st.integers(0, 100) | SMALL),
    _leaf(
        Annotated[Decimal, Field(max_digits=5, decimal_places=2)],
        st.sampled_from([Decimal("1.25"), 7, "9.1"]),
    ),
    _leaf(
        Annotated[str, Field(min_length=1, max_length=5, pattern="^[a-z]+$")],
        st.text("abc", min_size=1, max_size=5),
    ),
    _leaf(Annotated[int, Field(strict=True)], INTEGERS | st.just("1")),
    _leaf(Annotated[str, Field(strict=True)], TEXT),
    _leaf(Annotated[Decimal, Field(strict=True)], decimals() | INTEGERS),
    _leaf(Annotated[bytes, Field(strict=True)], st.binary(max_size=4)),
)


def _stripped(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _refuses_empty(value: Any) -> Any:
    if value in ("", 0, None) or value == []:
        raise ValueError(f"{value!r} is empty")
    return value


def _asserts(value: Any) -> Any:
    assert not isinstance(value, bool), f"{value!r} is a bool"
    return value


def _or_none(value: Any, handler: Callable[[Any], Any]) -> Any:
    if value is None:
        return None
    return handler(value)


def _custom(value: Any, handler: Callable[[Any], Any]) -> Any:
    try:
        return handler(value)
    except ValueError:
        raise PydanticCustomError("unfit", "{value} does not fit", {"value": repr(value)}) from None


def _tagged_pair(value: Any) -> Any:
    return (type(value).__name__, value)


VALIDATORS = (
    BeforeValidator(_stripped),
    BeforeValidator(_asserts),
    AfterValidator(_refuses_empty),
    AfterValidator(_asserts),
    WrapValidator(_or_none),
    WrapValidator(_custom),
    PlainValidator(_tagged_pair),
    PlainValidator(_refuses_empty),
)


@st.composite
def kinds(draw: st.DrawFn, depth: int = 2) -> Kind:
    """A type of a field, nested to a depth."""
    if depth == 0:
        return draw(st.sampled_from(LEAVES))
    make = draw(st.sampled_from([_leaves, _leaves, *_NESTING]))
    return draw(make(depth - 1))


def _leaves(_depth: int) -> st.SearchStrategy[Kind]:
    return st.sampled_from(LEAVES)


def _in_list(make: Callable[[Any], Any]) -> Callable[[int], st.SearchStrategy[Kind]]:
    def sequence(depth: int) -> st.SearchStrategy[Kind]:
        return kinds(depth).map(
            lambda kind: Kind(
                make(kind.type), lambda spoil: spoiled(st.lists(kind.values(spoil), max_size=3), spoil)
            )
        )

    return sequence


def _in_set(make: Callable[[Any], Any]) -> Callable[[int], st.SearchStrategy[Kind]]:
    def collection(_depth: int) -> st.SearchStrategy[Kind]:
        def kind_of(kind: Kind) -> Kind:
            wire_set = st.sets(TEXT, min_size=1, max_size=3) | st.sets(SMALL, min_size=1, max_size=3)
            return Kind(
                make(kind.type),
                lambda spoil: spoiled(st.lists(kind.values(spoil), max_size=3) | wire_set, spoil),
            )

        return st.sampled_from([kind for kind in LEAVES if kind.hashable]).map(kind_of)

    return collection


def _pair(depth: int) -> st.SearchStrategy[Kind]:
    def kind_of(first: Kind, second: Kind) -> Kind:
        return Kind(
            tuple[first.type, second.type],  # type: ignore[name-defined]
            lambda spoil: spoiled(st.tuples(first.values(spoil), second.values(spoil)).map(list), spoil),
        )

    return st.builds(kind_of, kinds(depth), kinds(depth))


def _mapping(depth: int) -> st.SearchStrategy[Kind]:
    def kind_of(kind: Kind, keys: tuple[Any, Values]) -> Kind:
        type_, names = keys
        return Kind(
            dict[type_, kind.type],  # type: ignore[valid-type,name-defined]
            lambda spoil: spoiled(st.dictionaries(names, kind.values(spoil), max_size=3), spoil),
        )

    keyed = st.sampled_from([(str, NAMES), (int, SMALL.map(str)), (Colour, st.sampled_from(["red", "blue"]))])
    return st.builds(kind_of, kinds(depth), keyed)


def _optional(depth: int) -> st.SearchStrategy[Kind]:
    return kinds(depth).map(
        lambda kind: Kind(Optional[kind.type], lambda spoil: st.none() | kind.values(spoil))  # noqa: UP045
    )


def _union(depth: int) -> st.SearchStrategy[Kind]:
    def kind_of(first: Kind, second: Kind, ordered: bool) -> Kind:
        both: Any = Union[first.type, second.type]  # noqa: UP007
        members = get_args(both) if get_origin(both) is Union else ()  # str | str is no union
        ordered = ordered and len(members) > 1 and type(None) not in members
        return Kind(
            Annotated[both, Field(union_mode="left_to_right")] if ordered else both,
            lambda spoil: first.values(spoil) | second.values(spoil),
        )

    return st.builds(kind_of, kinds(depth), kinds(depth), st.booleans())


def _validated(depth: int) -> st.SearchStrategy[Kind]:
    return st.builds(
        lambda kind, validator: Kind(Annotated[kind.type, validator], kind.values),
        kinds(depth),
        st.sampled_from(VALIDATORS),
    )


# --- structures: what an item can become ------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Member:
    """One field of a structure: where its value stands in the item, and whether it may be missing."""

    name: str
    kind: Kind
    required: bool
    alias: Any = None

    @property
    def path(self) -> tuple[str, ...]:
        match self.alias:
            case None:
                return (self.name,)
            case AliasPath(path=path):
                return tuple(map(str, path))
            case AliasChoices(choices=choices):
                return (str(choices[-1]),)
            case alias:
                return (str(alias),)


def _place(item: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        item = item.setdefault(name, {})
    item[path[-1]] = value


@st.composite
def _filled(draw: st.DrawFn, members: list[Member], spoil: bool, by_name: bool = False) -> dict[str, Any]:
    item: dict[str, Any] = {}
    for member in members:
        absent = draw(st.booleans()) if not member.required else spoil and draw(st.integers(0, 11)) == 0
        if absent:
            continue
        path = (member.name,) if by_name and draw(st.booleans()) else member.path
        _place(item, path, draw(member.kind.values(spoil)))
    if draw(st.booleans()) and spoil:
        item[draw(NAMES.filter(lambda name: name not in item))] = draw(PLAIN_VALUES)
    return item


FIELD_NAMES = [f"{letter}_field" for letter in "abcd"]


@st.composite
def _members(draw: st.DrawFn, depth: int, *, aliased: bool) -> list[Member]:
    members = []
    for name in draw(st.lists(st.sampled_from(FIELD_NAMES), min_size=1, max_size=4, unique=True)):
        title = name.title()
        aliases: list[Any] = [None, title, "x.y"] if aliased else [None]
        if aliased:
            aliases += [AliasPath(title, "in"), AliasChoices(title, f"{title}2")]
        alias = draw(st.sampled_from(aliases))
        if alias == "x.y":
            # Characters that mean something in paths or in code, and no two fields of one name.
            alias = name + draw(st.sampled_from([".y", "'\"\\\n", "{}"]))
        members.append(Member(name, draw(kinds(depth)), draw(st.booleans()), alias))
    return members


def _default(member: Member) -> Any:
    return ... if member.required else None


def _upper(name: str) -> str:
    return name.upper()


@st.composite
def models(draw: st.DrawFn, depth: int = 2) -> Kind:
    """A pydantic model with a configuration, aliases, and validators of its own."""
    members = draw(_members(depth, aliased=True))
    by_name, generated = draw(st.booleans()), draw(st.booleans())
    config = ConfigDict(
        extra=draw(st.sampled_from(["ignore", "forbid", "allow"])),
        strict=draw(st.sampled_from([False, False, True])),
        populate_by_name=by_name,
        loc_by_alias=draw(st.booleans()),
        alias_generator=_upper if generated else None,
        arbitrary_types_allowed=True,
    )
    fields: dict[str, Any] = {
        member.name: (
            member.kind.type,
            Field(_default(member))
            if member.alias is None
            else Field(_default(member), validation_alias=member.alias),
        )
        for member in members
    }
    validators = draw(st.sampled_from([{}, {}, *map(_model_validator, ("before", "after", "wrap"))]))
    name = draw(st.sampled_from(["Order", "Score"]))
    base = draw(st.sampled_from([BaseModel, BaseModel, _OwnInit]))
    parent: Any = type("Base", (base,), {"model_config": config})
    model: Any = create_model(name, __base__=parent, __validators__=validators, **fields)
    if generated:
        members = [
            dataclasses.replace(member, alias=member.alias or _upper(member.name)) for member in members
        ]
    return Kind(model, lambda spoil: spoiled(_filled(members, spoil, by_name), spoil))


class _OwnInit(BaseModel):
    """Reads an attribute that no field has."""

    def __init__(self, **data: Any) -> None:
        if "Legacy" in data:
            data.setdefault("A_Field", data.pop("Legacy"))
        super().__init__(**data)


def _model_validator(mode: Any) -> dict[str, Any]:
    def before(cls: Any, data: Any) -> Any:
        return {name: data[name] for name in data if name != "secret"} if isinstance(data, dict) else data

    def after(self: Any) -> Any:
        if len(self.model_fields_set) > 3:
            raise ValueError(f"too many in {self!r}")
        return self

    def wrap(cls: Any, data: Any, handler: Callable[[Any], Any]) -> Any:
        return handler(data)

    functions: dict[str, Any] = {"before": classmethod(before), "after": after, "wrap": classmethod(wrap)}
    decorate: Any = pydantic.model_validator(mode=mode)
    return {"check": decorate(functions[mode])}


@st.composite
def dataclass_kinds(draw: st.DrawFn, depth: int = 1) -> Kind:
    """A dataclass of the standard library or of pydantic."""
    members = sorted(draw(_members(depth, aliased=False)), key=lambda member: not member.required)
    fields = [
        (member.name, member.kind.type)
        if member.required
        else (member.name, member.kind.type, dataclasses.field(default=None))
        for member in members
    ]
    frozen = draw(st.booleans())
    made: Any = dataclasses.make_dataclass("Line", fields, frozen=frozen)
    if not frozen and draw(st.booleans()):
        config = ConfigDict(extra=draw(st.sampled_from(["forbid", "ignore", "allow"])))
        made = pydantic.dataclasses.dataclass(made, config=config)
    return Kind(made, lambda spoil: spoiled(_filled(members, spoil), spoil))


@st.composite
def typed_dicts(draw: st.DrawFn, depth: int = 1) -> Kind:
    """A TypedDict with required and other keys."""
    members = draw(_members(depth, aliased=False))
    total = draw(st.booleans())
    fields = {
        member.name: (Required if member.required else NotRequired)[member.kind.type]
        if member.required != total
        else member.kind.type
        for member in members
    }
    return Kind(TypedDict("Row", fields, total=total), lambda spoil: spoiled(_filled(members, spoil), spoil))  # type: ignore[operator]


@st.composite
def named_tuples(draw: st.DrawFn, depth: int = 1) -> Kind:
    """A NamedTuple, from a map or from a list."""
    members = [dataclasses.replace(member, required=True) for member in draw(_members(depth, aliased=False))]
    made = NamedTuple("Spot", [(member.name, member.kind.type) for member in members])  # type: ignore[misc]

    def values(spoil: bool) -> Values:
        listed = st.tuples(*(member.kind.values(spoil) for member in members)).map(list)
        return spoiled(_filled(members, spoil) | listed, spoil)

    return Kind(made, values)


def root_models(depth: int = 1) -> st.SearchStrategy[Kind]:
    """A RootModel of anything."""
    return kinds(depth).map(lambda kind: Kind(RootModel[kind.type], kind.values))  # type: ignore[name-defined]


T = TypeVar("T")


class Box(BaseModel, Generic[T]):
    """A generic model."""

    content: T = Field(alias="Content")
    count: int = 0


class Node(BaseModel):
    """A recursive model."""

    name: str = Field(alias="Name")
    children: list[Node] = Field(default=[], alias="Children")
    other: Node | None = None


def _boxed(depth: int) -> st.SearchStrategy[Kind]:
    def kind_of(kind: Kind) -> Kind:
        members = [
            Member("content", kind, required=True, alias="Content"),
            Member("count", LEAVES[1], required=False),
        ]
        return Kind(Box[kind.type], lambda spoil: _filled(members, spoil))  # type: ignore[name-defined]

    return kinds(depth).map(kind_of)


def _tree(_depth: int) -> st.SearchStrategy[Kind]:
    def values(spoil: bool) -> Values:
        def grown(nodes: Values) -> Values:
            listed = Kind(None, lambda _: st.lists(nodes, max_size=2))
            one = Kind(None, lambda _: nodes)
            members = [Member("Name", LEAVES[0], required=True), Member("Children", listed, required=False)]
            return _filled([*members, Member("other", one, required=False)], spoil)

        return st.recursive(_filled([Member("Name", LEAVES[0], required=True)], spoil), grown, max_leaves=5)

    return st.just(Kind(Node, values))


class Cat(BaseModel):
    kind: Literal["cat"] = Field(alias="Kind")
    lives: int = Field(alias="Lives")


class Dog(BaseModel):
    kind: Literal["dog"] = Field(alias="Kind")
    toys: list[str] = Field(alias="Toys")


def _tag(value: Any) -> Any:
    return ("cat" if "Lives" in value else "dog") if isinstance(value, dict) else getattr(value, "kind", None)


TAGGED = (
    Annotated[Cat | Dog, Field(discriminator="kind")],
    Annotated[
        Annotated[Cat, pydantic.Tag("cat")] | Annotated[Dog, pydantic.Tag("dog")],
        pydantic.Discriminator(_tag),
    ],
)


def _tagged_union(_depth: int) -> st.SearchStrategy[Kind]:
    cat = [
        Member("Kind", _leaf(str, st.just("cat")), required=True),
        Member("Lives", LEAVES[1], required=True),
    ]
    toys = Kind(list[str], lambda spoil: st.lists(LEAVES[0].values(spoil), max_size=3))
    dog = [Member("Kind", _leaf(str, st.just("dog")), required=True), Member("Toys", toys, required=True)]
    return st.sampled_from(TAGGED).map(
        lambda type_: Kind(type_, lambda spoil: spoiled(_filled(cat, spoil) | _filled(dog, spoil), spoil))
    )


_NESTING: tuple[Callable[[int], st.SearchStrategy[Kind]], ...] = (
    _in_list(lambda type_: list[type_]),  # type: ignore[valid-type]
    _in_list(lambda type_: tuple[type_, ...]),  # type: ignore[valid-type]
    _in_set(lambda type_: set[type_]),  # type: ignore[valid-type]
    _in_set(lambda type_: frozenset[type_]),  # type: ignore[valid-type]
    _pair,
    _mapping,
    _optional,
    _union,
    _validated,
    models,
    dataclass_kinds,
    typed_dicts,
    named_tuples,
    root_models,
    _boxed,
    _tree,
    _tagged_union,
)

IMAGE_KINDS: st.SearchStrategy[Kind] = st.one_of(
    models(),
    models(),
    dataclass_kinds(),
    typed_dicts(),
    named_tuples(),
    root_models(2),
    _boxed(1),
    _tree(1),
    _tagged_union(1),
    _mapping(1),
    st.builds(
        lambda first, second: Kind(
            Union[first.type, second.type],  # noqa: UP007
            lambda spoil: first.values(spoil) | second.values(spoil),
        ),
        models(1),
        models(1),
    ),
)
"""Types for a whole image."""


@st.composite
def items_for(draw: st.DrawFn, kind: Kind, *, spoil: bool) -> Mapping[str, Any]:
    """A plain item for a type of image; always a dict with text for names."""
    item = draw(kind.values(spoil))
    return item if isinstance(item, dict) else {"A_Field": item, "Legacy": item}
