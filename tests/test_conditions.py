"""Conditions as people write them: what each asks, on which records, how it prints, and what is refused."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from decimal import Decimal, localcontext
from enum import Enum, IntEnum
from typing import Any

import pytest
from boto3.dynamodb import conditions as boto3_conditions
from pydantic import BaseModel

from headwater import (
    Attr,
    Condition,
    ConditionError,
    DeclarationError,
    Failed,
    Handled,
    Insert,
    Key,
    MissingImageError,
    Modify,
    Record,
    Remove,
    Router,
    Skipped,
    StreamApp,
    WireValueError,
    only_changed,
)
from headwater.kinds import read_record
from headwater.testing import Table, as_record, event

ORDERS = Table("Orders", keys=("PK", "SK"))
KEYS = {"PK": "C#1", "SK": "ORDER#7"}
AnyAttr: Any = Attr  # as type checkers would refuse it
untyped_only_changed: Any = only_changed


class Order(BaseModel):
    Status: str
    Total: Decimal


def insert(**item: Any) -> Any:
    return read_record(ORDERS.insert({**KEYS, **item}))


def remove(**item: Any) -> Any:
    return read_record(ORDERS.remove({**KEYS, **item}))


def modify(old: dict[str, Any], new: dict[str, Any]) -> Any:
    return read_record(ORDERS.modify({**KEYS, **old}, {**KEYS, **new}))


PAID = modify({"Status": "open", "Total": 5}, {"Status": "paid", "Total": 8})


# Which image


def test_an_attribute_is_read_where_the_item_is_now() -> None:
    """In the new image of an insert and a modification, in the old one of a removal."""
    paid = Attr("Status").eq("paid")
    assert paid(insert(Status="paid"))
    assert paid(PAID)
    assert paid(remove(Status="paid"))
    assert not paid(modify({"Status": "paid"}, {"Status": "open"}))


def test_old_and_new_say_outright_which_image() -> None:
    """And an image that the kind of record does not have has nothing in it."""
    assert Attr("Status").old.eq("open")(PAID)
    assert Attr("Status").new.eq("paid")(PAID)
    assert not Attr("Status").old.eq("paid")(PAID)
    either: Any = Attr("Status").old.exists() | Attr("Status").new.exists()
    assert [either(record) for record in (insert(Status="x"), remove(Status="x"), insert(), remove())] == [
        True,
        True,
        False,
        False,
    ]
    was: Any = Attr("Status").old.eq("paid")
    assert not was(insert(Status="paid"))


def test_a_key_is_read_from_the_keys() -> None:
    """Which records of every stream view type have."""
    table = Table("Orders", keys=("PK", "SK"), view_type="KEYS_ONLY")
    record: Any = read_record(table.insert({**KEYS, "Status": "open"}))
    assert Key("SK").begins_with("ORDER#")(record)
    assert not Key("Status").exists()(record)
    with pytest.raises(MissingImageError, match="needs NEW_IMAGE"):
        Attr("Status").exists()(record)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("Address.City", "Oslo"),
        ("Lines[0].Sku", "s1"),
        ("Lines[1].Tags", {"x"}),
        ('["loyalty.points"]', 5),
        ('Address["post[0]code"]', "0150"),
        ('Address["a\\"b"]', None),
    ],
)
def test_paths_lead_into_maps_and_lists(path: str, value: Any) -> None:
    """A name that holds dots or brackets is written in quotes and brackets."""
    record = insert(
        **{
            "Address": {"City": "Oslo", "post[0]code": "0150", 'a"b': None},
            "Lines": [{"Sku": "s1"}, {"Tags": {"x"}}],
            "loyalty.points": 5,
        }
    )
    assert Attr(path).eq(value)(record)
    assert Attr(path).exists()(record)
    assert not Attr(path + "x" if path[-1] != "]" else path + "[9]").exists()(record)
    assert eval(repr(Attr(path))) == Attr(path)


def test_numbers_compare_to_38_digits() -> None:
    """Where a float would not see the difference, and whatever the decimal context of the user is."""
    big = 12345678901234567890123456789012345678
    with localcontext(prec=3):
        assert Attr("N").gt(big)(insert(N=big + 1))
        assert not Attr("N").eq(big)(insert(N=big + 1))
        change = modify({"N": Decimal("1E-130")}, {"N": Decimal("9.9E125")})
        assert not Attr("N").changed_by(at_least=Decimal("9.9E125"))(change)
        assert Attr("N").changed_by(at_least=Decimal("9.8999E125"))(change)
        assert Attr("N").crosses(Decimal("1.1E-130"))(change)


def test_sizes() -> None:
    """UTF-16 code units, bytes, members, elements; numbers and booleans have none."""
    sizes: dict[Any, int] = {"a\U0001f600": 3, "é": 1, b"\x00\xff": 2}
    for value, size in sizes.items():
        assert Attr("A").size().eq(size)(insert(A=value)), value
    for content in ({1, 2}, ["a", None], {"x": 1, "y": 2}):
        assert Attr("A").size().between(2, 2)(insert(A=content))
    for nothing in (12, True, None):
        assert not Attr("A").size().gte(0)(insert(A=nothing))
        assert Attr("A").size().ne(0)(insert(A=nothing))
    assert Attr("A").size().is_in([1, 2])(insert(A="ab"))
    assert Attr("A").size().lt(Attr("B"))(insert(A="ab", B=3))
    assert Attr("A").old.size().gt(Attr("A").new.size())(modify({"A": "abc"}, {"A": "ab"}))


# Transitions


@pytest.mark.parametrize(
    ("condition", "yes", "no"),
    [
        (Attr("S").changed(), [("a", "b"), (None, "a"), ("a", ...), (..., "a")], [("a", "a"), (..., ...)]),
        (Attr("S").added(), [(..., "a"), (..., None)], [("a", "b"), ("a", ...), (..., ...)]),
        (Attr("S").removed(), [("a", ...)], [("a", "b"), (..., "a"), (..., ...)]),
        (Attr("S").was("a"), [("a", "b"), ("a", "a"), ("a", ...)], [("b", "a"), (..., "a")]),
        (Attr("S").becomes("b"), [("a", "b"), (..., "b"), (5, "b")], [("b", "b"), ("b", "a"), ("a", ...)]),
        (Attr("S").increased(), [(1, 2), (-1, Decimal("0.5"))], [(2, 1), (1, 1), ("1", "2"), (..., 2)]),
        (Attr("S").decreased(), [(2, 1)], [(1, 2), (1, 1), ("2", "1"), (2, ...)]),
        (
            Attr("S").crosses(10),
            [(9, 10), (9, 11), (10, 9)],
            [(10, 11), (11, 10), (9, 9), (..., 11), ("9", 11)],
        ),
        (Attr("S").changed_by(at_least=5), [(1, 6), (6, 1)], [(1, 5), (6, 2), (..., 6), (1, "9")]),
    ],
    ids=repr,
)
def test_transitions(condition: Any, yes: list[Any], no: list[Any]) -> None:
    """From the old image to the new one; an ellipsis stands for an attribute that is not there."""
    for pairs, expected in ((yes, True), (no, False)):
        for old, new in pairs:
            change = modify({} if old is ... else {"S": old}, {} if new is ... else {"S": new})
            assert condition(change) is expected, (old, new)


def test_transitions_of_insertions_and_removals() -> None:
    """What is new was added and becomes; what is gone was removed and was; neither grows."""
    said = {
        word: tuple(getattr(Attr("S"), word)(*values)(record) for record in (insert(S=1), remove(S=1)))
        for word, values in {
            "changed": [],
            "added": [],
            "removed": [],
            "was": [1],
            "becomes": [1],
            "increased": [],
            "decreased": [],
            "crosses": [0],
        }.items()
    }
    assert said == {
        "changed": (True, True),
        "added": (True, False),
        "removed": (False, True),
        "was": (False, True),
        "becomes": (True, False),
        "increased": (False, False),
        "decreased": (False, False),
        "crosses": (False, False),
    }
    assert not Attr("S").changed()(insert(Other=1))


def test_was_needs_the_old_image_alone() -> None:
    """A stream of old images is enough for it."""
    table = Table("Orders", keys=("PK", "SK"), view_type="OLD_IMAGE")
    record: Any = read_record(table.modify({**KEYS, "S": 1}, {**KEYS, "S": 2}))
    assert Attr("S").was(1)(record)
    with pytest.raises(MissingImageError):
        Attr("S").becomes(2)(record)


def test_any_of_several_attributes_or_all_of_them() -> None:
    """A list asks for any, `&` for all."""
    app = StreamApp()

    @app.on_modify(attribute=["Status", "Total"])
    def any_of_them(record: Modify) -> None: ...
    @app.on_modify(when=Attr("Status").changed() & Attr("Total").changed())
    def all_of_them(record: Modify) -> None: ...

    one = ORDERS.modify({**KEYS, "Status": "a", "Total": 1}, {**KEYS, "Status": "b", "Total": 1})
    two = ORDERS.modify({**KEYS, "Status": "a", "Total": 1}, {**KEYS, "Status": "b", "Total": 2})
    assert app.run(event([one, two])).outcomes == [
        Handled(("any_of_them",)),
        Handled(("any_of_them", "all_of_them")),
    ]


# With functions


def is_big(record: Insert[Order] | Modify[Order]) -> bool:
    return record.new.Total > 100


def test_conditions_combine_with_functions_on_either_side() -> None:
    """A lambda sees the record in the handler's types, an annotated function in its own."""
    app = StreamApp()
    seen: list[object] = []

    @app.on_modify(when=Attr("Status").becomes("paid") & (lambda record: record.new.Total > 5))
    def by_lambda(record: Modify[Order]) -> None:
        seen.append(record.new.Total)

    @app.on_modify(when=is_big | Attr("Status").becomes("paid") & ~Attr("Total").changed())
    def by_function(record: Modify) -> None:
        seen.append(record.new["Total"])

    def change(total: int) -> Any:
        return ORDERS.modify(
            {**KEYS, "Status": "open", "Total": total}, {**KEYS, "Status": "paid", "Total": total}
        )

    app(event([change(5), change(6), change(200)]))
    assert seen == [5, 6, 6, 200, 200]
    assert [str(route).split("  ")[1] for route in app.routes] == [
        "when=Attr('Status').becomes('paid') & <lambda>",
        "when=is_big | Attr('Status').becomes('paid') & ~Attr('Total').changed()",
    ]


