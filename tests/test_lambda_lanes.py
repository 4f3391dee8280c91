"""Lanes, ledger, dead letters and deadline through `awslambdaric`, with batches delivered again as Lambda does."""

from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

from headwater.testing import Table, event
from tests.parts.runtime_api import Invocation, Run, run_in_lambda

FUNCTIONS = Path(__file__).parent / "lambda_functions"
TABLE = Table("Orders", keys="Id")


def record(
    item: int, number: int, *, route: str = "", fails: int = 0, reject: bool = False
) -> dict[str, Any]:
    return TABLE.insert({"Id": item, "N": number, "Route": route, "Fails": fails, "Reject": reject})


def drain(batches: list[list[dict[str, Any]]], letters: Path, *, seconds: float = 30.0) -> Run:
    """Deliver each batch again from its checkpoint on, until nothing of it is left."""
    waiting = [list(batch) for batch in batches]
    delivered = 0

    def next_event(last: Invocation | None) -> Any:
        nonlocal delivered
        if last is not None:
            assert last.error is None, last.error
            named = [failure["itemIdentifier"] for failure in last.response["batchItemFailures"]]
            numbers = [raw["dynamodb"]["SequenceNumber"] for raw in waiting[0]]
            waiting[0] = waiting[0][numbers.index(named[0]) :] if named else []
        if waiting and not waiting[0]:
            waiting.pop(0)
        delivered += 1
        return event(waiting[0]) if waiting and delivered < 200 else None

    return run_in_lambda(
        "lanes.lambda_handler", next_event, cwd=FUNCTIONS, env={"LETTERS": str(letters)}, seconds=seconds
    )


def test_random_failures_lose_nothing_keep_the_order_and_repeat_nothing(tmp_path: Path) -> None:
    """Async and sync handlers of 12 batches: each record handled once by each, or put aside with its record."""
    rng = random.Random(4)
    batches = []
    for _ in range(12):
        batch = []
        for number in range(25):
            trouble: dict[str, Any] = {}
            if rng.random() < 0.2:
                trouble = {
                    "route": rng.choice(["waits", "plain"]),
                    "fails": rng.choice([1, 2, 3, 9]),
                    "reject": rng.random() < 0.3,
                }
            batch.append(record(rng.randrange(6), number, **trouble))
        batches.append(batch)
    letters = tmp_path / "letters.jsonl"

    run = drain(batches, letters)

    # What a batch handled is told apart by the order of the output: its numbers start anew.
    handled: dict[tuple[str, str], list[int]] = defaultdict(list)
    for route, item, number in re.findall(r"(waits|plain) handled (\d+) (\d+)", run.output):
        handled[route, item].append(int(number))
    stored = [json.loads(line) for line in letters.read_text().splitlines()]
    aside = {letter["sequenceNumber"]: letter for letter in stored}
    assert len(aside) == len(stored)
    for route in ("waits", "plain"):
        for item in map(str, range(6)):
            expected = []
            for batch in batches:
                for raw in batch:
                    image = raw["dynamodb"]["NewImage"]
                    letter = aside.get(raw["dynamodb"]["SequenceNumber"])
                    if letter is not None:
                        assert letter["record"] == raw
                        assert letter["attempts"] == (1 if image["Reject"]["BOOL"] else 3)
                    done = letter is None or (letter["error"]["route"] == "plain" and route == "waits")
                    if image["Id"]["N"] == item and done:
                        expected.append(int(image["N"]["N"]))
            assert handled[route, item] == expected
    assert len(aside) > 5


def test_a_function_that_runs_out_of_time_answers_before(tmp_path: Path) -> None:
    """With the checkpoint, in time; the slow record comes again, and what was done does not."""
    batch = [record(0, 0), record(1, 1, route="slow"), record(2, 2), record(1, 3)]
    run = drain([batch], tmp_path / "letters.jsonl", seconds=0.4)
    number = batch[1]["dynamodb"]["SequenceNumber"]
    assert run.invocations[0].response == {"batchItemFailures": [{"itemIdentifier": number}]}
    assert run.output.count("waits handled 0 0") == 1
    assert run.output.count("waits handled 1 1") == 1
    assert run.output.count("plain handled 2 2") == 1
    letters = [json.loads(line) for line in (tmp_path / "letters.jsonl").read_text().splitlines()]
    assert [(letter["error"]["phase"], letter["attempts"]) for letter in letters] == [("deadline", 3)]
    assert run.output.count("plain handled 1 3") == 1
