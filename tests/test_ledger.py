"""The ledger: what is done beyond the checkpoint does not run again, and a ledger that is down loses nothing."""

from __future__ import annotations

import functools
import logging
import threading
import time
from collections import Counter
from typing import Any

import pytest

from headwater import Failed, Handled, MemoryLedger, Record, StreamApp, Withheld
from headwater.ledger import Entry, merge
from headwater.progress import Progress, RecordProgress
from headwater.testing import LambdaContext, Table, event, pipes_batch

TABLE = Table("Orders", keys="Id")
DONE = RecordProgress(frozenset({"a"}))


def records(count: int = 6) -> list[dict[str, Any]]:
    return [TABLE.insert({"Id": number}) for number in range(count)]


def number(record: dict[str, Any]) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


class Counting:
    """A ledger that counts its calls."""

    def __init__(self) -> None:
        self.inner = MemoryLedger()
        self.calls: Counter[str] = Counter()
        self.broken: set[str] = set()

    def load(self, consumer: str, checkpoint: str) -> Entry | None:
        self.calls["load"] += 1
        if "load" in self.broken:
            raise ConnectionError("down")
        return self.inner.load(consumer, checkpoint)

    def replace(self, consumer: str, old: Entry | None, new: Entry | None) -> None:
        self.calls["replace"] += 1
        if "replace" in self.broken:
            raise ConnectionError("down")
        self.inner.replace(consumer, old, new)


class Handlers:
    """Two routes for everything, of which the second one fails for the items named."""

    def __init__(self, *failing: int, **options: Any) -> None:
        self.app = StreamApp(**options)
        self.failing = set(failing)
        self.ran: Counter[tuple[str, int]] = Counter()
        self.app.on_record(self.first)
        self.app.on_record(self.second)

    def first(self, record: Record) -> None:
        self.ran["first", record.keys["Id"]] += 1

    def second(self, record: Record) -> None:
        self.ran["second", record.keys["Id"]] += 1
        if record.keys["Id"] in self.failing:
            raise ConnectionError


def test_what_is_done_beyond_the_checkpoint_is_not_run_again() -> None:
    """Nor the route that had returned of the record that failed."""
    handlers, batch = Handlers(2, on_failure="isolate"), records()
    result = handlers.app.run(event(batch))
    assert result.response == {"batchItemFailures": [{"itemIdentifier": number(batch[2])}]}
    assert [type(outcome) for outcome in result.outcomes] == [
        Handled,
        Handled,
        Failed,
        Handled,
        Handled,
        Handled,
    ]
    handlers.failing.clear()

    again = handlers.app.run(event(batch[2:]))

    assert again.response == {"batchItemFailures": []}
    assert [type(outcome) for outcome in again.outcomes] == [Handled] * 4
    assert handlers.ran == {
        **{("first", each): 1 for each in range(6)},
        **{("second", each): 1 for each in range(6)},
        ("second", 2): 2,
    }


def test_without_a_ledger_all_routes_of_the_failed_record_run_again() -> None:
    """The default, in order and without an option that needs it, keeps nothing."""
    handlers, batch = Handlers(0), records(1)
    handlers.app(event(batch))
    handlers.app(event(batch))
    assert handlers.ran == {("first", 0): 2, ("second", 0): 2}


def test_when_nothing_fails_the_ledger_is_read_once_and_never_written() -> None:
    """For each invocation; an empty batch does not even read it."""
    ledger = Counting()
    app = Handlers(ledger=ledger, concurrency=3).app
    app(event(records()))
    app(event(records()))
    app(event([]))
    assert ledger.calls == {"load": 2}


def test_the_ledger_is_written_once_for_a_failure_and_emptied_when_it_is_over() -> None:
    """And the entry that is no longer needed is gone."""
    ledger = Counting()
    handlers, batch = Handlers(1, ledger=ledger, on_failure="isolate"), records()
    handlers.app(event(batch))
    assert ledger.calls == {"load": 1, "replace": 1}
    handlers.failing.clear()
    handlers.app(event(batch[1:]))
    assert ledger.calls == {"load": 2, "replace": 2}
    assert repr(ledger.inner) == "<MemoryLedger with 0 records>"


def test_in_a_bisected_batch_the_second_half_knows_what_is_done() -> None:
    """Its first record is not the checkpoint that the entry was written for."""
    handlers, batch = Handlers(0, on_failure="isolate"), records()
    handlers.app(event(batch))
    handlers.failing.clear()
    handlers.app(event(batch[:3]))
    handlers.app(event(batch[3:]))
    assert {name: count for name, count in handlers.ran.items() if count > 1} == {("second", 0): 2}


def test_in_a_bisected_batch_a_first_half_that_fails_again_forgets_nothing() -> None:
    """What it knows of the other half is carried on."""
    handlers, batch = Handlers(0, on_failure="isolate"), records()
    handlers.app(event(batch))
    handlers.app(event(batch[:3]))
    handlers.failing.clear()
    handlers.app(event(batch[:3]))
    handlers.app(event(batch[3:]))
    assert {name: count for name, count in handlers.ran.items() if count > 1} == {("second", 0): 3}


