"""The loop over a batch in lanes: records of one item in order, those of different items side by side.

A lane is an item of which a record is running. Records are taken in the order of the batch; one whose item has a lane
already waits in it. A task is made for a record when it starts, and not before.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import perf_counter

from headwater.errors import DeadlineError, out_of_time
from headwater.invocation import Invocation
from headwater.items import Item, item_of
from headwater.outcomes import Failed, Outcome, Withheld, acknowledged
from headwater.postbox import Postbox
from headwater.steps import Steps
from headwater.work import Work
from headwater.workers import Call, Workers


@dataclass(frozen=True, slots=True)
class _Lane:
    """A record that is running."""

    item: Item
    steps: Steps
    work: Work | None
    began: float


class Lanes:
    """The lanes of one batch."""

    def __init__(self, invocation: Invocation, width: int, workers: Workers) -> None:
        """Start nothing yet.

        Args:
            invocation: The batch, and what is done with each of its records.
            width: How many records run at once.
            workers: The threads for what is not async.
        """
        self._invocation = invocation
        self._width = width
        self._workers = workers
        policy = invocation.plan.dead_letters
        self._postbox = Postbox(policy, workers) if policy is not None and policy.groups else None
        self._outcomes: list[Outcome] = [Withheld()] * len(invocation.batch.records)
        self._next_unseen = 0
        self._ready: deque[tuple[int, Item]] = deque()
        self._lanes: dict[Item, deque[int]] = {}
        self._blocked: set[Item] = set()
        self._running: dict[asyncio.Task[Outcome | None], _Lane] = {}
        self._waiting = 0  # lanes that wait for a call that an earlier invocation left behind
        self._started = False
        self._going = True
        self._late = False
        self._fatal: BaseException | None = None

    async def run(self) -> list[Outcome]:
        """Run the batch.

        Returns:
            One outcome for each record, in the order of the batch.

        Raises:
            BaseException: What is no `Exception` and came out of a handler, after all others have been stopped.
        """
        self._context = contextvars.copy_context()
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        try:
            self._fill()
            async with asyncio.timeout(self._invocation.deadline.left()):
                await self._ended.wait()
        except TimeoutError:
            self._late = True
            await self._stop()
        except BaseException:
            await self._stop()
            raise
        if self._fatal is not None:
            await self._stop()
            raise self._fatal
        return self._outcomes

    def _fill(self) -> None:
        """Start records until all lanes are taken or none may start."""
        deadline = self._invocation.deadline
        while self._going and len(self._running) < self._width:
            if self._started and not deadline.may_start():
                self._going = False
            elif self._ready or self._open_lane():
                self._start(*self._ready.popleft())
            else:
                break
        if not self._running and not (self._going and self._waiting):
            self._ended.set()

    def _open_lane(self) -> bool:
        """Find a record whose item has no lane yet; those before it wait in theirs, or are withheld."""
        records = self._invocation.batch.records
        while not self._ready and self._next_unseen < len(records):
            position = self._next_unseen
            self._next_unseen += 1
            item = item_of(records[position])
            if item in self._blocked:
                continue
            if item in self._lanes:
                self._lanes[item].append(position)
            else:
                self._lanes[item] = deque((position,))
                self._advance(item)
        return bool(self._ready)

    def _advance(self, item: Item) -> None:
        """Let the next record of an item start, when nothing that was left behind goes on for it."""
        if calls := self._workers.left_behind(item):
            self._wait_for(item, calls)
        else:
            self._ready.append((self._lanes[item].popleft(), item))

    def _wait_for(self, item: Item, calls: list[Call]) -> None:
        """Let the item's records start when all calls have ended."""
        self._waiting += 1
        going_on = len(calls)

        def one_ended() -> None:
            nonlocal going_on
            going_on -= 1
            if not going_on:
                self._waiting -= 1
                with self._ending_on_error():
                    self._advance(item)
                    self._fill()

        for call in calls:
            call.add_done_callback(lambda _call: self._loop.call_soon_threadsafe(one_ended))

    def _start(self, position: int, item: Item) -> None:
        self._started = True
        invocation, began = self._invocation, perf_counter()
        begun = invocation.begin(position)
        if not isinstance(begun, Work | Failed):  # no handler, so no task either
            invocation.close(position, None, begun, began)
            self._settle(position, item, begun)
            return
        work = begun if isinstance(begun, Work) else None
        lane = _Lane(item, self._steps(position), work, began)
        task = self._loop.create_task(
            self._handle(lane, begun, invocation.behind(item)), context=self._context.copy()
        )
        self._running[task] = lane
        task.add_done_callback(self._ran)

    async def _handle(self, lane: _Lane, begun: Work | Failed, behind: str | None) -> Outcome | None:
        try:
            try:
                outcome = await lane.steps.take(begun, behind)
            except asyncio.CancelledError:
                if not self._late:  # a handler's own, or the whole batch is to end
                    raise
                outcome = await lane.steps.settle(lane.work, _out_of_time(lane.work))
            if not lane.steps.left_behind:
                self._close(lane, outcome)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            # Out of a task, KeyboardInterrupt and SystemExit would leave the loop at once, with the others running.
            self._end(error)
            return None
        finally:
            lane.steps.end()
        return outcome

    def _close(self, lane: _Lane, outcome: Outcome) -> None:
        self._invocation.close(lane.steps.position, lane.work, outcome, lane.began)

    def _ran(self, task: asyncio.Task[Outcome | None]) -> None:
        with self._ending_on_error():
            self._note(task, self._running.pop(task))

    @contextmanager
    def _ending_on_error(self) -> Iterator[None]:
        """Around what the loop calls: it would log an error of ours and go on, and the batch would wait for ever."""
        try:
            yield
        except BaseException as error:
            self._end(error)

    def _end(self, error: BaseException) -> None:
        self._fatal = self._fatal or error
        self._going = False
        self._ended.set()

    def _note(self, task: asyncio.Task[Outcome | None], lane: _Lane) -> None:
        if going_on := lane.steps.going_on:
            self._workers.leave_behind(lane.item, going_on)
        if task.cancelled():
            raise lane.steps.fatal or asyncio.CancelledError
        outcome = task.result()
        if outcome is None:
            return
        self._settle(lane.steps.position, lane.item, outcome)
        self._fill()

    def _settle(self, position: int, item: Item, outcome: Outcome) -> None:
        """Note an outcome, and let the next record of the item start, or none."""
        self._outcomes[position] = outcome
        if not acknowledged(outcome):
            self._blocked.add(item)
            del self._lanes[item]
            self._going = self._going and self._invocation.plan.isolate
            return
        self._invocation.note_held(item, position, outcome)
        if self._lanes[item]:
            self._advance(item)
        else:
            del self._lanes[item]

    async def _stop(self) -> None:
        """End what is running: what does not end in time is left behind, and counts as not acknowledged."""
        self._going = False
        grace = self._invocation.deadline.grace
        for lane in self._running.values():
            if going_on := lane.steps.going_on:  # so that there are threads for what is still to be done
                self._workers.leave_behind(lane.item, going_on)
        for task, lane in self._running.items():
            if not lane.steps.stop():
                task.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=grace)
        for task in self._running:  # those that waited for a thread, which goes on
            task.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=grace)
        while any(task.done() for task in self._running):  # noqa: ASYNC110 - the loop is about to call back for them
            await asyncio.sleep(0)
        left = list(self._running.items())  # those that did not let themselves be cancelled
        for task, lane in left:
            lane.steps.left_behind = True
            task.remove_done_callback(self._ran)
            self._workers.leave_behind(lane.item, [task])
        self._running.clear()
        for _, lane in left if self._late else ():
            await self._fail(lane, _out_of_time(lane.work))
        if self._late and self._outcomes and isinstance(self._outcomes[0], Withheld):
            # The first record could not start: to Lambda that is an attempt, as nothing before it has made progress.
            item = item_of(self._invocation.batch.records[0])
            await self._fail(_Lane(item, self._steps(0), None, perf_counter()), _still_running())

    async def _fail(self, lane: _Lane, failed: Failed) -> None:
        """Settle a record that has no task any more."""
        outcome: Outcome = failed
        with suppress(TimeoutError):
            async with asyncio.timeout(self._invocation.deadline.grace):
                outcome = await lane.steps.settle(lane.work, failed)
        self._outcomes[lane.steps.position] = outcome
        self._close(lane, outcome)

    def _steps(self, position: int) -> Steps:
        return Steps(self._invocation, self._workers, self._postbox, position)


def _out_of_time(work: Work | None) -> Failed:
    names = [] if work is None else [route.name for route in work.routes if route.key not in work.done]
    return Failed("deadline", out_of_time(), names[0] if names else None)


def _still_running() -> Failed:
    return Failed(
        "deadline",
        DeadlineError(
            "the record waited in vain for a handler of its item that an earlier invocation had left behind: a thread can "
            "not be stopped, so give what it waits for a timeout"
        ),
    )
