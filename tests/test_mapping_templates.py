"""Settings read from the files that people have: templates that AWS's own judges accept, plans, saved answers."""

from __future__ import annotations

import codecs
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import event, given, settings
from hypothesis import strategies as st

from headwater.mapping.settings import EventSourceMapping, SettingsError
from headwater.mapping.templates import read_settings
from headwater.mapping.templates.files import load
from tests.parts.templates import faults, transformed

EXAMPLES = Path(__file__).parents[1] / "examples"
STREAM = "arn:aws:dynamodb:eu-west-1:123456789012:table/Scores/stream/2026-11-21T00:00:00.000"
OTHER_STREAM = STREAM.replace("Scores", "Others")
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:discarded"
FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function:leaderboard"
UUID = "6dc1b5e7-1c5b-4a3f-9d7e-0c0d1a2b3c4d"

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
    return refused.value.message


def template(mapping: Mapping[str, Any], **sections: Any) -> dict[str, Any]:
    """A template of CloudFormation with one mapping, `Map`."""
    resources = {
        "Map": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {"EventSourceArn": STREAM, "FunctionName": "leaderboard", **mapping},
        },
        **sections.pop("Resources", {}),
    }
    return {"Resources": resources, **sections}


SAM = """
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Parameters:
  BatchSize: { Type: Number, Default: 250 }
  Responses: { Type: CommaDelimitedList, Default: ReportBatchItemFailures }
  Stage: { Type: String, Default: dev }
Mappings:
  Stages:
    dev: { Retries: 3 }
    prod: { Retries: 30 }
Globals:
  Function:
    Runtime: python3.13
    Handler: app.lambda_handler
    CodeUri: s3://bucket/key
    Timeout: 60
    AutoPublishAlias: live
Resources:
  Scores:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{ AttributeName: UserId, AttributeType: S }]
      KeySchema: [{ AttributeName: UserId, KeyType: HASH }]
      StreamSpecification: { StreamViewType: NEW_AND_OLD_IMAGES }
  Leaderboard:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: !Sub "leaderboard-${Stage}"
      Events:
        Changes:
          Type: DynamoDB
          Properties:
            Stream: !GetAtt Scores.StreamArn
            StartingPosition: LATEST
            BatchSize: !Ref BatchSize
            MaximumBatchingWindowInSeconds: 5
            ParallelizationFactor: 10
            BisectBatchOnFunctionError: true
            MaximumRetryAttempts: !FindInMap [Stages, !Ref Stage, Retries]
            MaximumRecordAgeInSeconds: 3600
            TumblingWindowInSeconds: 0
            Enabled: false
            FunctionResponseTypes: !Ref Responses
            FilterCriteria:
              Filters:
                - Pattern: '{"eventName": ["INSERT"]}'
                - Pattern: !Sub '{"dynamodb": {"Keys": {"Stage": {"S": ["${Stage}"]}}}}'
            DestinationConfig:
              OnFailure: { Type: SQS, Destination: !GetAtt Discarded.Arn }
        Jobs:
          Type: SQS
          Properties: { Queue: !GetAtt Queue.Arn }
        Nightly:
          Type: Schedule
          Properties: { Schedule: rate(1 day) }
  Audit:
    Type: AWS::Serverless::Function
    IgnoreGlobals: [AutoPublishAlias]
    Properties:
      Events:
        Changes:
          Type: DynamoDB
          Properties:
            Stream: !GetAtt Scores.StreamArn
            StartingPosition: TRIM_HORIZON
  Unconnected:
    Type: AWS::Serverless::Function
    Properties: { Description: Nobody calls it }
  Discarded:
    Type: AWS::SQS::Queue
    UpdateReplacePolicy: Delete
    DeletionPolicy: Delete
  Queue:
    Type: AWS::SQS::Queue
    UpdateReplacePolicy: Delete
    DeletionPolicy: Delete
    Properties: { VisibilityTimeout: 360 }
"""
LEADERBOARD = EventSourceMapping(
    batch_size=250,
    maximum_batching_window_in_seconds=5,
    parallelization_factor=10,
    bisect_batch_on_function_error=True,
    maximum_retry_attempts=3,
    maximum_record_age_in_seconds=3600,
    starting_position="LATEST",
    function_response_types=("ReportBatchItemFailures",),
    filter_criteria=('{"eventName": ["INSERT"]}', '{"dynamodb": {"Keys": {"Stage": {"S": ["dev"]}}}}'),
    on_failure_destination="${Discarded.Arn}",
    enabled=False,
    event_source_arn="${Scores.StreamArn}",
    function_name="leaderboard-dev:live",
)


