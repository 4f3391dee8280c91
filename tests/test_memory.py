"""Handling a full event takes little memory beside the event itself: nothing of a record is kept when it is done."""

from __future__ import annotations

import pytest

from benchmarks import memory

MOST = 1.3


@pytest.fixture(scope="module")
def event() -> str:
    return memory.full_event()


def test_the_event_is_as_full_as_lambda_makes_it(event: str) -> None:
    """10,000 records in close to 6 MB."""
    assert 5_500_000 < len(event) < 6_291_456


@pytest.mark.parametrize("name", [name for name in memory.contestants() if "Headwater" in name])
def test_a_full_event_is_handled_in_little_more_memory_than_it_takes(name: str, event: str) -> None:
    """Whether each record is decoded or none."""
    assert memory.peak(memory.contestants()[name], event) < MOST
