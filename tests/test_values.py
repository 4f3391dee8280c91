"""Wire values to Python and back, held against boto3's own serialiser and deserialiser."""

from __future__ import annotations

import base64
import decimal
import pickle
import re
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer
from hypothesis import assume, given
from hypothesis import strategies as st

from headwater import HeadwaterError, WireValueError, to_python, to_wire
from headwater.encoding import value_to_wire
from headwater.values import read_binary, read_number, value_to_python
from tests.strategies import NAMES, PLAIN_VALUES, WIRE_ITEMS, WIRE_VALUES, number_texts

SECRET = "tell-nobody-4711"
PLAIN_ITEMS = st.dictionaries(NAMES, PLAIN_VALUES, max_size=4)


def alike(ours: Any, theirs: Any) -> bool:
    """Whether boto3's reading means ours: its numbers are all `Decimal`, its binaries are wrapped."""
    match ours:
        case list():
            return (
                isinstance(theirs, list)
                and len(ours) == len(theirs)
                and all(alike(mine, yours) for mine, yours in zip(ours, theirs, strict=True))
            )
        case dict():
            return (
                isinstance(theirs, dict)
                and list(ours) == list(theirs)
                and all(alike(value, theirs[name]) for name, value in ours.items())
            )
        case set():
            plain = set[Any](getattr(member, "value", member) for member in theirs)  # `Binary` wraps bytes
            return isinstance(theirs, set) and ours == plain
        case bytes():
            return isinstance(theirs, Binary) and ours == theirs.value
        case bool() | None:
            return ours is theirs
        case int() | Decimal():
            return isinstance(theirs, Decimal) and ours == theirs
        case _:
            return type(ours) is type(theirs) and bool(ours == theirs)


def boto_form(value: Any) -> Any:
    """A wire value of ours, base64 text and all, in the form that boto3's client takes."""
    [(tag, content)] = value.items()
    match tag:
        case "B":
            return {tag: base64.b64decode(content)}
        case "BS":
            return {tag: [base64.b64decode(member) for member in content]}
        case "L":
            return {tag: [boto_form(member) for member in content]}
        case "M":
            return {tag: {name: boto_form(member) for name, member in content.items()}}
        case _:
            return value


def event_form(value: Any) -> Any:
    """A wire value as boto3 gives it, in the form of a Lambda event: binaries as base64 text."""
    [(tag, content)] = value.items()
    match tag:
        case "B":
            return {tag: base64.b64encode(content).decode()}
        case "BS":
            return {tag: [base64.b64encode(member).decode() for member in content]}
        case "L":
            return {tag: [event_form(member) for member in content]}
        case "M":
            return {tag: {name: event_form(member) for name, member in content.items()}}
        case _:
            return value


def exact(value: Any) -> Any:
    """A wire value with numbers read and sets unordered, so that two ways to write one value compare equal."""
    [(tag, content)] = value.items()
    match tag:
        case "N":
            return tag, Decimal(content)
        case "NS":
            return tag, frozenset(map(Decimal, content))
        case "SS" | "BS":
            return tag, frozenset(content)
        case "L":
            return tag, [exact(member) for member in content]
        case "M":
            return tag, {name: exact(member) for name, member in content.items()}
        case _:
            return tag, content


def in_normal_form(value: Any) -> Any:
    """Numbers without an exponent above zero or idle zeros: boto3 traps `Rounded` on `100...0` of 39 digits."""
    match value:
        case {"N": text}:
            return {"N": normal_text(text)}
        case {"NS": texts}:
            return {"NS": [normal_text(text) for text in texts]}
        case {"L": members}:
            return {"L": [in_normal_form(member) for member in members]}
        case {"M": members}:
            return {"M": {name: in_normal_form(member) for name, member in members.items()}}
        case _:
            return value


def normal_text(text: str) -> str:
    sign, digits, exponent = Decimal(text).as_tuple()
    assert isinstance(exponent, int)
    while len(digits) > 1 and digits[-1] == 0:
        digits, exponent = digits[:-1], exponent + 1
    return str(Decimal((sign, digits, exponent if any(digits) else 0)))


