"""A shard under a mapping, step by step: batches, waits, age, payload, tumbling windows, and the documents of discards."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from headwater.errors import SourceError
from headwater.mapping.answers import Answer, NotRun, Raised, Returned, read_answer
from headwater.mapping.assumptions import DEFAULTS, Assumptions, doubling_back_off, lane_by_checksum
from headwater.mapping.documents import Origin, object_key, with_payload
from headwater.mapping.entries import Entry
from headwater.mapping.history import Delivery, Discard, Invocation
from headwater.mapping.rules import Rules
from headwater.mapping.settings import EventSourceMapping
from headwater.mapping.shard import Shard
from headwater.testing import Table

T0 = 1_800_000_000.0  # 2027-01-15T08:00:00Z
ORIGIN = Origin(
    "arn:aws:dynamodb:eu-west-1:123456789012:table/Orders/stream/2026-11-21T08:00:00.000",
    "arn:aws:lambda:eu-west-1:123456789012:function:orders",
    "7",
    "316aa6d0-8154-43a8-9f3c-0000000000aa",
)
REPORT = ("ReportBatchItemFailures",)
DONE = Returned({"batchItemFailures": []})


class Driver:
    """Offers records to a shard, and answers its invocations."""

    def __init__(self, assumptions: Assumptions = DEFAULTS, **settings: Any) -> None:
        self.table = Table("Orders", keys="Id")
        mapping = EventSourceMapping(**{"function_response_types": REPORT, **settings})
        self.shard = Shard("shardId-0", Rules(mapping, assumptions, ORIGIN))

    def offer(
        self, *ids: int | str, at: float = T0, created: float | None = None, **more: Any
    ) -> Sequence[Entry]:
        written = datetime.fromtimestamp(at if created is None else created, tz=UTC)
        records = [self.table.insert({"Id": number, **more}, created_at=written) for number in ids]
        return self.shard.offer(records, at)

    def due(self, at: float = T0) -> list[Invocation | Discard]:
        return self.shard.due(at)

    def invocation(self, at: float = T0) -> Invocation:
        [step] = self.due(at)
        assert isinstance(step, Invocation)
        return step

    def answer(self, invocation: Invocation, answer: Answer, at: float = T0) -> Delivery:
        [delivery] = self.shard.answered(invocation, answer, at)
        assert isinstance(delivery, Delivery)
        return delivery


def ids(step: Invocation | Discard) -> list[Any]:
    return [key(entry.raw) for entry in step.entries]


def key(raw: Mapping[str, Any]) -> Any:
    [value] = raw["dynamodb"]["Keys"]["Id"].values()
    return int(value) if value.isdigit() else value


def names(*entries: Entry) -> Returned:
    return Returned({"batchItemFailures": [{"itemIdentifier": entry.sequence_number} for entry in entries]})


# Reading answers


@pytest.mark.parametrize(
    ("payload", "first"),
    [
        ("", None),
        ("all good", 0),
        (["30"], 0),
        (7, 0),
        (True, 0),
        ({"batchItemFailures": "4"}, 0),
        ({"batchItemFailures": {"itemIdentifier": "4"}}, 0),
        ({"batchItemFailures": ["4"]}, 0),
        ({"batchItemFailures": [{"itemIdentifier": "100"}, {"itemIdentifier": "4"}]}, 1),
        ({"batchItemFailures": [{"itemIdentifier": "100"}, {"itemIdentifier": "5"}]}, 0),
        ({"batchItemFailures": [{"itemIdentifier": "100"}, {"itemIdentifier": None}]}, 0),
        ({"batchItemFailures": [{"itemIdentifier": "twice"}]}, 3),
    ],
)
def test_an_answer_is_read_as_lambda_reads_it(payload: Any, first: int | None) -> None:
    """Those that AWS documents are in the scenarios; here are odd ones, and the reason is always said."""
    verdict = read_answer(
        Returned(payload), ["30", "4", "100", "twice", "twice"], report=True, assumptions=DEFAULTS
    )
    assert verdict.redeliver_from == first
    assert bool(verdict.reason) == (first is not None)


def test_what_aws_leaves_open_can_be_told_otherwise() -> None:
    """Unknown identifiers can be ignored, and other responses count as success."""
    lenient = Assumptions(unknown_identifier="ignored", other_response="success")

    def first(payload: Any) -> int | None:
        return read_answer(Returned(payload), ["30", "4"], report=True, assumptions=lenient).redeliver_from

    assert first("all good") is None
    assert first({"batchItemFailures": [{"itemIdentifier": "5"}]}) is None
    assert first({"batchItemFailures": [{"itemIdentifier": "5"}, {"itemIdentifier": "4"}]}) == 1
    assert first({"batchItemFailures": [{"itemIdentifier": ""}]}) == 0


# Batches


def test_a_window_collects_until_it_ends_or_the_batch_is_full() -> None:
    """It begins with the first record, or when the last invocation ended; the shard says when it ends."""
    driver = Driver(batch_size=3, maximum_batching_window_in_seconds=10)
    driver.offer(1)
    assert driver.due(T0 + 9.9) == []
    assert driver.shard.wake_at(T0) == T0 + 10
    driver.offer(2, at=T0 + 5)
    first = driver.invocation(T0 + 10)
    assert ids(first) == [1, 2]
    driver.offer(3, 4, at=T0 + 11)
    assert (driver.due(T0 + 11), driver.shard.wake_at(T0 + 11)) == ([], None)
    driver.answer(first, DONE, T0 + 15)
    assert driver.due(T0 + 24) == []
    driver.offer(5, at=T0 + 24)
    assert ids(driver.invocation(T0 + 24)) == [3, 4, 5]


def test_one_window_follows_the_other() -> None:
    """The next begins when an invocation has ended, whether records are there or not."""
    driver = Driver(maximum_batching_window_in_seconds=10)
    driver.offer(1)
    driver.answer(driver.invocation(T0 + 10), DONE, T0 + 11)
    driver.offer(2, at=T0 + 16)
    assert driver.shard.wake_at(T0 + 16) == T0 + 21
    driver.answer(driver.invocation(T0 + 21), DONE, T0 + 21)
    driver.offer(3, at=T0 + 56)
    assert driver.shard.wake_at(T0 + 56) == T0 + 61


def test_a_shard_that_has_ended_waits_for_no_window() -> None:
    """Nothing can come any more."""
    driver = Driver(maximum_batching_window_in_seconds=300)
    driver.offer(1)
    driver.shard.close()
    last = driver.invocation()
    assert not driver.shard.finished
    driver.answer(last, DONE)
    assert driver.shard.finished


def test_a_payload_has_six_megabytes_at_most() -> None:
    """The records behind come with the next batch, and a full payload waits for no window."""
    driver = Driver(maximum_batching_window_in_seconds=300)
    driver.offer(*range(8), Note="x" * 1_000_000)
    first = driver.invocation()
    assert ids(first) == [0, 1, 2, 3, 4, 5]
    assert len(json.dumps(first.event, separators=(",", ":"))) < 6 * 1024 * 1024
    driver.answer(first, DONE)
    assert driver.due() == []
    assert ids(driver.invocation(T0 + 300)) == [6, 7]


def test_a_record_that_is_too_large_is_delivered_alone() -> None:
    """DynamoDB has none such, but nothing may stop the shard."""
    driver = Driver()
    driver.offer(1, 2, Note="x" * 7_000_000)
    assert ids(driver.invocation()) == [1]


def test_a_shard_reads_on_only_while_it_has_room() -> None:
    """Behind a record that fails for ever, not all of the stream is kept in memory."""
    driver = Driver(batch_size=1)
    driver.offer(*range(1_999))
    assert driver.shard.has_room
    driver.offer(2_000)
    assert not driver.shard.has_room


def test_what_is_not_wanted_takes_no_room() -> None:
    """Behind a record that waits for its batching window, the stream is read on; little of it is kept."""
    only_wanted = ('{"dynamodb": {"NewImage": {"Wanted": {"BOOL": [true]}}}}',)
    driver = Driver(maximum_batching_window_in_seconds=300, filter_criteria=only_wanted)
    driver.offer(0, Wanted=True)
    for start in range(1, 20_000, 1_000):
        driver.offer(*range(start, start + 1_000))
        assert driver.shard.has_room
    last = driver.offer("last", Wanted=True)
    assert driver.shard.filtered == 20_000
    assert len(driver.shard._unsettled) < 3_000
    driver.answer(driver.invocation(T0 + 300), DONE, T0 + 300)
    assert (driver.shard.checkpoint, driver.shard.idle) == (last[0].sequence_number, True)


def test_a_shard_keeps_no_more_than_two_payloads_for_each_lane() -> None:
    """Records can be large."""
    driver = Driver(maximum_batching_window_in_seconds=300)
    while driver.shard.has_room:
        driver.offer(1, Note="x" * 390_000)
    assert 30 < driver.shard._lanes[0].pending < 35


def test_lanes_go_on_while_one_of_them_fails() -> None:
    """The checkpoint waits for the failing one; when it is done, it moves past all."""
    driver = Driver(
        Assumptions(lane_of=lambda keys, lanes: int(keys["Id"]["N"]) % lanes), parallelization_factor=2
    )
    bad, good = driver.offer(0, 1)
    first, second = driver.due()
    assert isinstance(first, Invocation)
    assert isinstance(second, Invocation)
    assert (ids(first), ids(second), first.number, second.number) == ([0], [1], 1, 2)
    driver.answer(second, DONE)
    assert driver.answer(first, names(bad)).then == "retry"
    assert driver.shard.checkpoint is None
    again = driver.invocation(T0 + 0.4)
    assert (ids(again), again.attempt, again.batch) == ([0], 2, first.batch)
    driver.answer(again, DONE, T0 + 1)
    assert driver.shard.checkpoint == good.sequence_number


def test_the_lane_of_an_item_depends_on_all_of_its_keys() -> None:
    """In whichever order they are, and for each number of lanes."""
    keys = {"PK": {"S": "a"}, "SK": {"N": "1"}}
    assert lane_by_checksum(keys, 10) == lane_by_checksum(dict(reversed(keys.items())), 10)
    lanes = {lane_by_checksum({**keys, "SK": {"N": str(number)}}, 10) for number in range(200)}
    assert lanes == set(range(10))


# Redelivery


def test_waits_double_up_to_a_minute() -> None:
    """Also after very many failures."""
    waits = [doubling_back_off(failures) for failures in (1, 2, 3, 7, 8, 9, 10_000)]
    assert waits == [0.4, 0.8, 1.6, 25.6, 51.2, 60.0, 60.0]


def test_a_function_that_was_not_reached_has_used_no_attempt() -> None:
    """Throttling is retried with growing waits, and is no failure of the batch."""
    driver = Driver(maximum_retry_attempts=0)
    [entry] = driver.offer(1)
    waits, at = [], T0
    for _ in range(3):
        delivery = driver.answer(driver.invocation(at), NotRun("TooManyRequestsException"), at)
        assert (delivery.verdict, delivery.then, delivery.invocation.attempt) == (None, "retry", 1)
        waits.append(delivery.wait)
        at += delivery.wait
        assert driver.shard.wake_at(at - 0.1) == at
    assert waits == [0.4, 0.8, 1.6]
    invocation = driver.invocation(at)
    _, discard = driver.shard.answered(invocation, names(entry), at)
    assert isinstance(discard, Discard)
    assert discard.document is not None
    assert discard.document["requestContext"]["approximateInvokeCount"] == 1


def test_retries_before_a_bisection_are_an_option() -> None:
    """So is where it splits, and whether a response splits."""
    driver = Driver(
        Assumptions(retries_before_bisect=1, bisect_at=lambda count: count - 1),
        bisect_batch_on_function_error=True,
    )
    driver.offer(1, 2, 3)
    boom = Raised("ValueError", "no")
    assert driver.answer(driver.invocation(), boom).then == "retry"
    assert driver.answer(driver.invocation(T0 + 0.4), boom, T0 + 1).then == "bisect"
    assert driver.shard.wake_at(T0 + 1) == T0 + 1
    assert ids(driver.invocation(T0 + 1)) == [1, 2]

    whole = Driver(Assumptions(bisect_on_response=False), bisect_batch_on_function_error=True)
    first, _ = whole.offer(1, 2)
    assert whole.answer(whole.invocation(), names(first)).then == "retry"


def test_a_batch_is_split_before_it_is_discarded() -> None:
    """Even when it was to be retried more often than it may be."""
    driver = Driver(
        Assumptions(retries_before_bisect=5), bisect_batch_on_function_error=True, maximum_retry_attempts=0
    )
    driver.offer(1, 2)
    assert driver.answer(driver.invocation(), Raised("ValueError", "no")).then == "bisect"


@pytest.mark.parametrize("middle", [0, 2])
def test_a_bisection_that_splits_nothing_is_refused(middle: int) -> None:
    """The function would be invoked without records, for ever."""
    driver = Driver(Assumptions(bisect_at=lambda _count: middle), bisect_batch_on_function_error=True)
    driver.offer(1, 2)
    with pytest.raises(ValueError, match=rf"bisect_at\(2\) is {middle}, which splits nothing"):
        driver.answer(driver.invocation(), Raised("ValueError", "no"))


def test_an_answer_needs_an_invocation() -> None:
    """A driver that answers twice is told so."""
    driver = Driver()
    driver.offer(1)
    invocation = driver.invocation()
    driver.answer(invocation, DONE)
    with pytest.raises(RuntimeError, match="invocation 1 of lane 0 of shardId-0 is not under way"):
        driver.answer(invocation, DONE)


def test_a_late_answer_is_not_taken_for_that_of_the_next_invocation() -> None:
    """Records that the function has not answered are not acknowledged."""
    driver = Driver(batch_size=1)
    driver.offer(1, 2)
    first = driver.invocation()
    driver.answer(first, DONE)
    second = driver.invocation()
    with pytest.raises(RuntimeError, match="invocation 1 of lane 0 of shardId-0 is not under way"):
        driver.answer(first, DONE)
    assert driver.shard.checkpoint == first.entries[0].sequence_number
    driver.answer(second, DONE)


def test_a_function_that_has_changed_is_not_waited_for() -> None:
    """Whoever mends it sees at once whether it works."""
    driver = Driver()
    driver.offer(1)
    driver.answer(driver.invocation(), Raised("ValueError", "no"))
    assert driver.due(T0 + 0.1) == []
    driver.shard.retry_now()
    assert driver.invocation(T0 + 0.1).attempt == 2


# Discards


def test_the_run_that_was_recorded_of_aws_is_repeated() -> None:
    """One record that always fails, an age of 60 seconds, retries without limit: the document counts 8 invocations."""
    driver = Driver(maximum_record_age_in_seconds=60)
    driver.offer(1)
    at = T0
    while isinstance(step := driver.due(at)[0], Invocation):
        at += driver.answer(step, Raised("ValueError", "no"), at).wait
    assert step.document is not None
    assert step.document["requestContext"]["approximateInvokeCount"] == 8


def test_records_that_are_too_old_are_cut_from_the_front() -> None:
    """The function is given the rest; the document says one invocation though there was none, as recorded of AWS."""
    driver = Driver(maximum_record_age_in_seconds=60)
    [old] = driver.offer(1, created=T0 - 60)
    driver.offer(2, 3, created=T0 - 59)
    discard, invocation = driver.due()
    assert isinstance(discard, Discard)
    assert isinstance(invocation, Invocation)
    assert (ids(discard), ids(invocation)) == ([1], [2, 3])
    assert driver.shard.checkpoint == old.sequence_number
    assert discard.document == {
        "requestContext": {
            "requestId": invocation.request_id[:-1] + "0",
            "functionArn": ORIGIN.function_arn,
            "condition": "RecordAgeExceeded",
            "approximateInvokeCount": 1,
        },
        "version": "1.0",
        "timestamp": "2027-01-15T08:00:00.000Z",
        "DDBStreamBatchInfo": {
            "shardId": "shardId-0",
            "startSequenceNumber": old.sequence_number,
            "endSequenceNumber": old.sequence_number,
            "approximateArrivalOfFirstRecord": "2027-01-15T07:59:00Z",
            "approximateArrivalOfLastRecord": "2027-01-15T07:59:00Z",
            "batchSize": 1,
            "streamArn": ORIGIN.stream_arn,
        },
    }


def test_records_grow_too_old_while_they_are_retried() -> None:
    """Then the document counts the invocations, and the records that are left begin anew."""
    driver = Driver(maximum_record_age_in_seconds=60, maximum_retry_attempts=5)
    driver.offer(1, created=T0)
    driver.offer(2, created=T0 + 30)
    for at in (T0 + 30, T0 + 31):
        delivery = driver.answer(driver.invocation(at), Raised("ValueError", "no"), at)
    assert delivery.invocation.attempt == 2
    discard, invocation = driver.due(T0 + 60)
    assert isinstance(discard, Discard)
    assert isinstance(invocation, Invocation)
    assert (ids(discard), ids(invocation), invocation.attempt) == ([1], [2], 1)
    assert discard.document is not None
    assert discard.document["requestContext"]["approximateInvokeCount"] == 2
    assert discard.document["requestContext"]["requestId"] == delivery.invocation.request_id
    driver.answer(invocation, Raised("ValueError", "no"), T0 + 60)
    [last] = driver.due(T0 + 100)
    assert isinstance(last, Discard)
    assert driver.shard.idle


def test_what_the_stream_has_trimmed_has_no_document() -> None:
    """After a day a record is gone, whatever the mapping allows."""
    driver = Driver()
    driver.offer(1, created=T0 - 86_400)
    [discard] = driver.due()
    assert isinstance(discard, Discard)
    assert (discard.condition, discard.document) == ("Trimmed", None)
    assert driver.shard.idle


def test_exhausted_retries_have_the_document_that_aws_documents() -> None:
    """With the function's error, and for a bucket with the event as escaped text, under the documented key."""
    driver = Driver(maximum_retry_attempts=0)
    driver.offer(1, 2)
    invocation = driver.invocation()
    _, discard = driver.shard.answered(invocation, Raised("ValueError", "no"), T0 + 1.5)
    assert isinstance(discard, Discard)
    assert discard.document is not None
    assert discard.document["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert discard.document["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "7",
        "functionError": "Unhandled",
    }
    assert discard.document["timestamp"] == "2027-01-15T08:00:01.500Z"
    assert discard.document["DDBStreamBatchInfo"]["batchSize"] == 2

    stored = with_payload(discard)
    assert json.loads(stored["payload"]) == invocation.event
    assert {**stored, "payload": None} == {**discard.document, "payload": None}
    prefix = f"aws/lambda/{ORIGIN.mapping_uuid}/shardId-0/2027/01/15/2027-01-15T08.00.01-"
    assert object_key(discard, ORIGIN).startswith(prefix)
    assert object_key(discard, ORIGIN) != object_key(discard, ORIGIN)
    assert "payload" in with_payload(discard._replace(document=None))


