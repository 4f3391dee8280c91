"""Runs contestants on one workload: each must give the expected result before it is timed."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

ROUNDS = 7
LONG_SECONDS = 2.0
"""What takes longer is run once: it is too long for its noise to matter."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """One way to do the work.

    Attributes:
        run: Does it once and returns a result.
        check: Whether a result is right.
    """

    run: Callable[[], Any]
    check: Callable[[Any], bool]


def fastest(contestants: Mapping[str, Contestant]) -> dict[str, float]:
    """Seconds that each contestant takes at best, measured in turns, so that a busy machine is busy for all."""
    best: dict[str, float] = {}
    for name, contestant in contestants.items():
        start = time.perf_counter()
        result = contestant.run()
        best[name] = time.perf_counter() - start
        if not contestant.check(result):
            raise ValueError(f"{name} gives a wrong result, so its speed says nothing")
    short = [name for name, seconds in best.items() if seconds < LONG_SECONDS]
    for _ in range(ROUNDS):
        for name in short:
            gc.collect()
            start = time.perf_counter()
            contestants[name].run()
            best[name] = min(best[name], time.perf_counter() - start)
    return best
