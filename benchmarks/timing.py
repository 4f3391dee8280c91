"""Times each contestant with pytest-benchmark, once it has shown that its result is right: `make bench` runs this in turns."""

from __future__ import annotations

import gc
import math
import time
from functools import cache
from typing import Any

import pytest

from benchmarks.contest import Contestant, Workload
from benchmarks.everything import workloads

PASSES = 3
"""How often the whole list is gone through: a machine that is slow for a second is so for other contestants each time."""
SECONDS = 0.05
"""What a contestant gets in one pass."""
MOST_ROUNDS = 50

ALL = workloads()


def _contestants(*, is_long: bool) -> pytest.MarkDecorator:
    pairs = [
        pytest.param(workload, contestant, id=f"{workload.title}: {contestant.name}")
        for workload in ALL
        if workload.is_long == is_long
        for contestant in workload.contestants
    ]
    return pytest.mark.parametrize(("workload", "contestant"), pairs)


@_contestants(is_long=False)
@pytest.mark.parametrize("number", range(PASSES))  # varies last, so that the list is repeated
def test_time(benchmark: Any, workload: Workload, contestant: Contestant, number: int) -> None:
    """Measured in every turn."""
    del number
    _time(benchmark, workload, contestant)


@_contestants(is_long=True)
def test_long_time(benchmark: Any, workload: Workload, contestant: Contestant) -> None:
    """Measured in the first turn alone."""
    _time(benchmark, workload, contestant)


def _time(benchmark: Any, workload: Workload, contestant: Contestant) -> None:
    rounds = math.ceil(SECONDS / _seconds_of(contestant))
    benchmark.extra_info.update(workload=workload.title, contestant=contestant.name, amount=contestant.amount)
    gc.collect()
    gc.freeze()  # else each collection would go through what the other contestants have left
    benchmark.pedantic(
        contestant.run, teardown=contestant.settle, rounds=min(max(rounds, workload.rounds), MOST_ROUNDS)
    )


@cache
def _seconds_of(contestant: Contestant) -> float:
    start = time.perf_counter()
    if not contestant.works():
        raise ValueError(f"{contestant.name} gives a wrong result, so its speed says nothing")
    return time.perf_counter() - start
