"""A live mapping on a stream in memory: order, checkpoints, discards, endings. And the destinations of discards."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from headwater.cli import environment
from headwater.cli.connect import Connection
from headwater.cli.counts import Counts
from headwater.cli.live import ReportError, Run, run_live
from headwater.cli.views import Beginning, Ending
from headwater.mapping.answers import Answer, Raised, Returned
from headwater.mapping.assumptions import Assumptions
from headwater.mapping.checkpoints import Checkpoints
from headwater.mapping.destinations import to_aws, to_file
from headwater.mapping.documents import Origin
from headwater.mapping.entries import Entry
from headwater.mapping.history import Discard, Invocation
from headwater.mapping.lineage import Start
from headwater.mapping.live import LiveMapping, Parts
from headwater.mapping.observed import Delivered, Noticed, Stored
from headwater.mapping.rules import Rules
from headwater.mapping.settings import EventSourceMapping
from tests.parts.memory_stream import STREAM_ARN, MemoryStream, items
from tests.parts.tables import CREDENTIALS, REGION

REPORT = ("ReportBatchItemFailures",)
DONE = Returned({"batchItemFailures": []})
AT_ONCE = Assumptions(back_off=lambda _failures: 0.0)


class Reply(NamedTuple):
    """All that a mapping asks of an environment."""

    answer: Answer


class Bench:
    """A mapping on a stream in memory, with all that it tells.

    Attributes:
        told: What was observed, in order.
        delivered: The items of each invocation, in order of their beginnings.
        position: What was kept when something was observed, in the same order.
        answer: Answers an invocation; it is called in a thread.
        on_event: Called with what is observed.
        on_turn: Called between events.
    """

    def __init__(self, stream: MemoryStream, folder: Path) -> None:
        self.stream = stream
        self._file = folder / "checkpoints"
        self.most_at_once = 2
        self.told: list[Any] = []
        self.delivered: list[list[str]] = []
        self.answer: Callable[[Invocation], Answer] = lambda _invocation: DONE
        self.store: Callable[[Discard], str] = lambda _discard: "stored"
        self.on_event: Callable[[Any], object] = lambda _event: None
        self.on_turn: Callable[[], object] = lambda: None
        self.mapping: LiveMapping[Reply] | None = None
        self.checkpoints: Checkpoints | None = None

    def run(self, until_idle: float | None = 0.0, assumptions: Assumptions = AT_ONCE, **settings: Any) -> str:
        """Run the mapping to its end; says why it ended."""
        given = {"function_response_types": REPORT, **settings}
        rules = Rules(EventSourceMapping(**given), assumptions, Origin(STREAM_ARN))
        with self._open() as checkpoints:
            self.checkpoints = checkpoints
            parts = Parts(
                client=self.stream,
                checkpoints=checkpoints,
                invoke=self._invoke,
                store=lambda discard: self.store(discard),
                observe=self._observe,
                turned=lambda: self.on_turn(),
                most_at_once=self.most_at_once,
            )
            self.mapping = LiveMapping(rules, parts, until_idle=until_idle)
            try:
                return self.mapping.run()
            finally:
                self.checkpoints = None

    def stop(self) -> None:
        """Tell it to stop."""
        assert self.mapping is not None
        self.mapping.stop()

    def kept(self, shard: str = "a") -> str | None:
        """The checkpoint that is in the file."""
        if self.checkpoints is None:
            with self._open() as checkpoints:
                position = checkpoints.position()
        else:
            position = self.checkpoints.position()
        assert position is not None
        return position.starts.get(shard, Start("TRIM_HORIZON")).sequence_number

    @property
    def finished(self) -> set[str]:
        """The shards that are kept as finished."""
        with self._open() as checkpoints:
            position = checkpoints.position()
        assert position is not None
        return set(position.finished)

    @property
    def notices(self) -> list[str]:
        """What a person was told."""
        return [event.text for event in self.told if isinstance(event, Noticed)]

    def _open(self) -> Checkpoints:
        return Checkpoints(self._file, mapping="m", stream_arn=STREAM_ARN)

    def _invoke(self, invocation: Invocation) -> Reply:
        self.delivered.append(items(invocation.event["Records"]))
        return Reply(self.answer(invocation))

    def _observe(self, event: Any) -> None:
        self.told.append(event)
        self.on_event(event)


@pytest.fixture
def stream() -> MemoryStream:
    stream = MemoryStream()
    stream.shard("a")
    return stream


@pytest.fixture
def bench(stream: MemoryStream, tmp_path: Path) -> Bench:
    return Bench(stream, tmp_path)


def names_first_of(item: str, times: int) -> Callable[[Invocation], Answer]:
    """Fails a record so often, as a response that names it."""
    left = [times]

    def answer(invocation: Invocation) -> Answer:
        for entry in invocation.entries:
            if left[0] and items([entry.raw]) == [item]:
                left[0] -= 1
                return Returned({"batchItemFailures": [{"itemIdentifier": entry.sequence_number}]})
        return DONE

    return answer


# Order and checkpoints


def test_what_waits_to_be_delivered_again_can_be_delivered_at_once(bench: Bench) -> None:
    """When the function has changed: nobody waits for the back-off of what it was."""
    bench.stream.put("a", "1")
    bench.answer = names_first_of("1", times=1)

    def turn() -> None:
        if bench.delivered and bench.mapping is not None:
            bench.mapping.retry_now()

    bench.on_turn = turn
    assert bench.run(assumptions=Assumptions(back_off=lambda _failures: 3_600.0)) == "idle"
    assert bench.delivered == [["1"], ["1"]]


def test_a_clock_that_is_set_back_holds_nothing_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading, listing and storing word of discards go by a clock that nobody sets."""
    clock = SimpleNamespace(time=time.time, monotonic=time.monotonic)
    monkeypatch.setattr("headwater.mapping.live.time", clock)
    monkeypatch.setattr("headwater.mapping.live._FIRST_WAIT_SECONDS", 0.0)
    bench.stream.put("a", "1")
    bench.answer = names_first_of("2", times=1)
    refused: list[Discard] = []
    turns: list[None] = []

    def store(discard: Discard) -> str:
        refused.append(discard)
        if len(refused) == 1:
            raise OSError("no")
        return "stored"

    def stop_when_stored(event: Any) -> None:
        if isinstance(event, Stored):
            bench.stop()

    def set_back(_event: Any) -> None:
        bench.on_event = stop_when_stored
        clock.time = lambda: time.time() - 3_600.0
        bench.stream.shard("b")
        bench.stream.put("b", "2")
        bench.stream.close("a")

    def turn() -> None:
        turns.append(None)
        if len(turns) > 100:
            bench.stop()

    bench.store, bench.on_event, bench.on_turn = store, set_back, turn
    assert bench.run(None, maximum_retry_attempts=0) == "stopped"
    assert bench.delivered == [["1"], ["2"]]
    assert [type(event) for event in bench.told] == [Delivered, Delivered, Noticed, Stored]


