"""Functions around the handlers of a record: what they look like, and how they are told apart."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

from headwater.errors import DeclarationError
from headwater.kinds import AnyKind
from headwater.records import Record
from headwater.signatures import function_name, is_async

CallNext: TypeAlias = Callable[[Record[Any, Any]], Any]
"""Runs what is inside a middleware: the next one, in the end the handlers. Awaited in an `async def` middleware."""

MiddlewareFunction = TypeVar("MiddlewareFunction", bound=Callable[[AnyKind, CallNext], object])

_PARAMETERS: Final = 2


@dataclass(frozen=True, slots=True)
class Middleware:
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
    if not callable(function):
        raise DeclarationError(f"{who} is no function: it could never be called, so pass one")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise DeclarationError(
            f"{who} contains yield, so calling it would run nothing and no record would be handled: "
            "write it as a function that calls call_next(record)"
        )
    try:
        inspect.signature(function).bind(*range(_PARAMETERS))
    except TypeError as error:
        raise DeclarationError(
            f"{who} can not be called with a record and call_next ({error}), so every record would fail: "
            "give it these two parameters"
        ) from None
    except ValueError:  # some builtins have no signature to read
        pass
    return Middleware(function, is_async(function))
