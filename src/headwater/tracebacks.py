"""The part of a traceback that says why a handler failed."""

from __future__ import annotations

from types import TracebackType
from typing import Final

_MACHINERY: Final = ("headwater", "asyncio", "concurrent", "threading")
"""Packages whose frames lead to a handler and say nothing about why it failed."""


def since_user_code(error: BaseException) -> TracebackType | None:
    """The traceback from the first line of the user's own on; all of it where there is none."""
    frames = error.__traceback__
    while frames is not None:
        if frames.tb_frame.f_globals.get("__name__", "").partition(".")[0] not in _MACHINERY:
            return frames
        frames = frames.tb_next
    return error.__traceback__