def test_a_part_after_the_deciding_one_is_not_asked() -> None:
    """So a function may rely on what stands before it."""
    asked: list[str] = []

    def note(record: Record) -> bool:
        asked.append(record.event_name)
        return True

    assert not (Attr("X").exists() & note)(PAID)
    assert (Attr("Status").exists() | note)(PAID)
    assert asked == []
    assert (Attr("Status").exists() & note)(PAID)
    assert asked == ["MODIFY"]


def test_a_condition_with_a_function_equals_its_copy() -> None:
    """And pickles, when the function is one that can be found by its name."""
    condition = Attr("Status").changed() & is_big
    for copied in (copy.deepcopy(condition), pickle.loads(pickle.dumps(condition))):
        assert copied == condition
        assert hash(copied) == hash(condition)
        assert copied(modify({"Status": "a", "Total": 1}, {"Status": "b", "Total": 200}))
    assert condition != Attr("Status").changed() & (lambda _record: True)
    assert repr(condition) == "Attr('Status').changed() & is_big"


def test_a_condition_is_called_with_a_typed_record_too() -> None:
    """For a test of the condition itself."""
    raw = ORDERS.modify({**KEYS, "Status": "a", "Total": 1}, {**KEYS, "Status": "b", "Total": 200})
    condition = Attr("Status").changed() & (lambda record: record.new.Total == 200)
    assert condition(as_record(raw, Modify[Order]))


