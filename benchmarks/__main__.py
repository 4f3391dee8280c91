"""Print one table a workload: each contestant's time as a multiple of Headwater's."""

from __future__ import annotations

import platform
from importlib.metadata import version

from rich.console import Console
from rich.table import Table

from benchmarks.contest import fastest
from benchmarks.workloads import ALL

PEERS = ("headwater", "pydantic", "aws-lambda-powertools", "dynamodb-stream-router", "boto3")


def main() -> None:
    """Measure all workloads and print them."""
    console = Console()
    console.print(
        f"Python {platform.python_version()}, " + ", ".join(f"{peer} {version(peer)}" for peer in PEERS)
    )
    for title, workload in ALL.items():
        times = fastest(workload())
        own = next(iter(times.values()))
        table = Table(title=title, title_justify="left")
        table.add_column("who")
        table.add_column("times Headwater's", justify="right")
        for name, seconds in times.items():
            table.add_row(name, f"{seconds / own:.2f}")
        console.print(table)


if __name__ == "__main__":
    main()
