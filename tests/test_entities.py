"""Single-table design: what tells entities apart, which handlers they reach, and what is refused."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import Annotated, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import BaseModel
from typing_extensions import TypedDict

from headwater import (
    Attr,
    ConditionError,
    DeclarationError,
    Entities,
    Failed,
    Handled,
    Insert,
    MissingImageError,
    Modify,
    Remove,
    Router,
    Skipped,
    StreamApp,
)
from headwater.kinds import read_record
from headwater.patterns import KeyPattern, read_pattern
from headwater.testing import Table, event

SHOP = Table("Shop", keys=("PK", "SK"))


class Row(BaseModel):
    PK: str
    SK: str


class Customer(Row):
    Name: str = ""


class Order(Row):
    Total: int = 0


class Line(Row):
    Quantity: int = 0


class Opaque: ...


class View(BaseModel):
    PK: str


CUSTOMER = {"PK": "C#1", "SK": "PROFILE"}
ORDER = {"PK": "C#1", "SK": "ORDER#7"}
LINE = {"PK": "ORDER#7", "SK": "LINE#1"}
OTHER = {"PK": "C#1", "SK": "SESSION"}
BY_KEY = {"SK=PROFILE": Customer, "SK=ORDER#*": Order, ("PK=ORDER#*", "SK=LINE#*"): Line}


def app_of(entities: Entities, seen: list[Any]) -> StreamApp:
    app = StreamApp(entities=entities)

    @app.on_insert
    def customer(record: Insert[Customer]) -> None:
        seen.append(record.new)

    @app.on_record
    def order(record: Insert[Order] | Modify[Order] | Remove[Order]) -> None:
        seen.append(record.old if isinstance(record, Remove) else record.new)

    @app.on_insert
    def line(record: Insert[Line]) -> None:
        seen.append(record.new)

    return app


def test_a_handler_is_routed_by_its_annotation_alone() -> None:
    """Each record reaches the handlers of its entity, decoded into its model."""
    seen: list[Any] = []
    app = app_of(Entities(BY_KEY, unknown="ignore"), seen)
    records = [SHOP.insert(item) for item in (CUSTOMER, ORDER, LINE, OTHER)]
    records += [SHOP.modify(ORDER, {**ORDER, "Total": 3}), SHOP.remove(ORDER), SHOP.remove(LINE)]
    assert app.run(event(records)).outcomes == [
        Handled(("customer",)),
        Handled(("order",)),
        Handled(("line",)),
        Skipped(),
        Handled(("order",)),
        Handled(("order",)),
        Skipped(),
    ]
    assert [type(model) for model in seen] == [Customer, Order, Line, Order, Order]


@pytest.mark.parametrize(
    ("values", "attribute"),
    [
        ({"customer": Customer, "order": Order, "line": Line}, "Type"),
        ({1: Customer, Decimal("2.5"): Order, b"3": Line}, "Type"),
        ({True: Customer, False: Order, "x": Line}, "Meta.Kind[0]"),
    ],
)
def test_an_attribute_can_tell_them(values: dict[Any, Any], attribute: str) -> None:
    """By its value, in the new image, for a removal in the old one."""
    seen: list[Any] = []
    app = app_of(Entities(values, attribute=attribute, unknown="ignore"), seen)
    first, second, third = values

    def item(value: Any) -> dict[str, Any]:
        return {**ORDER, **({"Type": value} if attribute == "Type" else {"Meta": {"Kind": [value]}})}

    records = [SHOP.insert(item(value)) for value in (first, second, third, "nothing")]
    records += [SHOP.insert(ORDER), SHOP.remove(item(second))]
    assert [type(outcome) for outcome in app.run(event(records)).outcomes] == [
        Handled,
        Handled,
        Handled,
        Skipped,
        Skipped,
        Handled,
    ]
    assert [type(model) for model in seen] == [Customer, Order, Line, Order]


def test_an_unknown_entity_fails_where_that_is_the_policy() -> None:
    """The record is not acknowledged, and the error says what to do, without the item's content."""
    app = app_of(Entities(BY_KEY, unknown="fail"), [])
    result = app.run(event([SHOP.insert(ORDER), SHOP.insert(OTHER), SHOP.insert(ORDER)]))
    failed = result.outcomes[1]
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, ConditionError)
    assert failed.phase == "condition"
    assert "none of the entities (Customer, Order, Line)" in str(failed.error)
    assert "SESSION" not in str(failed.error)
    assert result.response["batchItemFailures"] == [{"itemIdentifier": failed.error.sequence_number}]


