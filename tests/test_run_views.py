"""How a run is shown and counted, and how its options become a mapping."""

from __future__ import annotations

import io
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from rich.console import Console

from headwater import Record, StreamApp
from headwater.cli.check import check_function
from headwater.cli.connect import ConnectError, connect_stream, explain
from headwater.cli.counts import Counts, Trouble
from headwater.cli.environment import Function, Reply
from headwater.cli.inprocess import invoke
from headwater.cli.last_steps import LastSteps
from headwater.cli.live import function_arn
from headwater.cli.loader import LoadError
from headwater.cli.machine import as_json
from headwater.cli.options import Overrides, read_parameters, settings_of
from headwater.cli.outcomes import told
from headwater.cli.panel import age_text, panel
from headwater.cli.terminal import UNFOLDED
from headwater.cli.views import Beginning, Ending, LinesView
from headwater.mapping.answers import NotRun, Raised, Returned, Verdict
from headwater.mapping.following import ShardState
from headwater.mapping.history import Delivery, Invocation
from headwater.mapping.limits import SettingsError
from headwater.mapping.observed import Delivered, Event, Noticed, Stored
from headwater.mapping.rules import Rules
from headwater.mapping.settings import EventSourceMapping
from headwater.mapping.shard import Shard
from headwater.outcomes import DeadLettered, Failed, Handled, Skipped, Withheld
from headwater.testing import Table

ORDERS = Table("Orders", keys="Id")
REPORT = ("ReportBatchItemFailures",)
STREAM_ARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/T/stream/2026-01-01T00:00:00.000"


def deliver(
    answer: Any, *ids: str, outcomes: Any = None, said: str = "", **settings: Any
) -> list[Event[Reply]]:
    """What is told of one delivery of these items."""
    now = time.time()
    shard = Shard("shardId-1", Rules(EventSourceMapping(function_response_types=REPORT, **settings)))
    shard.offer([ORDERS.insert({"Id": name}) for name in ids], now)
    [invocation] = shard.due(now)
    assert isinstance(invocation, Invocation)
    if callable(answer):
        answer = answer(invocation)
    reply = Reply(answer, said, 0.1, outcomes)
    return [
        Delivered(step, reply, shard.checkpoint) if isinstance(step, Delivery) else Stored(step, "", None)
        for step in shard.answered(invocation, answer, now)
    ]


def failing(place: int) -> Any:
    """A response that names the record at this place."""
    return lambda invocation: Returned(
        {"batchItemFailures": [{"itemIdentifier": invocation.entries[place].sequence_number}]}
    )


def lines(*events: Event[Reply], width: int = 160) -> list[str]:
    """What a person sees of events, without spaces at the ends."""
    written, counts = io.StringIO(), Counts()
    view = LinesView(Console(file=written, width=width, highlight=False))
    for event in events:
        counts.count(event)
        view.show(event, counts)
    return [line.strip() for line in written.getvalue().splitlines() if line.strip()]


def foot(counts: Counts, states: list[ShardState], *, width: int = 80) -> list[str]:
    """The lines of the panel."""
    written = io.StringIO()
    Console(file=written, width=width).print(panel("T → app.py", counts, states, now=1_000.0))
    return [line.rstrip() for line in written.getvalue().splitlines()]


# Lines


@pytest.mark.parametrize(
    ("answer", "settings", "expected"),
    [
        (
            Raised("Sandbox.Timedout", "RequestId: 1-2 Error: Task timed out after 3.00 seconds"),
            {},
            [
                "the call failed: Sandbox.Timedout: Task timed out after 3.00 seconds",
                "the checkpoint stays before {0}: 3 records again in 0.4 s",
            ],
        ),
        (
            failing(1),
            {},
            ["the response names {1}", "the checkpoint stays before {1}: 2 records again at once"],
        ),
        (
            failing(0),
            {"bisect_batch_on_function_error": True},
            ["the response names {0}", "the checkpoint stays before {0}: 3 records again in two halves"],
        ),
        (
            NotRun("throttled"),
            {},
            [
                "the function was not run: throttled",
                "the checkpoint stays before {0}: 3 records again in 0.4 s",
            ],
        ),
        (
            failing(0),
            {"maximum_retry_attempts": 0},
            [
                "the response names {0}",
                "no retries are left for 3 records",
                "3 records discarded (RetryAttemptsExhausted), from {0} on: nobody is told, without --on-failure",
            ],
        ),
        (Returned(None), {}, []),
    ],
)
def test_what_follows_is_said_in_words(answer: Any, settings: dict[str, Any], expected: list[str]) -> None:
    """Each way on has its sentence, behind the records and what handlers have printed."""
    events = deliver(answer, "a", "b", "c", said="hello\n", **settings)
    assert isinstance(events[0], Delivered)
    numbers = [entry.sequence_number for entry in events[0].delivery.invocation.entries]
    assert lines(*events) == [
        "batch 1 · 3 records",
        "INSERT  a",
        "INSERT  b",
        "INSERT  c",
        "> hello",
        *(line.format(*numbers) for line in expected),
    ]


