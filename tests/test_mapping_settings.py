"""The settings of a mapping: AWS's defaults, AWS's limits, AWS's form."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Mapping
from typing import Any

import botocore.session
import botocore.validate
import pytest
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from headwater import HeadwaterError
from headwater.mapping.forms import KNOWN
from headwater.mapping.limits import NUMBERS, PATTERN_LIMIT, SWITCHES
from headwater.mapping.settings import EventSourceMapping, SettingsError

STREAM = "arn:aws:dynamodb:eu-west-1:123456789012:table/Scores/stream/2026-11-21T00:00:00.000"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/filters"
QUEUE = "arn:aws:sqs:eu-west-1:123456789012:discarded"
MODEL: Any = botocore.session.get_session().get_service_model("lambda")
REQUEST: Any = MODEL.operation_model("CreateEventSourceMapping").input_shape
ANSWER: Any = MODEL.operation_model("GetEventSourceMapping").output_shape

ARNS = [
    None,
    QUEUE,
    "arn:aws-cn:sns:cn-north-1:123456789012:discarded",
    "arn:aws:s3:::discarded",
    "arn:aws:s3:::named.fifo",
    "${Discarded.Arn}",
    "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:discarded",
]
STREAMS = [
    None,
    STREAM,
    "arn:aws:dynamodb:ddblocal:000000000000:table/Scores/stream/2026-11-21T00:00:00.000",
    "${Scores.StreamArn}",
    "arn:aws:dynamodb:eu-west-1:123456789012:table/${Table}/${Stream}",
]

IN_RANGE: Mapping[str, st.SearchStrategy[Any]] = {
    "batch_size": st.integers(1, 10_000),
    "maximum_batching_window_in_seconds": st.integers(0, 300),
    "parallelization_factor": st.integers(1, 10),
    "bisect_batch_on_function_error": st.booleans(),
    "maximum_retry_attempts": st.integers(-1, 10_000),
    "maximum_record_age_in_seconds": st.just(-1) | st.integers(60, 604_800),
    "starting_position": st.sampled_from(["TRIM_HORIZON", "LATEST"]),
    "function_response_types": st.sampled_from([(), ("ReportBatchItemFailures",)]),
    "filter_criteria": st.lists(st.text(max_size=4_096), max_size=10).map(tuple),
    "tumbling_window_in_seconds": st.integers(0, 900),
    "on_failure_destination": st.sampled_from(ARNS),
    "enabled": st.booleans(),
    "event_source_arn": st.sampled_from(STREAMS),
    "function_name": st.none() | st.from_regex(r"[a-zA-Z0-9_-]{1,64}", fullmatch=True),
    "uuid": st.none() | st.uuids().map(str),
}
OUT_OF_RANGE: Mapping[str, st.SearchStrategy[Any]] = {
    "batch_size": st.integers(max_value=0) | st.integers(min_value=10_001),
    "maximum_batching_window_in_seconds": st.integers(max_value=-1) | st.integers(min_value=301),
    "parallelization_factor": st.integers(max_value=0) | st.integers(min_value=11),
    "maximum_retry_attempts": st.integers(max_value=-2) | st.integers(min_value=10_001),
    "maximum_record_age_in_seconds": (
        st.integers(max_value=-2) | st.integers(0, 59) | st.integers(min_value=604_801)
    ),
    "tumbling_window_in_seconds": st.integers(max_value=-1) | st.integers(min_value=901),
}
NO_NUMBER = st.none() | st.booleans() | st.text() | st.floats() | st.lists(st.integers())
KWARGS = st.fixed_dictionaries({}, optional=IN_RANGE)


def refusal(**values: Any) -> str:
    with pytest.raises(SettingsError) as refused:
        EventSourceMapping(**values)
    return refused.value.message


def test_the_defaults_are_those_of_aws() -> None:
    """A mapping of which nothing is said."""
    assert dataclasses.asdict(EventSourceMapping()) == {
        "batch_size": 100,
        "maximum_batching_window_in_seconds": 0,
        "parallelization_factor": 1,
        "bisect_batch_on_function_error": False,
        "maximum_retry_attempts": -1,
        "maximum_record_age_in_seconds": -1,
        "starting_position": "TRIM_HORIZON",
        "function_response_types": (),
        "filter_criteria": (),
        "tumbling_window_in_seconds": 0,
        "on_failure_destination": None,
        "enabled": True,
        "event_source_arn": None,
        "function_name": None,
        "uuid": None,
    }


def test_every_field_is_proven() -> None:
    """So that none is left out of the strategies here."""
    assert set(IN_RANGE) == {field.name for field in dataclasses.fields(EventSourceMapping)}
    assert set(OUT_OF_RANGE) == set(NUMBERS)


@given(KWARGS)
def test_whatever_is_in_range_is_taken(values: Mapping[str, Any]) -> None:
    """And kept as it was given."""
    settings = EventSourceMapping(**values)
    assert {name: getattr(settings, name) for name in values} == values


@given(
    KWARGS,
    st.sampled_from(sorted(OUT_OF_RANGE)).flatmap(lambda name: st.tuples(st.just(name), OUT_OF_RANGE[name])),
)
def test_a_number_out_of_range_is_refused(values: Mapping[str, Any], wrong: tuple[str, int]) -> None:
    """Whatever the rest; the sentence says AWS's name, the value and AWS's rule."""
    name, value = wrong
    sentence = refusal(**{**values, name: value})
    assert sentence.startswith(f"{NUMBERS[name].parameter}={value} ")
    assert NUMBERS[name].rule in sentence


@given(st.sampled_from(sorted(OUT_OF_RANGE)), NO_NUMBER)
def test_what_is_no_whole_number_is_refused(name: str, value: Any) -> None:
    """True is 1 in Python, and no batch size."""
    assert f"{NUMBERS[name].parameter}={value!r} is no whole number" in refusal(**{name: value})


@given(st.sampled_from(sorted(SWITCHES)), st.none() | st.integers() | st.text())
def test_a_switch_is_true_or_false(name: str, value: Any) -> None:
    """1 and "true" are neither."""
    assert f"{SWITCHES[name]}={value!r}: Lambda takes true or false" in refusal(**{name: value})


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"starting_position": "AT_TIMESTAMP"}, "not for a DynamoDB stream: give TRIM_HORIZON or LATEST"),
        ({"starting_position": "latest"}, "StartingPosition='latest': Lambda takes TRIM_HORIZON or LATEST"),
        ({"starting_position": []}, "StartingPosition=[]"),
        ({"function_response_types": ["ReportBatchItemFailure"]}, "takes ReportBatchItemFailures, once"),
        ({"function_response_types": ["ReportBatchItemFailures"] * 2}, "once, and nothing else"),
        ({"function_response_types": "ReportBatchItemFailures"}, "takes a list of texts"),
        ({"function_response_types": [1]}, "FunctionResponseTypes=[1]: Lambda takes a list of texts"),
        ({"filter_criteria": ["{}"] * 11}, "has 11 filters: Lambda takes 5, and 10"),
        ({"filter_criteria": ["x" * (PATTERN_LIMIT + 1)]}, "a pattern of 4,097 characters"),
        ({"filter_criteria": None}, "FilterCriteria=None: Lambda takes a list of texts"),
        (
            {"on_failure_destination": f"{QUEUE}.fifo"},
            "is FIFO: Lambda takes the ARN of a standard SQS queue",
        ),
        ({"on_failure_destination": "arn:aws:sns:eu-west-1:123456789012:x.fifo"}, "is FIFO"),
        ({"on_failure_destination": "arn:${AWS::Partition}:sqs:${AWS::Region}:1:x.fifo"}, "is FIFO"),
        ({"on_failure_destination": "kafka://topic"}, "no destination of a DynamoDB stream"),
        ({"on_failure_destination": "discarded"}, "no destination of a DynamoDB stream"),
        ({"on_failure_destination": "arn:aws:sqs"}, "no destination of a DynamoDB stream"),
        (
            {"on_failure_destination": "arn:aws:sqs:eu-west-1:123456789012:"},
            "no destination of a DynamoDB stream",
        ),
        ({"on_failure_destination": ""}, "no destination of a DynamoDB stream"),
        (
            {"on_failure_destination": "arn:aws:lambda:eu-west-1:123456789012:function:x"},
            "no destination of a DynamoDB stream: Lambda takes the ARN of a standard SQS queue, a standard SNS topic",
        ),
        ({"on_failure_destination": "arn:aws:sqs:eu-west-1:1:x"}, "account '1', which is no 12 digits: give"),
        ({"on_failure_destination": "arn:aws:sns:eu-west-1::x"}, "account '', which is no 12 digits"),
        ({"on_failure_destination": "arn:aws:sqs:eu-west-1:12345678901\u0662:x"}, "which is no 12 digits"),
        ({"on_failure_destination": "arn:aws:s3::1:x"}, "account '1', which is no 12 digits"),
        ({"on_failure_destination": 3}, "DestinationConfig.OnFailure.Destination=3 is no text"),
        ({"on_failure_destination": f"arn:aws:s3:::{'x' * 350}"}, "has 363 characters: Lambda takes 350"),
        ({"event_source_arn": "arn:aws:sqs:eu-west-1:123456789012:x"}, "is not of DynamoDB"),
        ({"event_source_arn": "Scores"}, "is not of DynamoDB"),
        ({"event_source_arn": 3}, "EventSourceArn=3 is no text"),
        (
            {"event_source_arn": "arn:aws:dynamodb:eu-west-1:123456789012:table/Scores"},
            "is that of a table: Lambda takes the ARN of a stream",
        ),
        ({"event_source_arn": STREAM.partition("2026")[0]}, "is not that of a stream: Lambda takes"),
        ({"event_source_arn": f"{STREAM}/x"}, "is not that of a stream: Lambda takes"),
        ({"event_source_arn": STREAM.replace("Scores", "")}, "is not that of a stream: Lambda takes"),
        ({"event_source_arn": STREAM.replace("123456789012", "1")}, "account '1', which is no 12 digits"),
        ({"function_name": ""}, "FunctionName='': Lambda takes a name"),
        ({"uuid": 3}, "UUID=3: Lambda takes a name"),
    ],
)
def test_what_lambda_refuses_is_refused(values: Mapping[str, Any], words: str) -> None:
    """In a sentence that says what is wrong and what to do."""
    assert words in refusal(**values)


def test_a_refusal_is_a_value_error_of_headwater() -> None:
    """So both who catches all of Headwater's errors and who catches what a constructor raises gets it."""
    with pytest.raises(SettingsError) as refused:
        EventSourceMapping(batch_size=0)
    assert isinstance(refused.value, ValueError)
    assert isinstance(refused.value, HeadwaterError)
    assert str(pickle.loads(pickle.dumps(refused.value))) == str(refused.value)