def translated(path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What SAM's own translator makes of a template."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return transformed(load(path))


def test_the_templates_here_have_no_fault(write: Write) -> None:
    """AWS's linter accepts what these tests read."""
    assert faults(write(SAM)) == []
    assert faults(write(CLOUDFORMATION, "template.json")) == []


def test_a_sam_template_is_read(write: Write) -> None:
    """With parameters, mappings, filters and a destination that it makes itself."""
    assert read_settings(write(SAM), function="Leaderboard") == LEADERBOARD


@pytest.mark.parametrize("function", ["Leaderboard", "Audit"])
def test_what_sam_makes_of_a_template_reads_as_the_template(
    write: Write, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    """SAM's translator decides; the event has the logical id that it gives."""
    path = write(SAM)
    made = write(translated(path, monkeypatch), "translated.json")
    assert read_settings(made, function=function) == read_settings(path, function=function)
    assert read_settings(made, mapping=f"{function}Changes") == read_settings(
        path, mapping=f"{function}Changes"
    )


@pytest.mark.parametrize("example", ["game_scores", "beside_powertools"])
def test_the_examples_are_read(example: str) -> None:
    """Their templates are as a user's are."""
    read = read_settings(EXAMPLES / example / "template.yaml")
    assert read.report_batch_item_failures
    assert read.bisect_batch_on_function_error
    assert read.maximum_retry_attempts == 10
    assert read.on_failure_destination == "${Discarded.Arn}"


@pytest.mark.parametrize(
    ("ignored", "name"),
    [("'*'", "Board"), ("[Timeout]", "Board:live"), ("[AutoPublishAlias]", "Board")],
)
def test_globals_give_the_alias(
    write: Write, monkeypatch: pytest.MonkeyPatch, ignored: str, name: str
) -> None:
    """Unless the function ignores them; SAM's translator agrees."""
    path = write(
        f"""
        Transform: AWS::Serverless-2016-10-31
        Globals: {{Function: {{AutoPublishAlias: live, Timeout: 3}}}}
        Resources:
          Board:
            Type: AWS::Serverless::Function
            IgnoreGlobals: {ignored}
            Properties:
              CodeUri: s3://bucket/key
              Runtime: python3.13
              Handler: app.handler
              Events:
                Changes: {{Type: DynamoDB, Properties: {{Stream: '{STREAM}', StartingPosition: LATEST}}}}
        """
    )
    assert read_settings(path).function_name == name
    assert read_settings(write(translated(path, monkeypatch), "made.json")).function_name == name


CLOUDFORMATION = {
    "AWSTemplateFormatVersion": "2010-09-09",
    "Parameters": {"Queue": {"Type": "String", "Default": "discarded"}},
    "Resources": {
        "ScoresMapping": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {
                "EventSourceArn": {"Fn::ImportValue": {"Fn::Sub": "${Queue}-Stream"}},
                "FunctionName": "leaderboard",
                "StartingPosition": "LATEST",
                "BatchSize": "10",
                "BisectBatchOnFunctionError": "true",
                "MaximumRetryAttempts": {"Ref": "AWS::NoValue"},
                "FunctionResponseTypes": ["ReportBatchItemFailures"],
                "KmsKeyArn": {"Fn::ImportValue": "KeyArn"},
                "MetricsConfig": {"Metrics": ["EventCount"]},
                "Tags": [{"Key": "team", "Value": {"Fn::ImportValue": "Team"}}],
                "DestinationConfig": {
                    "OnFailure": {
                        "Destination": {
                            "Fn::Join": [
                                ":",
                                [
                                    "arn",
                                    {"Ref": "AWS::Partition"},
                                    "sqs",
                                    {"Ref": "AWS::Region"},
                                    "123456789012",
                                    {"Ref": "Queue"},
                                ],
                            ]
                        }
                    }
                },
            },
        },
        "Jobs": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {"EventSourceArn": QUEUE, "FunctionName": "leaderboard"},
        },
    },
}


def test_a_cloudformation_template_is_read(write: Write) -> None:
    """Numbers and booleans may be text; a text that only a deployment knows is kept as far as it is known."""
    assert read_settings(write(CLOUDFORMATION, "template.json")) == EventSourceMapping(
        batch_size=10,
        bisect_batch_on_function_error=True,
        starting_position="LATEST",
        function_response_types=("ReportBatchItemFailures",),
        event_source_arn="${Fn::ImportValue discarded-Stream}",
        function_name="leaderboard",
        on_failure_destination="arn:${AWS::Partition}:sqs:${AWS::Region}:123456789012:discarded",
    )


def test_json_and_yaml_say_the_same(write: Write) -> None:
    """Of the same template."""
    assert read_settings(write(yaml.safe_dump(CLOUDFORMATION))) == read_settings(
        write(CLOUDFORMATION, "template.json")
    )


def test_what_cdk_synthesises_is_read(write: Write) -> None:
    """Logical ids with a hash, references to the table, the function and the queue, and rules nobody wrote."""
    synthesised = {
        "Resources": {
            "Scores8B1A": {
                "Type": "AWS::DynamoDB::Table",
                "Properties": {},
                "Metadata": {"aws:cdk:path": "S/Scores"},
            },
            "Discarded77C2": {"Type": "AWS::SQS::Queue", "DeletionPolicy": "Delete"},
            "Leaderboard5F00": {"Type": "AWS::Lambda::Function", "Properties": {"Handler": "app.handler"}},
            "LeaderboardDynamoDBEventSourceScores3D21": {
                "Type": "AWS::Lambda::EventSourceMapping",
                "Properties": {
                    "BatchSize": 100,
                    "DestinationConfig": {
                        "OnFailure": {"Destination": {"Fn::GetAtt": ["Discarded77C2", "Arn"]}}
                    },
                    "EventSourceArn": {"Fn::GetAtt": ["Scores8B1A", "StreamArn"]},
                    "FunctionName": {"Ref": "Leaderboard5F00"},
                    "StartingPosition": "TRIM_HORIZON",
                },
            },
        },
        "Parameters": {
            "BootstrapVersion": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/cdk/version"}
        },
        "Rules": {"CheckBootstrapVersion": {"Assertions": []}},
    }
    assert read_settings(
        write(synthesised, "S.template.json"), function="Leaderboard5F00"
    ) == EventSourceMapping(
        event_source_arn="${Scores8B1A.StreamArn}",
        function_name="Leaderboard5F00",
        on_failure_destination="${Discarded77C2.Arn}",
    )