# What raises


def test_a_condition_that_raises_is_a_failure_and_not_a_no() -> None:
    """The record fails in the phase `condition`, and the error says where."""
    app = StreamApp()
    app.on_modify(when=~Attr("Total").gt(5))(lambda record: None)
    raw = ORDERS.modify({**KEYS, "Total": 1}, {**KEYS, "Total": 2})
    raw["dynamodb"]["NewImage"]["Total"] = {"N": "many"}
    [outcome] = app.run({"Records": [raw]}).outcomes
    assert isinstance(outcome, Failed)
    assert outcome.phase == "condition"
    assert isinstance(outcome.error, WireValueError)
    assert outcome.error.path == "NewImage.Total"
    assert outcome.error.sequence_number == raw["dynamodb"]["SequenceNumber"]
    assert "many" not in str(outcome.error)


@pytest.mark.parametrize(
    ("condition", "path"),
    [
        (Attr("A").gt(1), "NewImage.A"),
        (Attr("B").gt(Attr("A")), "NewImage.A"),
        (Attr("A").new.gt(1), "NewImage.A"),
        (Key("SK").gt("A"), "Keys.SK"),
        (Attr("N").exists(), "NewImage.N"),
        (Attr("L").contains(1), "NewImage.L[1]"),
        (Attr("L[1]").size().eq(1), "NewImage.L[1]"),
        (Attr("A").becomes(1), "NewImage.A"),
        (Attr("M").changed(), "NewImage.M"),
        (Attr("O.x").was(1), "OldImage.O"),
        (Attr("A").old.eq(7) | Attr("A").lt(1), "NewImage.A"),
        (only_changed("B"), "A"),
    ],
    ids=repr,
)
def test_a_malformed_value_is_named(condition: Any, path: str) -> None:
    """With its place in the record; never a crash, never an answer."""
    raw = ORDERS.modify({**KEYS, "A": 1, "B": 2}, {**KEYS, "A": 2, "B": 1})
    raw["dynamodb"]["NewImage"]["A"] = {"N": 5}
    raw["dynamodb"]["NewImage"]["N"] = None
    raw["dynamodb"]["NewImage"]["M"] = {"M": 5}
    raw["dynamodb"]["OldImage"] |= {"M": {"M": {}}, "O": {"M": 5}}
    raw["dynamodb"]["Keys"]["SK"] = {"S": 5}
    raw["dynamodb"]["NewImage"]["L"] = {"L": [{"S": "x"}, {"N": 5, "S": "x"}]}
    with pytest.raises(WireValueError) as caught:
        condition(read_record(raw))
    assert caught.value.path == path
    assert caught.value.sequence_number == raw["dynamodb"]["SequenceNumber"]


