"""Work in threads, and what follows from it in one thread alone."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from threading import Semaphore, Thread
from typing import Any

from typing_extensions import TypeVar

T = TypeVar("T")


class Threads:
    """Threads that nobody waits for when the process ends: a request that hangs does not hold it up.

    Those of `concurrent.futures` are waited for, however they are shut down.
    """

    def __init__(self, most: int, name: str) -> None:
        """Start none yet.

        Args:
            most: How many there may be; more work waits.
            name: What their names begin with.
        """
        self._most = most
        self._name = name
        self._started = 0
        self._free = Semaphore(0)
        self._waiting: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()

    def submit(self, work: Callable[[], T]) -> Future[T]:
        """Run something as soon as a thread is free. For one thread at a time."""
        future: Future[T] = Future()
        self._waiting.put((future, work))
        if not self._free.acquire(blocking=False) and self._started < self._most:
            self._started += 1
            Thread(target=self._run, name=f"{self._name}-{self._started}", daemon=True).start()
        return future

    def stop(self) -> None:
        """Cancel what waits, and let the threads end when their work is over."""
        with suppress(Empty):
            while waiting := self._waiting.get_nowait():
                waiting[0].cancel()
        for _ in range(self._started):
            self._waiting.put(None)

    def _run(self) -> None:
        while self._do_next():
            self._free.release()

    def _do_next(self) -> bool:
        """Whether there was something to do. In a call of its own, so that a free thread holds on to nothing."""
        waiting = self._waiting.get()
        if waiting is None:
            return False
        future, work = waiting
        if future.set_running_or_notify_cancel():
            try:
                result = work()
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)
        return True


class Tasks:
    """What is done in threads. What comes of it waits in a queue until somebody takes it."""

    def __init__(self) -> None:
        self._happened: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def do(
        self,
        threads: Threads,
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
