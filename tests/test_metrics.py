"""The lines of `EmfMetrics`: what CloudWatch documents, nothing lost, nothing that it would refuse."""

from __future__ import annotations

import io
import itertools
import json
import math
import sys
import textwrap
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO, cast

import pytest
from jsonschema import Draft202012Validator

from headwater import DeclarationError, Insert, Modify, StreamApp
from headwater.events import BatchFinished, BatchStarted, Event, RecordFinished, RecordStarted
from headwater.metrics import EmfMetrics
from headwater.outcomes import DeadLettered, Failed, Handled, Outcome, Skipped, Withheld
from headwater.testing import LambdaContext, Table, as_record, event
from tests.parts.runtime_api import run_in_lambda

SCORES = Table("GameScores", keys="UserId")
ORDERS = Table("Orders", keys="Id")
CONTEXT = LambdaContext(function_name="leaderboard")
BROKEN = ValueError("no")

UNIT = (
    "^(Seconds|Microseconds|Milliseconds|Percent|Count|None|(Bytes|Kilobytes|Megabytes|Gigabytes|Terabytes|Bits"
    "|Kilobits|Megabits|Gigabits|Terabits)(/Second)?|Count/Second)$"
)
# What the AWS page of the format asks of a document, with the limits that its text adds to its schema.
SCHEMA = {
    "type": "object",
    "required": ["_aws"],
    "properties": {
        "_aws": {
            "type": "object",
            "required": ["Timestamp", "CloudWatchMetrics"],
            "additionalProperties": False,
            "properties": {
                "Timestamp": {"type": "integer", "minimum": 1_500_000_000_000, "maximum": 9_999_999_999_999},
                "CloudWatchMetrics": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "required": ["Namespace", "Dimensions", "Metrics"],
                        "additionalProperties": False,
                        "properties": {
                            "Namespace": {"type": "string", "minLength": 1, "maxLength": 1024},
                            "Dimensions": {
                                "type": "array",
                                "minItems": 1,
                                "items": {
                                    "type": "array",
                                    "maxItems": 30,
                                    "uniqueItems": True,
                                    "items": {"type": "string", "minLength": 1, "maxLength": 250},
                                },
                            },
                            "Metrics": {
                                "type": "array",
                                "minItems": 1,
                                "maxItems": 100,
                                "items": {
                                    "type": "object",
                                    "required": ["Name"],
                                    "additionalProperties": False,
                                    "properties": {
                                        "Name": {"type": "string", "minLength": 1, "maxLength": 1024},
                                        "Unit": {"type": "string", "pattern": UNIT},
                                        "StorageResolution": {"enum": [1, 60]},
                                    },
                                },
                            },
                        },
                    },
                },
            },
        }
    },
}
DIMENSION_VALUE = {
    "type": "string",
    "minLength": 1,
    "maxLength": 1024,
    "pattern": r"^[\x20-\x7e]*[\x21-\x7e][\x20-\x7e]*$",
}
NUMBERS = {
    "anyOf": [
        {"type": "number"},
        {"type": "array", "minItems": 1, "maxItems": 100, "items": {"type": "number"}},
    ]
}


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def check(line: str) -> dict[str, Any]:
    """A line as CloudWatch reads it: one valid document, whose references lead to values of the right type."""
    assert len(line.encode()) < 256 * 1024
    document: dict[str, Any] = json.loads(line, parse_constant=refuse)
    Draft202012Validator(SCHEMA).validate(document)
    referenced = {"_aws"}
    for directive in document["_aws"]["CloudWatchMetrics"]:
        for metric in directive["Metrics"]:
            Draft202012Validator(NUMBERS).validate(document[metric["Name"]])
            referenced.add(metric["Name"])
        for dimension in itertools.chain(*directive["Dimensions"]):
            Draft202012Validator(DIMENSION_VALUE).validate(document[dimension])
            referenced.add(dimension)
    assert set(document) == referenced
    return document


def checked(text: str) -> list[dict[str, Any]]:
    assert text == "" or text.endswith("\n")
    return [check(line) for line in text.splitlines()]


