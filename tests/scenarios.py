"""What AWS documents of a mapping, case by case: settings, a function, and the invocations and discards that follow.

Each is named after what it shows, and says on which page AWS documents it. Numbers stand for records, in the order in which
they were written. Where AWS documents no outcome, but it was recorded of AWS, the recording is named; two follow from what is
documented, and nobody has recorded them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

GUIDE: Final = "https://docs.aws.amazon.com/lambda/latest/dg/"
RESPONSES: Final = f"{GUIDE}services-ddb-batchfailurereporting.html"
ERRORS: Final = f"{GUIDE}services-dynamodb-errors.html"
PARAMETERS: Final = f"{GUIDE}services-ddb-params.html"
FILTERS: Final = f"{GUIDE}with-ddb-filtering.html"
WINDOWS: Final = f"{GUIDE}services-ddb-windows.html"
RECORDED: Final = (
    "https://github.com/localstack/localstack/tree/8b9a79f05/tests/aws/services/lambda_/event_source_mapping"
)
"""Snapshots that LocalStack's developers have recorded against AWS."""

INFERRED: Final = "nowhere"
"""Neither documented nor recorded: it follows from what is."""

REPORT: Final = {"function_response_types": ("ReportBatchItemFailures",)}


@dataclass(frozen=True)
class Discarded:
    """Records that the on-failure destination is told of."""

    numbers: Sequence[int]
    invoked: int
    function_error: str | None = None
    condition: str = "RetryAttemptsExhausted"


@dataclass(frozen=True)
class Scenario:
    """A case.

    Attributes:
        name: What it shows.
        page: Where AWS documents it.
        records: How many records are written.
        script: What the function does: see `lambda_functions/scripted.py`.
        settings: Those of the mapping.
        invocations: The records of each invocation, in order.
        discarded: What the on-failure destination is told of.
    """

    name: str
    page: str
    records: int
    script: Mapping[str, Any]
    settings: Mapping[str, Any]
    invocations: Sequence[Sequence[int]]
    discarded: Sequence[Discarded] = field(default=())


def _success(name: str, response: Any, page: str = RESPONSES) -> Scenario:
    return Scenario(f"{name} is success", page, 2, {"returns": response}, REPORT, [[0, 1]])


def _failure(name: str, entry: Any, page: str = RESPONSES) -> Scenario:
    return Scenario(
        f"{name} fails the whole batch",
        page,
        2,
        {"returns": {"batchItemFailures": [entry]}},
        {**REPORT, "maximum_retry_attempts": 1},
        [[0, 1], [0, 1]],
        [Discarded([0, 1], 2)],
    )


SCENARIOS: Final[Sequence[Scenario]] = (
    _success("null", None),
    _success("an empty object", {}),
    _success("an empty list", [], RECORDED),
    _success("an empty batchItemFailures", {"batchItemFailures": []}),
    _success("a null batchItemFailures", {"batchItemFailures": None}),
    _success("a misspelt batchItemFailures", {"batchitemFailures": [{"itemIdentifier": "1"}]}, INFERRED),
    _failure("an empty itemIdentifier", {"itemIdentifier": ""}),
    _failure("a null itemIdentifier", {"itemIdentifier": None}),
    _failure("a bad key name", {"foo": "1"}),
    _failure("a number as itemIdentifier", {"itemIdentifier": 123}, RECORDED),
    _failure("an unknown itemIdentifier", {"itemIdentifier": "1"}, INFERRED),
    Scenario(
        "the lowest of several identifiers is the checkpoint",
        RESPONSES,
        5,
        {"fails": {"3": 1, "1": 1}, "by": "all"},
        REPORT,
        [[0, 1, 2, 3, 4], [1, 2, 3, 4]],
    ),
    Scenario(
        "without ReportBatchItemFailures a response is not read",
        RESPONSES,
        2,
        {"returns": {"batchItemFailures": [{"itemIdentifier": ""}]}},
        {},
        [[0, 1]],
    ),
    Scenario(
        "progress starts the count of retries anew",
        RECORDED,
        6,
        {"fails": {"5": -1}},
        {**REPORT, "batch_size": 3, "maximum_retry_attempts": 3},
        [[0, 1, 2], [3, 4, 5], [5], [5], [5], [5]],
        [Discarded([5], 4)],
    ),
    Scenario(
        "a function error is retried whole and discarded whole",
        ERRORS,
        3,
        {"fails": {"1": -1}, "by": "raising"},
        {**REPORT, "maximum_retry_attempts": 1},
        [[0, 1, 2], [0, 1, 2]],
        [Discarded([0, 1, 2], 2, "Unhandled")],
    ),
    Scenario(
        "a time-out is a function error",
        ERRORS,
        1,
        {"fails": {"0": 1}, "by": "hanging"},
        REPORT,
        [[0], [0]],
    ),
    Scenario(
        "without retries a batch is delivered once",
        PARAMETERS,
        4,
        {"fails": {"0": -1}},
        {**REPORT, "batch_size": 2, "maximum_retry_attempts": 0},
        [[0, 1], [2, 3]],
        [Discarded([0, 1], 1)],
    ),
    Scenario(
        "what is discarded is the rest of the batch",
        ERRORS,
        4,
        {"fails": {"1": -1}},
        {**REPORT, "maximum_retry_attempts": 1},
        [[0, 1, 2, 3], [1, 2, 3], [1, 2, 3]],
        [Discarded([1, 2, 3], 2)],
    ),
    Scenario(
        "a function error bisects until the record is alone",
        ERRORS,
        4,
        {"fails": {"2": -1}, "by": "raising"},
        {**REPORT, "maximum_retry_attempts": 1, "bisect_batch_on_function_error": True},
        [[0, 1, 2, 3], [0, 1], [2, 3], [2], [2], [3]],
        [Discarded([2], 2, "Unhandled")],
    ),
    Scenario(
        "a bisection costs no retry",
        ERRORS,
        2,
        {"fails": {"0": -1}, "by": "raising"},
        {**REPORT, "maximum_retry_attempts": 0, "bisect_batch_on_function_error": True},
        [[0, 1], [0], [1]],
        [Discarded([0], 1, "Unhandled")],
    ),
    Scenario(
        "a partial response bisects at the returned record",
        RESPONSES,
        5,
        {"fails": {"3": 1}},
        {**REPORT, "bisect_batch_on_function_error": True},
        [[0, 1, 2, 3, 4], [3, 4]],
    ),
    Scenario(
        "records that no filter wants are passed over",
        FILTERS,
        5,
        {},
        {
            **REPORT,
            "filter_criteria": (
                '{"dynamodb": {"Keys": {"Id": {"S": ["1"]}}}}',
                '{"dynamodb": {"NewImage": {"Id": {"S": [{"prefix": "4"}]}}}}',
            ),
        },
        [[1, 4]],
    ),
    Scenario(
        "a batch size counts the records that a filter wants",
        FILTERS,
        4,
        {},
        {
            **REPORT,
            "batch_size": 2,
            "filter_criteria": ('{"dynamodb": {"NewImage": {"Id": {"S": ["0", "3"]}}}}',),
        },
        [[0, 3]],
    ),
)
