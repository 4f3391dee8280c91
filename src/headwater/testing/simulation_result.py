"""What a simulated mapping has done: values to assert about, and a timeline to read when an assertion fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

from headwater.mapping.answers import Answer
from headwater.mapping.entries import Entry
from headwater.mapping.figures import Ages, Figures
from headwater.mapping.history import Delivery, Discard, Invocation
from headwater.mapping.settings import EventSourceMapping
from headwater.outcomes import Outcome
from headwater.sources import RawRecord
from headwater.testing.timeline import timeline


class SimulatedDelivery(NamedTuple):
    """An invocation of the app that is over.

    Attributes:
        delivery: What the mapping made of it: its `invocation`, when it `ended`, the `verdict`, and what followed.
        answer: What the app answered; `None` when the invocation was throttled.
        outcomes: Of a `StreamApp` that answered, what became of each record; else none.
    """

    delivery: Delivery
    answer: Answer | None
    outcomes: tuple[Outcome, ...]

    @property
    def invocation(self) -> Invocation:
        """What the app was given, and when."""
        return self.delivery.invocation

    @property
    def records(self) -> tuple[RawRecord, ...]:
        """The records, in the order of the batch."""
        return tuple(entry.raw for entry in self.invocation.entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationResult:
    """What a simulated mapping has done, from its start on.

    Attributes:
        deliveries: The invocations, in the order in which they ended.
        discards: What was given up, with what the on-failure destination is sent.
        waiting: Records that are neither handled nor discarded; none when the mapping is drained.
        filtered: How many records the filters did not want.
        seconds: How long it took on the virtual clock.
        start: When it began, in seconds since 1970.
        settings: Those of the mapping.
        written: By sequence number, when a record was written, in seconds since 1970.
        read: By shard, the records that were read and that the filters wanted.
    """

    deliveries: tuple[SimulatedDelivery, ...]
    discards: tuple[Discard, ...]
    waiting: tuple[RawRecord, ...]
    filtered: int
    seconds: float
    start: float = field(repr=False)
    settings: EventSourceMapping = field(repr=False)
    written: Mapping[str, float] = field(repr=False)
    read: Mapping[str, Sequence[Entry]] = field(repr=False)

    @property
    def figures(self) -> Figures:
        """All that can be counted."""
        figures = Figures(lambda entry: self.written[entry.sequence_number])
        for delivered in self.deliveries:
            figures.note(delivered.delivery)
        for discard in self.discards:
            figures.note(discard)
        return figures

    @property
    def handled(self) -> int:
        """How many records the app acknowledged."""
        return self.figures.handled

    @property
    def discarded(self) -> tuple[RawRecord, ...]:
        """The records that were given up, in that order."""
        return tuple(entry.raw for discard in self.discards for entry in discard.entries)

    @property
    def retries(self) -> int:
        """How many invocations delivered a batch, or what was left of it, again."""
        return self.figures.retries

    @property
    def repeats(self) -> dict[str, int]:
        """By sequence number, how often a record was delivered beyond the first time; those delivered once are not in it."""
        counts = Counter(
            entry.sequence_number for delivered in self._ran() for entry in delivered.invocation.entries
        )
        return {number: count - 1 for number, count in counts.items() if count > 1}

    @property
    def iterator_age(self) -> Ages:
        """How old the last record of each invocation was when it started."""
        return self.figures.ages

    def deliveries_of(self, record: RawRecord) -> tuple[SimulatedDelivery, ...]:
        """The invocations that were given a record, in the order in which they ended; throttled ones are left out.

        Args:
            record: As it was put.

        Raises:
            ValueError: When it was not put.
        """
        number = record["dynamodb"]["SequenceNumber"]
        if number not in self.written:
            raise ValueError(
                f"the record with sequence number {number} was not put into this mapping's stream"
            )
        return tuple(
            delivered
            for delivered in self._ran()
            if any(entry.sequence_number == number for entry in delivered.invocation.entries)
        )

    def report(self, path: str | Path, *, values: bool = False) -> Path:
        """Write a page of HTML that shows all of it, and that needs nothing but a browser.

        Args:
            path: Where to.
            values: Whether records are shown with the values of their items.

        Returns:
            Where it is.
        """
        from headwater.mapping.report import report_page
        from headwater.mapping.report_steps import History

        history = History(
            [each.delivery for each in self.deliveries], self.discards, self.read, self.filtered
        )
        page = report_page(
            history, title="A simulated event source mapping", settings=asdict(self.settings), values=values
        )
        written = Path(path)
        written.write_text(page, encoding="utf-8")
        return written

    def _ran(self) -> list[SimulatedDelivery]:
        return [delivered for delivered in self.deliveries if delivered.answer is not None]

    def __str__(self) -> str:
        """The figures, and a line for each invocation and each discard."""
        lines = timeline(
            [(each.delivery, each.outcomes) for each in self.deliveries], self.discards, start=self.start
        )
        return "\n".join([self._summary(), *lines])

    def _summary(self) -> str:
        figures = self.figures
        age = f", iterator age {figures.ages.max:.3f} s at most" if figures.invocations else ""
        return (
            f"{len(self.written)} written: {figures.handled} handled, {len(self.discarded)} discarded, "
            f"{self.filtered} filtered out, {len(self.waiting)} waiting\n"
            f"{figures.invocations} invocations, {figures.retries} retries, {figures.repeats} repeats, "
            f"{figures.throttled} throttled, {self.seconds:.3f} s{age}"
        )
