"""What observers are told: one frozen value for each thing that happens to a batch and its records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from headwater.outcomes import Outcome
from headwater.records import Record
from headwater.sources import RawRecord, Source


@dataclass(frozen=True, slots=True)
class BatchStarted:
    """An invocation has begun; no record has been looked at.

    Attributes:
        source: Who called the function.
        records: The raw records, in the order of the batch.
        context: The Lambda context; `None` where there is none.
    """

    source: Source
    records: Sequence[RawRecord] = field(repr=False)
    context: Any = field(repr=False)


@dataclass(frozen=True, slots=True)
class RecordStarted:
    """Handlers of a record are about to run, in the context in which the observer is called.

    Attributes:
        record: With plain dicts for images.
        routes: The names of the routes that run, in their order.
        attempt: 1 for the first, counted on as far as the ledger remembers.
    """

    record: Record[Any, Any]
    routes: tuple[str, ...]
    attempt: int


@dataclass(frozen=True, slots=True)
class RecordFinished:
    """It is known what became of a record. Nothing is told of withheld ones, which have not been looked at.

    Attributes:
        raw: The record as it came.
        identifier: What names it in a response.
        record: With plain dicts for images; `None` where it could not be read.
        outcome: What became of it.
        seconds: From its first condition to the end of its last handler, dead letters included.
        handler_seconds: By route, how long its handler took. Two routes of one name are added up.
    """

    raw: RawRecord = field(repr=False)
    identifier: str
    record: Record[Any, Any] | None
    outcome: Outcome
    seconds: float
    handler_seconds: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class BatchFinished:
    """An invocation is about to answer.

    Attributes:
        source: Who called the function.
        records: The raw records, in the order of the batch.
        outcomes: For each of them, what became of it, withheld ones included.
        seconds: Since the batch started.
        context: The Lambda context; `None` where there is none.
    """

    source: Source
    records: Sequence[RawRecord] = field(repr=False)
    outcomes: Sequence[Outcome]
    seconds: float
    context: Any = field(repr=False)


Event: TypeAlias = BatchStarted | RecordStarted | RecordFinished | BatchFinished


class Observer(Protocol):
    """Is told what happens; any function of one argument is one.

    `RecordStarted` and the `RecordFinished` of the same record come in one context (`contextvars`), which is that of the
    record's handlers. Each `BatchStarted` is followed by its `BatchFinished`, unless the invocation raises.
    Within an invocation, calls never overlap. What an observer raises is logged once and changes no outcome.
    """

    def __call__(self, event: Event, /) -> object:
        """Take notice, quickly: nothing else happens meanwhile."""
        ...
