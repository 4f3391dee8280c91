"""What became of a record, as plain values."""

from __future__ import annotations

from typing import Any

from headwater.outcomes import DeadLettered, Failed, Handled, Outcome, Skipped


def told(outcome: Outcome) -> dict[str, Any]:
    """What became of a record: the same that the process of a function tells of it, without the traceback."""
    name = {"outcome": type(outcome).__name__.lower()}
    match outcome:
        case Failed(phase, error, route) | DeadLettered(phase, error, route):
            error_type = type(error).__name__ if error else None
            return name | {"phase": phase, "route": route, "error": error_type, "message": str(error or "")}
        case Skipped(reason):
            return name | {"routes": [], "reason": reason}
        case Handled(routes):
            return name | {"routes": list(routes)}
        case _:
            return name | {"routes": []}
