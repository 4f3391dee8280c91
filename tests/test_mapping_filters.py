"""Filter criteria of an event source mapping: which records fit, and what is refused."""

from __future__ import annotations

import copy
import itertools
import json
import pickle
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.errors import HeadwaterError
from headwater.mapping.filters import FilterError, compile_filters
from headwater.mapping.limits import FILTER_LIMIT
from headwater.testing import Table

untyped_compile_filters: Any = compile_filters

TABLE = Table("Orders", keys=("PK",))
ITEM = {
    "PK": "o#1",
    "presentKey": "presentValue",
    "numericFilter": 101,
    "Status": "open",
    "Note": "",
    "Gone": None,
}
MORE = {
    **ITEM,
    "Lines": [{"Sku": "a", "Qty": 1}, {"Sku": "b", "Qty": 2}],
    "Tags": {"x", "y"},
    "Empty": {},
    "Bare": [],
}
INSERT = TABLE.insert(MORE)
MODIFY = TABLE.modify({**MORE, "Status": "new"}, MORE)
REMOVE = TABLE.remove(MORE)
EXPIRED = TABLE.remove(MORE, expired=True)


def fits(pattern: Any, record: Any) -> bool:
    """Whether a record fits one pattern, of which the text may be given as it is."""
    return compile_filters([pattern if isinstance(pattern, str) else json.dumps(pattern)])(record)


def new(attribute: str, wire_type: Any, *entries: Any) -> Any:
    """The pattern that asks for an attribute of the new image."""
    inner = {wire_type: list(entries)} if wire_type else list(entries)
    return {"dynamodb": {"NewImage": {attribute: inner}}}


# What was seen on AWS


@pytest.mark.parametrize(
    ("pattern", "record", "expected"),
    [
        pytest.param({"eventName": ["INSERT"]}, INSERT, True, id="the name of the event"),
        pytest.param(
            {"eventName": ["INSERT"], "eventSource": ["aws:dynamodb"]},
            INSERT,
            True,
            id="the source, of an insert",
        ),
        pytest.param(
            {"eventName": ["INSERT"], "eventSource": ["aws:dynamodb"]},
            MODIFY,
            False,
            id="the source, of another",
        ),
        pytest.param(new("presentKey", "S", "presentValue"), INSERT, True, id="a value below its type"),
        pytest.param(new("presentKey", None, "presentValue"), INSERT, False, id="a value without its type"),
        pytest.param(new("presentKey", "S", {"exists": True}), INSERT, True, id="exists, below the type"),
        pytest.param(new("presentKey", None, {"exists": False}), INSERT, True, id="exists, above the type"),
        pytest.param(
            new("numericFilter", "N", {"numeric": [">", 100]}, {"anything-but": "101"}),
            INSERT,
            False,
            id="N is text",
        ),
        pytest.param(
            {"dynamodb": {"ApproximateCreationDateTime": [{"numeric": [">", 0]}]}},
            INSERT,
            True,
            id="the time is a number",
        ),
    ],
)
def test_recorded_on_aws(pattern: Any, record: Any, expected: bool) -> None:
    """As mappings of AWS were seen to do with these patterns."""
    assert fits(pattern, record) is expected


@pytest.mark.parametrize("text", ['"single-string"', '{"eventName": ["INSERT"', "single-string"])
def test_recorded_on_aws_as_refused(text: str) -> None:
    """A lone text and broken JSON, with which no mapping is made."""
    with pytest.raises(FilterError):
        compile_filters([text])


# What the documentation of Lambda and DynamoDB says

EXPIRY = {"userIdentity": {"type": ["Service"], "principalId": ["dynamodb.amazonaws.com"]}}
BOTH_IMAGES = '{"dynamodb": {"NewImage": {"Status": {"S": ["open"]}}}, "dynamodb": {"OldImage": {"Status": {"S": ["new"]}}}}'
EITHER = {"$or": [new("Status", "S", "closed"), {"eventName": ["MODIFY"]}]}


