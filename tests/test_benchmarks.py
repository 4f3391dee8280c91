"""The benchmarks compare what is right, and their table, chart and check of growth say what was measured."""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from rich.console import Console

from benchmarks import handlers, images, memory, processes, scale, unwanted
from benchmarks.batch import order_event
from benchmarks.chart import LEFT, RIGHT, TITLES, chart
from benchmarks.contest import Contestant, Workload, is_done
from benchmarks.counted import WORKS
from benchmarks.everything import workloads as all_workloads
from benchmarks.instructions import RECORDED, YARDSTICK, Change, Counts, changes, read, total_in
from benchmarks.results import Comparison, Results, Row, best_of, compare, losses, noise_of, read_turn
from benchmarks.tables import markdown, show_ratio, terminal

ROOT = Path(__file__).parent.parent
BENCHMARKS = ROOT / "benchmarks"
COMMITTED = Results.read(BENCHMARKS / "results.json")
PAGE = (ROOT / "docs" / "performance.md").read_text()
FEW = 20

ONE = Workload(
    "unwanted",
    "a record",
    (
        Contestant("Headwater", lambda: None, is_done),
        Contestant("a peer", lambda: None, is_done, amount=10),
        Contestant("by hand", lambda: None, is_done, is_floor=True),
    ),
)
ROWS = (
    Row("Headwater", 1.0),
    Row("a `peer`", 12.3),
    Row("a fast <peer>", 0.5),
    Row("by hand", 0.02, is_floor=True),
)
RESULTS = Results(
    {"Python": "3.11.7", "boto3": "1.2"}, 0.034, (Comparison("unwanted", f"`{TITLES[0]}`", ROWS),)
)


# What is compared


@pytest.mark.parametrize(
    "workloads",
    [
        unwanted.workloads,
        images.workloads,
        handlers.workloads,
        lambda _: processes.workloads(),
        scale.workloads,
    ],
    ids=["unwanted", "images", "handlers", "processes", "scale"],
)
def test_every_contestant_does_its_work_rightly(workloads: Callable[[int], list[Workload]]) -> None:
    """With a small batch and no clock; one that is wrong could not be timed."""
    assert [
        (workload.title, contestant.name)
        for workload in workloads(FEW)
        for contestant in workload.contestants
        if not contestant.works()
    ] == []


def test_a_wrong_result_is_not_right() -> None:
    """No check is so mild that it takes anything."""
    for workload in (*unwanted.workloads(FEW), *images.workloads(FEW), *handlers.workloads(FEW)):
        for contestant in workload.contestants:
            assert not contestant.is_right({"batchItemFailures": [{"itemIdentifier": "1"}]}), contestant.name


def test_no_two_workloads_and_no_two_contestants_of_one_have_the_same_name() -> None:
    """Times are put together by these names."""
    found = all_workloads(FEW)
    assert len({workload.title for workload in found}) == len(found)
    for workload in found:
        assert len({contestant.name for contestant in workload.contestants}) == len(workload.contestants)


def test_the_works_that_are_counted_do_their_work() -> None:
    """The yardstick unpacks as Headwater does, by hand."""
    event = order_event(FEW)
    assert is_done(WORKS["unwanted"]()(event))
    assert is_done(WORKS["model"]()(event))
    assert WORKS[YARDSTICK]()(event) == WORKS["plain"]()(event)


@pytest.mark.parametrize("name", memory.contestants())
def test_the_memory_of_every_contestant_can_be_measured(name: str) -> None:
    """A peak is at least the event itself."""
    assert memory.peak(memory.contestants()[name], memory.full_event(FEW)) > 1


def test_a_wrong_response_has_no_peak() -> None:
    """What was not handled took little memory."""
    with pytest.raises(ValueError, match="a wrong response: None"):
        memory.peak(lambda _: None, memory.full_event(FEW))


# Results


