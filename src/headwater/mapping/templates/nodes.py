"""Looking into what a file says, which may hold anything in any place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def section(holder: Any, name: str) -> Mapping[str, Any]:
    """The object that something has by a name; an empty one where it has none."""
    value = holder.get(name) if isinstance(holder, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def objects(holder: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The objects in the list that something has by a name; none where it has no list."""
    values = holder.get(name)
    return [value for value in values if isinstance(value, Mapping)] if isinstance(values, list) else []
