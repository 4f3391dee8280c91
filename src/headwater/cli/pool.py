"""As many environments as there are invocations at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from headwater.cli.environment import Environment, Reply
from headwater.cli.watch import Watch


class Pool:
    """Environments, made when they are needed. A pool can be asked from many threads at once."""

    def __init__(self, make: Callable[[], Environment], size: int) -> None:
        """Make a pool without environments.

        Args:
            make: Makes an environment.
            size: How many there may be; another invocation waits until one is free.
        """
        self._make = make
        self._free: list[Environment] = []
        self._all: list[Environment] = []
        self._slots = threading.BoundedSemaphore(size)
        self._lock = threading.Lock()
        self._watch = Watch()

    def invoke(self, event: Mapping[str, Any], request_id: str) -> Reply:
        """Call the function in an environment that is free; see `Environment`."""
        with self._slots:
            environment = self._take()
            try:
                reply = environment.invoke(event, request_id)
            finally:
                with self._lock:
                    self._free.append(environment)
        with self._lock:
            self._watch.follow(reply.files)
        return reply

    def reload_changed(self) -> list[str]:
        """Let all environments import the app's code anew where it has changed.

        Returns:
            The files that have changed since they were loaded, or since this was asked last.
        """
        with self._lock:
            changed = self._watch.changed()
        if changed:
            self.reload()
        return changed

    def reload(self) -> None:
        """Let all environments import the app's code anew."""
        with self._lock:
            environments = list(self._all)
        for environment in environments:
            environment.reload()

    def stop(self) -> None:
        """End all processes, also those that work. Nothing can be invoked any more."""
        with self._lock:
            environments = list(self._all)
        for environment in environments:
            environment.stop()

    def _take(self) -> Environment:
        with self._lock:
            if self._free:
                return self._free.pop()  # the one used last: its memory is warm
            environment = self._make()
            self._all.append(environment)
            return environment