# Tumbling windows


def state(count: int) -> Returned:
    return Returned({"state": {"count": count}, "batchItemFailures": []})


def test_a_window_carries_its_state_and_ends_with_a_last_invocation() -> None:
    """The next window begins with a fresh state; the last answer needs none."""
    driver = Driver(batch_size=2, tumbling_window_in_seconds=300)
    driver.offer(1, 2, 3)
    driver.offer(4, at=T0 + 300)
    first = driver.invocation(T0 + 300)
    assert first.event == {
        "Records": [entry.raw for entry in first.entries],
        "window": {"start": "2027-01-15T08:00:00Z", "end": "2027-01-15T08:05:00Z"},
        "state": {},
        "shardId": "shardId-0",
        "eventSourceARN": ORIGIN.stream_arn,
        "isFinalInvokeForWindow": False,
        "isWindowTerminatedEarly": False,
    }
    driver.answer(first, state(2), T0 + 300)
    second = driver.invocation(T0 + 300)
    assert (ids(second), second.event["state"]) == ([3], {"count": 2})
    driver.answer(second, state(3), T0 + 300)
    last = driver.invocation(T0 + 300)
    assert (last.entries, last.event["Records"], last.event["state"]) == ((), [], {"count": 3})
    assert (last.event["isFinalInvokeForWindow"], last.event["isWindowTerminatedEarly"]) == (True, False)
    driver.answer(last, Returned(None), T0 + 301)
    other = driver.invocation(T0 + 301)
    assert (ids(other), other.event["state"]) == ([4], {})
    assert other.event["window"]["start"] == "2027-01-15T08:05:00Z"