@pytest.mark.parametrize(
    ("pattern", "record", "expected"),
    [
        pytest.param(EXPIRY, EXPIRED, True, id="Time to Live"),
        pytest.param(EXPIRY, REMOVE, False, id="Time to Live, deleted by a person"),
        pytest.param({"userIdentity": {"type": [{"exists": False}]}}, REMOVE, True, id="not Time to Live"),
        pytest.param(BOTH_IMAGES, MODIFY, True, id="one name twice: both count"),
        pytest.param(BOTH_IMAGES, INSERT, False, id="one name twice: both have to fit"),
        pytest.param(EITHER, MODIFY, True, id="$or"),
        pytest.param(EITHER, INSERT, False, id="$or, no branch"),
        pytest.param(new("Status", "S", "closed", "open"), INSERT, True, id="or, among values"),
        pytest.param(new("Gone", "NULL", True), INSERT, True, id="an attribute that is null"),
        pytest.param(new("Gone", "NULL", None), INSERT, False, id="null is not true"),
        pytest.param(new("Note", "S", ""), INSERT, True, id="empty"),
        pytest.param(new("Status", "S", {"anything-but": ["open", "new"]}), INSERT, False, id="anything-but"),
        pytest.param(new("Status", "S", {"prefix": "op"}), INSERT, True, id="prefix"),
        pytest.param(new("Status", "S", {"suffix": "en"}), INSERT, True, id="suffix"),
        pytest.param(
            new("Status", "S", {"equals-ignore-case": "OpEn"}), INSERT, True, id="equals-ignore-case"
        ),
        pytest.param(
            new("numericFilter", "N", {"numeric": ["=", 101]}), INSERT, False, id="numeric never fits N"
        ),
        pytest.param(new("numericFilter", "N", "101"), INSERT, True, id="a number attribute as text"),
        pytest.param(
            new("numericFilter", "N", "101.0"), INSERT, False, id="a number attribute in another form"
        ),
        pytest.param(
            new("Lines", "L", {"exists": True}), INSERT, False, id="exists, of a list that holds maps"
        ),
        pytest.param(new("Tags", "SS", "y"), INSERT, True, id="an element of a set"),
        pytest.param({"dynamodb": {"OldImage": [{"exists": False}]}}, MODIFY, True, id="exists, of an image"),
    ],
)
def test_documented(pattern: Any, record: Any, expected: bool) -> None:
    """As the guides for Lambda's filters and for Time to Live describe, and their notes on numbers and on exists."""
    assert fits(pattern, record) is expected


def test_no_pattern_lets_every_record_through() -> None:
    """As a mapping without filter criteria does."""
    assert compile_filters([])(INSERT)


def test_one_of_several_patterns_is_enough() -> None:
    """Filters are alternatives."""
    fits_one = compile_filters(['{"eventName": ["INSERT"]}', '{"eventName": ["REMOVE"]}'])
    assert [fits_one(record) for record in (INSERT, MODIFY, REMOVE)] == [True, False, True]


# What AWS's rule engine does

LISTS = {"L": [{"a": 1, "b": 2}, {"a": 3}, [{"a": 5}, {"b": 6}], "plain"], "M": [{"c": 7}, {"c": 8}]}


