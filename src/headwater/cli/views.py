"""How a run is shown: as lines, as lines above a panel that stays, or as JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final, NamedTuple, Protocol

from rich.console import Console
from rich.live import Live
from rich.text import Text

from headwater.cli.counts import Counts
from headwater.cli.display import count_text, lines_of
from headwater.cli.environment import Reply
from headwater.cli.machine import as_json
from headwater.cli.panel import panel
from headwater.cli.terminal import put
from headwater.mapping.following import ShardState
from headwater.mapping.observed import Delivered, Event

_REFRESH_SECONDS: Final = 0.125


class Beginning(NamedTuple):
    """What a run begins with.

    Attributes:
        title: What is mapped to what.
        stream_arn: The stream.
        name: The mapping's name, under which checkpoints are kept.
        state: The file that they are kept in.
        goes_on: Whether a position of an earlier run is kept.
        settings: With AWS's names.
        warnings: What the user may not expect.
    """

    title: str
    stream_arn: str
    name: str
    state: str
    goes_on: bool
    settings: dict[str, Any]
    warnings: Sequence[str]


class Ending(NamedTuple):
    """What a run ends with.

    Attributes:
        reason: `stopped`, `idle`, or `disabled` when the stream is switched off and read to its end.
        not_done: Records that were read and are not done.
        filtered: Records that the filters did not want.
    """

    reason: str
    not_done: int
    filtered: int


class View(Protocol):
    """Shows a run, from the thread that runs it."""

    def shown(self) -> AbstractContextManager[object]:
        """Where the run takes place."""
        ...

    def begin(self, beginning: Beginning) -> None:
        """Nothing was read yet."""
        ...

    def show(self, event: Event[Reply], counts: Counts) -> None:
        """Something has happened, and is counted."""
        ...

    def turn(self, counts: Counts, states: Callable[[], Sequence[ShardState]]) -> None:
        """How things are."""
        ...

    def end(self, ending: Ending, counts: Counts) -> None:
        """The run is over."""
        ...


class LinesView:
    """Lines, one after another."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def shown(self) -> AbstractContextManager[object]:
        """Where the run takes place: lines need nothing."""
        return nullcontext()

    def begin(self, beginning: Beginning) -> None:
        """Say what is mapped, and where it starts."""
        size = beginning.settings["BatchSize"]
        put(self._console, Text(f"{beginning.title}, batches of {size}, Ctrl-C to stop"))
        start = "goes on behind the checkpoint" if beginning.goes_on else f"starts at {_start(beginning)}"
        put(
            self._console,
            Text(f"{start}; checkpoints of {beginning.name} are kept in {beginning.state}", style="dim"),
        )
        for warning in beginning.warnings:
            put(self._console, Text(warning, style="yellow"))

    def show(self, event: Event[Reply], counts: Counts) -> None:
        """Print what has happened."""
        for line in lines_of(event, counts):
            put(self._console, line)

    def turn(self, counts: Counts, states: Callable[[], Sequence[ShardState]]) -> None:
        """Nothing: lines stay as they are."""

    def end(self, ending: Ending, counts: Counts) -> None:
        """Print the figures."""
        put(self._console)
        if ending.reason == "disabled":
            text = "the stream is switched off and read to its end: was its table deleted?"
            put(self._console, Text(text, style="yellow"))
        put(
            self._console,
            f"{counts.batches:,} {'batch' if counts.batches == 1 else 'batches'} · {count_text(counts.handled)} handled · {counts.retried:,} retried · "
            f"{counts.dead_lettered:,} dead-lettered · {counts.discarded:,} discarded · {ending.filtered:,} filtered out · "
            f"{ending.not_done:,} not done",
        )


class TerminalView(LinesView):
    """Lines, above a panel that stays at the foot of the terminal."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._title = ""
        self._refreshed = 0.0

    def shown(self) -> AbstractContextManager[object]:
        """Where the run takes place: the panel is there as long as that lasts."""
        return self._live

    def begin(self, beginning: Beginning) -> None:
        """Say what is mapped, and where it starts."""
        self._title = beginning.title
        super().begin(beginning)

    def turn(self, counts: Counts, states: Callable[[], Sequence[ShardState]]) -> None:
        """Draw the panel anew, not more often than anybody can see."""
        now = time.time()
        if now - self._refreshed >= _REFRESH_SECONDS:
            self._refreshed = now
            self._live.update(panel(self._title, counts, states(), now=now), refresh=True)


class JsonView:
    """A line of JSON for each thing that has happened; what handlers print goes to standard error."""

    def shown(self) -> AbstractContextManager[object]:
        """Where the run takes place: lines need nothing."""
        return nullcontext()

    def begin(self, beginning: Beginning) -> None:
        """The first line."""
        _write(
            {
                "type": "start",
                "stream": beginning.stream_arn,
                "name": beginning.name,
                "state": beginning.state,
                "goesOn": beginning.goes_on,
                "settings": beginning.settings,
                "warnings": list(beginning.warnings),
            }
        )

    def show(self, event: Event[Reply], counts: Counts) -> None:  # noqa: ARG002 - the last line has the counts
        """A line."""
        if isinstance(event, Delivered):
            for line in event.reply.said.splitlines():
                sys.stderr.write(f"{line}\n")
            sys.stderr.flush()
        _write(as_json(event))

    def turn(self, counts: Counts, states: Callable[[], Sequence[ShardState]]) -> None:
        """Nothing: nothing has happened."""

    def end(self, ending: Ending, counts: Counts) -> None:
        """The last line."""
        _write(
            {
                "type": "summary",
                "reason": ending.reason,
                "batches": counts.batches,
                "deliveries": counts.deliveries,
                "handled": counts.handled,
                "retried": counts.retried,
                "deadLettered": counts.dead_lettered,
                "discarded": counts.discarded,
                "filtered": ending.filtered,
                "notDone": ending.not_done,
            }
        )


def _start(beginning: Beginning) -> str:
    latest = beginning.settings["StartingPosition"] == "LATEST"
    return "what comes from now on" if latest else "the oldest record that the stream has"


def _write(line: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
