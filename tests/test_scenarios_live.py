"""The scenarios of `tests/scenarios.py` on real streams of DynamoDB Local, through `headwater run`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from headwater.mapping import EventSourceMapping
from tests.parts.running import ids, running
from tests.parts.tables import DynamoDB
from tests.scenarios import SCENARIOS, Discarded, Scenario

SCRIPTED = Path(__file__).parent / "lambda_functions" / "scripted.py"
AT_ONCE = 6  # most of the time they wait, for retries


class Outcome(NamedTuple):
    """What a run came to.

    Attributes:
        invocations: What the function was given, as it has written down.
        lines: What the run has said.
        documents: What it has written to the on-failure destination.
    """

    invocations: Sequence[Any]
    lines: Sequence[dict[str, Any]]
    documents: Sequence[dict[str, Any]]


@pytest.fixture(scope="module")
def outcomes(dynamodb_local: DynamoDB, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """All of them, run several at once."""
    folders = {scenario.name: tmp_path_factory.mktemp("scenario") for scenario in SCENARIOS}
    with ThreadPoolExecutor(AT_ONCE) as threads:
        runs = threads.map(lambda each: run_live(each, dynamodb_local, folders[each.name]), SCENARIOS)
    return dict(zip(folders, runs, strict=True))


def run_live(scenario: Scenario, database: DynamoDB, folder: Path) -> Outcome:
    """Write the records to a table, and hand its stream to the scripted function, in a process of its own."""
    shutil.copy(SCRIPTED, folder / "app.py")
    log, settings, documents = (folder / name for name in ("log.jsonl", "mapping.json", "discards.jsonl"))
    table = f"scenario-{uuid4().hex}"
    stream_arn = database.create_table(table, keys=("Id",))
    mapping = EventSourceMapping(**scenario.settings, event_source_arn=stream_arn, function_name="scripted")
    settings.write_text(json.dumps(mapping.to_aws()))
    for number in range(scenario.records):
        database.dynamodb.put_item(TableName=table, Item={"Id": {"S": str(number)}})
    options = ("--settings", str(settings), "--on-failure", str(documents), "--until-idle", "0.3")
    timeout = ("--timeout", "1.5") if scenario.script.get("by") == "hanging" else ("--timeout", "60")
    script = json.dumps({**scenario.script, "log": str(log)})
    with running(database, folder, table, *options, *timeout, env={"SCRIPT": script}) as run:
        run.end()
    return Outcome(read_lines(log), run.lines, read_lines(documents))


def read_lines(file: Path) -> list[Any]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_live_mapping_does_what_aws_documents(scenario: Scenario, outcomes: dict[str, Outcome]) -> None:
    """The same invocations and discards as the engine's own, on a real stream."""
    outcome = outcomes[scenario.name]
    assert list(outcome.invocations) == list(scenario.invocations)
    deliveries = [line for line in outcome.lines if line["type"] == "delivery"]
    assert [[int(number) for number in ids(line)] for line in deliveries] == list(scenario.invocations)
    lost = [line for line in outcome.lines if line["type"] == "discard"]
    told = [discarded(line, document) for line, document in zip(lost, outcome.documents, strict=True)]
    assert told == list(scenario.discarded)
    assert outcome.lines[-1]["notDone"] == 0


def discarded(line: dict[str, Any], document: dict[str, Any]) -> Discarded:
    context = document["requestContext"]
    return Discarded(
        [int(number) for number in ids(line)],
        context["approximateInvokeCount"],
        document["responseContext"]["functionError"],
        context["condition"],
    )