@given(WIRE_VALUES)
def test_every_value_is_read_as_boto3_reads_it(value: Any) -> None:
    """All ten types, nested, mean what boto3's deserialiser makes of them, from bytes and from base64 alike."""
    theirs = TypeDeserializer().deserialize(in_normal_form(value))
    assert alike(value_to_python(value), theirs)
    assert alike(value_to_python(event_form(value)), theirs)


@given(PLAIN_VALUES)
def test_every_value_is_written_as_boto3_writes_it(value: Any) -> None:
    """Our wire form, its base64 undone, holds what boto3's serialiser writes."""
    assert exact(boto_form(value_to_wire(value))) == exact(TypeSerializer().serialize(value))


@given(PLAIN_ITEMS)
def test_an_item_that_is_written_and_read_is_the_same_item(item: dict[str, Any]) -> None:
    """Nothing is lost between `to_wire` and `to_python`, number types apart: `Decimal(5)` comes back as `5`."""
    assert to_python(to_wire(item)) == item


@given(WIRE_ITEMS)
def test_a_wire_item_that_is_read_and_written_keeps_its_meaning(item: Any) -> None:
    """Reading and writing changes notation only."""
    again = to_wire(to_python(item))
    assert list(again) == list(item)
    assert all(exact(boto_form(again[name])) == exact(item[name]) for name in item)


@given(number_texts())
def test_a_number_is_exact_and_an_int_when_integral(text: str) -> None:
    """38 digits and every exponent survive, and only a fraction makes a `Decimal`."""
    number = read_number(text)
    assert number == Decimal(text)
    assert isinstance(number, int) == (Decimal(text) % 1 == 0 if abs(Decimal(text)) < 10**20 else True)
    assert Decimal(value_to_wire(number)["N"]) == number


def test_boto3_refuses_what_a_stream_may_send_and_headwater_does_not() -> None:
    """A number of more than 38 digits with zeros at its end has 38 that count; boto3 raises `Rounded` there."""
    text = "9" * 38 + "0" * 60
    with pytest.raises(decimal.Rounded):
        TypeDeserializer().deserialize({"N": text})
    assert read_number(text) == int(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("-0", 0),
        ("-0.0", 0),
        ("0E-500", 0),
        ("1.0", 1),
        ("1E0", 1),
        ("100E-2", 1),
        ("+7", 7),
        ("007", 7),
        (".5", Decimal("0.5")),
        ("5.", 5),
        ("1e3", 1000),
        ("-12.50", Decimal("-12.5")),
        ("1E-130", Decimal("1E-130")),
        ("9.9999999999999999999999999999999999999E+125", 10**126 - 10**88),
        ("-9.9999999999999999999999999999999999999E+125", -(10**126) + 10**88),
        ("1." + "0" * 60, 1),
        ("0" * 60 + "1", 1),
        ("1" * 38, int("1" * 38)),
        ("0." + "1" * 38, Decimal("0." + "1" * 38)),
    ],
)
def test_one_number_has_many_notations(text: str, number: int | Decimal) -> None:
    """Every notation gives the same value, `int` when it is integral."""
    assert read_number(text) == number
    assert type(read_number(text)) is type(number)


def nested(depth: int, inner: Any) -> tuple[dict[str, Any], Any]:
    """A value inside so many lists and maps in turn: wire form, plain form."""
    wire, plain = value_to_wire(inner), inner
    for level in range(depth):
        if level % 2:
            wire, plain = {"L": [wire]}, [plain]
        else:
            wire, plain = {"M": {"in": wire}}, {"in": plain}
    return wire, plain


def test_values_nest_32_deep() -> None:
    """DynamoDB's limit of 32 levels is read and written, as boto3 does."""
    wire, plain = nested(32, Decimal("1.5"))
    assert value_to_python(wire) == plain
    assert value_to_wire(plain) == wire
    assert alike(value_to_python(wire), TypeDeserializer().deserialize(wire))


