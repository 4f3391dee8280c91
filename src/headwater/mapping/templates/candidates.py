"""The mappings that a file has, and the one that is meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from headwater.mapping.limits import NUMBERS, SWITCHES
from headwater.mapping.settings import EventSourceMapping, SettingsError
from headwater.mapping.templates.conditions import Decision
from headwater.mapping.templates.unresolved import Unresolved

_NUMBERS: Final = {number.parameter for number in NUMBERS.values()}
_SWITCHES: Final = {*SWITCHES.values()}
_WHOLE: Final = re.compile(r"[+-]?[0-9]+")
_MAY_BE_UNRESOLVED: Final = (
    ("EventSourceArn",),
    ("FunctionName",),
    ("DestinationConfig", "OnFailure", "Destination"),
)


class Candidate(NamedTuple):
    """A mapping in a file.

    Attributes:
        names: What it is called in the file. The first one is shown.
        functions: What its function is called there. The first one is shown.
        form: Its settings in AWS's form, as far as the file says them.
        of_dynamodb: Whether its source is a DynamoDB stream, as far as can be told.
        condition: Whether it is made at all.
    """

    names: tuple[str, ...]
    functions: tuple[str, ...]
    form: Mapping[str, Any]
    of_dynamodb: bool
    condition: Decision = True

    def __str__(self) -> str:
        return f"{self.names[0]} (function {self.functions[0]})" if self.functions else self.names[0]


def function_names(name: str) -> tuple[str, ...]:
    """What a function can be called by, given its name or ARN, with or without a version or alias.

    Args:
        name: As in the FunctionName of a mapping.

    Returns:
        The name alone, the name with its version or alias, and what was given.
    """
    full = name.rpartition(":function:")[2] if name.startswith("arn:") else name
    return tuple(dict.fromkeys((full.partition(":")[0] if "$" not in full else full, full, name)))


def choose(candidates: Iterable[Candidate], *, function: str | None, mapping: str | None) -> Candidate:
    """Find the mapping that is meant.

    Args:
        candidates: All mappings of the file.
        function: A name of its function, where one was given.
        mapping: A name of its own, where one was given.

    Returns:
        The only one of a DynamoDB stream that has these names, and whose condition is not false.

    Raises:
        SettingsError: When there is none, or more than one.
    """
    everything = list(candidates)
    of_dynamodb = [candidate for candidate in everything if candidate.of_dynamodb]
    made = [candidate for candidate in of_dynamodb if candidate.condition is not False]
    found = [
        candidate
        for candidate in made
        if mapping in (None, *candidate.names) and function in (None, *candidate.functions)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise SettingsError(
            f"it has {len(found)} event source mappings of DynamoDB streams: {_listed(found)}: say which one is meant, "
            f"by the name of the mapping or of its function{_deciding(found)}"
        )
    if len(made) < len(of_dynamodb):
        left_out = [candidate for candidate in of_dynamodb if candidate.condition is False]
        raise SettingsError(
            f"{_none_of(mapping, function, made)}, and its conditions leave out {_listed(left_out)}: give the parameters "
            "with which it is deployed"
        )
    others = f", only of other sources: {_listed(everything)}" if everything and not made else ""
    raise SettingsError(_none_of(mapping, function, made) + others)


def settings_of(candidate: Candidate) -> EventSourceMapping:
    """Make settings of a mapping in a file.

    Args:
        candidate: The mapping.

    Returns:
        Its settings. Numbers and booleans may be written as text, as CloudFormation takes them.

    Raises:
        SettingsError: When AWS would refuse them, or the file does not say them.
    """
    condition = candidate.condition
    if isinstance(condition, Unresolved) and condition.refusal:
        raise SettingsError(f"Condition is {condition.text}, {condition.refusal}")
    return EventSourceMapping.from_aws(
        {name: _typed(name, _settled(value, (name,))) for name, value in candidate.form.items()}
    )


def check_parameters(given: Mapping[str, str], declared: Iterable[str]) -> None:
    """Refuse a value for a parameter that is not there.

    Args:
        given: Values by the names of parameters.
        declared: The parameters that there are.

    Raises:
        SettingsError: When a name is not among them.
    """
    known = [*declared]
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1) or known
            listed = f": it has {', '.join(close)}" if close else ""
            raise SettingsError(f"it has no parameter {name}{listed}")


def _none_of(mapping: str | None, function: str | None, made: Sequence[Candidate]) -> str:
    if not made:
        return "it has no event source mapping of a DynamoDB stream"
    given = [f"{what} {name}" for what, name in (("called", mapping), ("of the function", function)) if name]
    return (
        f"it has no event source mapping of a DynamoDB stream {' and '.join(given)}: it has {_listed(made)}"
    )


def _deciding(found: Sequence[Candidate]) -> str:
    conditions = [one.condition for one in found if isinstance(one.condition, Unresolved)]
    names = dict.fromkeys(name for condition in conditions for name in condition.parameters)
    return f", or give {' and '.join(names)}, by which their conditions are decided" if names else ""


def _listed(candidates: Sequence[Candidate]) -> str:
    return ", ".join(map(str, candidates))


def _settled(value: Any, path: tuple[str, ...]) -> Any:
    """The value without anything unresolved in it, but where a text can stand for it."""
    if isinstance(value, Unresolved):
        if path in _MAY_BE_UNRESOLVED and not value.refusal:
            return value.text
        raise SettingsError(f"{'.'.join(path)} is {value.text}{_why(value)}")
    if isinstance(value, Mapping):
        return {name: _settled(inner, (*path, name)) for name, inner in value.items()}
    if isinstance(value, list):
        return [_settled(inner, path) for inner in value if inner is not None]
    return value


def _why(value: Unresolved) -> str:
    if value.refusal:
        return f", {value.refusal}"
    if not value.parameters:
        return (
            ", which only a deployment knows: write the value there, or save what `aws lambda get-event-source-mapping` "
            "answers, and read that"
        )
    names = " and ".join(dict.fromkeys(value.parameters))
    return f", and the template has no value for {names}: give one for this parameter"


def _typed(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = value.strip()
    if name in _NUMBERS and _WHOLE.fullmatch(text):
        return int(text)
    if name in _SWITCHES and text.casefold() in ("true", "false"):
        return text.casefold() == "true"
    return value