def test_a_function_that_answers_with_a_coroutine_is_refused() -> None:
    """In a combination as alone: it would always count as yes."""

    async def later(_record: object) -> bool:
        return False

    app = StreamApp()
    sneaky: Any = lambda record: later(record)  # noqa: E731 - its type must not be known
    app.on_modify(when=Attr("Status").changed() & sneaky)(lambda record: None)
    [outcome] = app.run(event([PAID.raw])).outcomes
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, ConditionError)
    assert "answered with something to await" in str(outcome.error)


# Printing and equality


@pytest.mark.parametrize(
    "text",
    [
        "Attr('Status').eq('paid')",
        "Attr('Address.City').old.ne(None)",
        "Attr('Lines[0].Sku').new.is_in(['a', 'b'])",
        "Attr('Total').between(1, Decimal('2.50'))",
        "Attr('Total').gt(Attr('Limit'))",
        "Attr('Total').new.gt(Attr('Total').old)",
        "Attr('Tags').size().gte(2)",
        "Attr('Tags').contains(b'\\x00')",
        "Attr('Tags').attribute_type('SS')",
        "Key('SK').begins_with('ORDER#')",
        "Attr('A').changed_by(at_least=Decimal('0.5'))",
        "Attr('A').was('x') & Attr('A').becomes('y')",
        "(Attr('A').exists() | Attr('B').exists()) & ~Attr('C').exists()",
        "Attr('A').exists() | Attr('B').exists() & Attr('C').exists()",
        "~(Attr('A').exists() & Attr('B').exists())",
        "~~Attr('A').exists()",
        "~only_changed(['a', 'b.c'])",
    ],
)
def test_a_condition_prints_as_it_was_written(text: str) -> None:
    """To the letter."""
    condition = eval(text)
    assert repr(condition) == text
    assert condition == eval(text)
    assert len({condition, eval(text)}) == 1


