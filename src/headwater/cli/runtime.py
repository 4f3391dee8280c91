"""The function in `awslambdaric`, the client that runs Python on Lambda, against a Runtime API on this machine.

Source: [Lambda runtime API](https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html).
"""

from __future__ import annotations

import importlib.util
import json
import os
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any, Final

from headwater.cli.environment import Function, UnavailableError, lambda_variables
from headwater.cli.process import ProcessEnvironment, start_python
from headwater.cli.sandbox import Ends, Started

CLIENT: Final = "awslambdaric"

_POLL_SECONDS: Final = 0.05  # how long the end of the server takes

# `python -m awslambdaric`, and a thread that ends it with this process: nobody would stop its handler then.
_PROGRAM: Final = """
import os, signal, threading
def end():
    os.read({held}, 1)
    os.killpg(0, signal.SIGKILL)
os.set_inheritable({held}, False)
threading.Thread(target=end, daemon=True).start()
from {client}.__main__ import main
main(["{client}", {handler!r}])
"""


def runtime_environment(function: Function) -> ProcessEnvironment:
    """An environment that runs the function as Lambda does, and knows no more than Lambda: not what became of records.

    Raises:
        UnavailableError: When the client is not installed.
    """
    if importlib.util.find_spec(CLIENT) is None:
        raise UnavailableError(f"the real runtime needs its client: pip install {CLIENT}")
    return ProcessEnvironment(function, launch_runtime)


def launch_runtime(function: Function, ends: Ends) -> Started:
    """Start the client, and a Runtime API that passes requests and replies on."""
    api = _Api(ends)
    threading.Thread(target=api.serve_forever, args=(_POLL_SECONDS,), daemon=True).start()
    held, lifeline = os.pipe()
    variables = lambda_variables(function)
    path = [str(function.root), *filter(None, [variables.get("PYTHONPATH")])]
    variables |= {
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api.server_address[1]}",
        "PYTHONPATH": os.pathsep.join(path),
    }
    program = _PROGRAM.format(client=CLIENT, handler=function.handler, held=held)
    process = start_python(program, variables, ends.output, (held,))
    os.close(held)

    def close() -> None:
        os.close(lifeline)
        api.close()

    return Started(process, close)


class _Api(ThreadingTCPServer):
    """Gives each request to the client, and writes what comes back as a reply."""

    daemon_threads = True

    def __init__(self, ends: Ends) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._requests = os.fdopen(os.dup(ends.requests), "rb")
        self._replies = os.fdopen(os.dup(ends.replies), "wb")
        self._ready = False
        self._asked: str | None = None

    def next_request(self) -> dict[str, Any] | None:
        """Wait for the next request; `None` when there are no more. Who asks first has imported the function."""
        if not self._ready:
            self._ready = True
            self._reply({})
        request: dict[str, Any] | None = json.loads(self._requests.readline() or b"null")
        self._asked = request["request_id"] if request else None
        return request

    def accept(self, path: str, body: bytes) -> bool:
        """Pass on what the client posts; not a second time, as a fork that the handler made would."""
        *_, request_id, kind = path.split("/")
        if request_id not in {self._asked, "init"}:
            return False
        self._asked = None
        self._reply(_response(body) if kind == "response" else _error(body))
        return True

    def close(self) -> None:
        """End it; nobody writes requests any more."""
        self.shutdown()
        self.server_close()
        self._requests.close()
        self._replies.close()

    def _reply(self, message: Mapping[str, Any]) -> None:
        self._replies.write(json.dumps(message).encode() + b"\n")
        self._replies.flush()


class _Handler(BaseHTTPRequestHandler):
    server: _Api  # pyright: ignore[reportIncompatibleVariableOverride] - the only server it is made by
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave together: the client would wait for a body that comes behind

    def handle(self) -> None:
        """Serve a connection. Its other end may be killed at any time."""
        with suppress(OSError):
            super().handle()

    def do_GET(self) -> None:
        """`/invocation/next`: the next event, which may take long to come."""
        request = self.server.next_request()
        if request is None:
            self.close_connection = True
            return
        deadline = time.time() + request["deadline"] - time.monotonic()
        self._answer(
            HTTPStatus.OK,
            json.dumps(request["event"]).encode(),
            {
                "Lambda-Runtime-Aws-Request-Id": request["request_id"],
                "Lambda-Runtime-Deadline-Ms": str(int(deadline * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": request["arn"],
                "Lambda-Runtime-Trace-Id": "Root=1-0-0;Sampled=0",
            },
        )

    def do_POST(self) -> None:
        """`/{id}/response`, `/{id}/error` and `/init/error`."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        accepted = self.server.accept(self.path, body)
        self._answer(HTTPStatus.ACCEPTED if accepted else HTTPStatus.FORBIDDEN, b"{}", {})

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


def _response(body: bytes) -> dict[str, Any]:
    try:
        return {"payload": json.loads(body)}
    except ValueError:  # the client sends bytes as they are
        return {"error_type": "Runtime.MarshalError", "message": "the response is no JSON"}


def _error(body: bytes) -> dict[str, Any]:
    error = json.loads(body)
    return {"error_type": error["errorType"], "message": error["errorMessage"]}
