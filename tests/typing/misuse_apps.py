"""What an app must not be given: each line with the mark must be an error to both checkers."""

from __future__ import annotations

from typing import Any

from misuse_models import GameScore

from headwater import (
    CallNext,
    DeadLetter,
    DeadLettered,
    Insert,
    MemoryLedger,
    Modify,
    Record,
    RecordFinished,
    StreamApp,
    Window,
)

app = StreamApp()


def stored(_letter: DeadLetter) -> None: ...


def modified(_record: Modify[GameScore]) -> None: ...


# How batches run

StreamApp(4)  # error
StreamApp(concurrency="4")  # error
StreamApp(concurrency=None)  # error
StreamApp(on_failure="go on")  # error
StreamApp(on_failure=True)  # error
StreamApp(ledger="table")  # error
StreamApp(ledger=MemoryLedger)  # error
StreamApp(ledger={})  # error
StreamApp(dead_letters="queue")  # error
StreamApp(dead_letters=modified)  # error
StreamApp(dead_letters=stored, max_attempts="3")  # error
StreamApp(dead_letters=stored, permanent=ValueError("no"))  # error
StreamApp(dead_letters=stored, permanent=[int])  # error
StreamApp(dead_letters=stored, permanent=KeyboardInterrupt)  # error
StreamApp(dead_letters=stored, hold_item="yes")  # error
StreamApp(deadline_margin="1 s")  # error
StreamApp(observers=stored)  # error
StreamApp(observers=[stored])  # error
StreamApp(observers=["print"])  # error
StreamApp(max_attempt=3)  # error


# Middlewares and startup


@app.middleware  # error
def no_record(call_next: CallNext) -> None: ...


@app.middleware  # error
def one_kind(record: Insert[GameScore], call_next: CallNext) -> None: ...


@app.middleware  # error
def more(record: Record, call_next: CallNext, more: int) -> None: ...


@app.on_startup  # error
def connect(url: str) -> None: ...


app.middleware(None)  # error
app.on_startup("connect")  # error


# Windows


@app.on_window  # error
def no_state(record: Record) -> None: ...


@app.on_window_end  # error
def no_window(state: dict[str, Any]) -> None: ...


@app.on_window_end  # error
def wrong(state: dict[str, Any], window: int) -> None: ...


def read(window: Window) -> None:
    window.finished  # error
    window.final = True  # error


# What is told


def told(event: RecordFinished, letter: DeadLetter, outcome: DeadLettered) -> None:
    event.outcomes  # error
    event.seconds = 1.0  # error
    letter.raw  # error
    letter.attempts = 2  # error
    outcome.letter  # error
