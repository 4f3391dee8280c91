"""The results as a picture: a dot for each contestant, on a scale on which ten times is always equally far."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape

from benchmarks.results import EVEN, Comparison, Results, Row
from benchmarks.tables import bare, show_ratio

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
WIDTH, LINE, LEFT, RIGHT = 440, 20, 222, 382
"""Of the picture and of its lines; where the scale begins and ends. Names stand left of it, figures right."""
POWERS = range(-1, 3)
"""Of ten, on the scale. A dot that would be beyond becomes an arrow at its end."""
SAME, SLOWER, FASTER = "currentColor", "#009485", "#e65100"
"""These are read well on white and on black; the first is the page's colour of text."""
LOOK = 'role="img" aria-labelledby="speed-title" font-family="sans-serif" font-size="12" fill="currentColor"'


def chart(results: Results) -> str:
    """An SVG that takes its colour of text from the page it stands in."""
    drawn = [found for found in results.comparisons if bare(found.title) in TITLES]
    parts: list[str] = []
    y = 0
    for comparison in drawn:
        parts += _group(comparison, y)
        y += LINE * (len(comparison.rows) + 1) + LINE // 2
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="diagram" viewBox="0 0 {WIDTH} {y + LINE}" {LOOK}>',
            '<title id="speed-title">Time as a multiple of Headwater\'s, on a logarithmic scale</title>',
            *parts,
            *(
                f'<text x="{_x(10.0**power)}" y="{y + 10}" text-anchor="middle" class="mid">{10.0**power:g}</text>'
                for power in POWERS
            ),
            "</svg>\n",
        ]
    )


def _group(comparison: Comparison, y: int) -> Iterator[str]:
    yield f'<text x="0" y="{y + 15}" class="head" font-weight="700">{escape(bare(comparison.title))}</text>'
    below = LINE * len(comparison.rows)
    for power in POWERS:
        look = 'stroke-width="1.5"' if power == 0 else 'stroke-width="0.5" stroke-opacity="0.5"'
        yield f'<path d="M{_x(10.0**power)} {y + LINE}v{below}" stroke="currentColor" {look}/>'
    for place, row in enumerate(comparison.rows, start=1):
        yield _line(row, y + LINE * place + LINE // 2)


def _line(row: Row, y: int) -> str:
    colour = SAME if row.ratio == 1 else FASTER if row.ratio <= 1 - EVEN else SLOWER
    fill = "none" if row.is_floor else colour
    return (
        f'<text x="8" y="{y + 4}" class="note">{escape(bare(row.contestant))}</text>'
        f'<path d="{_mark(row.ratio, y)}" fill="{fill}" stroke="{colour}" stroke-width="2"/>'
        f'<text x="{WIDTH}" y="{y + 4}" text-anchor="end" class="note">{show_ratio(row.ratio)}</text>'
    )


def _mark(ratio: float, y: int) -> str:
    x = _x(ratio)
    if x < LEFT:
        return f"M{LEFT} {y}l7-4v8z"
    if x > RIGHT:
        return f"M{RIGHT} {y}l-7-4v8z"
    return f"M{x} {y}m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z"


def _x(ratio: float) -> float:
    return round(LEFT + (math.log10(ratio) - POWERS[0]) / (len(POWERS) - 1) * (RIGHT - LEFT), 1)
