"""Conditions against noise: changes that are no news, or that the handler has made itself."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from headwater.attributes import Attr
from headwater.conditions import Condition
from headwater.errors import DeclarationError
from headwater.kinds import Anything
from headwater.paths import format_path
from headwater.places import read_paths
from headwater.questions import OnlyChanged


def only_changed(names: str | Collection[str]) -> Condition[Anything]:
    """A modification that changed nothing but these attributes. Insertions and removals are never that.

    Args:
        names: Attribute names or paths; a change below a path belongs to it.

    Raises:
        DeclarationError: When there are none, or one is no path.
    """
    return OnlyChanged(tuple(sorted(set(read_paths(names, "only_changed")), key=format_path)))


def loop_guard(*, writes: str | Collection[str] = (), marker: str | None = None) -> Condition[Anything]:
    """A change that a handler which writes to its own table has not made itself, to be its `when=`.

    Without one such a handler calls itself for ever, and Lambda does not notice: its detection of recursive loops does not
    see DynamoDB ([Lambda developer guide](https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html)).

    Args:
        writes: The attributes that the handler writes: a modification of nothing else counts as its own.
        marker: An attribute that the handler, and nobody else, gives a *new* value with each of its writes, such as the
            `event_id` of the record: a change that brings one counts as its own.

    Raises:
        DeclarationError: When neither is given, or one is no path.
    """
    if not writes and marker is None:
        raise DeclarationError(
            "loop_guard knows no change by neither writes nor marker, so the loop would stay: "
            "name the attributes that the handler writes, as in loop_guard(writes={'Summary'})"
        )
    own: list[Condition[Any]] = [only_changed(writes)] if writes else []
    if marker is not None:
        own.append(Attr(marker).new.exists() & Attr(marker).changed())
    return ~own[0] if len(own) == 1 else ~(own[0] | own[1])
