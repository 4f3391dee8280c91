"""What else the comparison may say, run: what Powertools offers for order, and what counts as a change."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities import batch
from aws_lambda_powertools.utilities.batch import (
    AsyncBatchProcessor,
    BasePartialProcessor,
    BatchProcessor,
    EventType,
    SqsFifoPartialProcessor,
    async_process_partial_response,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import (
    DynamoDBRecord,
    DynamoDBRecordEventName,
)

from examples.comparison import with_headwater, with_powertools
from headwater import DecodeError, Failed, Modify, StreamApp
from headwater.testing import LambdaContext, Table, event

SCORES = Table("GameScores", keys=("UserId", "GameTitle"))
POWERTOOLS: Any = with_powertools  # Any: its context type is a class of its own
HEADWATER: Any = with_headwater
BOTH = pytest.mark.parametrize("library", [POWERTOOLS, HEADWATER], ids=["powertools", "headwater"])


def score(user: str, **attributes: Any) -> dict[str, Any]:
    return {"UserId": user, "GameTitle": "Meteor Blasters", **attributes}


def rise(user: str, old: int, new: int) -> dict[str, Any]:
    return SCORES.modify(score(user, TopScore=old), score(user, TopScore=new))


def named(*records: dict[str, Any]) -> dict[str, Any]:
    return {"batchItemFailures": [{"itemIdentifier": r["dynamodb"]["SequenceNumber"]} for r in records]}


def run(library: Any, *records: dict[str, Any]) -> Any:
    return library.lambda_handler(event(records), LambdaContext())


def refuse(_: object) -> None:
    raise ConnectionError("no answer")


def test_powertools_names_every_failed_record_and_headwater_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two of four fail: Powertools names both, Headwater the one from which Lambda delivers again."""

    def send(message: str) -> None:
        if message.startswith(("bob", "dora")):
            raise ConnectionError("no answer")

    monkeypatch.setattr(with_powertools, "send", send)
    monkeypatch.setattr(with_headwater, "send", send)
    records = [rise(user, 1, 2) for user in ("alice", "bob", "carol", "dora")]
    assert run(POWERTOOLS, *records) == named(records[1], records[3])
    assert run(HEADWATER, *records) == named(records[1])


def test_powertools_names_all_records_when_it_is_told_not_to_raise() -> None:
    """With raise_on_entire_batch_failure=False nothing is raised, and every record is named."""
    records = [rise("alice", 1, 2), rise("bob", 1, 2)]
    processor = BatchProcessor(EventType.DynamoDBStreams, raise_on_entire_batch_failure=False)
    seen: list[str] = []

    def fail(record: DynamoDBRecord) -> None:
        seen.append("called")
        raise ConnectionError("no answer")

    assert process_partial_response(event(records), fail, processor) == named(*records)
    assert len(seen) == 2


def test_only_powertools_has_run_what_follows_a_record_that_never_succeeds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In three deliveries Powertools runs the good record behind it three times, and Headwater never."""
    good: dict[str, list[str]] = {}
    records = [rise("alice", 1, 2), rise("bob", 1, 2)]
    for library in (with_powertools, with_headwater):
        messages = good.setdefault(library.__name__.rpartition(".")[2], [])

        def send(message: str, messages: list[str] = messages) -> None:
            if message.startswith("alice"):
                raise ConnectionError("no answer")
            messages.append(message)

        monkeypatch.setattr(library, "send", send)
        for _ in range(3):
            assert run(library, *records) == named(records[0])
    assert good == {"with_powertools": ["bob: 1 -> 2"] * 3, "with_headwater": []}


def test_the_only_processor_of_powertools_that_stops_is_for_sqs() -> None:
    """It exports three: two go on after a failure, and the third takes no event type but SQS."""
    exported = [getattr(batch, name) for name in batch.__all__ if not name.startswith("Base")]
    processors = [
        each for each in exported if isinstance(each, type) and issubclass(each, BasePartialProcessor)
    ]
    assert processors == [BatchProcessor, AsyncBatchProcessor, SqsFifoPartialProcessor]
    assert SqsFifoPartialProcessor().event_type is EventType.SQS


def test_the_fifo_processor_of_powertools_can_not_name_a_stream_record() -> None:
    """It stops at the failure of a stream record, then raises where it looks for the message's identifier."""
    seen: list[str] = []

    def fail_second(record: Any) -> None:
        seen.append("called")
        if len(seen) == 2:
            raise ConnectionError("no answer")

    records = [rise(user, 1, 2) for user in ("alice", "bob", "carol")]
    with pytest.raises(KeyError, match="messageId"):
        process_partial_response(event(records), fail_second, SqsFifoPartialProcessor())
    assert len(seen) == 2


def test_a_subclass_makes_powertools_stop() -> None:
    """A BatchProcessor whose process method ends at the first failure names that one and starts nothing after it."""

    class StopAtFirstFailure(BatchProcessor):
        def process(self) -> list[tuple[Any, ...]]:
            results: list[tuple[Any, ...]] = []
            for record in self.records:
                results.append(self._process_record(record))
                if self.fail_messages:
                    break
            return results

    seen: list[str] = []

    def fail_second(record: DynamoDBRecord) -> None:
        seen.append("called")
        if len(seen) == 2:
            raise ConnectionError("no answer")

    records = [rise(user, 1, 2) for user in ("alice", "bob", "carol")]
    processor = StopAtFirstFailure(EventType.DynamoDBStreams)
    assert process_partial_response(event(records), fail_second, processor) == named(records[1])
    assert len(seen) == 2


