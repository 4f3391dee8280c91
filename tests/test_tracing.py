"""The spans of `OpenTelemetryTracing`: what is in them, what nests below them, and what they never hold."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import aws_attributes, faas_attributes, messaging_attributes
from opentelemetry.semconv.attributes import error_attributes, exception_attributes
from opentelemetry.trace import SpanKind, StatusCode

from headwater import DeclarationError, Insert, StreamApp
from headwater.errors import DeadlineError
from headwater.events import BatchFinished, BatchStarted, RecordFinished, RecordStarted
from headwater.outcomes import DeadLettered, Failed, Handled, Outcome, Skipped, Withheld
from headwater.records import Record
from headwater.sources import Source
from headwater.testing import LambdaContext, Table, as_record, event
from headwater.tracing import OpenTelemetryTracing

SCORES = Table("GameScores", keys="UserId")
ORDERS = Table("Orders", keys="Id")
SECRET = "nobody may read this"
SOURCE: Source = "event source mapping"
HANDLED = Handled(("welcome",))


class DeclinedError(Exception):
    """An error of the user's own."""


@dataclass
class Traced:
    """An observer with somewhere to look for its spans."""

    exporter: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)

    def __post_init__(self) -> None:
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.observer = OpenTelemetryTracing(provider)
        self.tracer = provider.get_tracer("the user's")

    @property
    def spans(self) -> list[ReadableSpan]:
        """In the order in which they started."""
        return sorted(self.exporter.get_finished_spans(), key=lambda span: span.start_time or 0)

    def named(self, name: str) -> ReadableSpan:
        [span] = [span for span in self.spans if span.name == name]
        return span

    def records(self) -> list[ReadableSpan]:
        return [span for span in self.spans if "headwater.outcome" in attributes(span)]

    def batches(self) -> list[ReadableSpan]:
        return [span for span in self.spans if "messaging.batch.message_count" in attributes(span)]

    def begin(self, *records: Mapping[str, Any], context: Any = None) -> None:
        self.observer(BatchStarted(SOURCE, records, context))

    def finish(self, records: Sequence[Mapping[str, Any]], outcomes: Sequence[Outcome]) -> None:
        self.observer(BatchFinished(SOURCE, records, outcomes, 0.1, None))

    def handle(
        self, raw: Mapping[str, Any], outcome: Outcome = HANDLED, handler: Callable[[], object] = lambda: None
    ) -> None:
        """One record as the engine tells of it, in this context."""
        record: Record = as_record(raw, Record)
        self.observer(RecordStarted(record, ("welcome",), 1))
        handler()
        self.observer(RecordFinished(raw, record.sequence_number, record, outcome, 0.1, {"welcome": 0.1}))

    def batch(self, records: Sequence[Mapping[str, Any]], outcomes: Sequence[Outcome]) -> None:
        self.begin(*records)
        for raw, outcome in zip(records, outcomes, strict=True):
            self.handle(raw, outcome)
        self.finish(records, outcomes)


@pytest.fixture
def traced() -> Traced:
    return Traced()


