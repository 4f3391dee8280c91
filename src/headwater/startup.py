"""Functions that run once in each process, before the first batch."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from headwater.errors import DeclarationError
from headwater.signatures import function_name

StartupFunction = TypeVar("StartupFunction", bound=Callable[[], object])


def read_startup(function: Any) -> Callable[[], Any]:
    """Check a startup function when it is declared.

    Raises:
        DeclarationError: When it could not be called without arguments.
    """
    who = f"on_startup function {function_name(function)}"
    if not callable(function):
        raise DeclarationError(f"{who} is no function: it could never be called, so pass one")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise DeclarationError(
            f"{who} contains yield, so calling it would run nothing: write it as a function that returns"
        )
    try:
        inspect.signature(function).bind()
    except TypeError as error:
        raise DeclarationError(
            f"{who} can not be called without arguments ({error}), so no batch would be handled: give it none"
        ) from None
    except ValueError:  # some builtins have no signature to read
        pass
    checked: Callable[[], Any] = function
    return checked