def test_each_settled_step_is_kept_before_anybody_hears_of_it(bench: Bench) -> None:
    """So whoever acts on what was heard acts on what survives; the next run goes on behind it."""
    numbers = bench.stream.put("a", "1", "2", "3", "4")
    bench.answer = names_first_of("3", times=2)
    kept: list[str | None] = []
    bench.on_event = lambda event: kept.append(bench.kept() if event.checkpoint == bench.kept() else "?")

    assert bench.run(batch_size=3) == "idle"

    assert bench.delivered == [["1", "2", "3"], ["3"], ["3"], ["4"]]
    assert kept == [numbers[1], numbers[1], numbers[2], numbers[3]]

    bench.delivered.clear()
    assert bench.run() == "idle"
    assert bench.delivered == []
    bench.stream.put("a", "5")
    bench.run()
    assert bench.delivered == [["5"]]


def test_children_wait_until_all_of_their_parent_is_settled(bench: Bench) -> None:
    """Having read the parent is not enough; and children that come up later are found."""
    stream = bench.stream
    stream.put("a", "x")
    bench.answer = names_first_of("x", times=3)

    def split(event: Any) -> None:
        if len(bench.told) == 1:  # while x fails
            stream.close("a")
            stream.shard("b", "a")
            stream.put("b", "x")
            stream.shard("c", "a")
            stream.put("c", "y")
        if ["y"] in bench.delivered:
            stream.close("b")
            stream.shard("d", "b")
            stream.put("d", "x")
            bench.on_event = lambda _event: None

    bench.on_event = split
    assert bench.run(until_idle=0.3) == "idle"

    assert bench.delivered[:4] == [["x"]] * 4
    assert sorted(bench.delivered[4:6]) == [["x"], ["y"]]
    assert bench.delivered[6:] == [["x"]]
    assert bench.mapping is not None
    assert sorted(state.shard_id for state in bench.mapping.states) == ["c", "d"]


