"""The time that Lambda leaves an invocation: until when records may start, and until when they are waited for.

A function that runs out of time is stopped by Lambda without an answer, so the whole batch is delivered again. Answering
in time keeps what is done.
"""

from __future__ import annotations

import math
import time
from typing import Any, Final

MARGIN_SECONDS: Final = 1.0
"""What is kept for the ledger and the answer, unless the app says otherwise."""

_DECAY: Final = 0.5  # by each invocation: one slow record long ago is not to shorten all batches to come


class Pace:
    """How long the slowest record took, as far as that is remembered from one invocation to the next."""

    __slots__ = ("slowest",)

    def __init__(self) -> None:
        self.slowest = 0.0

    def note(self, seconds: float) -> None:
        """Remember how long a record took."""
        self.slowest = max(self.slowest, seconds)

    def relax(self) -> None:
        """Trust an old record less: called once for each invocation."""
        self.slowest *= _DECAY


class Deadline:
    """When an invocation has to stop. No record starts that might not end in time, as far as `pace` tells."""

    __slots__ = ("_began", "_pace", "_wait_until", "grace")

    def __init__(self, remaining: float | None, margin: float, pace: Pace) -> None:
        """Start the clock.

        Args:
            remaining: Seconds until Lambda stops the invocation; `None` when nothing does.
            margin: Seconds to keep for the answer; at most half of what remains is kept.
            pace: How long records take.
        """
        self._began = time.monotonic()
        self._pace = pace
        kept = margin if remaining is None else min(margin, remaining / 2)
        self.grace: Final = kept / 2
        """Seconds for what is stopped to come to its end."""
        self._wait_until = math.inf if remaining is None else self._began + remaining - kept

    def may_start(self) -> bool:
        """Whether one more record is likely to end in time."""
        if self._wait_until == math.inf:
            return True
        # However slow one record was: the first half of the time is for starting records.
        reserve = min(self._pace.slowest, (self._wait_until - self._began) / 2)
        return time.monotonic() + reserve <= self._wait_until

    def note(self, seconds: float) -> None:
        """Remember how long a record took."""
        self._pace.note(seconds)

    def left(self) -> float | None:
        """Seconds for which running handlers are waited for; `None` without end."""
        return None if self._wait_until == math.inf else max(0.0, self._wait_until - time.monotonic())


def remaining_seconds(context: Any) -> float | None:
    """The time that Lambda leaves, from the context; `None` where there is no context, or none that tells.

    Source: [Using the Lambda context object](https://docs.aws.amazon.com/lambda/latest/dg/python-context.html).
    """
    if context is None:
        return None
    try:
        milliseconds = context.get_remaining_time_in_millis()
    except Exception:  # a double of a context
        return None
    if isinstance(milliseconds, bool) or not isinstance(milliseconds, int | float):
        return None
    return max(0.0, milliseconds / 1_000) if math.isfinite(milliseconds) else None
