"""Conditions of templates: the parameters decide them, as in a deployment, or a sentence says which parameter is missing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.mapping.settings import EventSourceMapping, SettingsError
from headwater.mapping.templates import read_settings
from headwater.mapping.templates.conditions import decide
from headwater.mapping.templates.files import load
from headwater.mapping.templates.intrinsics import read_scope
from tests.parts.templates import faults, transformed

STREAM = "arn:aws:dynamodb:us-east-1:123456789012:table/Scores/stream/2026-11-21T00:00:00.000"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:discarded"

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file: text as it is, values as JSON."""

    def write_file(content: object, name: str = "template.yaml") -> Path:
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return write_file


def refusal(path: Path, **choice: Any) -> str:
    with pytest.raises(SettingsError) as refused:
        read_settings(path, **choice)
    return refused.value.message.removeprefix(str(path))


SAM = f"""
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Parameters:
  Stage: {{ Type: String }}
  Careful: {{ Type: String, Default: "true" }}
  Alarms: {{ Type: CommaDelimitedList, Default: "" }}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsTest: !Not [!Or [!Condition IsProd, !Equals [!Ref Stage, stage]]]
  IsCareful: !And [!Equals [!Ref Careful, true], !Not [{{ Condition: IsTest }}]]
  HasAlarms: !Not [!Equals [!Join ["", !Ref Alarms], ""]]
  IsEurope: !Equals [!Ref AWS::Region, eu-west-1]
Resources:
  Board:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: s3://bucket/key
      Runtime: python3.13
      Handler: app.handler
      Events:
        Changes:
          Type: DynamoDB
          Properties:
            Stream: {STREAM}
            StartingPosition: !If [IsTest, LATEST, TRIM_HORIZON]
            BatchSize: !If [IsProd, !If [IsCareful, 500, 1000], 1]
            BisectBatchOnFunctionError: !If [IsCareful, true, false]
            MaximumRetryAttempts: !If [IsTest, !Ref AWS::NoValue, 10]
            FunctionResponseTypes:
              - !If [IsTest, !Ref AWS::NoValue, ReportBatchItemFailures]
            FilterCriteria: !If
              - IsProd
              - Filters:
                  - Pattern: '{{"eventName": ["INSERT"]}}'
                  - !If [HasAlarms, {{ Pattern: '{{"eventName": ["REMOVE"]}}' }}, !Ref AWS::NoValue]
              - !Ref AWS::NoValue
            DestinationConfig:
              OnFailure:
                Type: SQS
                Destination: !If [IsTest, {QUEUE}-test, !GetAtt Discarded.Arn]
  European:
    Type: AWS::Serverless::Function
    Condition: IsEurope
    Properties:
      CodeUri: s3://bucket/key
      Runtime: python3.13
      Handler: app.handler
      Events:
        Changes:
          Type: DynamoDB
          Properties: {{ Stream: {STREAM}, StartingPosition: LATEST }}
  Discarded:
    Type: AWS::SQS::Queue
    UpdateReplacePolicy: Delete
    DeletionPolicy: Delete
"""
PROD = EventSourceMapping(
    event_source_arn=STREAM,
    function_name="Board",
    batch_size=500,
    bisect_batch_on_function_error=True,
    maximum_retry_attempts=10,
    function_response_types=("ReportBatchItemFailures",),
    filter_criteria=('{"eventName": ["INSERT"]}',),
    on_failure_destination="${Discarded.Arn}",
)
TEST = EventSourceMapping(
    event_source_arn=STREAM,
    function_name="Board",
    batch_size=1,
    starting_position="LATEST",
    on_failure_destination=f"{QUEUE}-test",
)
US = {"AWS::Region": "us-east-1"}


def test_the_template_has_no_fault(write: Write) -> None:
    """AWS's linter accepts what these tests read."""
    assert faults(write(SAM)) == []


@pytest.mark.parametrize(
    ("parameters", "settings"), [({"Stage": "prod"}, PROD), ({"Stage": "dev"}, TEST)], ids=["prod", "test"]
)
def test_parameters_decide(
    write: Write,
    monkeypatch: pytest.MonkeyPatch,
    parameters: Mapping[str, str],
    settings: EventSourceMapping,
) -> None:
    """Of numbers, lists, whole objects, and whether a function is there; what SAM makes of the template reads the same."""
    path = write(SAM)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    made = write(transformed(load(path)), "made.json")
    for file in (path, made):
        assert read_settings(file, parameters={**parameters, **US}) == settings


def test_the_values_given_come_before_the_defaults(write: Write) -> None:
    """And a list may be asked whether it is empty."""
    given = {"Stage": "prod", "Careful": "false", "Alarms": "a,b", **US}
    read = read_settings(write(SAM), parameters=given)
    assert (read.batch_size, read.bisect_batch_on_function_error) == (1000, False)
    assert read.filter_criteria == ('{"eventName": ["INSERT"]}', '{"eventName": ["REMOVE"]}')