def test_a_window_ends_by_the_clock_only_when_the_stream_has_nothing_more() -> None:
    """A backlog is read to its end first; then the shard says when the window is over."""
    driver = Driver(tumbling_window_in_seconds=60)
    driver.offer(1)
    driver.answer(driver.invocation(T0 + 100), state(1), T0 + 100)
    assert (driver.due(T0 + 100), driver.shard.wake_at(T0 + 100)) == ([], None)
    driver.shard.offer([], T0 + 100)
    assert driver.shard.wake_at(T0) == T0 + 60
    assert not driver.shard.idle
    assert driver.due(T0 + 59) == []
    driver.answer(driver.invocation(T0 + 60), DONE, T0 + 60)
    assert driver.shard.idle
    assert driver.shard.wake_at(T0 + 60) is None


def test_a_window_ends_when_the_stream_has_gone_past_it() -> None:
    """In another lane, or with records that no filter wants: that the stream falls silent is not waited for."""
    wanted = ('{"dynamodb": {"Keys": {"Id": {"N": ["1"]}}}}',)
    driver = Driver(tumbling_window_in_seconds=60, filter_criteria=wanted)
    driver.offer(1)
    driver.answer(driver.invocation(), state(1))
    driver.offer(2, created=T0 + 59)
    assert driver.due(T0 + 100) == []
    driver.offer(3, created=T0 + 60)
    assert driver.invocation(T0 + 100).event["isFinalInvokeForWindow"]