def test_a_parameter_given_comes_before_its_default(write: Write) -> None:
    """As in a deployment."""
    given = {"BatchSize": "7", "Stage": "prod", "Responses": "ReportBatchItemFailures"}
    read = read_settings(write(SAM), function="Leaderboard", parameters=given)
    assert (read.batch_size, read.maximum_retry_attempts) == (7, 30)
    assert read.function_name == "leaderboard-prod:live"
    assert '"S": ["prod"]' in read.filter_criteria[1]


@given(st.integers(1, 10_000))
def test_a_number_of_a_parameter_is_a_number(tmp_path_factory: pytest.TempPathFactory, size: int) -> None:
    """Which comes as text from a command line, and from `Default` either way."""
    path = tmp_path_factory.mktemp("t") / "template.json"
    sections: dict[str, Any] = {"Parameters": {"Size": {"Type": "Number", "Default": size}}}
    path.write_text(json.dumps(template({"BatchSize": {"Ref": "Size"}}, **sections)))
    assert read_settings(path).batch_size == size
    assert read_settings(path, parameters={"Size": str(size)}).batch_size == size


@pytest.mark.parametrize(
    ("value", "parameters", "text"),
    [
        ({"Ref": "Arn"}, {"Arn": QUEUE}, QUEUE),
        ({"Ref": "Arn"}, {}, "${Arn}"),
        ({"Ref": "Imported"}, {}, "${Imported}"),
        ({"Fn::GetAtt": "Discarded.Arn"}, {}, "${Discarded.Arn}"),
        ({"Fn::GetAtt": ["Nested", "Outputs.Arn"]}, {}, "${Nested.Outputs.Arn}"),
        ({"Fn::GetAtt": ["Own", "Arn"]}, {}, "${Own.Arn}"),
        ({"Ref": "Topic"}, {}, "${Topic}"),
        ({"Fn::ImportValue": "Discarded"}, {}, "${Fn::ImportValue Discarded}"),
        ({"Fn::ImportValue": {"Fn::Sub": "${Arn}-x"}}, {}, "${Fn::ImportValue Arn-x}"),
        ({"Fn::Select": [0, ["a", "b"]]}, {}, "${Fn::Select 0, ['a', 'b']}"),
        ({"Fn::Join": ["-"]}, {}, "${Fn::Join -}"),
        ({"Fn::Join": ["-", {"Ref": "Arn"}]}, {}, "${Fn::Join -, Arn}"),
        ({"Fn::FindInMap": ["Arns", {"Ref": "AWS::AccountId"}, "Queue"]}, {"AWS::AccountId": "123"}, QUEUE),
        ({"Fn::FindInMap": ["Arns", "9", "Queue"]}, {}, "${Fn::FindInMap Arns, 9, Queue}"),
        ({"Fn::FindInMap": ["Arns", {"Ref": "Arn"}, "Queue"]}, {}, "${Fn::FindInMap Arns, Arn, Queue}"),
        (
            {"Fn::Sub": "arn:aws:sqs:${AWS::Region}:123456789012:x"},
            {"AWS::Region": "eu-west-1"},
            "arn:aws:sqs:eu-west-1:123456789012:x",
        ),
        (
            {"Fn::Sub": ["arn:aws:sqs:r:123456789012:${ Name }", {"Name": "x"}]},
            {},
            "arn:aws:sqs:r:123456789012:x",
        ),
        ({"Fn::Sub": "${!Literal}"}, {}, "${Literal}"),
        ("{{resolve:ssm:/discarded/arn}}", {}, "${resolve:ssm:/discarded/arn}"),
        ({"Ref": "AWS::NoValue"}, {}, None),
    ],
)
def test_a_destination_is_resolved_as_far_as_it_can_be(
    write: Write, value: object, parameters: Mapping[str, str], text: str | None
) -> None:
    """What only a deployment knows is written as in `Fn::Sub`."""
    path = write(
        template(
            {"DestinationConfig": {"OnFailure": {"Destination": value}}},
            Parameters={
                "Arn": {"Type": "String"},
                "Imported": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/x"},
            },
            Mappings={"Arns": {"123": {"Queue": QUEUE}}},
            Resources={
                "Discarded": {"Type": "AWS::SQS::Queue"},
                "Topic": {"Type": "AWS::SNS::Topic"},
                "Nested": {"Type": "AWS::CloudFormation::Stack"},
                "Own": {"Type": "Custom::Queue"},
                "Fn::ForEach::Copies": ["Name", ["a"], {}],
            },
        )
    )
    assert read_settings(path, parameters=parameters).on_failure_destination == text


