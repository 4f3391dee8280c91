"""Counts the instructions that a record costs, and fails where one has grown: counts are the same on a busy machine.

`make instructions` compares with `instructions.json`, `make instructions RECORD=1` writes it.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks.batch import order_event
from benchmarks.counted import WORKS

HERE = Path(__file__).parent
RECORDED = HERE / "instructions.json"
RECORDS = 20
REPETITIONS = 20
LIMIT = 0.05
"""What a quotient may grow by: other builds of the same Python differ by less, a slow-down worth a look by more."""
YARDSTICK = "yardstick"


@dataclass(frozen=True, slots=True)
class Counts:
    """Instructions of each work.

    Attributes:
        python: The version of Python, without its patch.
        pydantic: The version of pydantic.
        per_record: By name of the work, in the form of `counted.py`.
    """

    python: str
    pydantic: str
    per_record: Mapping[str, int]

    def quotient(self, work: str) -> float:
        """How many times the work of the yardstick it is."""
        return self.per_record[work] / self.per_record[YARDSTICK]


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one work.

    Attributes:
        work: Its name.
        growth: By which fraction its quotient grew; less than nothing when it shrank.
    """

    work: str
    growth: float

    @property
    def is_slower(self) -> bool:
        """Whether it grew by more than is allowed."""
        return self.growth > LIMIT

    def __str__(self) -> str:
        if abs(self.growth) <= LIMIT:
            return f"{self.work}: {self.growth:+.1%}"
        verdict = "costs more than was recorded" if self.is_slower else "costs less: worth recording"
        return f"{self.work}: {self.growth:+.1%}, {verdict}"


def changes(recorded: Counts, counted: Counts) -> list[Change]:
    """What became of each work since it was recorded.

    Raises:
        ValueError: When the two can not be compared: other versions, or other works.
    """
    for name in ("python", "pydantic"):
        was, now = getattr(recorded, name), getattr(counted, name)
        if was != now:
            raise ValueError(f"recorded with {name} {was}, counted with {name} {now}: record the counts anew")
    works = recorded.per_record.keys() | counted.per_record.keys()
    if missing := works - (recorded.per_record.keys() & counted.per_record.keys()):
        raise ValueError(
            f"only recorded or only counted: {', '.join(sorted(missing))}: record the counts anew"
        )
    return [
        Change(work, counted.quotient(work) / recorded.quotient(work) - 1)
        for work in counted.per_record
        if work != YARDSTICK
    ]


def read(path: Path) -> Counts:
    """Read what was recorded."""
    return Counts(**json.loads(path.read_text()))


def count() -> Counts:
    """Run each work under valgrind, once with so many repetitions and once with twice as many.

    What is done once, such as imports, is in both and so in neither count.
    """
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        event = Path(folder) / "event.json"
        event.write_text(json.dumps(order_event(RECORDS)))
        for work in WORKS:  # Python compiles what it imports for the first time, which would be in one count
            _run([], work, 1, event)
        runs = [(work, times) for work in WORKS for times in (REPETITIONS, 2 * REPETITIONS)]
        totals = dict(zip(runs, pool.map(lambda run: _total(run[0], run[1], event), runs), strict=True))
    return Counts(
        ".".join(platform.python_version_tuple()[:2]),
        version("pydantic"),
        {
            work: (totals[work, 2 * REPETITIONS] - totals[work, REPETITIONS]) // (REPETITIONS * RECORDS)
            for work in WORKS
        },
    )


def _total(work: str, repetitions: int, event: Path) -> int:
    written = event.with_name(f"{work}-{repetitions}")
    tool = ("--tool=cachegrind", "--cache-sim=no", f"--cachegrind-out-file={written}")
    _run(["valgrind", *tool], work, repetitions, event)
    return total_in(written.read_text())


def _run(prefix: Sequence[str], work: str, repetitions: int, event: Path) -> None:
    """Do the work in an environment of its own, since even the size of that moves what is in memory."""
    with event.open() as stdin:
        done = subprocess.run(  # noqa: S603 - our own words
            [*prefix, sys.executable, "-m", "benchmarks.counted", work, str(repetitions)],
            cwd=HERE.parent,
            env={"PATH": os.defpath, "PYTHONHASHSEED": "0", "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
            stdin=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise SystemExit(done.stderr)


def total_in(written: str) -> int:
    """The instructions in what cachegrind has written.

    Raises:
        ValueError: When it says none.
    """
    found = re.search(r"^summary: (\d+)", written, re.MULTILINE)
    if found is None:
        raise ValueError("cachegrind has written no summary")
    return int(found[1])


def main(arguments: Sequence[str]) -> int:
    """Compare, or record; returns the exit code."""
    counted = count()
    print(f"Python {platform.python_version()}, pydantic {counted.pydantic}: instructions per record")
    for work, number in counted.per_record.items():
        print(f"  {work}: {number:,}, {counted.quotient(work):.3f} of the yardstick")
    if "--record" in arguments:
        RECORDED.write_text(json.dumps(asdict(counted), indent=1) + "\n")
        print("recorded")
        return 0
    try:
        found = changes(read(RECORDED), counted)
    except ValueError as error:
        print(error)
        return 1
    print(*found, sep="\n")
    if any(change.is_slower for change in found):
        print("If that is meant, say `make instructions RECORD=1` and commit benchmarks/instructions.json.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