def test_a_mapping_is_not_idle_between_a_parent_and_its_children(bench: Bench) -> None:
    """Also where the stream has told of the child before its parent was settled, so that no listing is awaited."""
    stream = bench.stream
    stream.put("a", "1")
    stream.close("a")
    stream.shard("b", "a")
    stream.put("b", "2")
    told = threading.Event()

    def answer(invocation: Invocation) -> Answer:
        assert invocation.shard_id == "b" or told.wait(30)
        return DONE

    def turn() -> None:
        assert bench.mapping is not None
        if stream.listings > 1:  # the one after the end of the parent
            turns.append(stream.listings)
        if len(turns) > 2:
            told.set()

    turns: list[int] = []
    bench.answer, bench.on_turn = answer, turn
    assert bench.run(until_idle=0.0) == "idle"
    assert bench.delivered == [["1"], ["2"]]


def test_what_was_finished_is_not_read_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shard that is done with stays so, and its child starts at once; it is forgotten when the stream forgets it."""
    bench.stream.put("a", "1")
    bench.stream.close("a")
    bench.stream.shard("b", "a")
    bench.run()
    bench.stream.put("b", "2")
    bench.run()
    assert bench.delivered == [["1"], ["2"]]
    assert bench.finished == {"a"}
    bench.stream.trim("a")
    monkeypatch.setattr("headwater.mapping.checkpoints._RETENTION_SECONDS", 0.0)  # a day later
    bench.run()
    assert bench.finished == set()


def test_latest_means_from_now_on_and_what_is_kept_comes_first(bench: Bench) -> None:
    """What was written before the first run is not delivered; what is written between two runs is."""
    bench.stream.put("a", "old", created=time.time() - 60)
    bench.run(starting_position="LATEST", until_idle=0.1)
    bench.run(starting_position="LATEST")
    bench.stream.put("a", "between")
    bench.run(starting_position="LATEST", until_idle=0.1)
    assert bench.delivered == [["between"]]


def test_no_kept_shard_is_read_before_the_stream_tells_of_its_parent(bench: Bench) -> None:
    """What is kept says nothing of parents: whoever read at once would read a child before its parent."""
    stream = bench.stream
    stream.shard("b", "a")

    def stop() -> None:
        if bench.mapping is not None and bench.mapping.states:
            bench.stop()

    bench.on_turn = stop
    assert bench.run(None, starting_position="LATEST") == "stopped"
    stream.put("a", "1")
    stream.put("b", "2")
    stream.close("a")
    stream.close("b")
    stream.status = "DISABLED"
    turned = threading.Event()
    describe = stream.describe_stream
    followed: list[list[str]] = []

    def describe_later(**given: Any) -> Any:
        assert turned.wait(30)
        return describe(**given)

    def turn() -> None:
        assert bench.mapping is not None
        followed.append([state.shard_id for state in bench.mapping.states])
        turned.set()

    stream.describe_stream = describe_later  # type: ignore[method-assign]
    bench.on_turn = turn
    assert bench.run(None, starting_position="LATEST") == "disabled"
    assert followed[0] == []
    assert ["a", "b"] not in followed
    assert bench.delivered == [["1"], ["2"]]


def test_lanes_run_at_once_and_the_checkpoint_is_the_lowest(bench: Bench) -> None:
    """The lane of the first record is held back; what the other has done is not kept before."""
    lanes = {"slow": 0, "fast": 1}
    chosen = Assumptions(back_off=AT_ONCE.back_off, lane_of=lambda keys, _lanes: lanes[keys["Id"]["S"]])
    first, second = bench.stream.put("a", "slow", "fast")
    gate = threading.Event()

    def answer(invocation: Invocation) -> Answer:
        if invocation.lane == 0:
            assert gate.wait(30)
        return DONE

    def on_event(event: Any) -> None:
        if event.delivery.invocation.lane == 1:
            assert bench.kept() is None
            assert event.checkpoint is None
            assert bench.mapping is not None
            [state] = bench.mapping.states
            assert (state.read, state.waiting, state.under_way) == (second, 0, 1)
            assert state.oldest is not None
            gate.set()

    bench.answer, bench.on_event = answer, on_event
    bench.run(assumptions=chosen, parallelization_factor=2)
    assert [event.delivery.invocation.lane for event in bench.told] == [1, 0]
    assert bench.kept() == second
    assert first < second


def test_what_is_done_behind_a_slow_record_is_let_go_of(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A lane that stands still for long holds no more than what it has not done."""
    monkeypatch.setattr("headwater.mapping.shard._SETTLED_KEPT", 1)
    chosen = Assumptions(lane_of=lambda keys, _lanes: int(keys["Id"]["S"] != "slow"))
    bench.stream.put("a", "slow", *(f"fast-{number}" for number in range(5)))
    gate = threading.Event()
    oldest: list[float | None] = []

    def answer(invocation: Invocation) -> Answer:
        if invocation.lane == 0:
            assert gate.wait(30)
        return DONE

    def on_event(_event: Any) -> None:
        if len(bench.told) == 5:
            assert bench.mapping is not None
            [state] = bench.mapping.states
            assert (state.waiting, state.under_way) == (0, 1)
            oldest.append(state.oldest)
            gate.set()

    bench.answer, bench.on_event = answer, on_event
    bench.run(assumptions=chosen, parallelization_factor=2, batch_size=1)
    assert len(oldest) == 1
    assert oldest[0] is not None