def test_a_handler_without_a_model_takes_every_entity() -> None:
    """And the unknown ones too, unless they are to fail."""

    def outcomes(policy: Any) -> list[Any]:
        app = StreamApp(entities=Entities(BY_KEY, unknown=policy))
        app.on_record(lambda record: None)
        return [type(each) for each in app.run(event([SHOP.insert(ORDER), SHOP.insert(OTHER)])).outcomes]

    assert outcomes("ignore") == [Handled, Handled]
    assert outcomes("fail") == [Handled, Failed]


def test_a_base_class_stands_for_its_entities() -> None:
    """A handler of a common base takes all that derive from it."""
    app = StreamApp(
        entities=Entities({"SK=PROFILE": Customer, "SK=ORDER#*": Order, "SK=V": View}, unknown="ignore")
    )

    @app.on_insert
    def rows(record: Insert[Row]) -> None: ...

    assert str(app) == "on_insert  entity=Customer | Order  rows(Row)"
    found = app.run(event([SHOP.insert(CUSTOMER), SHOP.insert(ORDER), SHOP.insert({**OTHER, "SK": "V"})]))
    assert [type(outcome) for outcome in found.outcomes] == [Handled, Handled, Skipped]


def test_two_patterns_may_lead_to_one_entity() -> None:
    """Also when they overlap."""
    entities = Entities({"SK=ORDER#*": Order, "SK=ORDER#OLD#*": Order, "SK=ARCHIVE#*": Order}, unknown="fail")
    assert entities.models == (Order,)
    assert entities.model_of(read_record(SHOP.insert({**ORDER, "SK": "ARCHIVE#1"}))) is Order


def test_each_kind_may_want_another_entity() -> None:
    """As the annotation says."""
    app = StreamApp(entities=Entities(BY_KEY, unknown="ignore"))

    @app.on_record
    def mixed(record: Insert[Customer] | Modify[Order] | Remove) -> None: ...

    records = [
        SHOP.insert(CUSTOMER),
        SHOP.insert(ORDER),
        SHOP.modify(ORDER, {**ORDER, "Total": 1}),
        SHOP.modify(CUSTOMER, {**CUSTOMER, "Name": "x"}),
        SHOP.remove(OTHER),
    ]
    kinds = [type(outcome) for outcome in app.run(event(records)).outcomes]
    assert kinds == [Handled, Skipped, Handled, Skipped, Handled]


def test_dataclasses_and_typed_dicts_are_models_too() -> None:
    """Whatever an annotation can name."""

    @dataclass
    class Note:
        PK: str

    class Tag(TypedDict):
        PK: str

    app = StreamApp(entities=Entities({"SK=NOTE": Note, "SK=TAG": Tag}, unknown="ignore"))
    seen: list[Any] = []

    @app.on_insert
    def note(record: Insert[Note]) -> None:
        seen.append(record.new)

    @app.on_insert
    def tag(record: Insert[Tag]) -> None:
        seen.append(record.new)

    app(event([SHOP.insert({"PK": "1", "SK": "NOTE"}), SHOP.insert({"PK": "2", "SK": "TAG"})]))
    assert seen == [Note("1"), {"PK": "2"}]


def test_routers_of_one_app_may_have_entities_of_their_own() -> None:
    """The innermost ones count; conditions add up."""
    app = StreamApp(entities=Entities({"SK=ORDER#*": Order, "SK=PROFILE": Customer}, unknown="ignore"))
    archive = Router(table="Archive", entities=Entities({"SK=A": View}, unknown="ignore"))
    archive.on_insert(lambda record: None)

    @archive.on_insert(when=Attr("Total").exists())
    def archived(record: Insert[View]) -> None: ...
    @app.on_insert
    def order(record: Insert[Order]) -> None: ...

    app.include(archive)
    plain = Router()

    @plain.on_modify(attribute="Name")
    def renamed(record: Modify[Customer]) -> None: ...

    app.include(plain)
    assert [str(route) for route in app.routes] == [
        "on_insert  entity=Order  order(Order)",
        "on_insert  table='Archive'  <lambda>(dict)",
        "on_insert  table='Archive', entity=View, when=Attr('Total').exists()  archived(View)",
        "on_modify  entity=Customer, attribute='Name'  renamed(Customer)",
    ]


