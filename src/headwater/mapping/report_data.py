"""What a report shows: the history of a mapping, as plain values for JSON.

Nothing of an item is in it but its key, unless the values are asked for: an image may hold what is private.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from headwater.mapping.entries import Entry
from headwater.mapping.history import Delivery, Discard
from headwater.mapping.report_steps import (
    History,
    Step,
    batch_of,
    began,
    ended,
    entries_of,
    order_of,
    shard_of,
)

KEY_LENGTH = 200
"""A key may have 3 kB: what is longer is cut, and the sequence number still names the record."""


class Limits(NamedTuple):
    """How much a page shows, so that a browser draws it at once. The figures on top count everything.

    Attributes:
        steps: Invocations and discards.
        records: Records.
    """

    steps: int = 5_000
    records: int = 20_000


LIMITS = Limits()


def report_data(history: History, *, values: bool = False, limits: Limits = LIMITS) -> dict[str, Any]:
    """What the page shows of a history.

    Args:
        history: What the mapping did.
        values: Whether records are shown with the values of their items.
        limits: How much is shown. Batches that had trouble come first, then the others in the order of time.

    Returns:
        Values that can be written as JSON.
    """
    steps: list[Step] = [*history.deliveries, *history.discards]
    steps.sort(key=order_of)
    fates = _fates(history, steps)
    shown = _within(limits, steps)
    records = _Records(fates, values=values)
    told = [_step(step, records, values=values) for step in shown]
    for shard_id, entry in _undelivered(history, fates):
        if len(records.told) >= limits.records:
            break
        records.position(shard_id, entry)
    return {
        "figures": _figures(history, steps, fates),
        "limits": limits._asdict(),
        "left": {"steps": len(steps) - len(shown), "records": len(fates) - len(records.told)},
        "records": records.told,
        "steps": told,
    }


_Name: TypeAlias = tuple[str, str]  # the shard and the sequence number


class _Fate:
    """What became of a record.

    Attributes:
        end: `handled`, a condition of a discard, `filtered` or `waiting`.
        runs: How many invocations it was in.
    """

    __slots__ = ("end", "runs")

    def __init__(self, end: str) -> None:
        self.end = end
        self.runs = 0


def _fates(history: History, steps: Iterable[Step]) -> dict[_Name, _Fate]:
    fates = {
        (shard_id, entry.sequence_number): _Fate("filtered" if entry.settled else "waiting")
        for shard_id, entries in history.records.items()
        for entry in entries
    }
    for step in steps:
        for place, entry in enumerate(entries_of(step)):
            fate = fates.setdefault((shard_of(step), entry.sequence_number), _Fate("waiting"))
            if isinstance(step, Discard):
                fate.end = step.condition
                continue
            fate.runs += step.verdict is not None
            fate.end = "handled" if _handles(step, place) else "waiting"
    return fates


def _handles(delivery: Delivery, place: int) -> bool:
    verdict = delivery.verdict
    if verdict is None or verdict.kind == "failed":
        return False
    return verdict.redeliver_from is None or place < verdict.redeliver_from


def _within(limits: Limits, steps: Sequence[Step]) -> list[Step]:
    """The steps to be shown, in the order of time: those of batches with trouble first, as many as there is room for."""
    lengths = Counter(batch_of(step) for step in steps)
    trouble = {
        batch_of(step)
        for step in steps
        if lengths[batch_of(step)] > 1 or isinstance(step, Discard) or _fails(step)
    }
    kept: list[Step] = []
    names: set[_Name] = set()
    for step in sorted(steps, key=lambda step: batch_of(step) not in trouble):
        names.update((shard_of(step), entry.sequence_number) for entry in entries_of(step))
        if len(kept) == limits.steps or len(names) > limits.records:
            break
        kept.append(step)
    return sorted(kept, key=order_of)


def _fails(delivery: Delivery) -> bool:
    return delivery.verdict is None or delivery.verdict.kind != "done"


def _undelivered(history: History, fates: Mapping[_Name, _Fate]) -> Iterator[tuple[str, Entry]]:
    """What was read and never delivered: what waits first, then what the filters left out."""
    for end in ("waiting", "filtered"):
        for shard_id, entries in history.records.items():
            for entry in entries:
                fate = fates[shard_id, entry.sequence_number]
                if fate.end == end and not fate.runs:
                    yield shard_id, entry


class _Records:
    """The records that are shown, each once."""

    def __init__(self, fates: Mapping[_Name, _Fate], *, values: bool) -> None:
        self.told: list[dict[str, Any]] = []
        self._fates = fates
        self._values = values
        self._positions: dict[_Name, int] = {}

    def position(self, shard_id: str, entry: Entry) -> int:
        name = (shard_id, entry.sequence_number)
        if name not in self._positions:
            self._positions[name] = len(self.told)
            self.told.append(self._tell(shard_id, entry))
        return self._positions[name]

    def runs(self, step: Step) -> list[list[int]]:
        """The positions of a step's records, as pairs of a first one and how many follow each other."""
        runs: list[list[int]] = []
        for entry in entries_of(step):
            position = self.position(shard_of(step), entry)
            if runs and position == sum(runs[-1]):
                runs[-1][1] += 1
            else:
                runs.append([position, 1])
        return runs

    def _tell(self, shard_id: str, entry: Entry) -> dict[str, Any]:
        told = {
            "shard": shard_id,
            "lane": entry.lane,
            "sequence": entry.sequence_number,
            "event": entry.raw.get("eventName", ""),
            "key": _key(entry.raw),
            "created": entry.created,
            "read": entry.read,
            "end": self._fates[shard_id, entry.sequence_number].end,
        }
        return {**told, "raw": entry.raw} if self._values else told