def test_an_error_32_deep_names_every_step() -> None:
    """The path of a value leads through each list and map above it."""
    wire: Any = {"N": SECRET}
    for level in range(32):
        wire = {"L": [wire]} if level % 2 else {"M": {"in": wire}}
    with pytest.raises(WireValueError) as caught:
        to_python({"top": wire})
    assert caught.value.path == "top" + "[0].in" * 16
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("wire", "plain"),
    [
        ({"S": ""}, ""),
        ({"B": ""}, b""),
        ({"B": b""}, b""),
        ({"B": bytearray(b"\x00")}, b"\x00"),
        ({"L": []}, []),
        ({"M": {}}, {}),
        ({"SS": []}, set()),
        ({"SS": [""]}, {""}),
        ({"BS": ["", b"a"]}, {b"", b"a"}),
        ({"NS": ["1", "1.0", "2"]}, {1, 2}),
        ({"L": ({"S": "a"},)}, ["a"]),
        ({"NULL": True}, None),
        ({"BOOL": False}, False),
        ({"M": {"": {"S": "x"}}}, {"": "x"}),
    ],
)
def test_empty_and_odd_values_are_values(wire: Any, plain: Any) -> None:
    """An empty string, binary, list, map or set is itself and nothing else."""
    read = value_to_python(wire)
    assert read == plain
    assert type(read) is type(plain)


MALFORMED = [
    ({}, "exactly one type tag, this has 0"),
    ({"S": SECRET, "N": SECRET}, "exactly one type tag, this has 2"),
    ({"X": SECRET}, "no type tag"),
    ({"s": SECRET}, "no type tag"),
    ({1: SECRET}, "no type tag"),
    (SECRET, "with its type tag, this is a str"),
    (None, "with its type tag, this is a NoneType"),
    (4711, "with its type tag, this is a int"),
    ([SECRET], "with its type tag, this is a list"),
    ({"N": SECRET}, "not a decimal number"),
    ({"N": ""}, "not a decimal number"),
    ({"N": "NaN"}, "not a decimal number"),
    ({"N": "sNaN"}, "not a decimal number"),
    ({"N": "Infinity"}, "not a decimal number"),
    ({"N": "-inf"}, "not a decimal number"),
    ({"N": "٤٧"}, "not a decimal number"),
    ({"N": "4²"}, "not a decimal number"),
    ({"N": "4_711"}, "not a decimal number"),
    ({"N": " 4711"}, "not a decimal number"),
    ({"N": "4711\n"}, "not a decimal number"),
    ({"N": "0x10"}, "not a decimal number"),
    ({"N": "1,5"}, "not a decimal number"),
    ({"N": "1E"}, "not a decimal number"),
    ({"N": "."}, "not a decimal number"),
    ({"N": "1E126"}, "between 1E-130 and 9.99E+125"),
    ({"N": "1E-131"}, "between 1E-130 and 9.99E+125"),
    ({"N": "1E99999999999999999999"}, "between 1E-130 and 9.99E+125"),
    ({"N": "4711" * 10}, "at most 38 significant digits"),
    ({"N": "0." + "4711" * 10}, "at most 38 significant digits"),
    ({"N": 4711}, "written as text, this is a int"),
    ({"N": 47.11}, "written as text, this is a float"),
    ({"N": None}, "written as text, this is a NoneType"),
    ({"N": True}, "written as text, this is a bool"),
    ({"S": 4711}, "S holds text, this is a int"),
    ({"S": None}, "S holds text"),
    ({"BOOL": "x"}, "BOOL holds true or false, this is a str"),
    ({"BOOL": 1}, "BOOL holds true or false, this is a int"),
    ({"BOOL": None}, "BOOL holds true or false"),
    ({"NULL": False}, "NULL holds true"),
    ({"NULL": 1}, "NULL holds true"),
    ({"NULL": None}, "NULL holds true"),
    ({"B": "dGVsbA"}, "not base64"),
    ({"B": "dGVsbA="}, "not base64"),
    ({"B": "dGVsbA==="}, "not base64"),
    ({"B": "dGVs bA=="}, "not base64"),
    ({"B": "dGVsbA==\n"}, "not base64"),
    ({"B": "dGVsbA==dGVsbA=="}, "not base64"),
    ({"B": "===="}, "not base64"),
    ({"B": "A==="}, "not base64"),
    ({"B": "_-8="}, "not base64"),
    ({"B": "é"}, "not base64"),
    ({"B": 4711}, "base64 text or bytes, this is a int"),
    ({"L": SECRET}, "L holds a list, this is a str"),
    ({"L": {"S": SECRET}}, "L holds a list, this is a dict"),
    ({"M": [SECRET]}, "written as a map, this is a list"),
    ({"M": None}, "written as a map"),
    ({"SS": SECRET}, "a set is written as a list, this is a str"),
    ({"SS": [4711]}, "S holds text"),
    ({"NS": [4711]}, "written as text"),
    ({"NS": ["1", SECRET]}, "not a decimal number"),
    ({"BS": ["é"]}, "not base64"),
    ({"BS": None}, "a set is written as a list"),
]