def test_without_a_terminal_nothing_is_folded_or_filled_up() -> None:
    """What handlers print can be searched for, line by line."""
    said = "a long line " * 40
    outcomes = [told(Handled(("ship",))), told(Handled(("ship_abroad",)))]
    [event] = deliver(Returned(None), "a", "b", said=f"{said}\n", outcomes=outcomes)
    written, counts = io.StringIO(), Counts()
    counts.count(event)
    LinesView(Console(file=written, width=UNFOLDED, highlight=False)).show(event, counts)
    assert written.getvalue().splitlines() == [
        "",
        "batch 1 · 2 records",
        "  INSERT  a  ship",
        "  INSERT  b  ship_abroad",
        f"  > {said.rstrip()}",
    ]


def test_of_a_large_batch_only_failures_have_lines() -> None:
    """The others are counted."""
    outcomes = [told(Handled(("ship",)))] * 24 + [
        told(Failed("decode", ValueError("no\nno"), None)),
        told(Withheld()),
    ]
    events = deliver(failing(24), *(f"o{number}" for number in range(26)), outcomes=outcomes)
    assert lines(*events)[:3] == [
        "batch 1 · 26 records",
        "INSERT  o24  record failed in phase decode: ValueError: no",
        "24 handled, 1 withheld",
    ]
    assert lines(*deliver(Returned(None), *(f"o{number}" for number in range(26)))) == [
        "batch 1 · 26 records",
        "26 delivered",
    ]


def test_a_traceback_is_shown_the_first_time(tmp_path: Path) -> None:
    """Where the environment tells it."""
    outcome = {**told(Failed("handler", ValueError("no"), "ship")), "traceback": "Traceback:\n  line 3\n"}
    [event] = deliver(failing(0), "a", outcomes=[outcome])
    shown = lines(event, event)
    assert (shown.count("Traceback:"), shown.count("INSERT  a  ship failed: ValueError: no")) == (1, 2)


@pytest.mark.parametrize(
    ("outcome", "text"),
    [
        (Handled(("ship", "bill")), "ship, bill"),
        (Skipped(), "no route wants it"),
        (Skipped(""), "skipped"),
        (Skipped("old"), "skipped: old"),
        (Failed("handler", ValueError("no"), "ship"), "ship failed: ValueError: no"),
        (DeadLettered("handler"), "put aside as a dead letter"),
        (
            DeadLettered("decode", ValueError("no"), "ship"),
            "put aside as a dead letter: ship failed in phase decode: ValueError: no",
        ),
        (Withheld(), "waits for a record that is not done"),
    ],
)
def test_what_became_of_a_record_is_said_in_words(outcome: Any, text: str) -> None:
    """As by `headwater invoke`."""
    [event] = deliver(Returned(None), "a", outcomes=[told(outcome)])
    assert lines(event)[1] == f"INSERT  a  {text}"


@pytest.mark.parametrize(
    ("name", "shown"),
    [("order[/2024]", "order[/2024]"), ("b[x]", "b[x]"), ("\x1b[31mred\n", r"\x1b[31mred\n")],
)
def test_what_data_holds_is_shown_as_it_is(name: str, shown: str) -> None:
    """No markup is read in it, and no control character of it reaches the terminal."""
    failed = Failed("handler", ValueError(f"no [/{name}]"), "ship")
    [event] = deliver(failing(0), name, outcomes=[told(failed)])
    reason = f"ship failed: ValueError: no [/{shown}]".replace(r"\n]", "")
    assert lines(event)[1] == f"INSERT  {shown}  {reason}"
    counts = Counts()
    counts.count(event)
    state = ShardState(f"[/{shown}]"[-12:], "[/1]", None, 0, 0, None, False)
    figures = foot(counts, [state])
    assert any(line.endswith(reason) for line in figures)
    assert any("[/1]" in line for line in figures)


