"""`headwater simulate`: a forecast from an app, samples and settings, on the terminal, as JSON and as a page."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from random import Random
from statistics import fmean, median
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from benchmarks.simulation import measure
from headwater import Attr, Modify, Record, StreamApp
from headwater.cli.costs import Bill, Prices
from headwater.cli.forecast import Forecast, Function, forecast
from headwater.cli.quantities import (
    QuantityError,
    read_latency,
    read_seconds,
    read_share,
    write_seconds,
)
from headwater.cli.simulate import simulate
from headwater.cli.workload import Sample, Workload, count_of, read_samples
from headwater.mapping import EventSourceMapping
from headwater.testing import Table, event

ORDERS = Table("Orders", keys="Id")
REPORT = ("ReportBatchItemFailures",)
APP = """
from headwater import Modify, Record, StreamApp

app = StreamApp(on_failure="isolate", max_attempts=2, dead_letters=print)

@app.on_startup
def connect() -> None:
    raise AssertionError("a forecast starts nothing")

@app.on_record(when=lambda record: record.keys["Id"] != "unwanted")
def handle(record: Record) -> None:
    raise AssertionError("a forecast runs no handler")
"""
TEMPLATE = """
Resources:
  Scores:
    Type: AWS::Lambda::EventSourceMapping
    Properties:
      EventSourceArn: arn:aws:dynamodb:us-east-1:123456789012:table/Orders/stream/2024-01-01T00:00:00.000
      FunctionName: orders
      StartingPosition: TRIM_HORIZON
      BatchSize: 10
      FunctionResponseTypes: [ReportBatchItemFailures]
      FilterCriteria:
        Filters:
          - Pattern: '{"eventName": ["INSERT"]}'
"""
RUN = typer.Typer()
RUN.command()(simulate)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    records = [ORDERS.insert({"Id": "a"}), ORDERS.insert({"Id": "unwanted"}), ORDERS.remove({"Id": "a"})]
    (tmp_path / "event.json").write_text(json.dumps(event(records)))
    return tmp_path


def run(folder: Path, *options: str) -> Result:
    arguments = [str(folder / "app.py"), str(folder / "event.json"), *options]
    return CliRunner().invoke(RUN, arguments)


def run_json(folder: Path, *options: str) -> dict[str, Any]:
    done = run(folder, "--json", *options)
    assert done.exit_code == 0, done.output
    told: dict[str, Any] = json.loads(done.stdout)
    return told


# The command


def test_a_forecast_is_a_table_with_its_assumptions(folder: Path) -> None:
    """Without the app's handlers or startup functions, which fail."""
    done = run(folder, "--records", "2000", "--rate", "200", "--poison", "1%")
    assert done.exit_code == 0, done.output
    assert " \n" not in done.stdout
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert lines[0] == "2,000 writes, 200 a second, to 10,000 items in 4 shards"
    for name in ("iterator age", "drained", "handled", "dead letters", "invocations", "retries", "cost"):
        assert any(line.startswith(f"{name} ") for line in lines), name
    assert "discarded 0" in lines
    assert "mapping as AWS has it by default" in lines
    assert "1 % of the records fail each time" in " ".join(done.stdout.split())


def test_json_has_all_figures_and_settings_count(folder: Path) -> None:
    """A third of the writes is filtered out, and a third is wanted by no route."""
    told = run_json(
        folder,
        *("--settings", str(folder / "template.yaml")),
        *("--duration", "10s", "--rate", "300", "--items", "30", "--poison", "0.5"),
    )
    assert told["written"] == 3_000
    assert 800 < told["filtered"] < 1_200
    assert 400 < told["dead_letters"] < 600
    assert told["handled"] + told["filtered"] + told["dead_letters"] == told["written"]
    assert told["discarded"] == {}
    assert told["dollars_per_month"] > told["dollars"] > 0
    assert 0 < told["dollars_while_writing"] <= told["dollars"]


def test_mapping_and_parameters_are_those_of_the_template(folder: Path) -> None:
    """The template has two mappings, one of them with filters that a parameter decides."""
    template = folder / "template.yaml"
    again = TEMPLATE.partition("Resources:")[2].replace("Scores", "Again").replace("INSERT", "${Wanted}")
    again = again.replace("Pattern: ", "Pattern: !Sub ")
    template.write_text(f"Parameters: {{Wanted: {{Type: String}}}}{TEMPLATE}{again.lstrip(chr(10))}")
    options = ("--settings", str(template), "--records", "30", "--mapping")
    assert run_json(folder, *options, "Again", "--parameter", "Wanted=MODIFY")["filtered"] == 30
    assert run_json(folder, *options, "Scores")["filtered"] < 30


