"""`headwater run` as a process, and the lines of JSON that it prints."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from tempfile import TemporaryFile
from typing import IO, Any

from headwater.mapping.checkpoints import Checkpoints
from tests.parts.tables import DynamoDB

PATIENCE_SECONDS = 60.0


class Running:
    """A process that prints lines of JSON.

    Attributes:
        process: It.
        lines: What it has printed and somebody has waited for, in order.
    """

    def __init__(self, process: subprocess.Popen[str], errors: IO[str]) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []
        self._queue: Queue[dict[str, Any] | None] = Queue()
        self._errors = errors
        threading.Thread(target=self._read, daemon=True).start()

    def wait_for(self, wanted: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The next line like this."""
        while (line := self._next()) is not None:
            if wanted(line):
                return line
        raise AssertionError(f"it ended: {self.lines[-3:]} {self.errors()}")

    def delivery(self, result: str = "done") -> dict[str, Any]:
        """The next delivery with this result."""
        return self.wait_for(lambda line: line["type"] == "delivery" and line["result"] == result)

    def end(self, *, code: int = 0) -> dict[str, Any]:
        """The last line of a process that ends by itself or was told to."""
        while self._next() is not None:
            pass
        assert self.process.wait(PATIENCE_SECONDS) == code, self.errors()
        return self.lines[-1]

    def stop(self) -> dict[str, Any]:
        """Tell it to end, and wait until it has."""
        self.process.send_signal(signal.SIGTERM)
        return self.end()

    def kill(self) -> None:
        """End it as a machine that fails would."""
        self.process.kill()
        self.process.wait(PATIENCE_SECONDS)

    def errors(self) -> str:
        """What it has written to standard error."""
        self._errors.seek(0)
        return self._errors.read()

    @property
    def deliveries(self) -> list[dict[str, Any]]:
        """The deliveries that somebody has waited for."""
        return [line for line in self.lines if line["type"] == "delivery"]

    def _next(self) -> dict[str, Any] | None:
        try:
            line = self._queue.get(timeout=PATIENCE_SECONDS)
        except Empty:
            raise AssertionError(f"nothing came after {self.lines[-3:]}") from None
        if line is not None:
            self.lines.append(line)
        return line

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self._queue.put(json.loads(line))
        self._queue.put(None)


@contextmanager
def running(
    database: DynamoDB, folder: Path, table: str, *options: str, env: Mapping[str, str] | None = None
) -> Iterator[Running]:
    """`headwater run app.py --json` in a folder, ended with the block if it has not ended before."""
    arguments = ("run", "app.py", "--table", table, "--endpoint-url", database.endpoint_url, "--json")
    with TemporaryFile("w+") as errors:  # a pipe that nobody reads would fill up
        process = subprocess.Popen(
            [sys.executable, "-m", "headwater.cli", *arguments, *options],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
        )
        try:
            yield Running(process, errors)
        finally:
            process.kill()
            process.wait(PATIENCE_SECONDS)


def kept(folder: Path, stream_arn: str, *, name: str = "app.py") -> dict[str, str | None]:
    """The checkpoints in the file of a run that has ended."""
    with Checkpoints(
        folder / ".headwater" / "checkpoints.sqlite", mapping=name, stream_arn=stream_arn
    ) as file:
        position = file.position()
    assert position is not None
    return {shard: start.sequence_number for shard, start in position.starts.items()}


def ids(line: dict[str, Any]) -> list[str]:
    """The items of a delivery or discard."""
    return [record["keys"]["Id"]["S"] for record in line["records"]]
