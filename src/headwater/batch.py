"""The loop over a batch in its order, in the caller's thread: one record after another."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator
from time import perf_counter
from typing import Any, TypeAlias

from headwater.dead_letters import refuse_unfinished as refuse_unstored
from headwater.invocation import UNWANTED, Invocation
from headwater.items import Item, item_of
from headwater.outcomes import Failed, Outcome, Withheld, acknowledged
from headwater.work import Work, refuse_unfinished

Await: TypeAlias = Callable[[Awaitable[Any], "float | None"], Any]
"""Runs an awaitable to its end, for so many seconds at most."""


def run_in_order(invocation: Invocation, await_: Await) -> Iterator[Outcome]:
    """Handle records one after another. After a failure nothing starts, or nothing of the failed items.

    Args:
        invocation: The batch, and what is done with each of its records.
        await_: Runs an awaitable to its end.

    Yields:
        One outcome for each record, as soon as it is known.
    """
    loop = _Loop(invocation, await_)
    for position in range(len(invocation.batch.records)):
        yield loop.next(position)


class _Loop:
    """What is remembered from one record of a batch to the next."""

    def __init__(self, invocation: Invocation, await_: Await) -> None:
        self._invocation = invocation
        self._await = await_
        self._going = True
        self._by_item = invocation.plan.isolate or invocation.holds_items
        self._blocked: set[Item] = set()

    def next(self, position: int) -> Outcome:
        invocation = self._invocation
        if not self._going or (position and not invocation.deadline.may_start()):
            self._going = False
            return Withheld()
        if not self._by_item:
            outcome = self._handle(position, None)
            self._going = acknowledged(outcome)
            return outcome
        item = item_of(invocation.batch.records[position])
        if item in self._blocked:
            return Withheld()
        outcome = self._handle(position, invocation.behind(item))
        if not acknowledged(outcome):
            self._blocked.add(item)
            self._going = invocation.plan.isolate
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
            self._finish(middleware.function(work.record, call_next), work, middleware.name)
            return
        for route in work.remaining():
            with work.watch(route):
                self._finish(route.call(work.record, context), work, route.name)
        work.complete = True

    def _finish(self, returned: object, work: Work, name: str) -> None:
        while inspect.isawaitable(returned):  # an async function may return what is still to be awaited
            returned = self._await(returned, self._invocation.deadline.left())
        refuse_unfinished(returned, work.record, name)

    def _store(self, position: int, work: Work | None, letter: Any, failed: Failed | None) -> Outcome:
        try:
            stored = self._invocation.store(letter)
            while inspect.isawaitable(stored):
                stored = self._await(stored, self._invocation.deadline.left())
            refuse_unstored(stored)
        except Exception as error:
            return Failed("dead letter", error, letter.route)
        return self._invocation.stored(position, work, letter, failed)