def test_what_no_filter_wants_moves_the_checkpoint(bench: Bench) -> None:
    """Without an invocation, and it is counted, also when its shard is gone."""
    [number] = bench.stream.put("a", "1")
    pattern = '{"eventName": ["REMOVE"]}'
    bench.run(filter_criteria=(pattern,))
    assert bench.delivered == []
    assert bench.kept() == number
    assert bench.mapping is not None
    assert bench.mapping.filtered == 1
    bench.stream.put("a", "2")
    bench.stream.close("a")
    bench.run(filter_criteria=(pattern,))
    assert bench.mapping.filtered == 1
    assert bench.mapping.states == []


def test_an_open_window_is_not_behind_the_checkpoint(bench: Bench) -> None:
    """Its state is in memory: after a crash in the middle, all records of the window come again."""
    start = 1_700_000_000 // 60 * 60
    recent = Assumptions(retention_seconds=float("inf"))
    before = bench.stream.put("a", "1", created=start + 1)
    bench.stream.put("a", "2", "3", created=start + 61)
    bench.answer = lambda invocation: Returned({"state": {"n": len(invocation.entries)}})
    kept: list[str | None] = []

    def on_event(event: Any) -> None:
        kept.append(event.checkpoint)
        if event.delivery.invocation.number == 3:  # the first of the two records in the second window
            bench.stop()

    bench.on_event = on_event
    assert bench.run(None, recent, tumbling_window_in_seconds=60, batch_size=1) == "stopped"
    assert bench.delivered == [["1"], [], ["2"]]
    assert kept == [None, before[-1], before[-1]]

    bench.delivered.clear()
    bench.on_event = lambda _event: None
    bench.run(0.0, recent, tumbling_window_in_seconds=60, batch_size=1)
    assert bench.delivered == [["2"], ["3"], []]


# Discards


