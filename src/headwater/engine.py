"""One batch from its records to their outcomes: the ledger before and after, and the loop between."""

from __future__ import annotations

from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

from headwater.batch import run_in_order
from headwater.context import text_in
from headwater.deadline import Deadline, Pace, remaining_seconds
from headwater.errors import HeadwaterError
from headwater.invocation import Invocation, Plan
from headwater.loop import HandlerLoop
from headwater.observe import Observers, log_failure, log_ledger
from headwater.outcomes import Failed, Outcome, acknowledged
from headwater.results import BatchResult
from headwater.returned import Finish
from headwater.sources import Batch

if TYPE_CHECKING:  # what only some apps need is loaded where it is used
    from headwater.folds import Fold
    from headwater.ledger import Entry
    from headwater.settings import Settings
    from headwater.tally import Tally
    from headwater.workers import Workers

LOOP: Final = HandlerLoop()
"""For all async functions of the process, as their clients and pools expect."""


class Engine:
    """Runs the batches of an app, and keeps what lasts from one to the next."""

    def __init__(self, plan: Plan, settings: Settings, folding: Fold | None) -> None:
        self._plan = plan
        self._settings = settings
        self._folding = folding
        self._observers = Observers(settings.observers)
        self._pace = Pace()
        self._ledger_fails: set[str] = set()
        self._workers: Workers | None = None

    def run(self, batch: Batch, context: Any) -> BatchResult:
        """Run a batch.

        Raises:
            BaseException: What a handler raised that is no `Exception`. Then nothing is acknowledged.
            Exception: What the functions of a window raised in an invocation without a record that could be named.
        """
        began = perf_counter()
        if self._observers:
            from headwater.events import BatchStarted

            self._observers.tell(BatchStarted(batch.source, batch.records, context))
        self._pace.relax()
        deadline = Deadline(remaining_seconds(context), self._settings.margin, self._pace)
        consumer = "" if self._settings.ledger is None else self._consumer(batch, context)
        tally = self._load(batch, consumer)
        outcomes = self._run(Invocation(self._plan, batch, context, tally, deadline, self._observers))
        state = None if batch.window is None else self._fold(batch, outcomes, deadline)
        if tally is not None:
            self._save(consumer, *tally.changes(outcomes))
        if self._observers:
            from headwater.events import BatchFinished

            seconds = perf_counter() - began
            self._observers.tell(BatchFinished(batch.source, batch.records, outcomes, seconds, context))
        if batch.window is None:
            return BatchResult(batch.records, outcomes, batch.response(outcomes))
        from headwater.folds import window_response

        return BatchResult(batch.records, outcomes, window_response(batch, state))

    def _run(self, invocation: Invocation) -> list[Outcome]:
        middlewares = self._plan.middlewares
        if self._settings.concurrency == 1 and not any(middleware.may_await for middleware in middlewares):
            return run_in_order(invocation, self._finish(invocation.deadline))
        from headwater.lanes import Lanes
        from headwater.workers import Workers

        if self._workers is None:
            # A middleware on a thread waits there for the thread of what is inside it.
            depth = 1 + sum(not middleware.is_async for middleware in middlewares)
            self._workers = Workers(self._settings.concurrency * depth)
        lanes = Lanes(invocation, self._settings.concurrency, self._workers)
        outcomes: list[Outcome] = LOOP.run(lanes.run())
        return outcomes

    def _consumer(self, batch: Batch, context: object) -> str:
        """Whose progress the ledger keeps: of a function, a stream and an app."""
        stream = batch.original(0).get("eventSourceARN") if batch.records else None
        return f"{text_in(context, 'invoked_function_arn')} {stream} {self._plan.name}"

    def _finish(self, deadline: Deadline) -> Finish:
        return partial(LOOP.finish, left=deadline.left)

    def _fold(self, batch: Batch, outcomes: list[Outcome], deadline: Deadline) -> dict[str, Any] | None:
        """The new state of the batch's window; `None` when the batch is to come again."""
        if not all(map(acknowledged, outcomes)):
            return None
        from headwater.folds import fold

        try:
            finish = self._finish(deadline)
            return fold(self._folding, batch, outcomes, finish, declared=self._plan.declared)
        except Exception as error:
            if not batch.records:
                raise  # there is no record to name
            failed = Failed(error.phase if isinstance(error, HeadwaterError) else "handler", error)
            log_failure(batch.records[0], batch.identifiers[0], failed)
            outcomes[0] = failed
            return None

    def _load(self, batch: Batch, consumer: str) -> Tally | None:
        ledger = self._settings.ledger
        if ledger is None or not batch.records:
            return None
        from headwater.tally import Tally, checkpoint_of

        try:
            loaded = ledger.load(consumer, checkpoint_of(batch, 0))
        except Exception as error:
            self._ledger_failed("be read", error)
            return Tally(batch, None)
        self._ledger_fails.discard("be read")
        return Tally(batch, loaded)

    def _save(self, consumer: str, forgotten: Entry | None, kept: Entry | None) -> None:
        """Keep what the next delivery needs; where the ledger has that already, nothing is written."""
        ledger = self._settings.ledger
        if ledger is None or (forgotten is None and kept is None):
            return
        try:
            ledger.replace(consumer, forgotten, kept)
        except Exception as error:
            self._ledger_failed("be written", error)
        else:
            self._ledger_fails.discard("be written")

    def _ledger_failed(self, action: str, error: Exception) -> None:
        if not self._ledger_fails:  # said once in each outage
            log_ledger(action, error)
        self._ledger_fails.add(action)
