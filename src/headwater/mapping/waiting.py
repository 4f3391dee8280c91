"""The records of a lane that wait for a batch, and when a batch of them is full."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Final

from headwater.mapping.entries import Entry
from headwater.mapping.settings import EventSourceMapping
from headwater.mapping.tumbling import Tumbling

PAYLOAD_LIMIT_BYTES: Final = 6 * 1024 * 1024
"""Of an invocation, all of its event."""

_EVENT_BYTES: Final = 1_024
"""What an event has beside its records, at most; the state of a tumbling window not counted."""


class Waiting:
    """The records of a lane that wait for a batch."""

    __slots__ = ("_bytes", "_entries", "_settings", "_tumbling")

    def __init__(self, settings: EventSourceMapping, tumbling: Tumbling | None) -> None:
        self._settings = settings
        self._tumbling = tumbling
        self._entries: deque[Entry] = deque()
        self._bytes = 0

    @property
    def first(self) -> Entry | None:
        """The record that has waited longest; `None` when there is none."""
        return self._entries[0] if self._entries else None

    def put(self, entry: Entry) -> None:
        """Take one more record."""
        self._entries.append(entry)
        self._bytes += entry.size + 1

    def flush_at(self, free_at: float) -> float:
        """When the batching window ends, of records that wait.

        Args:
            free_at: When the lane's last invocation ended: the window begins then, or with the first record.
        """
        opened = max(free_at, self._entries[0].read) if self._entries else free_at
        return opened + self._settings.maximum_batching_window_in_seconds

    @property
    def is_full(self) -> bool:
        """Whether no more records are waited for: by number, by payload, or as the next one is of another window."""
        return (
            len(self._entries) >= self._settings.batch_size
            or self._bytes + _EVENT_BYTES >= PAYLOAD_LIMIT_BYTES
            or (bool(self._entries) and not self._same_window(self._entries[0], self._entries[-1]))
        )

    def take(self) -> Sequence[Entry]:
        """The next batch: as many records as its size, its payload and its tumbling window allow, and one at least."""
        entries: list[Entry] = []
        left = PAYLOAD_LIMIT_BYTES - _EVENT_BYTES
        for entry in islice(self._entries, self._settings.batch_size):
            left -= entry.size + 1
            if entries and (left < 0 or not self._same_window(entries[0], entry)):
                break
            entries.append(entry)
        for entry in entries:
            self._entries.popleft()
            self._bytes -= entry.size + 1
        return entries

    def _same_window(self, first: Entry, second: Entry) -> bool:
        return self._tumbling is None or self._tumbling.start_of(first) == self._tumbling.start_of(second)