def test_the_checkpoint_waits_until_word_of_discards_is_stored(bench: Bench) -> None:
    """Nothing more is delivered before, and a destination that refuses is asked again."""
    bad, good = bench.stream.put("a", "bad", "good")
    refused: list[Discard] = []

    def store(discard: Discard) -> str:
        assert discard.document is not None
        assert bench.delivered == [["bad"]]
        refused.append(discard)
        if len(refused) < 3:
            raise OSError("the disk is full")
        return "the file"

    bench.store = store
    bench.answer = names_first_of("bad", times=1)
    kept: list[str | None] = []
    bench.on_event = lambda _event: kept.append(bench.kept())
    bench.run(batch_size=1, maximum_retry_attempts=0)

    assert [type(event) for event in bench.told] == [Delivered, Noticed, Noticed, Stored, Delivered]
    assert bench.notices == [
        f"word of discarded records can not be stored (the disk is full): tried again in {wait} s"
        for wait in ("0.5", "1")
    ]
    assert kept == [None, None, None, bad, good]
    stored = bench.told[3]
    assert (stored.place, stored.checkpoint) == ("the file", bad)
    assert stored.discard.entries[0].sequence_number == bad
    assert bench.delivered == [["bad"], ["good"]]


def test_a_discard_that_is_not_stored_at_the_end_comes_again(bench: Bench) -> None:
    """The destination gets one chance, then the next run delivers the record anew: it counts as waiting."""
    bench.stream.put("a", "bad", "good")

    def store(_discard: Discard) -> str:
        bench.stop()
        raise OSError("no")

    bench.store, bench.answer = store, names_first_of("bad", times=1)
    assert bench.run(None, batch_size=1, maximum_retry_attempts=0) == "stopped"
    assert bench.kept() is None
    assert bench.mapping is not None
    assert [(state.waiting, state.under_way) for state in bench.mapping.states] == [(2, 0)]
    bench.run(batch_size=1)
    assert bench.delivered == [["bad"], ["bad"], ["good"]]
    assert [(state.waiting, state.under_way) for state in bench.mapping.states] == [(0, 0)]


def test_nobody_is_told_of_what_the_stream_has_trimmed(bench: Bench) -> None:
    """A record older than a day is gone; it is observed all the same."""
    bench.stream.put("a", "old", created=time.time() - 90_000)
    bench.store = lambda _discard: pytest.fail("stored")
    bench.run()
    [event] = bench.told
    assert (event.discard.condition, event.place) == ("Trimmed", "")
    assert bench.delivered == []


# Endings and errors


def test_stopping_finishes_what_is_under_way_and_lets_go_of_what_is_not(bench: Bench) -> None:
    """The batch that runs is kept; the one that waits for a process comes with the next run."""
    lanes = {"1": 0, "2": 1}
    chosen = Assumptions(back_off=AT_ONCE.back_off, lane_of=lambda keys, _lanes: lanes[keys["Id"]["S"]])
    first, _second = bench.stream.put("a", "1", "2")
    running = threading.Event()

    def answer(_invocation: Invocation) -> Answer:
        bench.stop()
        running.set()
        turned.wait(30)
        return DONE

    turned = threading.Event()

    def on_turn() -> None:
        assert bench.mapping is not None
        if running.is_set() and [state.waiting for state in bench.mapping.states] == [1]:
            turned.set()

    bench.answer, bench.on_turn = answer, on_turn
    bench.most_at_once = 1
    assert bench.run(None, chosen, parallelization_factor=2) == "stopped"
    assert bench.delivered == [["1"]]
    assert bench.kept() == first
    bench.answer = lambda _invocation: DONE
    bench.run()
    assert bench.delivered == [["1"], ["2"]]


def test_a_stream_that_hangs_holds_up_no_end(bench: Bench) -> None:
    """Neither that of the mapping nor that of the process, which waits for no thread of a mapping that is over."""
    hanging, over = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []

    def hang(**_given: Any) -> Any:
        threads.append(threading.current_thread())
        hanging.set()
        over.wait(30)
        return {"Records": []}

    def turn() -> None:
        if hanging.is_set():
            bench.stop()

    bench.stream.get_records = hang  # type: ignore[method-assign]
    bench.on_turn = turn
    assert bench.run(None) == "stopped"
    [thread] = threads
    assert thread.is_alive()
    assert thread.daemon
    over.set()
    thread.join(30)
    assert not thread.is_alive()


