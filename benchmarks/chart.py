"""The results as a picture: one dot for each contestant, on a scale on which ten times is always equally far."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape

from benchmarks.results import Comparison, Results, Row
from benchmarks.tables import show_ratio

TITLES = (
    "record that the only route does not want",
    "record that none of 20 routes wants",
    "both images into a pydantic model",
    "both images into plain Python",
    "handler that does nothing, def",
    "import in a fresh interpreter",
    "cold start, from the process to the first response",
)
"""The workloads that are drawn."""
WIDTH, LINE, LABELS, MARGIN = 440, 20, 228, 38
SLOWER, FASTER = "#009485", "#e65100"
"""Both are read well on white and on black; the text has the colour of the page."""


LOOK = 'role="img" aria-labelledby="speed-title" font-family="sans-serif" font-size="12" fill="currentColor"'


def chart(results: Results) -> str:
    """An SVG that takes its colours of text from the page it stands in."""
    drawn = [found for found in results.comparisons if found.title.replace("`", "") in TITLES]
    ratios = [row.ratio for found in drawn for row in found.rows] or [1.0]
    low, high = math.floor(math.log10(min(ratios))), max(math.ceil(math.log10(max(ratios))), 1)
    lines = [line for found in drawn for line in _lines(found, low, high)]
    height = (len(lines) + 1) * LINE + 8
    parts = [line.format(y=(place + 1) * LINE) for place, line in enumerate(lines)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="diagram" viewBox="0 0 {WIDTH} {height}" {LOOK}>',
            '<title id="speed-title">Time as a multiple of Headwater\'s, on a logarithmic scale</title>',
            *_scale(low, high, height),
            *parts,
            "</svg>\n",
        ]
    )


def _scale(low: int, high: int, height: int) -> Iterator[str]:
    for power in range(low, high + 1):
        x = _x(10.0**power, low, high)
        look = 'stroke-width="1.5"' if power == 0 else 'stroke-width="0.5" stroke-opacity="0.35"'
        yield f'<path d="M{x} 6V{height - LINE}" stroke="currentColor" {look}/>'
        yield f'<text x="{x}" y="{height - 5}" text-anchor="middle" class="note">{_power(power)}</text>'


def _power(power: int) -> str:
    return f"x{10.0**power:,g}"


def _x(ratio: float, low: int, high: int) -> float:
    return round(LABELS + (math.log10(ratio) - low) / (high - low) * (WIDTH - LABELS - MARGIN), 1)


def _lines(comparison: Comparison, low: int, high: int) -> Iterator[str]:
    title = escape(comparison.title.replace("`", ""))
    yield f'<text x="0" y="{{y}}" class="head" font-weight="700">{title}</text>'
    for row in comparison.rows:
        yield _line(row, _x(row.ratio, low, high))


def _line(row: Row, x: float) -> str:
    name = escape(row.contestant.replace("`", ""))
    colour = FASTER if row.ratio < 1 else SLOWER
    fill = "none" if row.is_floor else colour
    return (
        f'<text x="8" y="{{y}}" class="note">{name}</text>'
        f'<circle cx="{x}" cy="{{y}}" r="4.5" transform="translate(0 -4)" fill="{fill}" stroke="{colour}" stroke-width="2"/>'
        f'<text x="{x + 9:g}" y="{{y}}" class="note">{show_ratio(row.ratio)}</text>'
    )
