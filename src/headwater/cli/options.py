"""What commands are told, as the settings of a mapping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import typer

from headwater.mapping.filters import compile_filters
from headwater.mapping.limits import SettingsError
from headwater.mapping.settings import REPORTING, EventSourceMapping, StartingPosition
from headwater.mapping.templates import read_settings

FunctionOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="The function, where the file has several.")
]
MappingOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="The mapping, where the function has several.")
]
ParameterOption = Annotated[
    list[str] | None,
    typer.Option(
        "--parameter",
        metavar="NAME=VALUE",
        help="A value of a parameter of the template; may be given several times.",
    ),
]


class Overrides(NamedTuple):
    """Settings that are given one by one, and come before those of a file; `None` where one is not given."""

    batch_size: int | None = None
    maximum_batching_window_in_seconds: int | None = None
    parallelization_factor: int | None = None
    bisect_batch_on_function_error: bool | None = None
    maximum_retry_attempts: int | None = None
    maximum_record_age_in_seconds: int | None = None
    filter_criteria: Sequence[str] | None = None
    tumbling_window_in_seconds: int | None = None
    starting_position: StartingPosition | None = None


NOTHING_OVERRIDDEN: Final = Overrides()


def settings_of(
    file: Path | None,
    overrides: Overrides = NOTHING_OVERRIDDEN,
    *,
    function: str | None = None,
    mapping: str | None = None,
    parameters: Sequence[str] = (),
) -> EventSourceMapping:
    """The settings of the mapping.

    Args:
        file: A template, or a saved answer of AWS; without one AWS's defaults hold, but for what Headwater needs.
        overrides: What comes before it.
        function: Which function of the file is meant.
        mapping: Which mapping of the file is meant.
        parameters: Values of the template's parameters, each as `NAME=VALUE`.

    Raises:
        SettingsError: When the file can not be read, or AWS would refuse a value.
        FilterError: When AWS would refuse a filter pattern.
    """
    values = read_parameters(parameters)
    base = (
        REPORTING
        if file is None
        else read_settings(file, function=function, mapping=mapping, parameters=values)
    )
    given = {name: value for name, value in overrides._asdict().items() if value is not None}
    settings = replace(base, **given)
    compile_filters(settings.filter_criteria)
    return settings


def read_parameters(given: Sequence[str]) -> dict[str, str]:
    """Values of a template's parameters, by their names; of one that is given twice the last counts.

    Args:
        given: Each as `NAME=VALUE`; a value may be empty, and hold further equals signs.

    Raises:
        SettingsError: When one is written in another way.
    """
    values = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise SettingsError(f"--parameter {text!r} gives no value: write NAME=VALUE, as in Stage=prod")
        values[name] = value
    return values