@pytest.fixture(autouse=True)
def _nothing_is_left_current(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """After each test no span is current, and OpenTelemetry has complained of nothing."""
    before = context.get_current()
    with caplog.at_level(logging.WARNING, logger="opentelemetry"):
        yield
    assert context.get_current() == before
    assert [entry.getMessage() for entry in caplog.records if entry.name.startswith("opentelemetry")] == []


def insert(number: int = 1) -> dict[str, Any]:
    return SCORES.insert({"UserId": f"u{number}", "Comment": SECRET})


def attributes(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def parent(span: ReadableSpan) -> int | None:
    return None if span.parent is None else span.parent.span_id


def identifier(span: ReadableSpan) -> int:
    assert span.context is not None
    found: int = span.context.span_id
    return found


def trace_id(span: ReadableSpan) -> int:
    assert span.context is not None
    found: int = span.context.trace_id
    return found


def caught(error: Exception) -> Exception:
    """An exception with a traceback."""
    with pytest.raises(type(error)) as raised:
        raise error
    return raised.value


# What the spans say


def test_a_batch_and_its_records_are_spans_of_the_messaging_conventions(traced: Traced) -> None:
    """Name, kind and attributes are those of processing a batch, and of processing each message of it."""
    records = [insert(1), insert(2)]
    traced.begin(*records, context=LambdaContext(aws_request_id="request"))
    for raw in records:
        traced.handle(raw)
    traced.finish(records, [HANDLED] * 2)
    batch, *spans = traced.spans
    common = {
        "messaging.system": "aws.dynamodb_streams",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "GameScores",
        "aws.dynamodb.table_names": ("GameScores",),
    }
    assert (batch.name, batch.kind) == ("process GameScores", SpanKind.CONSUMER)
    assert attributes(batch) == {
        **common,
        "messaging.batch.message_count": 2,
        "faas.trigger": "datasource",
        "faas.invocation_id": "request",
        "headwater.handled": 2,
        "headwater.skipped": 0,
        "headwater.dead_lettered": 0,
        "headwater.failed": 0,
        "headwater.withheld": 0,
    }
    for raw, span in zip(records, spans, strict=True):
        assert (span.name, span.kind) == ("process GameScores", SpanKind.CONSUMER)
        assert attributes(span) == {
            **common,
            "messaging.message.id": raw["eventID"],
            "headwater.sequence_number": raw["dynamodb"]["SequenceNumber"],
            "headwater.event_name": "INSERT",
            "headwater.routes": ("welcome",),
            "headwater.attempt": 1,
            "headwater.outcome": "handled",
        }
        assert span.status.status_code is StatusCode.UNSET
    assert batch.instrumentation_scope is not None
    assert batch.instrumentation_scope.name == "headwater"


def test_every_attribute_is_conventional_or_headwaters_own(traced: Traced) -> None:
    """The names are those of OpenTelemetry's own package of conventions."""
    conventional = {
        value
        for module in (messaging_attributes, faas_attributes, aws_attributes, error_attributes)
        for value in vars(module).values()
        if isinstance(value, str)
    }
    error = caught(ValueError("no"))
    outcomes: list[Outcome] = [HANDLED, Failed("handler", error, "welcome"), DeadLettered("decode", error)]
    traced.batch([insert(number) for number in range(3)], outcomes)
    used = {name for span in traced.spans for name in attributes(span)}
    assert {name for name in used - conventional if not name.startswith("headwater.")} == set()
    operations = {kind.value for kind in messaging_attributes.MessagingOperationTypeValues}
    assert {attributes(span)["messaging.operation.type"] for span in traced.spans} <= operations
    triggers = {kind.value for kind in faas_attributes.FaasTriggerValues}
    assert {attributes(span)["faas.trigger"] for span in traced.batches()} <= triggers
    systems = {kind.value for kind in messaging_attributes.MessagingSystemValues}
    assert "aws.dynamodb_streams" not in systems  # were it there one day, it would have to be called so


def test_a_batch_of_several_tables_names_no_destination(traced: Traced) -> None:
    """Each of its records does."""
    records = [insert(), ORDERS.insert({"Id": "1"}), insert(2)]
    traced.batch(records, [HANDLED] * 3)
    [batch] = traced.batches()
    assert batch.name == "process"
    assert "messaging.destination.name" not in attributes(batch)
    assert attributes(batch)["aws.dynamodb.table_names"] == ("GameScores", "Orders")
    assert [span.name for span in traced.records()] == [
        "process GameScores",
        "process Orders",
        "process GameScores",
    ]


@pytest.mark.parametrize("value", [None, "", 7], ids=repr)
def test_what_a_record_does_not_say_is_no_attribute(traced: Traced, value: Any) -> None:
    """Neither its table nor its identifier."""
    record = {**insert(), "eventID": value, "eventSourceARN": value}
    traced.batch([record], [HANDLED])
    for span in traced.spans:
        assert span.name == "process"
        assert (
            attributes(span).keys()
            & {
                "messaging.destination.name",
                "messaging.message.id",
                "aws.dynamodb.table_names",
                "faas.invocation_id",
            }
            == set()
        )


@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        (HANDLED, "handled"),
        (Skipped("not today"), "skipped"),
        (DeadLettered("dead letter"), "dead_lettered"),
    ],
    ids=repr,
)
def test_what_is_acknowledged_without_an_error_is_no_error(
    traced: Traced, outcome: Outcome, word: str
) -> None:
    """The status stays unset, as the conventions ask."""
    traced.batch([insert()], [outcome])
    [span] = traced.records()
    assert attributes(span)["headwater.outcome"] == word
    assert "error.type" not in attributes(span)
    assert [span.status.status_code for span in traced.spans] == [StatusCode.UNSET] * 2
    assert attributes(traced.batches()[0])[f"headwater.{word}"] == 1