def test_keys_alone_serve_every_view_type() -> None:
    """Patterns work on a stream of keys; an attribute needs its image."""
    table = Table("Shop", keys=("PK", "SK"), view_type="KEYS_ONLY")
    record = read_record(table.insert(ORDER))
    assert Entities(BY_KEY, unknown="fail").model_of(record) is Order
    with pytest.raises(MissingImageError):
        Entities({"o": Order}, attribute="Type", unknown="fail").model_of(record)


def test_a_key_that_is_no_text_fits_no_pattern() -> None:
    """Numbers and binaries are not read as text."""
    table = Table("Shop", keys="PK")
    entities = Entities({"PK=1*": Order}, unknown="ignore")
    assert entities.model_of(read_record(table.insert({"PK": 12}))) is None
    assert entities.model_of(read_record(table.insert({"PK": b"12"}))) is None
    assert entities.model_of(read_record(table.insert({"PK": "12"}))) is Order


def test_which_entity_it_is_is_found_out_once() -> None:
    """However many routes ask."""
    app = StreamApp(entities=Entities(BY_KEY, unknown="ignore"))
    for _ in range(5):
        app.on_insert(_takes_order())
    record = read_record(SHOP.insert(ORDER))
    assert [route.matches(record) for route in app.routes] == [True] * 5
    assert [model for _, model in record._known.values()] == [Order]


def _takes_order() -> Callable[[Insert[Order]], None]:
    def handle(record: Insert[Order]) -> None: ...

    return handle


@pytest.mark.parametrize(
    ("models", "options", "message"),
    [
        ({}, {}, "takes a mapping"),
        ([Order], {}, "takes a mapping"),
        ({"SK=A": Order}, {"unknown": "skip"}, "unknown='skip' is no policy: say 'ignore'.*or 'fail'"),
        (
            {"ORDER#*": Order},
            {},
            "'ORDER#.' is no pattern of a key.*as in 'SK=ORDER#.', or name the attribute=",
        ),
        ({"=x": Order}, {}, "is no pattern of a key"),
        ({"SK=": Order}, {}, "is no pattern of a key"),
        ({5: Order}, {}, "5 is no pattern of a key"),
        ({"SK=a\\": Order}, {}, "ends in a single backslash"),
        ({"SK=a\\b": Order}, {}, "ends in a single backslash|no pattern"),
        ({(): Order}, {}, "must have one pattern for each key"),
        ({("SK=a", "SK=b"): Order}, {}, "must have one pattern for each key"),
        ({"SK=A": dict}, {}, "dict is no model of its own"),
        ({"SK=A": str}, {}, "str is no model of its own"),
        ({b"SK=A": Order}, {}, "b'SK=A' is no pattern of a key"),
        ({"SK=A": Order | Line}, {}, "is no model of its own"),
        ({"SK=A": Opaque}, {}, "pydantic can make no validator for Opaque"),
        (
            {"SK=A*": Order, "SK=AB*": Line},
            {},
            "Line could never be reached, since all that fits 'SK=AB.' fits 'SK=A.'",
        ),
        ({"SK=AB": Line, "SK=A*": Order}, {}, "Line could never be reached"),
        ({"SK=A": Order, ("SK=A",): Line}, {}, "Line could never be reached"),
        ({"SK=A*": Order, "SK=A**": Line}, {}, "Line could never be reached"),
        ({"SK=*": Order, ("PK=X", "SK=A"): Line}, {}, "Line could never be reached"),
        ({"SK=A*": Order, "SK=*B": Line}, {}, "one item could fit both 'SK=A.' of Order and 'SK=.B' of Line"),
        ({"SK=A": Order, "PK=B": Line}, {}, "one item could fit both"),
        ({"a": Order}, {"attribute": "a..b"}, "is not a path"),
        ({1.5: Order}, {"attribute": "T"}, "a float is not exact"),
    ],
)
def test_entities_that_could_not_work_are_refused(models: Any, options: dict[str, Any], message: str) -> None:
    """When they are declared, with what to do."""
    with pytest.raises(DeclarationError, match=message):
        Entities(models, **{"unknown": "fail", **options})


