"""The function in a process of its own, with Lambda's rules for what goes wrong."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from headwater.cli.environment import Function, Reply, lambda_variables
from headwater.cli.sandbox import Ends, Launch, Sandbox, Started
from headwater.cli.watch import Stamp
from headwater.mapping.answers import NotRun, Raised, Returned
from headwater.mapping.entries import json_size

LAST_WORDS_SECONDS: Final = 0.5
"""How long a process whose time is over may take to say where it is."""

RESPONSE_LIMIT_BYTES: Final = 6 * 1024 * 1024
"""Of what a function may return.

Source: [Lambda quotas](https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
"""

# Output is not held back, the current folder is no place of modules by accident, and a crash says where it was.
_PYTHON: Final = (sys.executable, "-u", "-P", "-X", "utf8", "-X", "faulthandler")


def launch_app(function: Function, ends: Ends) -> Started:
    """Start a process that serves the app itself, and tells what became of each record."""
    inherited = (ends.requests, ends.replies)
    arguments = ", ".join(map(repr, (function.target, *inherited)))
    program = f"from headwater.cli.child import main; main({arguments})"
    process = start_python(program, lambda_variables(function), ends.output, inherited)
    return Started(process, lambda: None)


def start_python(
    program: str, variables: Mapping[str, str], output: int, inherited: Sequence[int]
) -> subprocess.Popen[bytes]:
    """Start a Python process in a session of its own: Ctrl-C is for who waits for the answer.

    Args:
        program: Its source.
        variables: Its environment variables.
        output: The file descriptor of its standard output and error.
        inherited: The file descriptors that it is given besides.
    """
    return subprocess.Popen(  # noqa: S603 - nothing of it comes from elsewhere
        [*_PYTHON, "-c", program],
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        pass_fds=inherited,
        start_new_session=True,
    )


class ProcessEnvironment:
    """Runs the function in a process, which stays for the next invocation unless this one went wrong."""

    def __init__(self, function: Function, launch: Launch = launch_app) -> None:
        """Make one; the process is started by the first invocation.

        Args:
            function: The configuration of the function.
            launch: Starts the process.
        """
        self._function = function
        self._launch = launch
        self._sandbox: Sandbox | None = None
        self._files: Mapping[str, Stamp] = {}
        self._working = threading.Lock()
        self._outdated = self._stopped = False

    def invoke(self, event: Mapping[str, Any], request_id: str) -> Reply:
        """Call the function and wait for its end; see `Environment`."""
        with self._working:
            if self._stopped:
                return Reply(NotRun("the environment has been stopped"), "", 0.0)
            sandbox = self._sandbox
            if sandbox is not None and (self._outdated or sandbox.returncode is not None):
                self._end(sandbox)
                sandbox = None
            if sandbox is None:
                self._outdated = False
                sandbox, failure = self._start(request_id)
                if failure is not None:
                    # Lambda counts this as a failed attempt. Here a file is most likely half saved, which is to cost no record.
                    return self._fail(sandbox, NotRun(f"{failure.error_type}: {failure.message}"), 0.0)
            return self._call(sandbox, event, request_id)

    def reload(self) -> None:
        """Start a new process for the next invocation."""
        self._outdated = True

    def stop(self) -> None:
        """End the process, also while it works."""
        self._stopped = True
        sandbox = self._sandbox
        if sandbox is not None:
            sandbox.kill()
        with self._working:
            if self._sandbox is not None:
                self._end(self._sandbox)

    def _start(self, request_id: str) -> tuple[Sandbox, Raised | None]:
        """A process that has imported the app, or why it has not."""
        sandbox = self._sandbox = Sandbox(self._launch, self._function)
        if self._stopped:  # by another thread, which has not seen the process
            sandbox.kill()
        limit = self._function.longest_import
        ready = sandbox.exchange(b"", time.monotonic() + limit)
        if ready is None:
            late = f"Task timed out after {limit:.2f} seconds while the app was imported"
            return sandbox, _exited(sandbox, request_id) or _timed_out(request_id, late)
        self._note_files(ready)
        return sandbox, _raised(ready)

    def _call(self, sandbox: Sandbox, event: Mapping[str, Any], request_id: str) -> Reply:
        began, limit = time.monotonic(), self._function.timeout
        request = {
            "event": event,
            "request_id": request_id,
            "arn": self._function.arn,
            "deadline": began + limit,
        }
        told = sandbox.exchange(json.dumps(request).encode() + b"\n", began + limit + LAST_WORDS_SECONDS)
        seconds = time.monotonic() - began
        if told is None or seconds >= limit or sandbox.exhausted:
            exited = _exited(sandbox, request_id) if seconds < limit else None
            late = f"Task timed out after {limit:.2f} seconds"
            return self._fail(sandbox, exited or _timed_out(request_id, late), seconds)
        self._note_files(told)
        if "payload" not in told and "error_type" not in told:
            wrote = "Runtime exited: something in the function wrote into the pipe of its replies"
            return self._fail(
                sandbox, Raised("Runtime.ExitError", f"RequestId: {request_id} Error: {wrote}"), seconds
            )
        answer = _raised(told) or _returned(told["payload"])
        return Reply(answer, sandbox.said(), seconds, told.get("outcomes"), sandbox.peak_mb, self._files)

    def _fail(self, sandbox: Sandbox, failure: Raised | NotRun, seconds: float) -> Reply:
        """The process is of no use any more: the next invocation gets another one."""
        self._end(sandbox)
        return Reply(failure, sandbox.said(), seconds, None, sandbox.peak_mb, self._files)

    def _note_files(self, told: Mapping[str, Any]) -> None:
        """Lambda's own client does not tell them."""
        self._files = {path: (time_ns, size) for path, (time_ns, size) in told.get("files", {}).items()}

    def _end(self, sandbox: Sandbox) -> None:
        self._sandbox = None
        sandbox.close()


def _returned(payload: Any) -> Returned | Raised:
    size = json_size(payload)
    if size <= RESPONSE_LIMIT_BYTES:
        return Returned(payload)
    return Raised(
        "Function.ResponseSizeTooLarge",
        f"the response has {size:,} bytes, and Lambda takes {RESPONSE_LIMIT_BYTES:,} at most",
    )


def _raised(told: Mapping[str, Any]) -> Raised | None:
    return Raised(told["error_type"], told["message"]) if "error_type" in told else None


def _timed_out(request_id: str, reason: str) -> Raised:
    return Raised("Sandbox.Timedout", f"RequestId: {request_id} Error: {reason}")


def _exited(sandbox: Sandbox, request_id: str) -> Raised | None:
    """How a process has ended, in Lambda's words; `None` while it runs."""
    code = sandbox.returncode
    if sandbox.exhausted:
        reason = f"with error: signal: killed (it used {sandbox.peak_mb} MB of {sandbox.memory_mb} MB)"
    elif code is None:
        return None
    elif code < 0:
        reason = f"with error: signal: {(signal.strsignal(-code) or str(-code)).lower()}"
    else:
        reason = f"with error: exit status {code}" if code else "without providing a reason"
    return Raised("Runtime.ExitError", f"RequestId: {request_id} Error: Runtime exited {reason}")
