"""What one run of the benchmarks found: ratios, and with what versions; no bare times, nothing of the machine."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.contest import Workload

PEERS = ("headwater", "pydantic", "aws-lambda-powertools", "dynamodb-stream-router", "boto3", "awslambdaric")
EVEN = 0.05
"""Two that are closer than this are equally fast."""


@dataclass(frozen=True, slots=True)
class Row:
    """One contestant of a workload.

    Attributes:
        contestant: Its name.
        ratio: Its best time, or its peak of memory, as a multiple of the first row's.
        is_floor: Whether it does less than a user needs.
    """

    contestant: str
    ratio: float
    is_floor: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """One workload.

    Attributes:
        family: The section of the documentation that it belongs to.
        title: What is done.
        rows: The first one is what the others are compared with.
    """

    family: str
    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Results:
    """One run.

    Attributes:
        versions: Of Python and of what was compared, by name.
        noise: By how much the best time of a contestant differs from one turn to the next best, as the median of all.
        comparisons: In the order of the table.
    """

    versions: Mapping[str, str]
    noise: float
    comparisons: tuple[Comparison, ...]

    @classmethod
    def read(cls, path: Path) -> Results:
        """Read what `write` has written."""
        content = json.loads(path.read_text())
        comparisons = (
            Comparison(found["family"], found["title"], tuple(Row(**row) for row in found["rows"]))
            for found in content["comparisons"]
        )
        return cls(content["versions"], content["noise"], tuple(comparisons))

    def write(self, path: Path) -> None:
        """Write them as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n")


def versions() -> dict[str, str]:
    """The versions of Python and of what is compared."""
    return {"Python": platform.python_version(), **{peer: version(peer) for peer in PEERS}}


def read_turn(path: Path) -> dict[tuple[str, str], float]:
    """The best time of each workload and contestant, for one unit of work, in a file of pytest-benchmark."""
    best: dict[tuple[str, str], float] = {}
    for found in json.loads(path.read_text())["benchmarks"]:
        about = found["extra_info"]
        name = about["workload"], about["contestant"]
        best[name] = min(best.get(name, math.inf), found["stats"]["min"] / about["amount"])
    return best


def best_of(turns: Sequence[Mapping[tuple[str, str], float]]) -> dict[tuple[str, str], float]:
    """The best time of each over all turns."""
    names = dict.fromkeys(name for turn in turns for name in turn)
    return {name: min(turn[name] for turn in turns if name in turn) for name in names}


def noise_of(turns: Sequence[Mapping[tuple[str, str], float]]) -> float:
    """How far the second best turn of a contestant is from its best one, as a fraction: the median of all."""
    ordered = [sorted(turn[name] for turn in turns if name in turn) for name in best_of(turns)]
    return round(median([second / best - 1 for best, second, *_ in filter(_is_repeated, ordered)] or [0]), 3)


def _is_repeated(times: Sequence[Any]) -> bool:
    return len(times) > 1


def compare(workloads: Iterable[Workload], best: Mapping[tuple[str, str], float]) -> list[Comparison]:
    """Each workload's times as multiples of its first contestant's."""
    found = []
    for workload in workloads:
        own = best[workload.title, workload.contestants[0].name]
        rows = (
            Row(one.name, significant(best[workload.title, one.name] / own), one.is_floor)
            for one in workload.contestants
        )
        found.append(Comparison(workload.family, workload.title, tuple(rows)))
    return found


def significant(ratio: float) -> float:
    """A ratio in three digits: more of it would be noise."""
    return float(f"{ratio:.3g}")


def losses(results: Results) -> list[tuple[Comparison, Row]]:
    """Where another library, or another way, needs less than Headwater; what is closer than `EVEN` is even."""
    return [
        (comparison, row)
        for comparison in results.comparisons
        if comparison.family != "scale"
        for row in comparison.rows
        if row.ratio <= 1 - EVEN and not row.is_floor and "headwater" not in row.contestant.lower()
    ]
