"""What is compared: contestants that do the same work, and that must do it right before they are timed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

DONE: dict[str, list[object]] = {"batchItemFailures": []}
"""What a function answers when every record succeeded."""


def is_done(result: Any) -> bool:
    """Whether every record succeeded."""
    return bool(result == DONE)


def nothing() -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """One way to do the work of a workload.

    Attributes:
        name: What the table calls it.
        run: Does the work once and returns a result.
        is_right: Whether a result is right.
        amount: How much work one run is, such as its number of records: times are divided by it.
        is_floor: Whether it does less than a user needs, to show what is not overhead.
        settle: Ends what a run left behind; not timed.
        whole: A run whose result has everything to look at, where `run` keeps only the end of it.
    """

    name: str
    run: Callable[[], Any]
    is_right: Callable[[Any], bool]
    amount: int = 1
    is_floor: bool = False
    settle: Callable[[], None] = nothing
    whole: Callable[[], Any] | None = None

    def works(self) -> bool:
        """Whether a run gives the right result."""
        try:
            return self.is_right((self.whole or self.run)())
        finally:
            self.settle()


@dataclass(frozen=True, slots=True)
class Workload:
    """Contestants that are compared with the first of them.

    Attributes:
        family: The section of the documentation that it belongs to.
        title: What is done, and what a ratio is about.
        contestants: The first one's time is 1.
        rounds: How often each contestant runs in one pass at least; few where a run is long.
        is_long: Whether one turn is enough: its noise is small beside its time.
    """

    family: str
    title: str
    contestants: tuple[Contestant, ...]
    rounds: int = 2
    is_long: bool = False
