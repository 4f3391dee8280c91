"""The simulated mapping: an app under Lambda's retries, on a clock that does not wait."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headwater import DeadLettered, Failed, Handled, Insert, Record, StreamApp, Withheld
from headwater.dead_letters import DeadLetter
from headwater.mapping import Assumptions, EventSourceMapping, Raised, Returned
from headwater.testing import LambdaContext, SimulatedMapping, SimulationResult, Table

REPORT = ("ReportBatchItemFailures",)
ORDERS = Table("Orders", keys="Id")


class Orders:
    """An app that refuses some orders, so many times each."""

    def __init__(self, refusals: Mapping[str, int] = {}, **options: Any) -> None:
        self.refusals = dict(refusals)
        self.handled: list[str] = []
        self.app = StreamApp(**options)
        self.app.on_insert(self.charge)

    def charge(self, record: Insert) -> None:
        order = record.new["Id"]
        if self.refusals.get(order, 0) > 0:
            self.refusals[order] -= 1
            raise ConnectionError(f"no bank for {order}")
        self.handled.append(order)


def orders(names: str) -> list[dict[str, Any]]:
    return [ORDERS.insert({"Id": name}) for name in names]


def deliveries(result: SimulationResult) -> list[str]:
    """The keys of each delivery."""
    return [
        "".join(record["dynamodb"]["Keys"]["Id"]["S"] for record in each.records)
        for each in result.deliveries
    ]


# What is delivered


def test_records_that_are_handled_are_delivered_once() -> None:
    """In one batch, at once, with nothing left over."""
    shop = Orders()
    mapping = SimulatedMapping(shop.app)
    mapping.put(*orders("abc"))
    result = mapping.run_until_drained()
    assert shop.handled == ["a", "b", "c"]
    assert deliveries(result) == ["abc"]
    assert (result.handled, result.retries, result.repeats, result.discarded) == (3, 0, {}, ())
    assert (result.waiting, result.filtered, result.seconds) == ((), 0, 0.0)
    assert result.deliveries[0].outcomes == (Handled(("charge",)),) * 3
    assert result.deliveries[0].answer == Returned({"batchItemFailures": []})


def test_a_failure_is_delivered_again_from_the_checkpoint_on() -> None:
    """After a back-off that takes no time of the test's."""
    shop = Orders({"b": 2})
    mapping = SimulatedMapping(shop.app, duration=0.1)
    records = orders("abc")
    mapping.put(*records)
    result = mapping.run_until_drained()
    assert shop.handled == ["a", "b", "c"]
    assert deliveries(result) == ["abc", "bc", "bc"]
    started = [each.invocation.started - result.start for each in result.deliveries]
    assert started == pytest.approx([0.0, 0.1, 0.6])
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    assert result.repeats == {numbers[1]: 2, numbers[2]: 2}
    assert result.retries == 2
    assert [type(outcome) for outcome in result.deliveries[0].outcomes] == [Handled, Failed, Withheld]
    assert result.deliveries_of(records[0]) == result.deliveries[:1]
    assert result.deliveries_of(records[1]) == result.deliveries


def test_what_lambda_gives_up_is_discarded_with_its_document() -> None:
    """Without bisecting, what is behind the poisoned record goes with it."""
    mapping = SimulatedMapping(
        Orders({"a": 9}).app, EventSourceMapping(function_response_types=REPORT, maximum_retry_attempts=2)
    )
    records = orders("ab")
    mapping.put(*records)
    result = mapping.run_until_drained()
    assert deliveries(result) == ["ab"] * 3
    [discard] = result.discards
    assert discard.condition == "RetryAttemptsExhausted"
    assert discard.document is not None
    assert discard.document["DDBStreamBatchInfo"]["batchSize"] == 2
    assert [raw["dynamodb"]["SequenceNumber"] for raw in result.discarded] == [
        raw["dynamodb"]["SequenceNumber"] for raw in records
    ]