def test_a_map_may_have_numbers_for_names(write: Write) -> None:
    """To YAML the number of an account is a number, even one in octal digits. To CloudFormation it is a text."""
    path = write(
        f"""
        Mappings: {{Accounts: {{012345670123: &size {{Size: 7}}, 2: {{<<: *size}}}}}}
        Resources:
          Map:
            Type: AWS::Lambda::EventSourceMapping
            Properties:
              EventSourceArn: {STREAM}
              FunctionName: leaderboard
              BatchSize: !FindInMap [Accounts, !Ref AWS::AccountId, Size]
        """
    )
    for account in ("012345670123", "2"):
        assert read_settings(path, parameters={"AWS::AccountId": account}).batch_size == 7


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        (
            {"BatchSize": {"Ref": "Size"}},
            "BatchSize is ${Size}, and the template has no value for Size: give one",
        ),
        ({"BatchSize": {"Ref": "AWS::AccountId"}}, "no value for AWS::AccountId: give one"),
        (
            {"BatchSize": {"Fn::ImportValue": "X"}},
            "BatchSize is ${Fn::ImportValue X}, which only a deployment knows",
        ),
        (
            {"FilterCriteria": {"Filters": [{"Pattern": {"Fn::Sub": '{"a": ["${Stage}"]}'}}]}},
            'FilterCriteria.Filters.Pattern is {"a": ["${Stage}"]}, and the template has no value for Stage',
        ),
        ({"BatchSize": 0}, "BatchSize=0 is out of range"),
        ({"BatchSize": "many"}, "BatchSize='many' is no whole number"),
        ({"Enabled": "maybe"}, "Enabled='maybe': Lambda takes true or false"),
        ({"BatchSise": 1}, "did you mean BatchSize?"),
        (
            {"DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["Fifo", "Arn"]}}}},
            "Destination is ${Fifo.Arn}, which is FIFO",
        ),
        (
            {"DestinationConfig": {"OnFailure": {"Destination": {"Ref": "FifoTopic"}}}},
            "Destination is ${FifoTopic}, which is FIFO",
        ),
        (
            {"DestinationConfig": {"OnFailure": {"Destination": {"Ref": "Discarded"}}}},
            "Destination is ${Discarded}, which is no ARN: Lambda takes the ARN: write !GetAtt Discarded.Arn",
        ),
        (
            {"DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["Bus", "Arn"]}}}},
            "Destination is ${Bus.Arn}, of the type AWS::Events::EventBus: Lambda takes a standard SQS queue",
        ),
    ],
)
def test_what_a_template_does_not_say_or_aws_refuses(
    write: Write, mapping: Mapping[str, Any], words: str
) -> None:
    """In a sentence that starts with the file and the mapping."""
    path = write(
        template(
            mapping,
            Parameters={"Size": {"Type": "Number"}, "Stage": {"Type": "String"}},
            Resources={
                "Fifo": {"Type": "AWS::SQS::Queue", "Properties": {"FifoQueue": True}},
                "FifoTopic": {"Type": "AWS::SNS::Topic", "Properties": {"FifoTopic": "true"}},
                "Discarded": {"Type": "AWS::SQS::Queue"},
                "Bus": {"Type": "AWS::Events::EventBus"},
            },
        )
    )
    sentence = refusal(path)
    assert sentence.startswith(f"{path}, Map: ")
    assert words in sentence


def test_an_event_without_a_stream_is_read(write: Write) -> None:
    """Where it runs here, the stream is another one anyway."""
    path = write(SAM.replace("Stream: !GetAtt Scores.StreamArn", "", 1))
    assert read_settings(path, function="Leaderboard").event_source_arn is None


def test_a_view_type_in_an_event_is_refused(write: Write) -> None:
    """It belongs to the table; SAM refuses it too."""
    path = write(SAM.replace("StartingPosition: TRIM_HORIZON", "StreamViewType: NEW_IMAGE"))
    assert "it belongs to the table, under StreamSpecification" in refusal(path, function="Audit")


def test_two_functions_on_one_table_are_told_apart(write: Write) -> None:
    """By the function or the mapping; without either, both are listed."""
    path = write(SAM)
    assert refusal(path) == (
        f"{path}: it has 2 event source mappings of DynamoDB streams: LeaderboardChanges (function Leaderboard), "
        "AuditChanges (function Audit): say which one is meant, by the name of the mapping or of its function"
    )
    assert "it has 2 event source mappings" in refusal(path, mapping="Changes")
    assert read_settings(path, mapping="Changes", function="Audit").function_name == "Audit"
    assert read_settings(path, function="leaderboard-dev").function_name == "leaderboard-dev:live"


def test_a_choice_that_fits_nothing_lists_what_there_is(write: Write) -> None:
    """A function without mapping has none, and a queue's does not count."""
    path = write(SAM)
    assert (
        "no event source mapping of a DynamoDB stream of the function Unconnected: it has LeaderboardChanges"
        in (refusal(path, function="Unconnected"))
    )
    assert "called Jobs and of the function Audit" in refusal(path, mapping="Jobs", function="Audit")


def test_mappings_of_other_sources_do_not_count(write: Write) -> None:
    """They are named, so that nobody looks for them."""
    resources = {"Jobs": CLOUDFORMATION["Resources"]["Jobs"]}  # type: ignore[index]
    path = write({"Resources": resources})
    assert (
        "it has no event source mapping of a DynamoDB stream, only of other sources: Jobs (function leaderboard)"
        in (refusal(path))
    )
    assert refusal(write({"Resources": {}})).endswith("it has no event source mapping of a DynamoDB stream")


