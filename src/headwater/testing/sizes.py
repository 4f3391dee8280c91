"""How many bytes DynamoDB counts for an item.

Source: "DynamoDB item sizes and formats" in the DynamoDB developer guide,
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html.

Checked against the `SizeBytes` of DynamoDB Local 1.25.1, byte by byte: text, binaries, `BOOL`, `NULL`, zero, the extra
byte of negative numbers (which the guide does not mention), sets, lists and maps at any depth, and all four view types.
Numbers: the guide says "approximately 1 byte per two significant digits, plus 1 byte", and that is what is counted
here. DynamoDB Local groups the digits in pairs from the decimal point, so where a group is not full (`1.5`, `250`) it can
count one byte more. The records in AWS's own documentation agree with both.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from headwater.errors import WireValueError
from headwater.values import WireItem, WireValue, read_binary

_NESTING: Final = 3
"""Bytes of a list or map before its first element."""

_ELEMENT: Final = 1
"""Bytes of each element of a list or map beside its own."""


def item_size(item: WireItem) -> int:
    """The size of an item, or of the keys or an image in a stream record, without the overhead of its storage.

    Args:
        item: Attribute names to values in wire form, as `headwater.to_wire` makes them.

    Returns:
        Bytes.

    Raises:
        WireValueError: When a value has a type tag that DynamoDB does not have.
    """
    return sum(_text_size(name) + value_size(value) for name, value in item.items())


def value_size(value: WireValue) -> int:
    """The size of one value in wire form, without its name.

    Returns:
        Bytes.

    Raises:
        WireValueError: When it has a type tag that DynamoDB does not have.
    """
    [(tag, content)] = value.items()
    match tag:
        case "S":
            return _text_size(content)
        case "N":
            return _number_size(content)
        case "B":
            return _binary_size(content)
        case "BOOL" | "NULL":
            return 1
        case "SS":
            return sum(map(_text_size, content))
        case "NS":
            return sum(map(_number_size, content))
        case "BS":
            return sum(map(_binary_size, content))
        case "L":
            return _NESTING + sum(_ELEMENT + value_size(element) for element in content)
        case "M":
            return _NESTING + _ELEMENT * len(content) + item_size(content)
        case _:
            raise WireValueError(f"{tag!r} is no type tag of DynamoDB, so it has no size")


def _text_size(text: str) -> int:
    return len(text.encode())


def _binary_size(content: Any) -> int:
    return len(read_binary(content))


def _number_size(text: str) -> int:
    number = Decimal(text)
    significant = "".join(map(str, number.as_tuple().digits)).strip("0")
    pairs = (len(significant) + 1) // 2
    return 1 + pairs + (number < 0)
