"""The results as a table: on the terminal, and in Markdown for the documentation."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table

from benchmarks.results import EVEN, Comparison, Results, Row, losses

FLOOR = "(floor)"
HEAD = f"""# Figures

What `make bench` has measured: times as multiples of the first row of each workload, so more than 1 is slower. {FLOOR} marks what does less
than is needed. The documentation's page on performance shows these tables with what they mean.
"""


def show_ratio(ratio: float) -> str:
    """A ratio in two decimals; a large one as a whole number, a small one in two digits."""
    if ratio >= 10:
        return f"{ratio:,.0f}"
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.2g}"


def bare(text: str) -> str:
    """A name without the marks of code."""
    return text.replace("`", "")


def show_versions(results: Results) -> str:
    """What was compared, in one line."""
    return ", ".join(f"{name} {number}" for name, number in results.versions.items())


def terminal(results: Results) -> Table:
    """One table of everything."""
    table = Table(title=show_versions(results), title_justify="left")
    table.add_column("workload")
    table.add_column("contestant")
    table.add_column("ratio", justify="right")
    for comparison in results.comparisons:
        for place, row in enumerate(comparison.rows):
            title = bare(comparison.title) if place == 0 else ""
            last = place == len(comparison.rows) - 1
            table.add_row(title, bare(_named(row)), show_ratio(row.ratio), end_section=last)
    table.caption = (
        f"ratio: to the first of the workload, so more than 1 is slower; {FLOOR}: does less than is needed"
    )
    return table


def markdown(results: Results) -> str:
    """A section for each family, which a page includes by the family's name; also `versions` and `losses`."""
    families = dict.fromkeys(comparison.family for comparison in results.comparisons)
    sections = {
        "versions": f"{show_versions(results)}. The best times of two turns differ by {results.noise:.0%} (median).",
        **{family: _table(c for c in results.comparisons if c.family == family) for family in families},
        "losses": _losses(results),
    }
    marked = (
        f"<!-- --8<-- [start:{name}] -->\n{text}\n<!-- --8<-- [end:{name}] -->\n"
        for name, text in sections.items()
    )
    return "\n".join((HEAD, *marked))


def _table(comparisons: Iterable[Comparison]) -> str:
    lines = ["| workload | who | ratio |", "|---|---|--:|"]
    for comparison in comparisons:
        titles = [comparison.title] + [""] * len(comparison.rows)
        lines += [
            f"| {title} | {_named(row)} | {show_ratio(row.ratio)} |"
            for title, row in zip(titles, comparison.rows, strict=False)
        ]
    return "\n".join(lines)


def _losses(results: Results) -> str:
    found = losses(results)
    if not found:
        return f"None needs at least {EVEN:.0%} less."
    lines = [
        f"| {comparison.title} | {row.contestant} | {show_ratio(row.ratio)} |" for comparison, row in found
    ]
    head = [f"Rows with at least {EVEN:.0%} less:", "", "| workload | who | ratio |", "|---|---|--:|"]
    return "\n".join([*head, *lines])


def _named(row: Row) -> str:
    return f"{row.contestant} {FLOOR}" if row.is_floor else row.contestant
