"""The events that AWS publishes: the Lambda developer guide's tutorial and what `sam local generate-event` writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headwater import Handled, Insert, Modify, Record, Remove, StreamApp

SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture(params=["tutorial_input", "sam_generated_event"])
def sample(request: pytest.FixtureRequest) -> Any:
    return json.loads((SAMPLES / f"{request.param}.json").read_text())


def test_each_record_reaches_the_handler_of_its_kind(sample: Any) -> None:
    """An INSERT, a MODIFY and a REMOVE each run their own handler, with decoded images, and all are acknowledged."""
    app = StreamApp()
    seen: list[object] = []

    @app.on_insert
    def inserted(record: Insert) -> None:
        seen.append(record.new)

    @app.on_modify(attribute="Message")
    def modified(record: Modify) -> None:
        seen.append((record.old["Message"], record.new["Message"]))

    @app.on_remove(expired=False)
    def removed(record: Remove) -> None:
        seen.append(record.old)

    result = app.run(sample)

    assert seen == [
        {"Id": 101, "Message": "New item!"},
        ("New item!", "This item has changed"),
        {"Id": 101, "Message": "This item has changed"},
    ]
    assert result.outcomes == [Handled(("inserted",)), Handled(("modified",)), Handled(("removed",))]
    assert result.response == {"batchItemFailures": []}


def test_what_identifies_a_record_can_be_read(sample: Any) -> None:
    """Keys, table, region, identity and text form of each record are there, with a stub ARN too."""
    app = StreamApp()
    seen: list[Record] = []
    app.on_record(seen.append)

    app(sample)

    stub = sample["Records"][0]["eventSourceARN"] == "stream-ARN"
    for record in seen:
        assert record.keys == {"Id": 101}
        assert record.table_name == ("" if stub else "ExampleTableWithStream")
        assert record.region == ("us-east-1" if stub else "eu-central-1")
        assert record.view_type == "NEW_AND_OLD_IMAGES"
        assert not record.expired
        assert "Id=101" in repr(record)
        assert "Message" not in repr(record)
    assert [record.event_name for record in seen] == ["INSERT", "MODIFY", "REMOVE"]


def test_a_failure_in_the_middle_names_that_record(sample: Any) -> None:
    """The second record's handler raises: the response names it alone, and the third is not started."""
    app = StreamApp()
    kinds: list[str] = []

    @app.on_record
    def handle(record: Record) -> None:
        kinds.append(record.event_name)
        if isinstance(record, Modify):
            raise TimeoutError

    second = sample["Records"][1]["dynamodb"]["SequenceNumber"]
    assert app(sample) == {"batchItemFailures": [{"itemIdentifier": second}]}
    assert kinds == ["INSERT", "MODIFY"]