def test_conditions_are_equal_when_they_ask_the_same() -> None:
    """A number in another notation is the same value; `1` and `True` are not."""
    assert Attr("A").eq(1) == Attr("A").eq(Decimal("1.0"))
    assert hash(Attr("A").eq(1)) == hash(Attr("A").eq(Decimal("1.0")))
    assert Attr("A").eq(1) != Attr("A").eq(True)
    assert Attr("A").eq(1) != Attr("A").old.eq(1)
    assert Attr("A").eq(1) != Attr("B").eq(1)
    assert Attr("A").eq({"x": 1, "y": 2}) == Attr("A").eq({"y": 2, "x": 1})
    assert Attr('["A"]') == Attr("A")
    assert only_changed({"b", "a"}) == only_changed(["a", "b", "a"])
    assert Attr("A") == Attr("A")
    assert (AnyAttr("A") == "paid") is False


def test_a_value_that_changes_later_changes_no_condition() -> None:
    """What was written when it was made counts."""
    tags = ["a"]
    condition = Attr("Tags").eq(tags)
    tags.append("b")
    assert condition(insert(Tags=["a"]))
    assert repr(condition) == "Attr('Tags').eq(['a'])"


# What is refused


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AnyAttr(""), "Attr: '' is not a path"),
        (lambda: AnyAttr("a..b"), "write Address.City, Lines"),
        (lambda: AnyAttr(5), "takes the name of an attribute, not a int"),
        (lambda: Key("a.b"), r"""leads into a map.*write Key\('\["a.b"\]'\)"""),
        (lambda: Key("a[0]"), "leads into a map"),
        (
            lambda: AnyAttr("A").between(5, 1),
            r"Attr\('A'\).between\(5, 1\) would never hold: give the lower value first",
        ),
        (lambda: AnyAttr("A").between(1, "b"), "both of one type"),
        (
            lambda: AnyAttr("A").eq(1.5),
            r"Attr\('A'\).eq\(1.5\): a float is not exact: use Decimal, as boto3 does",
        ),
        (lambda: AnyAttr("A").eq({"x": [1.5]}), "a float is not exact.*at x"),
        (lambda: AnyAttr("A").gt(10**38 + 1), "at most 38 significant digits"),
        (lambda: AnyAttr("A").eq(set()), "no empty set"),
        (lambda: AnyAttr("A").eq(object()), "no type for a object"),
        (lambda: AnyAttr("A").lt(True), "compare it with a number or a text or bytes"),
        (lambda: AnyAttr("A").gte(None), "would never hold"),
        (lambda: AnyAttr("A").begins_with(5), "compare it with a text or bytes"),
        (lambda: AnyAttr("A").size().eq("abc"), "compare it with a number"),
        (lambda: AnyAttr("A").crosses("5"), "compare it with a number"),
        (lambda: AnyAttr("A").changed_by(at_least=0), "would hold always: give a number above 0"),
        (lambda: AnyAttr("A").changed_by(at_least=-1), "give a number above 0"),
        (lambda: AnyAttr("A").attribute_type("Text"), "the types are S, N, B"),
        (lambda: AnyAttr("A").attribute_type(str), "the types are S, N, B"),
        (lambda: AnyAttr("A").is_in([]), "given no value, so it would never hold"),
        (lambda: AnyAttr("A").is_in("abc"), "takes a list of values, not a str"),
        (lambda: AnyAttr("A").eq(AnyAttr("A")), "compares it with itself"),
        (lambda: AnyAttr("A").size().eq(AnyAttr("A").size()), "compares it with itself"),
        (lambda: only_changed([]), "only_changed is given no name"),
        (lambda: only_changed(["a..b"]), "only_changed: 'a..b' is not a path"),
        (lambda: untyped_only_changed(5), "takes one name or a list of names, not a int"),
        (lambda: AnyAttr("A").exists() & 5, "5 is neither a condition nor a function"),
        (lambda: AnyAttr("A").exists() | AnyAttr("B"), r"Attr\('B'\) is neither a condition nor a function"),
        (lambda: AnyAttr("B") & AnyAttr("A").exists(), r"Attr\('B'\) is neither a condition nor a function"),
        (lambda: AnyAttr("A").exists() and AnyAttr("B").exists(), r"with & \| ~ instead of and, or, not"),
        (lambda: not AnyAttr("A").exists(), "neither true nor false"),
    ],
)
def test_nonsense_is_refused_when_it_is_built(make: Callable[[], object], message: str) -> None:
    """The sentence says what is wrong and what to write."""
    with pytest.raises(DeclarationError, match=message):
        make()


