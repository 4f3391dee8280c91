"""A record whose handlers are to run: how far they have got, and how they failed."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from types import TracebackType

from headwater.errors import DeadlineError, HandlerError, HeadwaterError, Phase
from headwater.outcomes import Failed
from headwater.progress import RecordProgress
from headwater.records import Record
from headwater.returned import unfinished
from headwater.routes import Route
from headwater.verdicts import Skip


class Work:
    """A record that some routes want, and how far they have got.

    Attributes:
        position: In the batch.
        record: With plain dicts for images.
        routes: Those that want it, in the order in which they run.
        done: The keys of those that have returned, in earlier invocations too.
        attempts: In how many earlier invocations it has failed.
        skipped: What was given to `Skip` last.
        failed: How the last run of the handlers failed, if it did.
        called: Whether the handlers have been called.
        complete: Whether the last run of them came to its end.
        seconds: By route, how long its handler took.
    """

    __slots__ = (
        "attempts",
        "called",
        "complete",
        "done",
        "failed",
        "position",
        "record",
        "routes",
        "seconds",
        "skipped",
    )

    def __init__(
        self, position: int, record: Record, routes: Sequence[Route], before: RecordProgress
    ) -> None:
        """Begin where an earlier invocation has ended.

        Args:
            position: In the batch.
            record: With plain dicts for images.
            routes: Those that want it, in the order in which they run.
            before: How far it got in earlier invocations.
        """
        self.position = position
        self.record = record
        self.routes = routes
        self.done = set(before.done)
        self.attempts = before.attempts
        self.skipped: list[str] = []
        self.failed: Failed | None = None
        self.called = False
        self.complete = False
        self.seconds: dict[str, float] = {}

    def remaining(self) -> Sequence[Route]:
        """The routes that have not returned yet, as a new run of the handlers begins."""
        self.failed, self.called, self.complete = None, True, False
        return [route for route in self.routes if route.key not in self.done] if self.done else self.routes

    def watch(self, route: Route) -> Watch:
        """A block in which the handler of a route runs: notes how long it took and how it ended."""
        return Watch(self, route)

    def refuse_another(self, record: object) -> None:
        """Refuse what a middleware hands on, when it is not the record that it was given.

        Raises:
            HandlerError: When it is another one: its handlers would see what the ledger and the response do not mean.
        """
        if record is not self.record:
            raise HandlerError(
                f"a middleware called call_next with {record!r} and not with the record that it was given: hand that on",
                sequence_number=self.record.sequence_number,
            )


class Watch:
    """Stands around one call of a handler. `Skip` ends here, as if the handler had returned.

    One for each call: a middleware may have given up a call that goes on while it makes the next one.
    """

    __slots__ = ("_began", "_route", "_work")

    def __init__(self, work: Work, route: Route) -> None:
        self._work = work
        self._route = route

    def __enter__(self) -> None:
        self._began = perf_counter()

    def __exit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> bool:
        work, route = self._work, self._route
        work.seconds[route.name] = work.seconds.get(route.name, 0.0) + perf_counter() - self._began
        if isinstance(error, Skip):
            work.skipped.append(error.reason)
        elif error is not None:
            if isinstance(error, Exception):
                work.failed = Failed(_phase(error, work.record), error, route.name)
            return False
        work.done.add(route.key)
        return True


def refuse_unfinished(returned: object, record: Record, name: str) -> None:
    """Refuse what can not count as done.

    Raises:
        HandlerError: When a function has returned a generator or a future.
    """
    if (what := unfinished(returned)) is not None:
        raise HandlerError(f"{name} returned {what}", sequence_number=record.sequence_number)


def _phase(error: Exception, record: Record) -> Phase:
    """An image is decoded when the handler reads it: an error of ours about this record knows its own phase."""
    if isinstance(error, DeadlineError):
        return "deadline"
    if isinstance(error, HeadwaterError) and error.sequence_number == record.sequence_number:
        return error.phase
    return "handler"
