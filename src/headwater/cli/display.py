"""What a person sees of deliveries: one line a record, what the handlers said, and where the checkpoint is."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, Final

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from headwater.cli.counts import Counts, failure_text, without_request
from headwater.cli.environment import Reply
from headwater.cli.terminal import put
from headwater.mapping.answers import NotRun, Raised
from headwater.mapping.entries import Entry
from headwater.mapping.history import Delivery
from headwater.mapping.observed import Delivered, Event, Noticed, Stored
from headwater.values import to_python

_KIND_STYLES: Final = {"INSERT": "green", "MODIFY": "cyan", "REMOVE": "magenta"}
_NOTABLE: Final = ("failed", "deadlettered")
_MOST_ROWS: Final = 20
"""Of a larger batch, only records that failed have a line, so many at most."""
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def key_text(raw: Mapping[str, Any]) -> str:
    """An item's key in a few words, as in `alice / Meteor Blasters`."""
    keys = raw["dynamodb"].get("Keys")
    try:
        return harmless(" / ".join(str(value) for value in to_python(keys).values()))
    except ValueError:
        return json.dumps(keys)


def harmless(text: str) -> str:
    """A text of the data's, with control characters as Python writes them: none of them reaches a terminal."""
    return _CONTROL.sub(lambda found: repr(found[0])[1:-1], text)


def outcome_text(told: Mapping[str, Any]) -> Text:
    """What became of a record, in its colour, as an environment tells it."""
    match told["outcome"]:
        case "handled":
            return Text(", ".join(told["routes"]), style="green")
        case "skipped":
            reason = told["reason"]
            text = (
                "no route wants it"
                if reason is None
                else f"skipped: {harmless(reason)}"
                if reason
                else "skipped"
            )
            return Text(text, style="dim")
        case "failed":
            return Text(_failure(told), style="bold red")
        case "deadlettered":
            reason = f": {_failure(told)}" if told["error"] else ""
            return Text(f"put aside as a dead letter{reason}", style="red")
        case _:
            return Text("waits for a record that is not done", style="yellow")


def show(console: Console, event: Event[Reply], counts: Counts) -> None:
    """Print what has happened.

    Args:
        console: Where to.
        event: What has happened.
        counts: What the run has done, this included.
    """
    for line in lines_of(event, counts):
        put(console, line)


def lines_of(event: Event[Reply], counts: Counts) -> Iterator[RenderableType]:
    """What is printed of an event."""
    match event:
        case Delivered(delivery, reply):
            yield Text()
            yield _head(delivery, counts.delivery_of_batch(delivery))
            yield _indent(_records(delivery.invocation.entries, reply.outcomes))
            yield from _traceback(reply, counts)
            for line in reply.said.splitlines():
                yield _indent(Text(f"> {line}", style="italic"))
            for text, style in _consequences(delivery, reply):
                yield _indent(Text(text, style=style))
        case Stored(discard, place):
            of = count_text(len(discard.entries))
            where = f"word of it is in {place}" if place else "nobody is told, without --on-failure"
            if discard.document is None:
                where = "they are older than what a stream keeps"
            text = (
                f"{of} discarded ({discard.condition}), from {discard.entries[0].sequence_number} on: {where}"
            )
            yield _indent(Text(text, style="bold red"))
        case Noticed(text):
            yield Text(text, style="yellow")


def _head(delivery: Delivery, number: int) -> Text:
    invocation = delivery.invocation
    again = f", delivery {number}" if number > 1 else ""
    what = count_text(len(invocation.entries)) if invocation.entries else "the end of a window"
    lane = f" · lane {invocation.lane}" if invocation.lane else ""
    return Text.assemble((f"batch {invocation.batch}{again}", "bold"), (f" · {what}{lane}", "dim"))


def _records(entries: Sequence[Entry], outcomes: Sequence[Mapping[str, Any]] | None) -> Table:
    """The records of a delivery and what became of each."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(width=6)
    grid.add_column(no_wrap=True, max_width=30, overflow="ellipsis")
    grid.add_column(overflow="fold")
    rows = list(zip_longest(entries, outcomes or ()))
    shown = rows
    if len(rows) > _MOST_ROWS:
        shown = [(entry, told) for entry, told in rows if told and told["outcome"] in _NOTABLE][:_MOST_ROWS]
    for entry, told in shown:
        kind = str(entry.raw.get("eventName"))
        outcome = outcome_text(told) if told else Text()
        grid.add_row(Text(kind, style=_KIND_STYLES.get(kind, "")), Text(key_text(entry.raw)), outcome)
    if len(shown) < len(rows):
        names = Counter(told["outcome"] if told else "delivered" for _, told in rows)
        names.subtract(told["outcome"] for _, told in shown)
        text = ", ".join(f"{count:,} {name}" for name, count in names.items() if count)
        grid.add_row("", "", Text(text, style="dim"))
    return grid


def _traceback(reply: Reply, counts: Counts) -> Iterator[RenderableType]:
    """Where the first failure was, unless the same was seen just before."""
    failed = [told for told in reply.outcomes or () if told["outcome"] == "failed" and told.get("traceback")]
    if failed and counts.errors[-1].times == 1:
        for line in failed[0]["traceback"].splitlines():
            yield _indent(Text(f"  {line}", style="dim"))


def _consequences(delivery: Delivery, reply: Reply) -> Iterator[tuple[str, str]]:
    """What follows, in sentences, each with its style."""
    entries = delivery.invocation.entries
    match reply.answer:
        case Raised(error_type, message):
            yield f"the call failed: {error_type}: {harmless(without_request(message))}", "bold red"
        case NotRun(reason):
            yield f"the function was not run: {reason}", "yellow"
        case _:
            pass
    verdict = delivery.verdict
    if verdict is not None and not verdict.raised and reply.outcomes is None and verdict.reason:
        yield verdict.reason, "red"
    done = delivery.done
    if done == len(entries):
        return
    left = len(entries) - done
    when = f"in {delivery.wait:.1f} s" if delivery.wait else "at once"
    stays = f"the checkpoint stays before {entries[done].sequence_number}"
    match delivery.then:
        case "bisect":
            yield f"{stays}: {count_text(left)} again in two halves", "yellow"
        case "discard":
            yield f"no retries are left for {count_text(left)}", "yellow"
        case _:
            yield f"{stays}: {count_text(left)} again {when}", "yellow"


def count_text(records: int) -> str:
    """So many records."""
    return f"{records:,} record{'s' * (records != 1)}"


def _failure(told: Mapping[str, Any]) -> str:
    return harmless(failure_text(told["route"], told["phase"], told["error"], told["message"]))


def _indent(what: RenderableType) -> Padding:
    """What is folded at the end of the line is indented too."""
    return Padding(what, (0, 0, 0, 2), expand=False)
