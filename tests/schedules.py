"""Random batches, handlers and failures, driven through redelivery until nothing is left; and what must always hold.

A schedule is made from a seed, so that a failure can be run again: `python -m tests.schedules SEED`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from headwater import DeadLetter, MemoryLedger, Record, Reject, Skip, StreamApp
from headwater.ledger import Entry
from headwater.testing import LambdaContext, Table

TABLE = Table("Orders", keys="Id")
MOST_DELIVERIES = 400
REMAINING_MS = 60
MARGIN = 0.04
HANG_SECONDS = 30.0
PATIENCE_SECONDS = 30.0

Fault: TypeAlias = Literal[
    "ok", "fails", "always", "reject", "skip", "hangs", "condition", "decode", "cancelled", "exits"
]


class Broken(Exception):  # noqa: N818 - not ours
    """What handlers, sinks and ledgers of a schedule raise."""


@dataclass(frozen=True)
class Behaviour:
    """What one route does with one record."""

    fault: Fault = "ok"
    times: int = 0
    waits: bool = False


@dataclass(frozen=True)
class Schedule:
    """All that is random about one run."""

    seed: int
    items: Sequence[int]
    routes: Sequence[bool]  # whether each is async
    behaviours: Mapping[tuple[int, int], Behaviour]
    concurrency: int
    isolate: bool
    max_attempts: int | None
    hold_item: bool
    ledger: Literal["none", "memory", "failing"]
    sink_fails: float
    bisects: bool
    loses_answers: float
    deadline: bool
    middleware: Literal["none", "sync", "async"]
    pipes: bool

    @property
    def exact(self) -> bool:
        """Whether nothing happens that may cost a repeat beyond what a failure does."""
        lasting = self.ledger == "memory" and not self.loses_answers and not self.deadline
        return lasting and all(b.fault not in ("cancelled", "exits") for b in self.behaviours.values())


def make(seed: int) -> Schedule:
    """The schedule of a seed."""
    rng = random.Random(seed)
    concurrency = rng.choice([1, 1, 2, 3, 8])
    isolate = rng.random() < 0.5
    aside = rng.random() < 0.6
    deadline = rng.random() < 0.06
    routes = [rng.random() < 0.5 for _ in range(rng.choice([1, 1, 2, 3]))]
    items = [rng.randrange(rng.choice([1, 2, 4, 30])) for _ in range(rng.choice([1, 2, 5, 9, 14]))]
    behaviours: dict[tuple[int, int], Behaviour] = {}
    trouble = rng.choice([0.0, 0.1, 0.3, 0.6])
    for position in range(len(items)):
        for route in range(len(routes)):
            behaviours[position, route] = _behaviour(rng, trouble, aside, deadline and routes[route])
    return Schedule(
        seed=seed,
        items=items,
        routes=routes,
        behaviours=behaviours,
        concurrency=concurrency,
        isolate=isolate,
        max_attempts=rng.choice([1, 2, 3]) if aside else None,
        hold_item=aside and rng.random() < 0.3,
        ledger=rng.choice(["memory", "memory", "failing", "none"]),
        sink_fails=rng.choice([0.0, 0.0, 0.5]),
        bisects=rng.random() < 0.2,
        loses_answers=rng.choice([0.0, 0.0, 0.0, 0.2]),
        deadline=deadline,
        middleware=rng.choice(["none", "none", "sync", "async"]),
        pipes=rng.random() < 0.25,
    )


def _behaviour(rng: random.Random, trouble: float, aside: bool, may_hang: bool) -> Behaviour:
    if rng.random() >= trouble:
        return Behaviour(waits=rng.random() < 0.3)
    faults: list[Fault] = ["fails", "fails", "skip", "condition"]
    if aside:
        faults.extend(["always", "reject", "decode"])
    if may_hang:
        faults.extend(["hangs", "hangs"])
    if rng.random() < 0.05:
        faults.extend(["cancelled", "exits"])
    return Behaviour(rng.choice(faults), rng.choice([1, 1, 2, 3]), waits=rng.random() < 0.3)


class FailingLedger(MemoryLedger):
    """One that can not be reached every other time."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self._rng = rng

    def load(self, consumer: str, checkpoint: str) -> Entry | None:
        if self._rng.random() < 0.4:
            raise Broken("the ledger is down")
        return super().load(consumer, checkpoint)

    def replace(self, consumer: str, old: Entry | None, new: Entry | None) -> None:
        if self._rng.random() < 0.4:
            raise Broken("the ledger is down")
        super().replace(consumer, old, new)


