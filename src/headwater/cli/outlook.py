"""A forecast for people: a table of figures, and what it assumes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from rich.table import Table
from rich.text import Text

from headwater.cli.forecast import Forecast, Function
from headwater.cli.quantities import write_seconds
from headwater.cli.workload import Workload
from headwater.mapping.settings import EventSourceMapping

WRITES_PER_SHARD: Final = 1_000
"""What a partition of a table, and so a shard of its stream, takes in a second at most."""

_SHOWN: Final = {
    "batch_size": "BatchSize",
    "maximum_batching_window_in_seconds": "MaximumBatchingWindowInSeconds",
    "parallelization_factor": "ParallelizationFactor",
    "bisect_batch_on_function_error": "BisectBatchOnFunctionError",
    "maximum_retry_attempts": "MaximumRetryAttempts",
    "maximum_record_age_in_seconds": "MaximumRecordAgeInSeconds",
    "tumbling_window_in_seconds": "TumblingWindowInSeconds",
}
_ASSUMED: Final = (
    "writes at random times, evenly over the items; one ledger for all environments; no time for cold starts, for "
    "reading the stream and for storing; back-off from 0.4 s, doubling up to 60 s, which AWS does not document; Lambda's "
    "reads of the stream are free"
)
_FALLS_BEHIND: Final = 0.1
"""Which part of the time of writing may be left to do after it."""
_A_MOMENT: Final = 10.0

_DEFAULTS: Final = EventSourceMapping()
_GOOD, _BAD = "green", "bold red"


class _Row(NamedTuple):
    name: str
    figure: str
    meaning: str = ""
    style: str = ""


def title_text(workload: Workload) -> Text:
    """What is written."""
    return Text.assemble(
        (f"{workload.records:,} writes", "bold"),
        f", {workload.rate:,g} a second, to {_count(workload.items, 'item')} in {_count(workload.shards, 'shard')}",
    )


def forecast_table(forecast: Forecast) -> Table:
    """The figures, each with what it means."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(style="dim")
    for row in _rows(forecast):
        table.add_row(row.name, Text(row.figure, style=row.style), Text(row.meaning))
    return table


def assumptions_table(workload: Workload, settings: EventSourceMapping, function: Function) -> Table:
    """What the figures rest on."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), style="dim")
    table.add_column(no_wrap=True)
    table.add_column()
    for name, text in _assumptions(workload, settings, function):
        table.add_row(name, Text(text))
    return table


def _assumptions(
    workload: Workload, settings: EventSourceMapping, function: Function
) -> Iterator[tuple[str, str]]:
    differing = [
        f"{name} {getattr(settings, field)}"
        for field, name in _SHOWN.items()
        if getattr(settings, field) != getattr(_DEFAULTS, field)
    ]
    reporting = "" if settings.report_batch_item_failures else ", WITHOUT ReportBatchItemFailures"
    yield "mapping", f"{', '.join(differing) or 'as AWS has it by default'}{reporting}"
    yield (
        "function",
        f"{function.memory} MB, timeout {write_seconds(function.timeout)}, {function.most_at_once:,} at once at most",
    )
    yield (
        "handlers",
        f"{function.latency.text}, for each record; {workload.poison * 100:g} % of the records fail each time",
    )
    yield "assumed", _ASSUMED
    prices = function.prices
    yield (
        "prices",
        f"${prices.million_requests:.2f} for a million requests, ${prices.gb_second:.10f} for a GB-second; no free tier",
    )
    if workload.rate > workload.shards * WRITES_PER_SHARD:
        yield (
            "note",
            (
                f"a shard takes about {WRITES_PER_SHARD:,} writes a second: this stream would have more than "
                f"{_count(workload.shards, 'shard')}"
            ),
        )


def _rows(forecast: Forecast) -> Iterator[_Row]:
    yield _Row(
        "iterator age", write_seconds(forecast.age_p50), "p50: of the last record of a batch, when it starts"
    )
    yield _Row("", write_seconds(forecast.age_p99), "p99")
    yield _Row("", write_seconds(forecast.age_max), "at most")
    behind = forecast.drain_seconds > max(_A_MOMENT, _FALLS_BEHIND * forecast.write_seconds)
    meaning = "after the last write" + (": the mapping falls behind" if behind else "")
    yield _Row("drained", write_seconds(forecast.drain_seconds), meaning, _BAD if behind else "")
    yield _Row(
        "handled", f"{forecast.handled:,}", _share(forecast.handled, forecast.written, "writes"), _GOOD
    )
    if forecast.filtered:
        yield _Row(
            "filtered out", f"{forecast.filtered:,}", _share(forecast.filtered, forecast.written, "writes")
        )
    if forecast.dead_letters:
        yield _Row("dead letters", f"{forecast.dead_letters:,}", "put aside by the app")
    for condition, count in forecast.discarded.items():
        yield _Row("discarded", f"{count:,}", condition, _BAD)
    if not forecast.discarded:
        yield _Row("discarded", "0")
    if forecast.on_failure_messages:
        meaning = "to the on-failure destination, if there is one"
        yield _Row("messages", f"{forecast.on_failure_messages:,}", meaning)
    if forecast.unreported:
        yield _Row("lost", f"{forecast.unreported:,}", "failed, and Lambda did not read the response", _BAD)
    each = forecast.delivered / max(forecast.invocations, 1)
    running = f"{each:.1f} records each, {forecast.most_running:,} at once at most"
    yield _Row("invocations", f"{forecast.invocations:,}", running)
    yield _Row(
        "retries", f"{forecast.retries:,}", _share(forecast.retries, forecast.invocations, "invocations")
    )
    yield _Row("repeats", f"{forecast.repeats:,}", "records that were delivered before")
    throttled = "the function was not reached: too many ran"
    yield _Row("throttled", f"{forecast.throttled:,}", throttled if forecast.throttled else "")
    yield _Row("cost", _dollars(forecast.dollars), f"{forecast.gb_seconds:,.0f} GB-seconds and the requests")
    yield _Row("", _dollars(forecast.dollars_per_month), "for 30 days of such writes")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _share(part: int, whole: int, of: str) -> str:
    return f"{part / whole * 100:.2f} % of the {of}" if whole else ""


def _dollars(amount: float) -> str:
    return f"${amount:,.2f}" if amount >= 1 or not amount else f"${amount:.3g}"
