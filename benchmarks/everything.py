"""All workloads that are timed."""

from __future__ import annotations

from benchmarks import handlers, images, processes, scale, unwanted
from benchmarks.contest import Workload

RECORDS = 1_000


def workloads(records: int = RECORDS) -> list[Workload]:
    """What is timed, in the order of the table.

    Args:
        records: The size of a batch.
    """
    return [
        *unwanted.workloads(records),
        *images.workloads(records),
        *handlers.workloads(records),
        *processes.workloads(),
        *scale.workloads(records),
    ]
