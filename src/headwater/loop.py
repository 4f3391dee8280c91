"""One event loop for all async handlers, kept for the life of the process, as their clients and pools expect."""

from __future__ import annotations

import atexit
import contextlib
import contextvars
import inspect
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from headwater.errors import HandlerError, out_of_time

if TYPE_CHECKING:
    import asyncio

# Set in what our loop runs, and in threads that it starts with its context.
_INSIDE: Final = contextvars.ContextVar("headwater_inside_loop", default=False)


class HandlerLoop:
    """Runs awaitables one at a time, each to its end, on a loop that is made with the first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runner: asyncio.Runner | None = None

    def finish(self, returned: object, left: Callable[[], float | None] | None = None) -> object:
        """What comes of a call in the end: an async function may return what is still to be awaited.

        Args:
            returned: What a plain or async function has returned.
            left: Says how many seconds there are; `None` when there is no end.

        Raises: as `run` does.
        """
        while inspect.isawaitable(returned):
            returned = self.run(returned, None if left is None else left())
        return returned

    def run(self, awaitable: Awaitable[Any], seconds: float | None = None) -> Any:
        """Run an awaitable and return its result.

        Args:
            awaitable: What is to be awaited.
            seconds: After which it is cancelled; `None` for never.

        Where another loop runs in this thread already (a notebook, an async test), the caller's thread waits while a
        second one runs ours: a loop can not run inside a loop.

        Raises:
            HandlerError: When called from inside an async handler, which would wait for itself.
            DeadlineError: When it was not done in time.
        """
        import asyncio

        nested = _INSIDE.get()
        if (
            nested and asyncio._get_running_loop() is not None
        ):  # documented, and does not raise when there is none
            if inspect.iscoroutine(awaitable):
                awaitable.close()
            raise HandlerError(
                "an app with async handlers was called inside an async handler, which both need the one event loop: "
                "await what is to be done, or call it from a plain function"
            )

        async def wait() -> Any:
            _INSIDE.set(True)
            limit = asyncio.timeout(seconds)
            try:
                async with limit:
                    return await awaitable
            except TimeoutError:
                if not limit.expired():
                    raise  # the handler's own
                raise out_of_time() from None

        if nested:  # on a thread that the loop waits for, so not on that loop
            with asyncio.Runner() as runner:
                return runner.run(wait())
        with self._lock:
            if self._runner is None:
                self._runner = asyncio.Runner()
                atexit.register(close_at_exit, self._runner)
            # A runner would keep the context of its first run: each awaitable is to see its caller's variables.
            context = contextvars.copy_context()
            if asyncio._get_running_loop() is None:
                return self._runner.run(wait(), context=context)
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(max_workers=1) as helper:
                return helper.submit(self._runner.run, wait(), context=context).result()


def close_at_exit(runner: asyncio.Runner) -> None:
    """Close the loop when the interpreter ends."""
    # From Python 3.12 on no thread can be started any more at exit, as closing would to wait for those of `to_thread`;
    # the loop is closed all the same.
    with contextlib.suppress(RuntimeError):
        runner.close()