def test_the_sentence_names_the_parameter_to_give(write: Write) -> None:
    """By which a setting, or whether there is a second mapping, is decided."""
    path = write(SAM)
    assert refusal(path, parameters=US) == (
        ", BoardChanges: StartingPosition is ${Fn::If IsTest}, and the template has no value for Stage, by which the "
        "condition IsTest is decided: give one for this parameter"
    )
    assert refusal(path, parameters={"Stage": "prod"}) == (
        ": it has 2 event source mappings of DynamoDB streams: BoardChanges (function Board), EuropeanChanges (function "
        "European): say which one is meant, by the name of the mapping or of its function, or give AWS::Region, by which "
        "their conditions are decided"
    )
    # What may be there and is asked for is read.
    assert read_settings(path, function="European").starting_position == "LATEST"


def test_what_conditions_leave_out_is_named(write: Write) -> None:
    """So that nobody looks for it."""
    path = write(SAM)
    left_out = (
        "and its conditions leave out EuropeanChanges (function European): give the parameters with which"
    )
    assert (
        ": it has no event source mapping of a DynamoDB stream of the function European: it has BoardChanges "
        f"(function Board), {left_out}" in refusal(path, function="European", parameters=US)
    )
    only = template({}, {"Never": {"Fn::Equals": ["a", "b"]}}, condition="Never")
    assert refusal(write(only)).startswith(
        ": it has no event source mapping of a DynamoDB stream, and its conditions leave out Map (function f): give"
    )


def template(
    mapping: Mapping[str, Any], conditions: Mapping[str, Any], *, condition: object = None
) -> dict[str, Any]:
    """A template with one mapping, `Map`."""
    resource = {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {"EventSourceArn": STREAM, "FunctionName": "f", **mapping},
        **({} if condition is None else {"Condition": condition}),
    }
    return {
        "Parameters": {"Stage": {"Type": "String"}, "Size": {"Type": "String", "Default": "big"}},
        "Conditions": conditions,
        "Resources": {"Map": resource},
    }


ASKS: list[Callable[[Any], dict[str, Any]]] = [
    lambda name: template({"BatchSize": {"Fn::If": [name, 1, 2]}}, {}),
    lambda name: template(
        {
            "DestinationConfig": {
                "OnFailure": {"Destination": {"Fn::If": [name, QUEUE, {"Ref": "AWS::NoValue"}]}}
            }
        },
        {},
    ),
    lambda name: template({}, {}, condition=name),
]


@pytest.mark.parametrize("ask", ASKS, ids=["number", "destination", "resource"])
@pytest.mark.parametrize(
    ("name", "conditions", "words"),
    [
        ("Big", {}, "Big}, and there is no condition Big: define it under Conditions"),
        ({"Ref": "Big"}, {}, "and there is no condition {'Ref': 'Big'}: define"),
        ("A", {"A": {"Condition": "B"}}, "A}, and there is no condition B: define"),
        (
            "A",
            {"A": {"Condition": "A"}},
            "A}, and the condition A asks for itself, by A, A: break the circle",
        ),
        (
            "A",
            {"A": {"Fn::Not": [{"Condition": "B"}]}, "B": {"Fn::Not": [{"Condition": "A"}]}},
            "A}, and the condition A asks for itself, by A, B, A: break the circle",
        ),
        (
            "A",
            {"A": {"Fn::Or": [True, {"Condition": "B"}]}},
            "A}, and there is no condition B: define it under Conditions",
        ),
        ("A", {"A": "true"}, "A}, and 'true' is no condition: Fn::Equals takes two texts"),
        ("A", {"A": {"Fn::Equals": ["a"]}}, "and {'Fn::Equals': ['a']} is no condition"),
        ("A", {"A": {"Fn::Equals": ["a", ["a"]]}}, "['a']]} is no condition"),
        ("A", {"A": {"Fn::Equals": ["a", {"x": 1}]}}, "is no condition"),
        ("A", {"A": {"Fn::Equals": [{"Ref": "AWS::NoValue"}, "a"]}}, "is no condition"),
        ("A", {"A": {"Fn::Equals": [{"Fn::If": ["B", "a", "b"]}, "a"]}, "B": True}, "is no condition"),
        ("A", {"A": {"Fn::Or": [True]}}, "is no condition"),
        ("A", {"A": {"Fn::And": [True] * 11}}, "is no condition"),
        ("A", {"A": {"Fn::Not": [{"Fn::Equals": "ab"}]}}, "and {'Fn::Equals': 'ab'} is no condition"),
        ("A", {"A": {"Fn::Not": [True], "Fn::And": [True, True]}}, "is no condition"),
        ("A", {"A": {"Condition": ["B"]}}, "is no condition"),
    ],
)
def test_what_is_no_condition_is_refused(
    write: Write,
    ask: Callable[[Any], dict[str, Any]],
    name: Any,
    conditions: Mapping[str, Any],
    words: str,
) -> None:
    """Where something that is read hangs on it."""
    path = write({**ask(name), "Conditions": conditions})
    sentence = refusal(path)
    assert sentence.startswith(", Map: ")
    assert words.replace("}, and", ", and") in sentence.replace("}, and", ", and")


