"""The real parts do what the other tests build on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.parts.runtime_api import run_in_lambda
from tests.parts.tables import DynamoDB

HANDLER = """
import os
def handler(event, context):
    if event == "raise":
        raise ValueError("as told")
    return {"event": event, "request": context.aws_request_id, "process": os.getpid()}
def broken(event, context):
    os._exit(3)
"""


@pytest.mark.parametrize("part", ["dynamodb_local", "moto_server"])
def test_a_stream_has_what_was_written(part: str, request: pytest.FixtureRequest) -> None:
    """A put, a changing put and a delete are an INSERT, a MODIFY and a REMOVE."""
    database: DynamoDB = request.getfixturevalue(part)
    stream = database.create_table("parts", keys=("Id",))
    item = {"Id": {"S": "1"}, "A": {"N": "1"}}
    database.dynamodb.put_item(TableName="parts", Item=item)
    database.dynamodb.put_item(TableName="parts", Item={**item, "A": {"N": "2"}})
    database.dynamodb.delete_item(TableName="parts", Key={"Id": {"S": "1"}})

    records = database.read_stream(stream, count=3)

    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    assert records[1]["dynamodb"]["OldImage"] == item


def test_a_function_answers_raises_and_dies_as_on_lambda(tmp_path: Path) -> None:
    """Two events share a process; an exception is an error; a process that dies answers nothing."""
    (tmp_path / "function.py").write_text(HANDLER)

    run = run_in_lambda("function.handler", [1, "raise", [2]], cwd=tmp_path)

    first, failed, second = run.invocations
    assert first.response["event"] == 1
    assert failed.error["errorType"] == "ValueError"
    assert failed.error["errorMessage"] == "as told"
    assert second.response["event"] == [2]
    assert second.response["process"] == first.response["process"]
    assert run_in_lambda("function.broken", [1], cwd=tmp_path).invocations == []
    assert (
        run_in_lambda("nothing.handler", [1], cwd=tmp_path).init_error["errorType"]
        == "Runtime.ImportModuleError"
    )
