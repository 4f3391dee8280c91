"""What a lane does with one record: the middlewares, the handlers and the dead letter, on the loop and on threads."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from functools import partial
from typing import Any

from headwater.dead_letters import DeadLetter
from headwater.errors import out_of_time
from headwater.invocation import Invocation
from headwater.outcomes import Failed, Outcome
from headwater.postbox import Postbox
from headwater.work import Work, refuse_generator
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
        self.storing = False  # a dead letter is on its way: it is not to be interrupted
        self._calls: list[Future[Result]] = []
        self._inner: set[asyncio.Task[Any]] = set()  # what a thread waits for on the loop
        self._cancelled = False

    @property
    def going_on(self) -> list[Future[Result]]:
        """The calls on threads that have not ended."""
        return [call for call in self._calls if not call.done()]

    def cancel(self) -> bool:
        """Cancel what can be: calls that wait for a thread, and what a thread waits for on the loop.

        Returns:
            Whether something goes on that can not be cancelled, a call on a thread or a dead letter on its way.
        """
        if not self.storing:
            self._cancelled = True
            for call in self._calls:
                call.cancel()
            for task in self._inner:
                task.cancel()
        return self.storing or bool(self.going_on)

    async def take(self, begun: Work | Failed, behind: str | None) -> Outcome:
        """Run a record's handlers, and settle it if it fails.

        Args:
            begun: What is to be done, or how it has failed already.
            behind: The record of its item that was put aside, when this one is to be put aside unseen.
        """
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
        invocation = self._invocation
        if depth < len(invocation.plan.middlewares):
            middleware = invocation.plan.middlewares[depth]
            inside = self._inside_async if middleware.is_async else self._inside_thread
            call_next = partial(inside, depth + 1, work)
            returned = await self._perform(middleware.function, middleware.is_async, work.record, call_next)
            refuse_generator(returned, work.record, middleware.name)
            return
        for route in work.remaining():
            with work.watch(route):
                returned = await self._perform(route.call, route.is_async, work.record, invocation.context)
                refuse_generator(returned, work.record, route.name)
        work.complete = True

    async def _perform(self, function: Callable[..., Any], is_async: bool, *arguments: Any) -> Any:  # noqa: FBT001
        """Call a function, and await what comes back: an async function may return what is still to be awaited."""
        returned = function(*arguments) if is_async else await self._on_thread(function, *arguments)
        while inspect.isawaitable(returned):
            returned = await returned
        return returned

    async def _on_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        call = self._workers.submit(function, *arguments)
        self._calls.append(call)
        return unpack(await asyncio.wrap_future(call))

    def _inside_async(self, depth: int, work: Work, record: object) -> Coroutine[Any, Any, None]:
        """`call_next` of a middleware that awaits it."""
        work.refuse_another(record)
        return self._call(depth, work)

    def _inside_thread(self, depth: int, work: Work, record: object) -> None:
        """`call_next` of a middleware on a thread, which waits here for the loop."""
        work.refuse_another(record)
        inner = asyncio.run_coroutine_threadsafe(self._packed(depth, work), self._loop)
        try:
            unpack(inner.result())
        except CancelledError:
            raise out_of_time() from None

    async def _packed(self, depth: int, work: Work) -> Result:
        task = asyncio.current_task()
        if task is None or self._cancelled:
            raise asyncio.CancelledError
        self._inner.add(task)
        try:
            await self._call(depth, work)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # out of a task, some of them would leave the loop at once
            return None, error
        finally:
            self._inner.discard(task)
        return None, None

    async def _store(self, work: Work | None, letter: DeadLetter, failed: Failed | None) -> Outcome:
        self.storing = True
        try:
            if self._postbox is None:
                await self._perform(self._invocation.store, False, letter)  # noqa: FBT003
            else:
                await self._postbox.post(letter)
        except Exception as error:
            return Failed("dead letter", error, letter.route)
        finally:
            self.storing = False
        return self._invocation.stored(self.position, work, letter, failed)
