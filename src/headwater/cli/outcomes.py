"""What became of a record, as plain values: what the process of a function tells of it, and what displays show."""

from __future__ import annotations

from typing import Any

from headwater.errors import HeadwaterError
from headwater.outcomes import DeadLettered, Failed, Handled, Outcome, Skipped


def told(outcome: Outcome) -> dict[str, Any]:
    """What became of a record, ready for JSON."""
    name = {"outcome": type(outcome).__name__.lower()}
    match outcome:
        case Failed(phase, error, route) | DeadLettered(phase, error, route):
            return name | {
                "phase": phase,
                "route": route,
                "error": error and type(error).__name__,
                "path": error.path if isinstance(error, HeadwaterError) else "",
                "message": text_of_error(error),
            }
        case Skipped(reason):
            return name | {"routes": [], "reason": reason}
        case Handled(routes):
            return name | {"routes": list(routes)}
        case _:
            return name | {"routes": []}


def text_of_error(error: Exception | None) -> str:
    """What an error says; empty where there is none, or it can not even say what it is."""
    try:
        return "" if error is None else str(error)
    except Exception:
        return ""