@dataclass
class World:
    """What has happened so far, as it can be seen from outside of Headwater."""

    schedule: Schedule
    rng: random.Random
    records: list[dict[str, Any]] = field(default_factory=list)
    position_of: dict[str, int] = field(default_factory=dict)
    returned: Counter[tuple[int, int]] = field(default_factory=Counter)
    tried: Counter[tuple[int, int]] = field(default_factory=Counter)
    failed_in: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    letters: dict[int, list[DeadLetter]] = field(default_factory=lambda: defaultdict(list))
    running: set[int] = field(default_factory=set)
    settled: set[int] = field(default_factory=set)
    delivery: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def must(self, holds: object, claim: str) -> None:
        """Fail with the schedule when something that must hold does not."""
        if not holds:
            raise AssertionError(
                f"{claim}; run it again with: python -m tests.schedules {self.schedule.seed}"
            )

    def done(self, position: int) -> bool:
        """Whether a record may be acknowledged."""
        returned = all(self.returned[position, route] for route in range(len(self.schedule.routes)))
        return returned or bool(self.letters[position])

    def starts(self, position: int) -> None:
        """A handler starts: nothing of its item runs, and all before it is done."""
        item = self.schedule.items[position]
        for other in self.running:
            self.must(
                other == position or self.schedule.items[other] != item,
                f"{position} overlaps {other} of its item",
            )
        for earlier in range(position):
            if self.schedule.items[earlier] == item:
                self.must(self.done(earlier), f"{position} ran while {earlier} of its item was not done")
                held = self.schedule.hold_item and self.letters[earlier] and not self.schedule.loses_answers
                # The second half of a bisected batch does not know what was put aside: that costs repeats.
                known = self.schedule.ledger == "memory" and not self.schedule.bisects
                self.must(
                    not (held and known and earlier in self.batch),
                    f"{position} ran though {earlier} of its item was put aside",
                )

    batch: Sequence[int] = ()


def route(world: World, number: int, *, is_async: bool) -> Callable[[Record], Any]:
    """A handler that does what the schedule says."""

    def begin(record: Record) -> tuple[int, Behaviour, int]:
        position = world.position_of[record.sequence_number]
        with world.lock:
            world.starts(position)
            world.must(
                not (world.schedule.exact and world.returned[position, number]),
                f"route {number} of {position} ran again though it had returned",
            )
            world.running.add(position)
            world.tried[position, number] += 1
            return position, world.schedule.behaviours[position, number], world.tried[position, number]

    def end(position: int, behaviour: Behaviour, tries: int) -> None:
        with world.lock:
            world.running.discard(position)
            broken = behaviour.fault == "always" or (behaviour.fault == "fails" and tries <= behaviour.times)
            if broken or behaviour.fault == "reject":
                world.failed_in[position].add(world.delivery)
            if behaviour.fault in ("cancelled", "exits") and tries <= behaviour.times:
                raise asyncio.CancelledError if behaviour.fault == "cancelled" else SystemExit
            if broken:
                raise Broken
            if behaviour.fault == "reject":
                raise Reject("no good")
            world.returned[position, number] += 1
            if behaviour.fault == "skip":
                raise Skip("not this one")

    async def handle_async(record: Record) -> None:
        position, behaviour, tries = begin(record)
        try:
            if behaviour.waits:
                await asyncio.sleep(0)
            if behaviour.fault == "hangs" and tries <= behaviour.times:
                await asyncio.sleep(HANG_SECONDS)
        except asyncio.CancelledError:
            with world.lock:
                world.running.discard(position)
            raise
        if behaviour.fault == "decode":
            with world.lock:
                world.running.discard(position)
            getattr(record, "new")["Missing"]  # noqa: B009 - a Record need not have it
        end(position, behaviour, tries)

    def handle(record: Record) -> None:
        position, behaviour, tries = begin(record)
        if behaviour.waits:
            time.sleep(0)
        end(position, behaviour, tries)

    return handle_async if is_async else handle


def build(world: World) -> StreamApp:
    """The app of a schedule."""
    schedule = world.schedule
    ledger = {"none": None, "memory": MemoryLedger(), "failing": FailingLedger(world.rng)}[schedule.ledger]

    def put_aside(letter: DeadLetter) -> None:
        with world.lock:
            if world.rng.random() < schedule.sink_fails:
                raise Broken("the sink is down")
            world.letters[world.position_of[letter.sequence_number]].append(letter)

    aside: dict[str, Any] = {}
    if schedule.max_attempts is not None:
        aside = {
            "dead_letters": put_aside,
            "max_attempts": schedule.max_attempts,
            "hold_item": schedule.hold_item,
        }
    app = StreamApp(
        concurrency=schedule.concurrency,
        on_failure="isolate" if schedule.isolate else "stop",
        ledger=ledger,
        deadline_margin=MARGIN,
        **aside,
    )
    for number, is_async in enumerate(schedule.routes):

        def asks(record: Record, number: int = number) -> bool:
            position = world.position_of[record.sequence_number]
            behaviour = schedule.behaviours[position, number]
            asked = world.tried[position, -1 - number]
            world.tried[position, -1 - number] += 1
            if behaviour.fault == "condition" and asked < behaviour.times:
                with world.lock:
                    world.failed_in[position].add(world.delivery)
                raise Broken
            return True

        app.on_record(when=asks)(route(world, number, is_async=is_async))
    if schedule.middleware == "sync":
        app.middleware(lambda record, call_next: call_next(record))
    elif schedule.middleware == "async":

        @app.middleware
        async def around(record: Any, call_next: Any) -> None:
            await call_next(record)

    return app