@pytest.mark.parametrize(
    ("pattern", "record", "expected"),
    [
        # values
        ({"a": [300]}, {"a": 300.0}, True),
        ({"a": [3e2]}, {"a": 300}, True),
        ({"a": [300]}, {"a": "300"}, False),
        ({"a": ["300"]}, {"a": 300}, False),
        ({"a": [1]}, {"a": True}, False),
        ({"a": [True]}, {"a": 1}, False),
        ({"a": [0]}, {"a": False}, False),
        ({"a": [True, None]}, {"a": None}, True),
        ({"a": [None]}, {}, False),
        ({"a": [9007199254740993]}, {"a": 9007199254740993}, True),
        ({"a": [9007199254740993]}, {"a": 9007199254740992}, False),
        ('{"a": [1e99999999999999999999]}', {"a": 1}, False),
        # texts
        ({"a": [{"prefix": ""}]}, {"a": ""}, True),
        ({"a": [{"prefix": ""}]}, {"a": 1}, False),
        ({"a": [{"prefix": {"equals-ignore-case": "xY"}}]}, {"a": "Xyz\n"}, True),
        ({"a": [{"suffix": {"equals-ignore-case": "yZ"}}]}, {"a": "x\nyz"}, True),
        ({"a": [{"suffix": {"equals-ignore-case": "yZ"}}]}, {"a": "yzx"}, False),
        ({"a": [{"equals-ignore-case": "straße"}]}, {"a": "STRASSE"}, True),
        ({"a": [{"equals-ignore-case": "STRASSE"}]}, {"a": "straße"}, False),
        ({"a": [{"equals-ignore-case": "k"}]}, {"a": "\N{KELVIN SIGN}"}, False),
        ({"a": [{"equals-ignore-case": "x.z"}]}, {"a": "xyz"}, False),
        ({"a": [{"wildcard": "*"}]}, {"a": ""}, True),
        ({"a": [{"wildcard": "x*z"}]}, {"a": "xz"}, True),
        ({"a": [{"wildcard": "x*x"}]}, {"a": "x"}, False),
        ({"a": [{"wildcard": "*a*b*"}]}, {"a": "1\na2b3"}, True),
        ({"a": [{"wildcard": "*ab*ab"}]}, {"a": "abcab"}, True),
        ({"a": [{"wildcard": "*ab*ba"}]}, {"a": "aba"}, False),
        ({"a": [{"wildcard": r"x\*\\*"}]}, {"a": r"x*\y"}, True),
        ({"a": [{"wildcard": r"x\*"}]}, {"a": "xy"}, False),
        # numbers
        ({"a": [{"numeric": ["=", 5]}]}, {"a": 5.0}, True),
        ({"a": [{"numeric": ["=", 5]}]}, {"a": "5"}, False),
        ({"a": [{"numeric": [">", 0, "<=", 5]}]}, {"a": 5}, True),
        ({"a": [{"numeric": [">", 0, "<=", 5]}]}, {"a": 0}, False),
        ({"a": [{"numeric": [">=", 0, "<", 5]}]}, {"a": 0}, True),
        ({"a": [{"numeric": [">=", 0, "<", 5]}]}, {"a": 5}, False),
        ({"a": [{"numeric": ["<", 5]}]}, {"a": -(10**300)}, True),
        ({"a": [{"numeric": ["<=", 5]}]}, {"a": 5}, True),
        ({"a": [{"numeric": [">=", 5]}]}, {"a": 10**400}, False),
        ({"a": [{"numeric": [">", 5]}]}, {"a": True}, False),
        # anything-but
        ({"a": [{"anything-but": "x"}]}, {}, False),
        ({"a": [{"anything-but": "x"}]}, {"a": None}, True),
        ({"a": [{"anything-but": "5"}]}, {"a": 5}, True),
        ({"a": [{"anything-but": [5, 6]}]}, {"a": 6.0}, False),
        ({"a": [{"anything-but": 5}]}, {"a": "5"}, True),
        ({"a": [{"anything-but": "x"}]}, {"a": ["x", "y"]}, True),
        ({"a": [{"anything-but": {"prefix": "x"}}]}, {"a": "xy"}, False),
        ({"a": [{"anything-but": {"prefix": ["x", "y"]}}]}, {"a": "z"}, True),
        ({"a": [{"anything-but": {"suffix": ["x", "y"]}}]}, {"a": "zy"}, False),
        ({"a": [{"anything-but": {"equals-ignore-case": "X"}}]}, {"a": "x"}, False),
        ({"a": [{"anything-but": {"wildcard": ["x*", "*y"]}}]}, {"a": 5}, True),
        ({"a": [{"anything-but": {"wildcard": ["x*", "*y"]}}]}, {"a": "zy"}, False),
        # exists
        ({"a": [{"exists": True}]}, {"a": None}, True),
        ({"a": [{"exists": True}]}, {"a": {"b": 1}}, False),
        ({"a": [{"exists": True}]}, {"a": []}, False),
        ({"a": [{"exists": False}]}, {"a": {}}, True),
        ({"a": [{"exists": False}]}, {"a": [1]}, False),
        ({"a": ["x", {"exists": False}]}, {"a": "x"}, True),
        ({"a": ["x", {"exists": False}]}, {}, True),
        ({"a": ["x", {"exists": False}]}, {"a": "y"}, False),
        # lists
        ({"L": {"a": [1], "b": [2]}}, LISTS, True),
        ({"L": {"a": [3], "b": [2]}}, LISTS, False),
        ({"L": {"a": [5], "b": [6]}}, LISTS, False),
        ({"L": {"a": [5]}, "M": {"c": [8]}}, LISTS, True),
        ({"L": ["plain"]}, LISTS, True),
        ({"L": {"a": [3], "b": [{"exists": False}]}}, LISTS, True),
        ({"L": {"a": [{"exists": False}], "b": [2]}}, LISTS, False),
        ({"L": ["x"], "L.y": [1]}, {"L": ["x", {"y": 1}]}, True),
        ({"L": ["x"], "L.y": [1]}, {"L": [["x"], {"y": 1}]}, False),
        ({"L": ["x"], "L.y": [1]}, {"L": [["x", {"y": 2}], ["z", {"y": 1}]]}, False),
        ({"L": {"a": [1]}, "L.b": [{"exists": True}]}, LISTS, True),
        ({"L": {"b": [6], "a": [{"exists": False}]}}, LISTS, False),
        ({"L": {"x": {"y": [1]}, "z": [{"exists": False}]}}, {"L": [{"x": {"y": 1}}, {"z": 1}]}, True),
        # names with dots
        ({"a": {"b": [1]}}, {"a.b": 1}, True),
        ({"a.b": [1]}, {"a": {"b": 1}}, True),
        ({"a": {"b": {"c": [1], "d": [2]}}}, {"a.b": {"c": 1}, "a": {"b.d": 2}}, True),
        # names that come twice, and $or
        ('{"a": [1], "a": [2]}', {"a": 2}, True),
        ('{"a": [1], "a": [2]}', {"a": 1}, False),
        ('{"a": {"b": [1]}, "a.b": [2]}', {"a": {"b": 1}}, False),
        ({"$or": [{"a": [1]}, {"b": [1]}], "c": [1]}, {"b": 1, "c": 1}, True),
        ({"$or": [{"a": [1]}, {"b": [1]}], "c": [1]}, {"b": 1}, False),
        ({"x": {"$or": [{"a": [1]}, {"$or": [{"b": [1]}, {"c": [1]}]}]}}, {"x": {"c": 1}}, True),
        ({"a": [1], "$or": [{"a": [2]}, {"b": [1]}]}, {"a": 2}, True),
        ({"$or": [{"a": [2]}, {"b": [1]}], "a": [1]}, {"a": 2}, False),
        ('{"$or": [{"a": [1]}, {"b": [1]}], "$or": [{"c": [1]}, {"d": [1]}]}', {"b": 1, "d": 1}, True),
        ('{"$or": [{"a": [1]}, {"b": [1]}], "$or": [{"c": [1]}, {"d": [1]}]}', {"a": 1, "b": 1}, False),
        ({"$or": {"prefix": ["x"]}}, {"$or": {"prefix": "x"}}, True),
    ],
)
def test_the_rule_engine(pattern: Any, record: Any, expected: bool) -> None:
    """As Event Ruler, which is AWS's own, answers for these."""
    assert fits(pattern, record) is expected


