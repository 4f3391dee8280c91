"""An app as a forecast sees it: its settings decide what becomes of a batch, and none of its handlers runs.

A handler is a latency that is drawn, and fails where its record is poisoned. What is done with a batch is what `batch.py` and
`lanes.py` do with it, on a clock of its own. `tests/test_modelled_app.py` holds both against each other.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from headwater.app import StreamApp
from headwater.cli.workload import WrittenRecord, written_record
from headwater.deadline import Pace
from headwater.mapping.answers import Raised, Returned
from headwater.mapping.entries import Entry
from headwater.mapping.history import Invocation
from headwater.mapping.simulation import Ran
from headwater.signatures import is_async


class Known(NamedTuple):
    """What the ledger has of a record that is delivered again.

    Attributes:
        attempts: In how many invocations it has failed.
        done: Whether its handlers have returned, or it was put aside.
        put_aside: Whether it was put aside.
    """

    attempts: int = 0
    done: bool = False
    put_aside: bool = False


_NOTHING = Known()


class ModelledApp:
    """Runs batches as an app with these settings would.

    Attributes:
        dead_letters: How many records were acknowledged since they were put aside.
        unreported: How many records were not done when the function answered without being read: they are lost.
    """

    def __init__(
        self, app: StreamApp, *, draw: Callable[[], float], timeout: float, report: bool, windows: bool
    ) -> None:
        """Take over the settings of an app.

        Args:
            app: The app.
            draw: How many seconds the handlers of the next record take.
            timeout: Of the function, in seconds.
            report: Whether the mapping reads the response.
            windows: Whether the mapping has tumbling windows.
        """
        settings = app._settings
        policy = settings.dead_letters
        self.dead_letters = 0
        self.unreported = 0
        self.draw = draw
        self.timeout = timeout
        self.width = settings.concurrency
        self.isolate = settings.isolate
        self.max_attempts = None if policy is None else policy.max_attempts
        self.hold_item = policy is not None and policy.hold_item
        self.last_start = timeout - min(settings.margin, timeout / 2)
        # In its order, a plain function runs in the caller's thread, and can not be stopped.
        self.stoppable = self.width > 1 or all(is_async(route.handler) for route in app.routes)
        self._remembers = settings.ledger is not None
        self._report = report
        self._windows = windows
        self._known: dict[str, Known] = {}
        self._held: dict[tuple[str, int], set[int]] = {}
        self._paces: dict[tuple[str, int], Pace] = {}

    def invoke(self, invocation: Invocation) -> Ran:
        """Run a batch; an environment serves a lane, so it knows how long that lane's records took before."""
        entries = invocation.entries
        lane = invocation.shard_id, invocation.lane
        pace = self._paces.setdefault(lane, Pace())
        pace.relax()
        batch = _Batch(self, entries, self._known, self._held.get(lane, set()), pace)
        seconds = batch.run()
        if seconds > self.timeout:
            return Ran(
                Raised("Sandbox.Timedout", f"Task timed out after {self.timeout:.2f} seconds"), self.timeout
            )
        first = next((position for position, done in enumerate(batch.done) if not done), None)
        response: dict[str, Any] = {"state": {}} if self._windows else {}
        if first is not None and self._report:
            if self._windows:
                first = 0  # a batch is folded as a whole
            response["batchItemFailures"] = [{"itemIdentifier": entries[first].sequence_number}]
        elif first is not None:
            self.unreported += batch.done.count(False)
            first = None
        self._remember(lane, batch, first)
        return Ran(Returned(response), seconds)

    def forget(self, entries: Iterable[Entry]) -> None:
        """Lambda does not deliver these any more."""
        for entry in entries:
            self._known.pop(entry.sequence_number, None)

    def _remember(self, lane: tuple[str, int], batch: _Batch, first: int | None) -> None:
        """Keep of a batch what its next delivery needs, which begins at that position, if there is one."""
        self._known.update(batch.noted if self._remembers else {})
        if first is None:
            self._held.pop(lane, None)
        else:
            self._held[lane] = batch.held
        if self._known:
            acknowledged = batch.entries[:first]
            self.dead_letters += sum(
                self._known.get(entry.sequence_number, _NOTHING).put_aside for entry in acknowledged
            )
            self.forget(acknowledged)