def test_a_stream_that_is_switched_off_is_read_to_its_end(bench: Bench) -> None:
    """Nothing can come any more, so the mapping is over."""
    bench.stream.put("a", "1")
    bench.stream.close("a")
    bench.stream.status = "DISABLED"
    assert bench.run(None) == "disabled"
    assert bench.delivered == [["1"]]


def test_a_busy_stream_is_asked_again(bench: Bench) -> None:
    """Each reason is told once, and nothing is lost."""
    bench.stream.fail("describe_stream", "LimitExceededException")
    bench.stream.fail("get_shard_iterator", "InternalServerError", status=500)
    bench.stream.fail("get_records", "ThrottlingException", times=2)
    bench.stream.put("a", "1")
    bench.run()
    assert bench.delivered == [["1"]]
    assert ["listed now" in notice for notice in bench.notices] == [True, False, False]
    assert len(bench.notices) == 3


def test_why_a_stream_can_not_be_listed_is_told_once_until_it_changes(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that is down would fill the screen; what comes back after a listing is new."""
    monkeypatch.setattr("headwater.mapping.live._TRY_AGAIN_SECONDS", 0.0)
    monkeypatch.setattr("headwater.mapping.live.LIST_SECONDS", 0.0)
    bench.stream.fail("describe_stream", "ThrottlingException", times=3)
    bench.stream.fail("describe_stream", "InternalServerError", times=2)

    def turn() -> None:
        if bench.stream.listings and not bench.stream.failures["describe_stream"]:
            bench.stream.fail("describe_stream", "InternalServerError")
        if len(bench.told) == 3:
            bench.stop()

    bench.on_turn = turn
    assert bench.run(None) == "stopped"
    assert [notice.split("(")[1].split(")")[0] for notice in bench.notices] == [
        "ThrottlingException",
        "InternalServerError",
        "InternalServerError",
    ]


@pytest.mark.parametrize("operation", ["describe_stream", "get_shard_iterator", "get_records"])
def test_what_asking_again_does_not_cure_ends_the_mapping(bench: Bench, operation: str) -> None:
    """With the service's own error."""
    bench.stream.fail(operation, "AccessDeniedException")
    with pytest.raises(ClientError, match="AccessDenied"):
        bench.run(None)


def test_a_stream_that_vanishes_ends_the_mapping(bench: Bench) -> None:
    """As when its table is deleted: that something may be lost is told."""
    bench.stream.put("a", "1")

    def on_event(event: Any) -> None:
        if isinstance(event, Delivered):
            for operation in ("get_records", "describe_stream"):
                bench.stream.fail(operation, "ResourceNotFoundException")

    bench.on_event = on_event
    with pytest.raises(ClientError, match="ResourceNotFound"):
        bench.run(None)
    assert "has no shard a any more" in bench.notices[0]


def test_an_environment_that_breaks_ends_the_mapping_after_the_others(bench: Bench) -> None:
    """What another lane is doing is finished and kept."""
    lanes = {"1": 0, "2": 1}
    chosen = Assumptions(lane_of=lambda keys, _lanes: lanes[keys["Id"]["S"]])
    first, _second = bench.stream.put("a", "1", "2")
    broken = threading.Event()

    def answer(invocation: Invocation) -> Answer:
        if invocation.lane == 1:
            broken.set()
            raise LookupError("no such program")
        assert broken.wait(30)
        return DONE

    bench.answer = answer
    with pytest.raises(LookupError, match="no such program"):
        bench.run(None, chosen, parallelization_factor=2)
    assert bench.kept() == first


def test_a_thread_that_is_told_to_exit_ends_all(bench: Bench) -> None:
    """What is no error goes on its way."""
    bench.stream.put("a", "1")

    def answer(_invocation: Invocation) -> Answer:
        raise SystemExit

    bench.answer = answer
    with pytest.raises(SystemExit):
        bench.run(None)


def test_a_function_that_fails_is_invoked_again(bench: Bench) -> None:
    """Also when no response names a record; an invocation under way and a record that waits are no idleness."""
    bench.stream.put("a", "1", "2")
    answers = [Raised("ValueError", "once")]
    bench.answer = lambda _invocation: answers.pop() if answers else DONE
    bench.run()
    assert bench.delivered == [["1", "2"], ["1", "2"]]


def test_shards_are_listed_again_every_so_often(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that came without another's end is found."""
    monkeypatch.setattr("headwater.mapping.live.LIST_SECONDS", 0.01)
    bench.stream.put("a", "1")

    def on_event(event: Any) -> None:
        if len(bench.told) == 1:
            bench.stream.shard("b")
            bench.stream.put("b", "2")
        else:
            bench.stop()

    bench.on_event = on_event
    assert bench.run(None) == "stopped"
    assert bench.delivered == [["1"], ["2"]]


# What is around it on the command line


class Shown:
    """A view that keeps what it was told.

    Attributes:
        events: What has happened.
        endings: The end, once it was shown.
        on_event: Called with what has happened.
        on_end: Called with the end.
    """

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.endings: list[Ending] = []
        self.on_event: Callable[[Any], object] = lambda _event: None
        self.on_end: Callable[[Ending], object] = lambda _ending: None

    def shown(self) -> AbstractContextManager[object]:
        return nullcontext()

    def begin(self, beginning: Beginning) -> None:
        pass

    def show(self, event: Any, counts: Counts) -> None:
        self.events.append(event)
        self.on_event(event)

    def turn(self, counts: Counts, states: Callable[[], Any]) -> None:
        pass

    def end(self, ending: Ending, counts: Counts) -> None:
        self.endings.append(ending)
        self.on_end(ending)


class Acknowledging:
    """An environment whose function succeeds."""

    def invoke(self, event: Mapping[str, Any], request_id: str) -> environment.Reply:
        return environment.Reply(DONE, "", 0.0)

    def reload(self) -> None:
        pass

    def stop(self) -> None:
        pass


def run_of(stream: MemoryStream, folder: Path, **given: Any) -> Run:
    """What `headwater run` would run."""
    return Run(
        connection=Connection(STREAM_ARN, "T", lambda _service: stream),
        settings=EventSourceMapping(function_response_types=REPORT),
        function=environment.Function(target="app.py"),
        make=Acknowledging,
        name="m",
        state=folder / "checkpoints",
        **given,
    )


def test_a_report_that_can_not_be_written_takes_no_summary_away(stream: MemoryStream, tmp_path: Path) -> None:
    """It is written last, and the error is a sentence."""
    stream.put("a", "1")
    view = Shown()
    with pytest.raises(ReportError, match=r"the report can not be written to .*: Is a directory"):
        run_live(run_of(stream, tmp_path, until_idle=0.0, report=tmp_path), view)
    assert view.endings == [Ending("idle", 0, 0)]


def test_a_report_that_can_not_be_written_hides_no_other_error(stream: MemoryStream, tmp_path: Path) -> None:
    """What went wrong first is told."""
    stream.fail("describe_stream", "AccessDeniedException")
    view = Shown()
    with pytest.raises(ClientError, match="AccessDenied"):
        run_live(run_of(stream, tmp_path, report=tmp_path), view)
    assert view.endings == []


@pytest.fixture
def signals() -> Iterator[tuple[signal.Signals, ...]]:
    """The signals that end a run; afterwards they do what they did before."""
    ending = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in ending}
    yield ending
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_heard_until_all_is_over(
    stream: MemoryStream, tmp_path: Path, signals: tuple[signal.Signals, ...], second: signal.Signals
) -> None:
    """A second one that comes with the summary still ends the run at once; one behind the end changes nothing."""
    stream.put("a", "1")
    view = Shown()

    def stop(event: Any) -> None:
        if isinstance(event, Delivered):
            signal.raise_signal(signal.SIGTERM)

    view.on_event = stop
    view.on_end = lambda _ending: signal.raise_signal(second)
    with pytest.raises(KeyboardInterrupt):
        run_live(run_of(stream, tmp_path), view)
    assert view.endings == [Ending("stopped", 0, 0)]
    for number in signals:
        signal.raise_signal(number)


def test_a_run_that_no_signal_has_ended_leaves_them_as_they_were(
    stream: MemoryStream, tmp_path: Path, signals: tuple[signal.Signals, ...]
) -> None:
    """Whoever called it may want them."""
    before = [signal.getsignal(number) for number in signals]
    run_live(run_of(stream, tmp_path, until_idle=0.0), Shown())
    assert [signal.getsignal(number) for number in signals] == before


def test_no_clock_of_this_machine_gives_up_what_the_stream_still_has(
    stream: MemoryStream, tmp_path: Path
) -> None:
    """A stream trims by itself; a clock that is a day ahead would lose all."""
    stream.put("a", "old", created=time.time() - 90_000)
    view = Shown()
    run_live(run_of(stream, tmp_path, until_idle=0.0), view)
    assert [type(event) for event in view.events] == [Delivered]


# Destinations


def discard(document: dict[str, Any] | None = None) -> Discard:
    """A discard of one record."""
    raw = {"eventName": "INSERT", "dynamodb": {"SequenceNumber": "111", "Keys": {"Id": {"S": "1"}}}}
    return Discard(
        1795248000.5,
        "shardId-1",
        0,
        1,
        [Entry(raw, 0.0)],
        "RetryAttemptsExhausted",
        document or {"version": "1.0"},
    )


def test_a_file_gets_a_line_with_the_records(tmp_path: Path) -> None:
    """Also behind a line that a crash has cut off."""
    file = tmp_path / "discards.jsonl"
    store = to_file(file)
    assert store(discard()) == str(file)
    with file.open("a") as lines:
        lines.write('{"cut')
    store(discard())
    first, _cut, second = file.read_text().splitlines()
    assert first == second
    document = json.loads(first)
    assert document["version"] == "1.0"
    assert json.loads(document["payload"])["Records"][0]["dynamodb"]["SequenceNumber"] == "111"


def test_queue_topic_and_bucket_get_what_lambda_sends() -> None:
    """The document; for a bucket also the records, under Lambda's key."""

    def client(service: str, region: str) -> Any:
        assert region in (REGION, "")
        return boto3.client(service, region_name=REGION, **CREDENTIALS)

    origin = Origin(STREAM_ARN, mapping_uuid="0000-1")
    with mock_aws():
        queue = client("sqs", "").create_queue(QueueName="discards")["QueueUrl"]
        topic = client("sns", "").create_topic(Name="discards")["TopicArn"]
        sqs, sns, s3 = (client(service, "") for service in ("sqs", "sns", "s3"))
        s3.create_bucket(Bucket="discards")
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

        to_queue = to_aws(arn, client, origin)
        assert [to_queue(discard()), to_queue(discard())] == [arn, arn]
        assert to_aws(topic, client, origin)(discard()) == topic
        received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
        bodies = [json.loads(message["Body"]) for message in received]
        assert [json.loads(body.get("Message", '{"version": "1.0"}')) for body in bodies] == [
            {"version": "1.0"}
        ] * 3

        place = to_aws("arn:aws:s3:::discards", client, origin)(discard())
        key = place.removeprefix("s3://discards/")
        assert key.startswith("aws/lambda/0000-1/shardId-1/2026/11/21/2026-11-21T08.00.00-")
        stored = json.loads(s3.get_object(Bucket="discards", Key=key)["Body"].read())
        assert json.loads(stored["payload"])["Records"][0]["eventName"] == "INSERT"


@pytest.mark.parametrize("arn", ["discards.jsonl", "arn:aws:lambda:us-east-1:1:function:f"])
def test_other_places_are_refused(arn: str) -> None:
    """Lambda knows three kinds."""
    with pytest.raises(ValueError, match="is no ARN of a queue, a topic or a bucket"):
        to_aws(arn, lambda _service, _region: None, Origin())
