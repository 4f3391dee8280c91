"""What a person sees of deliveries: one line a record, what the handlers said, and where the checkpoint is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from headwater.mapping.delivery import Delivery
from headwater.outcomes import DeadLettered, Failed, Handled, Outcome, Skipped, Withheld
from headwater.values import to_python

_KIND_STYLES = {"INSERT": "green", "MODIFY": "cyan", "REMOVE": "magenta"}
_INDENT = "  "


def key_text(raw: Mapping[str, Any]) -> str:
    """An item's key in a few words, as in `alice / Meteor Blasters`."""
    keys = raw["dynamodb"].get("Keys")
    try:
        return " / ".join(str(value) for value in to_python(keys).values())
    except ValueError:
        return json.dumps(keys)


def outcome_text(outcome: Outcome) -> Text:
    """What became of a record, in its colour."""
    match outcome:
        case Handled(routes):
            return Text(", ".join(routes), style="green")
        case Skipped(None):
            return Text("no route wants it", style="dim")
        case Skipped(reason):
            return Text(f"skipped: {reason}" if reason else "skipped", style="dim")
        case Failed(phase, error, route):
            return Text(_failure(phase, error, route), style="bold red")
        case DeadLettered(_, None):
            return Text("put aside as a dead letter", style="red")
        case DeadLettered(phase, error, route):
            return Text(f"put aside as a dead letter: {_failure(phase, error, route)}", style="red")
        case Withheld():
            return Text("waits for a record that is not done", style="yellow")


def _failure(phase: str, error: Exception | None, route: str | None) -> str:
    where = "" if phase == "handler" else f" in phase {phase}"
    reason = str(error).partition("\n")[0]
    return f"{route or 'record'} failed{where}: {type(error).__name__}: {reason}"


def records_table(delivery: Delivery) -> Table:
    """The records of a delivery and what became of each."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(width=6)
    grid.add_column(no_wrap=True, max_width=30, overflow="ellipsis")
    grid.add_column(overflow="fold")
    outcomes = delivery.result.outcomes if delivery.result else []
    for raw, outcome in zip(delivery.records, outcomes, strict=False):
        kind = str(raw.get("eventName"))
        grid.add_row(Text(kind, style=_KIND_STYLES.get(kind, "")), key_text(raw), outcome_text(outcome))
    return grid


def show_delivery(console: Console, batch: int, delivery: Delivery, said: str, wait_seconds: float) -> None:
    """Print one delivery.

    Args:
        console: Where to.
        batch: The number of the batch.
        delivery: What happened.
        said: What the handlers printed.
        wait_seconds: How long the redelivery is away, if there is one.
    """
    count = len(delivery.records)
    again = f", delivery {delivery.number}" if delivery.number > 1 else ""
    console.print()
    console.print(
        Text.assemble((f"batch {batch}{again}", "bold"), (f" · {count} record{'s' * (count > 1)}", "dim"))
    )
    console.print(_indented(records_table(delivery)))
    for line in said.splitlines():
        console.print(Text(f"{_INDENT}> {line}", style="italic"))
    if delivery.error is not None:
        console.print(
            Text(
                f"{_INDENT}the call raised {type(delivery.error).__name__}: {delivery.error}",
                style="bold red",
            )
        )
    if delivery.redeliver_from is not None:
        number = delivery.records[delivery.redeliver_from]["dynamodb"]["SequenceNumber"]
        left = count - delivery.redeliver_from
        console.print(
            Text(
                f"{_INDENT}the checkpoint stays before {number}: {left} record{'s' * (left > 1)} "
                f"again in {wait_seconds:.1f} s",
                style="yellow",
            )
        )


def _indented(grid: Table) -> Table:
    outer = Table.grid()
    outer.add_column(width=len(_INDENT))
    outer.add_column()
    outer.add_row("", grid)
    return outer
