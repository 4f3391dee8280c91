"""An observer that makes OpenTelemetry spans: one for each batch, and below it one for each record that is handled.

Names follow the [semantic conventions for messaging](
https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/). They know no DynamoDB Streams and let a system that they
do not know choose its own name: here that is `aws.dynamodb_streams`. What begins with `headwater.` is in no convention.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from headwater.context import text_in
from headwater.errors import DeclarationError
from headwater.events import BatchFinished, BatchStarted, Event, RecordFinished, RecordStarted
from headwater.outcomes import DeadLettered, Failed, Handled, Outcome, Skipped, Withheld
from headwater.sources import RawRecord
from headwater.streams import table_of
from headwater.tracebacks import since_user_code

if TYPE_CHECKING:
    from contextvars import Token

    from opentelemetry.context import Context
    from opentelemetry.trace import Span, TracerProvider

_OPERATION: Final = "process"
_UNKNOWN_ERROR: Final = "_OTHER"  # the conventions' word for an error of no known class
_NANOSECONDS: Final = 1_000_000_000  # in a second
_WORDS: Final[Mapping[type[Outcome], str]] = {
    Handled: "handled",
    Skipped: "skipped",
    DeadLettered: "dead_lettered",
    Failed: "failed",
    Withheld: "withheld",
}


@dataclass(frozen=True, slots=True, eq=False)
class _RecordSpan:
    """The span of a record whose handlers run, and what was current before it."""

    span: Span
    token: Token[Context]
    outer: Context


@dataclass(frozen=True, slots=True, eq=False)
class _BatchSpan:
    """The span of a batch, and those of its records that have not ended."""

    span: Span
    running: list[_RecordSpan] = field(default_factory=list)


class OpenTelemetryTracing:
    """Makes a span for each batch and for each record that handlers run for; theirs nest below it.

    ```python
    app = StreamApp(observers=[OpenTelemetryTracing()])
    ```

    A span holds no content of an item, neither keys nor images; of an exception it has the class and the traceback, and not
    the text, which can quote the item. Needs `headwater[otel]`.
    """

    def __init__(self, tracer_provider: TracerProvider | None = None) -> None:
        """Get a tracer.

        Args:
            tracer_provider: Where the spans go; the global provider unless given.

        Raises:
            DeclarationError: When the OpenTelemetry API is not installed.
        """
        try:
            from opentelemetry import context, trace
        except ImportError as error:
            raise DeclarationError(
                "OpenTelemetryTracing needs the OpenTelemetry API, which is not installed: "
                'pip install "headwater[otel]"'
            ) from error
        self._trace = trace
        self._context = context
        self._tracer = trace.get_tracer("headwater", tracer_provider=tracer_provider)
        # In context variables: lanes and threads have a record each, and two apps may have one observer.
        self._batch: ContextVar[_BatchSpan | None] = ContextVar("headwater_batch_span", default=None)
        self._record: ContextVar[_RecordSpan | None] = ContextVar("headwater_record_span", default=None)

    def __call__(self, event: Event, /) -> None:
        """Start or end a span."""
        match event:
            case BatchStarted():
                self._end_leftovers()
                self._start_batch(event)
            case RecordStarted():
                self._start_record(event)
            case RecordFinished():
                self._end_record(event)
            case _:
                self._end_batch(event)

    def _start_batch(self, event: BatchStarted) -> None:
        attributes = {
            **_attributes(map(table_of, event.records)),
            "messaging.batch.message_count": len(event.records),
            "faas.trigger": "datasource",
        }
        if request_id := text_in(event.context, "aws_request_id"):
            attributes["faas.invocation_id"] = request_id
        self._batch.set(_BatchSpan(self._start(attributes)))

    def _start_record(self, event: RecordStarted) -> None:
        batch, outer = self._batch.get(), self._context.get_current()
        span = self._start(
            {
                **_record_attributes(event.record.raw),
                "headwater.event_name": event.record.event_name,
                "headwater.routes": event.routes,
                "headwater.attempt": event.attempt,
            },
            batch,
        )
        token = self._context.attach(self._trace.set_span_in_context(span, outer))
        running = _RecordSpan(span, token, outer)
        self._record.set(running)
        if batch is not None:
            batch.running.append(running)

    def _end_record(self, event: RecordFinished) -> None:
        running, batch = self._record.get(), self._batch.get()
        if running is None:
            if _error(event.outcome) is not None:  # it failed before a handler could start
                started = time.time_ns() - int(event.seconds * _NANOSECONDS)
                self._end(self._start(_record_attributes(event.raw), batch, started), event.outcome)
            return
        self._record.set(None)
        self._context.detach(running.token)
        if batch is None:
            self._end(running.span, event.outcome)
        elif running in batch.running:  # else it is late: the batch was answered without it
            batch.running.remove(running)
            self._end(running.span, event.outcome)

    def _end_batch(self, event: BatchFinished) -> None:
        batch = self._batch.get()
        if batch is None:
            return
        self._batch.set(None)
        self._end_running(batch, "its handlers were not done when the batch was answered")
        for kind, word in _WORDS.items():
            count = sum(isinstance(outcome, kind) for outcome in event.outcomes)
            batch.span.set_attribute(f"headwater.{word}", count)
        failed = next((outcome for outcome in event.outcomes if isinstance(outcome, Failed)), None)
        if failed is not None:
            self._mark(batch.span, _class_name(failed.error), "a record failed and is to be delivered again")
        batch.span.end()

    def _end_leftovers(self) -> None:
        """End the spans of a batch that has raised: those of the next one must not nest below them."""
        batch = self._batch.get()
        if batch is None:
            return
        self._batch.set(None)
        self._record.set(None)
        current = self._trace.get_current_span()
        for running in batch.running:
            if running.span is current:  # not so where its record had a context of its own
                self._context.attach(running.outer)
        self._end_running(batch, "the invocation ended before its handlers did")
        self._mark(batch.span, _UNKNOWN_ERROR, "the invocation ended without an answer")
        batch.span.end()

    def _end_running(self, batch: _BatchSpan, description: str) -> None:
        while batch.running:
            span = batch.running.pop().span
            self._mark(span, _UNKNOWN_ERROR, description)
            span.end()

    def _start(
        self, attributes: Mapping[str, Any], below: _BatchSpan | None = None, start_time: int | None = None
    ) -> Span:
        """Start a span, below that of a batch or else the current one."""
        destination = attributes.get("messaging.destination.name")
        return self._tracer.start_span(
            _OPERATION if destination is None else f"{_OPERATION} {destination}",
            context=None if below is None else self._trace.set_span_in_context(below.span),
            kind=self._trace.SpanKind.CONSUMER,
            attributes=attributes,
            start_time=start_time,
        )

    def _end(self, span: Span, outcome: Outcome) -> None:
        span.set_attribute("headwater.outcome", _WORDS[type(outcome)])
        if isinstance(outcome, Failed | DeadLettered):
            span.set_attribute("headwater.phase", outcome.phase)
            if outcome.route is not None:
                span.set_attribute("headwater.route", outcome.route)
            if outcome.error is not None:
                name = _class_name(outcome.error)
                told = {"exception.type": name, "exception.stacktrace": _frames(outcome.error)}
                span.add_event("exception", told)
                self._mark(span, name, f"{name} in phase {outcome.phase}")
        span.end()

    def _mark(self, span: Span, error_type: str, description: str) -> None:
        span.set_attribute("error.type", error_type)
        span.set_status(self._trace.StatusCode.ERROR, description)


def _attributes(tables: Iterable[str]) -> dict[str, Any]:
    """What the spans of batches and of records have in common. A destination is named where there is one only."""
    names = [name for name in dict.fromkeys(tables) if name]
    attributes: dict[str, Any] = {
        "messaging.system": "aws.dynamodb_streams",
        "messaging.operation.name": _OPERATION,
        "messaging.operation.type": _OPERATION,
    }
    if names:
        attributes["aws.dynamodb.table_names"] = names
    if len(names) == 1:
        attributes["messaging.destination.name"] = names[0]
    return attributes


def _record_attributes(raw: RawRecord) -> dict[str, Any]:
    stream = raw.get("dynamodb")
    named = {
        "messaging.message.id": raw.get("eventID"),
        "headwater.sequence_number": stream.get("SequenceNumber") if isinstance(stream, Mapping) else None,
    }
    known = {name: value for name, value in named.items() if isinstance(value, str) and value}
    return {**_attributes([table_of(raw)]), **known}


def _error(outcome: Outcome) -> Exception | None:
    return outcome.error if isinstance(outcome, Failed | DeadLettered) else None


def _class_name(error: Exception) -> str:
    """A class as OpenTelemetry writes it: `ValueError`, `app.orders.Declined`."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _frames(error: Exception) -> str:
    """The traceback from the user's own code on, without the exception's text."""
    frames = traceback.format_list(traceback.extract_tb(since_user_code(error)))
    return "".join(["Traceback (most recent call last):\n", *frames, _class_name(error)])