# What is refused


@pytest.mark.parametrize(
    ("pattern", "place", "words"),
    [
        ('"INSERT"', "", '"INSERT" is no JSON object'),
        ('[{"a": [1]}]', "", "[...] is no JSON object"),
        ("2.5", "", "2.5 is no JSON object"),
        ("", "", "at character 1"),
        ('{"a": [NaN]}', "", "NaN is no JSON"),
        ('{"a": ["' + "x" * 4_096 + '"]}', "", "4107 characters"),
        ({"a": "x"}, "a", 'write it in a list, ["x"]'),
        ({"a": {"b": None}}, "a.b", "write it in a list, [null]"),
        ({"a.b": {"c": True}}, '["a.b"].c', "write it in a list, [true]"),
        ({"a": {"exists": True}}, "a.exists", 'write [{"exists": true}]'),
        ({"a": []}, "a", "an empty list"),
        ({}, "", "an empty object"),
        ({"a": {}}, "a", "an empty object"),
        ({"a": ["x", {}]}, "a[1]", "an empty object"),
        ({"a": [[1]]}, "a[0]", "a list stands in a list"),
        ({"a": [{"prefix": "x", "suffix": "y"}]}, "a[0]", '"prefix", "suffix" stand in one object'),
        ('{"a": [{"prefix": "x", "prefix": "y"}]}', "a[0]", '"prefix", "prefix" stand in one object'),
        ({"a": [{"S": ["x"]}]}, "a[0]", '"S" is no operator: there are anything-but, '),
        ({"a": [{"prefix": 1}]}, "a[0].prefix", "1 is no text"),
        ({"a": [{"suffix": ["x"]}]}, "a[0].suffix", "[...] is no text"),
        ({"a": [{"prefix": {"suffix": "x"}}]}, "a[0].prefix", '"suffix" can not stand here'),
        (
            {"a": [{"suffix": {"equals-ignore-case": {}}}]},
            "a[0].suffix.equals-ignore-case",
            "{...} is no text",
        ),
        ({"a": [{"equals-ignore-case": None}]}, "a[0].equals-ignore-case", "null is no text"),
        ({"a": [{"wildcard": "x**"}]}, "a[0].wildcard", "** is refused"),
        ({"a": [{"wildcard": r"\x"}]}, "a[0].wildcard", "backslash"),
        ({"a": [{"wildcard": "x\\"}]}, "a[0].wildcard", "backslash"),
        ({"a": [{"exists": "true"}]}, "a[0].exists", '"true" is neither true nor false'),
        ({"a": [{"exists": 1}]}, "a[0].exists", "1 is neither true nor false"),
        ({"a": [{"numeric": 5}]}, "a[0].numeric", "5 is no list"),
        ({"a": [{"numeric": []}]}, "a[0].numeric", "a range is one of"),
        ({"a": [{"numeric": ["!=", 5]}]}, "a[0].numeric", "a range is one of"),
        ({"a": [{"numeric": ["<", 5, ">", 0]}]}, "a[0].numeric", "a range is one of"),
        ({"a": [{"numeric": [">", 0, "<"]}]}, "a[0].numeric", "a range is one of"),
        ({"a": [{"numeric": ["=", "5"]}]}, "a[0].numeric", '"5" is no number: write one without quotes'),
        ({"a": [{"numeric": ["<", True]}]}, "a[0].numeric", "true is no number"),
        ({"a": [{"numeric": [">", 5, "<", 5]}]}, "a[0].numeric", "5 is not less than 5"),
        ({"a": [{"numeric": ["=", 9007199254740993]}]}, "a[0].numeric", "9007199254740993 has more digits"),
        (
            '{"a": [{"numeric": [">=", 0.10000000000000000001]}]}',
            "a[0].numeric",
            "0.10000000000000000001 has more",
        ),
        ('{"a": [{"numeric": ["<=", 1e400]}]}', "a[0].numeric", "IEEE doubles"),
        ({"a": [{"anything-but": []}]}, "a[0].anything-but", "excludes nothing"),
        ({"a": [{"anything-but": ["x", 1]}]}, "a[0].anything-but", "only texts, or only numbers"),
        ({"a": [{"anything-but": None}]}, "a[0].anything-but", "only texts, or only numbers"),
        ({"a": [{"anything-but": [True]}]}, "a[0].anything-but", "only texts, or only numbers"),
        ({"a": [{"anything-but": 9007199254740993}]}, "a[0].anything-but", "has more digits"),
        ({"a": [{"anything-but": {"numeric": ["=", 1]}}]}, "a[0].anything-but.numeric", "anything-but takes"),
        ({"a": [{"anything-but": {"prefix": []}}]}, "a[0].anything-but.prefix", "excludes nothing"),
        (
            {"a": [{"anything-but": {"suffix": ["x", ""]}}]},
            "a[0].anything-but.suffix",
            'every text has the suffix ""',
        ),
        ({"a": [{"anything-but": {"wildcard": [1]}}]}, "a[0].anything-but.wildcard", "1 is no text"),
        ({"$or": [{"a": [1]}]}, "$or", "two objects or more"),
        ({"x": {"$or": [{"a": [1]}, "b"]}}, "x.$or", "two objects or more"),
        ({"$or": [{"a": [1]}, {}]}, "$or[1]", "an empty object"),
        ({"$or": [{"a": [1]}, {"b": 1}]}, "$or[1].b", "write it in a list, [1]"),
        ({"$or": [{"a": [1]}, {"b": {"prefix": {"S": [1]}}}]}, "$or[1].b.prefix", 'can be called "prefix"'),
    ],
)
def test_what_lambda_refuses_is_refused(pattern: Any, place: str, words: str) -> None:
    """With the place in the pattern, what is wrong and what to write instead."""
    text = pattern if isinstance(pattern, str) else json.dumps(pattern)
    with pytest.raises(FilterError) as caught:
        compile_filters(['{"eventName": ["INSERT"]}', text])
    inside = place if not place or place.startswith("[") else f".{place}"
    assert caught.value.path == f"Filters[1]{inside}"
    assert words in caught.value.message