def check(seed: int) -> Counter[str]:
    """Run the schedule of a seed until nothing is left, and check what must hold.

    Returns:
        What has happened, by name: so that a test can see that the schedules try everything.
    """
    schedule = make(seed)
    world = World(schedule, random.Random(seed + 1))
    for position, item in enumerate(schedule.items):
        record = TABLE.insert({"Id": item, "N": position})
        if any(schedule.behaviours[position, n].fault == "decode" for n in range(len(schedule.routes))):
            record["dynamodb"]["NewImage"]["Missing"] = {"N": "no number"}
        world.records.append(record)
        world.position_of[record["dynamodb"]["SequenceNumber"]] = position
        world.position_of[record["eventID"]] = position
    app = build(world)
    happened: Counter[str] = Counter()
    waiting: list[Sequence[int]] = [range(len(world.records))]
    while waiting:
        world.must(world.delivery < MOST_DELIVERIES, "the batch does not drain")
        batch = waiting.pop(0)
        again = deliver(world, app, batch, happened)
        if schedule.bisects and again == list(batch) and len(again) > 1 and world.rng.random() < 0.5:
            happened["bisected"] += 1
            middle = len(again) // 2
            waiting[:0] = [again[:middle], again[middle:]]
        elif again:
            waiting.insert(0, again)
    finish(world)
    happened.update(f"fault {b.fault}" for b in schedule.behaviours.values())
    happened.update({"letters": sum(map(bool, world.letters.values())), "deliveries": world.delivery})
    return happened


def deliver(world: World, app: StreamApp, batch: Sequence[int], happened: Counter[str]) -> list[int]:
    """Deliver a batch once; what is to be delivered again."""
    world.delivery += 1
    world.batch = batch
    records = [world.records[position] for position in batch]
    context = LambdaContext(remaining_ms=REMAINING_MS if world.schedule.deadline else 900_000)
    try:
        result = app.run(records if world.schedule.pipes else {"Records": records}, context)
    except (asyncio.CancelledError, SystemExit):
        happened["ended"] += 1
        patience = time.monotonic() + PATIENCE_SECONDS
        while world.running and time.monotonic() < patience:  # a thread can not be stopped, and may be slow
            time.sleep(0.001)
        world.must(not world.running, "something runs on after the batch had ended")
        return list(batch)
    if not world.schedule.deadline:
        world.must(not world.running, "something ran on after the answer")
    happened.update(type(outcome).__name__ for outcome in result.outcomes)
    happened["pipes" if world.schedule.pipes else "mapping"] += 1
    named = [world.position_of[failure["itemIdentifier"]] for failure in result.response["batchItemFailures"]]
    again = named if world.schedule.pipes else [each for each in batch if named and each >= named[0]]
    world.must(world.schedule.pipes or len(named) <= 1, "more than one record is named")
    world.must(set(again) <= set(batch), "what is named is not in the batch")
    for position in set(batch) - set(again):
        world.must(world.done(position), f"{position} was acknowledged, and is not done")
    if world.rng.random() < world.schedule.loses_answers:
        happened["lost answer"] += 1
        return list(batch)
    return again


def finish(world: World) -> None:
    """What must hold when nothing is left."""
    schedule = world.schedule
    for position, record in enumerate(world.records):
        world.must(world.done(position), f"{position} is lost")
        letters = world.letters[position]
        for letter in letters:
            world.must(letter.record == record, f"the letter of {position} is not complete")
        if not schedule.exact:
            continue
        world.must(len(letters) <= 1 or schedule.bisects, f"{position} was put aside twice")
        for number in range(len(schedule.routes)):
            world.must(world.returned[position, number] <= 1, f"route {number} of {position} returned twice")
        faults = {schedule.behaviours[position, number].fault for number in range(len(schedule.routes))}
        counted = schedule.max_attempts is not None and not faults & {"reject", "decode"}
        counted = counted and not schedule.bisects
        if letters and counted and not letters[0].error_type.endswith("Reject") and not schedule.sink_fails:
            world.must(
                len(world.failed_in[position]) == schedule.max_attempts == letters[0].attempts,
                f"{position} was put aside after {len(world.failed_in[position])} failures",
            )


def main(seeds: Sequence[str]) -> None:
    """Run some seeds, or seeds without end."""
    logging.getLogger("headwater").setLevel(logging.CRITICAL)
    for given in map(int, seeds):
        print(make(given))
        print(check(given))
    if seeds:
        return
    began, happened, seed = time.monotonic(), Counter[str](), random.SystemRandom().randrange(2**40)
    first = seed
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            happened += check(seed)
            seed += 1
            if (seed - first) % 10_000 == 0:
                print(
                    f"{seed - first:,} schedules in {time.monotonic() - began:,.0f} s, from seed {first}",
                    flush=True,
                )
    print(dict(happened))


if __name__ == "__main__":
    main(sys.argv[1:])
