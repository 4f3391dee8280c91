"""The options of an app that say how its batches run: what could not work is refused when it is made."""

from __future__ import annotations

from typing import Any

import pytest

from headwater import DeadLetter, DeclarationError, MemoryLedger, StreamApp
from headwater.dead_letters import DeadLetterPolicy
from headwater.settings import Settings

APP: Any = StreamApp


def sink(_letter: DeadLetter) -> None: ...


def yielding(_letter: DeadLetter) -> Any:
    yield


async def yielding_async(_letter: DeadLetter) -> Any:
    yield


class YieldingStore:
    def store(self, letters: Any) -> Any:
        yield from letters


class YieldingCall:
    async def __call__(self, letter: Any) -> Any:
        yield letter


class AsyncLedger:
    def load(self, consumer: str, checkpoint: str) -> None: ...

    async def replace(self, consumer: str, old: Any, new: Any) -> None: ...


class Observer:
    def __call__(self, event: object) -> None: ...


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"concurrency": 0}, "concurrency=0 is no number of lanes"),
        ({"concurrency": -1}, "concurrency=-1"),
        ({"concurrency": 1.5}, "concurrency=1.5"),
        ({"concurrency": True}, "concurrency=True"),
        ({"concurrency": "4"}, "concurrency='4'"),
        ({"on_failure": "go on"}, "say 'stop' or 'isolate'"),
        ({"on_failure": None}, "say 'stop' or 'isolate'"),
        ({"deadline_margin": -1}, "deadline_margin=-1 is no number of seconds"),
        ({"deadline_margin": "1"}, "deadline_margin='1'"),
        ({"deadline_margin": True}, "deadline_margin=True"),
        ({"deadline_margin": float("nan")}, "deadline_margin=nan"),
        ({"deadline_margin": float("inf")}, "deadline_margin=inf"),
        ({"max_attempts": 3}, "max_attempts= puts records aside, and there is nowhere to put them"),
        ({"permanent": ValueError}, "permanent= puts records aside"),
        ({"hold_item": True}, "hold_item= puts records aside"),
        ({"hold_item": 1, "dead_letters": sink}, "neither True nor False"),
        ({"max_attempts": 0, "dead_letters": sink}, "max_attempts=0 is no number of attempts"),
        ({"max_attempts": 1.5, "dead_letters": sink}, "max_attempts=1.5"),
        ({"max_attempts": True, "dead_letters": sink}, "max_attempts=True"),
        ({"permanent": "ValueError", "dead_letters": sink}, "permanent= takes classes of exceptions"),
        ({"permanent": [ValueError()], "dead_letters": sink}, "permanent= takes classes of exceptions"),
        ({"permanent": KeyboardInterrupt, "dead_letters": sink}, "permanent= takes classes of exceptions"),
        ({"permanent": 1, "dead_letters": sink}, "permanent= takes classes of exceptions"),
        ({"dead_letters": "queue"}, "takes a sink or a function of one DeadLetter, not a str"),
        ({"dead_letters": MemoryLedger}, "dead_letters=MemoryLedger is a class"),
        ({"dead_letters": yielding}, "contains yield"),
        ({"dead_letters": yielding_async}, "contains yield"),
        ({"dead_letters": YieldingStore()}, "contains yield"),
        ({"dead_letters": YieldingCall()}, "contains yield"),
        ({"ledger": "table"}, "ledger= takes a ledger such as"),
        ({"ledger": MemoryLedger}, "ledger= takes a ledger such as"),
        ({"ledger": AsyncLedger()}, "never awaited"),
        ({"observers": print}, "observers= takes a list of functions"),
        ({"observers": ["print"]}, "observers= takes a list of functions"),
        ({"observers": [Observer]}, "the observer Observer is a class"),
    ],
)
def test_what_could_not_work_is_refused(options: dict[str, Any], reason: str) -> None:
    """In one sentence that names the option."""
    with pytest.raises(DeclarationError, match=reason):
        APP(**options)


def test_the_default_keeps_nothing_and_stops() -> None:
    """In order, without a ledger."""
    assert StreamApp()._settings == Settings()


@pytest.mark.parametrize(
    "options",
    [
        {"concurrency": 2},
        {"on_failure": "isolate"},
        {"dead_letters": sink, "max_attempts": 2},
        {"dead_letters": sink, "hold_item": True},
    ],
)
def test_what_needs_a_memory_has_one(options: dict[str, Any]) -> None:
    """Unless another ledger is given."""
    assert isinstance(APP(**options)._settings.ledger, MemoryLedger)
    own = MemoryLedger()
    assert APP(**options, ledger=own)._settings.ledger is own


def test_a_sink_alone_needs_no_memory() -> None:
    """What is put aside at once is not counted."""
    assert APP(dead_letters=sink)._settings == Settings(dead_letters=DeadLetterPolicy(sink))
