"""Work in threads, and what follows from it in one thread alone."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue

from typing_extensions import TypeVar

T = TypeVar("T")


class Tasks:
    """What is done in threads. What comes of it waits in a queue until somebody takes it."""

    def __init__(self) -> None:
        self._happened: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def do(
        self,
        threads: Executor,
        work: Callable[[], T],
        then: Callable[[T], None],
        otherwise: Callable[[Exception], None],
    ) -> Future[T]:
        """Run something in a thread.

        Args:
            threads: The threads.
            work: What to run.
            then: Given what it returned, in the thread that calls `take`.
            otherwise: Given what it raised, likewise.

        Returns:
            The work. Once it is cancelled, nothing follows from it.
        """
        future = threads.submit(work)
        follow = partial(_follow, future, then, otherwise)
        future.add_done_callback(lambda _future: self._happened.put(follow))
        return future

    def tell(self, happen: Callable[[], None]) -> None:
        """Have something called by the thread that takes. For any thread, and for signal handlers."""
        self._happened.put(happen)

    def take(self, seconds: float) -> None:
        """Wait for something to happen, for so long at most, and call what follows from all that has happened."""
        with suppress(Empty):
            happened = self._happened.get(timeout=seconds)
            while True:
                happened()
                happened = self._happened.get_nowait()


def _follow(future: Future[T], then: Callable[[T], None], otherwise: Callable[[Exception], None]) -> None:
    if future.cancelled():
        return
    error = future.exception()
    if error is None:
        then(future.result())
    elif isinstance(error, Exception):
        otherwise(error)
    else:
        raise error