def _key(raw: Mapping[str, Any]) -> str:
    """A record's key, as `PK=USER#1 SK=GAME#7`."""
    pairs = raw["dynamodb"].get("Keys", {}).items()
    text = " ".join(f"{name}={next(iter(value.values()), '')}" for name, value in pairs)
    return text if len(text) <= KEY_LENGTH else f"{text[:KEY_LENGTH]}…"


def _step(step: Step, records: _Records, *, values: bool) -> dict[str, Any]:
    if isinstance(step, Discard):
        return {
            "shard": step.shard_id,
            "lane": step.lane,
            "batch": step.batch,
            "start": step.at,
            "end": step.at,
            "records": records.runs(step),
            "look": "discard",
            "condition": step.condition,
            "document": _document(step.document, values=values),
        }
    invocation, verdict = step.invocation, step.verdict
    return {
        "shard": invocation.shard_id,
        "lane": invocation.lane,
        "batch": invocation.batch,
        "start": invocation.started,
        "end": step.ended,
        "records": records.runs(step),
        "look": _look(step),
        "number": invocation.number,
        "attempt": invocation.attempt,
        "request": invocation.request_id,
        "from": verdict and verdict.redeliver_from,
        "reason": verdict.reason if verdict else "",
        "raised": verdict is not None and verdict.raised,
        "then": step.then,
        "wait": step.wait,
    }


def _look(delivery: Delivery) -> str:
    """How an invocation is drawn."""
    if delivery.verdict is None:
        return "unrun"
    if delivery.verdict.kind == "failed" and delivery.then == "bisect":
        return "bisect"
    return delivery.verdict.kind


def _document(document: Mapping[str, Any] | None, *, values: bool) -> dict[str, Any] | None:
    """What the on-failure destination is sent. For S3 it has the records themselves in `payload`."""
    if document is None:
        return None
    hidden = "" if values else "payload"
    return {name: value for name, value in document.items() if name != hidden}


def _figures(history: History, steps: Sequence[Step], fates: Mapping[_Name, _Fate]) -> dict[str, Any]:
    """What is counted, of the whole history."""
    ran = [step for step in history.deliveries if step.verdict is not None]
    batches = {batch_of(step) for step in ran}
    ends = Counter(fate.end for fate in fates.values())
    ages = [step.invocation.started - step.invocation.entries[-1].created for step in ran if entries_of(step)]
    entries = [entry for entries in history.records.values() for entry in entries]
    begins = [began(step) for step in steps] + [entry.read for entry in entries]
    return {
        "shards": len({*history.records, *map(shard_of, steps)}),
        "records": len(fates) + history.filtered,
        "handled": ends["handled"],
        "filtered": ends["filtered"] + history.filtered,
        "waiting": ends["waiting"],
        "discarded": {end: count for end, count in sorted(ends.items()) if end[0].isupper()},
        "invocations": len(ran),
        "failed": sum(map(_fails, ran)),
        "unrun": len(history.deliveries) - len(ran),
        "retries": len(ran) - len(batches),
        "repeats": sum(max(fate.runs - 1, 0) for fate in fates.values()),
        "most": max((fate.runs for fate in fates.values()), default=0),
        "age": max(ages, default=None),
        "begin": min(begins, default=None),
        "end": max((ended(step) for step in steps), default=max(begins, default=None)),
    }
