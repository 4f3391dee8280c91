"""Why each route wants a record or does not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from headwater.answers import Answer
from headwater.conditions import Combination, Condition, Not
from headwater.dispatch import ruled_out
from headwater.models import Shape
from headwater.records import Record
from headwater.routes import Route


@dataclass(frozen=True, slots=True)
class Explanation:
    """What all routes of an app say of one record.

    Attributes:
        event_name: `INSERT`, `MODIFY` or `REMOVE`.
        table_name: The record's table.
        sequence_number: The record's place in its shard.
        routes: For each route, in the order in which they run, its answer: the parts say which condition decided.
    """

    event_name: str
    table_name: str
    sequence_number: str
    routes: tuple[Answer, ...]

    @property
    def matching(self) -> int:
        """How many routes want the record."""
        return sum(answer.said is True for answer in self.routes)

    def text(self, *, show_values: bool = False) -> str:
        """The explanation for people.

        Args:
            show_values: Whether to write the item's values out. Without, there are their types alone, so that the text can
                go into a log or a ticket.
        """
        lines = [line for answer in self.routes for line in answer.lines(show_values=show_values)]
        return "\n".join([self.head, *lines])

    @property
    def head(self) -> str:
        """The record, and how many routes want it."""
        table, number = self.table_name or "?", self.sequence_number
        if any(answer.error is not None for answer in self.routes):
            said = "it fails, since a condition raises"
        elif self.routes:
            said = f"{self.matching} of {len(self.routes)} routes want it"
        else:
            said = "there are no routes"
        return f"{self.event_name} of table {table}, sequence number {number}: {said}"

    def __str__(self) -> str:
        return self.text()


def explain(record: Record, routes: Iterable[Route]) -> Explanation:
    """Ask every route about a record; no handler is called."""
    answers = tuple(explain_route(route, record) for route in routes)
    return Explanation(record.event_name, record.table_name, record.sequence_number, answers)


def explain_route(route: Route, record: Record) -> Answer:
    """Why a route wants a record or does not: what each condition says, up to the first no."""
    decorator, _, handler = route.columns()
    text = f"{decorator} {handler}"
    shape = route.shapes.get(record.event_name)
    if shape is None:
        kinds = " or ".join(route.shapes)
        return Answer(f"{text}: takes {kinds}, this is {record.event_name}", said=False)
    if not route.conditions:
        return Answer(text, said=True)
    everything: Condition[Any] = Combination("&", route.conditions)
    try:
        is_ruled_out = ruled_out(everything, record)
    except Exception as error:
        return Answer(text, error=error)
    if is_ruled_out:
        return replace(_explain_ruled_out(everything, record), condition=text)
    return replace(explain_condition(everything, record, shape), condition=text)


def _explain_ruled_out(condition: Condition[Any], record: Record) -> Answer:
    """Which part needs something to differ that does not; the others are not asked."""
    if isinstance(condition, Combination):
        parts = [
            _explain_ruled_out(part, record) if ruled_out(part, record) else Answer(repr(part))
            for part in condition.parts
        ]
        return Answer(repr(condition), said=False, parts=tuple(parts))
    return Answer(repr(condition), said=False, values=condition.values(record))


def explain_condition(condition: Condition[Any], record: Record, shape: Shape) -> Answer:
    """What a condition says of a record, with the values that it looks at; what it raises is kept.

    Args:
        condition: The condition.
        record: The record.
        shape: The handler's types, for predicates that say nothing of their own.
    """
    text = repr(condition)
    match condition:
        case Combination():
            asked: list[Answer] = []
            for part in condition.parts:
                asked.append(explain_condition(part, record, shape))
                if asked[-1].said is not (not condition.decisive):  # it has decided, or raised
                    break
            rest = [Answer(repr(part)) for part in condition.parts[len(asked) :]]
            return Answer(text, asked[-1].said, parts=(*asked, *rest), error=asked[-1].error)
        case Not():
            inner = explain_condition(condition.part, record, shape)
            said = None if inner.said is None else not inner.said
            return Answer(text, said, parts=(inner,), error=inner.error)
        case _:
            values = condition.values(record)
            try:
                return Answer(text, condition.holds(record, shape), values)
            except Exception as error:
                return Answer(text, values=values, error=error)