@pytest.mark.parametrize(("value", "sentence"), MALFORMED)
def test_a_malformed_value_is_an_error_with_its_path(value: Any, sentence: str) -> None:
    """Alone, in an item, or far inside: the error names the place, says what is wrong, and never quotes the value."""
    inside = {"a": {"M": {"b": {"L": [{"S": "x"}, {"NULL": True}, {"M": {"x.y": value}}]}}}}
    for read, content, path in [
        (value_to_python, value, ""),
        (to_python, {"Name": {"S": "x"}, "Bad": value}, "Bad"),
        (to_python, inside, 'a.b[2]["x.y"]'),
    ]:
        with pytest.raises(WireValueError) as caught:
            read(content)
        error = caught.value
        assert error.path == path
        assert sentence in error.message
        assert str(error) == (f"{error.message} (at {path})" if path else error.message)
        assert SECRET not in str(error)
        assert "47" not in str(error)
        assert isinstance(error, ValueError)
        assert isinstance(error, HeadwaterError)
        assert error.phase == "decode"
        assert error.__suppress_context__ or error.__context__ is None


@pytest.mark.parametrize("item", [None, [], SECRET, 5, {"S"}])
def test_an_item_that_is_no_map_is_an_error(item: Any) -> None:
    """Names and values are a dict, and nothing else will do."""
    with pytest.raises(WireValueError, match="names and values are written as a map") as caught:
        to_python(item)
    assert caught.value.path == ""


@given(WIRE_VALUES, NAMES)
def test_a_number_as_a_number_is_an_error_wherever_it_stands(value: Any, name: str) -> None:
    """`{"N": 5}` is refused beside any other value, with the path to it."""
    with pytest.raises(WireValueError) as caught:
        to_python({"first": value, "more": {"L": [value, {"M": {name: {"N": 5}}}]}})
    assert caught.value._steps == ("more", 1, name)


def test_an_error_survives_pickling() -> None:
    """Message, path and sequence number arrive in another process."""
    with pytest.raises(WireValueError) as caught:
        to_python({"a": {"L": [{"N": "x"}]}})
    caught.value.sequence_number = "123"
    copy = pickle.loads(pickle.dumps(caught.value))
    assert type(copy) is WireValueError
    assert (copy.path, copy.sequence_number, str(copy)) == ("a[0]", "123", str(caught.value))


@given(WIRE_VALUES, st.integers(1, 5))
def test_the_users_decimal_context_changes_nothing(value: Any, precision: int) -> None:
    """A program that rounds to a few digits, or traps every signal, gets the same exact numbers."""
    expected = value_to_python(value)
    for traps in ([], [decimal.Inexact, decimal.Rounded, decimal.Subnormal, decimal.Clamped]):
        hostile = decimal.Context(prec=precision, Emin=-2, Emax=2, traps=traps)
        with decimal.localcontext(hostile):
            read = value_to_python(value)
            written = value_to_wire(expected) if not has_empty_set(expected) else None
        assert read == expected
        assert written is None or value_to_python(written) == expected


def has_empty_set(value: Any) -> bool:
    match value:
        case set():
            return not value
        case list():
            return any(map(has_empty_set, value))
        case dict():
            return any(map(has_empty_set, value.values()))
        case _:
            return False


@pytest.mark.parametrize("text", ["1E99999999999999999999", "0E99999999999999999999", "NaN", "Infinity"])
def test_no_context_lets_a_number_become_nan(text: str) -> None:
    """Where the user's context traps nothing, Python's `Decimal` would give `NaN` for an impossible exponent."""
    with decimal.localcontext(decimal.Context(traps=[])), pytest.raises(WireValueError):
        read_number(text)


