"""DynamoDB's wire form to Python: `{"N": "101"}` to `101`. Pure functions, ten types, exact numbers.

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
            f'a value is written as {{"S": ...}} with its type tag, this is a {type_name(value)}'
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
        raise WireValueError(f"a number is written as text, this is a {type_name(text)}")
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
        number = within_range(Decimal(text, _REFUSING))
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
    raise WireValueError(f"a binary is base64 text or bytes, this is a {type_name(content)}")


def _read_text(content: object) -> str:
    if not isinstance(content, str):
        raise WireValueError(f"S holds text, this is a {type_name(content)}")
    return content


def _read_bool(content: object) -> bool:
    if not isinstance(content, bool):
        raise WireValueError(f"BOOL holds true or false, this is a {type_name(content)}")
    return content


def _read_null(content: object) -> None:
    if content is not True:
        raise WireValueError("NULL holds true and nothing else")


def _read_list(content: object) -> list[Any]:
    if not isinstance(content, list | tuple):
        raise WireValueError(f"L holds a list, this is a {type_name(content)}")
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
        raise WireValueError(f"names and values are written as a map, this is a {type_name(content)}")
    decoded: dict[str, Any] = {}
    name = ""
    try:
        for name, value in content.items():
            if type(value) is dict and len(value) == 1:  # as in `value_to_python`, without the call
                [tag] = value
                held = value[tag]
                if tag == "S" and type(held) is str:
                    decoded[name] = held
                    continue
                if tag == "N" and type(held) is str:
                    decoded[name] = number(held)
                    continue
                if tag in _READERS:
                    decoded[name] = _READERS[tag](held)
                    continue
            decoded[name] = value_to_python(value)
    except WireValueError as error:
        error.within(name)
        raise
    return decoded


def read_texts(content: object) -> set[str]:
    """Decode what an `SS` holds.

    Raises:
        WireValueError: When it is no list of texts.
    """
    members = _read_members(content)
    for member in members:
        if type(member) is not str:
            _read_text(member)
    return set(members)


def read_numbers(content: object) -> set[int | Decimal]:
    """Decode what an `NS` holds.

    Raises:
        WireValueError: When it is no list of numbers.
    """
    return {read_number(member) for member in _read_members(content)}


def _read_binaries(content: object) -> set[bytes]:
    return {read_binary(member) for member in _read_members(content)}


def _read_members(content: object) -> Sequence[Any]:
    if not isinstance(content, list | tuple):
        raise WireValueError(f"a set is written as a list, this is a {type_name(content)}")
    return content


_READERS: Final[dict[str, Callable[[object], Any]]] = {
    "S": _read_text,
    "N": read_number,
    "B": read_binary,
    "BOOL": _read_bool,
    "NULL": _read_null,
    "L": _read_list,
    "M": _read_map,
    "SS": read_texts,
    "NS": read_numbers,
    "BS": _read_binaries,
}


TAGS: Final = tuple(_READERS)
"""The tags of the ten types."""


def within_range(number: Decimal) -> Decimal:
    """The number itself, where DynamoDB can hold it.

    Raises:
        WireValueError: When it has too many digits, or is too large or too small.
    """
    if number and not MIN_EXPONENT <= number.adjusted() <= MAX_EXPONENT:
        raise WireValueError("a DynamoDB number lies between 1E-130 and 9.99E+125 in size")
    digits = number.as_tuple().digits
    if len(digits) > MAX_DIGITS and any(digits[MAX_DIGITS:]):
        raise WireValueError(f"a DynamoDB number has at most {MAX_DIGITS} significant digits")
    return number


def type_name(value: object) -> str:
    """What a value is, for messages that must not quote it."""
    return type(value).__name__
