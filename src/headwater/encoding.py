"""Python to DynamoDB's wire form: `101` to `{"N": "101"}`, as in a Lambda event. Pure functions, ten types, exact numbers.

No message here quotes a value: errors end up in logs, items must not.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from headwater.errors import WireValueError
from headwater.values import type_name, within_range


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
            raise WireValueError(f"DynamoDB has no type for a {type_name(value)}")


def _write_number(number: int | Decimal) -> str:
    exact = Decimal(number)
    if not exact.is_finite():
        raise WireValueError("DynamoDB has no NaN and no Infinity")
    text = format(within_range(exact), "f")
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
                raise WireValueError(f"names are text, this one is a {type_name(name)}")  # noqa: TRY301 - the place is added below
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
