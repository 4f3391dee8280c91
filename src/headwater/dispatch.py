"""Which routes are worth asking about a record: those that may want it, by its table, what differs in it, and its values.

Most records are wanted by no route. Each attribute is looked at once for all routes, and only the routes that it concerns
are asked, in their order. All of it is told from the raw record: one that nobody wants makes no object.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from headwater.changes import differs
from headwater.conditions import Combination, Condition
from headwater.places import NO_IMAGE
from headwater.records import Record
from headwater.routes import Route
from headwater.screens import Screen, everybody, nobody, screen_differences
from headwater.streams import ImageName, table_of
from headwater.triggers import Differs, Trigger, key_of, triggers

Positions: TypeAlias = Sequence[int]

_FEW: Final = 4


class Index(NamedTuple):
    """Routes of one kind of record, by what may make them want one.

    Attributes:
        kind: The event name of the records.
        always: The positions of the routes that must be asked about every record.
        differing: From an attribute to the positions of the routes that may want a record in which it differs.
        holding: From an attribute of an image, and what its value may be, to the positions of the routes that may want that.
    """

    kind: str
    always: Positions
    differing: Mapping[str, Positions]
    holding: Mapping[tuple[ImageName, str], Mapping[Hashable, Positions]]

    def find(self, stream: Mapping[str, Any]) -> Positions:
        """The positions of the routes to ask, each once or more; where an image is missing, of all that look at it."""
        found: list[int] = [*self.always]
        if self.differing:
            old, new = _image(self.kind, stream, "OldImage"), _image(self.kind, stream, "NewImage")
            names = self.differing if old is None or new is None else _differing(self.differing, old, new)
            for name in names:
                found += self.differing[name]
        for (image, name), by_key in self.holding.items():
            item = _image(self.kind, stream, image)
            if item is not None and name not in item:
                continue
            key = None if item is None else key_of(item[name])
            for positions in by_key.values() if key is None else (by_key.get(key, ()),):
                found += positions
        return found


class Dispatch(NamedTuple):
    """The routes of one kind of record.

    Attributes:
        routes: In the order in which they run.
        by_table: The routes for a table, which are those that want any table too. For no table: all, so that those which
            want one can say that it is missing.
        elsewhere: The routes for a table that none of them names.
        rules_out: The quick look at a raw record, which most records do not pass.
    """

    routes: Sequence[Route]
    by_table: Mapping[str, Index]
    elsewhere: Index
    rules_out: Screen

    def find(self, raw: Mapping[str, Any]) -> Positions:
        """The positions of the routes to ask about a raw record, which `headwater.sources` has let through."""
        index = self.by_table.get(table_of(raw), self.elsewhere) if self.by_table else self.elsewhere
        return index.find(raw["dynamodb"])

    def candidates(self, raw: Mapping[str, Any]) -> Sequence[Route]:
        """The routes to ask about a raw record, in their order."""
        if self.rules_out is everybody:
            return self.routes
        found = self.find(raw)
        if len(found) <= 1:
            return [self.routes[position] for position in found]
        return [self.routes[position] for position in sorted({*found})]


def index_routes(routes: Iterable[Route], kind: str) -> Dispatch:
    """Index routes, given in the order in which they run, for one kind of record."""
    listed = [route for route in routes if kind in route.shapes]
    tables = {route.table for route in listed if route.table is not None}
    by_table: dict[str, Index] = {
        table: _index(listed, kind, [at for at, route in enumerate(listed) if route.table in (None, table)])
        for table in tables
    }
    if tables:
        by_table[""] = _index(listed, kind, range(len(listed)))
    anywhere = [at for at, route in enumerate(listed) if route.table is None]
    elsewhere = _index(listed, kind, anywhere)
    return Dispatch(listed, by_table, elsewhere, _screen(by_table, elsewhere))


def ruled_out(condition: Condition[Any], record: Record) -> bool:
    """Whether a condition can not hold, since nothing is there that could make it; it is not asked then."""
    found = triggers(condition, record.event_name)
    if found is None:
        return False
    return not _index_of({0: found}, record.event_name).find(record.raw["dynamodb"])


def _screen(by_table: Mapping[str, Index], elsewhere: Index) -> Screen:
    if by_table:
        return lambda raw: not by_table.get(table_of(raw), elsewhere).find(raw["dynamodb"])
    if elsewhere.always and not elsewhere.differing and not elsewhere.holding:
        return everybody
    if elsewhere.always or elsewhere.holding:
        return lambda raw: not elsewhere.find(raw["dynamodb"])
    return screen_differences(elsewhere.kind, elsewhere.differing) if elsewhere.differing else nobody


def _index(routes: Sequence[Route], kind: str, positions: Iterable[int]) -> Index:
    return _index_of({at: triggers(Combination("&", routes[at].conditions), kind) for at in positions}, kind)


def _index_of(found: Mapping[int, frozenset[Trigger] | None], kind: str) -> Index:
    differing: defaultdict[str, list[int]] = defaultdict(list)
    holding: defaultdict[tuple[ImageName, str], defaultdict[Hashable, list[int]]]
    holding = defaultdict(lambda: defaultdict(list))
    for position, its in found.items():
        for trigger in its or ():
            if isinstance(trigger, Differs):
                differing[trigger.name].append(position)
            else:
                holding[trigger.image, trigger.name][trigger.key].append(position)
    always = [position for position, its in found.items() if its is None]
    return Index(kind, always, dict(differing), {place: dict(by_key) for place, by_key in holding.items()})


def _image(kind: str, stream: Mapping[str, Any], name: ImageName) -> Mapping[str, Any] | None:
    """An image; `None` where it is missing or none, so that who needs it is asked and says so."""
    if kind != "MODIFY" and NO_IMAGE.get(kind) == name:
        return {}
    image = stream.get(name)
    return image if isinstance(image, dict) else None


def _differing(names: Mapping[str, Any], old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterable[str]:
    if len(names) <= _FEW:
        return [name for name in names if differs(old, new, name)]
    if names.keys().isdisjoint(old) and names.keys().isdisjoint(new):
        return ()
    return [name for name in {*old, *new} & names.keys() if differs(old, new, name)]