def test_a_record_that_always_fails_is_trimmed_after_a_day() -> None:
    """So that every simulation comes to an end."""
    mapping = SimulatedMapping(Orders({"a": 10**6}).app)
    mapping.put(*orders("a"))
    result = mapping.run_until_drained()
    assert [(discard.condition, discard.document) for discard in result.discards] == [("Trimmed", None)]
    assert result.waiting == ()
    assert 86_400 <= result.seconds < 86_500


def test_dead_letters_and_the_ledger_of_the_app_are_at_work() -> None:
    """The records behind the poisoned one run once, and it is put aside at its last attempt."""
    letters: list[DeadLetter] = []
    shop = Orders({"a": 9}, on_failure="isolate", max_attempts=2, dead_letters=letters.append)
    mapping = SimulatedMapping(shop.app)
    mapping.put(*orders("abc"))
    result = mapping.run_until_drained()
    assert shop.handled == ["b", "c"]
    assert deliveries(result) == ["abc", "abc"]
    assert isinstance(result.deliveries[1].outcomes[0], DeadLettered)
    assert [letter.request_id for letter in letters] == [result.deliveries[1].invocation.request_id]


def test_filters_decide_what_is_delivered() -> None:
    """What they do not want is counted, and waits for nothing."""
    mapping = SimulatedMapping(
        Orders().app,
        EventSourceMapping(function_response_types=REPORT, filter_criteria=('{"eventName": ["INSERT"]}',)),
    )
    mapping.put(*orders("a"), ORDERS.remove({"Id": "b"}))
    assert len(mapping.result.waiting) == 1
    result = mapping.run_until_drained()
    assert (deliveries(result), result.filtered, result.waiting) == (["a"], 1, ())


def test_a_tumbling_window_carries_its_state_to_its_end() -> None:
    """`on_window` folds, `on_window_end` is given the sum when the window's time is over."""
    app = StreamApp()
    sums: list[int] = []

    @app.on_window
    def add(state: dict[str, Any], record: Record) -> dict[str, Any]:
        return {"sum": state.get("sum", 0) + record.keys["Number"]}

    @app.on_window_end
    def publish(state: dict[str, Any], _window: Any) -> None:
        sums.append(state["sum"])

    table = Table("Numbers", keys="Number")
    mapping = SimulatedMapping(
        app, EventSourceMapping(function_response_types=REPORT, tumbling_window_in_seconds=30)
    )
    mapping.put(table.insert({"Number": 1}))
    mapping.put(table.insert({"Number": 2}), after=10)
    mapping.put(table.insert({"Number": 4}), after=40)
    result = mapping.run_until_drained()
    assert sums == [3, 4]
    assert [len(each.records) for each in result.deliveries] == [1, 1, 0, 1, 0]
    assert "end of window" in str(result)


def test_a_window_that_can_not_be_closed_is_told_of() -> None:
    """Lambda would retry its last invocation for ever; a simulation ends."""
    app = StreamApp()

    @app.on_window
    def keep(state: dict[str, Any], _record: Record) -> dict[str, Any]:
        return state

    @app.on_window_end
    def publish(_state: dict[str, Any], _window: Any) -> None:
        raise ConnectionError("no archive")

    mapping = SimulatedMapping(
        app, EventSourceMapping(function_response_types=REPORT, tumbling_window_in_seconds=30)
    )
    mapping.put(*orders("a"))
    with pytest.raises(RuntimeError, match="tumbling window fails each time") as raised:
        mapping.run_until_drained()
    assert "end of window" in str(raised.value)


# The function


def test_any_function_of_event_and_context_can_be_simulated() -> None:
    """It is given what Lambda gives, and an answer that is no JSON is a failure as it is there."""
    seen: list[tuple[Any, LambdaContext]] = []
    answers = iter([object(), None])

    def handler(event: Any, context: LambdaContext) -> Any:
        seen.append((event, context))
        return next(answers)

    mapping = SimulatedMapping(handler, timeout=5)
    mapping.put(*orders("a"))
    result = mapping.run_until_drained()
    (first, context), (second, _) = seen
    assert first == second
    assert first is not second
    assert context.get_remaining_time_in_millis() == 5_000
    assert context.aws_request_id == result.deliveries[0].invocation.request_id
    answer = result.deliveries[0].answer
    assert isinstance(answer, Raised)
    assert answer.error_type == "Runtime.MarshalError"
    assert [each.outcomes for each in result.deliveries] == [(), ()]


