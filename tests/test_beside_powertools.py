"""The example of an app beside Powertools: its template, and what it logs and measures as Lambda runs it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from headwater.sources import read_event
from tests.parts.runtime_api import Run, run_in_lambda

EXAMPLE = Path(__file__).parents[1] / "examples" / "beside_powertools"
EVENT: Mapping[str, Any] = json.loads((EXAMPLE / "event.json").read_text())
RECORDS: Mapping[str, Any] = {
    record["dynamodb"]["Keys"]["UserId"]["S"]: record for record in EVENT["Records"]
}
REQUEST = "00000000-0000-0000-0000-00000000000"


def number(user: str) -> str:
    found: str = RECORDS[user]["dynamodb"]["SequenceNumber"]
    return found


@pytest.fixture(scope="module", params=["Text", "JSON"])
def done(request: pytest.FixtureRequest) -> Run:
    """Two invocations in one process, in each log format."""
    return run_in_lambda(
        "app.lambda_handler",
        [EVENT, EVENT],
        cwd=EXAMPLE,
        env={
            "AWS_LAMBDA_LOG_FORMAT": request.param,
            "POWERTOOLS_TRACE_DISABLED": "true",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
    )


def lines(run: Run) -> list[dict[str, Any]]:
    """Everything that the function wrote, which has to be JSON to the last line."""
    return [json.loads(line) for line in run.output.splitlines()]


def logged(run: Run, invocation: int) -> list[dict[str, Any]]:
    found = [line for line in lines(run) if "level" in line]
    return [line for line in found if line["function_request_id"] == f"{REQUEST}{invocation}"]


# Lambda


def test_the_response_names_the_record_that_failed(done: Run) -> None:
    """The decorators of Powertools hand the app's answer on as it is."""
    answer = {"batchItemFailures": [{"itemIdentifier": number("carol")}]}
    assert [(run.response, run.error) for run in done.invocations] == [(answer, None)] * 2, done.output


def test_each_line_has_the_keys_of_its_own_record(done: Run) -> None:
    """Those that a handler or the observer appended are gone with the record, those of the invocation stay."""
    for invocation in range(2):
        sent = [line for line in logged(done, invocation) if line["message"] == "sent"]
        assert [(line["user_id"], line["event_id"], line["text"]) for line in sent] == [
            ("alice", RECORDS["alice"]["eventID"], "welcome to Meteor Blasters"),
            ("bob", RECORDS["bob"]["eventID"], "300 -> 450"),
        ]
        assert {line["service"] for line in sent} == {"leaderboard"}
        assert {line["cold_start"] for line in sent} == {invocation == 0}


def test_headwaters_own_line_is_one_of_powertools(done: Run) -> None:
    """With the invocation's and the record's keys beside Headwater's fields, and once."""
    for invocation in range(2):
        [line] = [line for line in logged(done, invocation) if line["level"] == "ERROR"]
        expected = {
            "message": f"record {number('carol')} of table GameScores failed in phase handler of congratulate: "
            "ConnectionError",
            "service": "leaderboard",
            "user_id": "carol",
            "event_id": RECORDS["carol"]["eventID"],
            "table": "GameScores",
            "sequence_number": number("carol"),
            "phase": "handler",
            "route": "congratulate",
            "exception_name": "ConnectionError",
        }
        assert {name: line.get(name) for name in expected} == expected
        assert line["stack_trace"]["frames"][0]["function"] == "congratulate"


def test_metrics_have_what_handlers_and_the_observer_added(done: Run) -> None:
    """In one line for each invocation, written after the last record."""
    measured = [line for line in lines(done) if "_aws" in line]
    counts = {"Handled": [1.0, 1.0], "Skipped": [1.0], "Failed": [1.0], "HighScore": [1.0]}
    found = [{name: line[name] for name in counts} for line in measured if "Handled" in line]
    assert found == [counts] * 2
    assert [line["ColdStart"] for line in measured if "ColdStart" in line] == [[1.0]]
    assert {line["_aws"]["CloudWatchMetrics"][0]["Namespace"] for line in measured} == {"GameScores"}


def test_the_tracer_sends_what_handlers_did_to_the_x_ray_daemon() -> None:
    """A subsegment of the invocation, and below it one for each call of a traced function, the failed one marked."""
    script = """
import json, pathlib
import app
from headwater.testing import LambdaContext
app.lambda_handler(json.loads(pathlib.Path("event.json").read_text()), LambdaContext())
"""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.settimeout(5)
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=EXAMPLE,
            env={
                **os.environ,
                "LAMBDA_TASK_ROOT": str(EXAMPLE),  # as in Lambda, so that the tracer is on
                "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{daemon.getsockname()[1]}",
                "_X_AMZN_TRACE_ID": f"Root=1-6a1b2c3d-{'a' * 24};Parent={'b' * 16};Sampled=1",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            check=True,
            capture_output=True,
        )
        sent = [json.loads(daemon.recv(65_536).decode().partition("\n")[2])]
        while "## lambda_handler" not in {segment["name"] for segment in sent}:
            sent.append(json.loads(daemon.recv(65_536).decode().partition("\n")[2]))
    *below, outer = sent
    assert (outer["trace_id"], outer["parent_id"]) == (f"1-6a1b2c3d-{'a' * 24}", "b" * 16)
    assert "fault" not in outer
    assert {segment["parent_id"] for segment in below} == {outer["id"]}
    assert [(segment["name"], segment.get("fault", False)) for segment in below] == [
        ("## app.send", False),
        ("## app.send", False),
        ("## app.send", True),
    ]


# The files


def test_the_event_is_one_of_a_stream() -> None:
    """As the app reads it."""
    batch = read_event(dict(EVENT))
    assert batch.source == "event source mapping"
    assert len(batch.records) == len(RECORDS) == 5
