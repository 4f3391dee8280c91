"""Filter criteria: which records of a stream the function is given at all.

A mapping has up to ten patterns, each the text of a JSON object, and a record goes to the function when one of them fits.
How a pattern is read is in `patterns` and `operators`, what it asks in `criteria`, and how records answer in `matching`.

Lambda's documentation lists the operators `anything-but`, `equals-ignore-case`, `exists`, `numeric`, `prefix`, `suffix` and
`$or`, and plain values. It does not list `wildcard`, `prefix` and `suffix` of `equals-ignore-case`, nor `anything-but` of
`prefix`, `suffix`, `equals-ignore-case` or `wildcard`: those are read here as AWS's rule engine does, which EventBridge
runs. Whether Lambda takes them is seen when the mapping is made, and then as an error, never as a filter that means something
else. `cidr` is refused, since nothing documents how Lambda would read the addresses that people write into items.

Sources: [Control which events Lambda sends to your function](
https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html), [Using event filtering with a DynamoDB event
source](https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-filtering.html), and the rule engine itself, [Event Ruler](
https://github.com/aws/event-ruler).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from headwater.mapping.criteria import FilterError, Rule
from headwater.mapping.limits import FILTER_LIMIT
from headwater.mapping.matching import any_of, compile_rule
from headwater.mapping.patterns import read_pattern

__all__ = ["FilterError", "compile_filters"]


def compile_filters(patterns: Sequence[str]) -> Callable[[Mapping[str, Any]], bool]:
    """Read the patterns of a mapping.

    Args:
        patterns: The text of each, as in `FilterCriteria.Filters[].Pattern`. None of them lets every record through.

    Returns:
        Whether a record, in the form in which Lambda hands it to a function, fits one of the patterns. It raises for no
        record.

    Raises:
        FilterError: When Lambda would refuse a pattern, with the place in it and what to write instead.
    """
    if isinstance(patterns, str):
        raise FilterError("one text stands where a list of patterns is expected: write [pattern]")
    if len(patterns) > FILTER_LIMIT:
        raise FilterError(
            f"there are {len(patterns)} patterns, and a mapping has {FILTER_LIMIT} at most: "
            "write values that are alternatives into one list, or join patterns with $or"
        )
    if not patterns:
        return lambda _record: True
    asks = [compile_rule(rule) for index, text in enumerate(patterns) for rule in _rules(index, text)]
    return any_of(asks)


def _rules(index: int, text: str) -> Sequence[Rule]:
    try:
        return read_pattern(text)
    except FilterError as error:
        error.within("Filters", index)
        raise
