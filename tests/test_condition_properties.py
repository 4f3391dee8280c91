"""Conditions on made-up changes, held against a plain evaluator over decoded values, and against DynamoDB itself."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping
from itertools import product
from typing import Any
from uuid import uuid4

import pytest
from boto3.dynamodb import conditions as boto3
from boto3.dynamodb.conditions import ConditionExpressionBuilder
from boto3.dynamodb.types import TypeSerializer
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater import Attr, Condition, Key, Record, StreamApp, only_changed, to_wire
from headwater.declarations import settled
from headwater.kinds import ALL_KINDS, read_record
from headwater.testing import Table
from tests.condition_strategies import (
    BINARIES,
    CONDITIONS,
    FILTERS,
    ITEMS,
    MISSING,
    NUMBERS,
    POOL,
    TAG_OF,
    TEXTS,
    TRANSITIONS,
    WORDS,
    Asked,
    Item,
    order,
    to_boto3,
)
from tests.parts.tables import DynamoDB

TABLE = Table("Things", keys="Id")
NAMES = {"Attr": Attr, "Key": Key, "only_changed": only_changed}


def raw(old: Item | None, new: Item | None) -> dict[str, Any]:
    old, new = ({"Id": "k1", **item} if item is not None else None for item in (old, new))
    if old is None:
        assert new is not None
        return TABLE.insert(new)
    return TABLE.remove(old) if new is None else TABLE.modify(old, new)


@st.composite
def changes(draw: st.DrawFn) -> tuple[Item | None, Item | None]:
    """Old and new item: an insertion, a removal, or a modification of which parts stay as they are."""
    first, second = draw(ITEMS), draw(ITEMS)
    match draw(st.sampled_from(["INSERT", "REMOVE", "MODIFY", "MODIFY", "MODIFY"])):
        case "INSERT":
            return None, first
        case "REMOVE":
            return first, None
        case _:
            kept = draw(st.sets(st.sampled_from(["A", "B", "C"])))
            return first, {**second, **{name: first[name] for name in kept if name in first}}


def same_answer(condition: Condition[Any], other: Condition[Any], change: tuple[Any, Any]) -> None:
    record: Any = read_record(raw(*change))
    assert condition(record) is other(record)


def leaf(word: str, values: list[Any]) -> Any:
    if word == "is_in":
        return Attr("A").is_in(values)
    return (
        Attr("A").changed_by(at_least=values[0])
        if word == "changed_by"
        else getattr(Attr("A"), word)(*values)
    )


def operand_lists(word: str) -> list[list[Any]]:
    """Every choice of operands from the pool that a word takes."""
    if word in ("exists", "not_exists", "changed", "added", "removed", "increased", "decreased"):
        return [[]]
    if word in ("was", "becomes"):
        return [[value] for value in (0, 1, True, None, "a", b"a", {1, 2}, ["a", 1], {"x": 1})]
    if word in ("crosses", "changed_by"):
        return [[value] for value in NUMBERS if value > 0 or word == "crosses"]
    if word == "attribute_type":
        return [[tag] for tag in TAG_OF.values()]
    ordered = [*NUMBERS, *TEXTS, *BINARIES]
    if word == "between":
        return [[low, high] for low in ordered for high in ordered if order(low, high) in (-1, 0)]
    taken = {"begins_with": [*TEXTS, *BINARIES], "eq": POOL, "ne": POOL, "contains": POOL}
    return [[value] for value in taken.get(word, ordered)]


@pytest.mark.parametrize("word", WORDS)
def test_each_word_on_each_value(word: str) -> None:
    """All values of a pool that has every type, each beside each."""
    present: list[Any] = [read_record(raw(None, {"A": value})) for value in POOL]
    absent: Any = read_record(raw(None, {}))
    for operands in operand_lists(word):
        condition = leaf(word, operands)
        said = [condition(record) for record in (*present, absent)]
        assert said == [WORDS[word](value, *operands) for value in (*POOL, MISSING)], repr(condition)


@pytest.mark.parametrize("word", TRANSITIONS)
def test_each_transition_between_each_two_values(word: str) -> None:
    """All pairs of values of the pool, and from and to nothing."""
    values = [*POOL, MISSING]
    images = [{"Id": {"S": "k1"}, **({} if value is MISSING else to_wire({"A": value}))} for value in values]
    template = raw({}, {})
    pairs: list[tuple[Any, Any, Any]] = []
    for (old, old_image), (new, new_image) in product(zip(values, images, strict=True), repeat=2):
        stream = {**template["dynamodb"], "OldImage": old_image, "NewImage": new_image}
        pairs.append((old, new, read_record({**template, "dynamodb": stream})))
    for operands in operand_lists(word):
        condition = leaf(word, operands)
        for old, new, record in pairs:
            assert condition(record) is TRANSITIONS[word](old, new, *operands), (condition, old, new)


@given(CONDITIONS, changes())
@settings(max_examples=400)
def test_a_condition_says_what_plain_python_says_of_the_decoded_items(
    asked: Asked, change: tuple[Item | None, Item | None]
) -> None:
    """Numbers, texts by UTF-8 bytes, binaries, sets, nested values, missing ones; on every kind of record."""
    record: Any = read_record(raw(*change))
    assert asked.ours(record) is bool(asked.reference(*change))


@given(CONDITIONS, CONDITIONS, CONDITIONS, changes())
def test_the_algebra_of_conditions(a: Asked, b: Asked, c: Asked, change: tuple[Any, Any]) -> None:
    """De Morgan, double negation, associativity, commutativity, distribution: in effect."""
    x, y, z = a.ours, b.ours, c.ours
    same_answer(~(x & y), ~x | ~y, change)
    same_answer(~(x | y), ~x & ~y, change)
    same_answer(~~x, x, change)
    same_answer((x & y) & z, x & (y & z), change)
    same_answer((x | y) | z, x | (y | z), change)
    same_answer(x & y, y & x, change)
    same_answer(x | y, y | x, change)
    same_answer(x & (y | z), (x & y) | (x & z), change)
    record: Any = read_record(raw(*change))
    assert not (x & ~x)(record)
    assert (x | ~x)(record)


@given(CONDITIONS)
def test_a_condition_prints_as_the_code_that_made_it(asked: Asked) -> None:
    """Run as Python, the text gives an equal condition, with the same text and hash."""
    made = eval(repr(asked.ours), dict(NAMES), _constants())
    assert made == asked.ours
    assert hash(made) == hash(asked.ours)
    assert repr(made) == repr(asked.ours)


def _constants() -> Mapping[str, Any]:
    from decimal import Decimal

    return {"Decimal": Decimal}


@given(CONDITIONS, changes())
def test_a_condition_survives_copying_and_pickling(asked: Asked, change: tuple[Any, Any]) -> None:
    """The copy is equal and says the same."""
    for copied in (
        copy.copy(asked.ours),
        copy.deepcopy(asked.ours),
        *(pickle.loads(pickle.dumps(asked.ours, protocol)) for protocol in range(2, 6)),
    ):
        assert copied == asked.ours
        assert hash(copied) == hash(asked.ours)
        same_answer(copied, asked.ours, change)


@given(CONDITIONS, CONDITIONS)
def test_equal_conditions_are_those_that_were_written_alike(a: Asked, b: Asked) -> None:
    """`==` compares the conditions, not what they would compare."""
    assert (a.ours == b.ours) is (repr(a.ours) == repr(b.ours)) or a.ours == b.ours


@given(CONDITIONS, changes())
def test_what_is_settled_for_a_kind_is_the_answer_for_each_of_its_records(
    asked: Asked, change: tuple[Any, Any]
) -> None:
    """A route is refused as one that could never run only when that is so."""
    record: Any = read_record(raw(*change))
    answer = settled(asked.ours, (record.event_name,))
    assert answer is None or asked.ours(record) is answer
    assert settled(asked.ours, ALL_KINDS) is None or answer is not None


@given(st.lists(CONDITIONS, min_size=1, max_size=3), changes())
def test_explain_says_what_the_app_does(asked: list[Asked], change: tuple[Any, Any]) -> None:
    """For every route: what it explains as a yes is what runs."""
    app, ran = StreamApp(), list[int]()

    def handler(number: int) -> Any:
        def handle(record: Record) -> None:
            ran.append(number)

        return handle

    for number, each in enumerate(asked):
        app.on_record(when=each.ours)(handler(number))
    record = raw(*change)
    explained = app.explain(record)
    app({"Records": [record]})
    assert [number for number, answer in enumerate(explained.routes) if answer.said] == ran
    assert str(explained).startswith(f"{record['eventName']} of table Things")


@pytest.fixture(scope="module")
def scanned(dynamodb_local: DynamoDB) -> tuple[DynamoDB, str]:
    name = f"scanned-{uuid4().hex}"
    dynamodb_local.create_table(name, keys=("Id",))
    return dynamodb_local, name


def put(scanned: tuple[DynamoDB, str], items: Mapping[str, Item]) -> None:
    database, table = scanned
    serialize = TypeSerializer().serialize
    for number, item in items.items():
        attributes = {"Id": number, **item}
        database.dynamodb.put_item(
            TableName=table, Item={name: serialize(to_boto3(value)) for name, value in attributes.items()}
        )


def scan(scanned: tuple[DynamoDB, str], condition: Any) -> set[str]:
    database, table = scanned
    built = ConditionExpressionBuilder().build_expression(condition)
    serialize = TypeSerializer().serialize
    values = {name: serialize(value) for name, value in built.attribute_value_placeholders.items()}
    found = database.dynamodb.scan(
        TableName=table,
        FilterExpression=built.condition_expression,
        ExpressionAttributeNames=built.attribute_name_placeholders,
        **({"ExpressionAttributeValues": values} if values else {}),
    )["Items"]
    return {item["Id"]["S"] for item in found}


def select(items: Mapping[str, Item], condition: Any) -> set[str]:
    return {
        number for number, item in items.items() if condition(read_record(raw(None, {**item, "Id": number})))
    }


@settings(max_examples=150)
@given(st.lists(ITEMS, min_size=4, max_size=4), st.lists(FILTERS, min_size=3, max_size=3))
def test_dynamodb_selects_the_same_items(
    scanned: tuple[DynamoDB, str], items: list[dict[str, Any]], asked: list[Asked]
) -> None:
    """A scan of DynamoDB Local with boto3's condition of the same words, as its filter expression."""
    numbered = {str(number): item for number, item in enumerate(items)}
    put(scanned, numbered)
    for each in asked:
        assert scan(scanned, each.boto3) == select(numbered, each.ours), repr(each)


