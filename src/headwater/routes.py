"""One route: a handler, the records that it wants, and what is refused when it is declared."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from headwater.changes import changed
from headwater.conditions import Condition, read_condition
from headwater.errors import ConditionError, DeclarationError, WireValueError
from headwater.models import Shape
from headwater.paths import Path, format_path, parse_path
from headwater.records import Record, reshape
from headwater.signatures import ALL_KINDS, function_name, read_signature

DECORATORS: Final[Mapping[tuple[str, ...], str]] = {
    ("INSERT",): "on_insert",
    ("MODIFY",): "on_modify",
    ("REMOVE",): "on_remove",
    ALL_KINDS: "on_record",
}
_TABLE_NAME: Final = re.compile(r"[a-zA-Z0-9_.-]{3,255}")


@dataclass(frozen=True, slots=True)
class Route:
    """A handler and the records that it wants.

    Attributes:
        handler: The user's function, untouched.
        shapes: For each event name that the route takes, the types its handler wants the record in.
        takes_context: Whether the handler is called with the Lambda context too.
        table: The table that the record must be of; `None` for any.
        attributes: Paths of which one must have changed; empty when any change will do.
        expired: Whether Time to Live must (not) have removed the item; `None` when that does not matter.
        conditions: Predicates that must all hold, the outermost router's first.
    """

    handler: Callable[..., Any]
    shapes: Mapping[str, Shape]
    takes_context: bool = False
    table: str | None = None
    attributes: tuple[Path, ...] = ()
    expired: bool | None = None
    conditions: tuple[Condition, ...] = ()

    @property
    def name(self) -> str:
        """The handler's name."""
        return function_name(self.handler)

    def matches(self, record: Record) -> bool:
        """Whether the route wants a record.

        Raises:
            ConditionError: When the question has no answer for this record.
            MissingImageError: When an image is needed that the stream's view type leaves out.
            Exception: Whatever a predicate raises.
        """
        shape = self.shapes.get(record.event_name)
        return (
            shape is not None
            and (self.table is None or self.table == _table_of(record))
            and (self.expired is None or self.expired is record.expired)
            and (not self.attributes or _any_changed(record, self.attributes))
            and all(condition.holds(record, shape) for condition in self.conditions)
        )

    def call(self, record: Record, context: object) -> object:
        """Call the handler with the record in its own types; what comes back is not awaited here."""
        typed = reshape(record, self.shapes[record.event_name])
        return self.handler(typed, context) if self.takes_context else self.handler(typed)

    def columns(self) -> tuple[str, str, str]:
        """Decorator, what must hold, and handler: a row of the table of routes."""
        kinds = tuple(self.shapes)
        models = dict.fromkeys(shape.model.name for shape in self.shapes.values())
        asks = [f"table={self.table}"] if self.table is not None else []
        asks += [f"attribute={'|'.join(map(format_path, self.attributes))}"] if self.attributes else []
        asks += [f"expired={self.expired}"] if self.expired is not None else []
        asks += [f"when={condition.name}" for condition in self.conditions]
        decorator = DECORATORS.get(kinds) or "|".join(kinds)
        return decorator, ", ".join(asks) or "always", f"{self.name}({' | '.join(models)})"

    def __str__(self) -> str:
        return "  ".join(self.columns())


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
    when, table = options.get("when"), options.get("table")
    return Route(
        handler=handler,
        shapes=shapes,
        takes_context=signature.takes_context,
        table=None if table is None else read_table(table, who),
        attributes=_read_attributes(options.get("attribute"), shapes, who),
        expired=_read_expired(options.get("expired"), who),
        conditions=() if when is None else (read_condition(when, kinds, who),),
    )


def read_table(table: Any, who: str) -> str:
    """Check a table's name when it is declared.

    Raises:
        DeclarationError: When no table can have that name.
    """
    if isinstance(table, str) and _TABLE_NAME.fullmatch(table):
        return table
    raise DeclarationError(
        f"{who}: table={table!r} is not a table's name, so no record would match: "
        "give the name without region or ARN, 3 to 255 letters, digits, '_', '.' or '-'"
    )


def _read_expired(expired: Any, who: str) -> bool | None:
    if expired is None or isinstance(expired, bool):
        return expired
    raise DeclarationError(f"{who}: expired={expired!r} is neither True nor False, so no record would match")


def _read_attributes(attribute: Any, shapes: Mapping[str, Shape], who: str) -> tuple[Path, ...]:
    if attribute is None:
        return ()
    names = [attribute] if isinstance(attribute, str) else attribute
    if not isinstance(names, list | tuple | set | frozenset) or not all(
        isinstance(name, str) for name in names
    ):
        raise DeclarationError(
            f"{who}: attribute= takes one name or a list of names, not a {type(attribute).__name__}"
        )
    if not names:
        raise DeclarationError(f"{who}: attribute= is an empty list, so no record would match: leave it out")
    paths = []
    for name in sorted(names) if isinstance(names, set | frozenset) else names:
        try:
            path = parse_path(name)
        except ValueError as error:
            raise DeclarationError(f"{who}: {error}") from None
        _refuse_unknown(path, shapes, who)
        paths.append(path)
    return tuple(paths)


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


def _table_of(record: Record) -> str:
    if record.table_name:
        return record.table_name
    raise ConditionError(
        "the eventSourceARN names no table, so it is not known whether a route with table= wants this record",
        sequence_number=record.sequence_number,
        steps=("eventSourceARN",),
    )


def _any_changed(record: Record, paths: tuple[Path, ...]) -> bool:
    old, new = record.wire_images()
    try:
        return any(changed(old, new, path) for path in paths)
    except WireValueError as error:
        error.sequence_number = record.sequence_number
        raise
