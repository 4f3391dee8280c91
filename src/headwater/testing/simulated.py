"""An event source mapping in memory, with a clock that does not wait: for tests of retries, discards and order."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from headwater.app import StreamApp
from headwater.mapping.answers import Answer, Raised, Returned
from headwater.mapping.assumptions import DEFAULTS, Assumptions
from headwater.mapping.documents import LOCAL
from headwater.mapping.entries import Entry
from headwater.mapping.history import Delivery, Discard, Invocation
from headwater.mapping.rules import Rules
from headwater.mapping.settings import REPORTING, EventSourceMapping
from headwater.mapping.simulation import Ran, Simulation, Write, shard_of
from headwater.outcomes import Outcome
from headwater.sources import RawRecord
from headwater.testing.context import LambdaContext
from headwater.testing.simulation_result import SimulatedDelivery, SimulationResult

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
LONGEST_SECONDS: Final = 900.0
"""For which Lambda lets a function run."""

_PATIENCE_SECONDS: Final = 3_600.0  # beyond the stream's retention, when no record can be left


class SimulatedMapping:
    """An event source mapping in memory: what is put into its stream reaches an app as Lambda would deliver it.

    Batches, checkpoints, retries, bisecting, discards, lanes, filters and tumbling windows are as the settings say. The clock
    is virtual: back-off takes no time, and a test sees the same each time. What AWS does not document is an assumption, and
    can be told otherwise.
    """

    def __init__(  # noqa: PLR0913 - one for each side of the world that it stands for, all with a default
        self,
        app: StreamApp | Callable[[Any, Any], Any],
        settings: EventSourceMapping = REPORTING,
        *,
        shards: int = 1,
        duration: float | Callable[[Sequence[RawRecord]], float] = 0.0,
        timeout: float | None = None,
        most_at_once: int | None = None,
        assumptions: Assumptions = DEFAULTS,
        start: datetime = START,
    ) -> None:
        """Connect an app to a stream that is empty.

        Args:
            app: A `StreamApp`, or any function of event and context that returns the response.
            settings: Those of the mapping; unless given, AWS's defaults with `ReportBatchItemFailures`.
            shards: How many the stream has. Items are spread over them by their keys.
            duration: How long an invocation takes on the virtual clock, in seconds: for all, or as a function of its records.
            timeout: The function's timeout in seconds, 900 at most. An invocation whose `duration` is longer has no answer; its
                handlers have run all the same.
            most_at_once: How many invocations may run at once; more are throttled.
            assumptions: What AWS does not document.
            start: What time it is on the virtual clock at first, an aware datetime.

        Raises:
            ValueError: When a number could not be one, or the mapping is disabled.
        """
        for name, value, least in (("shards", shards, 1), ("most_at_once", most_at_once, 0)):
            if value is not None and value < least:
                raise ValueError(f"SimulatedMapping: {name}={value!r} is less than {least}")
        if timeout is not None and not 0 < timeout <= LONGEST_SECONDS:
            raise ValueError(
                f"SimulatedMapping: timeout={timeout!r} is none of Lambda's: give up to 900 seconds, or None"
            )
        if not callable(duration):
            _checked_duration(duration)
        if not settings.enabled:
            raise ValueError(
                "SimulatedMapping: the settings say enabled=False, so nothing would be delivered"
            )
        if start.tzinfo is None:
            raise ValueError("SimulatedMapping: start has no time zone: give an aware datetime")
        self._app = app
        self._settings = settings
        self._shards = shards
        self._duration = duration
        self._timeout = timeout
        self._start = start.timestamp()
        self._last_write = self._start
        self._retention = assumptions.retention_seconds
        self._written: dict[str, tuple[float, RawRecord]] = {}
        self._read: dict[str, list[Entry]] = {}
        self._answers: dict[tuple[str, int], tuple[Answer, tuple[Outcome, ...]]] = {}
        self._deliveries: list[SimulatedDelivery] = []
        self._discards: list[Discard] = []
        self._rules = Rules(settings, assumptions)
        self._simulation = Simulation(
            self._rules,
            self._invoke,
            start=self._start,
            observe=self._observe,
            read=self._note_read,
            most_at_once=most_at_once,
        )

    @property
    def now(self) -> datetime:
        """The time on the virtual clock."""
        return datetime.fromtimestamp(self._simulation.now, tz=UTC)

    def put(self, *records: RawRecord, after: float = 0.0) -> None:
        """Write records to the stream. They are delivered when the clock goes on.

        Args:
            *records: As made by a `Table`, in the order in which they are written. Each gets the virtual time of its writing
                as its `ApproximateCreationDateTime`, rounded down to the second, as by AWS.
            after: In how many seconds from now.

        Raises:
            TypeError: When something is no stream record.
            ValueError: When there is no record, a sequence number was there before, or the time has passed.
        """
        if not records:
            raise ValueError("put has no records to write: give at least one, as put(table.insert(item))")
        if not 0 <= after < math.inf:
            raise ValueError(f"put: after={after!r} is no time to come: give seconds from now, 0 or more")
        at = self._simulation.now + after
        copies = [_stamped(record, at) for record in records]
        numbers = [copy["dynamodb"]["SequenceNumber"] for copy in copies]
        for position, number in enumerate(numbers):
            if number in self._written or number in numbers[:position]:
                raise ValueError(
                    f"put: there is a record with sequence number {number} already, and a stream has each once: "
                    "make a new record for each change"
                )
        self._written |= {number: (at, copy) for number, copy in zip(numbers, copies, strict=True)}
        self._last_write = max(self._last_write, at)
        self._simulation.write([Write(at, self._shard_of(copy), copy) for copy in copies])

    def run_until_drained(self) -> SimulationResult:
        """Let the clock go on until all records are handled, filtered out or discarded.

        That comes to an end, since the stream itself trims what is older than 24 hours.

        Returns:
            What has happened since the mapping was made.

        Raises:
            RuntimeError: When a tumbling window can not be closed, since its last invocation fails each time: Lambda retries it
                for ever.
        """
        last_write = -math.inf
        while not self._simulation.drained and last_write < self._last_write:  # handlers may write too
            last_write = self._last_write
            latest = max(self._simulation.now, last_write)
            self._simulation.run(until=latest + self._retention + _PATIENCE_SECONDS)
        if not self._simulation.drained:
            raise RuntimeError(
                f"the last invocation of a tumbling window fails each time, and Lambda would retry it for ever:\n{self.result}"
            )
        return self.result

    def advance(self, seconds: float) -> SimulationResult:
        """Let the clock go on for a time.

        Args:
            seconds: For how long.

        Returns:
            What has happened since the mapping was made.
        """
        self._simulation.advance(self._simulation.now + seconds)
        return self.result

    @property
    def result(self) -> SimulationResult:
        """What has happened since the mapping was made."""
        read = {shard_id: tuple(entries) for shard_id, entries in self._read.items()}
        settled = {entry.sequence_number for entries in read.values() for entry in entries if entry.settled}
        wanted = [(number, raw) for number, (_, raw) in self._written.items() if self._rules.wanted(raw)]
        return SimulationResult(
            deliveries=tuple(self._deliveries),
            discards=tuple(self._discards),
            waiting=tuple(raw for number, raw in wanted if number not in settled),
            filtered=sum(shard.filtered for shard in self._simulation.shards),
            seconds=self._simulation.now - self._start,
            start=self._start,
            settings=self._settings,
            written={number: at for number, (at, _) in self._written.items()},
            read=read,
        )

    def _invoke(self, invocation: Invocation) -> Ran:
        event = json.loads(
            json.dumps(invocation.event)
        )  # as Lambda does: the app may change what it is given
        seconds = _checked_duration(
            self._duration(event["Records"]) if callable(self._duration) else self._duration
        )
        limit = LONGEST_SECONDS if self._timeout is None else self._timeout
        answer, outcomes = self._run(event, _context(invocation, limit))
        if seconds > limit:
            answer, outcomes = Raised("Sandbox.Timedout", f"Task timed out after {limit:.2f} seconds"), ()
        self._answers[invocation.shard_id, invocation.number] = answer, outcomes
        return Ran(answer, min(seconds, limit))

    def _run(self, event: Mapping[str, Any], context: LambdaContext) -> tuple[Answer, tuple[Outcome, ...]]:
        outcomes: tuple[Outcome, ...] = ()
        try:
            if isinstance(self._app, StreamApp):
                result = self._app.run(event, context)
                outcomes, returned = tuple(result.outcomes), result.response
            else:
                returned = self._app(event, context)
        except SystemExit as error:
            return Raised("Runtime.ExitError", f"Runtime exited with {error.code!r}"), outcomes
        except Exception as error:
            return Raised(type(error).__name__, str(error)), outcomes
        try:
            return Returned(json.loads(json.dumps(returned))), outcomes
        except (TypeError, ValueError) as error:
            return Raised("Runtime.MarshalError", str(error)), outcomes

    def _note_read(self, entry: Entry) -> None:
        self._read.setdefault(self._shard_of(entry.raw), []).append(entry)

    def _shard_of(self, raw: RawRecord) -> str:
        return shard_of(raw["dynamodb"].get("Keys", {}), self._shards)

    def _observe(self, step: Delivery | Discard) -> None:
        if isinstance(step, Discard):
            self._discards.append(step)
        else:
            name = step.invocation.shard_id, step.invocation.number
            answer, outcomes = self._answers.pop(name, (None, ()))
            self._deliveries.append(SimulatedDelivery(step, answer, outcomes))


def _checked_duration(seconds: float) -> float:
    if not 0 <= seconds < math.inf:
        raise ValueError(f"SimulatedMapping: an invocation can not take {seconds!r} seconds: give 0 or more")
    return seconds


def _stamped(record: Any, at: float) -> dict[str, Any]:
    stream = record.get("dynamodb") if isinstance(record, Mapping) else None
    if not isinstance(stream, Mapping) or not isinstance(stream.get("SequenceNumber"), str):
        raise TypeError(
            f"put takes records of a stream, one after another, as made by Table.insert, and not a {type(record).__name__} "
            "without dynamodb.SequenceNumber: write put(*records) for a list"
        )
    copy: dict[str, Any] = json.loads(json.dumps(record))
    copy["dynamodb"]["ApproximateCreationDateTime"] = float(math.floor(at))
    return copy


def _context(invocation: Invocation, seconds: float) -> LambdaContext:
    return LambdaContext(
        remaining_ms=int(seconds * 1_000),
        aws_request_id=invocation.request_id,
        function_name=LOCAL.function_arn.rpartition(":")[2],
        invoked_function_arn=LOCAL.function_arn,
    )
