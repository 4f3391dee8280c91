"""What a mapping would do under a load: its shards, batches and retries on a virtual clock, with an app that is modelled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final, NamedTuple

from headwater.app import StreamApp
from headwater.cli.costs import Bill, Prices
from headwater.cli.modelled_app import ModelledApp
from headwater.cli.quantities import Latency
from headwater.cli.workload import START, Workload, written_record
from headwater.mapping.entries import Entry
from headwater.mapping.figures import Figures
from headwater.mapping.history import Delivery, Discard
from headwater.mapping.rules import Rules
from headwater.mapping.settings import EventSourceMapping
from headwater.mapping.simulation import Simulation, Write

_PER_MONTH: Final = 30 * 86_400


class Function(NamedTuple):
    """How the function is deployed.

    Attributes:
        memory: In MB.
        timeout: In seconds.
        most_at_once: How many invocations may run at once.
        latency: How long the handlers of a record take.
        prices: What Lambda charges.
    """

    memory: int
    timeout: float
    most_at_once: int
    latency: Latency
    prices: Prices


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a mapping would do.

    Attributes:
        written: How many records were written.
        handled: How many of them the function acknowledged.
        filtered: How many the filters did not want.
        dead_letters: How many the app put aside.
        discarded: By condition, how many Lambda or the stream gave up.
        unreported: How many were lost since Lambda does not read the response.
        on_failure_messages: How many messages went to the on-failure destination.
        invocations: How often the function ran.
        failed: How many of these made no progress.
        retries: How many delivered a batch, or what was left of it, again.
        delivered: How many records they had, each counted as often as it was delivered.
        repeats: How many of these had been delivered before.
        throttled: How often the function was not reached, since too many ran.
        most_running: How many ran at once, at most.
        age_p50: The iterator age that half of the invocations do not exceed, in seconds.
        age_p99: The one that 99 % do not exceed.
        age_max: The largest.
        write_seconds: How long was written.
        drain_seconds: How long after the last write everything was done.
        gb_seconds: What Lambda charges time for.
        dollars: What Lambda charges.
        dollars_while_writing: What of it is for invocations that ended before the last write.
    """

    written: int
    handled: int
    filtered: int
    dead_letters: int
    discarded: Mapping[str, int]
    unreported: int
    on_failure_messages: int
    invocations: int
    failed: int
    retries: int
    delivered: int
    repeats: int
    throttled: int
    most_running: int
    age_p50: float
    age_p99: float
    age_max: float
    write_seconds: float
    drain_seconds: float
    gb_seconds: float
    dollars: float
    dollars_while_writing: float

    @property
    def dollars_per_month(self) -> float:
        """What Lambda charges for 30 days of such writes. What is left to do after the last of them does not count."""
        return self.dollars_while_writing / self.write_seconds * _PER_MONTH


class Kept(NamedTuple):
    """All that was done, for a report.

    Attributes:
        deliveries: The invocations.
        discards: What was given up.
        read: By shard, the records that were read and wanted.
    """

    deliveries: list[Delivery]
    discards: list[Discard]
    read: dict[str, list[Entry]]

    def note(self, step: Delivery | Discard) -> None:
        """Keep what was done."""
        if isinstance(step, Discard):
            self.discards.append(step)
        else:
            self.deliveries.append(step)

    def note_read(self, entry: Entry) -> None:
        """Keep what was read."""
        self.read.setdefault(written_record(entry).shard_id, []).append(entry)


class _World:
    """What is kept while a forecast runs: figures only, unless there is to be a report."""

    def __init__(self, app: ModelledApp, function: Function, kept: Kept | None) -> None:
        self.figures = Figures()
        self.bill, self.bill_while_writing = (Bill(function.prices, function.memory) for _ in range(2))
        self.writing = True
        self._app = app
        self._kept = kept

    def note(self, step: Delivery | Discard) -> None:
        self.figures.note(step)
        if isinstance(step, Discard):
            self._app.forget(step.entries)
        elif step.verdict is not None:
            seconds = step.ended - step.invocation.started
            self.bill.add(seconds)
            if self.writing:
                self.bill_while_writing.add(seconds)
        if self._kept is not None:
            self._kept.note(step)


def forecast(
    app: StreamApp,
    workload: Workload,
    settings: EventSourceMapping,
    function: Function,
    kept: Kept | None = None,
) -> Forecast:
    """Say what a mapping would do. No handler of the app runs.

    Args:
        app: Its settings, and whether its handlers are async, count.
        workload: What is written.
        settings: Those of the mapping.
        function: How the function is deployed.
        kept: Where all that is done is kept; with `None` nothing of it is.
    """
    rng = Random(f"latencies {workload.seed}")  # noqa: S311 - no secret
    draw = function.latency.draw
    modelled = ModelledApp(
        app,
        draw=lambda: draw(rng),
        timeout=function.timeout,
        report=settings.report_batch_item_failures,
        windows=settings.tumbling_window_in_seconds > 0,
    )
    world = _World(modelled, function, kept)
    last_write = START

    def writes() -> Iterator[Write]:
        nonlocal last_write
        for write in workload.writes():
            last_write = write.at
            yield write
        world.writing = False

    simulation = Simulation(
        Rules(settings),
        modelled.invoke,
        start=START,
        observe=world.note,
        read=None if kept is None else kept.note_read,
        most_at_once=function.most_at_once,
    )
    simulation.run(writes())
    figures = world.figures
    return Forecast(
        written=workload.records,
        handled=figures.handled - modelled.unreported - modelled.dead_letters,
        filtered=sum(shard.filtered for shard in simulation.shards),
        dead_letters=modelled.dead_letters,
        discarded=dict(sorted(figures.discarded.items())),
        unreported=modelled.unreported,
        on_failure_messages=figures.documents,
        invocations=figures.invocations,
        failed=figures.failed,
        retries=figures.retries,
        delivered=figures.delivered,
        repeats=figures.repeats,
        throttled=figures.throttled,
        most_running=simulation.most_running,
        age_p50=figures.ages.percentile(50),
        age_p99=figures.ages.percentile(99),
        age_max=figures.ages.max,
        write_seconds=last_write - START,
        drain_seconds=max(simulation.now - last_write, 0.0),
        gb_seconds=world.bill.gb_seconds,
        dollars=world.bill.dollars,
        dollars_while_writing=world.bill_while_writing.dollars,
    )
