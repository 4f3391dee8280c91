"""Which item a record is of: records of one item run in order, those of different items may run side by side."""

from __future__ import annotations

from typing import Any, TypeAlias

from headwater.errors import WireValueError
from headwater.sources import RawRecord
from headwater.values import read_number

Item: TypeAlias = tuple[Any, ...]


def item_of(raw: RawRecord) -> Item:
    """The table and primary key of a record, as a value that is equal for records of one item, and only for those.

    Records whose keys can not be read count as one item of their table, so that they never overlap.
    """
    table = raw.get("eventSourceARN"), raw.get("tableName")
    stream = raw.get("dynamodb")  # which a handler of an earlier record may have taken away
    keys = stream.get("Keys") if isinstance(stream, dict) else None
    if not isinstance(keys, dict):
        return repr(table), None
    names = keys if len(keys) == 1 else sorted(keys, key=str)
    return repr(table), *((name, *_key(keys[name])) for name in names)


def _key(value: Any) -> tuple[str, Any]:
    if not isinstance(value, dict) or len(value) != 1:
        return "", repr(value)
    [(tag, content)] = value.items()
    if tag == "N":
        try:
            return tag, read_number(content)  # 1 and 1.0 are one key
        except WireValueError:
            pass
    return str(tag), content if isinstance(content, str) else repr(content)