def test_a_function_that_raises_has_failed() -> None:
    """Its error is what the mapping says it is."""

    def handler(_event: Any, _context: Any) -> Any:
        raise KeyError("Id")

    mapping = SimulatedMapping(
        handler, EventSourceMapping(maximum_retry_attempts=0, function_response_types=REPORT)
    )
    mapping.put(*orders("a"))
    result = mapping.run_until_drained()
    assert result.deliveries[0].answer == Raised("KeyError", "'Id'")
    assert "KeyError: 'Id' -> given up" in str(result)


def test_what_a_handler_does_to_its_event_is_not_in_the_next_one() -> None:
    """Each delivery is read anew."""
    seen: list[Any] = []

    def handler(event: Any, _context: Any) -> Any:
        seen.append(event["Records"].pop())
        return {"batchItemFailures": [{"itemIdentifier": ""}]} if len(seen) == 1 else None

    mapping = SimulatedMapping(handler)
    mapping.put(*orders("a"))
    mapping.run_until_drained()
    assert seen[0] == seen[1]


def test_an_invocation_that_takes_too_long_is_stopped_without_an_answer() -> None:
    """The batch of two is delivered again; bisected, each half is in time."""
    shop = Orders()
    mapping = SimulatedMapping(
        shop.app,
        EventSourceMapping(function_response_types=REPORT, bisect_batch_on_function_error=True),
        duration=lambda records: 2.0 * len(records),
        timeout=3.0,
    )
    mapping.put(*orders("ab"))
    result = mapping.run_until_drained()
    assert deliveries(result) == ["ab", "a", "b"]
    assert result.deliveries[0].answer == Raised("Sandbox.Timedout", "Task timed out after 3.00 seconds")
    assert result.deliveries[0].outcomes == ()
    assert result.seconds == 7.0
    assert shop.handled == ["a", "b", "a", "b"]


def test_more_than_may_run_at_once_are_throttled() -> None:
    """That is no attempt, and no answer."""
    names = "abcdefgh"
    mapping = SimulatedMapping(
        Orders().app,
        EventSourceMapping(function_response_types=REPORT, maximum_retry_attempts=0),
        shards=4,
        duration=1.0,
        most_at_once=1,
    )
    mapping.put(*orders(names))
    result = mapping.run_until_drained()
    assert result.figures.throttled > 0
    assert result.handled == len(names)
    assert result.discards == ()
    assert {each.answer for each in result.deliveries if each.delivery.verdict is None} == {None}
    assert "throttled -> again in 0.4 s" in str(result)


def test_a_handler_that_ends_its_process_has_failed() -> None:
    """As on Lambda; the test goes on."""

    def leave(_event: object, _context: object) -> None:
        sys.exit(3)

    mapping = SimulatedMapping(
        leave, EventSourceMapping(function_response_types=REPORT, maximum_retry_attempts=0)
    )
    mapping.put(*orders("a"))
    [delivered] = mapping.run_until_drained().deliveries
    assert delivered.answer == Raised("Runtime.ExitError", "Runtime exited with 3")


def test_what_handlers_write_is_delivered_too() -> None:
    """Also long after everything else is done."""
    more = orders("b")

    def write(_event: object, _context: object) -> None:
        if more:
            mapping.put(more.pop(), after=200_000)

    mapping = SimulatedMapping(write)
    mapping.put(*orders("a"))
    assert deliveries(mapping.run_until_drained()) == ["a", "b"]


def test_all_that_cannot_run_is_trimmed_however_much_it_is() -> None:
    """What did not fit into memory is read when the rest has been given up."""
    mapping = SimulatedMapping(lambda _event, _context: 1, most_at_once=0)
    mapping.put(*(ORDERS.insert({"Id": str(number)}) for number in range(5_000)))
    assert len(mapping.run_until_drained().discarded) == 5_000


