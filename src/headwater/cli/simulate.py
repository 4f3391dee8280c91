"""The command `headwater simulate`: what a mapping would do under a load, before there is one."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from headwater.app import StreamApp
from headwater.cli.costs import GB_SECOND_PRICE, REQUEST_PRICE, Prices
from headwater.cli.events import EventError, read_events
from headwater.cli.forecast import Forecast, Function, Kept, forecast
from headwater.cli.loader import LoadError, load_app
from headwater.cli.options import FunctionOption, MappingOption, ParameterOption, settings_of
from headwater.cli.outlook import assumptions_table, forecast_table, title_text
from headwater.cli.quantities import QuantityError, read_latency, read_seconds, read_share
from headwater.cli.terminal import check_place, put, refuse
from headwater.cli.workload import Sample, Workload, count_of, read_samples
from headwater.errors import HeadwaterError
from headwater.mapping.settings import EventSourceMapping

RECORDS = 100_000


def simulate(  # noqa: PLR0913 - one for each option
    target: Annotated[str, typer.Argument(metavar="APP", help="path/to/app.py:app or package.module:app")],
    events: Annotated[
        str,
        typer.Argument(metavar="EVENTS", help="Samples: a JSON file of an event, a directory of them, or -."),
    ],
    *,
    settings: Annotated[
        Path | None,
        typer.Option(help="A template or plan that deploys the mapping, or a saved answer of AWS."),
    ] = None,
    function: FunctionOption = None,
    mapping: MappingOption = None,
    parameters: ParameterOption = None,
    rate: Annotated[float, typer.Option(min=0.001, help="Writes in a second, on average.")] = 100.0,
    records: Annotated[
        int | None, typer.Option(min=1, help=f"How many are written; {RECORDS:,} unless told.")
    ] = None,
    duration: Annotated[str | None, typer.Option(help="For how long is written, instead: 10m, 1h.")] = None,
    items: Annotated[int, typer.Option(min=1, help="To how many items.")] = 10_000,
    shards: Annotated[int, typer.Option(min=1, help="Of the stream.")] = 4,
    poison: Annotated[str, typer.Option(help="The share of records that fail each time: 0.1%.")] = "0%",
    latency: Annotated[
        str,
        typer.Option(
            help="Of a record's handlers: 20ms, lognormal:20ms,0.8, uniform:10ms-30ms, exponential:20ms."
        ),
    ] = "20ms",
    timeout: Annotated[str, typer.Option(help="Of the function.")] = "3s",
    memory: Annotated[int, typer.Option(min=128, max=10_240, help="Of the function, in MB.")] = 128,
    concurrency_limit: Annotated[int, typer.Option(min=0, help="Invocations that may run at once.")] = 1_000,
    request_price: Annotated[
        float, typer.Option(min=0, help="Dollars for a million requests.")
    ] = REQUEST_PRICE,
    gb_second_price: Annotated[float, typer.Option(min=0, help="Dollars for a GB-second.")] = GB_SECOND_PRICE,
    seed: Annotated[int, typer.Option(help="Another one draws other times.")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")] = False,
    report: Annotated[Path | None, typer.Option(help="Write a page that shows each invocation.")] = None,
) -> None:
    """Predict what a mapping would do under a load: delays, repeats, discards, cost. No handler runs.

    Exits with 0, and with 2 when there is nothing to simulate.
    """
    check_place(report)
    try:
        app = load_app(target)
        samples = _samples(app, events)
        deployed = settings_of(settings, function=function, mapping=mapping, parameters=parameters or ())
        workload = Workload(
            samples=samples,
            rate=rate,
            records=_records(records, duration, rate),
            items=max(items, len(samples)),
            shards=shards,
            poison=read_share(poison),
            seed=seed,
        )
        configured = Function(
            memory=memory,
            timeout=read_seconds(timeout),
            most_at_once=concurrency_limit,
            latency=read_latency(latency),
            prices=Prices(request_price, gb_second_price),
        )
        kept = None if report is None else Kept([], [], {})
        predicted = forecast(app, workload, deployed, configured, kept)
    except (EventError, HeadwaterError, LoadError, QuantityError, OSError) as error:
        refuse(str(error))
    except SystemExit as error:
        refuse(
            f"{target} ends the process that imports it or asks its conditions: SystemExit({error.code!r})"
        )
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 100)
    if as_json:
        told = {**asdict(predicted), "dollars_per_month": predicted.dollars_per_month}
        console.print_json(json.dumps(told))
    else:
        put(console, title_text(workload))
        put(console)
        put(console, forecast_table(predicted))
        put(console)
        put(console, assumptions_table(workload, deployed, configured))
    if report is not None and kept is not None:
        _write_report(report, kept, predicted, title_text(workload).plain, deployed)


def _samples(app: StreamApp, events: str) -> list[Sample]:
    samples = read_samples(app, (content for _, content in read_events(events)))
    if not samples:
        raise EventError(f"{events} holds no record to make others from")
    return samples


def _records(records: int | None, duration: str | None, rate: float) -> int:
    if duration is None:
        return records or RECORDS
    if records is not None:
        raise QuantityError("--records and --duration both say how much is written: give one of them")
    return count_of(read_seconds(duration), rate)


def _write_report(
    path: Path, kept: Kept, predicted: Forecast, title: str, mapping: EventSourceMapping
) -> None:
    from headwater.mapping.report import report_page
    from headwater.mapping.report_steps import History

    history = History(kept.deliveries, kept.discards, kept.read, predicted.filtered)
    page = report_page(history, title=title, settings=asdict(mapping))
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        refuse(f"the report {path} can not be written: {error.strerror}")