def test_the_same_seed_gives_the_same_forecast(folder: Path) -> None:
    """And another one another."""
    options = ("--records", "500", "--latency", "exponential:20ms", "--poison", "5%")
    first = run_json(folder, *options)
    assert run_json(folder, *options) == first
    assert run_json(folder, *options, "--seed", "2") != first


def test_a_report_shows_each_invocation(folder: Path) -> None:
    """As a page of its own, with what Lambda gave up."""
    (folder / "app.py").write_text(APP.replace("max_attempts=2, dead_letters=print", ""))
    (folder / "template.yaml").write_text(TEMPLATE + "      MaximumRetryAttempts: 1\n")
    path = folder / "report.html"
    options = ("--settings", str(folder / "template.yaml"), "--report", str(path))
    done = run(folder, "--records", "50", "--poison", "30%", *options)
    assert done.exit_code == 0, done.output
    page = path.read_text()
    assert "50 writes, 100 a second" in page
    assert "(copy)=" in page
    assert "RetryAttemptsExhausted" in page


def test_a_forecast_is_told_before_its_report_fails(folder: Path) -> None:
    """A forecast can take minutes: what is known by then is not lost."""
    report = folder / "report.html"
    report.symlink_to("nowhere/report.html")
    done = run(folder, "--records", "50", "--json", "--report", str(report))
    assert (done.exit_code, json.loads(done.stdout)["written"]) == (2, 50)
    assert done.stderr == f"the report {report} can not be written: No such file or directory\n"


def test_what_is_lost_or_too_slow_is_told(folder: Path) -> None:
    """A mapping without a report of failures, and one that can not keep up."""
    settings = folder / "template.yaml"
    settings.write_text(
        TEMPLATE.replace("      FunctionResponseTypes: [ReportBatchItemFailures]\n", "")
        .partition("      FilterCriteria")[0]
        .replace("BatchSize: 10", "BatchSize: 10\n      MaximumRetryAttempts: 0")
    )
    options = ("--settings", str(settings), "--records", "3000", "--rate", "3000", "--shards", "1")
    done = run(folder, *options, "--poison", "10%", "--latency", "50ms")
    assert "lost" in done.stdout
    assert "failed, and Lambda did not read the response" in done.stdout
    assert "the mapping falls behind" in done.stdout
    assert "BatchSize 10, MaximumRetryAttempts 0, WITHOUT ReportBatchItemFailures" in done.stdout
    assert "this stream would have more than 1 shard" in " ".join(done.stdout.split())


def test_discards_and_throttles_are_told(folder: Path) -> None:
    """With what goes to the on-failure destination."""
    (folder / "app.py").write_text(APP.replace("max_attempts=2, dead_letters=print", ""))
    settings = folder / "template.yaml"
    settings.write_text(TEMPLATE.replace("BatchSize: 10", "BatchSize: 10\n      MaximumRetryAttempts: 0"))
    options = ("--settings", str(settings), "--records", "300", "--items", "60", "--rate", "100")
    done = run(folder, *options, "--poison", "100%", "--concurrency-limit", "1")
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert any(re.fullmatch(r"discarded \d+ RetryAttemptsExhausted", line) for line in lines)
    assert any(line.startswith("messages ") for line in lines)
    assert any(re.match(r"throttled [\d,]+ the function was not reached", line) for line in lines)


def test_timeouts_are_told_by_what_they_cost(folder: Path) -> None:
    """A plain handler that takes longer than the function may never ends, until the stream has trimmed its record."""
    told = run_json(
        folder, "--records", "3", "--items", "3", "--latency", "4s", "--timeout", "3s", "--memory", "1024"
    )
    assert told["discarded"] == {"Trimmed": 2}
    assert told["handled"] == 1
    assert told["gb_seconds"] > 2_000


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--records", "1", "--duration", "1h"], "--records and --duration both say how much is written"),
        (["--duration", "1 week"], "'1 week' is no time: write a number and its unit"),
        (["--poison", "lots"], "'lots' is no share of all records"),
        (["--latency", "gamma:2"], "the latency 'gamma:2' is not understood: write 20ms"),
        (["--settings", "nowhere.yaml"], "nowhere.yaml"),
        (["--parameter", "Stage"], "--parameter 'Stage' gives no value: write NAME=VALUE"),
        (
            ["--report", "nowhere/report.html"],
            "nowhere/report.html can not be written: it is a folder, or in none",
        ),
    ],
)
def test_options_that_make_no_sense_are_refused_in_a_sentence(
    folder: Path, options: list[str], message: str
) -> None:
    """With exit code 2, and nothing on standard output."""
    done = run(folder, *options)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr


def test_a_forecast_needs_an_app_and_samples(folder: Path) -> None:
    """Each is refused by its own name."""
    (folder / "event.json").write_text('{"Records": []}')
    done = run(folder)
    assert (done.exit_code, "holds no record to make others from" in done.stderr) == (2, True)
    (folder / "event.json").write_text('{"Records": [{"eventSource": "aws:sqs"}]}')
    assert "not from a DynamoDB stream" in run(folder).stderr
    (folder / "event.json").unlink()
    assert "there is no file or directory" in run(folder).stderr
    (folder / "app.py").write_text("")
    assert "it holds no StreamApp at all" in run(folder).stderr


@pytest.mark.parametrize(
    "content",
    ["raise SystemExit(3)", APP.replace('record.keys["Id"] != "unwanted"', "exit(3)")],
    ids=["import", "condition"],
)
def test_an_app_that_ends_the_process_is_refused(folder: Path, content: str) -> None:
    """In a sentence: its exit status would say nothing about the forecast."""
    (folder / "app.py").write_text(content)
    done = run(folder)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "app.py ends the process that imports it or asks its conditions: SystemExit(3)" in done.stderr


# What is written on the command line


@pytest.mark.parametrize(
    ("text", "seconds"), [("20ms", 0.02), ("1.5s", 1.5), ("10 m", 600.0), ("1h", 3_600.0), ("250us", 0.00025)]
)
def test_times_have_a_unit(text: str, seconds: float) -> None:
    """A number alone could be anything."""
    assert read_seconds(text) == pytest.approx(seconds)
    with pytest.raises(QuantityError, match="is no time"):
        read_seconds(text.rstrip("ums h"))


def test_times_are_told_in_a_fitting_unit() -> None:
    """In three digits."""
    assert [write_seconds(seconds) for seconds in (0.0004, 0.25, 1.5, 119.6, 600, 9_000)] == [
        *("0.4 ms", "250 ms", "1.5 s", "120 s"),
        *("10 min", "2.5 h"),
    ]


def test_shares_are_percentages_or_fractions() -> None:
    """Between nothing and all."""
    assert [read_share(text) for text in ("0.1%", "0.001", "100%", "0")] == [0.001, 0.001, 1.0, 0.0]
    for text in ("101%", "-1", "nan", "", "%"):
        with pytest.raises(QuantityError, match="is no share"):
            read_share(text)


@pytest.mark.parametrize(
    ("text", "told", "middle"),
    [
        ("20ms", "20 ms", 0.02),
        ("lognormal:20ms", "log-normal, median 20 ms, sigma 0.5", 0.02),
        ("lognormal:20ms,0.8", "log-normal, median 20 ms, sigma 0.8", 0.02),
        ("uniform:10ms-30ms", "between 10 ms and 30 ms", 0.02),
        ("exponential:20ms", "exponential, mean 20 ms", 0.0139),
    ],
)
def test_latencies_are_drawn_as_they_are_told(text: str, told: str, middle: float) -> None:
    """Half of them are below the median."""
    latency = read_latency(text)
    rng = Random(1)
    assert latency.text == told
    assert median(latency.draw(rng) for _ in range(4_001)) == pytest.approx(middle, rel=0.05)


@pytest.mark.parametrize(
    "text",
    [
        *("", "20", "lognormal", "lognormal:", "lognormal:0ms", "lognormal:20ms,-1", "lognormal:20ms,x"),
        *("uniform:10ms", "uniform:30ms-10ms", "exponential:", "normal:20ms"),
    ],
)
def test_other_latencies_are_refused(text: str) -> None:
    """In one sentence that quotes them."""
    with pytest.raises(QuantityError, match=rf"the latency '{text}' is not understood"):
        read_latency(text)


def test_each_invocation_is_charged_by_the_millisecond() -> None:
    """Rounded up, and one at least; requests beside it."""
    bill = Bill(Prices(million_requests=1.0, gb_second=2.0), memory=512)
    for seconds in (0.0, 0.0011, 1.0000001):
        bill.add(seconds)
    assert bill.milliseconds == 1 + 2 + 1_000
    assert bill.gb_seconds == pytest.approx(0.5015)
    assert bill.dollars == pytest.approx(3e-6 + 1.003)


# Samples and writes


def test_samples_say_what_the_apps_conditions_say() -> None:
    """Wanted, not wanted, or a condition that raises; in a window each record is folded."""
    app = StreamApp()
    app.on_modify(when=Attr("Total").increased())(lambda record: None)
    wanted = ORDERS.modify({"Id": "a", "Total": 1}, {"Id": "a", "Total": 2})
    unwanted = ORDERS.modify({"Id": "a", "Total": 2}, {"Id": "a", "Total": 1})
    raising = Table("Orders", keys="Id", view_type="KEYS_ONLY").modify(
        {"Id": "a", "Total": 1}, {"Id": "a", "Total": 2}
    )
    [first, second, third] = read_samples(app, [event([wanted, unwanted]), event([raising])])
    assert (first.wanted, first.fails) == (True, False)
    assert (second.wanted, second.fails) == (False, False)
    assert third.fails

    @app.on_window
    def fold(state: dict[str, Any], _record: Record) -> dict[str, Any]:
        return state

    [folded] = read_samples(app, [event([unwanted])])
    assert folded.wanted