def test_what_is_written_at_one_time_keeps_its_order() -> None:
    """Over several calls too: the changes of an item are delivered as they were made."""
    seen: list[str] = []
    mapping = SimulatedMapping(
        lambda event, _context: seen.extend(
            record["dynamodb"]["SequenceNumber"] for record in event["Records"]
        )
    )
    item = {"Id": "a"}
    first, second = {**item, "N": 1}, {**item, "N": 2}
    changes = [
        ORDERS.insert(item),
        ORDERS.modify(item, first),
        ORDERS.modify(first, second),
        ORDERS.remove(second),
    ]
    mapping.put(*changes[:2])
    mapping.put(*changes[2:])
    mapping.run_until_drained()
    assert seen == [change["dynamodb"]["SequenceNumber"] for change in changes]


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_an_invocation_takes_a_time(seconds: float) -> None:
    """A number that is none is refused at once, one that a function returns when it does."""
    with pytest.raises(ValueError, match="can not take"):
        SimulatedMapping(Orders().app, duration=seconds)
    mapping = SimulatedMapping(Orders().app, duration=lambda _records: seconds)
    mapping.put(*orders("a"))
    with pytest.raises(ValueError, match="can not take"):
        mapping.run_until_drained()


# Shards, lanes, time


def test_items_go_to_shards_and_lanes_by_their_keys() -> None:
    """All shards and lanes are used, and an item is always in the same."""
    mapping = SimulatedMapping(
        Orders().app,
        EventSourceMapping(function_response_types=REPORT, parallelization_factor=4, batch_size=1),
        shards=4,
        duration=0.01,
    )
    for _ in range(2):
        mapping.put(*(ORDERS.insert({"Id": f"order {number}"}) for number in range(200)))
    result = mapping.run_until_drained()
    places: dict[str, set[tuple[str, int]]] = {}
    for each in result.deliveries:
        item = each.records[0]["dynamodb"]["Keys"]["Id"]["S"]
        places.setdefault(item, set()).add((each.invocation.shard_id, each.invocation.lane))
    assert all(len(place) == 1 for place in places.values())
    assert len(set.union(*places.values())) == 16


def test_rounds_continue_on_one_clock() -> None:
    """What was there stays in the result; records are stamped with the virtual time, rounded down."""
    start = datetime(2030, 6, 1, 12, tzinfo=UTC)
    shop = Orders()
    mapping = SimulatedMapping(shop.app, start=start)
    mapping.put(*orders("a"), after=1.6)
    assert mapping.run_until_drained().seconds == 1.75
    assert mapping.now == start + timedelta(seconds=1.75)
    mapping.advance(10.0)
    assert mapping.now == start + timedelta(seconds=11.75)
    mapping.put(*orders("b"))
    result = mapping.run_until_drained()
    assert deliveries(result) == ["a", "b"]
    stamps = [
        record["dynamodb"]["ApproximateCreationDateTime"] - result.start
        for each in result.deliveries
        for record in each.records
    ]
    assert stamps == [1, 11]
    assert result.iterator_age.max == pytest.approx(0.15)


def test_advance_stops_in_the_middle() -> None:
    """What is not done yet is waiting."""
    mapping = SimulatedMapping(Orders({"b": 1}).app)
    mapping.put(*orders("ab"))
    mapping.put(*orders("c"), after=100)
    result = mapping.advance(50)
    assert [record["dynamodb"]["Keys"]["Id"]["S"] for record in result.waiting] == ["c"]
    assert mapping.advance(0.0).seconds == 50
    assert mapping.advance(60).waiting == ()


def test_the_iterator_age_is_that_of_the_last_record() -> None:
    """As CloudWatch has it: by invocation, when it starts."""
    mapping = SimulatedMapping(Orders().app, EventSourceMapping(batch_size=1), duration=1.0)
    mapping.put(*orders("abcd"))
    ages = mapping.run_until_drained().iterator_age
    assert (ages.max, ages.percentile(50), ages.percentile(100)) == (3.0, 1.0, 3.0)
    assert repr(ages) == "<Ages p50=1.000 p99=3.000 max=3.000>"
    empty = SimulatedMapping(Orders().app).run_until_drained()
    assert (empty.iterator_age.max, empty.iterator_age.percentile(99)) == (0.0, 0.0)