def test_settings_are_values() -> None:
    """They compare, hash, and do not change; a list becomes a tuple."""
    listed: Any = ["ReportBatchItemFailures"]
    settings = EventSourceMapping(function_response_types=listed)
    assert settings == EventSourceMapping(function_response_types=("ReportBatchItemFailures",))
    assert len({settings, dataclasses.replace(settings)}) == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.batch_size = 1  # type: ignore[misc]


def test_the_answer_is_read_only_when_the_mapping_says_so() -> None:
    """ReportBatchItemFailures."""
    assert EventSourceMapping(function_response_types=("ReportBatchItemFailures",)).report_batch_item_failures
    assert not EventSourceMapping().report_batch_item_failures


@pytest.mark.parametrize("number", NUMBERS.values(), ids=lambda number: number.parameter)
def test_the_limits_are_those_of_the_service_model(number: Any) -> None:
    """The lowest and the highest value that botocore knows."""
    limits = REQUEST.members[number.parameter].metadata
    assert limits == {"min": number.allowed[0][0], "max": number.allowed[-1][-1]}


def test_the_other_limits_are_those_of_the_service_model() -> None:
    """Of texts and lists."""
    assert MODEL.shape_for("Pattern").metadata["max"] == PATTERN_LIMIT
    assert MODEL.shape_for("DestinationArn").metadata["max"] == 350
    assert MODEL.shape_for("FunctionResponseTypeList").metadata == {"min": 0, "max": 1}
    assert MODEL.shape_for("FunctionResponseType").enum == ["ReportBatchItemFailures"]


