"""The threads that an app keeps for its `def` handlers, and the calls that were left behind on them."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, Protocol, TypeAlias

from headwater.items import Item


class Call(Protocol):
    """Something that runs and will end: a thread's future or a task."""

    def done(self) -> bool:
        """Whether it has ended."""
        ...

    def add_done_callback(self, callback: Callable[[Any], object], /) -> object:
        """Have a function called when it ends, or at once when it has."""
        ...


Result: TypeAlias = tuple[Any, BaseException | None]
"""What a function has returned, and what it has raised: not every exception can pass through a future."""


class Workers:
    """A pool of threads, kept from one invocation to the next.

    A call can not be stopped from outside. One that has not ended when an invocation answers goes on beside the next
    ones, so it is remembered by its item: until it ends, no record of that item starts.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._pool: ThreadPoolExecutor | None = None
        self._left_behind: dict[Item, list[Call]] = {}
        self._lock = threading.RLock()  # threads that end call back; at once, when they have ended already

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Result]:
        """Call a function on a thread, in a copy of the caller's context."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._size, thread_name_prefix="headwater")
        return self._pool.submit(contextvars.copy_context().run, _call, function, arguments)

    def leave_behind(self, item: Item, calls: Iterable[Call]) -> None:
        """Remember calls that go on after the invocation; the threads that they keep are replaced."""
        for call in calls:
            with self._lock:
                self._left_behind.setdefault(item, []).append(call)
            call.add_done_callback(partial(self._forget, item))
        self.renew()

    def renew(self) -> None:
        """Take new threads for what is still to be called; those of calls that go on end with them."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False)

    def left_behind(self, item: Item) -> list[Call]:
        """The calls for an item that still go on."""
        return [call for call in self._left_behind.get(item, ()) if not call.done()]

    def _forget(self, item: Item, call: Call) -> None:
        with self._lock:
            calls = self._left_behind.get(item, [])
            calls[:] = [other for other in calls if other is not call]
            if not calls:
                self._left_behind.pop(item, None)


def unpack(result: Result) -> Any:
    """Return what was returned, or raise what was raised."""
    returned, error = result
    if error is not None:
        raise error
    return returned


def _call(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Result:
    try:
        return function(*arguments), None
    except BaseException as error:
        return None, error