def test_writes_are_spread_over_time_items_and_shards() -> None:
    """Each a record of its own that says of its sample what filters and conditions ask."""
    sample = ORDERS.modify({"Id": "a", "Total": 1}, {"Id": "a", "Total": 2})
    workload = Workload([Sample(sample, wanted=True, fails=False)], 50.0, 2_000, 40, 3, 0.1, 7)
    writes = list(workload.writes())
    raws = [write.raw for write in writes]
    assert (
        len({raw["eventID"] for raw in raws})
        == len({raw["dynamodb"]["SequenceNumber"] for raw in raws})
        == 2_000
    )
    assert len({json.dumps(raw["dynamodb"]["Keys"]) for raw in raws}) == 40
    assert len({write.shard_id for write in writes}) == 3
    assert {raw["dynamodb"]["Keys"]["Id"]["S"] for raw in raws} == {"a"}
    gaps = [later.at - earlier.at for earlier, later in pairwise(writes)]
    assert min(gaps) >= 0
    assert fmean(gaps) == pytest.approx(0.02, rel=0.1)
    assert [write.at for write in workload.writes()] == [write.at for write in writes]
    assert (count_of(0.001, 1.0), count_of(60.0, 0.5)) == (1, 30)


def test_the_benchmark_of_the_simulation_does_its_work() -> None:
    """Every record of it ends."""
    measured = measure(300, shards=20, lanes=3, rate=2_000.0)
    assert measured.ended == measured.records == 300
    assert 0 < measured.invocations < 400


# Under random settings

MAPPINGS = st.builds(
    EventSourceMapping,
    function_response_types=st.sampled_from([REPORT, REPORT, ()]),
    batch_size=st.integers(1, 20),
    maximum_batching_window_in_seconds=st.integers(0, 3),
    parallelization_factor=st.integers(1, 3),
    bisect_batch_on_function_error=st.booleans(),
    maximum_retry_attempts=st.integers(-1, 4),
    maximum_record_age_in_seconds=st.sampled_from([-1, 60]),
    tumbling_window_in_seconds=st.sampled_from([0, 0, 5]),
)
OPTIONS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"concurrency": st.integers(1, 4), "on_failure": st.sampled_from(["stop", "isolate"])},
    optional={"max_attempts": st.integers(1, 3), "hold_item": st.just(True)},
)


def predict(mapping: EventSourceMapping, options: dict[str, Any], poison: float, seed: int) -> Forecast:
    letters: dict[str, Any] = (
        {"dead_letters": print} if {"max_attempts", "hold_item"} & options.keys() else {}
    )
    if letters:
        letters["max_attempts"] = options.get("max_attempts", 2)
    app = StreamApp(**{**options, **letters})
    app.on_modify(handle)
    sample = ORDERS.modify({"Id": "a", "Total": 1}, {"Id": "a", "Total": 2})
    workload = Workload([Sample(sample, wanted=True, fails=False)], 40.0, 120, 15, 2, poison, seed)
    function = Function(128, 3.0, 3, read_latency("lognormal:80ms,1"), Prices())
    return forecast(app, workload, mapping, function)


async def handle(_record: Modify) -> None: ...


@examples(max_examples=80, deadline=None)
@given(MAPPINGS, OPTIONS, st.sampled_from([0.0, 0.05, 0.5]), st.integers(0, 10**6))
def test_every_record_of_a_forecast_ends_in_one_way(
    mapping: EventSourceMapping, options: dict[str, Any], poison: float, seed: int
) -> None:
    """And the same seed gives the same figures; what is not poisoned and has the time is delivered once."""
    predicted = predict(mapping, options, poison, seed)
    ends = (
        predicted.handled,
        predicted.dead_letters,
        predicted.unreported,
        sum(predicted.discarded.values()),
    )
    assert min(ends) >= 0
    assert sum(ends) == predicted.written == 120
    assert predicted.age_p50 <= predicted.age_p99 <= predicted.age_max
    assert predicted.most_running <= 3
    assert predict(mapping, options, poison, seed) == predicted


def test_a_forecast_does_not_depend_on_the_hash_seed() -> None:
    """Two processes with different seeds predict the same."""
    script = (
        "from headwater.mapping import EventSourceMapping\n"
        "from tests.test_simulate_cli import REPORT, predict\n"
        "settings = EventSourceMapping(batch_size=9, parallelization_factor=3, function_response_types=REPORT)\n"
        "print(predict(settings, {'concurrency': 3, 'on_failure': 'isolate', 'max_attempts': 3}, 0.2, 5))"
    )
    printed = [
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert printed[0] == printed[1]
    assert "dead_letters=" in printed[0]