def test_a_record_that_comes_late_goes_into_the_open_window() -> None:
    """Windows do not open again."""
    driver = Driver(tumbling_window_in_seconds=60)
    for created in (T0 + 59, T0 + 60, T0 + 58, T0 + 61):
        driver.offer(int(created - T0), created=created)
    starts = []
    for _ in range(3):
        invocation = driver.invocation()
        starts.append((ids(invocation), invocation.event["window"]["start"][-6:]))
        driver.answer(invocation, state(1))
    assert starts == [([59], "00:00Z"), ([], "00:00Z"), ([60, 58, 61], "01:00Z")]
    driver.offer(58, created=T0 + 58)
    driver.offer(62, created=T0 + 62)
    late = driver.invocation()
    assert (ids(late), late.event["window"]["start"][-6:]) == ([58, 62], "01:00Z")


def test_the_checkpoint_waits_for_the_window() -> None:
    """After a restart its records come again, as their state is gone; those of the next one wait behind."""
    driver = Driver(batch_size=1, tumbling_window_in_seconds=60)
    first, second = driver.offer(1, 2)
    driver.answer(driver.invocation(), state(1))
    driver.answer(driver.invocation(), state(2))
    assert (driver.shard.checkpoint, first.settled) == (None, False)
    assert (driver.shard.left, driver.shard.oldest) == (2, T0)
    driver.shard.close()
    driver.answer(driver.invocation(), DONE)
    assert (driver.shard.checkpoint, driver.shard.finished) == (second.sequence_number, True)
    assert (driver.shard.left, driver.shard.oldest) == (0, None)


