"""Which shards of a stream there are, and which of them may be read: a parent before its children.

A shard is closed after some hours, or when it is split, and one or two children go on where it ends. Whoever reads a
child too early sees later changes of an item before earlier ones.

Source: [Reading and processing a stream](
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html#Streams.Processing).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

StartingPosition: TypeAlias = Literal["TRIM_HORIZON", "LATEST"]
"""Where a mapping starts in a stream that it has never read: at the oldest record that is left, or at those to come."""


class ListedShard(NamedTuple):
    """A shard, as the stream lists it.

    Attributes:
        shard_id: Its name.
        parent_id: The shard that it goes on from; the stream may have trimmed that one away.
        closed: Whether nothing is written to it any more.
    """

    shard_id: str
    parent_id: str | None = None
    closed: bool = False


class Start(NamedTuple):
    """Where the reading of a shard starts.

    Attributes:
        kind: One of the API's names.
        sequence_number: With `AFTER_SEQUENCE_NUMBER`: the last record that is done with.
        since: With `AT_TIMESTAMP`: what was written before is not wanted, in seconds since 1970. With `LATEST`: the time
            that this was said, should the place be lost before anything has been read.
    """

    kind: Literal["TRIM_HORIZON", "LATEST", "AFTER_SEQUENCE_NUMBER", "AT_TIMESTAMP"]
    sequence_number: str | None = None
    since: float | None = None


class Position(NamedTuple):
    """How far a mapping is in a stream.

    Attributes:
        starts: For each shard that is not finished, and of which something is known, where to go on.
        finished: The shards of which all is done.
    """

    starts: Mapping[str, Start]
    finished: frozenset[str]


TRIM_HORIZON: Final = Start("TRIM_HORIZON")


class Lineage:
    """The shards of one stream, as far as they are known, and what the mapping has done with each.

    A shard waits, then is being read, then is finished. What is finished is told by the mapping, since all of a shard's
    records must be settled before its children are read: having read them is not enough.
    """

    def __init__(self, starting_position: StartingPosition, position: Position | None = None) -> None:
        """Know no shard yet.

        Args:
            starting_position: Where to start when no position is kept. What was written in between would be lost
                otherwise, so a kept position wins, and a shard of which nothing is kept is a new one.
            position: What was kept when this stream was read before; `None` when it never was.
        """
        self._latest = starting_position == "LATEST" and position is None
        self._parents: dict[str, str | None] = {}
        self._waiting: dict[str, Start] = {}
        self._finished: set[str] = set()
        if position is not None:
            self._finished |= position.finished
            # Also those that the stream does not list any more: reading them tells that something may be lost.
            self._waiting |= position.starts
            self._parents |= dict.fromkeys(position.starts)
        self._reading: dict[str, Start] = {}

    def found(self, shards: Iterable[ListedShard], at: float) -> None:
        """Take in what the stream lists: at the start, and again from time to time, since new shards come.

        Args:
            shards: All that the stream lists, in any order. What it does not list any more stays known.
            at: When it was listed, in seconds since 1970, by the clock that dates the records.
        """
        for shard in shards:
            if shard.shard_id not in self._parents and shard.shard_id not in self._finished:
                self._waiting[shard.shard_id] = Start("LATEST", since=at) if self._latest else TRIM_HORIZON
                if self._latest and shard.closed:
                    self.finish(shard.shard_id)
            if self._parents.get(shard.shard_id) is None:
                self._parents[shard.shard_id] = self._parent(shard)
        self._latest = False

    def startable(self) -> dict[str, Start]:
        """The shards whose turn has come, and where to start in each. They count as being read from now on."""
        ready = {
            shard_id: start
            for shard_id, start in self._waiting.items()
            if (parent := self._parents[shard_id]) not in self._waiting and parent not in self._reading
        }
        for shard_id in ready:
            del self._waiting[shard_id]
        self._reading |= ready
        return ready

    def finish(self, shard_id: str) -> None:
        """All records of a shard are settled, and no more come: its children may be read.

        Args:
            shard_id: The shard. Finishing it twice does nothing.
        """
        self._waiting.pop(shard_id, None)
        self._reading.pop(shard_id, None)
        self._finished.add(shard_id)

    @property
    def waiting(self) -> bool:
        """Whether a shard is known that is not being read yet: it waits for its parent, or its turn has just come."""
        return bool(self._waiting)

    @property
    def done(self) -> bool:
        """Whether all shards that are known are finished. More may come, unless the stream is disabled."""
        return not self._waiting and not self._reading

    @property
    def position(self) -> Position:
        """What to keep right after the first listing, so that the same start is made after a crash.

        A mapping that starts at `LATEST` must not come back to a shard that it has not read yet with `LATEST` again, which
        would lose what was written in between, nor with all that the shard has.
        """
        return Position(
            {
                shard_id: Start("AT_TIMESTAMP", since=start.since)
                for shard_id, start in (self._waiting | self._reading).items()
                if start.kind == "LATEST"
            },
            frozenset(self._finished),
        )

    def _parent(self, shard: ListedShard) -> str | None:
        """The parent to wait for, unless that one waits for this shard: no stream is like that, and nobody should hang."""
        ancestor = shard.parent_id
        while ancestor is not None and ancestor != shard.shard_id:
            ancestor = self._parents.get(ancestor)
        return shard.parent_id if ancestor is None else None