def test_times_become_ratios_for_one_unit_of_work(tmp_path: Path) -> None:
    """The best of all turns, each divided by its amount, as multiples of the first contestant's."""
    turns = []
    for number, (own, peer, floor) in enumerate([(2.0, 60.0, 0.5), (1.0, 90.0, 0.25)]):
        names = [("Headwater", own, 1), ("a peer", peer, 10), ("by hand", floor, 1)]
        path = tmp_path / f"{number}.json"
        benchmarks = [
            {
                "stats": {"min": seconds * passed},
                "extra_info": {"workload": "a record", "contestant": name, "amount": amount},
            }
            for passed in (1, 2)
            for name, seconds, amount in names
        ]
        path.write_text(json.dumps({"benchmarks": benchmarks, "machine_info": {"node": "somewhere"}}))
        turns.append(read_turn(path))
    [found] = compare([ONE], best_of(turns))
    assert found == Comparison(
        "unwanted",
        "a record",
        (Row("Headwater", 1.0), Row("a peer", 6.0), Row("by hand", 0.25, is_floor=True)),
    )
    assert noise_of(turns) == 1.0


def test_what_is_measured_in_one_turn_alone_counts() -> None:
    """A long workload is not repeated, and says nothing about noise."""
    turns = [{("a", "b"): 1.0, ("long", "b"): 5.0}, {("a", "b"): 1.1}]
    assert best_of(turns) == {("a", "b"): 1.0, ("long", "b"): 5.0}
    assert noise_of(turns) == 0.1
    assert noise_of(turns[:1]) == 0


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    """Through JSON."""
    RESULTS.write(tmp_path / "results.json")
    assert Results.read(tmp_path / "results.json") == RESULTS


def test_losses_are_the_rows_of_others_that_need_less() -> None:
    """A floor does less than is needed, and Headwater beside itself loses to nobody."""
    scaled = Comparison("scale", "by size", (Row("10", 1.0), Row("1", 0.5)))
    other = Comparison("unwanted", "other", (Row("Headwater", 1.0), Row("`import headwater`", 0.5)))
    results = Results({}, 0, (*RESULTS.comparisons, scaled, other))
    assert losses(results) == [(RESULTS.comparisons[0], ROWS[2])]


# Table and chart


@pytest.mark.parametrize(
    ("ratio", "shown"),
    [(2078.6, "2,079"), (12.3, "12"), (1.04, "1.04"), (1.0, "1.00"), (0.123, "0.12"), (0.0034, "0.0034")],
)
def test_a_ratio_is_shown_in_as_many_digits_as_say_something(ratio: float, shown: str) -> None:
    """Large ones as whole numbers, small ones in two digits."""
    assert show_ratio(ratio) == shown


def test_the_terminal_shows_one_table() -> None:
    """Versions above it, a floor marked as one."""
    console = Console(width=100, file=io.StringIO())
    with console.capture() as captured:
        console.print(terminal(RESULTS))
    printed = captured.get()
    assert "Python 3.11.7, boto3 1.2" in printed
    assert re.search(rf"{TITLES[0]} +│ Headwater +│ +1\.00 ", printed)
    assert re.search(r"a peer +│ +12 ", printed)
    assert re.search(r"by hand \(floor\) +│ +0\.02 ", printed)


def test_markdown_has_a_section_for_each_family() -> None:
    """Which a page includes by name."""
    text = markdown(RESULTS)
    assert re.findall(r"\[start:(\w+)\]", text) == ["versions", "unwanted", "losses"]
    assert "differ by 3% (median)" in text
    assert "|  | a `peer` | 12 |" in text
    assert f"| `{TITLES[0]}` | a fast <peer> | 0.50 |" in text
    assert "None needs at least 5% less." in markdown(Results({}, 0, ()))