def test_the_async_processor_of_powertools_overlaps_changes_of_one_item() -> None:
    """It starts all records of a batch at once; Headwater ends one before it starts the next."""
    records = [rise("alice", 1, 2), rise("alice", 2, 3)]
    steps: list[str] = []

    async def work(score: object) -> None:
        steps.append(f"start {score}")
        await asyncio.sleep(0)
        steps.append(f"end {score}")

    async def with_async_powertools(record: DynamoDBRecord) -> None:
        assert record.dynamodb is not None
        await work(record.dynamodb.new_image["TopScore"])

    processor = AsyncBatchProcessor(EventType.DynamoDBStreams)
    assert async_process_partial_response(event(records), with_async_powertools, processor) == named()
    assert steps == ["start 2", "start 3", "end 2", "end 3"]

    steps.clear()
    app = StreamApp()

    @app.on_modify
    async def with_async_headwater(record: Modify) -> None:
        await work(record.new["TopScore"])

    assert app(event(records)) == named()
    assert steps == ["start 2", "end 2", "start 3", "end 3"]


def test_a_handler_of_the_data_class_may_acknowledge_a_queue_unread() -> None:
    """A handler that passes over what is no MODIFY gives success for SQS messages, which SQS then deletes."""
    queue = {"Records": [{"messageId": "1", "body": "{}", "eventSource": "aws:sqs"}]}

    def congratulate(record: DynamoDBRecord) -> None:
        if record.event_name is DynamoDBRecordEventName.MODIFY:
            refuse(record)

    processor = BatchProcessor(EventType.DynamoDBStreams)
    assert process_partial_response(queue, congratulate, processor) == named()
    assert process_partial_response(event([SCORES.remove(score("a"))]), congratulate, processor) == named()


@BOTH
def test_both_name_a_record_whose_required_attribute_was_removed(
    library: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """GameScore requires TopScore, so its removal fails in both; an optional field lets it through."""
    good, bad = rise("alice", 1, 2), SCORES.modify(score("bob", TopScore=2), score("bob"))
    assert run(library, good, bad) == named(bad)
    assert capsys.readouterr().out == "alice: 1 -> 2\n"


def test_a_removed_attribute_is_a_change_to_headwater() -> None:
    """The route matches, and it is the reading of the new image that fails."""
    result = with_headwater.app.run(event([SCORES.modify(score("bob", TopScore=2), score("bob"))]))
    [outcome] = result.outcomes
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, DecodeError)
    assert outcome.route == "congratulate"


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ({"SS": ["gold", "iron"]}, {"SS": ["iron", "gold"]}, False),
        ({"NS": ["1", "2"]}, {"NS": ["2", "1.0"]}, False),
        ({"N": "1"}, {"N": "1E0"}, False),
        ({"SS": ["gold", "iron"]}, {"SS": ["gold"]}, True),
    ],
)
def test_to_both_a_set_has_no_order(old: dict[str, Any], new: dict[str, Any], changed: bool) -> None:
    """Images of Powertools' data class compare as sets and numbers, and so does Headwater's attribute=."""
    record = SCORES.modify(score("alice", Badges="none"), score("alice", Badges="some"))
    record["dynamodb"]["OldImage"]["Badges"], record["dynamodb"]["NewImage"]["Badges"] = old, new
    stream = DynamoDBRecord(record).dynamodb
    assert stream is not None
    assert (stream.old_image != stream.new_image) is changed

    app = StreamApp()
    seen: list[Modify] = []

    @app.on_modify(attribute="Badges")
    def award(record: Modify) -> None:
        seen.append(record)

    assert app(event([record])) == named()
    assert bool(seen) is changed


def test_only_powertools_reads_items_that_the_handler_ignores(capsys: pytest.CaptureFixture[str]) -> None:
    """An insert that does not fit the model fails with a parser model; Headwater acknowledges it unread."""
    old_shape, good = SCORES.insert(score("alice", TopScore="many")), rise("bob", 1, 2)
    assert run(POWERTOOLS, old_shape, good) == named(old_shape)
    assert run(HEADWATER, old_shape, good) == named()
    assert capsys.readouterr().out == "bob: 1 -> 2\n" * 2


def test_the_logger_of_powertools_wraps_a_headwater_app(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """inject_lambda_context around the app puts the request's identifier on every line that a handler logs."""
    logger = Logger(service="scores")
    monkeypatch.setattr(with_headwater, "send", logger.info)

    @logger.inject_lambda_context
    def lambda_handler(event: dict[str, Any], context: Any) -> Any:
        return with_headwater.app(event, context)

    context: Any = LambdaContext()
    assert lambda_handler(event([rise("alice", 1, 2)]), context) == named()
    line = json.loads(capsys.readouterr().out)
    assert (line["message"], line["function_request_id"]) == ("alice: 1 -> 2", context.aws_request_id)
