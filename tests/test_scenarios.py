"""The scenarios of `tests/scenarios.py`, run against the engine on a virtual clock."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from headwater.mapping.answers import Raised, Returned
from headwater.mapping.history import Discard, Invocation
from headwater.mapping.rules import Rules
from headwater.mapping.settings import EventSourceMapping
from headwater.mapping.simulation import Ran, Simulation, Step, Write
from headwater.testing import Table
from tests.lambda_functions.scripted import lambda_handler
from tests.scenarios import SCENARIOS, Discarded, Scenario

START = 1_800_000_000.0


def run(invocation: Invocation) -> Ran:
    """Call the function as Lambda does: through JSON; a time-out is an error that comes later."""
    try:
        payload = lambda_handler(json.loads(json.dumps(invocation.event)), None)
    except TimeoutError:
        return Ran(Raised("Sandbox.Timedout", "Task timed out after 3.00 seconds"), 3.0)
    except Exception as error:
        return Ran(Raised(type(error).__name__, str(error)), 0.1)
    return Ran(Returned(json.loads(json.dumps(payload))), 0.1)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_engine_does_what_aws_documents(
    scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same invocations, and the same discards."""
    log = tmp_path / "invocations.jsonl"
    monkeypatch.setenv("SCRIPT", json.dumps({**scenario.script, "log": str(log)}))

    def out_of_time(_seconds: float) -> None:
        raise TimeoutError

    monkeypatch.setattr("tests.lambda_functions.scripted.time.sleep", out_of_time)
    table = Table("Orders", keys="Id")
    written = datetime.fromtimestamp(START, tz=UTC)
    writes = [
        Write(START, "shard-0", table.insert({"Id": str(number)}, created_at=written))
        for number in range(scenario.records)
    ]
    steps: list[Step] = []
    rules = Rules(EventSourceMapping(**scenario.settings))
    Simulation(rules, run, start=START, observe=steps.append).run(writes)

    assert [json.loads(line) for line in log.read_text().splitlines()] == list(scenario.invocations)
    assert [discarded(step) for step in steps if isinstance(step, Discard)] == list(scenario.discarded)


def discarded(step: Discard) -> Discarded:
    document: Any = step.document
    context = document["requestContext"]
    return Discarded(
        [int(entry.raw["dynamodb"]["Keys"]["Id"]["S"]) for entry in step.entries],
        context["approximateInvokeCount"],
        document["responseContext"]["functionError"],
        context["condition"],
    )