@pytest.mark.parametrize(
    ("outcome", "word", "name"),
    [
        (Failed("handler", caught(ValueError(SECRET)), "welcome"), "failed", "ValueError"),
        (DeadLettered("handler", caught(ValueError(SECRET)), "welcome", 3), "dead_lettered", "ValueError"),
        (Failed("handler", caught(DeclinedError(SECRET)), "welcome"), "failed", f"{__name__}.DeclinedError"),
        (
            Failed("deadline", caught(DeadlineError("late")), "welcome"),
            "failed",
            "headwater.errors.DeadlineError",
        ),
    ],
)
def test_a_failure_is_an_error_with_its_class_and_traceback(
    traced: Traced, outcome: Failed | DeadLettered, word: str, name: str
) -> None:
    """And says in which phase and route, so that it can be found in the log."""
    traced.batch([insert()], [outcome])
    [span] = traced.records()
    expected = {
        "headwater.outcome": word,
        "headwater.phase": outcome.phase,
        "headwater.route": "welcome",
        "error.type": name,
    }
    assert {key: attributes(span).get(key) for key in expected} == expected
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == f"{name} in phase {outcome.phase}"
    [told] = span.events
    assert told.name == "exception"
    assert dict(told.attributes or {})[exception_attributes.EXCEPTION_TYPE] == name
    stacktrace = str(dict(told.attributes or {})[exception_attributes.EXCEPTION_STACKTRACE])
    assert stacktrace.startswith("Traceback (most recent call last):\n")
    assert "raise error" in stacktrace
    assert stacktrace.endswith(name)


def test_a_batch_with_a_failure_is_an_error_and_counts_it(traced: Traced) -> None:
    """Its class is that of the first one, which is what Lambda delivers again."""
    records = [insert(number) for number in range(4)]
    traced.begin(*records)
    first, second = caught(KeyError("x")), caught(DeclinedError())
    traced.handle(records[0])
    traced.handle(records[1], Failed("handler", first, "welcome"))
    traced.handle(records[2], Failed("handler", second, "welcome"))
    outcomes: list[Outcome] = [HANDLED, Failed("handler", first), Failed("handler", second), Withheld()]
    traced.finish(records, outcomes)
    [batch] = traced.batches()
    assert batch.status.status_code is StatusCode.ERROR
    assert batch.status.description == "a record failed and is to be delivered again"
    told = attributes(batch)
    assert told["error.type"] == "KeyError"
    assert [told[f"headwater.{word}"] for word in ("handled", "failed", "withheld")] == [1, 2, 1]


def test_no_span_holds_what_is_in_an_item(traced: Traced) -> None:
    """Neither keys nor images, nor the text of an exception, which can quote them."""
    records = [insert(1), insert(2), insert(3)]
    error = caught(ValueError(f"no user {SECRET} u1"))
    error.__cause__ = caught(KeyError(SECRET))
    outcomes: list[Outcome] = [
        Failed("handler", error, "welcome"),
        DeadLettered("handler", error, "welcome"),
        Skipped(SECRET),
    ]
    traced.batch(records, outcomes)
    written = "".join(span.to_json() for span in traced.spans)
    assert len(traced.spans) == 4
    assert SECRET not in written
    assert "UserId" not in written
    assert '"u1"' not in written


