"""The events of a SAM function, as the event source mappings that SAM makes of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from headwater.mapping.templates.nodes import section

_OTHER_SOURCES: Final = ("DocumentDB", "Kinesis", "MQ", "MSK", "SelfManagedKafka", "SQS")


class Event(NamedTuple):
    """An event of a SAM function that becomes an event source mapping.

    Attributes:
        names: The logical id of the mapping, and the name of the event.
        properties: Of the mapping, as CloudFormation has them.
        of_dynamodb: Whether its type is DynamoDB.
    """

    names: tuple[str, str]
    properties: Mapping[str, Any]
    of_dynamodb: bool


def read_events(logical_id: str, function: Mapping[str, Any], common: Mapping[str, Any]) -> Iterator[Event]:
    """The events of a function that become event source mappings.

    Args:
        logical_id: The function's.
        function: The resource.
        common: What the template's Globals say of functions. Events can not stand there.

    Yields:
        Each event, in the order of the template.
    """
    events = section(section(function, "Properties"), "Events")
    target = _target(logical_id, function, common)
    for name in events:
        event = section(events, name)
        kind = event.get("Type")
        if kind == "DynamoDB" or kind in _OTHER_SOURCES:
            made = _properties(section(event, "Properties")) if kind == "DynamoDB" else {}
            yield Event((f"{logical_id}{name}", name), {**made, "FunctionName": target}, kind == "DynamoDB")


def _target(logical_id: str, function: Mapping[str, Any], common: Mapping[str, Any]) -> Mapping[str, Any]:
    """The function itself, or the alias that SAM publishes it under."""
    ignored = function.get("IgnoreGlobals")
    ignores = ignored == "*" or (isinstance(ignored, list) and "AutoPublishAlias" in ignored)
    inherited = None if ignores else common.get("AutoPublishAlias")
    alias = section(function, "Properties").get("AutoPublishAlias", inherited)
    name = {"Ref": logical_id}
    return {"Fn::Join": [":", [name, alias]]} if alias else name


def _properties(event: Mapping[str, Any]) -> dict[str, Any]:
    made = {name: value for name, value in event.items() if name != "Stream"}
    if "Stream" in event:
        made["EventSourceArn"] = event["Stream"]
    match made.get("DestinationConfig"):
        case {"OnFailure": {"Type": _, **rest}}:
            # Only SAM reads the type, to give the function its rights.
            made["DestinationConfig"] = {**made["DestinationConfig"], "OnFailure": rest}
    return made