# What is refused


def test_records_that_could_not_be_in_a_stream_are_refused() -> None:
    """With what to write instead."""
    mapping = SimulatedMapping(Orders().app)
    [record] = orders("a")
    with pytest.raises(ValueError, match="put has no records"):
        mapping.put()
    with pytest.raises(ValueError, match="a stream has each once"):
        mapping.put(record, record)
    mapping.put(record)
    with pytest.raises(ValueError, match="a stream has each once"):
        mapping.put(record)
    with pytest.raises(ValueError, match="no time to come"):
        mapping.put(*orders("b"), after=-1.0)
    listed: Any = [record]
    with pytest.raises(TypeError, match=r"not a list .* write put\(\*records\)"):
        mapping.put(listed)
    with pytest.raises(TypeError, match=r"not a dict without dynamodb.SequenceNumber"):
        mapping.put({"Records": [record]})
    with pytest.raises(ValueError, match="was not put"):
        mapping.run_until_drained().deliveries_of(orders("z")[0])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shards": 0}, "shards=0 is less than 1"),
        ({"most_at_once": -1}, "most_at_once=-1 is less than 0"),
        ({"timeout": 0.0}, "timeout=0.0 is none of Lambda's"),
        ({"settings": EventSourceMapping(enabled=False)}, "enabled=False"),
        ({"start": datetime(2026, 1, 1)}, "no time zone"),
    ],
)
def test_a_mapping_that_could_not_be_is_refused(options: dict[str, Any], message: str) -> None:
    """In one sentence, when it is made."""
    with pytest.raises(ValueError, match=message):
        SimulatedMapping(Orders().app, **options)


# What is shown


def test_a_result_prints_as_a_timeline() -> None:
    """What a failing assertion shows: figures, then a line for each delivery and discard."""
    mapping = SimulatedMapping(
        Orders({"b": 9}).app,
        EventSourceMapping(
            function_response_types=REPORT, maximum_retry_attempts=1, bisect_batch_on_function_error=True
        ),
        duration=0.1,
    )
    mapping.put(*orders("abc"))
    assert str(mapping.run_until_drained()).splitlines() == [
        "3 written: 2 handled, 1 discarded, 0 filtered out, 0 waiting",
        "5 invocations, 4 retries, 5 repeats, 0 throttled, 0.900 s, iterator age 0.800 s at most",
        (
            "0.000 s  shard 0/0  batch 1  a, b, c  1 handled, 1 failed, 1 withheld, "
            "charge: ConnectionError: no bank for b -> again from b"
        ),
        "0.100 s  shard 0/0  batch 1  b, c     1 failed, 1 withheld, charge: ConnectionError: no bank for b -> split",
        "0.200 s  shard 0/0  batch 1  b        1 failed, charge: ConnectionError: no bank for b -> again in 0.4 s",
        "0.700 s  shard 0/0  batch 1  b        1 failed, charge: ConnectionError: no bank for b -> given up",
        "0.800 s  shard 0/0  batch 1  c        1 handled -> done",
        "0.800 s  shard 0/0  batch 1  b        discarded: RetryAttemptsExhausted",
    ]


def test_a_long_timeline_leaves_its_middle_out() -> None:
    """And so does a long batch."""
    mapping = SimulatedMapping(lambda _event, _context: 1)
    mapping.put(*(ORDERS.insert({"Id": str(number)}) for number in range(10)))
    lines = str(mapping.run_until_drained()).splitlines()
    assert len(lines) == 43
    assert lines[22] == "... 1408 more ..."
    assert "0, 1, 2, 3, 4, 5 and 4 more" in lines[2]


