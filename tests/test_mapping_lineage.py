"""Which shards may be read: parents before their children, whatever the stream does meanwhile, and nothing is missed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from headwater.mapping.lineage import TRIM_HORIZON, Lineage, ListedShard, Position, Start, StartingPosition

AT: Final = 1000.0


def lineage_of(
    *shards: ListedShard,
    starting_position: StartingPosition = "TRIM_HORIZON",
    position: Position | None = None,
) -> Lineage:
    lineage = Lineage(starting_position, position)
    lineage.found(shards, AT)
    return lineage


def after(number: str) -> Start:
    return Start("AFTER_SEQUENCE_NUMBER", number)


# Parents before children


def test_a_child_waits_until_its_parent_is_finished() -> None:
    """That the parent was handed out is not enough; the order of the listing does not matter."""
    lineage = lineage_of(
        ListedShard("c", "b"), ListedShard("b", "a", closed=True), ListedShard("a", closed=True)
    )
    assert lineage.startable() == {"a": TRIM_HORIZON}
    assert lineage.startable() == {}
    lineage.finish("a")
    assert lineage.startable() == {"b": TRIM_HORIZON}
    assert lineage.waiting
    lineage.finish("b")
    assert lineage.startable() == {"c": TRIM_HORIZON}
    assert not lineage.waiting
    assert not lineage.done
    lineage.finish("c")
    lineage.finish("c")
    assert lineage.done


def test_both_children_of_a_split_start_together() -> None:
    """Each item is in one of them."""
    lineage = lineage_of(ListedShard("a", closed=True), ListedShard("b", "a"), ListedShard("c", "a"))
    lineage.startable()
    lineage.finish("a")
    assert lineage.startable() == {"b": TRIM_HORIZON, "c": TRIM_HORIZON}


def test_a_parent_that_is_trimmed_away_is_finished() -> None:
    """The stream still names it, and does not list it."""
    assert lineage_of(ListedShard("b", "a")).startable() == {"b": TRIM_HORIZON}


def test_shards_that_come_later_are_found() -> None:
    """A listing that brings nothing new changes nothing, also when it no longer has a shard that is being read."""
    lineage = lineage_of(ListedShard("a"))
    lineage.startable()
    lineage.found([ListedShard("a", closed=True), ListedShard("b", "a")], AT)
    lineage.found([ListedShard("b", "a")], AT)
    assert lineage.startable() == {}
    lineage.finish("a")
    assert lineage.startable() == {"b": TRIM_HORIZON}
    lineage.found([ListedShard("a", closed=True), ListedShard("b", "a")], AT)
    assert lineage.startable() == {}


def test_a_parent_that_is_listed_late_is_waited_for() -> None:
    """As long as its child has not been started."""
    lineage = lineage_of(ListedShard("a"))
    lineage.startable()
    lineage.found([ListedShard("b", "a"), ListedShard("c", "b")], AT)
    lineage.finish("a")
    assert lineage.startable() == {"b": TRIM_HORIZON}


@pytest.mark.parametrize(
    "shards",
    [
        [ListedShard("a", "a")],
        [ListedShard("a", "b"), ListedShard("b", "a")],
        [ListedShard("a", "c"), ListedShard("b", "a"), ListedShard("c", "b"), ListedShard("d", "b")],
    ],
)
def test_shards_that_would_wait_for_each_other_are_read_all_the_same(shards: list[ListedShard]) -> None:
    """No stream is like that, and a mapping that hangs would tell nobody."""
    lineage = lineage_of(*shards)
    for _ in shards:
        lineage.found(shards, AT)
        for shard_id in lineage.startable():
            lineage.finish(shard_id)
    assert lineage.done


# Starting at LATEST


def test_latest_leaves_out_what_is_closed_and_misses_nothing_that_comes_later() -> None:
    """Open shards are read from now on, and their children from their beginning."""
    lineage = lineage_of(
        ListedShard("a", closed=True),
        ListedShard("b", "a"),
        ListedShard("c", "a"),
        starting_position="LATEST",
    )
    latest = Start("LATEST", since=AT)
    assert lineage.startable() == {"b": latest, "c": latest}
    lineage.found([ListedShard("d", "b"), ListedShard("e", "d", closed=True)], AT + 1)
    lineage.finish("b")
    assert lineage.startable() == {"d": TRIM_HORIZON}
    lineage.finish("d")
    assert lineage.startable() == {"e": TRIM_HORIZON}


def test_a_stream_that_has_no_shard_yet_has_only_later_ones() -> None:
    """All that it will have comes after the start."""
    lineage = lineage_of(starting_position="LATEST")
    assert lineage.done
    lineage.found([ListedShard("a", closed=True)], AT)
    assert lineage.startable() == {"a": TRIM_HORIZON}


def test_the_start_can_be_kept() -> None:
    """At LATEST, which shards are left out and since when the others are wanted; else there is nothing to keep."""
    shards = [ListedShard("a", closed=True), ListedShard("b", "a")]
    since = Start("AT_TIMESTAMP", since=AT)
    latest, all_of_it = (lineage_of(*shards, starting_position=each) for each in ("LATEST", "TRIM_HORIZON"))
    for _ in range(2):
        assert latest.position == Position({"b": since}, frozenset("a"))
        assert all_of_it.position == Position({}, frozenset())
        latest.startable()
        all_of_it.startable()


# Starting again


@pytest.mark.parametrize("starting_position", ["TRIM_HORIZON", "LATEST"])
def test_a_kept_position_wins(starting_position: StartingPosition) -> None:
    """What is finished stays so, and a shard of which nothing is kept is a new one."""
    since = Start("AT_TIMESTAMP", since=1.0)
    lineage = lineage_of(
        ListedShard("a", closed=True),
        ListedShard("b", "a"),
        ListedShard("c", "a", closed=True),
        ListedShard("d", "c"),
        ListedShard("e", "a"),
        starting_position=starting_position,
        position=Position({"b": after("7"), "c": after("8"), "e": since}, frozenset("a")),
    )
    assert lineage.startable() == {"b": after("7"), "c": after("8"), "e": since}
    lineage.finish("c")
    assert lineage.startable() == {"d": TRIM_HORIZON}


def test_a_shard_that_is_kept_and_not_listed_is_read_before_its_children() -> None:
    """Whoever reads it is told that it has vanished, and what that means."""
    lineage = lineage_of(ListedShard("b", "a"), position=Position({"a": after("7")}, frozenset()))
    assert lineage.startable() == {"a": after("7")}
    lineage.finish("a")
    assert lineage.startable() == {"b": TRIM_HORIZON}


def test_a_kept_parent_waits_for_nobody_and_its_child_for_it() -> None:
    """What the file does not know of their descent comes with the listing."""
    kept = Position({"b": after("8"), "a": after("7")}, frozenset())
    lineage = lineage_of(ListedShard("a"), ListedShard("b", "a"), position=kept)
    assert lineage.startable() == {"a": after("7")}


# Any history


@dataclass
class Written:
    """A shard of the stream of the test."""

    shard_id: str
    parent: Written | None
    numbers: list[int] = field(default_factory=list)
    closed: bool = False
    trimmed: bool = False

    def listed(self) -> ListedShard:
        return ListedShard(self.shard_id, self.parent.shard_id if self.parent else None, self.closed)

    def line(self) -> Iterable[Written]:
        shard: Written | None = self
        while shard is not None:
            yield shard
            shard = shard.parent


class Histories(RuleBasedStateMachine):
    """A stream that is written, split and trimmed while a mapping reads it, settles records, crashes and starts again."""

    @initialize(
        position=st.sampled_from(["TRIM_HORIZON", "LATEST"]),
        roots=st.integers(1, 3),
        before=st.integers(0, 5),
    )
    def begin(self, position: StartingPosition, roots: int, before: int) -> None:
        self.count = 0
        self.shards = [Written(f"s{number}", None) for number in range(roots)]
        for number in range(before):
            self.write(number)
            if number % 2:
                self.split(number, 1)
        self.starting_position: StartingPosition = position
        # What LATEST leaves out.
        self.unwanted = set(range(1, self.count + 1)) if position == "LATEST" else set[int]()
        self.kept: Position | None = None
        self.settled: set[int] = set()
        self.start()
        if self.kept is None:
            self.kept = self.lineage.position

    def start(self) -> None:
        self.lineage = Lineage(self.starting_position, self.kept)
        self.lineage.found(self.listing(), float(self.count))
        self.next: dict[str, int] = {}
        self.shards_are_started()  # at once, since LATEST means from now on

    def listing(self) -> list[ListedShard]:
        return [shard.listed() for shard in self.shards if not shard.trimmed]

    @property
    def open(self) -> list[Written]:
        return [shard for shard in self.shards if not shard.closed]

    def write(self, which: int) -> None:
        self.count += 1
        self.open[which % len(self.open)].numbers.append(self.count)

    @rule(which=st.integers(0, 50))
    def a_record_is_written(self, which: int) -> None:
        self.write(which)

    @rule(which=st.integers(0, 50), children=st.integers(1, 2))
    def split(self, which: int, children: int) -> None:
        parent = self.open[which % len(self.open)]
        parent.closed = True
        self.shards += [Written(f"s{len(self.shards) + number}", parent) for number in range(children)]

    @rule(backwards=st.booleans())
    def the_stream_is_listed(self, *, backwards: bool) -> None:
        listing = self.listing()
        self.lineage.found(reversed(listing) if backwards else listing, float(self.count))

    @rule()
    def shards_are_started(self) -> None:
        by_id = {shard.shard_id: shard for shard in self.shards}
        for shard_id, start in self.lineage.startable().items():
            shard = by_id[shard_id]
            assert shard_id not in self.next
            assert not any(
                set(each.numbers) - self.unwanted - self.settled for each in shard.line() if each is not shard
            )
            done = {
                "TRIM_HORIZON": 0,
                "LATEST": self.count,
                "AFTER_SEQUENCE_NUMBER": int(start.sequence_number or 0),
                "AT_TIMESTAMP": int(start.since or 0),
            }[start.kind]
            self.next[shard_id] = sum(number <= done for number in shard.numbers)

    @precondition(lambda self: self.next)
    @rule(data=st.data(), keep=st.booleans())
    def a_record_is_settled(self, data: st.DataObject, *, keep: bool) -> None:
        shard_id = data.draw(st.sampled_from(sorted(self.next)))
        [shard] = (shard for shard in self.shards if shard.shard_id == shard_id)
        position = self.next[shard_id]
        assert self.kept is not None
        if position < len(shard.numbers):
            number = shard.numbers[position]
            assert number not in self.unwanted
            self.settled.add(number)
            self.next[shard_id] += 1
            if keep:
                self.kept = Position({**self.kept.starts, shard_id: after(str(number))}, self.kept.finished)
        elif shard.closed:
            self.lineage.finish(shard_id)
            del self.next[shard_id]
            if keep:
                starts = {name: start for name, start in self.kept.starts.items() if name != shard_id}
                self.kept = Position(starts, self.kept.finished | {shard_id})

    @rule(which=st.integers(0, 50))
    def a_shard_is_trimmed(self, which: int) -> None:
        """As a day after it was closed: here, once all of it is settled, and that is kept."""
        assert self.kept is not None
        finished = [shard for shard in self.shards if shard.shard_id in self.kept.finished]
        if finished:
            finished[which % len(finished)].trimmed = True

    @rule()
    def the_process_is_killed_and_starts_again(self) -> None:
        self.start()

    @invariant()
    def what_is_known_and_readable_is_never_stuck(self) -> None:
        assert self.next or self.lineage.done or self.lineage_can_start()

    def lineage_can_start(self) -> bool:
        self.shards_are_started()
        return bool(self.next)

    def teardown(self) -> None:
        """Once the mapping is left alone with the stream, it settles all that there is."""
        if not hasattr(self, "lineage"):
            return
        while True:
            self.the_stream_is_listed(backwards=False)
            self.shards_are_started()
            closed = {shard.shard_id for shard in self.shards if shard.closed}
            for shard in self.shards:
                if shard.shard_id in self.next:
                    self.settled |= set(shard.numbers[self.next[shard.shard_id] :])
                    self.next[shard.shard_id] = len(shard.numbers)
            ended = closed & self.next.keys()
            for shard_id in ended:
                self.lineage.finish(shard_id)
                del self.next[shard_id]
            if not ended:
                break
        assert self.settled == set(range(1, self.count + 1)) - self.unwanted


TestHistories = Histories.TestCase