def test_a_state_is_not_the_functions_to_change() -> None:
    """One that fails is given the same again."""
    driver = Driver(tumbling_window_in_seconds=60)
    driver.offer(1)
    invocation = driver.invocation()
    invocation.event["state"]["changed"] = True
    driver.answer(invocation, Raised("ValueError", "no"))
    assert driver.invocation(T0 + 1).event["state"] == {}


def test_a_payload_holds_the_state_too() -> None:
    """Six megabytes are all of the event."""
    driver = Driver(batch_size=10, tumbling_window_in_seconds=60)
    driver.offer(0)
    driver.answer(driver.invocation(), Returned({"state": {"text": "x" * 900_000}}))
    driver.offer(*range(1, 9), Note="x" * 1_000_000)
    second = driver.invocation()
    assert ids(second) == [1, 2, 3, 4, 5]
    assert len(json.dumps(second.event)) < 6 * 1024 * 1024


def test_the_end_of_a_shard_ends_its_window() -> None:
    """There are no windows across shards."""
    driver = Driver(tumbling_window_in_seconds=900)
    driver.offer(1)
    driver.answer(driver.invocation(), state(1))
    driver.shard.close()
    last = driver.invocation(T0 + 1)
    assert last.event["isFinalInvokeForWindow"]
    failed = driver.answer(last, Raised("ValueError", "no"), T0 + 1)
    assert (failed.then, driver.shard.finished) == ("retry", False)
    driver.answer(driver.invocation(T0 + 2), Returned({}), T0 + 2)
    assert driver.shard.finished


