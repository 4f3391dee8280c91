"""What a lane does with one record: the middlewares, the handlers and the dead letter, on the loop and on threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from functools import partial
from typing import Any

from headwater.dead_letters import DeadLetter
from headwater.dead_letters import refuse_unfinished as refuse_unstored
from headwater.errors import HandlerError, out_of_time
from headwater.invocation import Invocation
from headwater.outcomes import Failed, Outcome
from headwater.postbox import Postbox
from headwater.returned import awaited
from headwater.work import Work, refuse_unfinished
from headwater.workers import Result, Workers, unpack


class Steps:
    """The steps of one record. `async def` functions run on the loop, `def` functions on a thread."""

    def __init__(
        self, invocation: Invocation, workers: Workers, postbox: Postbox | None, position: int
    ) -> None:
        self.position = position
        self._invocation = invocation
        self._workers = workers
        self._postbox = postbox
        self._loop = asyncio.get_running_loop()
        # What came out of a task of the user's own, and ends the batch.
        self.fatal: BaseException | None = None
        # Whether it had not ended when the batch did.
        self.left_behind = False
        # Whether a dead letter is on its way, which is not to be interrupted.
        self._storing = False
        self._calls: list[Future[Result]] = []
        self._handler_calls: list[Future[Result]] = []
        self._handling = asyncio.Lock()
        self._own_task: asyncio.Task[Any] | None = None
        # What runs `call_next` for a thread, or is a task of the user's own that does.
        self._inner: set[asyncio.Task[Any]] = set()
        self._over = False
        self._stopped = False

    @property
    def going_on(self) -> list[Future[Result] | asyncio.Task[Any]]:
        """The calls on threads, and tasks of the user's own, that have not ended."""
        calls: list[Future[Result] | asyncio.Task[Any]] = [*self._calls, *self._handler_calls, *self._inner]
        return [call for call in calls if not call.done()]

    def stop(self) -> bool:
        """Cancel what can be: calls that wait for a thread, and what runs `call_next` outside of the lane's own task.

        Returns:
            Whether something goes on that can not be cancelled, a call on a thread or a dead letter on its way.
        """
        self._stopped = True
        if self._storing:
            return True
        self.end()
        return any(isinstance(call, Future) for call in self.going_on)

    def end(self) -> None:
        """Let nothing of the record start any more."""
        self._over = True
        for call in self.going_on:
            call.cancel()

    async def take(self, begun: Work | Failed, behind: str | None) -> Outcome:
        """Run a record's handlers, and settle it if it fails.

        Args:
            begun: What is to be done, or how it has failed already.
            behind: The record of its item that was put aside, when this one is to be put aside unseen.
        """
        self._own_task = asyncio.current_task()
        work = begun if isinstance(begun, Work) else None
        if behind is not None:
            return await self._store(work, self._invocation.hold(self.position, work, behind), None)
        outcome = begun if isinstance(begun, Failed) else await self._run(begun)
        return await self.settle(work, outcome)

    async def settle(self, work: Work | None, outcome: Outcome) -> Outcome:
        """Count a failure, and put the record aside if it is time to."""
        if isinstance(outcome, Failed):
            letter = self._invocation.judge(self.position, work, outcome)
            if letter is not None:
                return await self._store(work, letter, outcome)
        return outcome

    async def _run(self, work: Work) -> Outcome:
        self._invocation.start(work)
        try:
            await self._call(0, work)
        except Exception as error:
            return self._invocation.conclude(work, error)
        return self._invocation.conclude(work, None)

    async def _call(self, depth: int, work: Work) -> None:
        """Call the middleware at this depth, which calls what is inside it; the handlers are innermost."""
        if depth == len(self._invocation.plan.middlewares):
            async with self._handling:  # a middleware may call them twice, even at once
                await self._handle(work)
            return
        middleware = self._invocation.plan.middlewares[depth]
        inside = self._inside_async if middleware.is_async else self._inside_thread
        arguments = work.record, partial(inside, depth + 1, work)
        if middleware.is_async:
            returned = middleware.function(*arguments)
        else:
            returned = unpack(await self._on_thread(self._calls, middleware.function, *arguments))
        refuse_unfinished(await awaited(returned), work.record, middleware.name)

    async def _handle(self, work: Work) -> None:
        # A handler that a middleware has given up goes on, when it is on a thread: the next one must not overlap it.
        while calls := [call for call in self._handler_calls if not call.done()]:
            await asyncio.wait(map(asyncio.wrap_future, calls))
        context = self._invocation.context
        for route in work.remaining():
            with work.watch(route):
                if route.is_async:
                    returned = route.call(work.record, context)
                else:
                    called = self._on_thread(self._handler_calls, route.call, work.record, context)
                    returned = unpack(await called)  # here, as a coroutine lets no StopIteration out
                refuse_unfinished(await awaited(returned), work.record, route.name)
        work.complete = True

    async def _on_thread(
        self, calls: list[Future[Result]], function: Callable[..., Any], *arguments: Any
    ) -> Result:
        call = self._workers.submit(function, *arguments)
        calls.append(call)
        try:
            return await asyncio.wrap_future(call)
        except asyncio.CancelledError:
            if not call.done():  # given up, it goes on: what comes next must not wait for its thread
                self._workers.renew()
            raise

    def _inside_async(self, depth: int, work: Work, record: object) -> Coroutine[Any, Any, None]:
        """`call_next` of a middleware that awaits it."""
        work.refuse_another(record)
        return self._tracked(depth, work)

    def _inside_thread(self, depth: int, work: Work, record: object) -> Coroutine[Any, Any, None] | None:
        """`call_next` of a middleware on a thread, which waits here for the loop.

        A plain decorator around an async middleware comes here on the loop itself, which must not wait: it awaits.
        """
        work.refuse_another(record)
        if asyncio._get_running_loop() is self._loop:
            return self._tracked(depth, work)
        inner = asyncio.run_coroutine_threadsafe(self._packed(depth, work), self._loop)
        try:
            unpack(inner.result())
        except CancelledError:
            raise (self.fatal or out_of_time()) from None
        return None

    async def _tracked(self, depth: int, work: Work) -> None:
        """What `call_next` runs, in the lane's own task or in one that a middleware has made."""
        result = await self._packed(depth, work)
        error = result[1]
        if error is not None and not isinstance(error, Exception):
            self.fatal = error  # out of a task that is not ours, it would leave the loop at once
            raise asyncio.CancelledError
        unpack(result)

    async def _packed(self, depth: int, work: Work) -> Result:
        task = asyncio.current_task()
        if self._over:
            raise _too_late(work)
        if task is not None and task is not self._own_task:
            self._inner.add(task)
            task.add_done_callback(self._inner.discard)
        try:
            await self._call(depth, work)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # out of a task, some of them would leave the loop at once
            return None, error
        return None, None

    async def _store(self, work: Work | None, letter: DeadLetter, failed: Failed | None) -> Outcome:
        self._storing = True
        try:
            if self._postbox is None:
                stored = unpack(await self._on_thread(self._calls, self._invocation.store, letter))
                refuse_unstored(await awaited(stored))
            else:
                await self._postbox.post(letter)
        except Exception as error:
            return Failed("dead letter", error, letter.route)
        except asyncio.CancelledError:
            if not self._stopped:  # the sink's own
                raise
            return Failed("dead letter", out_of_time(), letter.route)
        finally:
            self._storing = False
        return self._invocation.stored(self.position, work, letter, failed)


def _too_late(work: Work) -> HandlerError:
    return HandlerError(
        "a middleware called call_next(record) when its record was settled already, so its handlers have not run: call it "
        "before the middleware returns",
        sequence_number=work.record.sequence_number,
    )