def test_after_a_bisection_nothing_stays_in_the_ledger() -> None:
    """Whatever either half did: an incident that is over leaves no trace."""
    for cut in range(1, 6):
        for failing in ((), (0,), (cut,), (0, cut)):
            handlers, batch = Handlers(0, on_failure="isolate"), records()
            ledger = handlers.app._settings.ledger
            handlers.app(event(batch))
            handlers.failing = set(failing)
            halves = batch[:cut], batch[cut:]
            for half in halves:
                handlers.app(event(half))
            handlers.failing.clear()
            for half in halves:
                handlers.app(event(half))
            assert repr(ledger) == "<MemoryLedger with 0 records>", (cut, failing)


def test_a_lane_of_the_shard_leaves_the_entry_of_another_one_alone() -> None:
    """With a ParallelizationFactor two batches of one shard are under way at once, each with attempts of its own."""
    handlers = Handlers(0, 1, on_failure="isolate", dead_letters=lambda _letter: None, max_attempts=3)
    batch = records(6)
    lanes = batch[0::2], batch[1::2]
    for _ in range(2):
        for lane in lanes:
            assert handlers.app(event(lane))["batchItemFailures"]
    for lane in lanes:
        assert handlers.app(event(lane)) == {"batchItemFailures": []}
    assert {count for (name, _), count in handlers.ran.items() if name == "first"} == {1}
    assert repr(handlers.app._settings.ledger) == "<MemoryLedger with 0 records>"


def test_an_incident_that_lambda_gave_up_is_not_carried_on() -> None:
    """Its entry is the nearest before each later batch, and says nothing about them."""
    handlers = Handlers(0, on_failure="isolate")
    ledger = handlers.app._settings.ledger
    handlers.app(event(records()))
    before = repr(ledger)
    for _ in range(5):
        later = records()
        handlers.app(event(later))
        handlers.failing.clear()
        handlers.app(event(later))
        handlers.failing.add(0)
        assert repr(ledger) == before


def test_pipes_delivers_only_what_is_listed_and_knows_what_is_done_of_it() -> None:
    """Its batches are found again by the first record that is listed, too."""
    handlers, batch = Handlers(1, 4, on_failure="isolate"), records()
    assert handlers.app(pipes_batch(batch)) == {
        "batchItemFailures": [
            {"itemIdentifier": batch[1]["eventID"]},
            {"itemIdentifier": batch[4]["eventID"]},
        ]
    }
    handlers.failing.clear()
    assert handlers.app(pipes_batch([batch[1], batch[4]])) == {"batchItemFailures": []}
    assert {name: count for name, count in handlers.ran.items() if count > 1} == {
        ("second", 1): 2,
        ("second", 4): 2,
    }


def test_each_alias_of_a_function_is_a_consumer_of_its_own() -> None:
    """What one version has done says nothing about another one."""
    handlers, batch = Handlers(0, on_failure="isolate"), records(2)
    arn = "arn:aws:lambda:eu-central-1:123456789012:function:orders"
    handlers.app(event(batch), LambdaContext(invoked_function_arn=f"{arn}:blue"))
    handlers.app(event(batch), LambdaContext(invoked_function_arn=f"{arn}:green"))
    assert handlers.ran["first", 0] == 2


