"""What Lambda makes of what a function answers, for a batch of a DynamoDB stream.

Source: [Configuring partial batch response with DynamoDB and Lambda](
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html), where the success and failure
conditions are listed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from headwater.mapping.assumptions import Assumptions


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


def read_answer(
    answer: Returned | Raised, sequence_numbers: Sequence[str], *, report: bool, assumptions: Assumptions
) -> Verdict:
    """What becomes of a batch.

    Args:
        answer: How its invocation ended.
        sequence_numbers: Those of the batch, in its order.
        report: Whether `ReportBatchItemFailures` is on. Where it is not, a response says nothing.
        assumptions: What AWS does not document.
    """
    if isinstance(answer, Raised):
        return Verdict("failed", 0, f"{answer.error_type}: {answer.message}", raised=True)
    payload = answer.payload
    state = payload.get("state") if isinstance(payload, dict) else None
    if not report or not payload:
        return Verdict("done", state=state)
    if not isinstance(payload, dict):
        return _not_an_object(payload, assumptions)
    failures = payload.get("batchItemFailures")
    if not failures:
        return Verdict("done", state=state)
    if not isinstance(failures, list):
        return Verdict("failed", 0, f"batchItemFailures is a {_json_type(failures)}, and no list")
    positions: dict[str, int] = {}
    for position, number in enumerate(sequence_numbers):
        positions.setdefault(number, position)
    named = []
    for failure in failures:
        found, problem = _position(failure, positions, assumptions)
        if found is not None:
            named.append(found)
        elif problem:
            return Verdict("failed", 0, problem)
    if not named:
        return Verdict("done", state=state)
    first = min(named)
    reason = f"the response names {sequence_numbers[first]}"
    return Verdict("partial" if first else "failed", first, reason, state=state)


def _position(failure: Any, positions: Mapping[str, int], assumptions: Assumptions) -> tuple[int | None, str]:
    """Where the record is that an entry of `batchItemFailures` names, and what is wrong with the entry, if anything."""
    if not isinstance(failure, dict) or "itemIdentifier" not in failure:
        return None, "an entry of batchItemFailures has no itemIdentifier"
    identifier = failure["itemIdentifier"]
    if not isinstance(identifier, str) or not identifier:
        return None, f"an itemIdentifier is {json.dumps(identifier)}, and no sequence number"
    if identifier not in positions and assumptions.unknown_identifier == "failure":
        return None, f"the itemIdentifier {identifier} names no record of the batch"
    return positions.get(identifier), ""


def _not_an_object(payload: Any, assumptions: Assumptions) -> Verdict:
    if assumptions.other_response == "success":
        return Verdict("done")
    return Verdict("failed", 0, f"the response is a {_json_type(payload)}, and no object")


def _json_type(value: Any) -> str:
    names = {dict: "object", list: "list", str: "text", bool: "truth value"}
    return names.get(type(value), "number")
