"""One batch and its redeliveries: what the app did each time, until all of it is acknowledged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from headwater.mapping.answers import first_to_redeliver
from headwater.results import BatchResult

Invoke: TypeAlias = Callable[[dict[str, Any]], BatchResult]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One invocation of the function.

    Attributes:
        number: 1 for the first delivery of the batch, counted on for its redeliveries.
        attempt: How often the first of these records has been first: starts anew whenever the checkpoint moves.
        records: The records delivered, in Lambda's form.
        result: What became of them; `None` when the call raised.
        error: What the call raised, if it did.
        redeliver_from: The position of the first record to deliver again; `None` when all are acknowledged.
    """

    number: int
    attempt: int
    records: Sequence[dict[str, Any]]
    result: BatchResult | None
    error: Exception | None
    redeliver_from: int | None


def deliver(records: Sequence[dict[str, Any]], invoke: Invoke) -> Iterator[Delivery]:
    """Hand a batch to the function again and again, each time from the checkpoint on, until all is acknowledged.

    There is no limit, as with Lambda's default of -1 for `MaximumRetryAttempts`: the caller stops iterating, and waits
    between deliveries as it likes.

    Args:
        records: The batch, in Lambda's form and in the order of the shard.
        invoke: Calls the function with an event.
    """
    waiting: Sequence[dict[str, Any]] = records
    number, attempt = 1, 1
    while waiting:
        delivery = _deliver_once(number, attempt, waiting, invoke)
        yield delivery
        if delivery.redeliver_from is None:
            return
        number, attempt = number + 1, attempt + 1 if delivery.redeliver_from == 0 else 1
        waiting = waiting[delivery.redeliver_from :]


def _deliver_once(number: int, attempt: int, records: Sequence[dict[str, Any]], invoke: Invoke) -> Delivery:
    try:
        result = invoke({"Records": list(records)})
    except Exception as error:
        return Delivery(number, attempt, records, None, error, 0)
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    return Delivery(number, attempt, records, result, None, first_to_redeliver(result.response, numbers))