@pytest.mark.parametrize("broken", [{"load"}, {"replace"}, {"load", "replace"}])
def test_a_ledger_that_is_down_costs_repeats_and_says_so_once(
    broken: set[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is lost: the response is that of a ledger that works."""
    ledger = Counting()
    ledger.broken = broken
    handlers, batch = Handlers(1, ledger=ledger, on_failure="isolate"), records()
    for _ in range(3):
        response = handlers.app(event(batch[1:]))
        assert response == {"batchItemFailures": [{"itemIdentifier": number(batch[1])}]}
    said = [line.getMessage() for line in caplog.records if line.levelno == logging.WARNING]
    [line] = said
    assert "the ledger could not be" in line
    assert handlers.ran["first", 5] == 3


def test_an_outage_that_comes_again_is_said_again(caplog: pytest.LogCaptureFixture) -> None:
    """Once for each outage, not once for ever."""
    ledger = Counting()
    handlers, batch = Handlers(1, ledger=ledger, on_failure="isolate"), records()
    for broken in ({"replace"}, set[str](), {"replace"}):
        ledger.broken = broken
        handlers.app(event(batch[1:]))
    assert sum(line.levelno == logging.WARNING for line in caplog.records) == 2


def test_a_logger_that_raises_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even when the ledger is down."""
    ledger = Counting()
    ledger.broken = {"load", "replace"}

    def refuse(*_arguments: object, **_options: object) -> None:
        raise OSError

    monkeypatch.setattr(logging.getLogger("headwater"), "warning", refuse)
    assert Handlers(ledger=ledger).app(event(records())) == {"batchItemFailures": []}


def test_a_withheld_record_that_was_done_stays_done() -> None:
    """With "stop" the second delivery fails before it gets there; the third one still knows."""
    handlers, batch = Handlers(0, on_failure="isolate"), records(3)
    handlers.app(event(batch))
    stopping = Handlers(0, on_failure="stop", ledger=handlers.app._settings.ledger)
    stopping.app(event(batch))
    assert stopping.app.run(event(batch)).outcomes[1:] == [Withheld(), Withheld()]
    handlers.failing.clear()
    handlers.app(event(batch))
    assert handlers.ran["first", 2] == 1


def test_routes_of_one_name_are_told_apart() -> None:
    """Two handlers can be called the same."""
    app = StreamApp(ledger=MemoryLedger())
    ran: list[int] = []

    def make(index: int) -> Any:
        def handle(_record: Record) -> None:
            ran.append(index)
            if index == 1 and ran.count(1) == 1:
                raise ConnectionError

        return handle

    for index in range(3):
        app.on_record(make(index))
    batch = event(records(1))
    app(batch)
    app(batch)
    assert ran == [0, 1, 1, 2]


def test_routes_that_were_made_of_one_function_are_told_apart_by_what_they_were_made_with() -> None:
    """So that another order of them, or one more, is not taken for those that had returned."""

    def declare(*topics: str, down: str = "") -> StreamApp:
        app = StreamApp(ledger=ledger)

        def publish_to(topic: str) -> Any:
            def publish(_record: Record) -> None:
                published.append(topic)
                if topic == down:
                    raise ConnectionError

            return publish

        for topic in topics:
            app.on_record(publish_to(topic))
        app.on_record(functools.partial(lambda name, _record: published.append(name), "partial"))
        return app

    ledger, published, batch = MemoryLedger(), list[str](), event(records(1))
    for changed in (("billing", "search"), ("audit", "search", "billing")):
        declare("search", "billing", down="billing")(batch)
        published.clear()
        assert declare(*changed)(batch) == {"batchItemFailures": []}
        assert {*changed, "partial"} - {"search"} <= set(published)


def test_threads_can_share_an_app() -> None:
    """With GetRecords, one for each shard: startup runs once, and the ledger bears it."""
    handlers = Handlers(3, on_failure="isolate")
    started: list[str] = []
    handlers.app.on_startup(lambda: time.sleep(0.01))
    handlers.app.on_startup(lambda: started.append("once"))
    answers: list[Any] = []
    shards = [records() for _ in range(4)]

    def read(shard: list[dict[str, Any]]) -> None:
        answers.extend(
            handlers.app(event(shard))["batchItemFailures"][0]["itemIdentifier"] for _ in range(20)
        )

    threads = [threading.Thread(target=read, args=(shard,)) for shard in shards]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert started == ["once"]
    assert Counter(answers) == {number(shard[3]): 20 for shard in shards}


# MemoryLedger by itself


def progress(*names: str) -> Progress:
    return dict.fromkeys(names, DONE)


def test_an_entry_is_found_by_its_checkpoint_or_the_nearest_one_before() -> None:
    """Compared as numbers, each consumer by itself."""
    ledger = MemoryLedger()
    nine, ten = Entry("9", progress("x")), Entry("10", progress("y"))
    ledger.replace("c", None, nine)
    ledger.replace("c", None, ten)
    assert [ledger.load("c", checkpoint) for checkpoint in ("8", "9", "10", "11", "100")] == [
        None, nine, ten, ten, ten,
    ]  # fmt: skip
    assert ledger.load("d", "10") is None


def test_the_oldest_entries_are_forgotten_first() -> None:
    """Beyond so many records; the youngest is kept even if it alone is more."""
    ledger = MemoryLedger(max_records=3)
    ledger.replace("c", None, Entry("1", progress("a", "b")))
    ledger.replace("c", None, Entry("2", progress("c")))
    assert repr(ledger) == "<MemoryLedger with 3 records>"
    ledger.replace("c", None, Entry("3", progress("d")))
    assert [ledger.load("c", each) is not None for each in ("1", "2", "3")] == [False, True, True]
    ledger.replace("c", None, Entry("4", progress("e", "f", "g", "h")))
    assert repr(ledger) == "<MemoryLedger with 4 records>"


def test_replacing_forgets_the_old_entry() -> None:
    """And `None` leaves nothing."""
    ledger = MemoryLedger()
    old, new = Entry("1", progress("a")), Entry("2", progress("b"))
    ledger.replace("c", None, old)
    ledger.replace("c", old, new)
    assert (ledger.load("c", "1"), ledger.load("c", "2")) == (None, new)
    ledger.replace("c", new, None)
    assert ledger.load("c", "2") is None


def test_merging_keeps_what_either_side_knows() -> None:
    """Routes of both, the higher count, and that it was put aside."""
    left = {"x": RecordProgress(frozenset({"a"}), 2), "y": DONE}
    right = {"x": RecordProgress(frozenset({"b"}), 1, put_aside=True), "z": DONE}
    assert merge(left, right) == {
        "x": RecordProgress(frozenset({"a", "b"}), 2, put_aside=True),
        "y": DONE,
        "z": DONE,
    }