def test_a_model_that_is_no_entity_is_refused() -> None:
    """At the decorator, at include, and for a union of entities, which would be decoded by guessing."""
    entities = Entities(BY_KEY, unknown="ignore")
    app = StreamApp(entities=entities)

    def view(record: Insert[View]) -> None: ...
    def either(record: Insert[Order | Line]) -> None: ...

    with pytest.raises(
        DeclarationError, match="on_insert handler view wants View, which is none of the entities"
    ):
        app.on_insert(view)
    with pytest.raises(DeclarationError, match=r"handler either wants .*none of the entities"):
        app.on_insert(either)
    router = Router()
    router.on_insert(view)
    with pytest.raises(DeclarationError, match="declare the handler on a router without entities"):
        app.include(router)
    assert app.routes == ()
    with pytest.raises(DeclarationError, match="entities= takes Entities, not a dict"):
        Router(entities=BY_KEY)  # type: ignore[arg-type]


def test_entities_are_values() -> None:
    """They print, equal their copies and survive pickling."""
    entities = Entities(BY_KEY, unknown="fail")
    assert repr(entities) == (
        "<Entities 'SK=PROFILE': Customer, 'SK=ORDER#*': Order, 'PK=ORDER#*' & 'SK=LINE#*': Line, unknown='fail'>"
    )
    for copied in (
        copy.deepcopy(entities),
        pickle.loads(pickle.dumps(entities)),
        Entities(BY_KEY, unknown="fail"),
    ):
        assert copied == entities
        assert copied.model_of(read_record(SHOP.insert(LINE))) is Line
    assert entities != Entities(BY_KEY, unknown="ignore")


def test_explain_says_which_entity_was_wanted() -> None:
    """And what it was told by."""
    app = app_of(Entities(BY_KEY, unknown="ignore"), [])
    explained = app.explain(SHOP.insert(ORDER))
    assert explained.text(show_values=True).splitlines()[1:3] == [
        "no         on_insert customer(Customer)",
        "  no         entity=Customer: Keys.SK 'ORDER#7', Keys.PK 'C#1'",
    ]
    assert "ORDER#7" not in str(explained)


# Patterns


@pytest.mark.parametrize(
    ("pattern", "fits", "fits_not"),
    [
        ("SK=ORDER#*", ["ORDER#", "ORDER#1", "ORDER#1\n2"], ["order#1", "XORDER#1", "ORDER"]),
        ("SK=A", ["A"], ["", "AA", "A\n"]),
        ("SK=ORDER#*#LINE#*", ["ORDER#1#LINE#2"], ["ORDER#1", "ORDER#1#LINE"]),
        ("SK=*", ["", "x"], []),
        ("SK=a.b[0]", ["a.b[0]"], ["axb[0]", "a.b0"]),
        (r"SK=a\*b\\*", [r"a*b\ ", "a*b\\"], ["aXb\\", "a*b"]),
        ("SK=x=y*", ["x=y", "x=yz"], ["x"]),
    ],
)
def test_a_pattern_matches_texts(pattern: str, fits: list[str], fits_not: list[str]) -> None:
    """A star is any text, even none; everything else is itself."""
    for text in fits:
        assert read_pattern(pattern).matches({"SK": {"S": text}}), text
    for text in fits_not:
        assert not read_pattern(pattern).matches({"SK": {"S": text}}), text
    assert not read_pattern(pattern).matches({"PK": {"S": "A"}})


PATTERNS = st.text("ab*", min_size=1, max_size=6).map(lambda text: read_pattern(f"SK={text}"))
LETTERS = [re.sub(" ", "", "".join(text)) for text in product("abz ", repeat=5)]


def texts_of(pattern: KeyPattern) -> set[str]:
    """The texts of up to five letters that fit; `z` stands for a letter that no pattern has."""
    return {text for text in LETTERS if pattern.matches({"SK": {"S": text}})}