@given(KWARGS)
def test_what_aws_is_given_reads_back_the_same(values: Mapping[str, Any]) -> None:
    """All but the UUID, which no request has."""
    settings = EventSourceMapping(**values)
    assert EventSourceMapping.from_aws(settings.to_aws()) == dataclasses.replace(settings, uuid=None)


@given(KWARGS)
def test_botocore_takes_what_aws_is_given(values: Mapping[str, Any]) -> None:
    """Its own check of parameters, as before each request."""
    parameters = EventSourceMapping(**{**values, "function_name": "Leaderboard"}).to_aws()
    assert not botocore.validate.ParamValidator().validate(parameters, REQUEST).has_errors()


def test_a_client_sends_it_and_its_answer_is_read() -> None:
    """As boto3 gives it: with what AWS adds."""
    settings = EventSourceMapping(
        batch_size=10, function_name="Leaderboard", event_source_arn=STREAM, on_failure_destination=QUEUE
    )
    client = botocore.session.get_session().create_client("lambda", region_name="eu-west-1")
    answer = {
        **{
            name: value
            for name, value in settings.to_aws().items()
            if name not in ("Enabled", "FunctionName")
        },
        "UUID": "6dc1b5e7-1c5b-4a3f-9d7e-0c0d1a2b3c4d",
        "FunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:Leaderboard",
        "EventSourceMappingArn": "arn:aws:lambda:eu-west-1:123456789012:event-source-mapping:6dc1b5e7-1c5b-4a3f-9d7e-0c0d1a2b3c4d",
        "LastModified": 1_700_000_000,
        "LastProcessingResult": "OK",
        "State": "Creating",
        "StateTransitionReason": "User action",
    }
    with Stubber(client) as stub:
        stub.add_response("create_event_source_mapping", answer, settings.to_aws())
        read = EventSourceMapping.from_aws(client.create_event_source_mapping(**settings.to_aws()))
    assert read == dataclasses.replace(
        settings,
        uuid=answer["UUID"],
        function_name="arn:aws:lambda:eu-west-1:123456789012:function:Leaderboard",
    )