@pytest.mark.parametrize(
    ("source", "more", "counts"),
    [
        (STREAM, {}, True),
        ({"Fn::GetAtt": ["Table", "StreamArn"]}, {}, True),
        ({"Fn::GetAtt": ["Stream", "Arn"]}, {"StartingPosition": "LATEST"}, False),
        ({"Ref": "Cluster"}, {"StartingPosition": "LATEST"}, False),
        ({"Fn::GetAtt": ["Nested", "Outputs.Stream"]}, {"StartingPosition": "LATEST"}, True),
        ({"Ref": "Given"}, {"StartingPosition": "LATEST"}, True),
        ({"Ref": "Given"}, {}, False),
        ({"Ref": "Given"}, {"StartingPosition": "LATEST", "Topics": ["scores"]}, False),
        ({"Fn::Sub": "arn:aws:kinesis:${AWS::Region}:1:stream/x"}, {"StartingPosition": "LATEST"}, False),
        ({"Fn::Sub": "arn:aws:dynamodb:${AWS::Region}:123456789012:table/x/stream/y"}, {}, True),
        (None, {"SelfManagedEventSource": {}, "StartingPosition": "LATEST"}, False),
    ],
)
def test_what_counts_as_a_dynamodb_stream(
    write: Write, source: object, more: Mapping[str, Any], counts: bool
) -> None:
    """The ARN says it, or the resource; where neither does, what only streams have."""
    path = write(
        template(
            {"EventSourceArn": source, **more},
            Parameters={"Given": {"Type": "String"}},
            Resources={
                "Table": {"Type": "AWS::DynamoDB::Table"},
                "Stream": {"Type": "AWS::Kinesis::Stream"},
                "Cluster": {"Type": "AWS::MSK::Cluster"},
                "Nested": {"Type": "AWS::CloudFormation::Stack"},
            },
        )
    )
    if counts:
        assert "$" in str(read_settings(path).event_source_arn) or source == STREAM
    else:
        assert "no event source mapping of a DynamoDB stream, only of other sources: Map" in refusal(path)


@pytest.mark.parametrize(
    ("function", "name", "called"),
    [
        ({"Ref": "Board"}, "board", ["Board", "board"]),
        ({"Fn::GetAtt": ["Board", "Arn"]}, "board", ["Board", "board"]),
        ({"Fn::Sub": "${Board.Arn}:live"}, "board:live", ["Board", "board"]),
        ({"Ref": "Live"}, "board:live", ["Board", "board"]),
        ({"Ref": "Second"}, "board", ["Board", "board"]),
        ({"Ref": "Stacked"}, "${AWS::StackName}-board", ["Stacked"]),
        ({"Fn::ImportValue": "Board"}, "${Fn::ImportValue Board}", ["${Fn::ImportValue Board}"]),
        ({"Ref": "Elsewhere"}, "${Elsewhere}", ["${Elsewhere}"]),
        (f"{FUNCTION}:live", f"{FUNCTION}:live", ["leaderboard", "leaderboard:live", f"{FUNCTION}:live"]),
        ({"Ref": "AWS::NoValue"}, None, [None]),
    ],
)
def test_a_function_is_known_by_its_names(
    write: Write, function: object, name: str | None, called: list[str | None]
) -> None:
    """Its logical id, its name and its ARN, also behind an alias or a version."""
    path = write(
        template(
            {"FunctionName": function},
            Resources={
                "Board": {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "board"}},
                "Stacked": {
                    "Type": "AWS::Lambda::Function",
                    "Properties": {"FunctionName": {"Fn::Sub": "${AWS::StackName}-board"}},
                },
                "Live": {
                    "Type": "AWS::Lambda::Alias",
                    "Properties": {"FunctionName": {"Ref": "Board"}, "Name": "live"},
                },
                "Second": {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Board"}}},
            },
        )
    )
    for one in called:
        assert read_settings(path, function=one).function_name == name
    assert "it has Map" in refusal(path, function="nobody")


def test_a_parameter_that_is_not_there_is_refused(write: Write) -> None:
    """Most likely it is misspelt."""
    path = write(SAM)
    assert (
        refusal(path, parameters={"Batchsize": "1"})
        == f"{path}: it has no parameter Batchsize: it has BatchSize"
    )
    assert "it has no parameter X: it has BatchSize, Responses, Stage" in refusal(path, parameters={"X": "1"})
    assert refusal(write(template({})), parameters={"X": "1"}).endswith("it has no parameter X")
    answer = write({"UUID": UUID, "EventSourceArn": STREAM})
    assert refusal(answer, parameters={"X": "1"}).endswith("it has no parameter X")