@given(PATTERNS, PATTERNS)
def test_patterns_cover_and_overlap_as_their_texts_do(first: KeyPattern, second: KeyPattern) -> None:
    """Held against all short texts."""
    one, two = texts_of(first), texts_of(second)
    assume(len(first.tokens) + len(second.tokens) <= 8)
    if one & two:
        assert first.overlaps(second)
    assert first.overlaps(second) is second.overlaps(first)
    if first.covers(second):
        assert two <= one
        assert not two or first.overlaps(second)
    elif len(second.tokens) <= 5:
        assert not two <= one


@given(PATTERNS, PATTERNS)
def test_patterns_that_overlap_have_a_text_in_common(first: KeyPattern, second: KeyPattern) -> None:
    """The claim is no caution: a text exists, no longer than both patterns together."""
    assume(sum(token is not None for token in (*first.tokens, *second.tokens)) <= 5)
    assert first.overlaps(second) is bool(texts_of(first) & texts_of(second))


class Priced(BaseModel):
    total: int


class Named(BaseModel):
    name: str


def test_a_function_of_a_router_is_asked_about_its_entity_only() -> None:
    """The entity is known before a function is given the handler's model."""
    entities = Entities({"SK=P*": Priced, "SK=N*": Named}, unknown="fail")
    dear: Any = lambda record: record.new.total > 5  # noqa: E731 - the model is that of the handler
    router = Router(entities=entities, when=dear)

    @router.on_insert
    def priced(record: Insert[Priced]) -> None: ...

    app = StreamApp()
    app.include(router)
    records = [
        SHOP.insert({"PK": "1", "SK": "N1", "name": "x"}),
        SHOP.insert({"PK": "1", "SK": "P1", "total": 6}),
        SHOP.insert({"PK": "1", "SK": "P2", "total": 5}),
    ]
    assert [type(outcome) for outcome in app.run(event(records)).outcomes] == [Skipped, Handled, Skipped]


def test_another_table_is_not_asked_for_its_entities() -> None:
    """A table is asked first, wherever it is named."""
    app = StreamApp(entities=Entities(BY_KEY, unknown="fail"))
    router = Router(table="Shop")

    @router.on_insert
    def order(record: Insert[Order]) -> None: ...

    app.include(router)
    other = Table("Other", keys=("PK", "SK"))
    outcomes = app.run(event([other.insert(OTHER), SHOP.insert(ORDER)])).outcomes
    assert [type(outcome) for outcome in outcomes] == [Skipped, Handled]


def test_an_annotated_model_is_its_model() -> None:
    """What is said beside it tells pydantic something, not the routes."""
    app = StreamApp(entities=Entities(BY_KEY, unknown="fail"))

    @app.on_insert
    def order(record: Insert[Annotated[Order, "with a note"]]) -> None: ...

    assert app.run(event([SHOP.insert(ORDER)])).outcomes == [Handled(("order",))]


def test_a_pattern_of_many_stars_takes_no_time() -> None:
    """Keys come from users, so no text of theirs may take long to match."""
    many = read_pattern("SK=" + "*-" * 20 + "x")
    assert not many.matches({"SK": {"S": "-" * 1024}})
    assert many.matches({"SK": {"S": "-" * 1023 + "x"}})


@given(PATTERNS, st.text("ab", max_size=8))
def test_a_pattern_matches_as_a_regular_expression_would(pattern: KeyPattern, text: str) -> None:
    """Each star as `.*`."""
    expression = "".join(".*" if token is None else token for token in pattern.tokens)
    assert pattern.matches({"SK": {"S": text}}) is (re.fullmatch(expression, text) is not None)


def test_what_a_record_knows_of_other_entities_does_not_answer() -> None:
    """A record that was pickled elsewhere has their number, which may be that of these here."""
    entities = Entities({"Id=ORDER#*": Order}, unknown="ignore")
    record = read_record(Table("Things", keys="Id").insert({"Id": "ORDER#1"}))
    record._known[id(entities)] = (Entities({"Id=*": Line}, unknown="ignore"), Line)
    assert entities.model_of(record) is Order