OR_BOMB = "{" + ", ".join(['"$or": [{"a": [1]}, {"b": [1]}]'] * 11) + "}"
DEEP = '{"a":' * 680 + "[1]" + "}" * 680


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        (DEEP, "nested deeper"),
        ("[" * 4_000, "nested deeper|no JSON"),  # as far as this Python parses
        ('{"$or":[{"a":[1]},' * 70 + '{"a":[1]}' + "]}" * 70, "nested deeper"),
        (json.dumps({"." * 128: [1]}), "nested deeper"),
        (OR_BOMB, "more than 1000 combinations"),
        (json.dumps({"a": [{"cidr": "10.0.0.0/8"}]}), '"cidr" is no operator'),
    ],
    ids=["objects", "lists", "$or", "dots", "combinations", "cidr"],
)
def test_what_is_beyond_the_bounds_is_refused(pattern: str, words: str) -> None:
    """Where Lambda's own bounds are not known: what no record could fit, what would take for ever, and addresses."""
    with pytest.raises(FilterError, match=words):
        compile_filters([pattern])


def test_a_refusal_is_a_value_error_of_headwater() -> None:
    """So that it can be caught as either, and sent between processes."""
    with pytest.raises(ValueError, match="stands alone") as caught:
        compile_filters(['{"a": 1}'])
    assert isinstance(caught.value, HeadwaterError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    assert str(caught.value) == "1 stands alone: write it in a list, [1] (at Filters[0].a)"


def test_more_patterns_than_a_mapping_has_are_refused() -> None:
    """Ten is what an account's quota can be raised to."""
    patterns = ['{"eventName": ["INSERT"]}'] * FILTER_LIMIT
    assert compile_filters(patterns)(INSERT)
    with pytest.raises(FilterError, match="there are 11 patterns"):
        compile_filters([*patterns, patterns[0]])


@pytest.mark.parametrize(
    ("patterns", "words"),
    [
        ('{"eventName": ["INSERT"]}', "a list of patterns is expected"),
        ([{"eventName": ["INSERT"]}], "dict is no text"),
    ],
)
def test_what_is_no_list_of_texts_is_refused(patterns: Any, words: str) -> None:
    """A pattern that is not in a list, and one that is not yet JSON."""
    with pytest.raises(FilterError, match=words):
        untyped_compile_filters(patterns)


# Odd records

WIDE = compile_filters(
    [
        json.dumps({"dynamodb": {"NewImage": {"a": {"N": [entry], "L": [{"exists": False}, entry]}}}})
        for entry in (
            5,
            9007199254740993,
            None,
            {"numeric": [">", 0]},
            {"prefix": "x"},
            {"equals-ignore-case": "\N{GRINNING FACE}"},
            {"wildcard": "*x*y*"},
            {"anything-but": {"suffix": "x"}},
        )
    ]
)
ODD: list[Any] = [
    float("nan"),
    float("-inf"),
    int("9" * 38),
    10**5_000,
    "\ud800\N{GRINNING FACE}",
    b"bytes",
    {1: 2},
    (1, 2),
    {"set"},
    object(),
    [[[]], [{}], [[None]]],
]


@pytest.mark.parametrize("value", ODD, ids=lambda value: type(value).__name__)
def test_an_odd_value_raises_nothing(value: Any) -> None:
    """Whatever a record holds, at any place: the answer is yes or no."""
    for record in (
        {"dynamodb": {"NewImage": {"a": {"N": value}}}},
        {"dynamodb": {"NewImage": {"a": {"N": [value, "x"], "L": value}}}},
        {"dynamodb": {"NewImage": value}},
        {"dynamodb": value},
        {},
    ):
        assert WIDE(record) in (True, False)


def test_an_infinite_number_and_no_number_are_only_there() -> None:
    """They are equal to nothing and in no range."""
    for number in (float("nan"), float("inf")):
        assert not fits({"a": [{"numeric": [">", 0]}, {"numeric": ["<=", 0]}, 0]}, {"a": number})
        assert not fits('{"a": [1e400]}', {"a": number})
        assert fits({"a": [{"anything-but": 0}]}, {"a": number})


def test_a_record_that_is_nested_without_end_is_read() -> None:
    """Lists in lists and maps in maps, deeper than Python would follow by itself."""
    lists: Any = {"b": 1}
    maps: Any = 1
    for _ in range(3_000):
        lists, maps = [lists], {"a": maps}
    assert fits({"a": {"b": [1], "c": [{"exists": False}]}}, {"a": lists})
    assert not fits({"a": {"a": {"a": [1]}}}, {"a": maps})


def test_a_record_of_any_mapping_is_read() -> None:
    """It need not be made of dicts."""
    record = MappingProxyType({"a": MappingProxyType({"b": [MappingProxyType({"c": 1})]})})
    assert fits({"a": {"b": {"c": [1]}}}, record)


def test_a_list_that_stands_at_two_places_is_two_lists() -> None:
    """Both images may share what did not change: each has elements of its own."""
    shared = [{"a": 1}, {"a": 2}]
    pattern = {"old": {"L": {"a": [1]}}, "new": {"L": {"a": [2]}}}
    assert fits(pattern, {"old": {"L": shared}, "new": {"L": shared}})


def test_a_long_wildcard_and_a_long_text_are_compared_at_once() -> None:
    """No combination of a pattern and a text takes long: a star stays where it first fits."""
    pattern = {"a": [{"wildcard": "a*" * 1_500 + "b"}]}
    assert not fits(pattern, {"a": "a" * 100_000})
    assert fits(pattern, {"a": "a" * 100_000 + "b"})


def test_conditions_on_long_lists_are_compared_at_once() -> None:
    """Neither the elements that fit one condition nor lists beside each other are combined with each other."""
    lines = [{"a": 1, "b": index} for index in range(2_000)]
    pattern = {
        "L": {"a": [1], "b": [-1]},
        "M": {"a": [1], "b": [{"anything-but": 5}]},
        "N": {"a": [1], "b": [-1]},
    }
    assert not fits(pattern, {"L": lines, "M": lines, "N": lines})
    assert not fits(pattern, {"L": [*lines, {"a": 1, "b": -1}], "M": lines, "N": lines})


class Watched(dict[str, Any]):
    """An object of a record that counts how often something is looked for in it, or in another."""

    looks = 0

    def __contains__(self, name: object) -> bool:
        Watched.looks += 1
        return super().__contains__(name)


def looks(pattern: Any, record: Any) -> int:
    """How often a record is looked into until it is known that it does not fit."""
    watched = json.loads(json.dumps(record), object_hook=Watched)
    before = Watched.looks
    assert not fits(pattern, watched)
    return Watched.looks - before


def lines(count: int) -> Any:
    return [{"Sku": f"A{index}", "Qty": 1, "Price": {"Cur": "USD"}} for index in range(count)]


EUROS = {"L": {"M": {"Sku": {"S": [{"prefix": "A"}]}, "Price": {"M": {"Cur": {"S": ["EUR"]}}}}}}
NAMED = {"L": {"S": [{"prefix": "A"}], "M": {"Name": {"S": ["x"]}}}}
UNSOLD = {"L": {"M": {"Sku": {"S": [{"prefix": "A"}]}, "Sold": [{"exists": False}], "Qty": {"N": ["9"]}}}}


@pytest.mark.parametrize(
    ("new_image", "old_image"),
    [
        ({"Lines": EUROS}, {"Lines": EUROS}),
        ({"Lines": EUROS, "Gifts": EUROS}, {}),
        ({"Lines": EUROS, "Tags": NAMED}, {}),
        ({"Lines": UNSOLD, "Gifts": UNSOLD}, {"Lines": EUROS}),
        ({"Packs": {"L": {"M": {"Lines": EUROS, "Gifts": EUROS}}}}, {}),
    ],
    ids=["both images", "two lists", "maps and texts", "a name that is absent", "lists in a list"],
)
def test_elements_of_one_list_are_not_combined_with_those_of_another(new_image: Any, old_image: Any) -> None:
    """However deep the conditions are in them: twice the elements are twice the work."""

    def record(count: int) -> Any:
        lists = {
            "Lines": lines(count),
            "Gifts": lines(count),
            "Tags": [f"A{index}" for index in range(count)],
        }
        item = {"PK": "o#1", **lists, "Packs": [lists, lists]}
        return TABLE.modify(item, {**item, "Status": "open"})

    pattern = {"dynamodb": {"NewImage": new_image, **({"OldImage": old_image} if old_image else {})}}
    assert looks(pattern, record(200)) < 2.1 * looks(pattern, record(100))


def test_a_record_is_left_as_it_was() -> None:
    """Filters only look."""
    before = copy.deepcopy(MODIFY)
    fits({"dynamodb": {"NewImage": {"Lines": {"L": {"M": {"Sku": {"S": ["a"]}}}}}}}, MODIFY)
    assert before == MODIFY


# An evaluator that tries everything

Leaf: TypeAlias = tuple[str, Any, dict[tuple[Any, ...], int]]

NAMES = st.sampled_from(["a", "b", "a.b"])
SCALARS = st.sampled_from(["", "x", "X", "xy", 1, 1.0, 2, True, False, None])
TEXTS = st.sampled_from(["x", "X", "y"])
NUMBERS = st.sampled_from([0, 1, 1.5])
WILDCARDS = st.sampled_from(["*", "x*", "*y", "x*y", "*X*", "x"])

VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
RECORDS = st.fixed_dictionaries(
    {"a": VALUES},
    optional={"b": VALUES, "a.b": VALUES, "L": st.lists(st.dictionaries(NAMES, VALUES, max_size=2))},
)
EXCLUSIONS = st.one_of(
    TEXTS,
    NUMBERS,
    st.lists(TEXTS, min_size=1, max_size=2),
    st.lists(NUMBERS, min_size=1, max_size=2),
    st.fixed_dictionaries({"prefix": TEXTS}),
    st.fixed_dictionaries({"suffix": st.lists(TEXTS, min_size=1, max_size=2)}),
    st.fixed_dictionaries({"equals-ignore-case": TEXTS}),
    st.fixed_dictionaries({"wildcard": WILDCARDS}),
)
ENTRIES = st.one_of(
    SCALARS,
    st.fixed_dictionaries({"exists": st.booleans()}),
    st.fixed_dictionaries({"prefix": TEXTS}),
    st.fixed_dictionaries({"suffix": TEXTS}),
    st.fixed_dictionaries({"equals-ignore-case": TEXTS}),
    st.fixed_dictionaries({"wildcard": WILDCARDS}),
    st.fixed_dictionaries({"numeric": st.tuples(st.sampled_from(["=", "<", "<=", ">", ">="]), NUMBERS)}),
    st.fixed_dictionaries({"anything-but": EXCLUSIONS}),
)


LISTED = st.lists(ENTRIES, min_size=1, max_size=3)
FIELDS = st.dictionaries(NAMES, LISTED, min_size=1, max_size=3)


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    branches = st.lists(inner, min_size=2, max_size=3)
    return st.one_of(
        st.dictionaries(NAMES, inner | LISTED, min_size=1, max_size=2),
        st.fixed_dictionaries({"L": inner}),
        st.fixed_dictionaries({"$or": branches}, optional={"a": LISTED}),
    )


PATTERNS = st.recursive(FIELDS, objects, max_leaves=3)


@given(PATTERNS, RECORDS)
def test_records_fit_as_they_do_where_everything_is_tried(pattern: Any, record: Any) -> None:
    """The same answer as from flattening the record and trying every combination of its values."""
    leaves = list(flat(record, (), (), {}))
    expected = any(some_combination_fits(rule, leaves) for rule in rules_of(pattern, ""))
    assert fits(pattern, record) is expected


def flat(
    node: Any, names: tuple[str, ...], place: tuple[Any, ...], elements: dict[Any, int]
) -> Iterator[Leaf]:
    """All values of a record: path, value, and of which list it is in which element."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from flat(value, (*names, key), (*place, key), elements)
    elif isinstance(node, list):
        for index, value in enumerate(node):
            inner = {**elements, place: index} if isinstance(value, dict | list) else elements
            yield from flat(value, names, (*place, index), inner)
    else:
        yield ".".join(names), node, elements


def rules_of(pattern: Any, start: str) -> list[dict[str, list[Any]]]:
    rules: list[dict[str, list[Any]]] = [{}]
    for name, value in pattern.items():
        if name == "$or":
            added = [rule for branch in value for rule in rules_of(branch, start)]
        elif isinstance(value, dict):
            added = rules_of(value, f"{start}{name}.")
        else:
            added = [{f"{start}{name}": value}]
        rules = [{**rule, **more} for more in added for rule in rules]
    return rules


def some_combination_fits(rule: dict[str, list[Any]], leaves: list[Leaf]) -> bool:
    """Whether for each field, in the order of the names, a value or its absence can be taken."""
    paths = sorted(rule)
    candidates: list[list[Leaf | None]] = [
        [None, *(leaf for leaf in leaves if leaf[0] == path)] for path in paths
    ]
    return any(
        combination_fits(rule, leaves, list(zip(paths, taken, strict=True)))
        for taken in itertools.product(*candidates)
    )


def combination_fits(
    rule: dict[str, list[Any]], leaves: list[Leaf], taken: list[tuple[str, Leaf | None]]
) -> bool:
    elements: dict[Any, int] = {}
    for path, leaf in taken:
        if leaf is None:
            if {"exists": False} not in rule[path]:
                return False
            if any(other[0] == path and agree(elements, other[2]) for other in leaves):
                return False
        elif agree(elements, leaf[2]) and any(entry_fits(entry, leaf[1]) for entry in rule[path]):
            elements |= leaf[2]
        else:
            return False
    return True


def agree(some: dict[Any, int], others: dict[Any, int]) -> bool:
    return all(others.get(array, index) == index for array, index in some.items())


def entry_fits(entry: Any, value: Any) -> bool:
    if not isinstance(entry, dict):
        return same(entry, value)
    ((name, operand),) = entry.items()
    text = value if isinstance(value, str) else None
    match name:
        case "exists":
            return operand is True
        case "prefix":
            return text is not None and text[: len(operand)] == operand
        case "suffix":
            return (
                text is not None and text[len(text) - len(operand) :] == operand and len(text) >= len(operand)
            )
        case "equals-ignore-case":
            return text is not None and text.lower() == operand.lower()
        case "wildcard":
            return text is not None and wildcard_fits(operand, text)
        case "numeric":
            return not isinstance(value, bool) and isinstance(value, int | float) and in_range(operand, value)
    if isinstance(operand, dict):
        ((inner, texts),) = operand.items()
        return not any(
            entry_fits({inner: one}, value) for one in (texts if isinstance(texts, list) else [texts])
        )
    return not any(same(one, value) for one in (operand if isinstance(operand, list) else [operand]))


def same(one: Any, other: Any) -> bool:
    plain = (bool, str, type(None))
    if isinstance(one, plain) or isinstance(other, plain):
        return type(one) is type(other) and one == other
    return float(one) == float(other)


def wildcard_fits(pattern: str, text: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(wildcard_fits(pattern[1:], text[start:]) for start in range(len(text) + 1))
    return text[:1] == pattern[0] and wildcard_fits(pattern[1:], text[1:])


def in_range(operand: Any, value: float) -> bool:
    sign: str = operand[0]
    bound: float = operand[1]
    equal, below = value == bound, value < bound
    return {"=": equal, "<": below, "<=": below or equal, ">": not (below or equal), ">=": not below}[sign]
