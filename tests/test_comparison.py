"""What the comparison with AWS Lambda Powertools says, run: the same small job, written with both."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import pytest
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

from headwater import SourceError
from headwater.testing import LambdaContext, Table, event, pipes_batch

SCORES = Table("GameScores", keys=("UserId", "GameTitle"))
GAME = {"GameTitle": "Meteor Blasters"}
HANDLERS = ("with_powertools", "with_headwater")

Call = Callable[[Any], Any]


def improved(user: str, old: int, new: int) -> dict[str, Any]:
    player = {"UserId": user, **GAME}
    return SCORES.modify({**player, "TopScore": old}, {**player, "TopScore": new})


def announce(line: str) -> None:
    """A service that never answers where carol is concerned."""
    if line.startswith("carol"):
        raise ConnectionError
    print(line)


def named(*records: dict[str, Any]) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": r["dynamodb"]["SequenceNumber"]} for r in records]}


def load(name: str) -> Call:
    handler = importlib.import_module(f"examples.comparison.{name}").lambda_handler
    return lambda sent: handler(sent, LambdaContext())


@pytest.fixture(autouse=True)
def service(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in HANDLERS:
        monkeypatch.setattr(importlib.import_module(f"examples.comparison.{name}"), "send", announce)


@pytest.fixture
def powertools() -> Call:
    return load("with_powertools")


@pytest.fixture
def headwater() -> Call:
    return load("with_headwater")


@pytest.mark.parametrize("name", HANDLERS)
def test_both_do_the_job(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Changed scores are announced, other records are not, and the response says that all is done."""
    bob = {"UserId": "bob", **GAME, "TopScore": 3}
    same = SCORES.modify({**bob, "Day": 1}, {**bob, "Day": 2})
    batch = event([SCORES.insert(bob), same, improved("alice", 1, 2)])
    assert load(name)(batch) == {"batchItemFailures": []}
    assert capsys.readouterr().out == "alice: 1 -> 2\n"


def test_after_a_failure_powertools_goes_on_and_headwater_stops(
    powertools: Call, headwater: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lambda delivers from the first failure on in both cases, so what Powertools ran after it runs again."""
    before, failing, after = improved("alice", 1, 2), improved("carol", 1, 2), improved("bob", 3, 4)
    batch = event([before, failing, after])
    assert powertools(batch) == headwater(batch) == named(failing)
    assert capsys.readouterr().out == "alice: 1 -> 2\nbob: 3 -> 4\nalice: 1 -> 2\n"


def test_after_a_failure_powertools_handles_later_changes_of_the_same_item(
    powertools: Call, headwater: Call, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outage during the first change of an item: the second one is announced first, and then both again."""
    first, second = improved("dave", 1, 2), improved("dave", 2, 3)
    batch = event([first, second])
    for name, call in (("with_powertools", powertools), ("with_headwater", headwater)):
        module = importlib.import_module(f"examples.comparison.{name}")
        outage = iter([ConnectionError()])

        def announce_later(line: str, outage: Any = outage) -> None:
            if error := next(outage, None):
                raise error
            print(line)

        monkeypatch.setattr(module, "send", announce_later)
        assert call(batch) == named(first)
        assert call(batch) == {"batchItemFailures": []}  # the redelivery
        said = capsys.readouterr().out.splitlines()
        in_order = ["dave: 1 -> 2", "dave: 2 -> 3"]
        assert said == (in_order if name == "with_headwater" else ["dave: 2 -> 3", *in_order])


def test_when_all_records_fail_powertools_raises_unless_told_not_to(
    powertools: Call, headwater: Call
) -> None:
    """By default; Headwater names the record."""
    failing = improved("carol", 1, 2)
    with pytest.raises(BatchProcessingError):
        powertools(event([failing]))
    assert headwater(event([failing])) == named(failing)


def test_an_event_of_another_source(powertools: Call, headwater: Call) -> None:
    """A parser model refuses the messages of a queue, Powertools' data class acknowledges them, Headwater refuses."""
    queue = {"Records": [{"messageId": "1", "body": "{}", "eventSource": "aws:sqs"}]}
    with pytest.raises(BatchProcessingError):
        powertools(queue)
    with pytest.raises(SourceError, match="comes from aws:sqs"):
        headwater(queue)

    seen: list[DynamoDBRecord] = []
    without_model = process_partial_response(
        event=queue,
        record_handler=lambda record: seen.append(record),
        processor=BatchProcessor(event_type=EventType.DynamoDBStreams),
    )
    assert without_model == {"batchItemFailures": []}
    assert seen[0].event_name is None


def test_a_batch_of_eventbridge_pipes(powertools: Call, headwater: Call) -> None:
    """It is a bare list: an error to Powertools."""
    batch = pipes_batch([improved("alice", 1, 2)])
    with pytest.raises(ValueError, match="Invalid event format"):
        powertools(batch)
    assert headwater(batch) == {"batchItemFailures": []}


@pytest.mark.parametrize("name", HANDLERS)
def test_one_number_in_two_spellings_is_no_change_to_both(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both compare numbers as numbers."""
    record = improved("alice", 1, 1)
    record["dynamodb"]["NewImage"]["TopScore"] = {"N": "1.0"}
    assert load(name)(event([record])) == {"batchItemFailures": []}
    assert capsys.readouterr().out == ""
