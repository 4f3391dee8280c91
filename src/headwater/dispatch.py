"""Which routes are worth asking: those that need an attribute to differ are not, while it does not.

Most records are wanted by no route. What changed is looked up once for all routes, by comparing wire values as they are
written; only routes that it concerns are asked, in their order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from headwater.conditions import Combination, Condition
from headwater.entities import OfEntity
from headwater.errors import HeadwaterError
from headwater.options import AnyChanged
from headwater.questions import Transition
from headwater.records import Record
from headwater.routes import Route
from headwater.values import WireItem


@dataclass(frozen=True, slots=True, init=False)
class Dispatch:
    """The routes of one kind of record, by the attributes that they need to differ."""

    routes: Sequence[Route]
    _always: Sequence[int]
    _by_attribute: dict[str, list[int]]

    def __init__(self, routes: Iterable[Route]) -> None:
        """Index routes.

        Args:
            routes: In the order in which they run.
        """
        object.__setattr__(self, "routes", tuple(routes))
        always: list[int] = []
        by_attribute: dict[str, list[int]] = {}
        for position, route in enumerate(self.routes):
            needed = needed_by(route)
            if needed is None:
                always.append(position)
            for name in needed or ():
                by_attribute.setdefault(name, []).append(position)
        object.__setattr__(self, "_always", always)
        object.__setattr__(self, "_by_attribute", by_attribute)

    def candidates(self, record: Record) -> Sequence[Route]:
        """The routes to ask about a record, in their order: all, where it lacks an image, so that they say so."""
        if not self._by_attribute:
            return self.routes
        try:
            old, new = record.wire_images()
        except HeadwaterError:
            return self.routes
        found = {position for name in self._differing(old, new) for position in self._by_attribute[name]}
        if not found and not self._always:
            return ()
        return [self.routes[position] for position in sorted(found.union(self._always))]

    def _differing(self, old: WireItem, new: WireItem) -> Iterator[str]:
        few = (
            self._by_attribute
            if len(self._by_attribute) <= len(old)
            else {*old, *new} & self._by_attribute.keys()
        )
        return (name for name in few if differs(old, new, name))


def differs(old: WireItem, new: WireItem, name: str) -> bool:
    """Whether an attribute may have changed: it is written otherwise, or in a way that is no value at all."""
    before = old.get(name)
    return before != new.get(name) or (before is None and name in old)


def needed_by(route: Route) -> frozenset[str] | None:
    """The attributes of which one must differ for a route to want a record; `None` where that decides nothing."""
    if any(isinstance(condition, OfEntity) and condition.may_fail for condition in route.conditions):
        return None
    return needed(Combination("&", route.conditions))


def ruled_out(condition: Condition[Any], record: Record) -> bool:
    """Whether a condition can not hold since nothing that it needs differs; it is not asked then."""
    names = needed(condition)
    if names is None:
        return False
    try:
        old, new = record.wire_images()
    except HeadwaterError:
        return False
    return not any(differs(old, new, name) for name in names)


def needed(condition: Condition[Any]) -> frozenset[str] | None:
    """The attributes of which one must differ for a condition to hold; `None` where that decides nothing."""
    match condition:
        case AnyChanged():
            return frozenset(str(path[0]) for path in condition.paths)
        case Transition() if condition.operator != "was":
            return frozenset({str(condition.path[0])})
        case Combination():
            parts = [needed(part) for part in condition.parts]
            known = [part for part in parts if part is not None]
            if condition.operator == "&":
                return min(known, key=len, default=None)
            return frozenset[str]().union(*known) if len(known) == len(parts) else None
        case _:
            return None
