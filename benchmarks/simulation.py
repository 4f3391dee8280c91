"""How the price of a forecast grows with its records: a thousand shards with ten lanes each, and a million records.

`make simulation` prints it. Each size runs in a process of its own, whose peak of memory is told by the system.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from dataclasses import asdict, dataclass
from time import process_time

from rich.console import Console
from rich.table import Table as Shown

from headwater import Modify, StreamApp
from headwater.cli.costs import Prices
from headwater.cli.forecast import Function, forecast
from headwater.cli.quantities import read_latency
from headwater.cli.workload import Sample, Workload
from headwater.mapping import EventSourceMapping
from headwater.testing import Table

SIZES = (10_000, 100_000, 1_000_000)
SHARDS = 1_000
LANES = 10
RATE = 100_000.0


@dataclass(frozen=True, slots=True)
class Measured:
    """One forecast.

    Attributes:
        records: How many were written.
        invocations: How many they took.
        ended: How many were handled or put aside.
        seconds: Of the processor.
        megabytes: Of memory at most, with Python and all that is imported.
    """

    records: int
    invocations: int
    ended: int
    seconds: float
    megabytes: float


def measure(records: int, *, shards: int = SHARDS, lanes: int = LANES, rate: float = RATE) -> Measured:
    """Make one forecast, with failures in one of a thousand records."""
    app = StreamApp(on_failure="isolate", max_attempts=3, dead_letters=print)

    @app.on_modify(attribute="Total")
    def charge(_record: Modify) -> None: ...

    table = Table("Orders", keys="OrderId")
    order = {"OrderId": "A-1", "Customer": "alice", "Total": 10, "Note": "x" * 100}
    sample = Sample(table.modify(order, {**order, "Total": 20}), wanted=True, fails=False)
    workload = Workload([sample], rate, records, 10 * shards, shards, 0.001, 1)
    settings = EventSourceMapping(
        function_response_types=("ReportBatchItemFailures",), parallelization_factor=lanes
    )
    function = Function(128, 3.0, 10 * shards, read_latency("lognormal:20ms"), Prices())
    began = process_time()
    predicted = forecast(app, workload, settings, function)
    seconds = process_time() - began
    ended = predicted.handled + predicted.dead_letters
    unit = 1_000_000 if sys.platform == "darwin" else 1_000
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    return Measured(records, predicted.invocations, ended, seconds, peak)


def main() -> None:
    """Measure each size in a process of its own, and print them with what each costs beside the one before it."""
    shown = Shown(title=f"a forecast with {SHARDS:,} shards of {LANES} lanes", title_justify="left")
    for heading in ("records", "invocations", "records/s", "peak memory", "time", "memory"):
        shown.add_column(heading, justify="right")
    before: Measured | None = None
    for size in SIZES:
        found = _in_a_process(size)
        times, memory = "", ""
        if before is not None:
            times = f"x {found.seconds / before.seconds:.1f}"
            memory = f"x {found.megabytes / before.megabytes:.2f}"
        shown.add_row(
            f"{size:,}",
            f"{found.invocations:,}",
            f"{size / found.seconds:,.0f}",
            f"{found.megabytes:,.0f} MB",
            times,
            memory,
        )
        before = found
    shown.caption = "time, memory: beside the row above, which has a tenth of the records"
    Console().print(shown)


def _in_a_process(size: int) -> Measured:
    done = subprocess.run(  # noqa: S603 - our own words
        [sys.executable, "-m", "benchmarks.simulation", str(size)], stdout=subprocess.PIPE, check=True
    )
    return Measured(**json.loads(done.stdout))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(asdict(measure(int(sys.argv[1])))))
    else:
        main()
