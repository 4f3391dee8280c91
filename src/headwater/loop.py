"""One event loop for all async handlers, kept for the life of the process, as their clients and pools expect."""

from __future__ import annotations

import atexit
import contextvars
import threading
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio


class HandlerLoop:
    """Runs awaitables one at a time, each to its end, on a loop that is made with the first."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._runner: asyncio.Runner | None = None

    def run(self, awaitable: Awaitable[Any]) -> Any:
        """Run an awaitable and return its result.

        Where a loop runs in this thread already (a notebook, an async test), the caller's thread waits while another
        one runs ours: a loop can not run inside a loop.
        """
        import asyncio

        async def wait() -> Any:
            return await awaitable

        with self._lock:
            if self._runner is None:
                self._runner = asyncio.Runner()
                atexit.register(self._runner.close)
            # A runner would keep the context of its first run: each awaitable is to see its caller's variables.
            context = contextvars.copy_context()
            if asyncio._get_running_loop() is None:
                return self._runner.run(wait(), context=context)
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor(max_workers=1) as helper:
                return helper.submit(self._runner.run, wait(), context=context).result()