def test_the_end_of_a_window_has_no_records() -> None:
    """It is a delivery all the same; a lane that is not the first is named, as is a batch that comes again."""
    [event] = deliver(Returned(None), "a")
    assert isinstance(event, Delivered)
    closing = event.delivery.invocation._replace(entries=(), lane=2)
    event = event._replace(delivery=event.delivery._replace(invocation=closing))
    assert lines(event, event) == [
        "batch 1 · the end of a window · lane 2",
        "batch 1, delivery 2 · the end of a window · lane 2",
    ]


def test_a_report_has_the_last_steps_of_a_long_run() -> None:
    """As many as fit into memory, by deliveries and by records, and none with the function's event."""
    delivered, stored = deliver(failing(0), "a", "b", maximum_retry_attempts=0)
    assert isinstance(delivered, Delivered)
    assert isinstance(stored, Stored)
    few = LastSteps(most_deliveries=2, most_records=100)
    for event in (delivered, Noticed("look"), delivered, delivered, stored):
        few.add(event)
    assert (len(few.deliveries), len(few.discards)) == (2, 1)
    assert few.deliveries[0].invocation.event == {}
    assert few.discards[0].event is None

    small = LastSteps(most_records=5)
    for event in (delivered, stored, delivered):
        small.add(event)
    assert (len(small.deliveries), len(small.discards)) == (1, 1)
    for event in (stored, stored):
        small.add(event)
    assert (len(small.deliveries), len(small.discards)) == (1, 1)
    one = LastSteps(most_records=1)
    one.add(delivered)
    assert len(one.deliveries) == 1


def test_where_word_of_discards_is_and_who_is_told() -> None:
    """A file; and of what the stream has trimmed nobody is told."""
    event = deliver(failing(0), "a", maximum_retry_attempts=0)[1]
    assert isinstance(event, Stored)
    assert lines(event._replace(place="discards.jsonl"))[0].endswith(": word of it is in discards.jsonl")
    trimmed = event.discard._replace(document=None, condition="Trimmed")
    assert lines(event._replace(discard=trimmed))[0].endswith(": they are older than what a stream keeps")
    assert lines(Noticed("look", "shardId-1")) == ["look"]


@pytest.mark.parametrize(
    ("goes_on", "position", "start"),
    [
        (True, "LATEST", "goes on behind the checkpoint"),
        (False, "LATEST", "starts at what comes from now on"),
        (False, "TRIM_HORIZON", "starts at the oldest record that the stream has"),
    ],
)
def test_a_run_says_where_it_begins_and_how_it_ended(goes_on: bool, position: Any, start: str) -> None:
    """With what may surprise."""
    written = io.StringIO()
    view = LinesView(Console(file=written, width=160, highlight=False))
    settings = EventSourceMapping(starting_position=position).to_aws()
    with view.shown():
        view.begin(Beginning("T → [/a].py", STREAM_ARN, "m", "file", goes_on, settings, ["look out"]))
        view.turn(Counts(), list)
    view.end(Ending("disabled", 2, 3), Counts(batches=2, handled=1_000))
    assert written.getvalue().splitlines() == [
        "T → [/a].py, batches of 100, Ctrl-C to stop",
        f"{start}; checkpoints of m are kept in file",
        "look out",
        "",
        "the stream is switched off and read to its end: was its table deleted?",
        "2 batches · 1,000 records handled · 0 retried · 0 dead-lettered · 0 discarded · 3 filtered out · 2 not done",
    ]


# Figures


def test_counts_know_what_is_done_and_what_is_not() -> None:
    """A failure that comes again is one; it is over when its record is done."""
    counts = Counts()
    aside = told(DeadLettered("handler", ValueError("no"), "ship"))
    failed = told(Failed("handler", ValueError("no"), "ship"))
    [partial] = deliver(failing(1), "a", "b", outcomes=[aside, failed])
    assert isinstance(partial, Delivered)
    number = partial.delivery.invocation.entries[1].sequence_number
    counts.count(partial)
    counts.count(partial)
    assert (counts.batches, counts.deliveries, counts.handled) == (1, 2, 2)
    assert (counts.retried, counts.dead_lettered, counts.discarded) == (2, 2, 0)
    assert list(counts.errors) == [Trouble(number, "ship failed: ValueError: no", 2)]
    done = partial.delivery._replace(verdict=Verdict("done"))
    counts.count(partial._replace(delivery=done))
    assert [trouble.over for trouble in counts.errors] == [True]
    counts.count(Noticed("nothing to count"))
    for event in deliver(failing(0), "c", maximum_retry_attempts=0):
        counts.count(event)
    assert (counts.discarded, counts.retried, len(counts.errors)) == (1, 2, 2)


