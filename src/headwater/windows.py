"""The tumbling window of an event source mapping: what an event says of it, and the state that Lambda carries along.

Source: [Tumbling windows](https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-windows.html).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from headwater.errors import SourceError


class Window(NamedTuple):
    """A window of time on one shard.

    Attributes:
        start: When it begins, in UTC.
        end: When it ends, in UTC.
        shard_id: The shard; each has windows and states of its own.
        final: Whether this is the last invocation for the window.
        terminated_early: Whether the state grew over 1 MB: the window goes on, with a fresh state.
    """

    start: datetime
    end: datetime
    shard_id: str
    final: bool
    terminated_early: bool

    @property
    def closes(self) -> bool:
        """Whether Lambda drops the state after this invocation."""
        return self.final or self.terminated_early


def read_window(event: Mapping[str, Any]) -> Window:
    """The window that an event belongs to, which has one.

    Raises:
        SourceError: When the event has a window and does not say all of it.
    """
    window = event["window"]
    start, end = (_read_time(window, name) for name in ("start", "end"))
    return Window(
        start,
        end,
        _read(event, "shardId", str),
        _read(event, "isFinalInvokeForWindow", bool),
        _read(event, "isWindowTerminatedEarly", bool),
    )


def read_state(event: Mapping[str, Any]) -> dict[str, Any]:
    """The state that the last invocation for the window returned; empty at its begin.

    Raises:
        SourceError: When it is no JSON object.
    """
    state = event.get("state")
    if state is None:
        return {}
    if not isinstance(state, dict):
        raise SourceError(
            f"the state of a tumbling window is a JSON object, this is a {type(state).__name__}: "
            "check what invokes the function"
        )
    return state


def _read_time(window: Any, name: str) -> datetime:
    text = window.get(name) if isinstance(window, dict) else None
    try:
        time = datetime.fromisoformat(text) if isinstance(text, str) else None
        if time is not None and time.utcoffset() is not None:
            return time.astimezone(UTC)
    except (ValueError, OverflowError):  # no time that a datetime can hold
        pass
    raise SourceError(
        f"the window of an event has its {name}, as in 2026-11-21T12:00:00Z, this one does not: "
        "check what invokes the function"
    )


def _read(event: Mapping[str, Any], name: str, kind: type[Any]) -> Any:
    value = event.get(name)
    if not isinstance(value, kind):
        raise SourceError(
            f"the event of a tumbling window has {name}, a {kind.__name__}, here it is a {type(value).__name__}: "
            "check what invokes the function"
        )
    return value
