"""The tumbling windows of a lane: which one is open, its state, and when it ends.

Source: [Tumbling windows](https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-windows.html).
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from headwater.mapping.answers import Verdict
from headwater.mapping.entries import Entry

STATE_LIMIT_BYTES: Final = 1_000_000
"""A larger state ends its window early."""


class Tumbling:
    """The windows of one lane, one after another.

    Attributes:
        start: When the open window begins, in seconds since 1970; `None` where none is open.
    """

    __slots__ = ("_keeps", "_seconds", "_state", "_too_large", "start")

    def __init__(self, seconds: int, *, keeps_state_after_partial: bool) -> None:
        self._seconds = seconds
        self._keeps = keeps_state_after_partial
        self._state: Any = {}
        self._too_large = False
        self.start: float | None = None

    def start_of(self, entry: Entry) -> float:
        """When the window of a record begins. Windows are aligned to multiples of their length."""
        return math.floor(entry.created / self._seconds) * self._seconds

    def open(self, entry: Entry) -> None:
        """Begin the window of a record, where none is open."""
        if self.start is None:
            self.start = self.start_of(entry)

    @property
    def end(self) -> float | None:
        """When the open window ends; `None` where none is open."""
        return None if self.start is None else self.start + self._seconds

    def is_over(self, following: Entry | None, now: float, *, caught_up: bool, closed: bool) -> bool:
        """Whether the open window is to be closed before anything else is delivered.

        Args:
            following: The record that would be delivered next, if there is one.
            now: The time, in seconds since 1970.
            caught_up: Whether the stream has nothing more for now.
            closed: Whether the shard has ended, which ends its windows.
        """
        if self.start is None:
            return False
        if self._too_large:
            return True
        if following is not None:
            return self.start_of(following) != self.start
        return closed or (caught_up and now >= self.start + self._seconds)

    def event(
        self, records: Sequence[Any], shard_id: str, stream_arn: str, *, closes: bool
    ) -> dict[str, Any]:
        """What the function is given: records and state of the open window."""
        start = self.start or 0.0
        return {
            "Records": records,
            "window": {"start": _time(start), "end": _time(start + self._seconds)},
            "state": self._state,
            "shardId": shard_id,
            "eventSourceARN": stream_arn,
            "isFinalInvokeForWindow": closes and not self._too_large,
            "isWindowTerminatedEarly": closes and self._too_large,
        }

    def judge(self, verdict: Verdict, *, closes: bool) -> Verdict:
        """Take the state out of an answer. An invocation that returns none has failed, but for the last of a window."""
        if closes:
            if verdict.kind == "done":
                self._close()
            return verdict
        if verdict.kind == "failed":
            return verdict
        if not isinstance(verdict.state, dict):
            return Verdict("failed", 0, "the response has no state, which a tumbling window needs")
        if verdict.kind == "done" or not self._keeps:
            self._state = verdict.state
            self._too_large = len(json.dumps(verdict.state).encode()) > STATE_LIMIT_BYTES
        return verdict

    def _close(self) -> None:
        if not self._too_large:
            self.start = None
        self._state, self._too_large = {}, False


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