def test_the_foot_of_the_terminal_fits_80_columns() -> None:
    """Shards that are most behind come first; identifiers are cut at the front, reasons at the end."""
    counts = Counts(batches=1, handled=1_234, retried=2)
    counts.errors.append(Trouble("4421584500000000017454423015", "ship failed: ValueError: " + "no " * 30, 3))
    counts.errors.append(Trouble("111", "short", 1, over=True))
    states = [
        ShardState(f"shardId-00000001795292700107-{number:08x}", "111", None, 0, 0, None, False)
        for number in range(9)
    ]
    states.append(ShardState("shardId-1", "4421584500000000017454423015", "222", 3, 2, 925.0, False))
    blank, *shown, hint = foot(counts, states)
    assert (blank, hint) == ("", "Ctrl-C to stop")
    assert shown[0].startswith("T → app.py ───")
    assert shown[1] == "1 batch · 1,234 handled · 2 retried · 0 dead-lettered · 0 discarded"
    assert shown[3].split() == ["shardId-1", "…0017454423015", "222", "3", "2", "1", "min"]
    assert shown[4].split() == ["…07-00000000", "111", "-", "0", "0", "-"]
    assert "and 2 more" in shown[11]
    assert shown[13].split() == ["111", "since", "handled:", "short"]
    assert shown[14].startswith("…0017454423015  3 times: ship failed: ValueError: no no")
    assert shown[14].endswith("…")
    assert max(map(len, shown)) <= 80
    assert foot(Counts(), [])[3:] == ["no shard is open", "Ctrl-C to stop"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(-3.0, "0 s"), (12.4, "12 s"), (600.0, "10 min"), (9_000.0, "2.5 h")]
)
def test_ages_are_short(seconds: float, text: str) -> None:
    """A few characters."""
    assert age_text(seconds) == text


# JSON


def test_each_line_of_json_has_the_documented_keys() -> None:
    """Also where the function was not run."""
    page = (Path(__file__).parents[1] / "docs" / "run-locally.md").read_text()
    events = [
        *deliver(failing(0), "a", outcomes=[told(Skipped())], maximum_retry_attempts=0),
        *deliver(NotRun("throttled"), "a"),
        Noticed("look"),
    ]
    for event in events:
        line = as_json(event)
        assert json.loads(json.dumps(line)) == line
        [documented] = [row for row in page.splitlines() if row.startswith(f"| `{line['type']}` |")]
        assert set(line) - {"type"} == {name for name in documented.split("`")[3::2] if name in line}
    not_run = as_json(events[2])
    assert (not_run["result"], not_run["reason"], not_run["errorType"]) == ("notRun", "throttled", None)


# Options


def test_options_come_before_the_file(tmp_path: Path) -> None:
    """What is not given stays as the file says, and without a file as AWS says."""
    file = tmp_path / "mapping.json"
    file.write_text(
        json.dumps({"UUID": "1", "EventSourceArn": STREAM_ARN, "BatchSize": 7, "MaximumRetryAttempts": 3})
    )
    settings = settings_of(file, Overrides(maximum_retry_attempts=0, filter_criteria=[]))
    assert (settings.batch_size, settings.maximum_retry_attempts) == (7, 0)
    assert settings_of(None, Overrides()) == EventSourceMapping(function_response_types=REPORT)


def test_mapping_and_parameters_are_those_of_the_template(tmp_path: Path) -> None:
    """A value may hold an equals sign; of a parameter that is given twice the last one counts."""
    properties = {"EventSourceArn": STREAM_ARN, "FunctionName": "f", "StartingPosition": "LATEST"}
    resources = {
        name: {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {**properties, "BatchSize": size}}
        for name, size in (("A", 1), ("B", {"Ref": "Size"}))
    }
    file = tmp_path / "template.json"
    file.write_text(json.dumps({"Parameters": {"Size": {"Type": "Number"}}, "Resources": resources}))
    settings = settings_of(file, Overrides(), mapping="B", parameters=["Size=3", "Size=7"])
    assert settings.batch_size == 7
    assert read_parameters(["Stage=", "Query=a=b"]) == {"Stage": "", "Query": "a=b"}


@pytest.mark.parametrize("parameter", ["Stage", "=prod", ""])
def test_a_parameter_without_a_value_is_refused(parameter: str) -> None:
    """Also where there is no template."""
    with pytest.raises(SettingsError, match="gives no value: write NAME=VALUE"):
        settings_of(None, Overrides(), parameters=[parameter])


