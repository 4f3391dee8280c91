"""What a process pays before its first record: imports, and the way to the first response on Lambda's own runtime client."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from benchmarks.batch import small_event
from benchmarks.contest import DONE, Contestant, Workload
from benchmarks.peers import Event
from tests.parts.runtime_api import Invocation, Run, run_in_lambda

FUNCTIONS = Path(__file__).parent / "functions"
PATIENCE_SECONDS = 60
IMPORTS = {
    "Headwater, `StreamApp`, `Modify`": "from headwater import Modify, StreamApp",
    "`import headwater`": "import headwater",
    "Powertools batch": "from aws_lambda_powertools.utilities.batch import BatchProcessor",
    "Powertools batch + parser": "from aws_lambda_powertools.utilities.batch import BatchProcessor; "
    "from aws_lambda_powertools.utilities.parser.models import DynamoDBStreamRecordModel",
    "boto3": "import boto3",
    "pydantic": "from pydantic import BaseModel",
}
COLD = {
    "Headwater": "with_headwater",
    "Powertools batch + parser": "with_powertools",
    "pydantic, by hand": "by_hand",
}


def workloads() -> list[Workload]:
    """Imports and cold starts."""
    event = small_event(1)
    return [
        Workload(
            "start",
            "import in a fresh interpreter",
            (
                *(_importing(name, statement) for name, statement in IMPORTS.items()),
                _importing("nothing", "", is_floor=True),
            ),
            rounds=1,
        ),
        Workload(
            "start",
            "cold start, from the process to the first response",
            tuple(_ColdStart(module, event).contestant(name) for name, module in COLD.items()),
            rounds=3,
        ),
    ]


def _importing(name: str, statement: str, *, is_floor: bool = False) -> Contestant:
    def run() -> int:
        return subprocess.run([sys.executable, "-c", statement], check=True).returncode  # noqa: S603 - our own words

    return Contestant(name, run, lambda code: bool(code == 0), is_floor=is_floor)


class _ColdStart:
    """One function that is started, answers once, and is ended where no clock runs."""

    def __init__(self, module: str, event: Event) -> None:
        self._handler = f"{module}.lambda_handler"
        self._event = event
        self._process = threading.Thread()
        self._done: Run | None = None
        self._answer = Invocation()

    def contestant(self, name: str) -> Contestant:
        return Contestant(
            name, self._run, self._is_right, is_floor=name.endswith("by hand"), settle=self._settle
        )

    def _run(self) -> None:
        answered = threading.Event()

        def next_event(last: Invocation | None) -> Any:
            if last is None:
                return self._event
            self._answer = last
            answered.set()
            return None

        def process() -> None:
            self._done = run_in_lambda(self._handler, next_event, cwd=FUNCTIONS)

        self._process = threading.Thread(target=process)
        self._process.start()
        if not answered.wait(PATIENCE_SECONDS):
            raise TimeoutError(f"{self._handler} did not answer: {self._done}")

    def _settle(self) -> None:
        self._process.join()

    def _is_right(self, _result: object) -> bool:
        self._settle()
        return (
            self._answer.response == DONE and self._done is not None and "open -> paid" in self._done.output
        )
