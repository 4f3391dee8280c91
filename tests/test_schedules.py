"""Random schedules of failures, through redelivery until nothing is left: no loss, no disorder, few repeats.

What a schedule holds and what must hold of it is in `tests/schedules.py`; `make soak` runs them without end.
"""

from __future__ import annotations

import logging
import sys
from collections import Counter

import pytest

from tests.schedules import check

CHUNKS = 20
SCHEDULES = 350  # in each chunk: 7,000 on each Python, and others on each, so that the gate runs 21,000
FIRST = sys.version_info.minor * 100_000


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_nothing_is_lost_or_out_of_order_and_little_is_repeated(
    chunk: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever fails, how often, at which concurrency and under which policy."""
    caplog.set_level(logging.CRITICAL + 1, logger="headwater")
    happened: Counter[str] = Counter()
    for seed in range(FIRST + chunk * SCHEDULES, FIRST + (chunk + 1) * SCHEDULES):
        happened += check(seed)
    expected = {
        "Handled",
        "Skipped",
        "DeadLettered",
        "Failed",
        "Withheld",
        "bisected",
        "lost answer",
        "ended",
        "pipes",
    }
    assert {name for name in expected if not happened[name]} == set()