def test_a_condition_of_boto3_is_refused_by_name() -> None:
    """It has the same words, and would be written by who knows them."""
    theirs: Any = boto3_conditions.Attr("Status").eq("paid")
    with pytest.raises(DeclarationError, match="import Attr and Key from headwater instead"):
        Router().on_modify(when=theirs)(lambda record: None)
    with pytest.raises(DeclarationError, match="import Attr and Key from headwater instead"):
        print(Attr("Status").exists() & theirs)


@pytest.mark.parametrize(
    ("decorator", "condition", "message"),
    [
        ("on_insert", Attr("A").increased(), "needs both images, which INSERT records do not have"),
        ("on_insert", Attr("A").old.eq(1), "needs an old image, which INSERT records do not have"),
        ("on_insert", Attr("A").was(1), "needs an old image"),
        ("on_insert", Attr("A").removed(), "needs an old image"),
        (
            "on_insert",
            Attr("B").eq(1) & ~Attr("A").old.exists(),
            r"condition Attr\('A'\).old.exists\(\) needs",
        ),
        ("on_insert", ~only_changed("A"), "needs both images"),
        ("on_remove", Attr("A").new.eq(1), "needs a new image, which REMOVE records do not have"),
        ("on_remove", Attr("A").becomes(1), "needs a new image"),
        ("on_remove", Attr("A").added(), "needs a new image"),
        ("on_remove", Attr("A").crosses(1), "needs both images"),
        ("on_insert", Attr("A").new.gt(Attr("A").old), "needs both images"),
        ("on_insert", is_big & Attr("A").decreased(), "needs both images"),
        ("on_remove", is_big & Attr("A").exists(), "condition is_big does not take REMOVE records"),
        ("on_record", is_big | Attr("A").exists(), "condition is_big does not take REMOVE records"),
        (
            "on_modify",
            AnyAttr("Status") == "paid",
            r"when=False is the same for every record.*\.eq\('paid'\)",
        ),
        ("on_modify", Attr("Status").exists, "condition exists takes no record, so every call would fail"),
        ("on_modify", Attr, "condition Attr is a class, and each object made of it would count as yes"),
        ("on_modify", Order, "condition Order is a class"),
        ("on_modify", Attr("Status").eq, "condition eq takes .* but handlers are given records"),
        ("on_modify", Attr("Status"), r"Attr\('Status'\) is neither a condition nor a function"),
    ],
    ids=repr,
)
def test_a_condition_that_makes_no_sense_for_the_kind_is_refused(
    decorator: str, condition: Any, message: str
) -> None:
    """When the route is declared, with the handler's name."""

    def handle(record: Any) -> None: ...

    with pytest.raises(DeclarationError, match=f"{decorator} handler handle: .*{message}"):
        getattr(Router(), decorator)(when=condition)(handle)


