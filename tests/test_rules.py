"""The rules that never break, each on its own."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel, Field

from headwater import (
    ConditionError,
    DeclarationError,
    DecodeError,
    Failed,
    Handled,
    Insert,
    MalformedRecordError,
    MissingImageError,
    Modify,
    Record,
    Remove,
    Skipped,
    SourceError,
    StreamApp,
    WireValueError,
    Withheld,
)
from headwater.testing import Table, event, pipes_batch

TABLE = Table("GameScores", keys=("UserId", "GameTitle"))
KEYS = {"UserId": "u1", "GameTitle": "Meteor Blasters"}


class Score(BaseModel):
    user_id: str = Field(alias="UserId")
    top_score: int = Field(alias="TopScore")


def item(user: str = "u1", **attributes: Any) -> dict[str, Any]:
    return {**KEYS, "UserId": user, **attributes}


def number(record: dict[str, Any]) -> str:
    return str(record["dynamodb"]["SequenceNumber"])


class Recorder:
    """An app with one route for everything, which fails for the users named."""

    def __init__(self, *failing: str) -> None:
        self.app = StreamApp()
        self.seen: list[str] = []
        self.failing = set(failing)
        self.app.on_record(self.handle)

    def handle(self, record: Record) -> None:
        self.seen.append(record.keys["UserId"])
        if record.keys["UserId"] in self.failing:
            raise RuntimeError


# Identity first


@pytest.mark.parametrize("bad", [None, "", 17, 17.0, "17a", "\uff11\uff17", ["17"], True])
def test_a_record_without_a_usable_sequence_number_makes_the_batch_raise(bad: object) -> None:
    """Such a record can not be named, so the call raises, and nothing of the batch has run."""
    records = [TABLE.insert(item("a")), TABLE.insert(item("b"))]
    records[1]["dynamodb"]["SequenceNumber"] = bad
    recorder = Recorder()

    with pytest.raises(SourceError, match="record 1 has no usable SequenceNumber"):
        recorder.app(event(records))
    assert recorder.seen == []


def test_a_record_that_can_not_be_read_is_still_named() -> None:
    """Everything but the sequence number is broken, and the response names that number."""
    broken = {"eventSource": "aws:dynamodb", "dynamodb": {"SequenceNumber": "300"}}
    assert Recorder().app({"Records": [broken]}) == {"batchItemFailures": [{"itemIdentifier": "300"}]}


# Nothing is lost


@pytest.mark.parametrize("position", range(4))
def test_a_record_is_acknowledged_only_when_every_matching_route_has_returned(position: int) -> None:
    """Of four routes one raises: its record is named, routes after it do not run, those before it have."""
    app = StreamApp()
    ran: list[int] = []

    def route(index: int) -> Any:
        def handle(_record: Record) -> None:
            ran.append(index)
            if index == position:
                raise RuntimeError

        return handle

    for index in range(4):
        app.on_record(route(index))
    record = TABLE.insert(item())

    assert app(event([record])) == {"batchItemFailures": [{"itemIdentifier": number(record)}]}
    assert ran == list(range(position + 1))


@pytest.mark.parametrize("fatal", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_no_ordinary_exception_ends_the_call(fatal: type[BaseException]) -> None:
    """Then there is no response at all, so that Lambda delivers the whole batch again."""
    app = StreamApp()

    @app.on_record
    def stop(_record: Record) -> None:
        raise fatal

    with pytest.raises(fatal):
        app(event([TABLE.insert(item())]))


# The checkpoint


def test_nothing_failed_is_an_empty_list() -> None:
    """The response of a batch without failure is exactly this, as JSON too."""
    response = Recorder().app(event([TABLE.insert(item("a")), TABLE.remove(item("b"))]))
    assert json.dumps(response) == '{"batchItemFailures": []}'


def test_an_empty_batch_is_success() -> None:
    """No records, no failures."""
    assert Recorder().app({"Records": []}) == {"batchItemFailures": []}
    assert Recorder().app([]) == {"batchItemFailures": []}


@pytest.mark.parametrize("position", range(5))
def test_an_event_source_mapping_is_told_the_first_unacknowledged_record_alone(position: int) -> None:
    """Wherever the failure is, one identifier names it, and what follows has not been started."""
    users = list("abcde")
    records = [TABLE.insert(item(user)) for user in users]
    recorder = Recorder(users[position], "e")

    result = recorder.app.run(event(records))

    assert result.response == {"batchItemFailures": [{"itemIdentifier": number(records[position])}]}
    assert recorder.seen == users[: position + 1]
    assert result.outcomes[position + 1 :] == [Withheld()] * (4 - position)


def test_pipes_is_told_every_unacknowledged_record() -> None:
    """EventBridge Pipes retries only what is listed, by eventID: the failed record and the ones not started."""
    records = [TABLE.insert(item(user)) for user in "abcd"]
    response = Recorder("b").app(pipes_batch(records))
    assert response == {
        "batchItemFailures": [{"itemIdentifier": record["eventID"]} for record in records[1:]]
    }


@pytest.mark.parametrize("bad", [None, "", 7])
def test_a_pipes_record_without_an_event_id_makes_the_batch_raise(bad: object) -> None:
    """It could not be named."""
    record = TABLE.insert(item())
    record["eventID"] = bad
    with pytest.raises(SourceError, match="record 0 has no usable eventID"):
        Recorder().app([record])


# Order


def test_a_redelivery_from_the_checkpoint_continues_in_order() -> None:
    """Delivering again from the named record on, until nothing is named, runs every change once, in order."""
    records = [TABLE.insert(item("a")), *(TABLE.modify(item("a", n=n), item("a", n=n + 1)) for n in range(5))]
    app = StreamApp()
    done: list[str] = []
    down = {number(records[1]), number(records[4])}

    @app.on_record
    def handle(record: Record) -> None:
        if record.sequence_number in down:
            down.remove(record.sequence_number)
            raise ConnectionError
        done.append(record.sequence_number)

    waiting = records
    while failures := app(event(waiting))["batchItemFailures"]:
        [failure] = failures
        waiting = waiting[[number(record) for record in waiting].index(failure["itemIdentifier"]) :]

    assert done == [number(record) for record in records]


def test_the_position_in_the_batch_decides_never_the_text_of_the_number() -> None:
    """Numbers of different length, which sort the other way as text, are handled as they stand in the batch."""
    records = [
        TABLE.insert(item("a"), sequence_number="900000000000000000000"),
        TABLE.insert(item("b"), sequence_number="1000000000000000000000"),
        TABLE.insert(item("c"), sequence_number="2000000000000000000000"),
    ]
    recorder = Recorder("b", "c")
    assert recorder.app(event(records)) == {
        "batchItemFailures": [{"itemIdentifier": "1000000000000000000000"}]
    }
    assert recorder.seen == ["a", "b"]


# The event name decides the kind


def test_the_event_name_decides_the_kind_whatever_images_there_are() -> None:
    """A MODIFY without its old image is a Modify, and a REMOVE with a new image is a Remove."""
    modify = TABLE.modify(item(n=1), item(n=2))
    del modify["dynamodb"]["OldImage"]
    remove = TABLE.remove(item())
    remove["dynamodb"]["NewImage"] = remove["dynamodb"]["OldImage"]
    app = StreamApp()
    kinds: list[type] = []

    @app.on_record
    def handle(record: Record) -> None:
        kinds.append(type(record))

    app(event([modify, remove]))
    assert kinds == [Modify, Remove]


@pytest.mark.parametrize("bad", [None, "", "insert", "UNKNOWN_TO_SDK_VERSION", 1, ["INSERT"]])
def test_an_unknown_event_name_is_a_failure_and_not_a_miss(bad: object) -> None:
    """A kind that is not known is not acknowledged."""
    record = TABLE.insert(item())
    record["eventName"] = bad
    [outcome] = Recorder().app.run(event([record])).outcomes
    assert isinstance(outcome, Failed)
    assert outcome.phase == "record"
    assert isinstance(outcome.error, MalformedRecordError)
    assert outcome.error.sequence_number == number(record)


# No match is success


def test_a_record_that_no_route_wants_is_acknowledged() -> None:
    """Skipped is success."""
    app = StreamApp()
    app.on_remove(lambda record: None)
    result = app.run(event([TABLE.insert(item())]))
    assert result.outcomes == [Skipped()]
    assert result.response == {"batchItemFailures": []}


def test_a_condition_that_raises_is_a_failure() -> None:
    """It is not a "no": the record is named, no handler has run, and the outcome names the route."""
    app = StreamApp()
    ran: list[str] = []
    app.on_insert(lambda record: ran.append(record.event_id))

    @app.on_insert(when=lambda record: record.new["Missing"] > 1)
    def wanted(_record: Insert) -> None: ...

    record = TABLE.insert(item())
    result = app.run(event([record]))

    [outcome] = result.outcomes
    assert isinstance(outcome, Failed)
    assert (outcome.phase, outcome.route, type(outcome.error)) == ("condition", "wanted", KeyError)
    assert result.response == {"batchItemFailures": [{"itemIdentifier": number(record)}]}
    assert ran == []


# Change means the value changed


def wants(old: dict[str, Any], new: dict[str, Any], attribute: str = "A") -> bool:
    """Whether a MODIFY between these wire attributes counts as a change of the attribute."""
    record = TABLE.modify(item(), item())
    record["dynamodb"]["OldImage"].update(old)
    record["dynamodb"]["NewImage"].update(new)
    app = StreamApp()
    app.on_modify(attribute=attribute)(lambda _record: None)
    [outcome] = app.run(event([record])).outcomes
    assert isinstance(outcome, Handled | Skipped), outcome
    return isinstance(outcome, Handled)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"N": "1"}, {"N": "1.0"}),
        ({"N": "1"}, {"N": "1E0"}),
        ({"N": "100"}, {"N": "1E+2"}),
        ({"N": "0"}, {"N": "-0"}),
        ({"SS": ["a", "b"]}, {"SS": ["b", "a"]}),
        ({"NS": ["1", "2"]}, {"NS": ["2.0", "1"]}),
        ({"BS": ["YQ==", "Yg=="]}, {"BS": ["Yg==", "YQ=="]}),
        ({"L": [{"N": "1"}]}, {"L": [{"N": "1.0"}]}),
        ({"M": {"a": {"N": "1"}, "b": {"S": ""}}}, {"M": {"b": {"S": ""}, "a": {"N": "1.0"}}}),
        ({"NULL": True}, {"NULL": True}),
    ],
)
def test_one_value_in_two_spellings_is_no_change(old: dict[str, Any], new: dict[str, Any]) -> None:
    """Numbers compare as numbers and sets without order, however deep they are."""
    assert not wants({"A": old}, {"A": new})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({}, {"A": {"S": "x"}}),
        ({"A": {"S": "x"}}, {}),
        ({}, {"A": {"NULL": True}}),
        ({"A": {"NULL": True}}, {}),
        ({"A": {"N": "1"}}, {"A": {"S": "1"}}),
        ({"A": {"N": "1" * 38}}, {"A": {"N": "1" * 37 + "2"}}),
        ({"A": {"L": [{"S": "a"}, {"S": "b"}]}}, {"A": {"L": [{"S": "b"}, {"S": "a"}]}}),
        ({"A": {"SS": ["a"]}}, {"A": {"SS": ["a", "b"]}}),
        ({"A": {"SS": ["1"]}}, {"A": {"NS": ["1"]}}),
        ({"A": {"M": {}}}, {"A": {"M": {"x": {"NULL": True}}}}),
        ({"A": {"BOOL": True}}, {"A": {"BOOL": False}}),
        ({"A": {"S": ""}}, {"A": {"NULL": True}}),
    ],
)
def test_another_value_is_a_change(old: dict[str, Any], new: dict[str, Any]) -> None:
    """Added, removed, of another type, in another order of a list: all are changes."""
    assert wants(old, new)


def test_other_attributes_and_other_depths_do_not_count() -> None:
    """Only the value at the path is compared."""
    address = {"M": {"City": {"S": "Ulm"}, "Zip": {"S": "1"}}}
    moved = {"M": {"City": {"S": "Ulm"}, "Zip": {"S": "2"}}}
    assert not wants({"A": {"S": "x"}}, {"A": {"S": "y"}}, "B")
    assert not wants({"A": address}, {"A": moved}, "A.City")
    assert wants({"A": address}, {"A": moved}, "A.Zip")
    assert wants({"A": {"L": [address]}}, {"A": {"L": [moved]}}, "A[0].Zip")
    assert not wants({"A": {"L": [address]}}, {"A": {"L": [address, moved]}}, "A[0].Zip")


def test_a_record_that_nothing_handles_is_not_decoded() -> None:
    """Values that could not be decoded do no harm where no route asks about them."""
    record = TABLE.modify(item(n=1), item(n=2))
    record["dynamodb"]["NewImage"]["Broken"] = {"N": "abc"}
    app = StreamApp()
    app.on_modify(attribute="Other")(lambda _record: None)
    assert app.run(event([record])).outcomes == [Skipped()]


# A missing image is a named error

VIEW_TYPES = ("KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES")
HAS_NEW, HAS_OLD = {"NEW_IMAGE", "NEW_AND_OLD_IMAGES"}, {"OLD_IMAGE", "NEW_AND_OLD_IMAGES"}


@pytest.mark.parametrize("view_type", VIEW_TYPES)
@pytest.mark.parametrize(
    ("kind", "image", "views"),
    [
        ("insert", "new", HAS_NEW),
        ("modify", "new", HAS_NEW),
        ("modify", "old", HAS_OLD),
        ("remove", "old", HAS_OLD),
    ],
)
def test_reading_an_image_that_the_view_type_leaves_out(
    view_type: Any, kind: str, image: str, views: set[str]
) -> None:
    """It fails the record with an error that names the view type set and the one needed."""
    table = Table("GameScores", keys=("UserId", "GameTitle"), view_type=view_type)
    record = {
        "insert": lambda: table.insert(item(n=1)),
        "modify": lambda: table.modify(item(n=1), item(n=2)),
        "remove": lambda: table.remove(item(n=1)),
    }[kind]()
    app = StreamApp()
    app.on_record(lambda record: getattr(record, image))

    [outcome] = app.run(event([record])).outcomes

    if view_type in views:
        assert isinstance(outcome, Handled)
        return
    assert isinstance(outcome, Failed)
    assert outcome.phase == "decode"
    assert isinstance(outcome.error, MissingImageError)
    assert outcome.error.sequence_number == number(record)
    assert outcome.error.path == f"{image.capitalize()}Image"
    assert f"has view type {view_type}" in str(outcome.error)
    assert "or NEW_AND_OLD_IMAGES" in str(outcome.error)


@pytest.mark.parametrize("view_type", ["KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE"])
def test_asking_for_a_change_without_both_images(view_type: Any) -> None:
    """A condition that needs an image which is not there fails; it does not say no."""
    table = Table("GameScores", keys=("UserId", "GameTitle"), view_type=view_type)
    app = StreamApp()
    app.on_modify(attribute="n")(lambda _record: None)
    [outcome] = app.run(event([table.modify(item(n=1), item(n=2))])).outcomes
    assert isinstance(outcome, Failed)
    assert outcome.phase == "condition"
    assert isinstance(outcome.error, MissingImageError)


def test_comparing_a_malformed_value_is_a_failure_that_says_where() -> None:
    """A value that is not in the wire form is neither changed nor unchanged."""
    record = TABLE.modify(item(n=1), item(n=2))
    record["dynamodb"]["NewImage"]["n"] = {"N": "many"}
    app = StreamApp()
    app.on_modify(attribute="n")(lambda _record: None)
    [outcome] = app.run(event([record])).outcomes
    assert isinstance(outcome, Failed)
    assert outcome.phase == "condition"
    assert isinstance(outcome.error, WireValueError)
    assert (outcome.error.path, outcome.error.sequence_number) == ("NewImage.n", number(record))


def test_a_handler_that_reads_no_image_needs_none() -> None:
    """With KEYS_ONLY the keys are enough for a handler that asks for no more."""
    table = Table("GameScores", keys="UserId", view_type="KEYS_ONLY")
    recorder = Recorder()
    assert recorder.app(event([table.insert(item("a")), table.remove(item("b"))])) == {
        "batchItemFailures": []
    }
    assert recorder.seen == ["a", "b"]


def test_an_old_item_in_last_years_shape_fails_nobody_who_reads_the_new_one() -> None:
    """Images are decoded when they are read, each on its own."""
    app = StreamApp()
    scores: list[int] = []

    @app.on_modify
    def handle(record: Modify[Score]) -> None:
        scores.append(record.new.top_score)

    [outcome] = app.run(event([TABLE.modify(item(Points="many"), item(TopScore=5))])).outcomes
    assert outcome == Handled(("handle",))
    assert scores == [5]


# A wrong source is an error

WRONG = {
    "sqs": {"Records": [{"messageId": "1", "body": "{}", "eventSource": "aws:sqs"}]},
    "sns": {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": "{}"}}]},
    "s3": {"Records": [{"eventSource": "aws:s3", "s3": {}}]},
    "kinesis without a number": {"Records": [{"eventSource": "aws:kinesis", "kinesis": {"data": "e30="}}]},
    "kinesis after dynamodb": {
        "Records": [
            TABLE.insert(item()),
            {"eventSource": "aws:kinesis", "kinesis": {"data": "e30=", "sequenceNumber": "1"}},
        ]
    },
    "api gateway": {"httpMethod": "GET", "path": "/"},
    "eventbridge": {"detail-type": "x", "detail": {}},
    "step functions": {},
    "a record alone": TABLE.insert(item()),
    "text": "Records",
    "nothing": None,
    "number": 3,
    "records are a map": {"Records": {"0": {}}},
    "records are null": {"Records": None},
    "a record is text": {"Records": ["x"]},
    "a record is null": {"Records": [None]},
    "no source": {"Records": [{"dynamodb": {"SequenceNumber": "1"}, "eventName": "INSERT"}]},
    "no stream part": {"Records": [{"eventSource": "aws:dynamodb", "eventName": "INSERT"}]},
    "sqs after dynamodb": {"Records": [TABLE.insert(item()), {"eventSource": "aws:sqs"}]},
    "a batch of sqs through pipes": [{"messageId": "1", "eventSource": "aws:sqs"}],
    "a tumbling window": {"Records": [TABLE.insert(item())], "window": {"start": "", "end": ""}, "state": {}},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_an_event_of_another_source_raises(wrong: str) -> None:
    """It never returns success, and no handler runs."""
    recorder = Recorder()
    with pytest.raises(SourceError) as caught:
        recorder.app(WRONG[wrong])
    assert recorder.seen == []
    assert caught.value.phase == "source"


def test_the_error_names_the_source() -> None:
    """An SQS event is called what it is."""
    with pytest.raises(SourceError, match="record 0 comes from aws:sqs and not from a DynamoDB stream"):
        Recorder().app(WRONG["sqs"])


# Sync and async never mix silently


def test_async_handlers_are_awaited_in_order_with_sync_ones() -> None:
    """An async handler has finished before the next route or record starts."""
    app = StreamApp()
    steps: list[str] = []

    @app.on_record
    async def first(record: Record) -> None:
        import asyncio

        steps.append(f"{record.keys['UserId']} starts")
        await asyncio.sleep(0)
        steps.append(f"{record.keys['UserId']} ends")

    @app.on_record
    def second(record: Record) -> None:
        steps.append(f"{record.keys['UserId']} second")

    app(event([TABLE.insert(item("a")), TABLE.insert(item("b"))]))
    assert steps == ["a starts", "a ends", "a second", "b starts", "b ends", "b second"]


def test_an_async_handler_that_raises_fails_its_record() -> None:
    """Its exception is the outcome's."""
    app = StreamApp()

    @app.on_record
    async def handle(_record: Record) -> None:
        raise TimeoutError

    [outcome] = app.run(event([TABLE.insert(item())])).outcomes
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, TimeoutError)