# What nests where


def test_records_nest_below_their_batch_and_it_below_what_is_current(traced: Traced) -> None:
    """As where the function is instrumented by another library."""
    with traced.tracer.start_as_current_span("invocation"):
        traced.batch([insert(1), insert(2)], [HANDLED] * 2)
    invocation, batch, *records = traced.spans
    assert parent(batch) == identifier(invocation)
    assert [parent(span) for span in records] == [identifier(batch)] * 2
    assert len(set(map(trace_id, traced.spans))) == 1


def test_a_handlers_own_span_nests_below_its_record(traced: Traced) -> None:
    """The record's span is the current one while its handlers run, and not after."""

    def handler() -> None:
        with traced.tracer.start_as_current_span("query"):
            pass

    record = insert()
    traced.begin(record)
    traced.handle(record, handler=handler)
    assert not trace.get_current_span().is_recording()
    traced.finish([record], [HANDLED])
    assert parent(traced.named("query")) == identifier(traced.records()[0])


def test_baggage_reaches_the_handlers(traced: Traced) -> None:
    """What else is in the current context stays there."""
    record, seen = insert(), list[object]()
    token = context.attach(baggage.set_baggage("tenant", "acme"))
    traced.begin(record)
    traced.handle(record, handler=lambda: seen.append(baggage.get_baggage("tenant")))
    traced.finish([record], [HANDLED])
    context.detach(token)
    assert seen == ["acme"]


def test_records_that_overlap_as_tasks_keep_to_themselves(traced: Traced) -> None:
    """Each task sees the span of its own record, whatever starts and ends meanwhile."""
    records = [insert(number) for number in range(20)]

    async def lane(number: int) -> None:
        raw = records[number]
        record = as_record(raw, Insert)
        traced.observer(RecordStarted(record, ("welcome",), 1))
        for _ in range(number % 4):
            await asyncio.sleep(0)
        with traced.tracer.start_as_current_span(raw["eventID"]):
            await asyncio.sleep(0)
        traced.observer(RecordFinished(raw, record.sequence_number, record, HANDLED, 0.1, {}))

    async def lanes() -> None:
        await asyncio.gather(*map(lane, range(len(records))))

    traced.begin(*records)
    asyncio.run(lanes())
    traced.finish(records, [HANDLED] * len(records))
    [batch] = traced.batches()
    by_message = {attributes(span)["messaging.message.id"]: span for span in traced.records()}
    assert len(by_message) == len(records)
    for raw in records:
        span = by_message[raw["eventID"]]
        assert parent(span) == identifier(batch)
        assert parent(traced.named(raw["eventID"])) == identifier(span)


def test_a_handler_in_a_thread_nests_below_its_record(traced: Traced) -> None:
    """It runs in a copy of the context in which the record was started."""

    def query() -> None:
        with traced.tracer.start_as_current_span("query"):
            pass

    record = insert()
    traced.begin(record)
    with ThreadPoolExecutor() as pool:
        traced.handle(record, handler=lambda: pool.submit(contextvars.copy_context().run, query).result())
    traced.finish([record], [HANDLED])
    assert parent(traced.named("query")) == identifier(traced.records()[0])


