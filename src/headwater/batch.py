"""The loop over a batch: in order, and nothing starts after the first failure."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from headwater.dispatch import Dispatch
from headwater.errors import HandlerError, HeadwaterError, Phase
from headwater.kinds import read_record
from headwater.origins import Declared
from headwater.outcomes import Failed, Handled, Outcome, Skipped, Withheld, acknowledged
from headwater.records import Record
from headwater.routes import Route
from headwater.sources import RawRecord

Await: TypeAlias = Callable[[Awaitable[Any]], Any]
RoutesByKind: TypeAlias = Mapping[str, Dispatch]


@dataclass(frozen=True, slots=True)
class Plan:
    """How the records of a batch are handled.

    Attributes:
        routes: By event name, the routes to ask, in the order in which they run.
        declared: What the user says of the tables.
        context: The Lambda context, for handlers that take it.
        await_: Runs an awaitable to its end.
    """

    routes: RoutesByKind
    declared: Declared
    context: object
    await_: Await


def run_in_order(records: Sequence[RawRecord], plan: Plan) -> Iterator[Outcome]:
    """Handle records one after another and stop at the first failure.

    Args:
        records: The raw records of a batch, in its order.
        plan: How they are handled.

    Yields:
        One outcome for each record, as soon as it is known.
    """
    going = True
    for raw in records:
        outcome = run_record(raw, plan) if going else Withheld()
        going = acknowledged(outcome)
        yield outcome


def run_record(raw: RawRecord, plan: Plan) -> Outcome:
    """Take one record through its phases: read it, ask the routes, call the handlers of those that match.

    All routes are asked before the first handler runs: when a condition fails, no handler is repeated for it.
    """
    try:
        record = read_record(raw, plan.declared)
    except Exception as error:
        return Failed("record", error)
    matching: list[Route] = []
    try:
        candidates = plan.routes[record.event_name].candidates(record)
    except Exception as error:
        return Failed("condition", error)
    for route in candidates:
        try:
            if route.matches(record):
                matching.append(route)
        except Exception as error:
            return Failed("condition", error, route.name)
    for route in matching:
        try:
            _finish(route.call(record, plan.context), record, route, plan.await_)
        except Exception as error:
            return Failed(_phase(error, record), error, route.name)
    return Handled(tuple(route.name for route in matching)) if matching else Skipped()


def _finish(returned: object, record: Record, route: Route, await_: Await) -> None:
    while inspect.isawaitable(returned):  # an async function may return what is still to be awaited
        returned = await_(returned)
    if inspect.isgenerator(returned) or inspect.isasyncgen(returned):
        raise HandlerError(
            f"{route.name} returned a generator, whose body has not run: write it as a plain or async function",
            sequence_number=record.sequence_number,
        )


def _phase(error: Exception, record: Record) -> Phase:
    """An image is decoded when the handler reads it: an error of ours about this record knows its own phase."""
    if isinstance(error, HeadwaterError) and error.sequence_number == record.sequence_number:
        return error.phase
    return "handler"