def test_the_chart_has_a_mark_for_each_row() -> None:
    """Right of the line at 1 is slower, left of it faster, ten times always equally far, a floor is hollow."""
    assert chart(RESULTS) == chart(RESULTS)
    svg = ET.fromstring(chart(RESULTS))
    marks = [path for path in svg.iter("{http://www.w3.org/2000/svg}path") if "fill" in path.attrib]
    own, peer, fast, floor = (float(re.split(r"[M ]", mark.attrib["d"])[1]) for mark in marks)
    assert floor < fast < own < peer
    assert (own - fast) / (peer - own) == pytest.approx(math.log(1 / 0.5) / math.log(12.3), rel=0.02)
    assert [mark.attrib["fill"] == "none" for mark in marks] == [False, False, False, True]
    assert len({mark.attrib["stroke"] for mark in marks[:3]}) == 3
    assert [text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")].count("a fast <peer>") == 1


def test_what_is_beyond_the_scale_is_an_arrow_at_its_end() -> None:
    """And not a dot somewhere else."""
    ends = (Row("Headwater", 1.0), Row("slow", 5_000.0), Row("fast", 0.001))
    svg = ET.fromstring(chart(Results({}, 0, (Comparison("unwanted", TITLES[0], ends),))))
    marks = [
        path.attrib["d"] for path in svg.iter("{http://www.w3.org/2000/svg}path") if "fill" in path.attrib
    ]
    assert ["a4" in mark for mark in marks] == [True, False, False]
    assert [re.split(r"[M ]", mark)[1] for mark in marks[1:]] == [str(RIGHT), str(LEFT)]


def test_a_chart_of_nothing_is_a_chart() -> None:
    """Nothing to draw is no error."""
    ET.fromstring(chart(Results({}, 0, ())))


# What is committed


def test_the_documentation_shows_the_results_that_are_committed() -> None:
    """Nobody has typed a figure: table and chart are what the results give, of the workloads of today."""
    assert (BENCHMARKS / "results.md").read_text() == markdown(COMMITTED)
    drawn = (ROOT / "docs" / "assets" / "performance.svg").read_text()
    assert drawn == chart(COMMITTED)
    assert len(drawn) < 40_000
    titles = {comparison.title.replace("`", "") for comparison in COMMITTED.comparisons}
    assert set(TITLES) <= titles
    measured = {workload.title for workload in all_workloads(FEW)}
    assert measured <= {comparison.title for comparison in COMMITTED.comparisons}


def test_the_page_includes_every_section() -> None:
    """No family is measured and not shown."""
    sections = set(re.findall(r"\[start:(\w+)\]", markdown(COMMITTED)))
    assert set(re.findall(r'--8<-- "benchmarks/results\.md:(\w+)"', PAGE)) == sections


def test_results_say_nothing_of_the_machine() -> None:
    """No path and no name of it is committed."""
    text = (BENCHMARKS / "results.json").read_text() + RECORDED.read_text()
    assert not re.search(r"/(home|root|tmp|usr)/|node|hostname", text)


# Growth


def counted(work: int, yardstick: int = 100) -> Counts:
    return Counts("3.11", "2.13", {YARDSTICK: yardstick, "model": work})


@pytest.mark.parametrize(
    ("work", "yardstick", "slower", "said"),
    [
        (1_000, 100, False, "model: +0.0%"),
        (1_040, 100, False, "model: +4.0%"),
        (1_060, 100, True, "model: +6.0%, costs more than was recorded"),
        (900, 100, False, "model: -10.0%, costs less: worth recording"),
        (2_000, 200, False, "model: +0.0%"),
    ],
)
def test_growth_is_of_the_quotient_to_the_yardstick(
    work: int, yardstick: int, slower: bool, said: str
) -> None:
    """Five of a hundred are let through; an interpreter that needs more for everything is none of it."""
    [change] = changes(counted(1_000), counted(work, yardstick))
    assert (change.is_slower, str(change)) == (slower, said)


def test_counts_of_other_versions_or_works_are_not_compared() -> None:
    """They are recorded anew."""
    other = {"model": 1, YARDSTICK: 1}
    with pytest.raises(ValueError, match=r"recorded with python 3\.11, counted with python 3\.12"):
        changes(counted(1), Counts("3.12", "2.13", other))
    with pytest.raises(ValueError, match=r"recorded with pydantic 2\.13, counted with pydantic 2\.14"):
        changes(counted(1), Counts("3.11", "2.14", other))
    with pytest.raises(ValueError, match="only recorded or only counted: new"):
        changes(counted(1), Counts("3.11", "2.13", {**other, "new": 1}))


def test_what_is_recorded_is_what_is_counted() -> None:
    """The same works, compared with themselves."""
    recorded = read(RECORDED)
    assert set(recorded.per_record) == set(WORKS)
    assert changes(recorded, recorded) == [Change(work, 0.0) for work in WORKS if work != YARDSTICK]


def test_the_total_of_cachegrind_is_its_summary() -> None:
    """Of the events that it counts, there is one."""
    assert total_in("events: Ir\nfn=a\n1 2\nsummary: 1234567\n") == 1_234_567
    with pytest.raises(ValueError, match="no summary"):
        total_in("")