def values(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document without its metadata."""
    return {name: value for name, value in document.items() if name != "_aws"}


def units(document: Mapping[str, Any]) -> dict[str, str]:
    [directive] = document["_aws"]["CloudWatchMetrics"]
    return {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]}


def record_finished(raw: Mapping[str, Any], outcome: Outcome, **handler_seconds: float) -> RecordFinished:
    return RecordFinished(raw, "1", None, outcome, 0.2, handler_seconds)


def batch_finished(
    records: Sequence[Mapping[str, Any]], outcomes: Sequence[Outcome], context: Any = CONTEXT
) -> BatchFinished:
    return BatchFinished("event source mapping", records, outcomes, 0.5, context)


def written(*events: Event, **options: Any) -> list[dict[str, Any]]:
    stream = io.StringIO()
    observer = EmfMetrics(stream=stream, **options)
    for told in events:
        observer(told)
    return checked(stream.getvalue())


def insert(number: int = 1, *, age: float = 10.0) -> dict[str, Any]:
    return SCORES.insert({"UserId": f"u{number}"}, created_at=datetime.now(tz=UTC) - timedelta(seconds=age))


# The line of a batch


def test_a_batch_is_one_line_that_counts_its_outcomes() -> None:
    """Each outcome has a metric of its own, zeros included, so that an alarm has something to compare."""
    outcomes: list[Outcome] = [
        Handled(("a",)),
        Skipped(),
        DeadLettered("handler", BROKEN),
        Failed("handler", BROKEN),
        Withheld(),
    ]
    [line] = written(batch_finished([insert(i) for i in range(6)], [*outcomes, Withheld()]))
    ages = line.pop("RecordAge")
    assert values(line) == {
        "FunctionName": "leaderboard",
        "Table": "GameScores",
        "Handled": 1,
        "Skipped": 1,
        "DeadLettered": 1,
        "Failed": 1,
        "Withheld": 2,
        "BatchSize": 6,
    }
    assert len(ages) == 6
    assert units(line) == {
        **dict.fromkeys(["Handled", "Skipped", "DeadLettered", "Failed", "Withheld", "BatchSize"], "Count"),
        "RecordAge": "Milliseconds",
    }
    [directive] = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Headwater"
    assert directive["Dimensions"] == [["FunctionName", "Table"]]


def test_the_timestamp_is_now_in_milliseconds() -> None:
    """Not in seconds, in which CloudWatch would see the year 1970."""
    before = datetime.now(tz=UTC).timestamp() * 1_000
    [line] = written(batch_finished([insert()], [Skipped()]))
    assert before - 1 <= line["_aws"]["Timestamp"] <= datetime.now(tz=UTC).timestamp() * 1_000


def test_an_age_is_the_time_since_the_item_was_written() -> None:
    """In milliseconds; a record of a writer whose clock is ahead is of no age."""
    [line] = written(batch_finished([insert(age=3_600), insert(age=-3_600)], [Skipped(), Skipped()]))
    old, new = line["RecordAge"]
    assert 3_600_000 <= old < 3_700_000
    assert new == 0


UNREADABLE: list[Any] = [
    None,
    "1795248000",
    math.nan,
    math.inf,
    -math.inf,
    1e300,
    10**400,
    True,
    [],
    {"N": "1"},
]


@pytest.mark.parametrize("time", UNREADABLE, ids=repr)
def test_a_record_without_a_usable_time_has_no_age(time: Any) -> None:
    """It is counted all the same, and its time is neither a reason to raise nor ever written."""
    broken = insert()
    broken["dynamodb"]["ApproximateCreationDateTime"] = time
    [line] = written(batch_finished([broken, insert(2)], [Skipped(), Skipped()]))
    assert line["BatchSize"] == 2
    assert len(line["RecordAge"]) == 1


@pytest.mark.parametrize("stream", [None, {}, "text", []], ids=repr)
def test_a_record_that_a_handler_has_emptied_has_no_age(stream: Any) -> None:
    """Without any age the line has no such metric: an empty list would not be a value."""
    record = {**insert(), "dynamodb": stream}
    [line] = written(batch_finished([record], [Skipped()]))
    assert "RecordAge" not in line
    assert "RecordAge" not in units(line)
    assert line["Skipped"] == 1


@pytest.mark.parametrize(("records", "sizes"), [(100, [100]), (101, [100, 1]), (250, [100, 100, 50])])
def test_more_ages_than_a_line_holds_go_into_more_lines(records: int, sizes: list[int]) -> None:
    """CloudWatch takes a hundred values of a metric from a line: none is lost, and nothing else is counted twice."""
    lines = written(batch_finished([insert(i) for i in range(records)], [Skipped()] * records))
    assert [len(line["RecordAge"]) for line in lines] == sizes
    assert lines[0]["BatchSize"] == records
    assert [set(values(line)) for line in lines[1:]] == [{"FunctionName", "Table", "RecordAge"}] * (
        len(sizes) - 1
    )


def test_each_table_has_a_line() -> None:
    """A batch of a pipe or of several streams is counted by table."""
    records = [insert(1), ORDERS.insert({"Id": "1"}), insert(2)]
    scores, orders = written(batch_finished(records, [Handled(("a",)), Failed("record", BROKEN), Skipped()]))
    assert (scores["Table"], scores["BatchSize"], scores["Failed"]) == ("GameScores", 2, 0)
    assert (orders["Table"], orders["BatchSize"], orders["Failed"]) == ("Orders", 1, 1)


@pytest.mark.parametrize("arn", [None, "", 7, "arn:aws:sqs:us-east-1:123456789012:queue"], ids=repr)
def test_what_is_not_known_is_no_dimension(arn: Any) -> None:
    """Neither a table that the record does not name, nor a function where there is no context."""
    record = {**insert(), "eventSourceARN": arn}
    [line] = written(batch_finished([record], [Skipped()], context=None))
    assert line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [[]]
    assert line["BatchSize"] == 1


def test_a_change_from_kinesis_names_its_table_itself() -> None:
    """Its ARN is that of the Kinesis stream."""
    arn = "arn:aws:kinesis:us-east-1:123456789012:stream/changes"
    record = {**insert(), "eventSourceARN": arn, "tableName": "Players"}
    [line] = written(batch_finished([record], [Skipped()]))
    assert line["Table"] == "Players"


def test_an_empty_batch_writes_nothing() -> None:
    """There is nothing to count."""
    assert written(batch_finished([], [])) == []


def test_what_is_no_end_writes_nothing() -> None:
    """Only the end of a batch does."""
    record = SCORES.insert({"UserId": "u1"})
    started = RecordStarted(as_record(record, Insert), ("a",), 1)
    assert written(BatchStarted("event source mapping", [record], None), started) == []


# The lines of routes


def test_each_route_has_a_line_with_the_times_of_its_handler() -> None:
    """In milliseconds, one value for each call, and how many records failed there."""
    one, two = insert(1), insert(2)
    batch, publish, congratulate = written(
        record_finished(one, Handled(("publish", "congratulate")), publish=0.0123456, congratulate=2.0),
        record_finished(two, Failed("handler", BROKEN, "publish"), publish=0.5),
        batch_finished(
            [one, two], [Handled(("publish", "congratulate")), Failed("handler", BROKEN, "publish")]
        ),
    )
    assert "Route" not in batch
    names = {"FunctionName": "leaderboard", "Table": "GameScores"}
    assert values(publish) == {
        **names,
        "Route": "publish",
        "HandlerTime": [12.346, 500.0],
        "Failed": 1,
        "DeadLettered": 0,
    }
    assert values(congratulate) == {
        **names,
        "Route": "congratulate",
        "HandlerTime": [2000.0],
        "Failed": 0,
        "DeadLettered": 0,
    }
    assert units(publish) == {"HandlerTime": "Milliseconds", "Failed": "Count", "DeadLettered": "Count"}
    assert publish["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["FunctionName", "Table", "Route"]]


def test_a_record_that_failed_before_its_handler_counts_for_its_route() -> None:
    """A condition that raised has no handler time."""
    record = insert()
    outcome = Failed("condition", BROKEN, "publish")
    _, line = written(record_finished(record, outcome), batch_finished([record], [outcome]))
    assert (line["Route"], line["Failed"]) == ("publish", 1)
    assert "HandlerTime" not in line


def test_a_record_that_was_put_aside_counts_for_its_route() -> None:
    """And not as a failure, since it is acknowledged."""
    record = insert()
    outcome = DeadLettered("handler", BROKEN, "publish", 3)
    _, line = written(record_finished(record, outcome, publish=0.1), batch_finished([record], [outcome]))
    assert (line["Failed"], line["DeadLettered"]) == (0, 1)


@pytest.mark.parametrize(
    "outcome", [Failed("record", BROKEN), DeadLettered("record", BROKEN), Skipped()], ids=repr
)
def test_a_record_that_reached_no_route_has_no_line_for_one(outcome: Outcome) -> None:
    """It is in the line of the batch."""
    record = insert()
    assert len(written(record_finished(record, outcome), batch_finished([record], [outcome]))) == 1


def test_a_time_that_is_no_number_is_left_out() -> None:
    """CloudWatch would refuse the line."""
    record, outcome = insert(), Handled(("a", "b"))
    told = record_finished(record, outcome, a=math.nan, b=math.inf)
    assert len(written(told, batch_finished([record], [outcome]))) == 1


def test_many_times_of_a_route_go_into_more_lines() -> None:
    """The counts are in the first of them only."""
    record, outcome = insert(), Handled(("a",))
    _, *lines = written(*[record_finished(record, outcome, a=0.1)] * 201, batch_finished([record], [outcome]))
    assert [len(line["HandlerTime"]) for line in lines] == [100, 100, 1]
    assert ["Failed" in line for line in lines] == [True, False, False]


def test_times_are_written_once() -> None:
    """With the batch that they belong to."""
    record, outcome = insert(), Handled(("a",))
    told: list[Event] = [record_finished(record, outcome, a=0.1), batch_finished([record], [outcome])]
    assert ["Route" in line for line in written(*told, told[-1], *told)] == [False, True, False, False, True]


def test_times_of_a_batch_that_raised_are_written_with_the_next() -> None:
    """Those handlers have run."""
    record, outcome = insert(), Handled(("a",))
    started = BatchStarted("event source mapping", [record], None)
    told = record_finished(record, outcome, a=0.1)
    _, line = written(started, told, started, told, batch_finished([record], [outcome]))
    assert line["HandlerTime"] == [100.0, 100.0]


def test_a_handler_is_timed_by_table() -> None:
    """One route may have records of two tables."""
    one, other, outcome = insert(), ORDERS.insert({"Id": "1"}), Handled(("a",))
    told: list[Event] = [record_finished(one, outcome, a=0.1), record_finished(other, outcome, a=0.2)]
    lines = [line for line in written(*told, batch_finished([one, other], [outcome] * 2)) if "Route" in line]
    assert [(line["Table"], line["HandlerTime"]) for line in lines] == [
        ("GameScores", [100.0]),
        ("Orders", [200.0]),
    ]


def test_routes_can_be_left_out() -> None:
    """Each of them costs a metric."""
    record, outcome = insert(), Failed("handler", BROKEN, "a")
    told: list[Event] = [record_finished(record, outcome, a=0.1), batch_finished([record], [outcome])]
    assert ["Route" in line for line in written(*told, per_route=False)] == [False]


@pytest.mark.parametrize(
    ("route", "shown"),
    [
        ("grüße", "gr\\xfc\\xdfe"),
        ("Shop.on_paid.<lambda>", "Shop.on_paid.<lambda>"),
        ("x" * 2000, "x" * 1024),
        ("a\nb", "a\\nb"),
    ],
)
def test_a_name_that_cloudwatch_would_refuse_is_escaped(route: str, shown: str) -> None:
    """A dimension's value is printable ASCII, so the metrics of such a route are not lost."""
    record, outcome = insert(), Handled((route,))
    told = record_finished(record, outcome, **{route: 0.1})
    _, line = written(told, batch_finished([record], [outcome]))
    assert line["Route"] == shown


# Namespace, dimensions, stream


def test_a_namespace_and_dimensions_are_on_every_line() -> None:
    """The user's come first."""
    record, outcome = insert(), Handled(("a",))
    told: list[Event] = [record_finished(record, outcome, a=0.1), batch_finished([record], [outcome])]
    for line in written(*told, namespace="Shop", dimensions={"Service": "scores", "Stage": "café"}):
        [directive] = line["_aws"]["CloudWatchMetrics"]
        assert directive["Namespace"] == "Shop"
        assert directive["Dimensions"][0][:4] == ["Service", "Stage", "FunctionName", "Table"]
        assert (line["Service"], line["Stage"]) == ("scores", "caf\\xe9")


def test_as_many_dimensions_as_cloudwatch_takes_can_be_given() -> None:
    """With Headwater's own that makes thirty."""
    dimensions = {f"D{number}": "x" for number in range(27)}
    record, outcome = insert(), Handled(("a",))
    told: list[Event] = [record_finished(record, outcome, a=0.1), batch_finished([record], [outcome])]
    lines = written(*told, dimensions=dimensions)
    assert [len(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"][0]) for line in lines] == [29, 30]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"namespace": ""}, "'' is no CloudWatch namespace"),
        ({"namespace": ":x"}, "the first one no colon"),
        ({"namespace": "x" * 256}, "1 to 255 characters"),
        ({"namespace": None}, "None is no CloudWatch namespace"),
        ({"dimensions": {"": "x"}}, "dimension '' has no name"),
        ({"dimensions": {" ": "x"}}, "dimension ' ' has no name"),
        ({"dimensions": {":x": "x"}}, "the first one no colon"),
        ({"dimensions": {"Größe": "x"}}, "printable ASCII"),
        ({"dimensions": {"a\n": "x"}}, "printable ASCII"),
        ({"dimensions": {"x" * 251: "x"}}, "1 to 250"),
        ({"dimensions": {1: "x"}}, "dimension 1 has no name"),
        ({"dimensions": {"Table": "x"}}, "'Table' would overwrite"),
        ({"dimensions": {"Handled": "x"}}, "'Handled' would overwrite"),
        ({"dimensions": {"_aws": "x"}}, "'_aws' would overwrite"),
        ({"dimensions": {"Stage": ""}}, "has the value ''"),
        ({"dimensions": {"Stage": " "}}, "has the value ' '"),
        ({"dimensions": {"Stage": None}}, "has the value None"),
        (
            {"dimensions": {f"D{number}": "x" for number in range(28)}},
            "28 dimensions, and CloudWatch takes 30",
        ),
    ],
)
def test_what_cloudwatch_would_refuse_is_refused_at_once(options: dict[str, Any], says: str) -> None:
    """Not when the first batch is done, where the metrics would be missing without a word."""
    with pytest.raises(DeclarationError, match=r"^EmfMetrics: ") as refused:
        EmfMetrics(**options)
    assert says in str(refused.value)


def test_the_lines_go_to_standard_output_as_it_is_then(capsys: pytest.CaptureFixture[str]) -> None:
    """The runtime may have replaced it since the app was made."""
    observer = EmfMetrics()
    before, sys.stdout = sys.stdout, io.StringIO()
    try:
        observer(batch_finished([insert()], [Skipped()]))
        assert [line["BatchSize"] for line in checked(sys.stdout.getvalue())] == [1]
    finally:
        sys.stdout = before
    assert capsys.readouterr().out == ""
    observer(batch_finished([insert()], [Skipped()]))
    assert [line["BatchSize"] for line in checked(capsys.readouterr().out)] == [1]


def test_each_line_is_one_write_and_flushed() -> None:
    """What a thread prints at the same time can not get into it, and a frozen process keeps none back."""
    calls: list[str] = []

    class Stream:
        def write(self, text: str) -> None:
            check(text)
            calls.append("write" if text.index("\n") == len(text) - 1 else "more than a line")

        def flush(self) -> None:
            calls.append("flush")

    EmfMetrics(stream=cast("TextIO", Stream()))(
        batch_finished([insert(i) for i in range(150)], [Skipped()] * 150)
    )
    assert calls == ["write", "flush"] * 2


def test_one_observer_serves_several_threads() -> None:
    """Nothing is lost and nothing written twice."""
    stream = io.StringIO()
    observer = EmfMetrics(stream=stream)
    record, outcome = insert(), Handled(("a",))

    def work() -> None:
        for _ in range(200):
            observer(record_finished(record, outcome, a=0.001))
            observer(batch_finished([record], [outcome]))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = checked(stream.getvalue())
    assert sum(len(line.get("HandlerTime", ())) for line in lines) == 800
    assert sum(line.get("BatchSize", 0) for line in lines) == 800


def test_it_has_a_name_for_the_log() -> None:
    """As where the engine says that an observer has raised."""
    assert repr(EmfMetrics("Shop")) == "<EmfMetrics Shop>"


# With an app


def test_an_app_writes_the_metrics_of_each_batch() -> None:
    """Through `observers=`: outcomes, ages and times are those of the batch."""
    stream = io.StringIO()
    app = StreamApp(observers=[EmfMetrics("Shop", stream=stream)])

    @app.on_insert
    def welcome(record: Insert) -> None:
        if record.new["UserId"] == "bad":
            raise ValueError("no")

    @app.on_modify(attribute="TopScore")
    async def publish(record: Modify) -> None:
        pass

    def score(user: str, top: int) -> dict[str, Any]:
        return {"UserId": user, "TopScore": top}

    records = [
        SCORES.insert(score("u1", 1)),
        SCORES.modify(score("u1", 1), score("u1", 2)),
        SCORES.remove(score("u1", 2)),
        SCORES.insert(score("bad", 1)),
        SCORES.insert(score("u2", 1)),
    ]
    app(event(records), CONTEXT)
    batch, *routes = checked(stream.getvalue())
    ages = batch.pop("RecordAge")
    assert len(ages) == 5
    assert values(batch) == {
        "FunctionName": "leaderboard",
        "Table": "GameScores",
        "Handled": 2,
        "Skipped": 1,
        "DeadLettered": 0,
        "Failed": 1,
        "Withheld": 1,
        "BatchSize": 5,
    }
    assert {line["Route"]: (len(line["HandlerTime"]), line["Failed"]) for line in routes} == {
        "welcome": (2, 1),
        "publish": (1, 0),
    }


@pytest.mark.parametrize("concurrency", [1, 8])
def test_no_time_is_lost_where_records_run_side_by_side(concurrency: int) -> None:
    """Each call of a handler is a value, on the loop and on threads, dead letters included."""
    stream, stored = io.StringIO(), list[object]()
    app = StreamApp(
        observers=[EmfMetrics(stream=stream)],
        concurrency=concurrency,
        dead_letters=stored.append,
        permanent=KeyError,
    )

    @app.on_insert
    def plain(record: Insert) -> None:
        if record.new["UserId"] in {"u3", "u4"}:
            raise KeyError("no")

    @app.on_insert
    async def waits(_record: Insert) -> None:
        pass

    app(event([insert(number) for number in range(120)]))
    lines = checked(stream.getvalue())
    assert len(stored) == 2
    assert [(line["Handled"], line["DeadLettered"]) for line in lines if "Handled" in line] == [(118, 2)]
    times = {
        route: sum(len(line["HandlerTime"]) for line in lines if line.get("Route") == route)
        for route in ("plain", "waits")
    }
    assert times == {"plain": 120, "waits": 118}
    assert [
        (line["Route"], line["DeadLettered"]) for line in lines if "Route" in line and "Failed" in line
    ] == [
        ("plain", 2),
        ("waits", 0),
    ]


FUNCTION = """
    from headwater import Insert, StreamApp
    from headwater.metrics import EmfMetrics

    app = StreamApp(observers=[EmfMetrics("Shop", dimensions={"Service": "scores"})])

    @app.on_insert
    def welcome(record: Insert) -> None:
        print("welcome", record.new["UserId"])
"""


@pytest.mark.parametrize("log_format", ["Text", "JSON"])
def test_the_lines_leave_the_lambda_runtime_as_they_are(tmp_path: Path, log_format: str) -> None:
    """In both log formats: the runtime puts nothing before or around what is printed."""
    (tmp_path / "function.py").write_text(textwrap.dedent(FUNCTION))
    batches = [event([insert(1), insert(2)]), event([insert(3)])]
    run = run_in_lambda("function.app", batches, cwd=tmp_path, env={"AWS_LAMBDA_LOG_FORMAT": log_format})
    assert [invocation.response for invocation in run.invocations] == [{"batchItemFailures": []}] * 2, (
        run.output
    )
    lines = [check(line) for line in run.output.splitlines() if "_aws" in line]
    assert [line["BatchSize"] for line in lines if "BatchSize" in line] == [2, 1]
    assert {(line["FunctionName"], line["Service"]) for line in lines} == {("stream", "scores")}