def test_a_result_without_deliveries_prints_too() -> None:
    """Nothing has happened yet."""
    assert str(SimulatedMapping(Orders().app).result).splitlines() == [
        "0 written: 0 handled, 0 discarded, 0 filtered out, 0 waiting",
        "0 invocations, 0 retries, 0 repeats, 0 throttled, 0.000 s",
    ]


def test_a_report_is_a_page_of_its_own(tmp_path: Path) -> None:
    """With the keys, and with values only when they are asked for."""
    mapping = SimulatedMapping(Orders({"a": 1}).app)
    mapping.put(ORDERS.insert({"Id": "a", "Iban": "DE02120300000000202051"}))
    result = mapping.run_until_drained()
    page = result.report(tmp_path / "report.html").read_text()
    assert "ConnectionError" not in page  # a response says which record failed, and not why
    assert "Id=a" in page
    assert "DE02120300000000202051" not in page
    assert "DE02120300000000202051" in result.report(tmp_path / "values.html", values=True).read_text()


# Under random settings


SETTINGS = st.builds(
    EventSourceMapping,
    function_response_types=st.just(REPORT),
    batch_size=st.integers(1, 12),
    maximum_batching_window_in_seconds=st.integers(0, 5),
    parallelization_factor=st.integers(1, 4),
    bisect_batch_on_function_error=st.booleans(),
    maximum_retry_attempts=st.integers(-1, 3),
    maximum_record_age_in_seconds=st.sampled_from([-1, 60, 600]),
)


def simulate(
    mapping_settings: EventSourceMapping, items: Sequence[int], shards: int, poisoned: frozenset[int]
) -> SimulationResult:
    shop = Orders({f"order {item}": 10**6 for item in poisoned})
    mapping = SimulatedMapping(
        shop.app,
        mapping_settings,
        shards=shards,
        duration=lambda records: 0.01 * len(records),
        most_at_once=3,
        assumptions=Assumptions(retention_seconds=3_600.0),
    )
    table = Table("Orders", keys="Id")
    for position, item in enumerate(items):
        mapping.put(table.insert({"Id": f"order {item}"}), after=0.1 * position)
    return mapping.run_until_drained()


@settings(max_examples=60, deadline=None)
@given(
    SETTINGS,
    st.lists(st.integers(0, 9), min_size=1, max_size=60),
    st.integers(1, 3),
    st.frozensets(st.integers(0, 9), max_size=3),
)
def test_the_counts_of_a_result_agree(
    mapping_settings: EventSourceMapping, items: list[int], shards: int, poisoned: frozenset[int]
) -> None:
    """Every record is handled or discarded, and what was delivered more than once is a repeat."""
    result = simulate(mapping_settings, items, shards, poisoned)
    assert result.handled + len(result.discarded) == len(items) == len(result.written)
    assert result.waiting == ()
    ran = [each for each in result.deliveries if each.answer is not None]
    delivered = {entry.sequence_number for each in ran for entry in each.invocation.entries}
    assert sum(len(each.records) for each in ran) == len(delivered) + sum(result.repeats.values())
    assert result.figures.repeats == sum(result.repeats.values())
    assert result.figures.delivered == sum(len(each.records) for each in ran)
    assert result.retries == len(ran) - len({(e.invocation.shard_id, e.invocation.batch) for e in ran})
    if not poisoned.intersection(items):
        assert (result.repeats, result.retries, result.discarded) == ({}, 0, ())
    assert str(simulate(mapping_settings, items, shards, poisoned)) == str(result)


def test_a_result_does_not_depend_on_the_hash_seed() -> None:
    """Two processes with different seeds see the same."""
    script = (
        "import logging; logging.disable()\n"
        "from headwater.mapping import EventSourceMapping\n"
        "from tests.test_simulated import REPORT, simulate\n"
        "settings = EventSourceMapping(batch_size=5, parallelization_factor=3, function_response_types=REPORT)\n"
        "print(simulate(settings, [n * n % 10 for n in range(50)], 3, frozenset({1, 6})))"
    )
    printed = [
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert printed[0] == printed[1]
    assert "written: " in printed[0]