PLAN = {
    "format_version": "1.2",
    "terraform_version": "1.14.0",
    "planned_values": {
        "root_module": {
            "resources": [
                {
                    "address": "aws_lambda_event_source_mapping.scores",
                    "mode": "managed",
                    "type": "aws_lambda_event_source_mapping",
                    "name": "scores",
                    "values": {
                        "batch_size": 10,
                        "bisect_batch_on_function_error": True,
                        "destination_config": [{"on_failure": [{}]}],
                        "enabled": True,
                        "filter_criteria": [
                            {"filter": [{"pattern": '{"eventName":["INSERT"]}'}, {"pattern": None}]}
                        ],
                        "function_name": "leaderboard",
                        "function_response_types": ["ReportBatchItemFailures"],
                        "maximum_batching_window_in_seconds": None,
                        "maximum_retry_attempts": 3,
                        "queues": None,
                        "starting_position": "TRIM_HORIZON",
                        "tags": None,
                        "topics": None,
                    },
                },
                {
                    "address": "aws_lambda_event_source_mapping.jobs",
                    "mode": "managed",
                    "type": "aws_lambda_event_source_mapping",
                    "name": "jobs",
                    "values": {"function_name": "jobs", "event_source_arn": QUEUE},
                },
                {
                    "address": "aws_sqs_queue.discarded",
                    "mode": "managed",
                    "type": "aws_sqs_queue",
                    "values": {},
                },
            ],
            "child_modules": [
                {
                    "address": 'module.audit["eu.west"]',
                    "resources": [
                        {
                            "address": 'module.audit["eu.west"].aws_lambda_event_source_mapping.this[0]',
                            "mode": "managed",
                            "type": "aws_lambda_event_source_mapping",
                            "name": "this",
                            "index": 0,
                            "values": {"event_source_arn": STREAM, "starting_position": "LATEST"},
                        }
                    ],
                }
            ],
        }
    },
    "resource_changes": [
        {
            "address": "aws_lambda_event_source_mapping.scores",
            "change": {
                "actions": ["create"],
                "after_unknown": {
                    "destination_config": [{"on_failure": [{"destination_arn": True}]}],
                    "event_source_arn": True,
                    "filter_criteria": [{"filter": [{}, {}]}],
                    "function_response_types": [False],
                    "maximum_record_age_in_seconds": True,
                    "parallelization_factor": True,
                    "uuid": True,
                },
            },
        },
        {
            "address": 'module.audit["eu.west"].aws_lambda_event_source_mapping.this[0]',
            "change": {"actions": ["create"], "after_unknown": {"function_name": True}},
        },
    ],
    "configuration": {
        "root_module": {
            "resources": [
                {
                    "address": "aws_lambda_event_source_mapping.scores",
                    "expressions": {
                        "event_source_arn": {
                            "references": [
                                "aws_dynamodb_table.scores.stream_arn",
                                "aws_dynamodb_table.scores",
                            ]
                        },
                        "destination_config": [
                            {
                                "on_failure": [
                                    {
                                        "destination_arn": {
                                            "references": [
                                                "aws_sqs_queue.discarded.arn",
                                                "aws_sqs_queue.discarded",
                                            ]
                                        }
                                    }
                                ]
                            }
                        ],
                    },
                }
            ],
            "module_calls": {
                "audit": {
                    "module": {
                        "resources": [
                            {
                                "address": "aws_lambda_event_source_mapping.this",
                                "expressions": {
                                    "function_name": {
                                        "references": [
                                            "aws_lambda_function.audit.arn",
                                            "aws_lambda_function.audit",
                                        ]
                                    }
                                },
                            }
                        ]
                    }
                }
            },
        }
    },
}


def changed(**unknown: Any) -> dict[str, Any]:
    """The plan, with more that is known after apply."""
    plan: dict[str, Any] = json.loads(json.dumps(PLAN))
    plan["resource_changes"][0]["change"]["after_unknown"].update(unknown)
    return plan


def test_a_terraform_plan_is_read(write: Write) -> None:
    """What is known after apply is written as Terraform refers to it."""
    path = write(PLAN, "plan.json")
    assert read_settings(path, mapping="scores") == EventSourceMapping(
        batch_size=10,
        bisect_batch_on_function_error=True,
        maximum_retry_attempts=3,
        function_response_types=("ReportBatchItemFailures",),
        filter_criteria=('{"eventName":["INSERT"]}', ""),
        on_failure_destination="${aws_sqs_queue.discarded.arn}",
        event_source_arn="${aws_dynamodb_table.scores.stream_arn}",
        function_name="leaderboard",
    )


@pytest.mark.parametrize("name", ["audit", "aws_lambda_function.audit", "${aws_lambda_function.audit.arn}"])
def test_a_mapping_in_a_module_is_read(write: Write, name: str) -> None:
    """Found by the name of its function in the configuration."""
    assert read_settings(write(PLAN, "plan.json"), function=name) == EventSourceMapping(
        event_source_arn=STREAM, function_name="${aws_lambda_function.audit.arn}", starting_position="LATEST"
    )


def test_the_mappings_of_a_plan_are_listed_by_their_addresses(write: Write) -> None:
    """As Terraform itself calls them."""
    path = write(PLAN, "plan.json")
    assert (
        "aws_lambda_event_source_mapping.scores (function leaderboard), "
        'module.audit["eu.west"].aws_lambda_event_source_mapping.this[0] (function audit)'
    ) in refusal(path)
    read = read_settings(path, mapping='module.audit["eu.west"].aws_lambda_event_source_mapping.this[0]')
    assert read.event_source_arn == STREAM


@pytest.mark.parametrize(
    ("unknown", "words"),
    [
        ({"batch_size": True}, "BatchSize is ${known after apply}, which only a deployment knows"),
        ({"filter_criteria": True}, "FilterCriteria is ${known after apply}"),
        ({"filter_criteria": [{"filter": [{"pattern": True}]}]}, "FilterCriteria is ${known after apply}"),
    ],
)
def test_what_a_plan_does_not_know_is_refused(write: Write, unknown: Mapping[str, Any], words: str) -> None:
    """Where no text can stand for it."""
    assert words in refusal(write(changed(**unknown), "plan.json"), mapping="scores")


