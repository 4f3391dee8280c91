"""Which routes are worth asking: those that need an attribute to differ are not, while it does not.

Most records are wanted by no route. What changed is looked up once for all routes, by comparing wire values as they are
written; only routes that it concerns are asked, in their order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from headwater.changes import differs
from headwater.conditions import Combination, Condition, Predicate
from headwater.errors import HeadwaterError
from headwater.options import AnyChanged, Option
from headwater.records import Record
from headwater.routes import Route
from headwater.values import WireItem


class Dispatch(NamedTuple):
    """The routes of one kind of record, by the attributes that they need to differ.

    Attributes:
        routes: In the order in which they run.
        always: The positions of those that must be asked about every record.
        by_attribute: From an attribute to the positions of the routes that may want a record in which it differs.
    """

    routes: Sequence[Route]
    always: Sequence[int]
    by_attribute: Mapping[str, Sequence[int]]

    def candidates(self, record: Record) -> Sequence[Route]:
        """The routes to ask about a record, in their order: all, where it lacks an image, so that they say so."""
        if not self.by_attribute:
            return self.routes
        try:
            old, new = record.wire_images()
        except HeadwaterError:
            return self.routes
        found = {position for name in self._differing(old, new) for position in self.by_attribute[name]}
        if not found and not self.always:
            return ()
        return [self.routes[position] for position in sorted(found.union(self.always))]

    def _differing(self, old: WireItem, new: WireItem) -> Iterator[str]:
        few = (
            self.by_attribute
            if len(self.by_attribute) <= len(old)
            else {*old, *new} & self.by_attribute.keys()
        )
        return (name for name in few if differs(old, new, name))


def index_routes(routes: Iterable[Route]) -> Dispatch:
    """Index routes of one kind of record, given in the order in which they run."""
    listed = tuple(routes)
    always: list[int] = []
    by_attribute: dict[str, list[int]] = {}
    for position, route in enumerate(listed):
        names = needed(Combination("&", route.conditions))
        if names is None:
            always.append(position)
        for name in names or ():
            by_attribute.setdefault(name, []).append(position)
    return Dispatch(listed, always, by_attribute)


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
    """The attributes of which one must differ for a condition to hold; `None` where it must be asked all the same."""
    match condition:
        case AnyChanged():
            return frozenset(str(path[0]) for path in condition.paths)
        case Combination() if any(isinstance(part, Option) and part.may_fail for part in condition.parts):
            return None
        case Combination():
            parts = [needed(part) for part in condition.parts]
            known = [part for part in parts if part is not None]
            if condition.operator == "&":
                return min(known, key=len, default=None)
            return frozenset[str]().union(*known) if len(known) == len(parts) else None
        case Option() | Predicate():
            return None
        case _:
            from headwater.questions import Transition  # an app without Attr does without it

            if isinstance(condition, Transition) and condition.operator != "was":
                return frozenset({str(condition.path[0])})
            return None
