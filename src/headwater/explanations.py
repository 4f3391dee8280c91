"""Why each route wants a record or does not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from headwater.answers import Answer
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
        table, number = self.table_name or "?", self.sequence_number
        if any(answer.error is not None for answer in self.routes):
            said = "it fails, since a condition raises"
        elif self.routes:
            said = f"{self.matching} of {len(self.routes)} routes want it"
        else:
            said = "there are no routes"
        head = f"{self.event_name} of table {table}, sequence number {number}: {said}"
        lines = [line for answer in self.routes for line in answer.lines(show_values=show_values)]
        return "\n".join([head, *lines])

    def __str__(self) -> str:
        return self.text()


def explain(record: Record, routes: Iterable[Route]) -> Explanation:
    """Ask every route about a record; no handler is called."""
    answers = tuple(route.explain(record) for route in routes)
    return Explanation(record.event_name, record.table_name, record.sequence_number, answers)
