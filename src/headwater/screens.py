"""A first look at a raw record: whether it is certain that no route wants it. Most records go no further."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeAlias

Screen: TypeAlias = Callable[[Mapping[str, Any]], bool]
"""Takes a raw record. Yes: no route wants it. No, or any exception: who reads the record finds out."""


def screen_differences(kind: str, names: Collection[str]) -> Screen:
    """The screen of routes that all need an attribute to differ.

    Args:
        kind: The event name of the records.
        names: The attributes.
    """
    if kind != "MODIFY":
        return _none_of(frozenset(names), "NewImage" if kind == "INSERT" else "OldImage")
    if len(names) == 1:
        return _same(*names)
    return _neither_of(frozenset(names))


def nobody(_raw: Mapping[str, Any]) -> bool:
    """The screen of no routes."""
    return True


def everybody(_raw: Mapping[str, Any]) -> bool:
    """The screen of routes that must all be asked."""
    return False


def _same(name: str) -> Screen:
    def screen(raw: Mapping[str, Any]) -> bool:
        stream = raw["dynamodb"]
        old, new = stream["OldImage"], stream["NewImage"]
        if type(old) is not dict or type(new) is not dict:
            return False
        before = old.get(name)
        if before is None:  # absent, or no value at all
            return name not in old and name not in new
        same: bool = before == new.get(name)
        return same

    return screen


def _neither_of(names: frozenset[str]) -> Screen:
    def screen(raw: Mapping[str, Any]) -> bool:
        stream = raw["dynamodb"]
        old, new = stream["OldImage"], stream["NewImage"]
        if type(old) is not dict or type(new) is not dict:
            return False
        if names.isdisjoint(old) and names.isdisjoint(new):
            return True
        if old.keys() != new.keys():
            return False
        for name in old:  # noqa: SIM110 - a generator would double the price
            if name in names and (old[name] is None or old[name] != new[name]):
                return False
        return True

    return screen


def _none_of(names: frozenset[str], image: str) -> Screen:
    def screen(raw: Mapping[str, Any]) -> bool:
        item = raw["dynamodb"][image]
        return type(item) is dict and names.isdisjoint(item)

    return screen