def test_a_coroutine_that_a_plain_function_returns_is_awaited() -> None:
    """What matters is what comes back, not how the function was written."""
    app = StreamApp()
    done: list[str] = []

    async def work(record: Record) -> None:
        done.append(record.event_name)

    app.on_record(lambda record: work(record))
    app(event([TABLE.insert(item())]))
    assert done == ["INSERT"]


def test_an_async_condition_is_refused() -> None:
    """Its coroutine would always count as yes."""
    app = StreamApp()

    async def wanted(_record: Insert) -> bool:
        return False

    with pytest.raises(DeclarationError, match="condition wanted is async"):
        app.on_insert(when=wanted)(lambda _record: None)  # type: ignore[arg-type]


def test_a_condition_that_answers_with_a_coroutine_fails_the_record() -> None:
    """Where it could not be told at declaration, it is told at the record."""
    app = StreamApp()

    async def answer() -> bool:
        return False

    app.on_insert(when=lambda _record: answer())(lambda _record: None)  # type: ignore[arg-type, return-value]
    [outcome] = app.run(event([TABLE.insert(item())])).outcomes
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, ConditionError)


def test_a_condition_that_answers_with_any_other_awaitable_fails_the_record() -> None:
    """A future would count as yes too."""

    class Promise:
        def __await__(self) -> Iterator[None]:
            yield

    app = StreamApp()
    app.on_insert(when=lambda _record: Promise())(lambda _record: None)  # type: ignore[arg-type, return-value]
    [outcome] = app.run(event([TABLE.insert(item())])).outcomes
    assert isinstance(outcome, Failed)
    assert "always counts as yes" in str(outcome.error)


