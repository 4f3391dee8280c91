"""A process of the function: a session of its own, lines of JSON to it and from it, and all that it writes."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, NamedTuple, TypeAlias

from headwater.cli.environment import Function
from headwater.cli.memory import peak_of

LOOK_SECONDS: Final = 0.05
"""How often it is looked whether the process is still there, and how much memory it uses."""

_READ_BYTES: Final = 1 << 20  # more than a pipe holds: one read empties it


class Ends(NamedTuple):
    """The process' ends of the pipes.

    Attributes:
        requests: Where it reads requests.
        replies: Where it writes replies.
        output: Its standard output and error.
    """

    requests: int
    replies: int
    output: int


class Started(NamedTuple):
    """A process, and what to do when it has ended."""

    process: subprocess.Popen[bytes]
    close: Callable[[], object]


Launch: TypeAlias = Callable[[Function, Ends], Started]
"""Starts a process that answers requests; what it keeps of the ends it has to duplicate."""


class Sandbox:
    """A running process."""

    def __init__(self, launch: Launch, function: Function) -> None:
        """Start it.

        Args:
            launch: Starts the process.
            function: The configuration of the function.
        """
        requests, self._requests = os.pipe()
        self._replies, replies = os.pipe()
        self._output, output = os.pipe()
        self.memory_mb = function.memory_mb
        self._said, self._heard = bytearray(), bytearray()
        for descriptor in (self._requests, self._replies, self._output):
            os.set_blocking(descriptor, False)
        try:
            self._process, self._close = launch(function, Ends(requests, replies, output))
        finally:
            for descriptor in (requests, replies, output):
                os.close(descriptor)
        self.peak_mb: int | None = None

    @property
    def exhausted(self) -> bool:
        """Whether the process has used more memory than it may."""
        return self.peak_mb is not None and self.peak_mb > self.memory_mb

    @property
    def returncode(self) -> int | None:
        """How the process has ended; negative for a signal, `None` while it runs."""
        return self._process.poll()

    def exchange(self, request: bytes, until: float) -> dict[str, Any] | None:
        """Send a request, and wait for a reply. What the process writes meanwhile is collected.

        Args:
            request: A line; nothing to wait for a reply alone.
            until: How long to wait, a time of the monotonic clock.

        Returns:
            The reply; `None` when the time is over, the process has ended, or it has used too much memory. A process
            whose reply can not be read is ended.
        """
        pending = memoryview(request)
        with selectors.DefaultSelector() as selector:
            selector.register(self._output, selectors.EVENT_READ)
            selector.register(self._replies, selectors.EVENT_READ)
            if pending:
                selector.register(self._requests, selectors.EVENT_WRITE)
            while b"\n" not in self._heard and self._may_go_on(until):
                for key, _ in selector.select(LOOK_SECONDS):
                    if key.fd == self._requests:
                        pending = self._write(pending)
                    if not (pending if key.fd == self._requests else self._read(key.fd)):
                        selector.unregister(key.fd)
        # What was written before the end, or before the reply, is there by now.
        self._read(self._replies)
        self._read(self._output)
        line, end, rest = self._heard.partition(b"\n")
        if not end:
            return None
        self._heard = rest
        reply = _read_reply(line)
        if (
            reply is None
        ):  # the handler has written to the pipe: what comes next can not be told from it either
            self.kill()
            return None
        self._note_peak(reply.get("max_memory_mb"))
        return reply

    def said(self) -> str:
        """What the process has written since this was asked last."""
        text = self._said.decode(errors="replace")
        self._said.clear()
        return text

    def kill(self) -> None:
        """End the process and what it has started, at once."""
        with suppress(
            ProcessLookupError, PermissionError
        ):  # nobody is left; macOS refuses where all have ended
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """End the process, and take what it had written."""
        self.kill()
        self._read(self._output)
        for descriptor in (self._requests, self._replies, self._output):
            os.close(descriptor)
        self._close()

    def _may_go_on(self, until: float) -> bool:
        self._note_peak(peak_of(self._process.pid))
        return not self.exhausted and self._process.poll() is None and time.monotonic() < until

    def _note_peak(self, peak_mb: int | None) -> None:
        self.peak_mb = max(self.peak_mb or 0, peak_mb or 0) or None

    def _write(self, pending: memoryview) -> memoryview:
        try:
            return pending[os.write(self._requests, pending) :]
        except BrokenPipeError:  # nobody reads any more
            return pending[:0]

    def _read(self, descriptor: int) -> bool:
        """Whether there may be more to come."""
        try:
            text = os.read(descriptor, _READ_BYTES)
        except BlockingIOError:
            return True
        (self._said if descriptor == self._output else self._heard).extend(text)
        return bool(text)


def _read_reply(line: bytearray) -> dict[str, Any] | None:
    """What a line says; `None` when it is no JSON object."""
    try:
        reply = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return reply if isinstance(reply, dict) else None
