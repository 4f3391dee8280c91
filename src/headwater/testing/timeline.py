"""A simulated mapping's deliveries and discards as lines of text, in columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from headwater.mapping.entries import Entry
from headwater.mapping.history import Delivery, Discard
from headwater.outcomes import DeadLettered, Failed, Outcome

MOST_LINES: Final = 40
_MOST_RECORDS: Final = 6


def timeline(
    deliveries: Sequence[tuple[Delivery, Sequence[Outcome]]], discards: Sequence[Discard], *, start: float
) -> list[str]:
    """A line for each of them, in order of time; the middle of a long one is left out.

    Args:
        deliveries: With the outcomes of their records, where they are known.
        discards: What was given up.
        start: What time counts from.
    """
    rows = [(each.invocation.started, _delivery(each, outcomes, start)) for each, outcomes in deliveries]
    rows += [(each.at, _discard(each, start)) for each in discards]
    rows.sort(key=lambda row: row[0])  # at equal times a discard comes behind its delivery
    lines = _columns([row for _, row in rows])
    if len(lines) <= MOST_LINES:
        return lines
    half = MOST_LINES // 2
    return [*lines[:half], f"... {len(lines) - 2 * half} more ...", *lines[-half:]]


def _delivery(delivery: Delivery, outcomes: Sequence[Outcome], start: float) -> tuple[str, ...]:
    invocation = delivery.invocation
    return (
        f"{invocation.started - start:.3f} s",
        f"{_short(invocation.shard_id)}/{invocation.lane}",
        f"batch {invocation.batch}",
        _keys(invocation.entries) or "end of window",
        f"{_told(delivery, outcomes)} -> {_then(delivery)}",
    )


def _discard(discard: Discard, start: float) -> tuple[str, ...]:
    return (
        f"{discard.at - start:.3f} s",
        f"{_short(discard.shard_id)}/{discard.lane}",
        f"batch {discard.batch}",
        _keys(discard.entries),
        f"discarded: {discard.condition}",
    )


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def _short(shard_id: str) -> str:
    """The number of a shard: the rest of its name says nothing here."""
    return f"shard {int(shard_id.split('-')[1])}"


def _keys(entries: Sequence[Entry]) -> str:
    shown = [_key(entry) for entry in entries[:_MOST_RECORDS]]
    more = len(entries) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _key(entry: Entry) -> str:
    keys = entry.raw["dynamodb"].get("Keys", {}).values()
    return "/".join(str(content) for value in keys for content in value.values()) or entry.sequence_number


def _told(delivery: Delivery, outcomes: Sequence[Outcome]) -> str:
    verdict = delivery.verdict
    if verdict is None:
        return "throttled"
    if not outcomes:
        return verdict.reason or "done"
    counts = Counter(type(outcome).__name__.lower() for outcome in outcomes)
    return ", ".join([*(f"{count} {name}" for name, count in counts.items()), *_failures(outcomes)])


def _failures(outcomes: Iterable[Outcome]) -> list[str]:
    """The first failure: where several are the same, one says it all."""
    for outcome in outcomes:
        if isinstance(outcome, Failed | DeadLettered) and outcome.error is not None:
            return [f"{outcome.route or outcome.phase}: {type(outcome.error).__name__}: {outcome.error}"]
    return []


def _then(delivery: Delivery) -> str:
    if delivery.then == "bisect":
        return "split"
    if delivery.then == "discard":
        return "given up"
    verdict = delivery.verdict
    if delivery.then == "retry":
        return f"again in {delivery.wait:g} s"
    if verdict is None or verdict.redeliver_from is None:
        return "done"
    return f"again from {_key(delivery.invocation.entries[verdict.redeliver_from])}"
