"""Numbers as the rule engine compares them: as IEEE doubles, and only where a double holds the number as it is written."""

from __future__ import annotations

import math
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal
from typing import Any

_EXACT = Context(prec=5_000, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])


def read_number(text: str) -> Decimal:
    """A number of a pattern, exactly as it is written; what is beyond all bounds becomes infinite."""
    return _EXACT.create_decimal(text)


def double_of(value: Any) -> float | None:
    """The double that a number is.

    Args:
        value: A number of a pattern or of a record; anything else is allowed too.

    Returns:
        `None` when it is no number, or one that no double holds: `9007199254740993` is not `9007199254740992.0`.
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    try:
        double = float(value)
    except OverflowError:
        return None
    return double if math.isfinite(double) and Decimal(repr(double)) == value else None