def test_a_condition_of_some_kinds_serves_a_route_of_all() -> None:
    """On the other kinds it does not hold."""
    app = StreamApp()
    app.on_record(when=Attr("Total").increased())(lambda record: None)
    one, two = {**KEYS, "Total": 1}, {**KEYS, "Total": 2}
    batch = event([ORDERS.insert(one), ORDERS.modify(one, two), ORDERS.remove(two)])
    assert [type(outcome) for outcome in app.run(batch).outcomes] == [Skipped, Handled, Skipped]


# On routers


def test_conditions_of_nested_routers_add_up() -> None:
    """All of them must hold, the outermost is asked first."""
    app = StreamApp()
    orders = Router(table="Orders", when=Key("SK").begins_with("ORDER#"))
    paid = Router(when=Attr("Status").eq("paid"))

    @paid.on_modify(attribute="Total")
    def recount(record: Modify) -> None: ...

    orders.include(paid)
    app.include(orders)
    [route] = app.routes
    assert str(route) == (
        "on_modify  table='Orders', when=Key('SK').begins_with('ORDER#'), when=Attr('Status').eq('paid'), "
        "attribute='Total'  recount(dict)"
    )

    def outcome(**new: Any) -> type:
        old = {**KEYS, **{name: new[name] for name in ("SK",) if name in new}, "Status": "paid", "Total": 1}
        [outcome] = app.run(event([ORDERS.modify(old, {**old, **new})])).outcomes
        return type(outcome)

    assert outcome(Total=2) is Handled
    assert outcome(Status="open", Total=2) is Skipped
    assert outcome(Total=1) is Skipped
    assert outcome(SK="LINE#1", Total=2) is Skipped


def test_a_router_may_ask_what_only_some_of_its_routes_can_answer() -> None:
    """A route that could never run there is refused; one that the question says nothing of is not."""
    grown = Router(when=Attr("Total").increased())
    grown.on_modify(lambda record: None)
    with pytest.raises(
        DeclarationError, match=r"takes INSERT records, for which Attr\('Total'\).increased\(\)"
    ):
        grown.on_insert(lambda record: None)
    assert len(grown.routes) == 1
    real = Router(when=~only_changed({"updated_at"}))
    real.on_insert(lambda record: None)
    real.on_record(lambda record: None)
    new = Router(when=Attr("Total").old.ne(5) & Attr("Total").old.not_exists())  # which every insert is
    new.on_insert(lambda record: None)
    late = Router()
    late.on_remove(lambda record: None)
    with pytest.raises(DeclarationError, match="so it would never run: move it to another router"):
        grown.include(late)
    assert len(grown.routes) == 1


def test_a_condition_is_a_value_and_no_more() -> None:
    """It can not be changed, and has no state of its own."""
    condition: Any = Attr("A").eq(1)
    with pytest.raises(AttributeError):
        condition.operator = "ne"
    assert isinstance(condition, Condition)
    assert not hasattr(condition, "__dict__")


def test_kinds_are_checked_by_the_record_and_not_by_its_images() -> None:
    """A removal that carries a new image is a removal."""
    raw = ORDERS.remove({**KEYS, "Status": "old"})
    raw["dynamodb"]["NewImage"] = {"Status": {"S": "new"}}
    record: Remove = as_record(raw, Remove)
    assert Attr("Status").eq("old")(record)
    assert Attr("Status").removed()(record)


# Used outside of a route


