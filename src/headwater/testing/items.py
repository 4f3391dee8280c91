"""The user's item, a model or plain values, into DynamoDB's wire form."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TypeAlias

from headwater.encoding import to_wire
from headwater.errors import WireValueError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance
    from pydantic import BaseModel

Item: TypeAlias = "Mapping[str, Any] | BaseModel | DataclassInstance"
"""A pydantic model, a dataclass (pydantic's or Python's own), a TypedDict, a dict or another mapping."""


def wire_item(item: Item) -> dict[str, Any]:
    """Write an item in the form of a Lambda event.

    Plain mappings are written strictly, as boto3 would: a `float` or `datetime` is refused. Models are written as
    `model_dump(by_alias=True)` gives them (so it is the *serialization* aliases that name the attributes), and what
    DynamoDB has no type for in pydantic's JSON form: times as ISO text, a `UUID` or `Path` as text, an enum as its
    value. A `float` of a model becomes the number that Python prints for it.

    Args:
        item: A pydantic model, dataclass or mapping of Python values; not one that is in wire form already.

    Raises:
        WireValueError: When it is none of these, or with the path of the first value that DynamoDB can not hold, such
            as an empty set.
    """
    if isinstance(item, Mapping):
        return to_wire(item)
    dumped = _dump(item)
    if not isinstance(dumped, Mapping):
        raise WireValueError(
            f"an item is a pydantic model, dataclass or mapping, this is a {type(item).__name__}: "
            "pass an instance with attributes"
        )
    return to_wire(_plain(dumped))


def _dump(item: object) -> object:
    """The fields of a model under their aliases; anything else as it is."""
    if isinstance(item, type):
        return item
    if dataclasses.is_dataclass(item):
        from pydantic import TypeAdapter  # its user may have only dataclasses, and not have paid for it yet

        return TypeAdapter(type(item)).dump_python(item, by_alias=True)
    if hasattr(item, "__pydantic_serializer__"):
        from pydantic import BaseModel

        return item.model_dump(by_alias=True) if isinstance(item, BaseModel) else item
    return item


def _plain(value: object) -> Any:
    """A dumped value with only types that DynamoDB has. What has no such form stays, for `to_wire` to refuse."""
    match value:
        case Enum():
            return _plain(value.value)
        case float():
            return Decimal(str(value))
        case PurePath():
            return str(value)
        case None | bool() | str() | int() | Decimal() | bytes() | bytearray():
            return value
        case Mapping():
            return {_name(name): _plain(member) for name, member in value.items()}
        case list() | tuple():
            return [_plain(member) for member in value]
        case set() | frozenset():
            members = [_plain(member) for member in value]
            return value if any(isinstance(member, list | dict) for member in members) else set(members)
        case _:
            return _json_form(value)


def _name(name: object) -> object:
    """The name under which a dict's entry is stored: pydantic's JSON form of a key, which is always text."""
    if isinstance(name, str) and not isinstance(name, Enum):
        return name
    written = _json_form({name: None})
    return next(iter(written), name) if isinstance(written, dict) else name


def _json_form(value: object) -> Any:
    from pydantic_core import PydanticSerializationError, to_jsonable_python

    try:
        written = to_jsonable_python(value)
    except PydanticSerializationError:
        return value
    return _plain(written)