@pytest.mark.parametrize("word", [*WORDS, "is_in"])
def test_dynamodb_selects_the_same_of_all_values(dynamodb_local: DynamoDB, word: str) -> None:
    """Every value of the pool in a table of its own, scanned with every operand that the word takes."""
    scanned = dynamodb_local, f"pool-{uuid4().hex}"
    dynamodb_local.create_table(scanned[1], keys=("Id",))
    items = {"absent": {}, **{str(number): {"A": value} for number, value in enumerate(POOL)}}
    put(scanned, items)
    records: dict[str, Any] = {number: read_record(raw(None, item)) for number, item in items.items()}
    lists = [[value, None] for value in POOL] if word == "is_in" else operand_lists(word)
    for operands in lists:
        theirs = [to_boto3(value) for value in operands]
        built = getattr(boto3.Attr("A"), word)(*([theirs] if word == "is_in" else theirs))
        condition = leaf(word, operands)
        assert scan(scanned, built) == {n for n, record in records.items() if condition(record)}, condition


def test_the_items_of_these_tests_reach_the_record_as_they_are() -> None:
    """The builder's wire form is the one that DynamoDB gives."""
    assert raw(None, {"A": {1}})["dynamodb"]["NewImage"] == to_wire({"Id": "k1", "A": {1}})