def test_a_condition_asked_about_something_else_says_what_it_wants() -> None:
    """A raw record, or a record of a kind that its function does not take."""
    raw: Any = ORDERS.remove({**KEYS, "Status": "paid", "Total": 500})
    condition: Any = Attr("Status").exists() & is_big
    with pytest.raises(TypeError, match=r"not a dict: headwater.testing.as_record makes one"):
        condition(raw)
    with pytest.raises(ConditionError, match="the condition is_big does not take REMOVE records"):
        condition(read_record(raw))


class Above:
    """A function with an equality of its own, and so without a hash."""

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def __call__(self, record: Record) -> bool:
        return len(record.changes) > self.limit

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Above) and other.limit == self.limit

    __hash__ = None  # type: ignore[assignment]


def test_a_function_that_can_not_be_hashed_is_a_condition_too() -> None:
    """Nothing but a set or a dict needs a hash of it."""
    router = Router(when=Above(1))
    router.on_modify(when=Above(1) & Attr("Status").changed())(lambda record: None)
    app = StreamApp()
    app.include(router)
    assert [type(outcome) for outcome in app.run(event([PAID.raw])).outcomes] == [Handled]
    assert Attr("A").exists() & Above(2) == Attr("A").exists() & Above(2)
    assert str(app) == "on_modify  when=Above, when=Above & Attr('Status').changed()  <lambda>(dict)"


class Status(str, Enum):  # noqa: UP042 - whose str() is not its value, unlike that of a StrEnum
    """The values of an attribute, as many write them."""

    PAID = "paid"


class Level(IntEnum):
    HIGH = 3


class Field(str, Enum):  # noqa: UP042 - the same
    """The names of attributes."""

    STATUS = "Status"
    CITY = "Address.City"


def test_enums_are_the_values_that_they_stand_for() -> None:
    """As names and as values; they print as plain code."""
    conditions: list[Any] = [
        Attr(Field.STATUS).eq(Status.PAID),
        Attr(Field.CITY).is_in([Status.PAID, {Level.HIGH}, {Status.PAID: (Level.HIGH,)}]),
        Key(Field.STATUS).gt(Level.HIGH),
    ]
    assert [repr(condition) for condition in conditions] == [
        "Attr('Status').eq('paid')",
        "Attr('Address.City').is_in(['paid', {3}, {'paid': [3]}])",
        "Key('Status').gt(3)",
    ]
    for condition in conditions:
        assert eval(repr(condition)) == condition
        assert pickle.loads(pickle.dumps(condition)) == condition
    assert conditions[0](PAID)


def test_functions_before_the_first_condition_print_with_their_parentheses() -> None:
    """Without them, Python would try to combine two functions."""
    both = is_big & (is_big & Attr("A").exists())
    assert repr(both) == "is_big & (is_big & Attr('A').exists())"
    assert eval(repr(both)) == both
    assert repr(is_big | (is_big | (is_big | Attr("A").exists()))) == (
        "is_big | (is_big | (is_big | Attr('A').exists()))"
    )


def test_any_collection_of_names_or_values_will_do() -> None:
    """Views of dicts, ranges and the like."""
    names = {"a": 1, "b": 2}
    assert only_changed(names.keys()) == only_changed(["a", "b"])
    assert Attr("A").is_in(range(3)) == Attr("A").is_in([0, 1, 2])
    assert repr(Attr("A").is_in({"b", "c", "a"})) == "Attr('A').is_in(['a', 'b', 'c'])"
    assert Attr("A").is_in(names.values()) == Attr("A").is_in([1, 2])
    assert str(StreamApp(ignore=names.keys())) == "no routes"
    assert Attr("A").between(Attr("A"), 5)(insert(A=4))


def test_a_function_that_answers_with_a_generator_is_refused() -> None:
    """It would always count as yes."""
    app = StreamApp()
    answers: Any = lambda record: (name for name in record.keys)  # noqa: E731 - its type must not be known
    app.on_insert(when=answers)(lambda record: None)
    [outcome] = app.run(event([ORDERS.insert(KEYS)])).outcomes
    assert isinstance(outcome, Failed)
    assert "answered with a generator" in str(outcome.error)
