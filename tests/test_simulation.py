"""The event loop of a simulated mapping: what happens when, and how little is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

import pytest

from headwater.mapping import (
    Answer,
    Delivery,
    Discard,
    EventSourceMapping,
    Invocation,
    NotRun,
    Raised,
    Returned,
    Rules,
)
from headwater.mapping.figures import Figures
from headwater.mapping.polling import POLL_SECONDS, READ_LIMIT
from headwater.mapping.simulation import Ran, Simulation, Write, shard_of

START = 1_767_225_600.0
REPORT = ("ReportBatchItemFailures",)


def record(number: int, size: int = 100) -> dict[str, Any]:
    stream = {"Keys": {"Id": {"N": str(number)}}, "SequenceNumber": str(number), "SizeBytes": size}
    return {"eventName": "INSERT", "dynamodb": {**stream, "ApproximateCreationDateTime": START}}


def writes(*times: float, shard: str = "s", first: int = 1) -> list[Write]:
    return [Write(START + at, shard, record(number)) for number, at in enumerate(times, start=first)]


class World:
    """A simulation and what it has done."""

    def __init__(
        self,
        *,
        seconds: float = 1.0,
        answers: Sequence[Answer] = (),
        most_at_once: int | None = None,
        **settings: Any,
    ) -> None:
        self.steps: list[Delivery | Discard] = []
        self.started: list[tuple[float, str, list[int]]] = []
        self._answers = iter(answers)
        self._seconds = seconds
        self.figures = Figures()
        self.simulation = Simulation(
            Rules(EventSourceMapping(function_response_types=REPORT, **settings)),
            self._invoke,
            start=START,
            observe=self._observe,
            most_at_once=most_at_once,
        )

    def _invoke(self, invocation: Invocation) -> Ran:
        numbers = [int(entry.sequence_number) for entry in invocation.entries]
        self.started.append((round(invocation.started - START, 6), invocation.shard_id, numbers))
        return Ran(next(self._answers, Returned({"state": {}})), self._seconds)

    def _observe(self, step: Delivery | Discard) -> None:
        self.steps.append(step)
        self.figures.note(step)

    @property
    def seconds(self) -> float:
        return self.simulation.now - START


def test_what_is_written_at_a_time_is_read_at_that_time() -> None:
    """Also what comes from different writers; what comes later is read by the next poll."""
    world = World(seconds=0.0)
    world.simulation.write(writes(0.0, 0.3))
    world.simulation.run(writes(0.0, first=10))
    assert world.started == [(0.0, "s", [1, 10]), (0.5, "s", [2])]
    assert world.simulation.drained
    assert world.seconds == 0.5


def test_shards_are_not_polled_in_step() -> None:
    """As if nobody had started them together: a limit of concurrency is not met by all of them at once."""
    world = World(seconds=0.0)
    for shard in "abcd":
        world.simulation.write(writes(0.0, shard=shard))
    world.simulation.run()
    times = [time for time, _, _ in world.started]
    assert len(set(times)) == 4
    assert all(0 <= time < POLL_SECONDS for time in times)
    assert [shard.shard_id for shard in world.simulation.shards] == ["a", "b", "c", "d"]


def test_writes_are_taken_as_their_time_comes() -> None:
    """There may be any number of them, even without an end."""
    taken: list[int] = []

    def endless() -> Iterator[Write]:
        for number in count(1):
            taken.append(number)
            yield Write(START + number, "s", record(number))

    world = World(seconds=0.0)
    world.simulation.run(endless(), until=START + 10)
    assert taken == list(range(1, 12))
    assert not world.simulation.drained
    world.simulation.advance(START + 20.5)
    assert taken == list(range(1, 22))
    assert world.seconds == 20.5


def test_one_read_has_as_many_records_and_bytes_as_get_records() -> None:
    """The next one follows at once; a record larger than a whole read still comes alone."""
    world = World(batch_size=10_000, seconds=0.0)
    world.simulation.run([Write(START, "s", record(number)) for number in range(1, READ_LIMIT + 2)])
    assert [len(numbers) for _, _, numbers in world.started] == [READ_LIMIT, 1]

    world = World(batch_size=10_000, seconds=0.0)
    sizes = (400_000, 600_000, 1, 2_000_000, 5)
    world.simulation.run(
        [Write(START, "s", record(number, size)) for number, size in enumerate(sizes, start=1)]
    )
    assert [numbers for _, _, numbers in world.started] == [[1, 2], [3], [4], [5]]


def test_a_shard_is_not_read_far_ahead_of_what_fails() -> None:
    """When the failing record is given up, all the others come."""
    total = 5_000
    world = World(
        answers=[Raised("E", "")] * 3, batch_size=1, maximum_retry_attempts=2, parallelization_factor=1
    )
    world.simulation.write([Write(START, "s", record(number)) for number in range(1, total + 1)])
    world.simulation.advance(START + 1)
    [shard] = world.simulation.shards
    assert not shard.has_room
    world.simulation.run()
    assert len(world.started) == total + 2
    assert world.simulation.drained


def test_a_window_ends_even_when_the_buffer_was_full() -> None:
    """The read that finds nothing is made up for."""
    world = World(seconds=0.01, batch_size=100, tumbling_window_in_seconds=10)
    world.simulation.run([Write(START, "s", record(number)) for number in range(1, 2_001)])
    assert world.simulation.drained
    assert [numbers for _, _, numbers in world.started][-1] == []
    assert world.started[-1][0] == 10.0


def test_more_invocations_than_may_run_at_once_are_throttled() -> None:
    """They come again after a back-off; what the function is not reached for otherwise takes no place for ever."""
    world = World(most_at_once=1, answers=[NotRun("the service is down")])
    for shard in "ab":
        world.simulation.write(writes(0.0, shard=shard))
    world.simulation.run()
    assert world.simulation.drained
    assert world.simulation.most_running == 1
    assert world.figures.throttled > 1
    assert (world.figures.invocations, world.figures.handled) == (2, 2)


def test_a_function_that_may_never_run_leaves_everything_to_be_trimmed() -> None:
    """The simulation ends all the same."""
    world = World(most_at_once=0)
    world.simulation.run(writes(0.0))
    assert world.simulation.drained
    assert world.figures.discarded == {"Trimmed": 1}
    assert (world.figures.documents, world.figures.invocations) == (0, 0)


def test_the_clock_stops_with_the_last_thing_that_happens() -> None:
    """A batching window that was not waited for does not move it."""
    world = World(seconds=0.5, batch_size=2, maximum_batching_window_in_seconds=60)
    world.simulation.run(writes(0.0, 1.0))
    assert world.seconds == 1.5


def test_figures_tell_first_deliveries_from_repeats() -> None:
    """Of each lane, by its batches: what is left of a batch, and its halves, were delivered before."""
    partial = Returned({"batchItemFailures": [{"itemIdentifier": "2"}]})
    world = World(answers=[partial, Raised("E", "")], seconds=1.0, bisect_batch_on_function_error=True)
    world.simulation.run(writes(0.0, 0.0, 0.0, 5.0))
    figures = world.figures
    assert [numbers for _, _, numbers in world.started] == [[1, 2, 3], [2, 3], [2], [3], [4]]
    assert (figures.invocations, figures.retries, figures.failed) == (5, 3, 1)
    assert (figures.delivered, figures.repeats, figures.handled) == (8, 4, 4)
    assert figures.ages.max == 5.0


@pytest.mark.parametrize("shards", [1, 7, 1_000])
def test_items_are_spread_over_shards(shards: int) -> None:
    """By their keys alone, in any order, and not as over lanes."""
    names = [shard_of({"Id": {"N": str(number)}}, shards) for number in range(20 * shards)]
    assert len(set(names)) == shards
    pair: dict[str, Any] = {"P": {"S": "1"}, "S": {"S": "2"}}
    assert shard_of(pair, shards) == shard_of(dict(reversed(pair.items())), shards)
    lanes = {
        Rules(EventSourceMapping()).assumptions.lane_of({"Id": {"N": str(number)}}, 10)
        for number in range(1_000)
        if shard_of({"Id": {"N": str(number)}}, 10).startswith("shardId-00000000000000000003-")
    }
    assert lanes == set(range(10))