@pytest.mark.parametrize(
    ("references", "values", "counts"),
    [
        (["data.aws_dynamodb_table.scores.stream_arn"], {}, True),
        (["aws_kinesis_stream.scores.arn"], {"starting_position": "LATEST"}, False),
        (["var.stream_arn"], {"starting_position": "LATEST"}, True),
        (["var.stream_arn"], {"starting_position": "LATEST", "topics": ["x"]}, False),
        (["var.queue_arn"], {}, False),
        ([], {"starting_position": "LATEST"}, True),
        (None, {"starting_position": "LATEST", "self_managed_event_source": [{}]}, False),
    ],
)
def test_what_counts_as_a_dynamodb_stream_in_a_plan(
    write: Write, references: list[str] | None, values: Mapping[str, Any], counts: bool
) -> None:
    """The resource says it; where none is named, what only streams have."""
    address = "aws_lambda_event_source_mapping.x"
    resource = {"address": address, "name": "x", "type": "aws_lambda_event_source_mapping", "values": values}
    expressions = {"event_source_arn": {"references": references}}
    unknown = {"event_source_arn": references is not None}
    path = write(
        {
            "planned_values": {"root_module": {"resources": [resource]}},
            "resource_changes": [{"address": address, "change": {"after_unknown": unknown}}],
            "configuration": {
                "root_module": {"resources": [{"address": address, "expressions": expressions}]}
            },
        },
        "plan.json",
    )
    if counts:
        assert read_settings(path).event_source_arn == f"${{{(references or ['known after apply'])[0]}}}"
    else:
        assert "only of other sources" in refusal(path)


def test_a_terraform_state_is_read(write: Write) -> None:
    """Where everything is known, and what is not set is empty."""
    resource = {
        "address": "aws_lambda_event_source_mapping.scores",
        "mode": "managed",
        "type": "aws_lambda_event_source_mapping",
        "name": "scores",
        "values": {
            "batch_size": 100,
            "destination_config": [{"on_failure": [{"destination_arn": ""}]}],
            "enabled": False,
            "event_source_arn": STREAM,
            "filter_criteria": [],
            "function_name": FUNCTION,
            "maximum_record_age_in_seconds": -1,
            "queues": [],
            "starting_position": "LATEST",
            "starting_position_timestamp": "",
            "uuid": UUID,
        },
    }
    state = {
        "format_version": "1.0",
        "terraform_version": "1.14.0",
        "values": {"root_module": {"resources": [resource]}},
    }
    assert read_settings(write(state, "state.json"), function="leaderboard") == EventSourceMapping(
        event_source_arn=STREAM, function_name=FUNCTION, enabled=False, starting_position="LATEST", uuid=UUID
    )


def answer(**more: Any) -> dict[str, Any]:
    return {
        "UUID": UUID,
        "BatchSize": 10,
        "EventSourceArn": STREAM,
        "FunctionArn": FUNCTION,
        "StartingPosition": "LATEST",
        "LastModified": "2026-11-21T00:00:00+00:00",
        "State": "Enabled",
        "DestinationConfig": {"OnFailure": {}},
        **more,
    }


ANSWER = EventSourceMapping(
    batch_size=10, event_source_arn=STREAM, function_name=FUNCTION, starting_position="LATEST", uuid=UUID
)


def test_a_saved_answer_is_read(write: Write) -> None:
    """Of one mapping, as the AWS command line prints it."""
    assert read_settings(write(answer(), "mapping.json")) == ANSWER
    assert read_settings(write(answer(), "mapping.json"), function=FUNCTION, mapping=UUID) == ANSWER
    bare = write({"EventSourceArn": STREAM}, "mapping.json")
    assert read_settings(bare) == EventSourceMapping(event_source_arn=STREAM)
    queue = write({"EventSourceArn": QUEUE}, "mapping.json")
    assert refusal(queue).endswith("only of other sources: without UUID")


def test_a_saved_list_is_read(write: Write) -> None:
    """The one that is meant; those of queues are passed over."""
    other = answer(UUID="other", EventSourceArn=OTHER_STREAM, FunctionArn=f"{FUNCTION}2")
    queue = answer(UUID="queue", EventSourceArn=QUEUE, ScalingConfig={"MaximumConcurrency": 2})
    path = write({"EventSourceMappings": [answer(), other, queue]}, "list.json")
    assert read_settings(path, function="leaderboard") == ANSWER
    assert read_settings(path, mapping="other").event_source_arn == OTHER_STREAM
    assert f"{UUID} (function leaderboard), other (function leaderboard2)" in refusal(path)


def test_a_list_does_not_have_filters_that_are_encrypted(write: Write) -> None:
    """So they are not taken for none."""
    key = "arn:aws:kms:eu-west-1:123456789012:key/x"
    path = write({"EventSourceMappings": [answer(KMSKeyArn=key, FilterCriteria=None)]}, "list.json")
    assert "FilterCriteria is encrypted, and a list leaves them out: save what" in refusal(path)
    assert "FilterCriteria is not shown" in refusal(write(answer(KMSKeyArn=key), "mapping.json"))
    none = answer(KMSKeyArn=key, FilterCriteria={"Filters": []})
    assert read_settings(write(none, "mapping.json")) == ANSWER


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "it is no JSON: "),
        ("a: [", "it is no YAML: "),
        ("a: 2026-99-99", "it is no YAML: month must be in 1..12"),
        ("a: !!bool maybe", "it is no YAML: "),
        ("&a [*a]", "it is nothing that has mappings"),
        ("? [a]\n: b", "it is no YAML: "),
        ("!!python/object:os.system {}", "it is no YAML: could not determine a constructor"),
        ("", "it is nothing that has mappings: give a template of SAM or CloudFormation"),
        ("[]", "it is nothing that has mappings"),
        (
            '{"version": 4, "terraform_version": "1.14.0", "resources": []}',
            "it is Terraform's own state: give",
        ),
        (
            "service: scores\nprovider: {name: aws}\nfunctions: {}\n",
            "it is of the Serverless Framework: give",
        ),
    ],
)
def test_what_is_no_template_is_refused(write: Write, content: str, words: str) -> None:
    """With what would be one."""
    path = write(content)
    assert refusal(path).startswith(f"{path}: {words}")