def test_the_last_invocation_of_a_window_is_retried_for_ever() -> None:
    """AWS: processing is suspended until it succeeds."""
    driver = Driver(tumbling_window_in_seconds=1, maximum_retry_attempts=0)
    driver.offer(1)
    driver.answer(driver.invocation(), state(1))
    driver.shard.close()
    at = T0 + 1
    for _ in range(5):
        assert driver.answer(driver.invocation(at), Raised("ValueError", "no"), at).then == "retry"
        at += 60
    assert driver.answer(driver.invocation(at), DONE, at).then == "advance"


def test_an_answer_without_a_state_has_failed() -> None:
    """The state from before is given again."""
    driver = Driver(tumbling_window_in_seconds=60)
    driver.offer(1)
    delivery = driver.answer(driver.invocation(), DONE)
    assert delivery.verdict is not None
    assert "no state" in delivery.verdict.reason
    again = driver.invocation(T0 + 0.4)
    assert (ids(again), again.event["state"]) == ([1], {})


@pytest.mark.parametrize(("kept", "expected"), [("returned", {"count": 1}), ("kept", {})])
def test_which_state_follows_a_partial_answer_is_an_option(kept: Any, expected: Any) -> None:
    """AWS does not document it."""
    driver = Driver(replace(DEFAULTS, state_after_partial=kept), tumbling_window_in_seconds=60)
    _, bad = driver.offer(1, 2)
    driver.answer(driver.invocation(), Returned({"state": {"count": 1}, **names(bad).payload}))
    again = driver.invocation()
    assert (ids(again), again.event["state"]) == ([2], expected)
    driver.answer(again, Raised("ValueError", "no"))
    assert driver.invocation(T0 + 0.4).event["state"] == expected


