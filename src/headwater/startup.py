"""Functions that run once in each process, before the first batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from headwater.signatures import function_name, refuse_call, refuse_uncallable

StartupFunction = TypeVar("StartupFunction", bound=Callable[[], object])


def read_startup(function: Any) -> Callable[[], Any]:
    """Check a startup function when it is declared.

    Raises:
        DeclarationError: When it could not be called without arguments.
    """
    who = f"on_startup function {function_name(function)}"
    refuse_uncallable(function, who)
    refuse_call(function, (), who, "so no batch would be handled: give it none")
    checked: Callable[[], Any] = function
    return checked
