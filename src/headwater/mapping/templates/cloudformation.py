"""The mappings of a CloudFormation template, be it written, made by CDK, or made of SAM."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from headwater.mapping.templates.candidates import Candidate, function_names
from headwater.mapping.templates.conditions import Decision, ask
from headwater.mapping.templates.intrinsics import Scope, read_scope, resolve
from headwater.mapping.templates.nodes import section
from headwater.mapping.templates.sam import read_events
from headwater.mapping.templates.unresolved import Unresolved, as_text, join

_OF_A_RESOURCE: Final = re.compile(r"\$\{(\w+)(?:\.([\w.]+))?\}")
_OF_A_FUNCTION: Final = re.compile(r"\$\{(\w+)(?:\.Arn)?\}(?::(.+))?")
_WITHOUT_EFFECT: Final = ("KmsKeyArn", "LoggingConfig", "MetricsConfig", "Tags")
_FIFO: Final = {"AWS::SQS::Queue": "FifoQueue", "AWS::SNS::Topic": "FifoTopic", "AWS::S3::Bucket": ""}


class Stack(NamedTuple):
    """A template.

    Attributes:
        resources: By their logical ids.
        scope: What its functions refer to.
    """

    resources: Mapping[str, Mapping[str, Any]]
    scope: Scope

    def kind(self, logical_id: str) -> str:
        """The type of a resource; empty when there is no such resource."""
        return str(self.resources.get(logical_id, {}).get("Type", ""))

    def properties(self, logical_id: str) -> Mapping[str, Any]:
        """The properties of a resource, as they are written."""
        return section(self.resources[logical_id], "Properties")

    def condition(self, logical_id: str) -> Decision:
        """Whether a resource is made."""
        resource = self.resources[logical_id]
        return ask(self.scope.conditions, resource["Condition"]) if "Condition" in resource else True


def read_template(template: Mapping[str, Any], given: Mapping[str, str]) -> Iterator[Candidate]:
    """The mappings of a template.

    Args:
        template: Of CloudFormation or SAM.
        given: Values of its parameters.

    Yields:
        Each mapping, whatever its source and its condition are.

    Raises:
        SettingsError: When there is no such parameter.
    """
    resources = {name: one for name, one in template["Resources"].items() if isinstance(one, Mapping)}
    stack = Stack(resources, read_scope(template, given))
    common = section(section(template, "Globals"), "Function")
    for logical_id, resource in resources.items():
        if stack.kind(logical_id) == "AWS::Lambda::EventSourceMapping":
            form = _form(stack.properties(logical_id), stack)
            found = _candidate((logical_id,), form, stack, of_dynamodb=_is_of_dynamodb(form, stack))
            yield found._replace(condition=stack.condition(logical_id))
        elif stack.kind(logical_id) == "AWS::Serverless::Function":
            # Its events are made on its condition. SAM does not look at one that an event itself has.
            condition = stack.condition(logical_id)
            for event in read_events(logical_id, resource, common):
                form = _form(event.properties, stack)
                found = _candidate(event.names, form, stack, of_dynamodb=event.of_dynamodb)
                yield found._replace(condition=condition)


def _form(properties: Mapping[str, Any], stack: Stack) -> dict[str, Any]:
    form = {
        name: resolve(value, stack.scope) for name, value in properties.items() if name not in _WITHOUT_EFFECT
    }
    match form.get("DestinationConfig"):
        case {"OnFailure": {"Destination": Unresolved() as destination}}:
            checked = {"Destination": _checked(destination, stack)}
            form["DestinationConfig"] = {**form["DestinationConfig"], "OnFailure": checked}
    return form


def _candidate(names: tuple[str, ...], form: dict[str, Any], stack: Stack, *, of_dynamodb: bool) -> Candidate:
    function, called = _function(form.get("FunctionName"), stack)
    return Candidate(names, called, {**form, "FunctionName": function}, of_dynamodb)


def _function(name: Any, stack: Stack) -> tuple[Any, tuple[str, ...]]:
    """The name of a function as text, as far as there is one, and all that it is called."""
    if isinstance(name, str):
        return name, function_names(name)
    if not isinstance(name, Unresolved):
        return name, ()
    match = _OF_A_FUNCTION.fullmatch(name.text)
    if match is None or not stack.kind(match[1]):
        return name, (name.text,)
    logical_id, qualifier = match.groups()
    properties = stack.properties(logical_id)
    if stack.kind(logical_id) in ("AWS::Lambda::Alias", "AWS::Lambda::Version"):
        inner, called = _function(resolve(properties.get("FunctionName"), stack.scope), stack)
        qualifier = resolve(properties.get("Name"), stack.scope)  # a version has none until it is deployed
    else:
        inner = resolve(properties.get("FunctionName", logical_id), stack.scope)
        called = (logical_id, *(function_names(inner) if isinstance(inner, str) else ()))
    return (join(":", [inner, qualifier]) if qualifier else inner), tuple(dict.fromkeys(called))


def _is_of_dynamodb(form: Mapping[str, Any], stack: Stack) -> bool:
    source = form.get("EventSourceArn")
    text = source.text if isinstance(source, Unresolved) else str(source or "")
    if text.startswith("arn:"):
        return ":dynamodb:" in text
    match = _OF_A_RESOURCE.fullmatch(text)
    kind = stack.kind(match[1]) if match else ""
    if match and kind.startswith("AWS::") and kind != "AWS::CloudFormation::Stack":
        return match[2] == "StreamArn"
    # A parameter, or what another stack exports: a stream has a starting position, and so has Kafka, with its topics.
    return bool(text) and "StartingPosition" in form and "Topics" not in form


def _checked(destination: Unresolved, stack: Stack) -> Unresolved:
    """The destination, refused when the template itself says that Lambda could not use it."""
    match = _OF_A_RESOURCE.fullmatch(destination.text)
    kind = stack.kind(match[1]) if match else ""
    if match is None or not kind.startswith("AWS::") or kind == "AWS::CloudFormation::Stack":
        return destination
    if kind not in _FIFO:
        return destination._replace(
            refusal=f"of the type {kind}: Lambda takes a standard SQS queue, a standard SNS topic or an S3 bucket"
        )
    if as_text(stack.properties(match[1]).get(_FIFO[kind], False)) == "true":
        return destination._replace(refusal="which is FIFO: Lambda takes a standard queue or topic: give one")
    if match[2] is None and kind != "AWS::SNS::Topic":
        return destination._replace(
            refusal=f"which is no ARN: Lambda takes the ARN: write !GetAtt {match[1]}.Arn"
        )
    return destination
