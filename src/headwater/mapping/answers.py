"""What Lambda makes of what a function answers, for a batch of a DynamoDB stream.

Source: [Configuring partial batch response with DynamoDB and Lambda](
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html), where the success and failure
conditions are listed.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, TypeAlias


class Returned(NamedTuple):
    """The function came to its end.

    Attributes:
        payload: What it returned, as parsed JSON.
    """

    payload: Any


class Raised(NamedTuple):
    """The function failed: it raised, ran out of time or memory, or its process ended. What it said is ignored.

    Attributes:
        error_type: As in Lambda's error object, such as `ValueError` or `Sandbox.Timedout`.
        message: What went wrong.
    """

    error_type: str
    message: str


class NotRun(NamedTuple):
    """The function was not reached: throttled, or an error of the service. This is no attempt.

    Attributes:
        reason: Why.
    """

    reason: str


Answer: TypeAlias = Returned | Raised | NotRun
"""How an invocation ended."""


class Verdict(NamedTuple):
    """What the mapping makes of an answer.

    Attributes:
        kind: `done` when all of the batch is, `partial` when it is up to a record behind the first, else `failed`.
        redeliver_from: The position of the first record that is not done; `None` when all are.
        reason: Why, in words; empty when all are done.
        raised: Whether the function itself failed, and no response named the failure.
        state: The state of the tumbling window that came with the response; `None` where there is none.
    """

    kind: Literal["done", "partial", "failed"]
    redeliver_from: int | None = None
    reason: str = ""
    raised: bool = False
    state: Any = None
