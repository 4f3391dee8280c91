"""The records of a lane that wait for a batch, and when a batch of them is full."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import islice
from math import floor
from typing import Final

from headwater.mapping.entries import Entry
from headwater.mapping.settings import EventSourceMapping
from headwater.mapping.tumbling import Tumbling

PAYLOAD_LIMIT_BYTES: Final = 6 * 1024 * 1024
"""Of an invocation, all of its event."""

_EVENT_BYTES: Final = 1_024
"""What an event has beside its records and the state of its tumbling window, at most."""


class Waiting:
    """The records of a lane that wait for a batch."""

    __slots__ = ("_bytes", "_entries", "_settings", "_tumbling")

    def __init__(self, settings: EventSourceMapping, tumbling: Tumbling | None) -> None:
        self._settings = settings
        self._tumbling = tumbling
        self._entries: deque[Entry] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def size(self) -> int:
        """The bytes that all of them take in payloads."""
        return self._bytes

    @property
    def first(self) -> Entry | None:
        """The record that has waited longest; `None` when there is none."""
        return self._entries[0] if self._entries else None

    def put(self, entry: Entry) -> None:
        """Take one more record."""
        self._entries.append(entry)
        self._bytes += entry.size + 1

    def flush_at(self, free_at: float | None) -> float:
        """When the batching window ends that the first record which waits is in.

        Args:
            free_at: When the lane's last invocation ended, and the next window began; others follow it, one after another.
                `None` before the first invocation: the window begins with the record.
        """
        window = self._settings.maximum_batching_window_in_seconds
        first = self._entries[0].read
        if free_at is None:
            return first + window
        if not window:
            return max(free_at, first)
        return free_at + window * (1 + max(0, floor((first - free_at) / window)))

    @property
    def is_full(self) -> bool:
        """Of records that wait: whether they wait for no more, by number, by payload, or as the last is of another window."""
        return (
            len(self._entries) >= self._settings.batch_size
            or self._bytes >= self._payload
            or not self._together(self._entries[0], self._entries[-1])
        )

    def take(self) -> Sequence[Entry]:
        """The next batch: as many records as its size, its payload and its tumbling window allow, and one at least."""
        entries: list[Entry] = []
        left = self._payload
        for entry in islice(self._entries, self._settings.batch_size):
            left -= entry.size + 1
            if entries and (left < 0 or not self._together(entries[0], entry)):
                break
            entries.append(entry)
        for entry in entries:
            self._entries.popleft()
            self._bytes -= entry.size + 1
        return entries

    @property
    def _payload(self) -> int:
        """Bytes that an invocation has for records."""
        state = self._tumbling.state_bytes if self._tumbling is not None else 0
        return PAYLOAD_LIMIT_BYTES - _EVENT_BYTES - state

    def _together(self, first: Entry, other: Entry) -> bool:
        return self._tumbling is None or self._tumbling.together(first, other)