def test_every_name_of_the_service_model_is_known() -> None:
    """It is read, passed over, or refused as one of another source."""
    assert {*REQUEST.members, *ANSWER.members} == KNOWN - {"ResponseMetadata"}


@pytest.mark.parametrize(
    ("state", "enabled"),
    [
        ("Enabled", True),
        ("Creating", True),
        ("Updating", True),
        ("Disabled", False),
        ("Disabling", False),
        ("Deleting", False),
        (None, True),
    ],
)
def test_an_answer_says_in_its_state_whether_the_mapping_reads(state: str | None, enabled: bool) -> None:
    """It has no Enabled."""
    assert EventSourceMapping.from_aws({"State": state}).enabled is enabled


@pytest.mark.parametrize(
    "config", [None, {}, {"OnFailure": {}}, {"OnFailure": None}, {"OnFailure": {"Destination": ""}}]
)
def test_no_destination_is_written_in_several_ways(config: Any) -> None:
    """As AWS answers, and as one is taken away."""
    form = {"DestinationConfig": config, "FilterCriteria": None}
    assert EventSourceMapping.from_aws(form).on_failure_destination is None


@pytest.mark.parametrize(
    "form",
    [
        {"KMSKeyArn": KEY},
        {"KMSKeyArn": KEY, "UUID": "x", "FilterCriteria": {"Filters": []}},
        {"KMSKeyArn": None, "UUID": "x", "FilterCriteria": None},
        {"KMSKeyArn": "", "UUID": "x"},
    ],
    ids=["a request", "a list of none", "no key", "an empty key"],
)
def test_where_filters_are_not_hidden_there_are_none(form: Mapping[str, Any]) -> None:
    """A request shows what is set, and so does an answer that has the filters or no key."""
    assert EventSourceMapping.from_aws(form).filter_criteria == ()