def test_a_condition_that_nothing_hangs_on_may_be_anything(write: Write) -> None:
    """It is another template's fault, so to say."""
    assert read_settings(write(template({}, {"A": {"Condition": "A"}, "B": 7}))).batch_size == 100


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (["Big"], "BatchSize is ${Fn::If}, which takes the name of a condition and two values: write these"),
        ("Big", "BatchSize is ${Fn::If}, which takes"),
        (
            ["A", 1, 2],
            "BatchSize is ${Fn::If A}, and only a deployment decides the condition A: write one of its values there",
        ),
    ],
)
def test_an_if_that_can_not_be_read_is_refused(write: Write, value: object, words: str) -> None:
    """Because of its form, or because no parameter decides."""
    conditions = {"A": {"Fn::Equals": [{"Fn::Select": [0, ["a"]]}, "a"]}}
    assert words in refusal(write(template({"BatchSize": {"Fn::If": value}}, conditions)))


@pytest.mark.parametrize(
    ("left", "right", "equal"),
    [
        ("a", "a", True),
        ("a", "A", False),
        (1, "1", True),
        (True, "true", True),
        (False, "False", False),
        ("a ", "a", False),
        ({"Ref": "Size"}, "big", True),
        ({"Fn::Sub": "${Size}-x"}, "big-x", True),
        ({"Fn::FindInMap": ["M", {"Ref": "Size"}, "On"]}, "yes", True),
    ],
)
def test_equals_compares_texts(left: object, right: object, equal: bool) -> None:
    """As CloudFormation writes them; small letters are others than large ones."""
    written = {
        **template({}, {"A": {"Fn::Equals": [left, right]}}),
        "Mappings": {"M": {"big": {"On": "yes"}}},
    }
    assert read_scope(written, {}).conditions == {"A": equal}


STATES = {"T": True, "F": False, "U": None}
CONDITIONS = st.recursive(
    st.sampled_from(sorted(STATES)),
    lambda inner: (
        st.tuples(st.just("Not"), st.tuples(inner))
        | st.tuples(st.sampled_from(["And", "Or"]), st.lists(inner, min_size=2, max_size=4))
    ),
    max_leaves=8,
)


def written(condition: Any) -> Any:
    if isinstance(condition, str):
        return {"Condition": condition}
    function, parts = condition
    return {f"Fn::{function}": [written(part) for part in parts]}


def meaning(condition: Any, unknown: bool) -> bool:
    """What it comes to where `U` is one or the other."""
    if isinstance(condition, str):
        state = STATES[condition]
        return unknown if state is None else state
    function, parts = condition
    inner = [meaning(part, unknown) for part in parts]
    return {"Not": lambda: not inner[0], "And": lambda: all(inner), "Or": lambda: any(inner)}[function]()


@given(CONDITIONS)
def test_a_decision_holds_whatever_an_unknown_parameter_is(condition: Any) -> None:
    """And where none is made, the parameter is named that would make it."""
    read = template(
        {},
        {
            "T": {"Fn::Equals": ["a", "a"]},
            "F": {"Fn::Equals": ["a", "b"]},
            "U": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
            "Asked": written(condition),
        },
    )
    decision = read_scope(read, {}).conditions["Asked"]
    if isinstance(decision, bool):
        assert {meaning(condition, unknown=True), meaning(condition, unknown=False)} == {decision}
    else:
        assert decision == ("Asked", ("Stage",), "")
    for stage in ("prod", "dev"):
        known = read_scope(read, {"Stage": stage}).conditions["Asked"]
        assert known is meaning(condition, unknown=stage == "prod")


def test_each_condition_is_decided_once() -> None:
    """However often it is asked for."""
    asked: list[object] = []

    def resolve_once(value: object) -> object:
        asked.append(value)
        return value

    layers = {f"C{n}": {"Fn::And": [{"Condition": f"C{n + 1}"}] * 10} for n in range(30)}
    decided = decide({**layers, "C30": {"Fn::Equals": ["a", "a"]}}, resolve_once)
    assert asked == ["a", "a"]
    assert set(decided.values()) == {True}


def test_a_template_that_refers_to_itself_is_refused(write: Write) -> None:
    """By a parameter's default, or by thousands of conditions."""
    itself = template({"BatchSize": {"Ref": "Size"}}, {})
    itself["Parameters"]["Size"]["Default"] = {"Ref": "Size"}
    sentence = ": it is nested too deep, or something in it refers to itself"
    assert refusal(write(itself)) == sentence
    chain = {f"C{n}": {"Condition": f"C{n + 1}"} for n in range(10_000)}
    assert refusal(write(template({}, chain))) == sentence