@pytest.mark.parametrize(
    ("overrides", "message"),
    [(Overrides(batch_size=0), "BatchSize=0"), (Overrides(filter_criteria=["["]), "JSON")],
)
def test_what_aws_would_refuse_is_refused(overrides: Overrides, message: str) -> None:
    """Before anything is read."""
    with pytest.raises(ValueError, match=message):
        settings_of(None, overrides)


def test_the_function_has_a_name_and_an_arn() -> None:
    """Its own where the settings know it; else the app's, in the region and account of the stream."""
    arn = "arn:aws:lambda:eu-west-1:1:function:f"
    assert function_arn(EventSourceMapping(function_name=arn), "app.py", STREAM_ARN) == arn
    here = "arn:aws:lambda:eu-west-1:123456789012:function:"
    for name, target, expected in (
        ("board", "app.py", "board"),
        ("${Board}", "src/my app.py:handler", "my-app"),
        (None, "package.module:app", "package"),
    ):
        assert function_arn(EventSourceMapping(function_name=name), target, STREAM_ARN) == here + expected
    local = "arn:aws:dynamodb:ddblocal:000000000000:table/T/stream/2026"
    assert function_arn(EventSourceMapping(), "a.py", local).startswith(
        "arn:aws:lambda:us-east-1:000000000000:"
    )


# Errors


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("ExpiredTokenException", "table T can not be read, since the credentials are expired or wrong"),
        ("AccessDeniedException", "table T can not be read without permission: allow dynamodb:DescribeTable"),
        ("ResourceNotFoundException", "table T is not there any more: was its table deleted"),
        ("ValidationException", "table T can not be read: An error occurred (ValidationException)"),
    ],
)
def test_what_the_service_says_becomes_a_sentence(code: str, sentence: str) -> None:
    """With what to do."""
    error = ClientError({"Error": {"Code": code, "Message": "so it is"}}, "GetRecords")
    assert explain(error, "table T").startswith(sentence)


def test_a_service_that_is_not_there_becomes_a_sentence() -> None:
    """With the endpoint."""
    error = EndpointConnectionError(endpoint_url="http://127.0.0.1:1")
    assert explain(error, "table T").startswith("DynamoDB can not be reached: Could not connect")


def test_only_the_arn_of_a_stream_is_taken() -> None:
    """Not that of its table."""
    assert connect_stream(STREAM_ARN, endpoint_url=None).table == "T"
    for arn in ("arn:aws:dynamodb:eu-west-1:123456789012:table/T", "T"):
        with pytest.raises(ConnectError, match="is no ARN of a stream"):
            connect_stream(arn, endpoint_url=None)


def test_an_app_that_raises_has_failed() -> None:
    """In this process as in another one."""
    app = StreamApp()

    @app.on_record
    def handle(record: Record) -> None:
        print("here")

    reply = invoke(app, {"Records": [ORDERS.insert({"Id": "a"})]}, "1")
    assert (reply.answer, reply.said) == (Returned({"batchItemFailures": []}), "here\n")
    failed = invoke(app, {"Records": [{"eventSource": "aws:sqs"}]}, "2").answer
    assert isinstance(failed, Raised)
    assert failed.error_type == "SourceError"


# The function


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("raise SystemExit(3)", "ends the process that imports it, with exit status 3"),
        ("import time; time.sleep(60)", "takes longer than 0.5 seconds to import"),
        ("x = 1", "has no app: it holds no StreamApp at all"),
        (r"raise ValueError('\ud800')", r"ValueError: \\ud800"),
    ],
)
def test_a_function_that_can_not_be_had_is_told_before_anything_is_delivered(
    tmp_path: Path, code: str, message: str
) -> None:
    """Whatever its module does, in a process of its own."""
    file = tmp_path / "app.py"
    file.write_text(f"print('imported')\n{code}\n")
    limit = 0.5 if "sleep" in code else 30
    with pytest.raises(LoadError, match=message):
        check_function(Function(target=str(file), init_timeout=limit, timeout=limit))


def test_the_package_of_a_function_is_imported_in_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands in it runs with the function alone, as on Lambda."""
    package = tmp_path / "package_of_function"
    package.mkdir()
    (package / "__init__.py").write_text("import os\nopen('process', 'w').write(str(os.getpid()))\n")
    (package / "module.py").write_text("def app(event, context): ...\n")
    monkeypatch.chdir(tmp_path)
    check_function(Function(target="package_of_function.module:app", init_timeout=30))
    assert (tmp_path / "process").read_text() not in {"", str(os.getpid())}