def test_a_state_over_a_megabyte_ends_the_window_early() -> None:
    """The same window goes on with a fresh state."""
    driver = Driver(batch_size=1, tumbling_window_in_seconds=60)
    driver.offer(1, 2)
    large = {"text": "x" * 1_000_001}
    driver.answer(driver.invocation(), Returned({"state": large}))
    early = driver.invocation()
    assert (early.entries, early.event["state"]) == ((), large)
    assert (early.event["isFinalInvokeForWindow"], early.event["isWindowTerminatedEarly"]) == (False, True)
    driver.answer(early, DONE)
    following = driver.invocation()
    assert (ids(following), following.event["state"]) == ([2], {})
    assert following.event["window"] == early.event["window"]


def test_a_state_that_a_partial_answer_brings_can_be_too_large() -> None:
    """The window ends early before the rest of the batch is delivered."""
    driver = Driver(tumbling_window_in_seconds=60)
    _, bad = driver.offer(1, 2)
    driver.answer(driver.invocation(), Returned({"state": {"text": "x" * 1_000_001}, **names(bad).payload}))
    early = driver.invocation()
    assert early.event["isWindowTerminatedEarly"]
    driver.answer(early, DONE)
    rest = driver.invocation()
    assert (ids(rest), rest.event["state"]) == ([2], {})


