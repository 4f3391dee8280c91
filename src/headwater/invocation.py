"""One record through its phases: read it, ask the routes, run the handlers, settle what failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from time import perf_counter
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from headwater.deadline import Deadline
from headwater.dispatch import Dispatch
from headwater.errors import DeadlineError, HandlerError, MiddlewareError
from headwater.items import Item
from headwater.kinds import read_record
from headwater.observe import Observers, log_failure, log_last_attempt
from headwater.origins import Declared
from headwater.outcomes import DeadLettered, Failed, Handled, Outcome, Skipped
from headwater.progress import NOTHING, RecordProgress
from headwater.routes import Route
from headwater.sources import Batch
from headwater.verdicts import Reject, Skip
from headwater.work import Work

if TYPE_CHECKING:  # what only some apps need is loaded where it is used
    from headwater.dead_letters import DeadLetter, DeadLetterPolicy
    from headwater.middleware import Middleware
    from headwater.tally import Tally

RoutesByKind: TypeAlias = Mapping[str, Dispatch]

UNWANTED: Final = Skipped()
"""The outcome of a record that no route wants."""


class Plan(NamedTuple):
    """What an app does with every batch.

    Attributes:
        routes: By event name, the routes to ask, in the order in which they run.
        declared: What the user says of the tables.
        middlewares: Around the handlers of a record, the outermost first.
        isolate: After a failure, whether records of other items still start.
        dead_letters: Which failures are put aside, if any.
        name: Another one for an app with other routes: two apps of one function have progress of their own.
    """

    routes: RoutesByKind
    declared: Declared
    middlewares: tuple[Middleware, ...] = ()
    isolate: bool = False
    dead_letters: DeadLetterPolicy | None = None
    name: str = ""


class Invocation:
    """One call of the function: takes each record of its batch through its phases.

    It says what is to be done and what it counts as; doing it is up to the loops, one of which waits in the thread and the
    other one on an event loop. `begin` reads a record and asks the routes; `start` and `conclude` stand around its
    handlers; `judge` and `stored` around its dead letter; `close` tells everyone.
    """

    def __init__(
        self,
        plan: Plan,
        batch: Batch,
        context: object,
        tally: Tally | None,
        deadline: Deadline,
        observers: Observers,
    ) -> None:
        self.plan = plan
        self.batch = batch
        self.context = context
        self.deadline = deadline
        self.observed = bool(observers)
        """Whether anybody is told what happens."""
        self._tally = tally
        self._observers = observers
        self._held: dict[Item, str] = {}

    @property
    def is_untold(self) -> bool:
        """Whether a record that no route wants makes no difference: nobody is told, and nothing is known of any record."""
        knows = self._tally is not None and self._tally.knows
        return not (self.observed or self.batch.problems or knows)

    @property
    def holds_items(self) -> bool:
        """Whether later records of an item are put aside behind one that was."""
        return self.plan.dead_letters is not None and self.plan.dead_letters.hold_item

    def note_held(self, item: Item, position: int, outcome: Outcome) -> None:
        """Where an outcome makes later records of its item go aside too, remember that."""
        if self._tally is not None and self.holds_items and isinstance(outcome, DeadLettered):
            self._held.setdefault(item, f"record {self.batch.identifiers[position]}")
            self._tally.hold(item)

    def behind(self, item: Item) -> str | None:
        """Behind what a record of this item is put aside, if it is."""
        if self._tally is not None and item not in self._held and self._tally.holds(item):
            return "an earlier record"
        return self._held.get(item)

    def begin(self, position: int) -> Work | Outcome:
        """Read a record and ask all routes, before the first handler runs: a failing condition repeats no handler.

        Returns:
            What is to be done; or the outcome, where that is known already.
        """
        if position in self.batch.problems:
            return Failed("record", self.batch.problems[position])
        before = NOTHING if self._tally is None else self._tally.before(position)
        if before.put_aside:
            return DeadLettered("dead letter", attempts=before.attempts)
        raw = self.batch.records[position]
        candidates: Sequence[Route] = ()
        kind = raw.get("eventName")
        routes = self.plan.routes.get(kind) if isinstance(kind, str) else None
        if routes is not None:
            try:
                candidates = routes.candidates(raw)
            except Exception as error:
                return Failed("condition", error)
            if not candidates:
                return UNWANTED
        try:
            record = read_record(raw, self.plan.declared)
        except Exception as error:
            return Failed("record", error)
        matching: list[Route] = []
        for route in candidates:
            try:
                if not route.conditions or route.matches(record):
                    matching.append(route)
            except Exception as error:
                return Failed("condition", error, route.name)
        if not matching:
            return UNWANTED
        if before.done and before.done.issuperset(route.key for route in matching):
            return _handled(matching)
        return Work(position, record, matching, before)

    def start(self, work: Work) -> None:
        """Tell that the handlers of a record are about to run."""
        if self.observed:
            from headwater.events import RecordStarted

            names = tuple(route.name for route in work.routes if route.key not in work.done)
            self._observers.tell(RecordStarted(work.record, names, work.attempts + 1))

    def conclude(self, work: Work, error: Exception | None) -> Outcome:
        """What became of a record whose handlers, and the middlewares around them, have ended.

        Args:
            work: How far the handlers got.
            error: What came out of the outermost middleware, or of the handlers where there is none.
        """
        if error is None and work.complete and work.failed is None and not work.skipped:
            return _handled(work.routes)
        if isinstance(error, Skip):  # a middleware's: that of a handler is noted when it is raised
            work.done.update(route.key for route in work.routes)
            return Skipped(error.reason)
        if error is not None and work.failed is None:
            return Failed("deadline" if isinstance(error, DeadlineError) else "middleware", error)
        if work.failed is not None:
            # One that a middleware keeps to itself has failed all the same.
            own = error is None or (error.__cause__ is work.failed.error and isinstance(error, RuntimeError))
            # Python lets no StopIteration out of a coroutine, and puts a RuntimeError around it.
            reported = work.failed.error if own and isinstance(work.failed.error, StopIteration) else error
            return Failed(work.failed.phase, reported or work.failed.error, work.failed.route)
        if not work.complete:
            return Failed("middleware", _not_handled(work))
        if len(work.skipped) == len(work.routes):
            return Skipped(work.skipped[-1])
        return _handled(work.routes)

    def judge(self, position: int, work: Work | None, failed: Failed) -> DeadLetter | None:
        """Count a failure, and decide whether the record is put aside now.

        Returns:
            What is to be stored before the record may count as done; `None` when it is to be delivered again.
        """
        before = NOTHING if self._tally is None else self._tally.before(position)
        # Lambda counts an invocation as an attempt when it makes no progress. A handler that was stopped for lack of time
        # is to blame for that only where no record before it used that time.
        counts = position == 0 or not isinstance(failed.error, DeadlineError)
        attempts = before.attempts + counts
        self._note(position, work, attempts)
        policy = self.plan.dead_letters
        if policy is None or not counts:
            return None
        if not policy.wants(failed, attempts):
            if policy.max_attempts is not None and attempts + 1 == policy.max_attempts:
                log_last_attempt(self.batch.identifiers[position], attempts, policy.max_attempts)
            return None
        return self._letter(position, work, failed, attempts)

    def hold(self, position: int, work: Work | None, behind: str) -> DeadLetter:
        """The letter of a record that is put aside unseen, behind one of its item that was."""
        held = Failed("dead letter", Reject(f"put aside behind {behind} of its item, as hold_item asks"))
        return self._letter(position, work, held, 0 if work is None else work.attempts)

    def store(self, letter: DeadLetter) -> object:
        """Hand a letter to the sink; what comes back may have to be awaited. Raises what the sink raises."""
        if self.plan.dead_letters is None:
            raise HandlerError("this app has no dead_letters=")
        return self.plan.dead_letters.store([letter])

    def stored(self, position: int, work: Work | None, letter: DeadLetter, failed: Failed | None) -> Outcome:
        """The outcome of a record that a sink has stored; `failed` is `None` for one that was only held."""
        self._note(position, work, letter.attempts, put_aside=True)
        if failed is None:
            return DeadLettered(letter.phase, attempts=letter.attempts)
        return DeadLettered(failed.phase, failed.error, failed.route, letter.attempts)

    def close(self, position: int, work: Work | None, outcome: Outcome, began: float) -> None:
        """Note, log and tell what became of a record.

        Args:
            position: In the batch.
            work: How far its handlers got, where any were to run.
            outcome: What became of it.
            began: When it was begun, by `time.perf_counter`.
        """
        seconds = perf_counter() - began
        self.deadline.note(seconds)
        if type(outcome) is Handled and self._tally is None and not self.observed:
            return  # most records
        raw, identifier = self.batch.records[position], self.batch.identifiers[position]
        if isinstance(outcome, Failed) or (isinstance(outcome, DeadLettered) and outcome.error is not None):
            log_failure(raw, identifier, outcome)
        elif work is not None and not isinstance(outcome, DeadLettered):
            self._note(position, work, work.attempts)
        if self.observed:
            from headwater.events import RecordFinished

            record, took = (None, {}) if work is None else (work.record, work.seconds)
            self._observers.tell(RecordFinished(raw, identifier, record, outcome, seconds, took))

    def _note(self, position: int, work: Work | None, attempts: int, *, put_aside: bool = False) -> None:
        if self._tally is not None:
            done = self._tally.before(position).done if work is None else frozenset(work.done)
            self._tally.note(position, RecordProgress(done, attempts, put_aside))

    def _letter(self, position: int, work: Work | None, failed: Failed, attempts: int) -> DeadLetter:
        from headwater.dead_letters import write_letter

        done = [] if work is None else [route.name for route in work.routes if route.key in work.done]
        raw, original = self.batch.records[position], self.batch.original(position)
        return write_letter(
            raw, original, self.batch.identifiers[position], failed, attempts, done, self.context
        )


def _handled(routes: Sequence[Route]) -> Handled:
    return _handled_by(*[route.name for route in routes])


@lru_cache(maxsize=256)
def _handled_by(*names: str) -> Handled:
    """One value for all records that the same routes have handled."""
    return Handled(names)


def _not_handled(work: Work) -> MiddlewareError:
    what = (
        "although the handlers have not come to their end"
        if work.called
        else "without call_next(record), so no handler has run"
    )
    return MiddlewareError(
        f"a middleware returned {what}: call and, if it is async, await it, or raise Skip to acknowledge the record on purpose",
        sequence_number=work.record.sequence_number,
    )
