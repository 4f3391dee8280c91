"""The commands and their options."""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from headwater.app import StreamApp
from headwater.cli.display import key_text, outcome_text
from headwater.cli.events import EventError, read_events
from headwater.cli.explain import explanation_text, explanations_as_json
from headwater.cli.loader import LoadError, load_app
from headwater.cli.outcomes import told
from headwater.cli.run import run
from headwater.cli.simulate import simulate
from headwater.cli.terminal import FAILED, INTERRUPTED, console, errors, needs_local, print_json, put, refuse
from headwater.errors import HeadwaterError, SourceError
from headwater.explanations import Explanation
from headwater.outcomes import Failed
from headwater.results import BatchResult
from headwater.sources import read_event
from headwater.streams import parse_arn
from headwater.testing import LambdaContext

ROOMY = 110  # columns; a narrower terminal has no place for sequence numbers

app = typer.Typer(
    name="headwater",
    help="Typed handlers for DynamoDB Streams on AWS Lambda.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(simulate)

AppArgument = Annotated[str, typer.Argument(metavar="APP", help="path/to/app.py:app or package.module:app")]
EventArgument = Annotated[
    str, typer.Argument(metavar="EVENT", help="A JSON file, a directory of them, or - for standard input.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]


@app.command()
def routes(target: AppArgument, *, as_json: JsonOption = False) -> None:
    """List an app's routes in the order in which they run."""
    rows = [route.columns() for route in _load(target).routes]
    if as_json:
        names = ("decorator", "when", "handler")
        print_json([dict(zip(names, row, strict=True)) for row in rows])
        return
    table = Table("", "decorator", "only when", "handler(model)", box=None, padding=(0, 2, 0, 0))
    for number, row in enumerate(rows, start=1):
        table.add_row(str(number), *map(Text, row))
    put(console, table)


@app.command()
def invoke(
    target: AppArgument,
    event: EventArgument,
    *,
    as_json: JsonOption = False,
) -> None:
    """Call an app with events and show what became of each record.

    Exits with 0 when all records are acknowledged, with 1 when one failed, and with 2 when there is nothing to call.
    """
    stream_app = _load(target)
    results: list[tuple[str, BatchResult]] = []
    try:
        for name, content in read_events(event):
            # With --json, what handlers print would be no JSON.
            with redirect_stdout(sys.stderr if as_json else sys.stdout):
                results.append((name, stream_app.run(content, LambdaContext())))
            if not as_json:
                _show_result(*results[-1])
    except (EventError, SourceError) as error:
        refuse(str(error))
    if as_json:
        print_json([_result_as_json(name, result) for name, result in results])
    if any(isinstance(outcome, Failed) for _, result in results for outcome in result.outcomes):
        raise typer.Exit(FAILED)


@app.command()
def explain(
    target: AppArgument,
    event: EventArgument,
    *,
    values: Annotated[
        bool, typer.Option("--values", help="Show the item's values, not their types alone.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show for each record of events which routes want it, and which condition says no. No handler runs.

    Exits with 0, with 1 when a condition raised, and with 2 when there is nothing to explain.
    """
    stream_app = _load(target)
    explained: list[tuple[str, list[Explanation]]] = []
    try:
        for name, content in read_events(event):
            # What predicates print is no part of the answer.
            with redirect_stdout(sys.stderr):
                explained.append((name, [stream_app.explain(raw) for raw in read_event(content).records]))
    except (EventError, HeadwaterError) as error:
        refuse(str(error))
    if as_json:
        print_json([explanations_as_json(*entry, show_values=values) for entry in explained])
    else:
        for name, explanations in explained:
            console.print(Text(name, style="bold"))
            for explanation in explanations:
                console.print(explanation_text(explanation, show_values=values), soft_wrap=True)
                console.print()
    answers = [answer for _, explanations in explained for each in explanations for answer in each.routes]
    if any(answer.error is not None for answer in answers):
        raise typer.Exit(FAILED)


app.command()(run)


@app.command()
def demo(
    target: Annotated[
        str | None, typer.Argument(metavar="[APP]", help="An app for the GameScores table.")
    ] = None,
) -> None:
    """Watch handlers react to a live stream, in an embedded DynamoDB: nothing to set up, over in a few seconds."""
    stream_app = _load(target or _bundled_example())
    try:
        from headwater.cli.demo import run_demo
    except ImportError:
        needs_local()
    try:
        complete = run_demo(stream_app, console)
    except KeyboardInterrupt:
        errors.print("stopped")
        raise typer.Exit(INTERRUPTED) from None
    if not complete:
        raise typer.Exit(FAILED)


def _load(target: str) -> StreamApp:
    try:
        return load_app(target)
    except LoadError as error:
        refuse(str(error))


def _bundled_example() -> str:
    packaged = Path(__file__).with_name("game_scores.py")
    in_source_tree = Path(__file__).parents[3] / "examples" / "game_scores" / "app.py"
    return f"{packaged if packaged.exists() else in_source_tree}:app"


def _show_result(name: str, result: BatchResult) -> None:
    roomy = console.width >= ROOMY
    table = Table(
        "",
        "event",
        "keys",
        *(["sequence number"] if roomy else []),
        "outcome",
        box=None,
        padding=(0, 2, 0, 0),
    )
    for number, (raw, outcome) in enumerate(zip(result.records, result.outcomes, strict=True), start=1):
        identity = [str(raw["dynamodb"].get("SequenceNumber"))] if roomy else []
        texts = [str(number), str(raw.get("eventName")), key_text(raw), *identity]
        table.add_row(*map(Text, texts), outcome_text(told(outcome)))
    names = {parse_arn(str(raw.get("eventSourceARN"))).table_name or "?" for raw in result.records}
    of_tables = f" · table {', '.join(sorted(names))}" if names else " · no records"
    put(console, Text.assemble((name, "bold"), (of_tables, "dim")))
    put(console, table)
    put(console, Text(json.dumps(result.response)))


def _result_as_json(name: str, result: BatchResult) -> dict[str, Any]:
    records = []
    for raw, outcome in zip(result.records, result.outcomes, strict=True):
        told: dict[str, Any] = {
            "eventName": raw.get("eventName"),
            "sequenceNumber": raw["dynamodb"].get("SequenceNumber"),
            "outcome": type(outcome).__name__.lower(),
        }
        if isinstance(outcome, Failed):
            told |= {"phase": outcome.phase, "route": outcome.route, "error": type(outcome.error).__name__}
            told["path"] = outcome.error.path if isinstance(outcome.error, HeadwaterError) else ""
        else:
            told["routes"] = list(getattr(outcome, "routes", ()))
        records.append(told)
    return {"event": name, "records": records, "response": result.response}