@given(st.text(alphabet="AQgw=+/ \n_-é", max_size=9))
def test_text_is_base64_or_refused(text: str) -> None:
    """Accepted are whole groups of four letters, of which the last may be padded, and nothing else."""
    if re.fullmatch(r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)?", text):
        assert read_binary(text) == base64.b64decode(text, validate=True)
    else:
        with pytest.raises(WireValueError, match="not base64"):
            read_binary(text)


UNWRITABLE = [
    (1.5, "a float is not exact: use Decimal"),
    (Decimal("NaN"), "no NaN and no Infinity"),
    (Decimal("-Infinity"), "no NaN and no Infinity"),
    (10**126, "between 1E-130 and 9.99E+125"),
    pytest.param(10**5000, "between 1E-130 and 9.99E+125", id="of 5,001 digits"),
    (Decimal("1E-131"), "between 1E-130 and 9.99E+125"),
    (10**38 + 1, "at most 38 significant digits"),
    (Decimal("1." + "1" * 38), "at most 38 significant digits"),
    (set(), "no empty set"),
    (frozenset(), "no empty set"),
    ({"a", 1}, "only text, only numbers or only binaries"),
    ({b"a", "a"}, "only text, only numbers or only binaries"),
    ({True}, "only text, only numbers or only binaries"),
    ({None}, "only text, only numbers or only binaries"),
    ({(1, 2)}, "only text, only numbers or only binaries"),
    ({1.5}, "a float is not exact"),
    ({1: "a"}, "names are text, this one is a int"),
    ({None: "a"}, "names are text, this one is a NoneType"),
    (object(), "DynamoDB has no type for a object"),
    (1j, "DynamoDB has no type for a complex"),
    (range(3), "DynamoDB has no type for a range"),
]


@pytest.mark.parametrize(("value", "sentence"), UNWRITABLE)
def test_what_dynamodb_can_not_hold_is_refused_with_its_path(value: Any, sentence: str) -> None:
    """The refusal names the place, down through maps and lists."""
    with pytest.raises(WireValueError) as caught:
        to_wire({"a": {"b": [1, {"x.y": value}]}})
    assert sentence in caught.value.message
    assert caught.value.path.startswith('a.b[1]["x.y"]')


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        (None, {"NULL": True}),
        (True, {"BOOL": True}),
        (0, {"N": "0"}),
        (Decimal("-0.00"), {"N": "0"}),
        (Decimal("1.500"), {"N": "1.5"}),
        (Decimal("1E+3"), {"N": "1000"}),
        (Decimal("1000.0"), {"N": "1000"}),
        (10**125, {"N": "1" + "0" * 125}),
        (b"\xff", {"B": "/w=="}),
        (bytearray(b"\xff"), {"B": "/w=="}),
        ((1, "a"), {"L": [{"N": "1"}, {"S": "a"}]}),
        ({2, 1}, {"NS": ["1", "2"]}),
        (frozenset({"b", "a"}), {"SS": ["a", "b"]}),
        ({b"b", b"a"}, {"BS": ["YQ==", "Yg=="]}),
        ([], {"L": []}),
        ({}, {"M": {}}),
        ("", {"S": ""}),
        (b"", {"B": ""}),
    ],
)
def test_a_value_is_written_in_one_form(value: Any, wire: dict[str, Any]) -> None:
    """Numbers without idle zeros, sets in order, binaries as base64 text: equal values give equal text."""
    assert value_to_wire(value) == wire


@given(PLAIN_ITEMS)
def test_writing_does_not_depend_on_the_context(item: dict[str, Any]) -> None:
    """The same item is written alike under any decimal context."""
    expected = to_wire(item)
    assume(item)
    with decimal.localcontext(
        decimal.Context(prec=2, Emax=1, Emin=-1, traps=[decimal.Inexact, decimal.Rounded])
    ):
        assert to_wire(item) == expected


def test_text_may_be_of_a_class_of_its_own() -> None:
    """Such as an enum's members."""

    class Word(str):
        __slots__ = ()

    assert value_to_python({"S": Word("x")}) == "x"
    assert value_to_python({"N": Word("1.50")}) == Decimal("1.50")
    assert value_to_python({Word("S"): "x"}) == "x"
