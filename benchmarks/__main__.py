"""Measure everything in turns, print one table, and write the figures that the documentation shows."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from benchmarks import memory
from benchmarks.chart import chart
from benchmarks.everything import workloads
from benchmarks.results import (
    Comparison,
    Results,
    Row,
    best_of,
    compare,
    noise_of,
    read_turn,
    significant,
    versions,
)
from benchmarks.tables import markdown, terminal

HERE = Path(__file__).parent
ROOT = HERE.parent
TURNS = 3
"""Each in a process of its own, since one process can be luckier than another with where its memory lies."""


def main() -> None:
    """Take all turns, then print and write."""
    console = Console()
    results = Results(versions(), *_measured(console))
    results.write(HERE / "results.json")
    (HERE / "results.md").write_text(markdown(results))
    (ROOT / "docs" / "assets" / "performance.svg").write_text(chart(results))
    console.print(terminal(results))


def _measured(console: Console) -> tuple[float, tuple[Comparison, ...]]:
    turns = []
    for number in range(1, TURNS + 1):
        console.print(f"turn {number} of {TURNS}")
        turns.append(_turn("timing.py" if number == 1 else "timing.py::test_time"))
    console.print("memory")
    event = Row("the parsed event alone", 1.0, is_floor=True)
    rows = [event, *(Row(name, significant(peak)) for name, peak in memory.peaks().items())]
    title = f"peak of memory with a 6 MB event of {memory.RECORDS:,} records"
    return noise_of(turns), (
        *compare(workloads(), best_of(turns)),
        Comparison("memory", title, tuple(rows)),
    )


def _turn(tests: str) -> dict[tuple[str, str], float]:
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "turn.json"
        options = ("--quiet", "-p", "no:cacheprovider", "--benchmark-quiet", "--benchmark-json", str(found))
        done = subprocess.run(  # noqa: S603 - our own words
            [sys.executable, "-m", "pytest", *options, str(HERE / tests)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
        return read_turn(found)


if __name__ == "__main__":
    main()