def test_the_size_of_a_state_is_that_of_its_text() -> None:
    """Letters beyond ASCII take their bytes in UTF-8, and not those of an escape."""
    driver = Driver(batch_size=1, tumbling_window_in_seconds=60)
    driver.offer(1, 2)
    driver.answer(driver.invocation(), Returned({"state": {"text": "é" * 400_000}}))
    assert ids(driver.invocation()) == [2]


def test_the_document_of_a_window_has_the_whole_event() -> None:
    """As the function was given it."""
    driver = Driver(tumbling_window_in_seconds=60, maximum_retry_attempts=0)
    driver.offer(1)
    invocation = driver.invocation()
    _, discard = driver.shard.answered(invocation, Raised("ValueError", "no"), T0)
    assert isinstance(discard, Discard)
    assert json.loads(with_payload(discard)["payload"]) == invocation.event


# Records that are not as they should be


def test_a_record_without_a_sequence_number_is_refused_and_none_is_taken() -> None:
    """Nothing is lost: the page can be offered again without it."""
    driver = Driver()
    good = driver.table.insert({"Id": 1})
    unnamed: list[dict[str, Any]] = [{"dynamodb": {}}, {}, {"dynamodb": {"SequenceNumber": 5}}]
    for bad in unnamed:
        with pytest.raises(SourceError, match=r"has a dynamodb\.SequenceNumber, and this one has not"):
            driver.shard.offer([good, bad], T0)
    assert driver.due() == []


@pytest.mark.parametrize(("time", "created"), [(T0, T0), (str(T0), T0), (None, T0 + 5), ("noon", T0 + 5)])
def test_the_time_of_a_record_is_read_as_it_comes(time: Any, created: float) -> None:
    """A number, the text of one as in a sample of AWS's, or when it was read."""
    raw = {"dynamodb": {"SequenceNumber": "1", "ApproximateCreationDateTime": time}}
    entry = Entry(raw, T0 + 5)
    assert (entry.created, repr(entry)) == (created, "<Entry 1>")


def test_a_record_with_half_a_letter_has_a_size() -> None:
    """JSON can hold it, and UTF-8 can not."""
    assert Entry({"dynamodb": {"SequenceNumber": "1"}, "half": "\ud800"}, T0).size > 0


def test_windows_are_aligned_to_their_length() -> None:
    """As in AWS's examples: five minutes from 17:00 to 17:05."""
    driver = Driver(tumbling_window_in_seconds=300)
    driver.offer(1, created=T0 + 299)
    assert driver.invocation().event["window"] == {
        "start": "2027-01-15T08:00:00Z",
        "end": "2027-01-15T08:05:00Z",
    }