def test_what_python_can_not_hold_is_refused(write: Write) -> None:
    """Too deep, or too long a number."""
    for start in ("", "a: "):
        path = write(start + "[" * 100_000)
        assert refusal(path) == f"{path}: it is nested too deep, or something in it refers to itself"
    assert "it is no JSON: Exceeds the limit" in refusal(write('{"a": ' + "9" * 5_000 + "}"))


def test_a_file_that_can_not_be_read_is_refused(tmp_path: Path) -> None:
    """Because it is not there, or is no text."""
    assert "it can not be read: " in refusal(tmp_path / "absent.yaml")
    assert "it can not be read: " in refusal(tmp_path / "a\0.yaml")
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\x00")
    assert "it can not be read: " in refusal(binary)


@pytest.mark.parametrize(
    "written", [codecs.BOM_UTF8 + json.dumps(answer()).encode(), json.dumps(answer()).encode("utf-16")]
)
def test_what_windows_writes_is_read(tmp_path: Path, written: bytes) -> None:
    """With a byte order mark, as an editor does it, and in UTF-16, as PowerShell does it."""
    path = tmp_path / "mapping.json"
    path.write_bytes(written)
    assert read_settings(path) == ANSWER


def test_yaml_needs_pyyaml_and_says_so(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """JSON does not."""
    monkeypatch.setitem(sys.modules, "yaml", None)
    assert 'it is YAML, which needs PyYAML to be read: pip install "headwater[cli]", or give JSON' in refusal(
        write(SAM)
    )
    assert read_settings(write(answer(), "mapping.json")) == ANSWER


def test_the_short_forms_of_cloudformation_are_read(write: Write) -> None:
    """Of a text, of a list and of a mapping; an unknown one is a function that nothing here knows."""
    path = write(
        f"""
        Resources:
          Map:
            Type: AWS::Lambda::EventSourceMapping
            Properties:
              EventSourceArn: {STREAM}
              FunctionName: !Transform {{Name: Function}}
              BatchSize: 010
              Enabled: no
        """
    )
    read = read_settings(path)
    assert read.function_name == "${Fn::Transform {'Name': 'Function'}}"
    assert (read.batch_size, read.enabled) == (8, False)


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of everything in a document."""
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(place for key, value in inner for place in places(value, (*path, key)))]


def with_other(node: Any, path: tuple[Any, ...], other: Any) -> Any:
    """The document with something else in a place."""
    if not path:
        return other
    key, *rest = path
    if isinstance(node, dict):
        return {**node, key: with_other(node[key], tuple(rest), other)}
    return [
        with_other(value, tuple(rest), other) if place == key else value for place, value in enumerate(node)
    ]


CONDITIONAL = {
    "Parameters": {"Stage": {"Type": "String", "Default": "dev"}, "Size": {"Type": "Number"}},
    "Conditions": {
        "A": {"Fn::Equals": [{"Ref": "Stage"}, "dev"]},
        "B": {"Fn::And": [{"Condition": "A"}, {"Fn::Not": [{"Fn::Equals": [{"Ref": "Size"}, 1]}]}]},
    },
    "Resources": {
        "Map": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Condition": "A",
            "Properties": {
                "EventSourceArn": STREAM,
                "FunctionName": "f",
                "BatchSize": {"Fn::If": ["A", 10, {"Ref": "AWS::NoValue"}]},
                "FilterCriteria": {
                    "Fn::If": ["A", {"Filters": [{"Pattern": "{}"}]}, {"Ref": "AWS::NoValue"}]
                },
            },
        }
    },
}


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """One of each format."""
    path = tmp_path_factory.mktemp("sam") / "template.yaml"
    path.write_text(SAM)
    return [load(path), CONDITIONAL, CLOUDFORMATION, PLAN, answer(), {"EventSourceMappings": [answer()]}]


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.sampled_from(["*", "${A.B}", "A", "B", "Map", "Stage", STREAM]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "Ref",
                    "Fn::Sub",
                    "Fn::Join",
                    "Fn::FindInMap",
                    "Fn::If",
                    "Fn::Not",
                    "Fn::Or",
                    "Condition",
                    "x",
                ]
            ),
            inner,
            max_size=2,
        )
    ),
    max_leaves=5,
)


@settings(max_examples=300)
@given(st.data())
def test_a_file_may_hold_anything_anywhere(
    tmp_path_factory: pytest.TempPathFactory, documents: list[Any], data: st.DataObject
) -> None:
    """It is read, or refused in a sentence; nothing else is raised."""
    document = data.draw(st.sampled_from(documents))
    broken = with_other(document, data.draw(st.sampled_from(places(document))), data.draw(ANYTHING))
    path = tmp_path_factory.mktemp("t") / "file"
    path.write_text(json.dumps(broken) if data.draw(st.booleans()) else yaml.safe_dump(broken))
    try:
        assert isinstance(
            read_settings(path, function=data.draw(st.sampled_from([None, "Audit"]))), EventSourceMapping
        )
    except SettingsError as refused:
        event(refused.message.partition(": ")[2][:30])
