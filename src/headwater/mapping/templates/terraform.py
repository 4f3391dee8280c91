"""The mappings of a Terraform plan or state, as `terraform show -json` prints it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from headwater.mapping.limits import NUMBERS, SWITCHES
from headwater.mapping.templates.candidates import Candidate, function_names
from headwater.mapping.templates.nodes import objects, section
from headwater.mapping.templates.unresolved import Unresolved

_TYPE: Final = "aws_lambda_event_source_mapping"
_INDEX: Final = re.compile(r'\[(?:"[^"]*"|[0-9]+)\]')
_PLAIN: Final = {
    **{field: number.parameter for field, number in NUMBERS.items()},
    **SWITCHES,
    "event_source_arn": "EventSourceArn",
    "function_name": "FunctionName",
    "function_response_types": "FunctionResponseTypes",
    "starting_position": "StartingPosition",
    "uuid": "UUID",
}
_COMPUTED: Final = (
    "maximum_record_age_in_seconds",
    "maximum_retry_attempts",
    "parallelization_factor",
    "uuid",
)
"""What a plan calls unknown when nothing is said of it, so that it has AWS's default."""


def read_plan(plan: Mapping[str, Any]) -> Iterator[Candidate]:
    """The mappings of a plan or state.

    Args:
        plan: What `terraform show -json` prints.

    Yields:
        Each mapping, called by its address.
    """
    values = section(plan, "planned_values") or section(plan, "values")
    configuration = section(section(plan, "configuration"), "root_module")
    unknown = {
        str(change.get("address")): section(section(change, "change"), "after_unknown")
        for change in objects(plan, "resource_changes")
    }
    for resource in _resources(section(values, "root_module")):
        if resource.get("type") == _TYPE and resource.get("mode", "managed") == "managed":
            address = str(resource.get("address"))
            yield _candidate(
                address, resource, section(unknown, address), _expressions(configuration, address)
            )


def _resources(module: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from objects(module, "resources")
    for child in objects(module, "child_modules"):
        yield from _resources(child)


def _expressions(module: Mapping[str, Any], address: str) -> Mapping[str, Any]:
    """What the configuration says of a resource. An address has an index where there are several."""
    match _INDEX.sub("", address).split("."):
        case ["module", name, *rest]:
            call = section(section(module, "module_calls"), name)
            return _expressions(section(call, "module"), ".".join(rest))
        case parts:
            resources = {str(one.get("address")): one for one in objects(module, "resources")}
            return section(section(resources, ".".join(parts)), "expressions")


def _candidate(
    address: str, resource: Mapping[str, Any], unknown: Mapping[str, Any], said: Mapping[str, Any]
) -> Candidate:
    values = {**section(resource, "values")}
    for name in _PLAIN:
        if unknown.get(name) is True and name not in _COMPUTED:
            values[name] = _unresolved(said.get(name))
    form = {aws: values[name] for name, aws in _PLAIN.items() if values.get(name) not in (None, "")}
    form["FilterCriteria"] = _filters(values, unknown)
    form["DestinationConfig"] = {"OnFailure": {"Destination": _destination(values, unknown, said)}}
    names = (address, str(resource.get("name")))
    return Candidate(names, _functions(form.get("FunctionName")), form, _is_of_dynamodb(form, values))


def _filters(values: Mapping[str, Any], unknown: Mapping[str, Any]) -> Any:
    if _has_unknown(unknown.get("filter_criteria")):
        return _unresolved(None)
    criteria = _block(values, "filter_criteria")
    return {"Filters": [{"Pattern": one.get("pattern") or ""} for one in objects(criteria, "filter")]}


def _destination(values: Mapping[str, Any], unknown: Mapping[str, Any], said: Mapping[str, Any]) -> Any:
    if _has_unknown(unknown.get("destination_config")):
        expression = _block(_block(said, "destination_config"), "on_failure").get("destination_arn")
        return _unresolved(expression)
    return _block(_block(values, "destination_config"), "on_failure").get("destination_arn")


def _block(holder: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A nested block, which Terraform has in a list of at most one."""
    blocks = objects(holder, name)
    return blocks[0] if blocks else {}


def _has_unknown(marks: Any) -> bool:
    if isinstance(marks, Mapping):
        return any(map(_has_unknown, marks.values()))
    return any(map(_has_unknown, marks)) if isinstance(marks, list) else marks is True


def _unresolved(expression: Any) -> Unresolved:
    match expression:
        case {"references": [reference, *_]}:
            return Unresolved(f"${{{reference}}}")
    return Unresolved("${known after apply}")


def _functions(function: Any) -> tuple[str, ...]:
    if not isinstance(function, Unresolved):
        return function_names(function) if isinstance(function, str) else ()
    # As in ${aws_lambda_function.leaderboard.arn}.
    address = _INDEX.sub("", function.text[2:-1]).rpartition(".")[0]
    return tuple(filter(None, (address.rpartition(".")[2], address, function.text)))


def _is_of_dynamodb(form: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    source = form.get("EventSourceArn")
    if isinstance(source, str):
        return ":dynamodb:" in source
    if not isinstance(source, Unresolved):
        return False
    resource = source.text[2:].removeprefix("data.").partition(".")[0]
    if resource.startswith("aws_"):
        return resource.startswith("aws_dynamodb_")
    # A variable or the output of a module: a stream has a starting position, and so has Kafka, with its topics.
    return bool(values.get("starting_position")) and not values.get("topics")
