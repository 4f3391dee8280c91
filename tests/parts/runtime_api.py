"""The real Lambda runtime client, `awslambdaric`, against a Runtime API on this machine.

Source: [Lambda runtime API](https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeAlias

ARN = "arn:aws:lambda:us-east-1:123456789012:function:stream"
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Invocation:
    """What the runtime client sent back for one event: a response or an error, as parsed JSON."""

    response: Any = None
    error: Any = None


@dataclass(frozen=True, slots=True)
class Run:
    """What one process of the function did.

    Attributes:
        invocations: One for each event that was answered; fewer when the process ended early.
        init_error: The error while the function was imported, as parsed JSON.
        output: What the process wrote, standard output and error together.
    """

    invocations: list[Invocation]
    init_error: Any
    output: str


NextEvent: TypeAlias = Callable[[Invocation | None], Any]
"""Given what came back for the last event, the next one; `None` when there is none."""


def _one_by_one(events: Sequence[Any]) -> NextEvent:
    waiting = iter(events)
    return lambda _last: next(waiting, None)


class _Api(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, events: Sequence[Any] | NextEvent, seconds: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.next_event = events if callable(events) else _one_by_one(events)
        self.milliseconds = int(seconds * 1000)
        self.invocations: list[Invocation] = []
        self.init_error: Any = None
        self.done = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    server: _Api  # pyright: ignore[reportIncompatibleVariableOverride] - the only server it is made by
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """`/invocation/next`: the next event, or nothing any more."""
        answered = self.server.invocations
        event = self.server.next_event(answered[-1] if answered else None)
        if event is None:
            self.server.done.set()
            threading.Event().wait(
                PATIENCE_SECONDS
            )  # as Lambda freezes a function that waits; the process is ended
            return
        number = len(answered)
        body = json.dumps(event).encode()
        head = {
            "Lambda-Runtime-Aws-Request-Id": f"00000000-0000-0000-0000-{number:012}",
            "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + self.server.milliseconds),
            "Lambda-Runtime-Invoked-Function-Arn": ARN,
            "Lambda-Runtime-Trace-Id": "Root=1-0-0",
        }
        self._answer(200, body, head)

    def do_POST(self) -> None:
        """`/{id}/response`, `/{id}/error` and `/init/error`."""
        sent = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"null")
        if self.path.endswith("/init/error"):
            self.server.init_error = sent
        elif self.path.endswith("/response"):
            self.server.invocations.append(Invocation(response=sent))
        else:
            self.server.invocations.append(Invocation(error=sent))
        self._answer(202, b"{}", {})

    def _answer(self, status: int, body: bytes, head: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {
            **head,
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
        """Say nothing."""


def run_in_lambda(
    handler: str,
    events: Sequence[Any] | NextEvent,
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    seconds: float = 30.0,
) -> Run:
    """Run a handler as Lambda does.

    Args:
        handler: `module.function`, as in a function's configuration.
        events: The events to invoke it with, one after another in one process; or what chooses the next one.
        cwd: The folder of the function's code.
        env: Environment variables besides those that Lambda sets.
        seconds: The function's timeout, which nobody enforces: the context counts it down.
    """
    api = _Api(events, seconds)
    threading.Thread(target=api.serve_forever, daemon=True).start()
    environment = {
        **os.environ,
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api.server_address[1]}",
        "AWS_LAMBDA_FUNCTION_NAME": "stream",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/stream",
        "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
        "PYTHONUNBUFFERED": "1",
        **(env or {}),
    }
    with tempfile.TemporaryFile(
        "w+"
    ) as output:  # a pipe that nobody reads would fill up and hold the function
        process = subprocess.Popen(
            [sys.executable, "-m", "awslambdaric", handler],
            cwd=cwd,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while process.poll() is None and not api.done.wait(0.02) and time.monotonic() < deadline:
            pass
        process.kill()
        process.wait()
        api.shutdown()
        api.server_close()
        output.seek(0)
        return Run(api.invocations, api.init_error, output.read())
