"""Invocations through `awslambdaric`, the client that runs a Python function on Lambda."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from headwater.testing import Table, event, pipes_batch
from tests.parts.runtime_api import Run, run_in_lambda

FUNCTIONS = Path(__file__).parent / "lambda_functions"
DONE: dict[str, Any] = {"batchItemFailures": []}
SECRET = "nobody may read this"
SCORES = Table("GameScores", keys="UserId")
ORDERS = Table("Orders", keys="Id")


def run(handler: str, *events: Any, env: Mapping[str, str] | None = None) -> Run:
    return run_in_lambda(handler, events, cwd=FUNCTIONS, env=env)


def responses(run: Run) -> Sequence[Any]:
    assert [invocation.error for invocation in run.invocations] == [None] * len(run.invocations), run.output
    return [invocation.response for invocation in run.invocations]


def error(run: Run) -> Mapping[str, Any]:
    [invocation] = run.invocations
    assert invocation.response is None
    found: Mapping[str, Any] = invocation.error
    return found


def score(user: str, old: Any, new: Any) -> dict[str, Any]:
    item = {"UserId": user, "Comment": SECRET}
    return SCORES.modify({**item, "TopScore": old}, {**item, "TopScore": new})


def number(record: Mapping[str, Any]) -> str:
    found: str = record["dynamodb"]["SequenceNumber"]
    return found


# The response


def test_a_batch_that_succeeds_is_answered_with_an_empty_list() -> None:
    """The response is the JSON that AWS documents, and the handlers have run in the order of the batch."""
    done = run("scores.lambda_handler", event([score("u1", 1, 2), score("u2", 3, 4)]))
    assert responses(done) == [DONE]
    assert done.output.index("celebrated u1 1 2") < done.output.index("celebrated u2 3 4")


def test_an_empty_batch_and_one_that_nothing_handles_succeed() -> None:
    """No route for these records is no failure."""
    item = {"UserId": "u1", "TopScore": 1}
    done = run("scores.lambda_handler", event([]), event([SCORES.insert(item), SCORES.remove(item)]))
    assert responses(done) == [DONE, DONE]


def test_a_partial_failure_names_the_first_record_that_is_not_acknowledged() -> None:
    """That one alone, though later ones wait as well; nothing after it is started; the process stays in use."""
    records = [score("u1", 1, 2), score("u2", 1, -1), score("u3", 1, 2), score("u4", 1, -1)]
    done = run("scores.lambda_handler", event(records), event(records[2:3]))
    assert responses(done) == [{"batchItemFailures": [{"itemIdentifier": number(records[1])}]}, DONE]
    assert "celebrated u1" in done.output
    assert done.output.count("celebrated u3") == 1
    assert "celebrated u4" not in done.output


def test_an_image_that_does_not_fit_its_model_is_a_partial_failure() -> None:
    """Not a function error, which would deliver the records before it again."""
    records = [score("u1", 1, 2), score("u2", 1, SECRET)]
    assert responses(run("scores.lambda_handler", event(records))) == [
        {"batchItemFailures": [{"itemIdentifier": number(records[1])}]}
    ]


def test_what_handlers_return_is_not_in_the_response() -> None:
    """A namedtuple, a set, a record, a date, or what looks like a response itself."""
    done = run("returns.lambda_handler", event([ORDERS.insert({"Id": "1", "Total": 3})]))
    assert responses(done) == [DONE]


def test_eventbridge_pipes_is_answered_with_event_ids() -> None:
    """Every record that is not acknowledged is named, since Pipes delivers only those again."""
    records = [score("u1", 1, 2), score("u2", 1, -1), score("u3", 1, 2)]
    assert responses(run("scores.lambda_handler", pipes_batch(records))) == [
        {"batchItemFailures": [{"itemIdentifier": record["eventID"]} for record in records[1:]]}
    ]


# Function errors: Lambda delivers the whole batch again


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"Records": [{"eventSource": "aws:sqs", "messageId": "1", "body": "{}"}]}, "aws:sqs"),
        ({"Records": [{"EventSource": "aws:sns", "Sns": {}}]}, "aws:sns"),
        ({"detail-type": "Scheduled Event"}, "'detail-type'"),
        ({}, "nothing"),
        ("text", "a str"),
    ],
)
def test_an_event_from_elsewhere_is_a_function_error(given: Any, says: str) -> None:
    """It never counts as success, and the error says what came."""
    found = error(run("scores.lambda_handler", given))
    assert found["errorType"] == "SourceError"
    assert says in found["errorMessage"]


def test_a_record_that_no_response_could_name_is_a_function_error() -> None:
    """A record without a sequence number: none of the batch is handled."""
    records = [score("u1", 1, 2), score("u2", 1, 2)]
    del records[1]["dynamodb"]["SequenceNumber"]
    done = run("scores.lambda_handler", event(records))
    found = error(done)
    assert found["errorType"] == "SourceError"
    assert "record 1 has no usable SequenceNumber" in found["errorMessage"]
    assert "celebrated" not in done.output


def test_a_route_that_could_not_work_is_an_error_before_the_first_event() -> None:
    """The function does not start, and the error names the handler and the fix."""
    done = run("refused.lambda_handler", event([]))
    assert done.invocations == []
    assert done.init_error["errorType"] == "DeclarationError"
    assert "on_modify handler handle requires 'retries'" in done.init_error["errorMessage"]


@pytest.mark.parametrize("kind", ["insert", "modify"], ids=["def", "async def"])
@pytest.mark.parametrize("ending", ["SystemExit", "KeyboardInterrupt"])
def test_a_process_that_is_told_to_end_acknowledges_nothing(kind: str, ending: str) -> None:
    """`sys.exit` in a handler is no failure of one record: the process ends without a response."""
    item = {"Id": "1", "End": ending}
    first = ORDERS.insert(item) if kind == "insert" else ORDERS.modify({**item, "End": "no"}, item)
    done = run("ends.lambda_handler", event([first, ORDERS.insert({"Id": "2", "End": "no"})]))
    assert [invocation.response for invocation in done.invocations if invocation.response is not None] == []
    assert "started 1" in done.output
    assert "started 2" not in done.output


# Context, event loop, the single function


def test_a_handler_is_given_the_context_of_its_own_invocation() -> None:
    """With the request's identifier, the function's name and the time that is left."""
    expired = [SCORES.remove({"UserId": f"u{i}", "TopScore": 1}, expired=True) for i in range(2)]
    done = run("scores.lambda_handler", event(expired[:1]), event(expired[1:]))
    assert responses(done) == [DONE, DONE]
    assert "archived u0 in 00000000-0000-0000-0000-000000000000 of stream, True" in done.output
    assert "archived u1 in 00000000-0000-0000-0000-000000000001 of stream, True" in done.output


def test_async_handlers_share_one_loop_across_invocations() -> None:
    """A lock that is bound to the loop of the first invocation serves the second one."""
    items = [{"Id": str(number)} for number in range(3)]
    done = run(
        "waiting.lambda_handler", event(map(ORDERS.insert, items[:2])), event([ORDERS.insert(items[2])])
    )
    assert responses(done) == [DONE, DONE]
    for identifier, request in (("0", "0"), ("1", "0"), ("2", "1")):
        assert (
            f"waited for {identifier} in 00000000-0000-0000-0000-00000000000{request} on one of 1 loops"
            in (done.output)
        )


def test_the_single_function_is_a_lambda_handler() -> None:
    """It takes the kinds of its annotation, acknowledges the others unread, and its failures are named."""
    item: dict[str, Any] = {"Id": "1"}
    poisoned = ORDERS.modify(item, {**item, "Poison": True})
    done = run("single.lambda_handler", event([ORDERS.insert(item), ORDERS.remove(item), poisoned]))
    assert responses(done) == [{"batchItemFailures": [{"itemIdentifier": number(poisoned)}]}]
    assert "took INSERT 1 in 00000000-0000-0000-0000-000000000000" in done.output
    assert "took MODIFY 1" in done.output
    assert "took REMOVE" not in done.output


def test_the_single_function_can_be_async() -> None:
    """It is awaited before the response."""
    done = run("single.waits", event([ORDERS.insert({"Id": "7"})]))
    assert responses(done) == [DONE]
    assert "awaited 7" in done.output


# The log


def test_a_failure_is_in_the_log_as_text() -> None:
    """In the format that a function has by default, without any configuration of the user's."""
    record = score("u1", 1, -1)
    done = run("scores.lambda_handler", event([record]))
    [line] = [line for line in done.output.splitlines() if line.startswith("[ERROR]")]
    assert "00000000-0000-0000-0000-000000000000" in line
    assert (
        f"record {number(record)} of table GameScores failed in phase handler of celebrate: ValueError"
        in line
    )
    assert "ValueError: a score can not be negative" in done.output.splitlines()
    assert 'raise ValueError("a score can not be negative")' in done.output
    assert SECRET not in done.output