def test_a_handler_that_returns_a_generator_fails_the_record() -> None:
    """The generator's body has not run, so the record is not done."""
    app = StreamApp()
    app.on_insert(lambda record: (name for name in record.new))
    [outcome] = app.run(event([TABLE.insert(item())])).outcomes
    assert isinstance(outcome, Failed)
    assert "returned a generator" in str(outcome.error)


# Errors are named, and logs hold no content


def test_a_validation_failure_says_where_in_the_items_own_names(caplog: pytest.LogCaptureFixture) -> None:
    """The error has sequence number, image and attribute; neither it nor the log quotes the item."""
    app = StreamApp()

    @app.on_modify
    def handle(record: Modify[Score]) -> None:
        print(record.old)

    secret = "4111-1111"
    record = TABLE.modify(item(TopScore=secret), item(TopScore=Decimal(1)))
    with caplog.at_level(logging.ERROR, "headwater"):
        [outcome] = app.run(event([record])).outcomes

    assert isinstance(outcome, Failed)
    assert outcome.phase == "decode"
    assert isinstance(outcome.error, DecodeError)
    assert outcome.error.sequence_number == number(record)
    assert outcome.error.path == "OldImage.TopScore"
    assert [violation.type for violation in outcome.error.violations] == ["int_parsing"]
    assert "int_parsing" in caplog.text
    assert secret not in caplog.text
    assert secret not in repr(outcome)


