"""What became of a record: one frozen value each."""

from __future__ import annotations

from typing import Final, NamedTuple, TypeAlias

from headwater.errors import Phase


class Handled(NamedTuple):
    """Every matching route has returned, in this invocation or, as the ledger says, in an earlier one."""

    routes: tuple[str, ...]


class Skipped(NamedTuple):
    """No route wanted the record, or every handler that it had raised `Skip`. That is success.

    Attributes:
        reason: What was given to `Skip`; `None` when no route wanted the record.
    """

    reason: str | None = None


class DeadLettered(NamedTuple):
    """The record failed, and the dead-letter sink has stored it. Lambda need not deliver it again.

    Attributes:
        phase: In which step it failed.
        error: What was raised; `None` when an earlier invocation stored it, or when it was put aside behind an earlier
            record of its item (`hold_item=True`).
        route: The name of the route it was in; `None` when none was reached.
        attempts: In how many invocations it has failed.
    """

    phase: Phase
    error: Exception | None = None
    route: str | None = None
    attempts: int = 0


class Failed(NamedTuple):
    """Something raised; Lambda is to deliver the record again.

    Attributes:
        phase: In which step.
        error: What was raised.
        route: The name of the route it was in; `None` when none was reached.
    """

    phase: Phase
    error: Exception
    route: str | None = None


class Withheld(NamedTuple):
    """Not started: behind a failure, or since the time was nearly over. Lambda delivers it again."""

    def __bool__(self) -> bool:
        return True  # as the others, though it holds nothing


Outcome: TypeAlias = Handled | Skipped | DeadLettered | Failed | Withheld


ACKNOWLEDGED: Final = frozenset({Handled, Skipped, DeadLettered})
"""The outcomes of records that are done with."""


def acknowledged(outcome: Outcome) -> bool:
    """Whether the record is done with, so that Lambda need not deliver it again."""
    return type(outcome) in ACKNOWLEDGED
