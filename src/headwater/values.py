"""DynamoDB's wire form to Python and back: `{"N": "101"}` and `101`. Pure functions, ten types, exact numbers.

| wire | Python |
|---|---|
| `S` | `str` |
| `N` | `int` when integral, else `decimal.Decimal` |
| `B` | `bytes` (wire: base64 text in a Lambda event, `bytes` from boto3) |
| `BOOL`, `NULL` | `bool`, `None` |
| `SS`, `NS`, `BS` | `set` |
| `L`, `M` | `list`, `dict` |

Source: "Supported data types and naming rules in Amazon DynamoDB" in the DynamoDB developer guide, and
[AttributeValue](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_AttributeValue.html).
No message here quotes a value: errors end up in logs, items must not.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Context, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Final, TypeAlias

from headwater.errors import WireValueError

WireValue: TypeAlias = Mapping[str, Any]
"""One value with its type tag: `{"N": "101"}`."""

WireItem: TypeAlias = Mapping[str, WireValue]
"""Attribute names to values: `{"UserId": {"S": "u1"}}`."""

MAX_DIGITS: Final = 38
"""Significant digits of a DynamoDB number ("Number" in the developer guide's data types)."""

MAX_EXPONENT: Final = 125
MIN_EXPONENT: Final = -130
"""Of the first significant digit of a DynamoDB number."""

_REFUSING: Final = Context(traps=[InvalidOperation])  # whatever the user's own context lets pass
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


def to_python(item: WireItem) -> dict[str, Any]:
    """Decode an item or image.

    Args:
        item: Attribute names to wire values.

    Returns:
        Attribute names to Python values.

    Raises:
        WireValueError: With the path of the first value that is not in the wire form.
    """
    return _read_map(item)


def value_to_python(value: WireValue) -> Any:
    """Decode one tagged value, as in `{"N": "101"}` to `101`.

    Raises:
        WireValueError: With the path of the first value that is not in the wire form.
    """
    if not isinstance(value, dict):
        raise WireValueError(
            f'a value is written as {{"S": ...}} with its type tag, this is a {_kind(value)}'
        )
    if len(value) != 1:
        raise WireValueError(f"a value has exactly one type tag, this has {len(value)}")
    [tag] = value
    content = value[tag]
    if type(content) is str:  # most values: no further call for a text, and numbers are remembered
        if tag == "S":
            return content
        if tag == "N":
            return number(content)
    try:
        read = _READERS[tag]
    except KeyError:
        raise WireValueError(f"this is no type tag of DynamoDB: they are {', '.join(_READERS)}") from None
    return read(content)


def read_number(text: object) -> int | Decimal:
    """Decode the text of an `N`: `int` when integral (`1`, `1.0` and `1E0` alike), else `Decimal`; always exact.

    Raises:
        WireValueError: When it is not a number that DynamoDB can hold.
    """
    if not isinstance(text, str):
        raise WireValueError(f"a number is written as text, this is a {_kind(text)}")
    if len(text) <= MAX_DIGITS and text.isascii():  # nearly all: too short to be out of range
        if text.isdigit():
            return int(text)
        whole, point, fraction = text.removeprefix("-").partition(".")
        if whole.isdigit() and not point:
            return int(text)
        if whole.isdigit() and fraction.isdigit() and fraction.strip("0"):
            return Decimal(text)
    if not _NUMBER.fullmatch(text):
        raise WireValueError("this text is not a decimal number")
    try:
        number = _within_range(Decimal(text, _REFUSING))
    except InvalidOperation:  # an exponent of twenty digits
        raise WireValueError("a DynamoDB number lies between 1E-130 and 9.99E+125 in size") from None
    return int(number) if number == number.to_integral_value() else number


number: Final = lru_cache(maxsize=4_096)(read_number)
"""`read_number` of a text, remembered: the two images of a record have most of their numbers in common."""


def read_binary(content: object) -> bytes:
    """Decode a `B`: base64 text as in a Lambda event, or the bytes that boto3 has decoded already.

    Raises:
        WireValueError: When it is neither.
    """
    if isinstance(content, str):
        try:
            return binascii.a2b_base64(content, strict_mode=True)
        except ValueError:
            raise WireValueError("this text is not base64") from None
    if isinstance(content, bytes | bytearray):
        return bytes(content)
    raise WireValueError(f"a binary is base64 text or bytes, this is a {_kind(content)}")


def _read_text(content: object) -> str:
    if not isinstance(content, str):
        raise WireValueError(f"S holds text, this is a {_kind(content)}")
    return content


def _read_bool(content: object) -> bool:
    if not isinstance(content, bool):
        raise WireValueError(f"BOOL holds true or false, this is a {_kind(content)}")
    return content


def _read_null(content: object) -> None:
    if content is not True:
        raise WireValueError("NULL holds true and nothing else")


def _read_list(content: object) -> list[Any]:
    if not isinstance(content, list | tuple):
        raise WireValueError(f"L holds a list, this is a {_kind(content)}")
    decoded: list[Any] = []
    try:
        for value in content:
            decoded.append(value_to_python(value))  # noqa: PERF401 - the length tells the error where it was
    except WireValueError as error:
        error.within(len(decoded))
        raise
    return decoded


def _read_map(content: object) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise WireValueError(f"names and values are written as a map, this is a {_kind(content)}")
    decoded: dict[str, Any] = {}
    name = ""
    try:
        for name, value in content.items():
            decoded[name] = value_to_python(value)
    except WireValueError as error:
        error.within(name)
        raise
    return decoded


def _read_texts(content: object) -> set[str]:
    members = _read_members(content)
    for member in members:
        if type(member) is not str:
            _read_text(member)
    return set(members)


def _set_reader(read: Callable[[object], Any]) -> Callable[[object], set[Any]]:
    def read_set(content: object) -> set[Any]:
        return {read(member) for member in _read_members(content)}

    return read_set


def _read_members(content: object) -> Sequence[Any]:
    if not isinstance(content, list | tuple):
        raise WireValueError(f"a set is written as a list, this is a {_kind(content)}")
    return content


_READERS: Final[dict[str, Callable[[object], Any]]] = {
    "S": _read_text,
    "N": read_number,
    "B": read_binary,
    "BOOL": _read_bool,
    "NULL": _read_null,
    "L": _read_list,
    "M": _read_map,
    "SS": _read_texts,
    "NS": _set_reader(read_number),
    "BS": _set_reader(read_binary),
}


TAGS: Final = tuple(_READERS)
"""The tags of the ten types."""


def to_wire(item: Mapping[str, Any]) -> dict[str, Any]:
    """Encode plain Python values as an item in the form of a Lambda event: numbers as text, binaries as base64.

    Args:
        item: Attribute names to `str`, `int`, `Decimal`, `bytes`, `bool`, `None`, and lists, dicts and sets of them.

    Raises:
        WireValueError: With the path of the first value that DynamoDB can not hold: a `float` (use `Decimal`), a
            number of more than 38 digits, an empty or mixed set, a key that is no text.
    """
    return _write_map(item)


def value_to_wire(value: object) -> dict[str, Any]:
    """Encode one value, as in `101` to `{"N": "101"}`.

    Raises:
        WireValueError: As `to_wire`.
    """
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int() | Decimal():
            return {"N": _write_number(value)}
        case bytes() | bytearray():
            return {"B": _write_binary(value)}
        case Mapping():
            return {"M": _write_map(value)}
        case list() | tuple():
            return {"L": _write_list(value)}
        case set() | frozenset():
            return _write_set(value)
        case float():
            raise WireValueError("a float is not exact: use Decimal, as boto3 does")
        case _:
            raise WireValueError(f"DynamoDB has no type for a {_kind(value)}")


def _write_number(number: int | Decimal) -> str:
    exact = Decimal(number)
    if not exact.is_finite():
        raise WireValueError("DynamoDB has no NaN and no Infinity")
    text = format(_within_range(exact), "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) if exact else "0"


def _write_binary(content: bytes | bytearray) -> str:
    return binascii.b2a_base64(content, newline=False).decode("ascii")


def _write_list(values: Sequence[object]) -> list[dict[str, Any]]:
    encoded: list[dict[str, Any]] = []
    try:
        for value in values:
            encoded.append(value_to_wire(value))  # noqa: PERF401 - the length tells the error where it was
    except WireValueError as error:
        error.within(len(encoded))
        raise
    return encoded


def _write_map(values: Mapping[Any, object]) -> dict[str, Any]:
    encoded: dict[str, Any] = {}
    name: object = ""
    try:
        for name, value in values.items():
            if not isinstance(name, str):
                raise WireValueError(f"names are text, this one is a {_kind(name)}")  # noqa: TRY301 - the place is added below
            encoded[name] = value_to_wire(value)
    except WireValueError as error:
        error.within(str(name))
        raise
    return encoded


def _write_set(members: set[Any] | frozenset[Any]) -> dict[str, Any]:
    if not members:
        raise WireValueError("DynamoDB has no empty set: leave the attribute out")
    # One tag for all members, in a fixed order: a set has none, and a test wants the same text every time.
    tagged = [value_to_wire(member) for member in members]
    tags = {tag for value in tagged for tag in value}
    if len(tags) > 1 or not tags <= {"S", "N", "B"}:
        raise WireValueError(
            f"a set holds only text, only numbers or only binaries, this holds {', '.join(sorted(tags))}"
        )
    [tag] = tags
    return {f"{tag}S": sorted(value[tag] for value in tagged)}


def _within_range(number: Decimal) -> Decimal:
    if number and not MIN_EXPONENT <= number.adjusted() <= MAX_EXPONENT:
        raise WireValueError("a DynamoDB number lies between 1E-130 and 9.99E+125 in size")
    digits = number.as_tuple().digits
    if len(digits) > MAX_DIGITS and any(digits[MAX_DIGITS:]):
        raise WireValueError(f"a DynamoDB number has at most {MAX_DIGITS} significant digits")
    return number


def _kind(value: object) -> str:
    return type(value).__name__
