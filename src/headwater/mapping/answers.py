"""What Lambda makes of a function's answer when `ReportBatchItemFailures` is on.

Source: [Configuring partial batch response with DynamoDB and Lambda](
https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html), where the success and failure
conditions are listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def first_to_redeliver(answer: Any, sequence_numbers: Sequence[str]) -> int | None:
    """From which record of the batch on Lambda delivers again.

    Args:
        answer: What the function returned, as parsed JSON.
        sequence_numbers: Those of the batch, in its order.

    Returns:
        The position of the first record to deliver again; `None` when the whole batch is done. An identifier that names
        no record of the batch makes all of it a failure.
    """
    failures = answer.get("batchItemFailures") if isinstance(answer, dict) else None
    if not failures:
        return None
    if not isinstance(failures, list):
        return 0
    positions = {number: position for position, number in enumerate(sequence_numbers)}
    named = [failure.get("itemIdentifier") if isinstance(failure, dict) else None for failure in failures]
    return min(positions.get(number, 0) if isinstance(number, str) else 0 for number in named)
