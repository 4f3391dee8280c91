"""Times, shares and latencies, as they are written on the command line."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from random import Random
from typing import Final, NamedTuple, NoReturn, TypeAlias

_UNITS: Final = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_TIME: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(us|ms|s|m|h|d)")
_SIGMA: Final = 0.5

Draw: TypeAlias = Callable[[Random], float]


class QuantityError(ValueError):
    """A text is no such quantity; the message says how it is written."""


class Latency(NamedTuple):
    """How long a handler takes.

    Attributes:
        text: In words.
        draw: The seconds that one call takes.
    """

    text: str
    draw: Draw


def read_seconds(text: str) -> float:
    """A time: `20ms`, `1.5s`, `10m`, `1h`.

    Raises:
        QuantityError: When it is none.
    """
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise QuantityError(f"{text!r} is no time: write a number and its unit, as 20ms, 1.5s, 10m or 1h")
    return float(found[1]) * _UNITS[found[2]]


def read_share(text: str) -> float:
    """A share of all: `0.1%` or `0.001`.

    Raises:
        QuantityError: When it is none, or not between nothing and all.
    """
    number, percent = (text[:-1], 100.0) if text.endswith("%") else (text, 1.0)
    try:
        share = float(number) / percent
    except ValueError:
        share = math.nan
    if not 0.0 <= share <= 1.0:
        raise QuantityError(f"{text!r} is no share of all records: write a percentage as 0.1%, or 0.001")
    return share


def read_latency(text: str) -> Latency:
    """How long a handler takes: always the same time, or a distribution with its parameters.

    Args:
        text: `20ms`, `lognormal:20ms` or `lognormal:20ms,0.8` (median and sigma), `uniform:10ms-30ms`, or
            `exponential:20ms` (mean).

    Raises:
        QuantityError: When it is none.
    """
    name, colon, parameters = text.partition(":")
    try:
        if not colon:
            return _constant(read_seconds(text))
        match name:
            case "lognormal":
                return _lognormal(parameters)
            case "uniform":
                return _uniform(parameters)
            case "exponential":
                return _exponential(read_seconds(parameters))
    except QuantityError as error:
        raise QuantityError(f"the latency {text!r} is not understood: {error}") from None
    return _unknown(text)


def write_seconds(seconds: float) -> str:
    """A time for people, in three digits: `20 ms`, `1.5 s`, `10 min`, `1.5 h`."""
    if seconds < 1:
        return f"{seconds * 1_000:.3g} ms"
    if seconds < 120:  # noqa: PLR2004 - two minutes: what is longer is not told in seconds
        return f"{seconds:.3g} s"
    if seconds < 7_200:  # noqa: PLR2004 - two hours
        return f"{seconds / 60:.3g} min"
    return f"{seconds / 3_600:.3g} h"


def _unknown(text: str) -> NoReturn:
    raise QuantityError(
        f"the latency {text!r} is not understood: write 20ms, lognormal:20ms,0.8, uniform:10ms-30ms or exponential:20ms"
    )


def _constant(seconds: float) -> Latency:
    return Latency(write_seconds(seconds), lambda _rng: seconds)


def _lognormal(parameters: str) -> Latency:
    median_text, comma, sigma_text = parameters.partition(",")
    median = read_seconds(median_text)
    try:
        sigma = float(sigma_text) if comma else _SIGMA
    except ValueError:
        sigma = math.nan
    if not 0.0 <= sigma < math.inf:
        raise QuantityError(f"the sigma {sigma_text!r} is no number of 0 or more")
    if not median:
        raise QuantityError("a median of 0 has no logarithm")
    mu = math.log(median)
    text = f"log-normal, median {write_seconds(median)}, sigma {sigma:g}"
    return Latency(text, lambda rng: rng.lognormvariate(mu, sigma))


def _uniform(parameters: str) -> Latency:
    low_text, dash, high_text = parameters.partition("-")
    if not dash:
        raise QuantityError("it has a lowest and a highest time, as uniform:10ms-30ms")
    low, high = read_seconds(low_text), read_seconds(high_text)
    if low > high:
        raise QuantityError("the lowest time comes first")
    text = f"between {write_seconds(low)} and {write_seconds(high)}"
    return Latency(text, lambda rng: rng.uniform(low, high))


def _exponential(mean: float) -> Latency:
    return Latency(f"exponential, mean {write_seconds(mean)}", lambda rng: rng.expovariate(1.0) * mean)
