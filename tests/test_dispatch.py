"""Which routes are asked about a record: none that could want it is ever left out."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from headwater import (
    Attr,
    Condition,
    Entities,
    Failed,
    Handled,
    Insert,
    Key,
    Modify,
    Router,
    Skipped,
    StreamApp,
    only_changed,
)
from headwater.dispatch import index_routes
from headwater.kinds import read_record
from headwater.testing import Table, event
from headwater.triggers import Differs, Holds, key_of, triggers
from tests.condition_strategies import CONDITIONS, ITEMS, Asked

THINGS = Table("Things", keys="Id")
KEY = {"Id": "k1"}


def asked(router: Router, raw: dict[str, Any]) -> list[str]:
    return [route.name for route in index_routes(router.routes, raw["eventName"]).candidates(raw)]


def route(router: Router, name: str, **options: Any) -> None:
    def handle(record: Any) -> None: ...

    handle.__name__ = name
    router.on_record(**options)(handle)


@settings(max_examples=300)
@given(st.lists(CONDITIONS, min_size=1, max_size=5), st.none() | ITEMS, ITEMS)
def test_a_route_that_is_not_asked_would_say_no(conditions: list[Asked], old: Any, new: Any) -> None:
    """For any conditions and any change; and those that are asked keep their order."""
    router = Router()
    for number, each in enumerate(conditions):
        route(router, str(number), when=each.ours)
    raw = THINGS.insert({**KEY, **new}) if old is None else THINGS.modify({**KEY, **old}, {**KEY, **new})
    candidates = asked(router, raw)
    assert candidates == sorted(candidates)
    record = read_record(raw)
    assert {each.name for each in router.routes if each.matches(record)} <= set(candidates)


def test_only_routes_that_the_change_concerns_are_asked() -> None:
    """By the attributes that they need to differ; those that need none are always asked."""
    router = Router()
    route(router, "a", attribute="A")
    route(router, "b", attribute=["B", "C.x"])
    route(router, "always")
    route(router, "becomes", when=Attr("A").becomes(2) & Key("Id").eq("k1"))
    route(router, "either", when=Attr("A").changed() | Attr("B").changed())
    route(router, "or", when=Attr("A").changed() | Attr("B").exists())
    route(router, "not", when=~Attr("A").changed())
    route(router, "was", when=Attr("A").was(1))
    route(router, "noise", when=only_changed("A"))
    item = {**KEY, "A": 1, "B": 1, "C": {"x": 1, "y": 1}}
    rest = ["always", "or", "not", "was", "noise"]

    def said(**new: Any) -> list[str]:
        return [name for name in asked(router, THINGS.modify(item, {**item, **new})) if name not in rest]

    assert said(D=1) == []
    assert said(A=2) == ["a", "becomes", "either"]
    assert said(B=2) == ["b", "either"]
    assert said(C={"x": 1, "y": 2}) == ["b"]
    assert said(A=2, B=2) == ["a", "b", "becomes", "either"]
    assert [name for name in asked(router, THINGS.modify(item, item)) if name in rest] == rest
    assert "a" in asked(router, THINGS.insert(item))
    assert "a" not in asked(router, THINGS.remove({**KEY, "B": 1}))


def test_many_routes_and_few() -> None:
    """Whether the attributes of the routes or those of the record are fewer, the answer is the same."""
    many, few = Router(), Router()
    for number in range(50):
        route(many, f"a{number}", attribute=f"A{number}")
    route(few, "a7", attribute="A7")
    change = THINGS.modify(KEY, {**KEY, "A7": 1, "B": 2})
    assert asked(many, change) == asked(few, change) == ["a7"]
    wide = {**KEY, **{f"B{number}": number for number in range(60)}}
    assert asked(many, THINGS.modify(wide, {**wide, "A7": 1})) == ["a7"]


def test_without_an_image_every_route_is_asked() -> None:
    """So that the missing image is a named error and never a no."""
    app = StreamApp()
    app.on_modify(attribute="A")(lambda record: None)
    new_only = Table("Things", keys="Id", view_type="NEW_IMAGE")
    record = new_only.modify(KEY, {**KEY, "B": 1})
    [outcome] = app.run(event([record])).outcomes
    assert isinstance(outcome, Failed)
    assert "raised     attribute='A'" in str(app.explain(record))


def test_a_value_that_is_none_is_asked_about() -> None:
    """A null that is no wire value is no absence."""
    app = StreamApp()
    app.on_modify(attribute="A")(lambda record: None)
    raw = THINGS.modify(KEY, {**KEY, "B": 1})
    raw["dynamodb"]["OldImage"]["A"] = raw["dynamodb"]["NewImage"]["A"] = None
    [outcome] = app.run({"Records": [raw]}).outcomes
    assert isinstance(outcome, Failed)
    assert "this is null" in str(outcome.error)


class Order(BaseModel):
    Id: str
    A: int = 0


def test_an_unknown_entity_fails_even_where_nothing_changed_for_the_route() -> None:
    """It is to fail, so it is asked first."""
    for policy, expected in (("fail", Failed), ("ignore", Skipped)):
        app = StreamApp(entities=Entities({"Id=ORDER#*": Order}, unknown=policy))  # type: ignore[arg-type]

        @app.on_modify(attribute="A")
        def handle(record: Modify[Order]) -> None: ...

        [outcome] = app.run(event([THINGS.modify(KEY, {**KEY, "B": 1})])).outcomes
        assert isinstance(outcome, expected)


def test_a_function_is_not_asked_when_nothing_changed_for_its_route() -> None:
    """Whatever it would say, the route does not want the record; explain says so too."""
    app = StreamApp()
    called: list[object] = []

    def raises(record: Modify) -> bool:
        called.append(record)
        raise ValueError("asked")

    app.on_modify(when=raises & (Attr("B").increased() | Attr("C").increased()) & Attr("A").exists())(
        lambda record: None
    )
    unconcerned = THINGS.modify({**KEY, "A": 1, "C": 1}, {**KEY, "A": 2, "C": 1})
    assert app.run(event([unconcerned])).outcomes == [Skipped()]
    assert str(app.explain(unconcerned)).splitlines()[1:] == [
        "no         on_modify <lambda>(dict)",
        "  no         raises & (Attr('B').increased() | Attr('C').increased()) & Attr('A').exists()",
        "    not asked  raises",
        "    no         Attr('B').increased() | Attr('C').increased()",
        "      no         Attr('B').increased(): B absent -> absent",
        "      no         Attr('C').increased(): C <N> -> <N>",
        "    not asked  Attr('A').exists()",
    ]
    assert called == []
    concerned = THINGS.modify({**KEY, "A": 1, "B": 1}, {**KEY, "A": 2, "B": 2})
    assert isinstance(app.run(event([concerned])).outcomes[0], Failed)
    assert "raises: ValueError" in str(app.explain(concerned))


def test_an_image_that_cannot_be_compared_fails_its_record_alone() -> None:
    """Nested deeper than Python compares; DynamoDB nests 32 levels at most."""
    deep: Any = {"S": "x"}
    other: Any = {"S": "y"}
    for _ in range(100_000):
        deep, other = {"L": [deep]}, {"L": [other]}
    app = StreamApp()
    app.on_modify(attribute="A")(lambda record: None)
    good = THINGS.modify({**KEY, "A": 1}, {**KEY, "A": 2})
    bad = THINGS.modify(KEY, KEY)
    bad["dynamodb"]["OldImage"]["A"], bad["dynamodb"]["NewImage"]["A"] = deep, other
    first, second = app.run({"Records": [good, bad]}).outcomes
    assert isinstance(first, Handled)
    assert isinstance(second, Failed)
    assert isinstance(second.error, RecursionError)
    assert second.phase == "condition"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Attr("A.x").changed(), {Differs("A")}),
        (Attr("A").becomes(1), {Holds("NewImage", "A", 1)}),
        (Attr("A").becomes([1]), {Differs("A")}),
        (Attr("A.x").becomes(1), {Differs("A")}),
        (Attr("A").was("x"), {Holds("OldImage", "A", "x")}),
        (Attr("A").eq(Decimal("1.0")), {Holds("NewImage", "A", 1)}),
        (Attr("A").old.eq(True), {Holds("OldImage", "A", ("BOOL", True))}),
        (Key("Id").is_in(["k1", 2]), {Holds("Keys", "Id", "k1"), Holds("Keys", "Id", 2)}),
        (Attr("A").is_in(["k1", None]), None),
        (Attr("A.x").eq(1), None),
        (Attr("A").eq(Attr("B")), None),
        (Attr("A").ne(1), None),
        (Attr("A").size().eq(1), None),
        (~Attr("A").changed(), None),
        (Attr("A").changed() & Attr("B").eq(1), {Holds("NewImage", "B", 1)}),
        (Attr("A").changed() | Attr("B").eq(1), {Differs("A"), Holds("NewImage", "B", 1)}),
        ((Attr("A").changed() | Attr("B").changed()) & Attr("C").changed(), {Differs("C")}),
        (Attr("A").changed() | Attr("B").changed() & Attr("C").exists(), {Differs("A"), Differs("B")}),
        (Attr("A").changed() | Attr("C").exists(), None),
    ],
    ids=lambda value: repr(value) if isinstance(value, Condition) else "",
)
def test_what_may_make_a_condition_hold(condition: Any, expected: Any) -> None:
    """One of these, or nothing that a look at one attribute tells."""
    assert triggers(condition, "MODIFY") == expected


def test_an_attribute_of_a_removal_is_in_its_old_image() -> None:
    """As the condition reads it."""
    assert triggers(Attr("A").eq(1), "REMOVE") == frozenset({Holds("OldImage", "A", 1)})


@pytest.mark.parametrize(
    ("value", "key"),
    [
        ({"S": "1"}, "1"),
        ({"N": "1.0"}, 1),
        ({"N": "1E0"}, 1),
        ({"BOOL": True}, ("BOOL", True)),
        ({"N": "x"}, None),
        ({"N": 1}, None),
        ({"S": 1}, None),
        ({"BOOL": "true"}, None),
        ({"NULL": True}, None),
        ({"S": "1", "N": "1"}, None),
        ("S", None),
        (None, None),
    ],
    ids=repr,
)
def test_what_tells_a_value_from_others(value: Any, key: Any) -> None:
    """Equal values have one key; what has none is looked at by the condition itself."""
    assert key_of(value) == key


def test_routes_are_asked_by_the_values_that_they_want() -> None:
    """Two hundred that want another one are not; a value that is none is shown to all of them."""
    router = Router()
    for number in range(200):
        route(router, f"is {number}", when=Attr("Status").becomes(f"s{number}"))
    route(router, "key", when=Key("Id").eq("k2") & Attr("B").exists())
    change = THINGS.modify({**KEY, "Status": "s1"}, {**KEY, "Status": "s7"})
    assert asked(router, change) == ["is 7"]
    assert asked(router, THINGS.insert({**KEY, "Status": "s9"})) == ["is 9"]
    assert asked(router, THINGS.modify(KEY, KEY)) == []
    assert asked(router, THINGS.modify({"Id": "k2"}, {"Id": "k2"})) == ["key"]
    change["dynamodb"]["NewImage"]["Status"] = {"S": 7}
    assert len(asked(router, change)) == 200
    del change["dynamodb"]["Keys"]
    assert len(asked(router, change)) == 201


def test_routes_are_asked_by_the_table_that_they_want() -> None:
    """Those of another table are not; where no table is named, all are, so that they say that it is missing."""
    router = Router()
    route(router, "things", table="Things", attribute="A")
    route(router, "others", table="Others", attribute="A")
    route(router, "any", attribute="A")
    change = THINGS.modify(KEY, {**KEY, "A": 1})
    assert asked(router, change) == ["things", "any"]
    third = Table("Thirds", keys="Id").modify(KEY, {**KEY, "A": 1})
    assert asked(router, third) == ["any"]
    del change["eventSourceARN"]
    assert asked(router, change) == ["things", "others", "any"]


@given(st.lists(st.sampled_from("ABCDEFGH"), min_size=1, unique=True), st.none() | ITEMS, st.none() | ITEMS)
def test_a_record_that_is_ruled_out_at_first_sight_has_no_candidates(names: Any, old: Any, new: Any) -> None:
    """Whatever routes look for, in inserts, modifications and removals."""
    assume(old is not None or new is not None)
    router = Router()
    for name in names:
        route(router, name, attribute=name)
    before, after = {**KEY, **(old or {})}, {**KEY, **(new or {})}
    raw = THINGS.modify(before, after)
    if old is None or new is None:
        raw = THINGS.remove(before) if new is None else THINGS.insert(after)
    routes = index_routes(router.routes, raw["eventName"])
    if routes.rules_out(raw):
        assert not routes.candidates(raw)
        assert not any(each.matches(read_record(raw)) for each in router.routes)


def test_an_insert_route_is_indexed_too() -> None:
    """What an item does not have was not added."""
    router = Router()

    @router.on_insert(attribute="A")
    def with_a(record: Insert) -> None: ...

    assert asked(router, THINGS.insert(KEY)) == []
    assert asked(router, THINGS.insert({**KEY, "A": 1})) == ["with_a"]


class Name(str, Enum):  # noqa: UP042 - a StrEnum writes its text by itself
    A = "A"


@pytest.mark.parametrize(
    "condition", [Attr(Name.A).changed(), Attr(Name.A).becomes([1]), Attr(Name.A).added()], ids=repr
)
def test_a_name_that_is_an_enum_is_its_text(condition: Any) -> None:
    """In the table of routes as in the condition, and in what explains it."""
    app = StreamApp()
    app.on_modify(attribute=Name.A)(lambda record: None)
    app.on_modify(when=condition)(lambda record: None)
    change = THINGS.modify(KEY, {**KEY, "A": [1]})
    assert app.run(event([change])).outcomes == [Handled(("<lambda>", "<lambda>"))]
    assert str(app.explain(change)).count(": A absent -> <L>") == 2


@pytest.mark.parametrize("names", [["A"], ["A", "B", "C", "D", "E"], ["A", "B"]])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({}, []),
        ({}, "zz"),
        ([], {}),
        ({"A": None}, {"A": None}),
        ({}, {"A": None}),
        ({"A": None}, {}),
        (MappingProxyType({}), MappingProxyType({})),
        (None, {}),
    ],
    ids=repr,
)
@pytest.mark.parametrize("observers", [[], [print]], ids=["alone", "observed"])
def test_an_odd_image_fails_its_record_whoever_looks(names: Any, old: Any, new: Any, observers: Any) -> None:
    """The first look passes over nothing that a closer one would refuse."""
    app = StreamApp(observers=observers)
    app.on_modify(attribute=names)(lambda record: None)
    raw = THINGS.modify(KEY, KEY)
    raw["dynamodb"]["OldImage"], raw["dynamodb"]["NewImage"] = old, new
    [outcome] = app.run({"Records": [raw]}).outcomes
    assert isinstance(outcome, Failed)
    assert "raised" in str(app.explain(raw))


def test_an_odd_image_of_an_insert_or_removal_fails_its_record() -> None:
    """As that of a modification."""
    app = StreamApp()
    app.on_insert(attribute="A")(lambda record: None)
    app.on_remove(attribute="A")(lambda record: None)
    for raw, image in ((THINGS.insert(KEY), "NewImage"), (THINGS.remove(KEY), "OldImage")):
        odds: list[Any] = [[], "zz", {"A": None}]
        for odd in odds:
            raw["dynamodb"][image] = odd
            assert isinstance(app.run({"Records": [raw]}).outcomes[0], Failed)


def test_what_cannot_be_compared_is_explained_as_it_fails() -> None:
    """Nested deeper than Python compares."""

    def deep() -> Any:
        value: Any = {"S": "x"}
        for _ in range(100_000):
            value = {"L": [value]}
        return value

    app = StreamApp()
    app.on_modify(attribute="A")(lambda record: None)
    raw = THINGS.modify(KEY, KEY)
    raw["dynamodb"]["OldImage"]["A"], raw["dynamodb"]["NewImage"]["A"] = deep(), deep()
    assert isinstance(app.run({"Records": [raw]}).outcomes[0], Failed)
    assert "it fails, since a condition raises" in str(app.explain(raw))
