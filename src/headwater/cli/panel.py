"""What stands at the foot of a terminal while a mapping runs: its shards, its figures, its last errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from headwater.cli.counts import Counts
from headwater.cli.display import harmless
from headwater.mapping.following import ShardState

_MOST_SHARDS: Final = 8
_SHARD_CHARACTERS: Final = 12
_NUMBER_CHARACTERS: Final = 14
_MINUTE: Final = 60
_HOUR: Final = 3_600


def panel(title: str, counts: Counts, states: Sequence[ShardState], *, now: float) -> RenderableType:
    """The foot of the terminal.

    Args:
        title: What is mapped to what.
        counts: What the run has done.
        states: How the shards are getting on.
        now: The time, in seconds since 1970.
    """
    parts: list[RenderableType] = [
        Text(),
        Rule(Text(title, style="bold"), style="dim", align="left"),
        _figures(counts),
        _shards(states, now),
        *([_errors(counts)] if counts.errors else []),
        # The last line is short: the terminal shows ^C at its end, which must not begin a new one.
        Text("Ctrl-C to stop", style="dim"),
    ]
    return Group(*parts)


def age_text(seconds: float) -> str:
    """A length of time in a few characters."""
    if seconds < _MINUTE:
        return f"{max(seconds, 0.0):.0f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.1f} h"


def _figures(counts: Counts) -> Text:
    figures = (
        (counts.batches, "batch" if counts.batches == 1 else "batches", "bold"),
        (counts.handled, "handled", "bold green"),
        (counts.retried, "retried", "bold yellow"),
        (counts.dead_lettered, "dead-lettered", "bold red"),
        (counts.discarded, "discarded", "bold red"),
    )
    text = Text(no_wrap=True, overflow="ellipsis")
    for number, (count, name, style) in enumerate(figures):
        text.append(" · " if number else "", style="dim")
        text.append(f"{count:,}", style=style if count else "dim").append(
            f" {name}", style="" if count else "dim"
        )
    return text


def _shards(states: Sequence[ShardState], now: float) -> RenderableType:
    if not states:
        return Text("no shard is open", style="dim")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("shard", "read to", "kept"):
        table.add_column(name, no_wrap=True)
    for name in ("waiting", "running", "behind"):
        table.add_column(name, no_wrap=True, justify="right")
    # Those that are most behind come first.
    ordered = sorted(states, key=lambda state: state.oldest or now)
    for state in ordered[:_MOST_SHARDS]:
        behind = "-" if state.oldest is None else age_text(now - state.oldest)
        table.add_row(
            _end_of(state.shard_id, _SHARD_CHARACTERS),
            _end_of(state.read, _NUMBER_CHARACTERS),
            _end_of(state.checkpoint, _NUMBER_CHARACTERS),
            f"{state.waiting:,}",
            f"{state.under_way:,}",
            behind,
        )
    if len(ordered) > _MOST_SHARDS:
        table.add_row(Text(f"and {len(ordered) - _MOST_SHARDS} more", style="dim"))
    return table


def _errors(counts: Counts) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim", expand=True)
    table.add_column("record", no_wrap=True)
    table.add_column("last failures", no_wrap=True, ratio=1)
    for trouble in reversed(counts.errors):
        times = f"{trouble.times} times: " if trouble.times > 1 else ""
        text = f"{times}{harmless(trouble.reason)}"
        # What is done by now is no reason to worry.
        told = (f"since handled: {text}", "dim") if trouble.over else (text, "red")
        row = Text(*told, no_wrap=True, overflow="ellipsis")
        table.add_row(_end_of(trouble.sequence_number, _NUMBER_CHARACTERS), row)
    return table


def _end_of(text: str | None, length: int) -> Text:
    """The end of an identifier, which is what tells it from others."""
    if text is None:
        return Text("-")
    return Text(text if len(text) <= length else f"…{text[1 - length :]}")
