"""The loop over a batch in its order, in the caller's thread: one record after another."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from headwater.invocation import UNWANTED, Invocation
from headwater.items import Item, item_of
from headwater.outcomes import Failed, Outcome, Withheld, acknowledged
from headwater.returned import Finish
from headwater.work import Work, refuse_unfinished

if TYPE_CHECKING:
    from headwater.dead_letters import DeadLetter


def run_in_order(invocation: Invocation, finish: Finish) -> list[Outcome]:
    """Handle records one after another. After a failure nothing starts, or nothing of the failed items.

    Args:
        invocation: The batch, and what is done with each of its records.
        finish: What comes of a call in the end.

    Returns:
        One outcome for each record, in the order of the batch.
    """
    loop = _Loop(invocation, finish)
    screens = {kind: routes.rules_out for kind, routes in invocation.plan.routes.items()}
    passes_over = loop.passes_over
    outcomes: list[Outcome] = [UNWANTED] * len(invocation.batch.records)
    for position, raw in enumerate(invocation.batch.records):
        try:
            if passes_over and screens[raw["eventName"]](raw):
                continue
        except Exception:  # noqa: S110 - who reads the record says what is wrong with it
            pass
        outcomes[position] = loop.next(position)
        passes_over = loop.passes_over
    return outcomes


class _Loop:
    """What is remembered from one record of a batch to the next."""

    def __init__(self, invocation: Invocation, finish: Finish) -> None:
        self._invocation = invocation
        self._finish = finish
        # Whether a record that no route wants may be passed over: nothing has failed that it could be behind.
        self.passes_over = invocation.is_untold
        self._going = True
        self._by_item = invocation.plan.isolate or invocation.holds_items
        self._blocked: set[Item] = set()

    def next(self, position: int) -> Outcome:
        invocation = self._invocation
        if not self._going or (position and not invocation.deadline.may_start()):
            self._going = self.passes_over = False
            return Withheld()
        if not self._by_item:
            outcome = self._handle(position, None)
            self._going = acknowledged(outcome)
            self.passes_over = self.passes_over and self._going
            return outcome
        item = item_of(invocation.batch.records[position])
        if item in self._blocked:
            return Withheld()
        outcome = self._handle(position, invocation.behind(item))
        if not acknowledged(outcome):
            self._blocked.add(item)
            self._going = invocation.plan.isolate
            self.passes_over = False
        invocation.note_held(item, position, outcome)
        return outcome

    def _handle(self, position: int, behind: str | None) -> Outcome:
        invocation, began = self._invocation, perf_counter()
        begun = invocation.begin(position)
        if begun is UNWANTED and not invocation.observed:  # most records, and nobody is to be told
            return UNWANTED
        work = begun if isinstance(begun, Work) else None
        outcome: Outcome
        if behind is not None and isinstance(begun, Work | Failed):
            outcome = self._store(position, work, invocation.hold(position, work, behind), None)
        else:
            outcome = begun if not isinstance(begun, Work) else self._run(begun)
            if isinstance(outcome, Failed):
                letter = invocation.judge(position, work, outcome)
                if letter is not None:
                    outcome = self._store(position, work, letter, outcome)
        invocation.close(position, work, outcome, began)
        return outcome

    def _run(self, work: Work) -> Outcome:
        if self._invocation.observed:
            self._invocation.start(work)
        try:
            self._call(0, work)
        except Exception as error:
            return self._invocation.conclude(work, error)
        return self._invocation.conclude(work, None)

    def _call(self, depth: int, work: Work) -> None:
        """Call the middleware at this depth, which calls what is inside it; the handlers are innermost."""
        middlewares, context = self._invocation.plan.middlewares, self._invocation.context
        if depth < len(middlewares):

            def call_next(record: object) -> None:
                work.refuse_another(record)
                self._call(depth + 1, work)

            middleware = middlewares[depth]
            returned = self._finish(middleware.function(work.record, call_next))
            refuse_unfinished(returned, work.record, middleware.name)
            return
        for route in work.remaining():
            with work.watch(route):
                returned = route.call(work.record, context)
                if returned is not None:  # what few plain functions return
                    refuse_unfinished(self._finish(returned), work.record, route.name)
        work.complete = True

    def _store(self, position: int, work: Work | None, letter: DeadLetter, failed: Failed | None) -> Outcome:
        from headwater.dead_letters import refuse_unfinished as refuse_unstored

        try:
            refuse_unstored(self._finish(self._invocation.store(letter)))
        except Exception as error:
            return Failed("dead letter", error, letter.route)
        return self._invocation.stored(position, work, letter, failed)
