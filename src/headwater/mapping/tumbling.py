"""The tumbling windows of a lane: which one is open, its state, and when it ends.

Source: [Tumbling windows](https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-windows.html).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any, Final

from headwater.mapping.answers import Verdict
from headwater.mapping.entries import Entry, json_size

STATE_LIMIT_BYTES: Final = 1_000_000
"""A larger state ends its window early."""


class Tumbling:
    """The windows of one lane, one after another.

    Attributes:
        start: When the open window begins, in seconds since 1970; `None` where none is open.
        state_bytes: What the window's state takes in a payload.
    """

    __slots__ = ("_held", "_keeps", "_seconds", "_state", "start", "state_bytes")

    def __init__(self, seconds: int, *, keeps_state_after_partial: bool) -> None:
        self._seconds = seconds
        self._keeps = keeps_state_after_partial
        self._state: Any = {}
        self._held: list[Entry] = []
        self.start: float | None = None
        self.state_bytes = 0

    @property
    def too_large(self) -> bool:
        """Whether the state ends the window early."""
        return self.state_bytes > STATE_LIMIT_BYTES

    @property
    def end(self) -> float | None:
        """When the open window ends; `None` where none is open."""
        return None if self.start is None else self.start + self._seconds

    @property
    def held(self) -> int:
        """How many records wait for the end of their window."""
        return len(self._held)

    def together(self, first: Entry, other: Entry) -> bool:
        """Whether a record goes into the window of the first that waits. One that comes late goes into the open window."""
        return self._start_of(other) <= max(self._start_of(first), self.start or 0.0)

    def open(self, entry: Entry) -> None:
        """Begin the window of a record, where none is open."""
        if self.start is None:
            self.start = self._start_of(entry)

    def is_over(self, following: Entry | None, read_until: float, *, closed: bool) -> bool:
        """Whether the open window is to be closed before anything else is delivered.

        Args:
            following: The record that would be delivered next, if there is one.
            read_until: The time up to which the stream has been read, in seconds since 1970.
            closed: Whether the shard has ended, which ends its windows.
        """
        if self.start is None:
            return False
        if following is not None:
            return self._start_of(following) > self.start
        return closed or read_until >= self.start + self._seconds

    def event(
        self, records: Sequence[Any], shard_id: str, stream_arn: str, *, closes: bool
    ) -> dict[str, Any]:
        """What the function is given: records and state of the open window."""
        start = self.start or 0.0
        return {
            "Records": records,
            "window": {"start": _time(start), "end": _time(start + self._seconds)},
            "state": deepcopy(self._state),  # a function that changes it and fails is given the same again
            "shardId": shard_id,
            "eventSourceARN": stream_arn,
            "isFinalInvokeForWindow": closes and not self.too_large,
            "isWindowTerminatedEarly": closes and self.too_large,
        }

    def judge(self, verdict: Verdict) -> Verdict:
        """Take the state out of an answer for records. One that has none is a failure."""
        if verdict.kind == "failed":
            return verdict
        if not isinstance(verdict.state, dict):
            return Verdict("failed", 0, "the response has no state, which a tumbling window needs")
        if verdict.kind == "done" or not self._keeps:
            self._state = verdict.state
            self.state_bytes = json_size(verdict.state)
        return verdict

    def hold(self, entries: Sequence[Entry]) -> None:
        """Records are folded into the state, which nobody has yet: they are settled when their window is closed."""
        self._held += entries

    def close(self) -> None:
        """The function has had the state of the window. One that was too large goes on with a fresh one."""
        if not self.too_large:
            self.start = None
        self._state, self.state_bytes = {}, 0
        for entry in self._held:
            entry.settled = True
        self._held.clear()

    def _start_of(self, entry: Entry) -> float:
        """When the window of a record begins. Windows are aligned to multiples of their length."""
        return math.floor(entry.created / self._seconds) * self._seconds


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