def test_two_threads_with_one_observer_keep_to_themselves(traced: Traced) -> None:
    """A batch in one thread neither ends nor adopts what runs in the other."""
    meeting = threading.Barrier(2)

    def work(table: Table, key: str) -> None:
        records = [table.insert({key: "1"}), table.insert({key: "2"})]
        meeting.wait()
        traced.begin(*records)
        for raw in records:
            meeting.wait()
            traced.handle(raw, handler=meeting.wait)
        traced.finish(records, [HANDLED] * 2)

    threads = [
        threading.Thread(target=work, args=arguments) for arguments in ((SCORES, "UserId"), (ORDERS, "Id"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(traced.records()) == 4
    batches = {batch.name: identifier(batch) for batch in traced.batches()}
    assert {(span.name, parent(span)) for span in traced.records()} == set(batches.items())
    assert {span.status.status_code for span in traced.spans} == {StatusCode.UNSET}


# Records that no handler runs for


def test_a_record_that_no_route_wants_has_no_span(traced: Traced) -> None:
    """It is in the batch's count: most records are such."""
    record = insert()
    traced.begin(record)
    traced.observer(RecordFinished(record, "1", None, Skipped(), 0.001, {}))
    traced.finish([record], [Skipped()])
    assert [attributes(span)["headwater.skipped"] for span in traced.spans] == [1]


@pytest.mark.parametrize(
    "outcome",
    [
        Failed("condition", caught(ValueError("no")), "welcome"),
        DeadLettered("record", caught(ValueError("no"))),
    ],
    ids=repr,
)
def test_a_record_that_failed_before_its_handlers_has_a_span(traced: Traced, outcome: Failed) -> None:
    """As long as it took: a failure is never missing in a trace."""
    record = insert()
    traced.begin(record)
    traced.observer(RecordFinished(record, "1", None, outcome, 0.015, {}))
    traced.finish([record], [outcome])
    [batch], [span] = traced.batches(), traced.records()
    assert parent(span) == identifier(batch)
    assert span.status.status_code is StatusCode.ERROR
    assert attributes(span)["messaging.message.id"] == record["eventID"]
    assert attributes(span)["headwater.phase"] == outcome.phase
    assert span.start_time is not None
    assert span.end_time is not None
    assert span.end_time - span.start_time >= 15_000_000


def test_a_record_that_says_nothing_has_a_span_all_the_same(traced: Traced) -> None:
    """It failed for that, and the span says no more than is known."""
    outcome = Failed("record", caught(ValueError("no")))
    traced.observer(RecordFinished({"dynamodb": None}, "1", None, outcome, 0.0, {}))
    [span] = traced.records()
    assert span.name == "process"
    assert attributes(span).keys() & {"messaging.message.id", "headwater.sequence_number"} == set()


def test_a_record_that_was_put_aside_earlier_has_no_span(traced: Traced) -> None:
    """Nothing has failed in this invocation."""
    record = insert()
    traced.begin(record)
    traced.observer(RecordFinished(record, "1", None, DeadLettered("dead letter"), 0.001, {}))
    traced.finish([record], [DeadLettered("dead letter")])
    assert traced.records() == []


# What ends otherwise than it should


def test_a_batch_that_raised_is_ended_by_the_next(traced: Traced) -> None:
    """Its spans are errors, and the next batch does not nest below them."""
    one, two = insert(1), insert(2)
    traced.begin(one)
    traced.observer(RecordStarted(as_record(one, Insert), ("welcome",), 1))
    assert trace.get_current_span().is_recording()
    traced.batch([two], [HANDLED])
    batch, record, next_batch, next_record = traced.spans
    assert [attributes(span)["error.type"] for span in (batch, record)] == ["_OTHER"] * 2
    assert [span.status.description for span in (batch, record)] == [
        "the invocation ended without an answer",
        "the invocation ended before its handlers did",
    ]
    assert parent(next_batch) is None
    assert parent(next_record) == identifier(next_batch)
    assert trace_id(next_batch) != trace_id(batch)


def test_a_batch_that_raised_in_tasks_is_ended_by_the_next(traced: Traced) -> None:
    """Their contexts are gone, and what is current here stays so."""
    records = [insert(1), insert(2)]
    with traced.tracer.start_as_current_span("invocation") as invocation:
        traced.begin(*records)
        for raw in records:
            started = RecordStarted(as_record(raw, Insert), ("welcome",), 1)
            contextvars.copy_context().run(traced.observer, started)
        traced.begin()
        assert trace.get_current_span() is invocation
        traced.finish([], [])
    assert [span.status.status_code for span in traced.batches()] == [StatusCode.ERROR, StatusCode.UNSET]
    assert [parent(span) for span in traced.batches()] == [identifier(traced.named("invocation"))] * 2
    assert len(traced.spans) == 5


def test_a_handler_that_is_not_done_in_time_has_a_span_all_the_same(traced: Traced) -> None:
    """It ends with the batch; what is told of it later changes nothing."""
    raw = insert()
    traced.begin(raw)
    lane, record = contextvars.copy_context(), as_record(raw, Insert)
    lane.run(traced.observer, RecordStarted(record, ("welcome",), 1))
    late = Failed("deadline", DeadlineError("late"), "welcome")
    traced.finish([raw], [late])
    batch, span = traced.spans
    assert span.status.description == "its handlers were not done when the batch was answered"
    assert parent(span) == identifier(batch)
    lane.run(traced.observer, RecordFinished(raw, record.sequence_number, record, late, 9.0, {}))
    assert len(traced.spans) == 2
    assert not lane.run(trace.get_current_span).get_span_context().is_valid


def test_what_begins_in_the_middle_of_a_batch_is_traced_from_there(traced: Traced) -> None:
    """Records have their spans, at the top; there is no batch to end."""
    record = insert()
    traced.handle(record)
    traced.observer(RecordFinished(record, "1", None, Failed("record", caught(ValueError())), 0.0, {}))
    traced.finish([record], [HANDLED])
    assert [parent(span) for span in traced.spans] == [None, None]
    assert traced.batches() == []


# Providers


def test_without_a_provider_the_global_one_is_used() -> None:
    """Also one that is set after the observer was made; without any, nothing is recorded and nothing fails."""
    script = """
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from headwater.events import BatchFinished, BatchStarted
from headwater.tracing import OpenTelemetryTracing

observer = OpenTelemetryTracing()

def batch():
    observer(BatchStarted("event source mapping", [], None))
    observer(BatchFinished("event source mapping", [], [], 0.0, None))

batch()
exporter, provider = InMemorySpanExporter(), TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
batch()
assert [span.name for span in exporter.get_finished_spans()] == ["process"]
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_opentelemetry_is_imported_when_an_observer_is_made() -> None:
    """Not with the module, and not with Headwater."""
    script = "import headwater, headwater.tracing, sys; print('opentelemetry' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is made, at the import of the user's module."""
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(DeclarationError, match=r'is not installed: pip install "headwater\[otel\]"'):
        OpenTelemetryTracing()


# With an app


def test_an_app_is_traced_with_async_and_plain_handlers(traced: Traced) -> None:
    """Through `observers=`: the handlers' own spans nest below the right record."""
    app = StreamApp(observers=[traced.observer])

    @app.on_insert
    def plain(record: Insert) -> None:
        with traced.tracer.start_as_current_span(f"plain {record.new['UserId']}"):
            pass
        if record.new["UserId"] == "u2":
            raise ValueError(SECRET)

    @app.on_insert
    async def waits(record: Insert) -> None:
        await asyncio.sleep(0)
        with traced.tracer.start_as_current_span(f"waits {record.new['UserId']}"):
            await asyncio.sleep(0)

    records = [insert(1), SCORES.remove({"UserId": "u1"}), insert(2), insert(3)]
    for _ in range(2):
        traced.exporter.clear()
        result = app.run(event(records), LambdaContext())
        assert [type(outcome) for outcome in result.outcomes] == [Handled, Skipped, Failed, Withheld]
        [batch] = traced.batches()
        first, second = traced.records()
        assert parent(batch) is None
        assert [parent(span) for span in (first, second)] == [identifier(batch)] * 2
        assert [parent(traced.named(f"{kind} u1")) for kind in ("plain", "waits")] == [identifier(first)] * 2
        assert parent(traced.named("plain u2")) == identifier(second)
        assert attributes(first)["headwater.routes"] == ("plain", "waits")
        assert attributes(second)["error.type"] == "ValueError"
        assert SECRET not in "".join(span.to_json() for span in traced.spans)


def test_records_of_an_app_that_run_side_by_side_are_traced_apart(traced: Traced) -> None:
    """In lanes: handlers on the event loop and on threads, whose spans nest below their own record."""
    app = StreamApp(observers=[traced.observer], concurrency=8)
    side_by_side = threading.Barrier(8)

    @app.on_insert
    def on_a_thread(record: Insert) -> None:
        side_by_side.wait(timeout=30)
        with traced.tracer.start_as_current_span(f"thread {record.event_id}"):
            pass

    @app.on_insert
    async def on_the_loop(record: Insert) -> None:
        with traced.tracer.start_as_current_span(f"loop {record.event_id}"):
            await asyncio.sleep(0)

    records = [insert(number) for number in range(16)]
    with traced.tracer.start_as_current_span("invocation"):
        assert app(event(records)) == {"batchItemFailures": []}
    [batch] = traced.batches()
    assert parent(batch) == identifier(traced.named("invocation"))
    by_message = {attributes(span)["messaging.message.id"]: span for span in traced.records()}
    assert len(by_message) == 16
    for raw in records:
        span = by_message[raw["eventID"]]
        assert parent(span) == identifier(batch)
        for kind in ("thread", "loop"):
            assert parent(traced.named(f"{kind} {raw['eventID']}")) == identifier(span)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_sink_is_traced_below_the_record_that_it_stores(traced: Traced, concurrency: int) -> None:
    """What it does for a failed record belongs to that record."""

    def store(_letter: object) -> None:
        with traced.tracer.start_as_current_span("store"):
            pass

    app = StreamApp(
        observers=[traced.observer], dead_letters=store, permanent=DeclinedError, concurrency=concurrency
    )

    @app.on_insert
    def welcome(_record: Insert) -> None:
        raise DeclinedError(SECRET)

    assert app(event([insert()])) == {"batchItemFailures": []}
    [span] = traced.records()
    assert attributes(span)["headwater.outcome"] == "dead_lettered"
    assert attributes(span)["error.type"] == f"{__name__}.DeclinedError"
    assert parent(traced.named("store")) == identifier(span)


@pytest.mark.parametrize("concurrency", [1, 4])
def test_an_app_that_was_ended_leaves_no_span_behind(traced: Traced, concurrency: int) -> None:
    """A handler told the process to end, and it did not: the next batch has a trace of its own."""
    app = StreamApp(observers=[traced.observer], concurrency=concurrency)
    endings = [SystemExit("end")]

    @app.on_insert
    def welcome(_record: Insert) -> None:
        if endings:
            raise endings.pop()

    with pytest.raises(SystemExit):
        app(event([insert()]))
    assert app(event([insert()])) == {"batchItemFailures": []}
    ended, batch = traced.batches()
    assert [span.status.status_code for span in (ended, batch)] == [StatusCode.ERROR, StatusCode.UNSET]
    assert parent(batch) is None
    assert parent(traced.records()[-1]) == identifier(batch)


def test_a_handler_that_an_app_stopped_waiting_for_is_an_error(traced: Traced) -> None:
    """The invocation's time was over: its record has a span, with the deadline as its phase."""
    app = StreamApp(observers=[traced.observer], concurrency=2)

    @app.on_insert
    async def welcome(_record: Insert) -> None:
        await asyncio.sleep(600)

    result = app.run(event([insert()]), LambdaContext(remaining_ms=100))
    assert [type(outcome) for outcome in result.outcomes] == [Failed]
    [span] = traced.records()
    assert attributes(span)["headwater.phase"] == "deadline"
    assert attributes(span)["error.type"] == "headwater.errors.DeadlineError"
    assert parent(span) == identifier(traced.batches()[0])