def test_a_failure_is_in_the_log_as_structured_json() -> None:
    """Where the function's log format is JSON: what a query needs is in fields of its own."""
    record = score("u1", 1, -1)
    done = run("scores.lambda_handler", event([record]), env={"AWS_LAMBDA_LOG_FORMAT": "JSON"})
    [line] = [json.loads(line) for line in done.output.splitlines() if line.startswith("{")]
    expected = {
        "level": "ERROR",
        "logger": "headwater",
        "requestId": "00000000-0000-0000-0000-000000000000",
        "errorType": "ValueError",
        "errorMessage": "a score can not be negative",
        "table": "GameScores",
        "keys": {"UserId": {"S": "u1"}},
        "sequence_number": number(record),
        "phase": "handler",
        "route": "celebrate",
        "exception_name": "ValueError",
    }
    assert {name: line.get(name) for name in expected} == expected
    assert SECRET not in done.output


@pytest.mark.parametrize("log_format", ["Text", "JSON"])
def test_the_log_of_an_image_that_does_not_fit_never_quotes_it(log_format: str) -> None:
    """Neither the value that did not fit nor its neighbours: the place and the kind of misfit only."""
    record = score("u1", 1, SECRET)
    done = run("scores.lambda_handler", event([record]), env={"AWS_LAMBDA_LOG_FORMAT": log_format})
    assert responses(done) == [{"batchItemFailures": [{"itemIdentifier": number(record)}]}]
    assert "failed in phase decode of celebrate: DecodeError" in done.output
    assert "NewImage.TopScore" in done.output
    assert "int_parsing" in done.output
    assert SECRET not in done.output
