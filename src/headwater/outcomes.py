"""What became of a record: one frozen value each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from headwater.errors import Phase


@dataclass(frozen=True, slots=True)
class Handled:
    """Every matching route has returned."""

    routes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Skipped:
    """No route wanted the record. That is success."""


@dataclass(frozen=True, slots=True)
class Failed:
    """Something raised; Lambda is to deliver the record again.

    Attributes:
        phase: In which step.
        error: What was raised.
        route: The name of the route it was in; `None` when none was reached.
    """

    phase: Phase
    error: Exception
    route: str | None = None


@dataclass(frozen=True, slots=True)
class Withheld:
    """Not started, since an earlier record of the batch failed; Lambda delivers it again with that one."""


Outcome: TypeAlias = Handled | Skipped | Failed | Withheld


def acknowledged(outcome: Outcome) -> bool:
    """Whether the record is done with, so that Lambda need not deliver it again."""
    return isinstance(outcome, Handled | Skipped)
