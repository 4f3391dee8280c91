"""Random settings, records and answers: what holds of the engine whatever happens."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from headwater.mapping.answers import Answer, NotRun, Raised, Returned
from headwater.mapping.assumptions import Assumptions
from headwater.mapping.entries import Entry
from headwater.mapping.history import Delivery, Discard, Invocation
from headwater.mapping.rules import Rules
from headwater.mapping.settings import EventSourceMapping
from headwater.mapping.simulation import Ran, Simulation, Step, Write
from headwater.testing import Table

START = 1_800_000_000.0
ONLY_INSERTS = '{"eventName": ["INSERT"]}'
REPORT = ("ReportBatchItemFailures",)

SETTINGS = st.builds(
    EventSourceMapping,
    batch_size=st.integers(1, 12),
    maximum_batching_window_in_seconds=st.sampled_from([0, 0, 1, 20]),
    parallelization_factor=st.integers(1, 4),
    bisect_batch_on_function_error=st.booleans(),
    maximum_retry_attempts=st.sampled_from([-1, 0, 1, 2, 5]),
    maximum_record_age_in_seconds=st.sampled_from([-1, -1, 60, 600]),
    function_response_types=st.sampled_from([REPORT, REPORT, ()]),
    filter_criteria=st.sampled_from([(), (ONLY_INSERTS,)]),
    tumbling_window_in_seconds=st.sampled_from([0, 0, 0, 5]),
)
ASSUMPTIONS = st.builds(
    Assumptions,
    bisect_at=st.sampled_from([lambda count: 1, lambda count: count // 2, lambda count: count - 1]),
    retries_before_bisect=st.integers(0, 2),
    bisect_on_response=st.booleans(),
    state_after_partial=st.sampled_from(["returned", "kept"]),
)


@dataclass
class World:
    """A function that answers at random, and remembers what it has done."""

    rng: random.Random
    settings: EventSourceMapping
    broken: float
    simulation: Simulation | None = None
    answers: dict[tuple[str, int], tuple[Answer, int]] = field(
        default_factory=dict
    )  # and how many are done with
    states: list[str] = field(default_factory=list)

    def invoke(self, invocation: Invocation) -> Ran:
        """Answer an invocation: as often as not well, the more so the later it is, so that all ends."""
        assert self.simulation is not None
        for shard in self.simulation.shards:
            if shard.checkpoint is not None and shard.shard_id == invocation.shard_id:
                # What is delivered lies behind the checkpoint.
                assert all(int(entry.sequence_number) > int(shard.checkpoint) for entry in invocation.entries)
        answer, done = self._answer([entry.sequence_number for entry in invocation.entries])
        self.answers[invocation.shard_id, invocation.number] = answer, done
        return Ran(answer, self.rng.choice([0.0, 0.2, 3.0, 70.0]))

    def _answer(self, numbers: Sequence[str]) -> tuple[Answer, int]:
        count = len(numbers)
        state: dict[str, Any] = {"state": {}} if self.settings.tumbling_window_in_seconds else {}
        chance = self.rng.random()
        if chance >= self.broken:
            return Returned(self.rng.choice([state or None, {"batchItemFailures": [], **state}])), count
        match self.rng.choice(["raised", "not run", "partial", "unknown"]):
            case "raised":
                return Raised("ValueError", "no"), 0
            case "not run":
                return NotRun("TooManyRequestsException"), 0
            case "unknown":
                names: list[Any] = [{"itemIdentifier": self.rng.choice(["", None, 5, "5"])}]
                first = 0
            case _:
                named = self.rng.sample(numbers, self.rng.randint(1, count)) if count else [None]
                names = [{"itemIdentifier": name} for name in named]
                first = min(map(numbers.index, named)) if count else 0
        if not self.settings.report_batch_item_failures:
            first = count
        return Returned({"batchItemFailures": names, **state}), first


def records(rng: random.Random, count: int) -> list[Write]:
    """Writes to three items, in one or two shards."""
    table = Table("Orders", keys="Id")
    shards = rng.randint(1, 2)
    now = START
    writes = []
    for _ in range(count):
        now += rng.choice([0.0, 0.0, 0.1, 1.0, 30.0])
        item, at = {"Id": rng.randrange(4)}, datetime.fromtimestamp(now, tz=UTC)
        kind: Callable[..., dict[str, Any]] = rng.choice([table.insert, table.insert, table.remove])
        writes.append(Write(now, f"shard-{item['Id'] % shards}", kind(item, created_at=at)))
    return writes


@settings(max_examples=400)
@given(
    SETTINGS,
    ASSUMPTIONS,
    st.randoms(use_true_random=False),
    st.integers(0, 40),
    st.sampled_from([0.0, 0.2, 0.6, 1.0]),
)
@example(EventSourceMapping(), Assumptions(), random.Random(1), 3, 1.0)
def test_nothing_is_lost_and_each_item_keeps_its_order(
    mapping: EventSourceMapping, assumptions: Assumptions, rng: random.Random, count: int, broken: float
) -> None:
    """Every record is acknowledged, discarded with its document, or was not wanted, and nothing runs too early."""
    assumptions = replace(assumptions, retention_seconds=3_600.0)  # what fails for ever ends within the hour
    writes = records(rng, count)
    steps: list[Step] = []
    read: list[Entry] = []
    world = World(rng, mapping, broken)
    simulation = Simulation(
        Rules(mapping, assumptions), world.invoke, start=START, observe=steps.append, read=read.append
    )
    world.simulation = simulation
    simulation.run(writes, until=START + 3 * 86_400)

    deliveries = [step for step in steps if isinstance(step, Delivery)]
    discards = [step for step in steps if isinstance(step, Discard)]
    wanted = [
        write.raw["dynamodb"]["SequenceNumber"]
        for write in writes
        if not mapping.filter_criteria or write.raw["eventName"] == "INSERT"
    ]
    assert sorted(entry.sequence_number for entry in read) == sorted(wanted)

    ends = endings(world, steps)
    assert Counter(number for number, _ in ends) == Counter(wanted), "each record ends once"
    if broken < 1.0:
        assert all(shard.idle for shard in simulation.shards)
    for shard in simulation.shards:
        last = [write for write in writes if write.shard_id == shard.shard_id][-1]
        assert shard.checkpoint == last.raw["dynamodb"]["SequenceNumber"]
    check_lanes(deliveries, mapping)
    check_items(steps, dict(ends))
    check_attempts(deliveries, discards, mapping, assumptions)
    check_documents(discards, mapping, assumptions)


def endings(world: World, steps: Sequence[Step]) -> list[tuple[str, float]]:
    """Which records are done with, and when: acknowledged, or discarded."""
    ended: list[tuple[str, float]] = []
    for step in steps:
        if isinstance(step, Discard):
            ended += [(entry.sequence_number, step.at) for entry in step.entries]
            continue
        _, done = world.answers[step.invocation.shard_id, step.invocation.number]
        ended += [(entry.sequence_number, step.ended) for entry in step.invocation.entries[:done]]
    return ended


def check_lanes(deliveries: Sequence[Delivery], mapping: EventSourceMapping) -> None:
    """In a lane one invocation runs at a time, of no more records than the batch size."""
    lanes: dict[tuple[str, int], list[Delivery]] = defaultdict(list)
    for delivery in deliveries:
        lanes[delivery.invocation.shard_id, delivery.invocation.lane].append(delivery)
        assert len(delivery.invocation.entries) <= mapping.batch_size
        assert delivery.invocation.lane < mapping.parallelization_factor
        assert all(entry.lane == delivery.invocation.lane for entry in delivery.invocation.entries)
        positions = [int(entry.sequence_number) for entry in delivery.invocation.entries]
        assert positions == sorted(positions)
    for lane in lanes.values():
        for earlier, later in pairwise(lane):
            assert earlier.ended + earlier.wait <= later.invocation.started


def check_items(steps: Sequence[Step], ended_at: Mapping[str, float]) -> None:
    """A record is delivered behind all earlier ones of its item: together with them, or when they have ended."""
    items: dict[str, set[str]] = defaultdict(set)
    for step in steps:
        for entry in step.entries if isinstance(step, Discard) else step.invocation.entries:
            items[key_of(entry)].add(entry.sequence_number)
    for delivery in steps:
        if isinstance(delivery, Discard):
            continue
        together = {entry.sequence_number for entry in delivery.invocation.entries}
        for entry in delivery.invocation.entries:
            for other in items[key_of(entry)] - together:
                if int(other) < int(entry.sequence_number):
                    assert ended_at[other] <= delivery.invocation.started


def key_of(entry: Entry) -> str:
    return str(entry.raw["dynamodb"]["Keys"]["Id"]["N"])


def check_attempts(
    deliveries: Sequence[Delivery],
    discards: Sequence[Discard],
    mapping: EventSourceMapping,
    assumptions: Assumptions,
) -> None:
    """Retries are as many as set: never more, and never fewer before a discard for them."""
    limit = mapping.maximum_retry_attempts
    for delivery in deliveries:
        invocation = delivery.invocation
        if limit >= 0 and invocation.entries:
            before_bisect = assumptions.retries_before_bisect if mapping.bisect_batch_on_function_error else 0
            assert invocation.attempt <= max(limit, before_bisect) + 1
        if delivery.then == "bisect":
            assert mapping.bisect_batch_on_function_error
            assert len(invocation.entries) > 1
    exhausted = [discard for discard in discards if discard.condition == "RetryAttemptsExhausted"]
    last = [delivery for delivery in deliveries if delivery.then == "discard"]
    assert [delivery.invocation.entries for delivery in last] == [discard.entries for discard in exhausted]
    assert all(delivery.invocation.attempt == limit + 1 for delivery in last)


def check_documents(
    discards: Sequence[Discard], mapping: EventSourceMapping, assumptions: Assumptions
) -> None:
    """Each discard has its document; by age only what is old enough, by retention without one."""
    for discard in discards:
        ages = [discard.at - entry.created for entry in discard.entries]
        if discard.condition == "Trimmed":
            assert discard.document is None
            assert min(ages) >= assumptions.retention_seconds
            continue
        assert discard.document is not None
        assert discard.document["requestContext"]["condition"] == discard.condition
        batch = discard.document["DDBStreamBatchInfo"]
        assert batch["batchSize"] == len(discard.entries)
        assert batch["shardId"] == discard.shard_id
        assert batch["startSequenceNumber"] == discard.entries[0].sequence_number
        assert batch["endSequenceNumber"] == discard.entries[-1].sequence_number
        if discard.condition == "RecordAgeExceeded":
            assert min(ages) >= mapping.maximum_record_age_in_seconds > 0
            assert "responseContext" not in discard.document
