"""What Lambda charges for the invocations of a forecast."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

REQUEST_PRICE: Final = 0.20
"""Dollars for a million requests in us-east-1.

Source: [AWS Lambda pricing](https://aws.amazon.com/lambda/pricing/).
"""

GB_SECOND_PRICE: Final = 0.0000166667
"""Dollars for a GB-second in us-east-1, on x86, in the first tier.

Source: [AWS Lambda pricing](https://aws.amazon.com/lambda/pricing/).
"""

_MILLION: Final = 1_000_000
_MB_PER_GB: Final = 1_024


class Prices(NamedTuple):
    """What is charged, in dollars.

    Attributes:
        million_requests: For a million invocations.
        gb_second: For a second with a GB of memory.
    """

    million_requests: float = REQUEST_PRICE
    gb_second: float = GB_SECOND_PRICE


class Bill:
    """What is charged for invocations.

    Attributes:
        requests: How many there were.
        milliseconds: How long they took, each rounded up, and one at least.
    """

    def __init__(self, prices: Prices, memory: int) -> None:
        """Begin with nothing.

        Args:
            prices: What is charged.
            memory: Of the function, in MB.
        """
        self.requests = 0
        self.milliseconds = 0
        self._prices = prices
        self._memory = memory

    def add(self, seconds: float) -> None:
        """Add an invocation."""
        self.requests += 1
        # Times since 1970 are exact to a fraction of a microsecond, which is no millisecond more.
        self.milliseconds += max(math.ceil(round(seconds * 1_000, 2)), 1)

    @property
    def gb_seconds(self) -> float:
        """Seconds, each with a GB of memory."""
        return self.milliseconds / 1_000 * self._memory / _MB_PER_GB

    @property
    def dollars(self) -> float:
        """All of it."""
        requests = self.requests / _MILLION * self._prices.million_requests
        return requests + self.gb_seconds * self._prices.gb_second
