"""The settings of a mapping as AWS writes them: names in PascalCase, filters and the destination in objects."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Final

from headwater.mapping.limits import NUMBERS, SWITCHES, SettingsError

_PLAIN: Final = {
    **{number.parameter: field for field, number in NUMBERS.items()},
    **{parameter: field for field, parameter in SWITCHES.items()},
    "StartingPosition": "starting_position",
    "FunctionResponseTypes": "function_response_types",
    "EventSourceArn": "event_source_arn",
    "FunctionName": "function_name",
    "UUID": "uuid",
}
"""The fields whose values AWS writes as they are, by AWS's names."""

_NESTED: Final = ("DestinationConfig", "FilterCriteria")

_WITHOUT_EFFECT: Final = frozenset(
    {
        "EventSourceMappingArn",
        "FilterCriteriaError",
        "FunctionArn",
        "KMSKeyArn",
        "LastModified",
        "LastProcessingResult",
        "MetricsConfig",
        "ResponseMetadata",
        "State",
        "StateTransitionReason",
        "Tags",
    }
)
"""What does not concern the delivery, or is read by another name."""

_OF_OTHER_SOURCES: Final = frozenset(
    {
        "AmazonManagedKafkaEventSourceConfig",
        "DocumentDBEventSourceConfig",
        "LoggingConfig",
        "ProvisionedPollerConfig",
        "Queues",
        "ScalingConfig",
        "SelfManagedEventSource",
        "SelfManagedKafkaEventSourceConfig",
        "SourceAccessConfigurations",
        "StartingPositionTimestamp",
        "Topics",
    }
)
"""What AWS takes for queues, Kafka and others only."""

KNOWN: Final = frozenset({*_PLAIN, *_NESTED}) | _WITHOUT_EFFECT | _OF_OTHER_SOURCES
"""All names that AWS has in such a form."""


def read_form(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the settings that an AWS form gives.

    Args:
        answer: What `CreateEventSourceMapping` is given, or what `GetEventSourceMapping` answers.

    Returns:
        Values by the names of the fields. They are not checked.

    Raises:
        SettingsError: When there is a name that AWS does not know, or something that is not in its form.
    """
    given = {name: value for name, value in answer.items() if value is not None}
    _refuse_unknown(given)
    _refuse_hidden_filters(given, answer)
    fields = {field: given[name] for name, field in _PLAIN.items() if name in given}
    fields["filter_criteria"] = _read_filters(given)
    fields["on_failure_destination"] = _read_destination(given)
    if "FunctionName" not in given:
        fields["function_name"] = given.get("FunctionArn")
    if "Enabled" not in given:
        # Only a request says Enabled. An answer says what has become of it.
        fields["enabled"] = given.get("State") not in ("Disabled", "Disabling", "Deleting")
    return fields


def write_form(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What `read_form` reads.

    Args:
        fields: The values of the settings, by the names of their fields.

    Returns:
        The parameters of `CreateEventSourceMapping`.
    """
    form = {name: fields[field] for name, field in _PLAIN.items() if field != "uuid"}
    form["FunctionResponseTypes"] = list(fields["function_response_types"])
    if patterns := fields["filter_criteria"]:
        form["FilterCriteria"] = {"Filters": [{"Pattern": pattern} for pattern in patterns]}
    if destination := fields["on_failure_destination"]:
        form["DestinationConfig"] = {"OnFailure": {"Destination": destination}}
    return {name: value for name, value in form.items() if value is not None}


def _refuse_unknown(given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        if name in _OF_OTHER_SOURCES and value not in ("", [], {}):
            raise SettingsError(
                f"{name}={value!r}: AWS takes it for other event sources, not for a DynamoDB stream: leave it out"
            )
        if name not in KNOWN:
            raise SettingsError(f"{name}={value!r}: an event source mapping has no such setting{_hint(name)}")


def _refuse_hidden_filters(given: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
    """Refuse an answer that has filters and does not show them: without them, the function would be given every record."""
    if "FilterCriteriaError" in given:
        raise SettingsError(
            f"FilterCriteriaError={given['FilterCriteriaError']!r}: AWS could not decrypt the filters, so they are not "
            "in its answer: ask again with a role that may use the key"
        )
    # A request has no UUID: there, what is left out is not there.
    if (
        given.get("KMSKeyArn")
        and "FilterCriteria" not in given
        and ("FilterCriteria" in answer or "UUID" in given)
    ):
        raise SettingsError(
            f"FilterCriteria is not shown, though KMSKeyArn={given['KMSKeyArn']!r} may encrypt some, and "
            "ListEventSourceMappings leaves those out: ask with GetEventSourceMapping, in a role that may use the key, or "
            "set FilterCriteria to {'Filters': []} when there are none"
        )


def _hint(name: str) -> str:
    if name == "StreamViewType":
        return ": it belongs to the table, under StreamSpecification"
    known = {known.casefold(): known for known in (*_PLAIN, *_NESTED)}
    close = difflib.get_close_matches(name.casefold(), known, n=1)
    return f": did you mean {known[close[0]]}?" if close else ": leave it out"


def _read_filters(given: Mapping[str, Any]) -> tuple[Any, ...]:
    criteria = _object(given, "FilterCriteria", ("Filters",))
    filters = criteria.get("Filters", [])
    if not isinstance(filters, list | tuple):
        raise SettingsError(
            f"FilterCriteria.Filters={filters!r}: AWS takes a list of objects with a Pattern: give one"
        )
    return tuple(_read_pattern(one) for one in filters)


def _read_pattern(one: object) -> str:
    pattern = one.get("Pattern", "") if isinstance(one, Mapping) and {*one} <= {"Pattern"} else None
    if not isinstance(pattern, str):
        raise SettingsError(
            f"FilterCriteria.Filters has {one!r}: AWS takes objects with a Pattern, which is JSON in a text: "
            'write {"Pattern": "…"}, with the pattern in quotes'
        )
    return pattern


def _read_destination(given: Mapping[str, Any]) -> Any:
    config = _object(given, "DestinationConfig", ("OnFailure", "OnSuccess"))
    if _object(config, "OnSuccess", ("Destination",), "DestinationConfig.").get("Destination"):
        raise SettingsError(
            "DestinationConfig.OnSuccess: AWS takes it for asynchronous invocations, not for a stream: leave it out"
        )
    # An empty text is how a destination is taken away.
    return _object(config, "OnFailure", ("Destination",), "DestinationConfig.").get("Destination") or None


def _object(
    holder: Mapping[str, Any], name: str, known: tuple[str, ...], prefix: str = ""
) -> Mapping[str, Any]:
    value = holder.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not {*value} <= {*known}:
        raise SettingsError(
            f"{prefix}{name}={value!r}: AWS takes an object with {' and '.join(known)}: write it so"
        )
    return {key: inner for key, inner in value.items() if inner is not None}
