"""What a function has returned: what comes of it when it is awaited, and when it can not count as done."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeAlias

Finish: TypeAlias = Callable[[object], object]
"""What comes of a call in the end, where nothing can be awaited: waits for what is returned."""


async def awaited(returned: Any) -> Any:
    """What comes of a call in the end: an async function may return what is still to be awaited."""
    while inspect.isawaitable(returned):
        returned = await returned
    return returned


def unfinished(returned: object) -> str | None:
    """What is wrong with a value that stands for work that has not been done; `None` for any other one.

    Args:
        returned: What is there when all that can be awaited has been.
    """
    if inspect.isgenerator(returned) or inspect.isasyncgen(returned):
        return "a generator, whose body has not run: write it as a plain or async function"
    if callable(getattr(type(returned), "add_done_callback", None)):
        return "a future, whose work may not be done: return its result()"
    return None