class _Batch:
    """One batch on a clock of its own, which begins at 0."""

    def __init__(
        self, app: ModelledApp, entries: Sequence[Entry], known: dict[str, Known], held: set[int], pace: Pace
    ) -> None:
        self.entries = entries
        self.done = [False] * len(entries)
        self.noted: dict[str, Known] = {}
        self.held = set(held)
        self._app = app
        self._known = known
        self._pace = pace
        self._now = 0.0
        self._going = True
        self._started = False
        self._next_unseen = 0
        self._ready: deque[int] = deque()
        self._lanes: dict[int, deque[int]] = {}
        self._blocked: set[int] = set()
        self._running: list[tuple[float, int, bool, bool]] = []

    def run(self) -> float:
        """Run it; returns how long it took."""
        self._fill()
        while self._running:
            self._now, position, fails, late = heapq.heappop(self._running)
            self._end(position, fails=fails, late=late)
            self._fill()
        return self._now

    def _fill(self) -> None:
        """Start records until all lanes are taken or none may start."""
        while self._going and len(self._running) < self._app.width:
            if self._started and not self._may_start():
                self._going = False
            elif self._ready or self._open_lane():
                self._start(self._ready.popleft())
            else:
                return

    def _may_start(self) -> bool:
        reserve = min(self._pace.slowest, self._app.last_start / 2)
        return self._now + reserve <= self._app.last_start

    def _open_lane(self) -> bool:
        """Find a record whose item has no lane yet; those before it wait in theirs, or are withheld."""
        while not self._ready and self._next_unseen < len(self.entries):
            position = self._next_unseen
            self._next_unseen += 1
            item = self._record(position).item
            if item in self._blocked:
                continue
            if item in self._lanes:
                self._lanes[item].append(position)
            else:
                self._lanes[item] = deque()
                self._ready.append(position)
        return bool(self._ready)

    def _start(self, position: int) -> None:
        self._started = True
        record = self._record(position)
        if not (record.wanted or record.fails) or self._before(position).done:
            self._settle(position, done=True)
        elif record.item in self.held:
            self._put_aside(position)
        elif record.fails:
            self._end(position, fails=True, late=False)
        else:
            seconds = self._app.draw()
            end = self._now + seconds
            late = self._app.stoppable and end > self._app.last_start
            if late:
                end = max(self._now, self._app.last_start)
            self._pace.note(end - self._now)
            heapq.heappush(self._running, (end, position, record.poisoned or late, late))

    def _end(self, position: int, *, fails: bool, late: bool) -> None:
        before = self._before(position)
        if not fails:
            self._note(position, before._replace(done=True))
            self._settle(position, done=True)
            return
        counts = position == 0 or not late  # a record is not to blame for the time that those before it took
        attempts = before.attempts + counts
        self._note(position, Known(attempts))
        most = self._app.max_attempts
        if counts and most is not None and attempts >= most:
            if self._app.hold_item:
                self.held.add(self._record(position).item)
            self._put_aside(position)
        else:
            self._settle(position, done=False)

    def _put_aside(self, position: int) -> None:
        self._note(position, self._before(position)._replace(done=True, put_aside=True))
        self._settle(position, done=True)

    def _settle(self, position: int, *, done: bool) -> None:
        """Note what became of a record, and let the next one of its item start, or none."""
        item = self._record(position).item
        self.done[position] = done
        waiting = self._lanes[item]
        if not done:
            self._blocked.add(item)
            self._going = self._going and self._app.isolate
            del self._lanes[item]
        elif waiting:
            self._ready.append(waiting.popleft())
        else:
            del self._lanes[item]

    def _record(self, position: int) -> WrittenRecord:
        return written_record(self.entries[position])

    def _before(self, position: int) -> Known:
        return self._known.get(self.entries[position].sequence_number, _NOTHING)

    def _note(self, position: int, known: Known) -> None:
        self.noted[self.entries[position].sequence_number] = known
