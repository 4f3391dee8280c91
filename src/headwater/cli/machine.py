"""What a program is told of a run: a line of JSON for each thing that has happened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from headwater.cli.environment import Reply
from headwater.mapping.answers import NotRun, Raised
from headwater.mapping.entries import Entry
from headwater.mapping.history import Delivery
from headwater.mapping.observed import Delivered, Event, Noticed, Stored


def as_json(event: Event[Reply]) -> dict[str, Any]:
    """What has happened."""
    match event:
        case Delivered(delivery, reply, checkpoint):
            return _delivery(delivery, reply) | {"checkpoint": checkpoint}
        case Stored(discard, place, checkpoint):
            return {
                "type": "discard",
                "shard": discard.shard_id,
                "lane": discard.lane,
                "batch": discard.batch,
                "at": discard.at,
                "condition": discard.condition,
                "records": _records(discard.entries),
                "document": discard.document,
                "stored": place or None,
                "checkpoint": checkpoint,
            }
        case Noticed(text, shard_id):
            return {"type": "notice", "shard": shard_id or None, "text": text}


def _delivery(delivery: Delivery, reply: Reply) -> dict[str, Any]:
    invocation, verdict, answer = delivery.invocation, delivery.verdict, reply.answer
    done = delivery.done
    entries = invocation.entries
    records = _records(entries)
    for record, outcome in zip(records, reply.outcomes or (), strict=False):
        record["outcome"] = {name: outcome[name] for name in outcome if name not in record}
    return {
        "type": "delivery",
        "shard": invocation.shard_id,
        "lane": invocation.lane,
        "batch": invocation.batch,
        "number": invocation.number,
        "attempt": invocation.attempt,
        "requestId": invocation.request_id,
        "started": invocation.started,
        "ended": delivery.ended,
        "records": records,
        "result": verdict.kind if verdict else "notRun",
        "reason": answer.reason if isinstance(answer, NotRun) else (verdict.reason if verdict else ""),
        "errorType": answer.error_type if isinstance(answer, Raised) else None,
        "redeliverFrom": entries[done].sequence_number if done < len(entries) else None,
        "then": delivery.then,
        "wait": delivery.wait,
    }


def _records(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    return [
        {
            "eventName": entry.raw.get("eventName"),
            "sequenceNumber": entry.sequence_number,
            "keys": entry.raw["dynamodb"].get("Keys"),
        }
        for entry in entries
    ]
