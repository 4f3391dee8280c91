"""One route: a handler, the records that it wants, and what is refused when it is declared."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from headwater.conditions import Condition
from headwater.declarations import read_condition, settled
from headwater.errors import DeclarationError
from headwater.kinds import ALL_KINDS
from headwater.models import Shape
from headwater.options import AnyChanged, OfTable, Option
from headwater.paths import Path, format_path
from headwater.places import read_paths
from headwater.records import Record, reshape
from headwater.signatures import function_name, is_async, read_signature

if TYPE_CHECKING:
    from headwater.entities import Entities

DECORATORS: Final[Mapping[tuple[str, ...], str]] = {
    ("INSERT",): "on_insert",
    ("MODIFY",): "on_modify",
    ("REMOVE",): "on_remove",
    ALL_KINDS: "on_record",
}
_TABLE_NAME: Final = r"[a-zA-Z0-9_.-]{3,255}"


@dataclass(frozen=True, slots=True)
class Route:
    """A handler and the records that it wants.

    Attributes:
        handler: The user's function, untouched.
        shapes: For each event name that the route takes, the types its handler wants the record in.
        takes_context: Whether the handler is called with the Lambda context too.
        conditions: What must all hold, in the order in which it is asked: first what the outermost router demands.
        entities: The entities among which its model is one; `None` for a table that has no declared ones.
        key: What names the route among those of its app, for the ledger: empty until the app handles its first batch.
        is_async: Whether the handler is known to be an async function.
        name: The handler's name.
    """

    handler: Callable[..., Any]
    shapes: Mapping[str, Shape]
    takes_context: bool = False
    conditions: tuple[Condition[Any], ...] = ()
    entities: Entities | None = None
    key: str = field(default="", repr=False, compare=False)
    is_async: bool = field(default=False, repr=False, compare=False)
    name: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", function_name(self.handler))

    @property
    def table(self) -> str | None:
        """The table that the record must be of; `None` for any."""
        tables = [condition.table for condition in self.conditions if isinstance(condition, OfTable)]
        return tables[0] if tables else None

    def matches(self, record: Record) -> bool:
        """Whether the route wants a record.

        Raises:
            ConditionError: When the question has no answer for this record.
            MissingImageError: When an image is needed that the stream's view type leaves out.
            Exception: Whatever a predicate raises.
        """
        shape = self.shapes.get(record.event_name)
        if shape is None:
            return False
        for condition in self.conditions:  # noqa: SIM110 - a generator would double the price of a no
            if not condition.holds(record, shape):
                return False
        return True

    def call(self, record: Record, context: object) -> object:
        """Call the handler with the record in its own types; what comes back is not awaited here."""
        typed = reshape(record, self.shapes[record.event_name])
        return self.handler(typed, context) if self.takes_context else self.handler(typed)

    def columns(self) -> tuple[str, str, str]:
        """Decorator, what must hold, and handler: a row of the table of routes."""
        kinds = tuple(self.shapes)
        models = dict.fromkeys(shape.model.name for shape in self.shapes.values())
        asks = [
            repr(condition) if isinstance(condition, Option) else f"when={condition!r}"
            for condition in self.conditions
        ]
        decorator = DECORATORS.get(kinds) or "|".join(kinds)
        return decorator, ", ".join(asks) or "always", f"{self.name}({' | '.join(models)})"

    def __str__(self) -> str:
        return "  ".join(self.columns())


def table_of_routes(routes: Iterable[Route]) -> str:
    """A line for each route, in columns."""
    rows = [route.columns() for route in routes]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def name_routes(routes: Iterable[Route]) -> list[Route]:
    """Give each route a key that is the same in every process that declares the same routes."""
    listed = list(routes)
    names = [f"{getattr(route.handler, '__module__', '')}.{_qualified(route)}" for route in listed]
    equal = Counter(names)
    names = [
        name if equal[name] == 1 else name + _bound(route) for name, route in zip(names, listed, strict=True)
    ]
    seen: Counter[str] = Counter()
    for position, name in enumerate(names):
        seen[name] += 1
        names[position] = name if seen[name] == 1 else f"{name}#{seen[name]}"
    return [
        replace(route, key=key, is_async=is_async(route.handler))
        for route, key in zip(listed, names, strict=True)
    ]


def _qualified(route: Route) -> str:
    return getattr(route.handler, "__qualname__", route.name)


def _bound(route: Route) -> str:
    """What a function that was made several times was made with: texts and numbers, in its closure or bound to it."""
    handler = route.handler
    cells = [cell.cell_contents for cell in getattr(handler, "__closure__", None) or ()]
    bound = *getattr(handler, "args", ()), *getattr(handler, "keywords", {}).values()
    return repr([value for value in (*cells, *bound) if isinstance(value, str | int)])


def digest_routes(routes: Iterable[Route]) -> str:
    """A short text that is the same for the same named routes."""
    from zlib import crc32

    return f"{crc32(' '.join(route.key for route in routes).encode(errors='replace')):08x}"


def declare_route(kinds: tuple[str, ...], handler: Any, options: Mapping[str, Any]) -> Route:
    """Make a route from what a decorator was given.

    Args:
        kinds: The event names of the decorator.
        handler: The decorated function.
        options: The decorator's keywords.

    Raises:
        DeclarationError: When the route could not work: names the function, the harm and the fix.
    """
    decorator = DECORATORS[kinds]
    signature = read_signature(handler, f"{decorator} handler")
    who = f"{decorator} handler {function_name(handler)}"
    missing = [kind for kind in kinds if kind not in signature.shapes]
    if missing:
        raise DeclarationError(
            f"{who} does not take {' or '.join(missing)} records, so it would fail on each of them: "
            "use the decorator of its record kind, or change its annotation"
        )
    known = ("attribute", "table", "when") + (("expired",) if kinds == ("REMOVE",) else ())
    for option in options:
        if option not in known:
            raise DeclarationError(
                f"{who}: {decorator} has no option {option!r}, so it would not do what is meant: "
                f"{_suggest(option, known) or 'it has ' + ', '.join(known)}"
            )
    shapes = {kind: signature.shapes[kind] for kind in kinds}
    return Route(handler, shapes, signature.takes_context, tuple(_conditions(options, shapes, who)))


def refuse_contradiction(condition: Condition[Any], route: Route, who: str) -> None:
    """Refuse a route that could never run inside a router that demands this.

    Args:
        condition: What the router asks of every record.
        route: The route.
        who: Its handler, for messages.

    Raises:
        DeclarationError: With both sides of the contradiction.
    """
    from headwater.exclusions import Ignoring  # only a router or app with a condition asks this

    kinds = tuple(route.shapes)
    if settled(condition, kinds) is False:
        raise DeclarationError(
            f"{who} takes {' and '.join(kinds)} records, for which {condition!r} of its router never holds, so it would "
            "never run: move it to another router"
        )
    if isinstance(condition, OfTable) and route.table not in (None, condition.table):
        raise DeclarationError(
            f"{route.name} wants records of table {route.table} inside a router of table {condition.table}, "
            "so it would never run: name the table in one place"
        )
    if not isinstance(condition, Ignoring) or kinds != ("MODIFY",):
        return
    for asked in route.conditions:
        if isinstance(asked, AnyChanged) and all(map(condition.ignores, asked.paths)):
            raise DeclarationError(
                f"{who} wants changes that {condition!r} of its router or app ignores, so it would not run for them: "
                "take the attribute out of one of the two"
            )


def read_table(table: Any, who: str) -> str:
    """Check a table's name when it is declared.

    Raises:
        DeclarationError: When no table can have that name.
    """
    if isinstance(table, str) and re.fullmatch(_TABLE_NAME, table):
        return table
    raise DeclarationError(
        f"{who}: table={table!r} is not a table's name, so no record would match: "
        "give the name without region or ARN, 3 to 255 letters, digits, '_', '.' or '-'"
    )


def _conditions(
    options: Mapping[str, Any], shapes: Mapping[str, Shape], who: str
) -> Iterator[Condition[Any]]:
    """What the keywords of a decorator ask, the cheapest first."""
    if (table := options.get("table")) is not None:
        yield OfTable(read_table(table, who))
    if (expired := options.get("expired")) is not None:
        if not isinstance(expired, bool):
            raise DeclarationError(
                f"{who}: expired={expired!r} is neither True nor False, so no record would match"
            )
        from headwater.exclusions import Expired

        yield Expired(expired)
    if (attribute := options.get("attribute")) is not None:
        paths = read_paths(attribute, f"{who}: attribute=")
        for path in paths:
            _refuse_unknown(path, shapes, who)
        yield AnyChanged(paths)
    if (when := options.get("when")) is not None:
        yield read_condition(when, tuple(shapes), who)


def _refuse_unknown(path: Path, shapes: Mapping[str, Shape], who: str) -> None:
    answers = [shape.model.unknown_attribute(path) for shape in shapes.values()]
    unknown = next((answer for answer in answers if answer is not None), None)
    if unknown is None or None in answers:
        return
    model = next(iter(shapes.values())).model.name
    advice = f"did you mean {unknown.alias!r}?" if unknown.alias else _suggest(unknown.name, unknown.known)
    raise DeclarationError(
        f"{who}: {model} reads no attribute {unknown.name!r} (in attribute={format_path(path)!r}), "
        f"so the handler could not see what has changed: {advice or 'it reads ' + ', '.join(unknown.known)}"
    )


def _suggest(name: str, known: tuple[str, ...]) -> str:
    import difflib  # only a refusal needs it

    folded = {candidate.casefold(): candidate for candidate in known}
    close = difflib.get_close_matches(name.casefold(), folded, n=1)
    return f"did you mean {folded[close[0]]!r}?" if close else ""
