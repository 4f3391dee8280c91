"""Functions around the handlers of a record: what they look like, and how they are told apart."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias, TypeVar

from headwater.kinds import AnyKind
from headwater.records import Record
from headwater.signatures import function_name, is_async, refuse_call, refuse_uncallable

CallNext: TypeAlias = Callable[[Record[Any, Any]], Any]
"""Runs what is inside a middleware: the next one, in the end the handlers. Awaited in an `async def` middleware."""

MiddlewareFunction = TypeVar("MiddlewareFunction", bound=Callable[[AnyKind, CallNext], object])


class Middleware(NamedTuple):
    """A function around the handlers of a record."""

    function: Callable[[Any, Any], Any]
    is_async: bool

    @property
    def may_await(self) -> bool:
        """Whether it may return what awaits `call_next`, as a plain decorator around an async function does."""
        return self.is_async or is_async(inspect.unwrap(self.function))

    @property
    def name(self) -> str:
        """The function's name."""
        return function_name(self.function)


def read_middleware(function: Any) -> Middleware:
    """Check a middleware when it is declared.

    Raises:
        DeclarationError: When it could not be called with a record and `call_next`.
    """
    who = f"middleware {function_name(function)}"
    refuse_uncallable(function, who)
    fix = "so every record would fail: give it these two parameters"
    refuse_call(function, ("a record", "call_next"), who, fix)
    return Middleware(function, is_async(function))