def test_a_filter_without_pattern_is_an_empty_one() -> None:
    """Which the filters judge."""
    assert EventSourceMapping.from_aws({"FilterCriteria": {"Filters": [{}]}}).filter_criteria == ("",)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (
            {"BatchSise": 10},
            "BatchSise=10: an event source mapping has no such setting: did you mean BatchSize?",
        ),
        ({"batch_size": 10}, "did you mean BatchSize?"),
        ({"StreamViewType": "KEYS_ONLY"}, "it belongs to the table, under StreamSpecification"),
        ({"Colour": "blue"}, "Colour='blue': an event source mapping has no such setting: leave it out"),
        ({"Topics": ["scores"]}, "Topics=['scores']: AWS takes it for other event sources"),
        ({"StartingPositionTimestamp": 1}, "AWS takes it for other event sources"),
        ({"FilterCriteriaError": {"ErrorCode": "KMSAccessDenied"}}, "AWS could not decrypt the filters"),
        ({"KMSKeyArn": KEY, "FilterCriteria": None}, "FilterCriteria is not shown, though KMSKeyArn="),
        ({"KMSKeyArn": KEY, "UUID": "x"}, "ask with GetEventSourceMapping, in a role that may use the key"),
        ({"FilterCriteria": [{"Pattern": "{}"}]}, "AWS takes an object with Filters"),
        ({"FilterCriteria": {"Filter": []}}, "AWS takes an object with Filters"),
        ({"FilterCriteria": {"Filters": {"Pattern": "{}"}}}, "AWS takes a list of objects with a Pattern"),
        ({"FilterCriteria": {"Filters": ["{}"]}}, "AWS takes objects with a Pattern"),
        ({"FilterCriteria": {"Filters": [{"Pattern": {"a": [1]}}]}}, "with the pattern in quotes"),
        ({"FilterCriteria": {"Filters": [{"Patern": "{}"}]}}, "AWS takes objects with a Pattern"),
        ({"DestinationConfig": {"OnSuccess": {"Destination": QUEUE}}}, "not for a stream: leave it out"),
        ({"DestinationConfig": {"OnError": {}}}, "AWS takes an object with OnFailure and OnSuccess"),
        (
            {"DestinationConfig": {"OnFailure": {"Type": "SQS"}}},
            "DestinationConfig.OnFailure={'Type': 'SQS'}",
        ),
        ({"DestinationConfig": {"OnFailure": QUEUE}}, "AWS takes an object with Destination"),
    ],
)
def test_what_is_not_in_the_form_of_aws_is_refused(form: Mapping[str, Any], words: str) -> None:
    """With the name that was meant, where one is close."""
    with pytest.raises(SettingsError) as refused:
        EventSourceMapping.from_aws(form)
    assert words in refused.value.message


@given(
    st.dictionaries(
        st.sampled_from(sorted(KNOWN)),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=2)
                | st.dictionaries(
                    st.sampled_from(["Filters", "Pattern", "OnFailure", "Destination"]), inner, max_size=2
                )
            ),
            max_leaves=5,
        ),
        max_size=4,
    )
)
def test_a_form_may_hold_anything_anywhere(form: Mapping[str, Any]) -> None:
    """It is read, or refused in a sentence; nothing else is raised."""
    try:
        read = EventSourceMapping.from_aws(form)
    except SettingsError:
        return
    assert EventSourceMapping.from_aws(read.to_aws()) == dataclasses.replace(read, uuid=None)