def test_the_logged_traceback_starts_in_the_users_code(caplog: pytest.LogCaptureFixture) -> None:
    """What leads to the handler is left out, for sync and async ones; an error of Headwater's own keeps all."""
    app = StreamApp()

    @app.on_insert
    async def handle(_record: Insert) -> None:
        raise TimeoutError

    app(event([TABLE.insert(item())]))
    Recorder("u1").app(event([TABLE.insert(item())]))
    broken = TABLE.insert(item())
    broken["eventName"] = "OTHER"
    Recorder().app(event([broken]))

    tracebacks = [line.exc_info[2] for line in caplog.records if line.exc_info]
    names = [each.tb_frame.f_code.co_name for each in tracebacks if each is not None]
    assert names == ["handle", "handle", "begin"]


def test_a_failure_is_logged_once_with_its_fields(caplog: pytest.LogCaptureFixture) -> None:
    """One record of the logger `headwater` has all that is needed to find the item and the code."""
    record = TABLE.insert(item("a", Secret="4111-1111"))
    Recorder("a").app(event([record]))

    [line] = [line for line in caplog.records if line.name == "headwater"]
    fields = vars(line)
    assert fields["table"] == "GameScores"
    assert fields["keys"] == {"UserId": {"S": "a"}, "GameTitle": {"S": "Meteor Blasters"}}
    assert fields["sequence_number"] == number(record)
    assert fields["phase"] == "handler"
    assert fields["route"] == "handle"
    assert fields["exception_name"] == "RuntimeError"
    assert line.exc_info is not None
    assert line.levelno == logging.ERROR
    assert "4111-1111" not in caplog.text
