"""Histories of mappings, as a report is given them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from headwater.mapping.answers import Verdict
from headwater.mapping.entries import Entry
from headwater.mapping.history import Condition, Delivery, Discard, Invocation, Then
from headwater.mapping.report_steps import History

BEGIN = 1_790_000_000.0
HOSTILE = '</script><!--<img src=x onerror="hacked=1"><b>\u2028&amp;\''
"""What ends up as markup, or ends a script, where somebody was careless."""
DONE = Verdict("done")
RAISED = Verdict("failed", 0, "ValueError: the score is not a number", raised=True)


def entry(number: int, *, at: float = 0, key: str | None = None, event: str = "MODIFY") -> Entry:
    """A record that was written so many seconds after the beginning, and read half a second later."""
    keys = {"PK": {"S": key or f"PLAYER#{number % 40:03}"}, "SK": {"S": f"GAME#{number:05}"}}
    return Entry(
        {
            "eventID": f"{number:032x}",
            "eventName": event,
            "dynamodb": {
                "ApproximateCreationDateTime": float(int(BEGIN + at)),
                "Keys": keys,
                "NewImage": {**keys, "Secret": {"S": f"private-{number}"}},
                "SequenceNumber": f"{100_000_000_000_000_000_000 + number}",
            },
        },
        BEGIN + at + 0.5,
    )


def delivery(
    entries: Sequence[Entry],
    verdict: Verdict | None = DONE,
    *,
    number: int = 1,
    shard: str = "shard-a",
    lane: int = 0,
    batch: int = 1,
    attempt: int = 1,
    at: float = 1,
    took: float = 0.02,
    then: Then = "advance",
    wait: float = 0,
) -> Delivery:
    """An invocation that began so many seconds after the beginning."""
    start = BEGIN + at
    request = f"00000000-0000-0000-{batch:04}-{number:012}"
    invocation = Invocation(number, request, shard, lane, batch, attempt, entries, {}, start)
    return Delivery(invocation, start + took, verdict, then, wait)


def discard(
    entries: Sequence[Entry],
    *,
    shard: str = "shard-a",
    lane: int = 0,
    batch: int = 1,
    at: float = 5,
    condition: Condition = "RetryAttemptsExhausted",
) -> Discard:
    """What was given up so many seconds after the beginning."""
    document: dict[str, Any] = {
        "requestContext": {"condition": condition, "approximateInvokeCount": 3},
        "version": "1.0",
        "DDBStreamBatchInfo": {"shardId": shard, "batchSize": len(entries)},
        "payload": {"Records": [one.raw for one in entries]},
    }
    return Discard(
        BEGIN + at, shard, lane, batch, entries, condition, None if condition == "Trimmed" else document
    )


def busy_history(
    *, shards: int = 3, lanes: int = 2, batches: int = 8, size: int = 10, seed: int = 7
) -> History:
    """A while of everything that happens, the same for the same seed."""
    random = Random(seed)
    steps: list[Delivery | Discard] = []
    read: dict[str, list[Entry]] = {}
    for shard in range(shards):
        name = f"shardId-0000000179{shard:04}-{random.getrandbits(32):08x}"
        life = _Shard(name, random, shard * 100_000)
        for lane in range(lanes):
            steps += life.lane(lane, batches, size)
        left_out = [entry(life.records + more, at=9) for more in (1, 2, 3)]
        for one in left_out[:2]:
            one.settled = True
        read[name] = left_out
    return History(
        [step for step in steps if isinstance(step, Delivery)],
        [step for step in steps if isinstance(step, Discard)],
        read,
        filtered=12,
    )


class _Shard:
    def __init__(self, name: str, random: Random, records: int) -> None:
        self.name, self.random, self.records = name, random, records
        self.number = self.batch = 0

    def lane(self, lane: int, batches: int, size: int) -> Iterator[Delivery | Discard]:
        now = 1 + lane * 0.013 + self.random.random() * 0.2
        for _ in range(batches):
            self.batch += 1
            entries = []
            for _ in range(self.random.randint(1, size)):
                self.records += 1
                event = self.random.choice(["INSERT", "MODIFY", "MODIFY", "MODIFY", "REMOVE"])
                entries.append(entry(self.records, at=now - 0.6 - self.random.random(), event=event))
                entries[-1].lane = lane
                entries[-1].settled = True
            fate = self.random.choices(
                ["done", "partial", "flaky", "poisoned", "throttled"], [22, 3, 2, 2, 1]
            )[0]
            for step in self._batch(fate, lane, entries, now):
                yield step
                now = (step.at if isinstance(step, Discard) else step.ended + step.wait) - BEGIN
            now += self.random.expovariate(1.2)

    def _batch(
        self, fate: str, lane: int, entries: Sequence[Entry], now: float
    ) -> Iterator[Delivery | Discard]:
        def run(
            some: Sequence[Entry],
            verdict: Verdict | None = DONE,
            then: Then = "advance",
            wait: float = 0,
            attempt: int = 1,
        ) -> Delivery:
            nonlocal now
            self.number += 1
            took = self.random.uniform(0.01, 0.12) if verdict else 0.001
            made = delivery(
                some,
                verdict,
                number=self.number,
                shard=self.name,
                lane=lane,
                batch=self.batch,
                attempt=attempt,
                at=now,
                took=took,
                then=then,
                wait=wait,
            )
            now += took + wait
            return made

        if fate == "partial" and len(entries) > 1:
            stop = self.random.randrange(1, len(entries))
            reason = f"batchItemFailures names {entries[stop].sequence_number}"
            yield run(entries, Verdict("partial", stop, reason), wait=0.5)
            yield run(entries[stop:])
        elif fate == "flaky":
            for attempt in (1, 2, 3):
                yield run(entries, RAISED, "retry", 0.5 * 2**attempt, attempt)
            yield run(entries, attempt=4)
        elif fate == "throttled":
            yield run(entries, None, "retry", 1)
            yield run(entries)
        elif fate == "poisoned":
            while len(entries) > 1:
                half = len(entries) // 2
                yield run(entries, RAISED, "bisect", 0.5)
                yield run(entries[:half])
                entries = entries[half:]
            for attempt in (1, 2):
                yield run(entries, RAISED, "retry", attempt, attempt)
            yield run(entries, RAISED, "discard", 0, 3)
            yield discard(entries, shard=self.name, lane=lane, batch=self.batch, at=now)
        else:
            yield run(entries)
