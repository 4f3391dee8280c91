"""Tumbling windows: what an event says of one, the state between JSON and the user's type, and folding."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import json
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Generic, NamedTuple, Protocol, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, Json, RootModel, computed_field
from typing_extensions import TypedDict

from headwater import (
    DeclarationError,
    DecodeError,
    Failed,
    Handled,
    HandlerError,
    Insert,
    MalformedRecordError,
    Modify,
    Record,
    Remove,
    Skipped,
    SourceError,
    StreamApp,
)
from headwater.engine import LOOP
from headwater.folds import Fold, fold, window_response
from headwater.outcomes import DeadLettered, Outcome
from headwater.sources import Batch, read_event
from headwater.testing import LambdaContext, Table, as_record, event
from headwater.verdicts import Skip
from headwater.windows import Window, read_window

SCORES = Table("Scores", keys="Player")
START, END = datetime(2026, 11, 21, 12, 0, tzinfo=UTC), datetime(2026, 11, 21, 12, 5, tzinfo=UTC)


class Score(BaseModel):
    player: str = Field(alias="Player")
    points: int = Field(alias="Points")


class Totals(BaseModel):
    points: int = 0
    players: set[str] = set()


def scored(player: str, points: int) -> dict[str, Any]:
    return SCORES.insert({"Player": player, "Points": points})


def in_window(
    records: list[dict[str, Any]], state: Any = None, *, final: bool = False, early: bool = False
) -> dict[str, Any]:
    """The event of one invocation for a window."""
    return {
        **event(records),
        "window": {"start": "2026-11-21T12:00:00Z", "end": "2026-11-21T12:05:00Z"},
        "state": {} if state is None else state,
        "shardId": "shardId-00000001573689847184-864758bb",
        "eventSourceARN": SCORES.stream_arn,
        "isFinalInvokeForWindow": final,
        "isWindowTerminatedEarly": early,
    }


def run(functions: Fold, content: dict[str, Any], outcomes: list[Outcome] | None = None) -> dict[str, Any]:
    """Fold the records of an event; the state goes through JSON, as it does through Lambda."""
    batch = read_event(json.loads(json.dumps(content)))
    functions.check(batch)
    all_skipped: list[Outcome] = [Skipped()] * len(batch.records)
    state = fold(functions, batch, all_skipped if outcomes is None else outcomes, LOOP.finish)
    returned: dict[str, Any] = json.loads(json.dumps(state))
    assert returned == state
    return returned


def add(state: Totals, record: Insert[Score] | Modify[Score]) -> Totals:
    """The function under test where it does not matter which."""
    return Totals(points=state.points + record.new.points, players=state.players | {record.new.player})


ADDING = Fold().with_reducer(add)


class Service:
    """Something with methods that fold."""

    def add(self, state: Totals, record: Insert[Score]) -> Totals:
        return add(state, record)

    def __call__(self, state: Totals, record: Insert[Score], factor: int = 1) -> Totals:
        return add(state, record)


# What an event says of its window


def test_a_window_is_read_from_the_event() -> None:
    """Beside its records, which are an event source mapping's; the state is the event's."""
    record = scored("ann", 1)
    batch = read_event(in_window([record], {"points": 3}, final=True))
    assert batch.window == Window(START, END, "shardId-00000001573689847184-864758bb", True, False)
    assert batch.state == {"points": 3}
    assert (batch.source, batch.records) == ("event source mapping", [record])
    assert read_event(event([record])).window is None
    assert read_event(event([record])).state is None


def test_a_window_closes_when_it_is_over_or_its_state_too_large() -> None:
    """In both cases Lambda drops the state after the invocation."""
    window = Window(START, END, "s", final=False, terminated_early=False)
    assert not window.closes
    assert window._replace(final=True).closes
    assert window._replace(terminated_early=True).closes


def test_the_times_of_a_window_are_in_utc() -> None:
    """Whatever offset they are written with."""
    content = in_window([])
    content["window"] = {"start": "2026-11-21T13:00:00.000+01:00", "end": "2026-11-21T12:05:00Z"}
    window = read_window(content)
    assert window is not None
    assert (window.start, window.start.utcoffset()) == (START, timedelta())


def test_a_window_of_kinesis_is_read() -> None:
    """Its records are unwrapped as without a window."""
    content = in_window([])
    content["Records"] = [{"eventSource": "aws:kinesis", "kinesis": {"sequenceNumber": "1", "data": "e30="}}]
    batch = read_event(content)
    assert (batch.source, list(batch.problems)) == ("Kinesis Data Streams", [0])
    assert batch.window is not None


def test_a_window_in_an_on_failure_object_is_read() -> None:
    """The payload is the whole event."""
    content = {"DDBStreamBatchInfo": {}, "payload": json.dumps(in_window([scored("ann", 1)], {"points": 1}))}
    batch = read_event(content)
    assert (batch.source, batch.state) == ("on-failure object", {"points": 1})
    assert batch.window is not None


WRONG_TIMES: list[Any] = [
    ...,
    None,
    1,
    "",
    "noon",
    "2026-11-21",
    "2026-11-21T12:00:00",
    "0001-01-01T00:00:00+14:00",
    ["2026-11-21T12:00:00Z"],
]
WRONG: dict[tuple[str, ...], list[Any]] = {
    ("window",): [None, [], "x", 1, {}],
    ("window", "start"): WRONG_TIMES,
    ("window", "end"): WRONG_TIMES,
    ("shardId",): [..., None, 1, []],
    ("isFinalInvokeForWindow",): [..., None, 0, 1, "false", []],
    ("isWindowTerminatedEarly",): [..., None, 0, 1, "false", []],
    ("state",): [[], "", "x", 0, 1, False],
}
DAMAGED = [(path, value) for path, values in WRONG.items() for value in values]


@pytest.mark.parametrize(("path", "wrong"), DAMAGED)
def test_a_window_that_does_not_say_all_of_it_is_refused(path: tuple[str, ...], wrong: Any) -> None:
    """By the name of what is missing or of a wrong type."""
    content = in_window([scored("ann", 1)])
    place = functools.reduce(lambda inner, name: inner[name], path[:-1], content)
    if wrong is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = wrong
    with pytest.raises(SourceError, match=path[-1] if len(path) == 1 else f"has its {path[-1]}"):
        read_event(content)


@pytest.mark.parametrize("absent", [True, False])
def test_a_window_without_state_begins_empty(absent: bool) -> None:
    """As with `{}`, which Lambda sends."""
    content = in_window([scored("ann", 2)])
    content["state"] = None
    if absent:
        del content["state"]
    assert read_event(content).state == {}
    assert run(ADDING, content)["points"] == 2


# Folding


def test_a_window_is_folded_batch_by_batch_and_published_at_its_end() -> None:
    """The state goes from one invocation to the next, and to the user once, with the window."""
    published: list[tuple[Totals, Window]] = []
    functions = ADDING.with_publisher(lambda state, window: published.append((state, window)))
    state = run(functions, in_window([scored("ann", 1), scored("bob", 2)]))
    assert (state["points"], sorted(state["players"])) == (3, ["ann", "bob"])
    state = run(functions, in_window([scored("ann", 4)], state))
    assert published == []
    run(functions, in_window([], state, final=True))
    [(totals, window)] = published
    assert totals == Totals(points=7, players={"ann", "bob"})
    assert (window.start, window.end, window.final) == (START, END, True)


def test_the_records_of_the_last_invocation_are_folded_before_it_publishes() -> None:
    """Whether Lambda sends some with it or none."""
    published: list[int] = []
    functions = ADDING.with_publisher(lambda state, _window: published.append(state.points))
    run(functions, in_window([scored("ann", 1)], {"points": 5}, final=True))
    assert published == [6]


def test_a_state_that_grew_too_large_is_published_early() -> None:
    """Lambda drops it after this invocation, and goes on with a fresh one."""
    published: list[tuple[int, bool]] = []
    functions = ADDING.with_publisher(lambda state, window: published.append((state.points, window.final)))
    run(functions, in_window([scored("ann", 1)], {"points": 5}, early=True))
    run(functions, in_window([scored("ann", 2)], {}, final=True))
    assert published == [(6, False), (2, True)]


@given(st.lists(st.integers(-5, 5), max_size=8), st.data())
def test_how_records_are_split_into_batches_changes_nothing(points: list[int], data: st.DataObject) -> None:
    """The state is that of all records in their order."""
    table = Table("Scores", keys="Player")
    records = [table.insert({"Player": "ann", "Points": number}) for number in points]

    def note(state: dict[str, Any], record: Insert) -> dict[str, Any]:
        return {"seen": [*state.get("seen", []), record.new["Points"]]}

    functions = Fold().with_reducer(note)
    state: dict[str, Any] = {}
    while records:
        size = data.draw(st.integers(1, len(records)))
        state = run(functions, in_window(records[:size], state))
        records = records[size:]
    assert state.get("seen", []) == points


def test_only_records_of_the_kinds_it_takes_are_folded() -> None:
    """The annotation says which, as for handlers."""
    records = [
        scored("ann", 1),
        SCORES.modify({"Player": "ann", "Points": 1}, {"Player": "ann", "Points": 10}),
        SCORES.remove({"Player": "ann", "Points": 10}),
    ]

    def count(state: dict[str, Any], record: Record) -> dict[str, Any]:
        return {**state, record.event_name: 1}

    def removed(state: dict[str, Any], record: Remove[Score]) -> dict[str, Any]:
        return {**state, "points": record.old.points}

    assert run(ADDING, in_window(records))["points"] == 11
    assert run(Fold().with_reducer(count), in_window(records)) == {"INSERT": 1, "MODIFY": 1, "REMOVE": 1}
    assert run(Fold().with_reducer(removed), in_window(records)) == {"points": 10}
    unannotated = Fold().with_reducer(
        lambda state, record: {**state, record.event_name: record.keys["Player"]}
    )
    assert run(unannotated, in_window(records[:1])) == {"INSERT": "ann"}


def test_async_functions_are_awaited() -> None:
    """One after another, and what a plain function returns unawaited too."""
    published: list[int] = []

    async def slow(state: Totals, record: Insert[Score]) -> Totals:
        await asyncio.sleep(0)
        return add(state, record)

    async def publish(state: Totals, window: Window) -> None:
        await asyncio.sleep(0)
        published.append(state.points)

    functions = Fold().with_reducer(slow).with_publisher(publish)
    assert run(functions, in_window([scored("ann", 1), scored("bob", 2)], final=True))["points"] == 3
    assert published == [3]

    def unawaited(state: Totals, record: Insert[Score]) -> Any:
        return slow(state, record)

    assert run(Fold().with_reducer(unawaited), in_window([scored("ann", 1)]))["points"] == 1


def test_a_dead_letter_is_not_folded() -> None:
    """It was put aside; most often the function could not read it either."""
    broken = {**scored("bob", 2), "eventName": None}
    outcomes: list[Outcome] = [Handled(("f",)), DeadLettered("record"), Skipped()]
    content = in_window([scored("ann", 1), broken, scored("ann", 4)])
    assert run(ADDING, content, outcomes)["points"] == 5
    with pytest.raises(MalformedRecordError):
        run(ADDING, content)


def test_skip_leaves_a_record_out() -> None:
    """As in a handler, it is no failure."""

    def picky(state: Totals, record: Insert[Score]) -> Totals:
        if record.new.points < 0:
            raise Skip("a correction")
        return add(state, record)

    assert run(Fold().with_reducer(picky), in_window([scored("ann", 1), scored("ann", -1)]))["points"] == 1


def test_bound_methods_partials_and_objects_can_fold() -> None:
    """Their annotations are found, so their states and models are typed."""

    def scaled(state: Totals, record: Insert[Score], *, by: int) -> Totals:
        return Totals(points=state.points + by * record.new.points)

    @functools.wraps(add)
    def passes_on(*args: Any) -> Any:
        return add(*args)

    for function in (Service().add, Service(), functools.partial(scaled, by=1), passes_on):
        assert run(Fold().with_reducer(function), in_window([scored("ann", 3)]))["points"] == 3


def test_what_has_no_signature_to_read_is_not_refused() -> None:
    """Such as some builtins, whose states are plain dicts."""
    functions = Fold().with_reducer(max).with_publisher(max)
    assert functions.reducer is not None
    assert functions.reducer.state.name == "dict"


# The state between JSON and the user's type


class Inner(BaseModel):
    at: datetime
    amount: Decimal


class Rich(BaseModel):
    first: datetime | None = None
    day: date | None = None
    wait: timedelta = timedelta()
    total: Decimal = Decimal(0)
    names: set[str] = set()
    numbers: frozenset[int] = frozenset()
    raw: bytes = b""
    inner: Inner | None = None
    by_day: dict[date, list[Inner]] = {}
    pair: tuple[int, str] = (0, "")
    packed: Json[list[int]] = []


def test_every_type_comes_back_as_it_was() -> None:
    """Times, exact numbers, sets, bytes, nested models and dicts by date go through JSON and back."""
    moment = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)
    inner = Inner(at=moment, amount=Decimal("0.10"))
    rich = Rich(
        first=moment,
        day=moment.date(),
        wait=timedelta(days=1, microseconds=1),
        total=Decimal("12345678901234567890.123456789"),
        names={f"n{number}" for number in range(50)},
        numbers=frozenset(range(50)),
        raw="é".encode(),
        inner=inner,
        by_day={moment.date(): [inner]},
        pair=(1, "x"),
    )
    rich.packed = [1, 2]
    seen: list[Rich] = []

    def fill(state: Rich, record: Insert) -> Rich:
        seen.append(state)
        return rich

    functions = Fold().with_reducer(fill)
    state = run(functions, in_window([scored("ann", 1)]))
    run(functions, in_window([scored("ann", 1)], state))
    assert seen == [Rich(), rich]


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    last: datetime | None = Field(default=None, alias="Last")
    names: set[str] = Field(default_factory=set, alias="Names")

    @computed_field  # type: ignore[prop-decorator]
    @property
    def size(self) -> int:
        return len(self.names)


@dataclasses.dataclass
class Plain:
    points: int = 0
    last: datetime | None = None


class Loose(TypedDict, total=False):
    points: int
    last: datetime


T = TypeVar("T")


class Box(BaseModel, Generic[T]):
    content: T | None = None


def adds_strict(state: Strict, record: Insert) -> Strict:
    return state.model_copy(update={"last": START, "names": {*state.names, record.keys["Player"]}})


def adds_plain(state: Plain, record: Insert) -> Plain:
    state.points, state.last = state.points + 1, START
    return state


def adds_loose(state: Loose, record: Insert) -> Loose:
    return {"points": state.get("points", 0) + 1, "last": START}


def adds_counter(state: Counter[str], record: Insert) -> Counter[str]:
    state[record.keys["Player"]] += 1
    return state


def adds_by_number(state: dict[int, int], record: Insert) -> dict[int, int]:
    return {**state, 1: state.get(1, 0) + 1}


def adds_annotated(state: Annotated[Plain, "why"], record: Insert) -> Annotated[Plain, "why"]:
    return adds_plain(state, record)


def adds_by_return(state, record) -> Plain:  # type: ignore[no-untyped-def]
    return adds_plain(state, record)


def adds_boxed(state: Box[datetime], record: Insert) -> Box[datetime]:
    return Box[datetime](content=START)


def adds_root(state: RootModel[dict[str, int]], record: Insert) -> RootModel[dict[str, int]]:
    return RootModel[dict[str, int]]({"n": state.root.get("n", 0) + 1})


def adds_untyped(state, record):  # type: ignore[no-untyped-def]
    state["n"] = state.get("n", 0) + 1
    return state


def adds_mapping(state: Mapping[str, int], record: Insert) -> Mapping[str, int]:
    return {"n": state.get("n", 0) + 1}


NOON = "2026-11-21T12:00:00Z"
STATES: dict[Callable[..., Any], Any] = {
    adds_strict: {"Last": NOON, "Names": ["ann"]},
    adds_plain: {"points": 2, "last": NOON},
    adds_loose: {"points": 2, "last": NOON},
    adds_counter: {"ann": 2},
    adds_by_number: {"1": 2},
    adds_annotated: {"points": 2, "last": NOON},
    adds_by_return: {"points": 2, "last": NOON},
    adds_boxed: {"content": NOON},
    adds_root: {"n": 2},
    adds_untyped: {"n": 2},
    adds_mapping: {"n": 2},
}


@pytest.mark.parametrize("function", STATES)
def test_a_state_may_have_any_type_that_begins_empty(function: Callable[..., Any]) -> None:
    """Models, strict ones and generic ones too, dataclasses, TypedDicts, counters, plain dicts."""
    functions = Fold().with_reducer(function)
    state = run(functions, in_window([scored("ann", 1)]))
    assert run(functions, in_window([scored("ann", 2)], state)) == STATES[function]


def test_a_local_type_is_found_by_its_name() -> None:
    """Annotations are texts here, and the class is local."""

    class Local(BaseModel):
        n: int = 0

    def count(state: Local, record: Insert) -> Local:
        return Local(n=state.n + 1)

    assert run(Fold().with_reducer(count), in_window([scored("ann", 1)], {"n": 4})) == {"n": 5}


def test_a_function_that_changes_the_state_in_place_changes_not_the_events() -> None:
    """So after a failure the state goes back as it came."""

    def spoil(state: dict[str, Any], record: Insert) -> dict[str, Any]:
        state["list"].append(record.new["Points"])
        if record.new["Points"] == 2:
            raise ConnectionError
        return state

    batch = read_event(in_window([scored("ann", 1), scored("ann", 2)], {"list": [0]}))
    with pytest.raises(ConnectionError):
        fold(Fold().with_reducer(spoil), batch, [Skipped(), Skipped()], LOOP.finish)
    assert window_response(batch, None) == {
        "state": {"list": [0]},
        "batchItemFailures": [{"itemIdentifier": batch.identifiers[0]}],
    }


class Mismatched(BaseModel):
    points: int = Field(default=0, validation_alias="Points")


def mismatched(state: Mismatched, record: Insert) -> Mismatched:
    return Mismatched.model_validate({"Points": 1})


def assigned(state: Totals, record: Insert) -> Totals:
    state.points = "many"  # type: ignore[assignment]
    return state


def undumpable(state: Rich, record: Insert) -> Rich:
    return Rich(raw=b"\xff")


def of_another_type(state: Totals, record: Insert) -> Any:
    return [1]


def lazy(state: Totals, record: Insert) -> Any:
    return (number for number in range(3))


UNWRITABLE: dict[str, tuple[Any, str]] = {
    "a Decimal": (lambda _s, _r: {"n": Decimal("1.5")}, "Object of type Decimal is not JSON serializable"),
    "a set": (lambda _s, _r: {"n": {1}}, "Object of type set is not JSON serializable"),
    "no number": (lambda _s, _r: {"n": float("nan")}, "ValueError: Out of range float values"),
    "a number as key": (lambda _s, _r: {1: 2}, "as a dict of other content"),
    "a tuple": (lambda _s, _r: {"n": (1, 2)}, "as a dict of other content"),
    "a list": (lambda _s, _r: [1], "as a dict of other content"),
    "a text": (lambda _s, _r: "x", "as a dict of other content"),
    "two aliases": (mismatched, "as a Mismatched of other content"),
    "a wrong type in a field": (assigned, "points: int_parsing"),
    "bytes that are no text": (undumpable, "UnicodeDecodeError: |PydanticSerializationError: "),
    "another type": (
        of_another_type,
        "as a Totals of other content|PydanticSerializationError|AttributeError",
    ),
    "a generator": (lazy, "as a Totals of other content|PydanticSerializationError|AttributeError"),
}


@pytest.mark.parametrize("name", UNWRITABLE)
def test_a_state_that_would_not_come_back_is_refused(name: str) -> None:
    """Before it is published, and with the function's name: the next invocation would go on with something else."""
    function, reason = UNWRITABLE[name]
    published: list[object] = []
    functions = Fold().with_reducer(function).with_publisher(lambda state, _window: published.append(state))
    with pytest.raises(HandlerError, match=f"would not come back from JSON as it is .*({reason})") as caught:
        run(functions, in_window([scored("ann", 1)], final=True))
    assert "many" not in str(caught.value)
    assert published == []


def test_a_state_of_an_older_version_that_does_not_fit_is_named() -> None:
    """With the places and without the content."""
    state = {"points": "secret", "players": [1]}
    with pytest.raises(
        DecodeError, match=r"does not fit Totals \(points: int_parsing; players\[0\]: string_type\)"
    ) as caught:
        run(ADDING, in_window([scored("ann", 1)], state))
    assert "secret" not in f"{caught.value}{caught.value.__cause__}{caught.value.__context__}"
    with pytest.raises(DecodeError, match=r"\(the state: "):
        run(Fold().with_reducer(adds_picky), in_window([scored("ann", 1)], {"n": 1, "m": 1}))


def at_most_one(content: dict[str, int]) -> dict[str, int]:
    if len(content) > 1:
        raise ValueError("secret")
    return content


class Picky(RootModel[dict[str, int]]):
    def model_post_init(self, _context: Any) -> None:
        at_most_one(self.root)


def adds_picky(state: Picky, record: Insert) -> Picky:
    return state


# What functions raise and return


def test_an_exception_of_the_function_says_which_record_it_was() -> None:
    """As a note under the traceback; the exception is the user's own."""

    def fail(state: Totals, record: Insert[Score]) -> Totals:
        raise KeyError("k")

    record = scored("ann", 1)
    with pytest.raises(KeyError) as caught:
        run(Fold().with_reducer(fail), in_window([record]))
    number = record["dynamodb"]["SequenceNumber"]
    assert caught.value.__notes__ == [f"fail was given the record with sequence number {number}"]


def test_a_forgotten_return_is_refused_by_name() -> None:
    """Else the next record would be added to nothing."""

    def forgets(state: dict[str, Any], record: Insert) -> Any:
        state["n"] = 1

    record = scored("ann", 1)
    with pytest.raises(HandlerError, match=r"forgets returned None, .*: return the state") as caught:
        run(Fold().with_reducer(forgets), in_window([record]))
    assert caught.value.sequence_number == record["dynamodb"]["SequenceNumber"]


@pytest.mark.parametrize("is_async", [False, True])
def test_a_generator_that_would_publish_is_refused(is_async: bool) -> None:
    """Its body has not run."""

    def publish(state: Totals, window: Window) -> Iterator[int]:
        yield 1

    async def publish_async(state: Totals, window: Window) -> AsyncIterator[int]:
        yield 1

    chosen: Any = publish_async if is_async else publish
    functions = ADDING.with_publisher(lambda state, window: chosen(state, window))
    with pytest.raises(HandlerError, match="<lambda> returned a generator"):
        run(functions, in_window([], final=True))


def test_what_publishing_raises_is_the_callers() -> None:
    """The batch is not folded then, and comes again."""

    def publish(state: Totals, window: Window) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        run(ADDING.with_publisher(publish), in_window([], final=True))


def test_the_response_has_the_state_in_any_case() -> None:
    """Lambda takes an answer without state for a failed invocation."""
    batch = read_event(in_window([scored("ann", 1), scored("bob", 1)], {"n": 1}))
    folded: dict[str, Any] = {"state": {"n": 2}, "batchItemFailures": []}
    assert window_response(batch, {"n": 2}) == folded
    assert window_response(batch, None) == {
        "state": {"n": 1},
        "batchItemFailures": [{"itemIdentifier": batch.identifiers[0]}],
    }
    empty: dict[str, Any] = {"state": {}, "batchItemFailures": []}
    assert window_response(batch, {}) == empty


# A window without an app that folds it, and the other way round


def test_an_app_and_an_event_must_agree_on_windows() -> None:
    """Each other combination is refused, by name, before anything is handled."""
    plain, window = read_event(event([scored("ann", 1)])), read_event(in_window([scored("ann", 1)]))
    publishing = Fold().with_publisher(lambda _state, _window: None)
    Fold().check(plain)
    ADDING.check(window)
    with pytest.raises(
        SourceError, match="set TumblingWindowInSeconds to 0, or declare a function with on_window"
    ):
        Fold().check(window)
    with pytest.raises(SourceError, match="add folds tumbling windows, and this event is in none"):
        ADDING.check(plain)
    for batch in (plain, window):
        with pytest.raises(DeclarationError, match="<lambda> would be given no state"):
            publishing.check(batch)
    unmatched: list[tuple[Fold, Batch]] = [(Fold(), window), (ADDING, plain)]
    for functions, batch in unmatched:
        with pytest.raises(SourceError, match="there is no tumbling window to fold"):
            fold(functions, batch, [Skipped()], LOOP.finish)


# In an app


def test_an_app_folds_what_its_routes_have_handled() -> None:
    """Routes first, then the fold; the response carries the state and no failures."""
    app = StreamApp()
    steps: list[str] = []
    app.on_insert(lambda record: steps.append(f"handle {record.keys['Player']}"))

    @app.on_window
    def fold_in(state: Totals, record: Insert[Score]) -> Totals:
        steps.append(f"fold {record.new.player}")
        return add(state, record)

    @app.on_window_end
    async def publish(state: Totals, window: Window) -> None:
        steps.append(f"publish {state.points}")

    assert fold_in(Totals(), as_record(scored("ann", 1), Insert[Score])) == Totals(points=1, players={"ann"})
    steps.clear()
    expected: dict[str, Any] = {"state": {"points": 5, "players": ["ann"]}, "batchItemFailures": []}
    assert app(in_window([scored("ann", 2), scored("ann", 3)], final=True)) == expected
    assert steps == ["handle ann", "handle ann", "fold ann", "fold ann", "publish 5"]


@pytest.mark.parametrize("failing", ["route", "fold", "publish", "state"])
def test_whatever_fails_brings_the_whole_batch_again_with_its_state(failing: str) -> None:
    """The first record is named, though others were handled, and the state goes back as it came."""
    app = StreamApp()
    seen: list[str] = []

    @app.on_insert
    def handle(record: Insert[Score]) -> None:
        if failing == "route" and record.new.points == 2:
            raise ValueError

    @app.on_window
    def fold_in(state: Totals, record: Insert[Score]) -> Totals:
        seen.append(record.new.player)
        if failing == "fold" and record.new.points == 2:
            raise ValueError
        points: Any = "x" if failing == "state" else record.new.points
        return state.model_copy(update={"points": points})

    @app.on_window_end
    def publish(state: Totals, window: Window) -> None:
        if failing == "publish":
            raise ValueError

    records = [scored("ann", 1), scored("bob", 2)]
    state = {"points": 7, "players": ["zoe"]}
    result = app.run(in_window(records, state, final=True))
    expected: dict[str, Any] = {
        "state": state,
        "batchItemFailures": [{"itemIdentifier": records[0]["dynamodb"]["SequenceNumber"]}],
    }
    assert result.response == expected
    assert seen == ([] if failing == "route" else ["ann", "bob"])
    assert any(isinstance(outcome, Failed) for outcome in result.outcomes)


def test_an_invocation_without_records_that_fails_raises() -> None:
    """There is none to name; Lambda stops the shard until it succeeds."""
    app = StreamApp()
    app.on_window(add)

    @app.on_window_end
    def publish(state: Totals, window: Window) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        app(in_window([], final=True))


def test_an_app_and_its_mapping_must_agree_on_windows() -> None:
    """Before any handler runs."""
    plain, folding = StreamApp(), StreamApp()
    seen: list[object] = []
    for app in (plain, folding):
        app.on_record(seen.append)
    folding.on_window(add)
    with pytest.raises(SourceError, match="and the app does not fold it"):
        plain(in_window([scored("ann", 1)]))
    with pytest.raises(SourceError, match="add folds tumbling windows, and this event is in none"):
        folding(event([scored("ann", 1)]))
    assert seen == []


def test_it_is_too_late_to_fold_after_the_first_batch() -> None:
    """Its records would be missing in the result."""
    app = StreamApp()
    app.on_window(add)
    app(in_window([]))
    with pytest.raises(DeclarationError, match="it is too late to add publishes_totals"):
        app.on_window_end(publishes_totals)
    with pytest.raises(DeclarationError, match="it is too late to add add"):
        app.on_window(add)


# Declarations that could not work


class Needs(BaseModel):
    points: int


class Names(NamedTuple):
    points: int = 0


class Required(TypedDict):
    points: int


class Opaque:
    pass


def generates(state: Totals, record: Insert) -> Iterator[Totals]:
    yield state


async def generates_async(state: Totals, record: Insert) -> AsyncIterator[Totals]:
    yield state


def takes_model(state: Totals, record: Score) -> Totals:
    return state


def returns_none(state: Totals, record: Insert) -> None: ...


def one(state: Totals) -> Totals:
    return state


def three(state: Totals, record: Insert, client: str) -> Totals:
    return state


def keyword(state: Totals, record: Insert, *, client: str) -> Totals:
    return state


def needs(state: Needs, record: Insert) -> Needs:
    return state


def names_it(state: Names, record: Insert) -> Names:
    return state


def required(state: Required, record: Insert) -> Required:
    return state


def opaque(state: Opaque, record: Insert) -> Opaque:
    return state


def a_number(state: int, record: Insert) -> int:
    return state


def a_list(state: list[int], record: Insert) -> list[int]:
    return state


def unknown(state: Nowhere, record: Insert) -> Nowhere:  # type: ignore[name-defined] # noqa: F821
    return state


REFUSED: dict[str, tuple[Any, str]] = {
    "no function": (None, "on_window function NoneType is no function"),
    "a generator": (generates, "on_window function generates contains yield"),
    "an async generator": (generates_async, "on_window function generates_async contains yield"),
    "a model": (takes_model, r"takes Score, but handlers are given records: write Insert\[Score\]"),
    "no return": (returns_none, "returns_none returns None, so the state would be lost"),
    "one parameter": (one, "one can not be called with the state and a record .*write it as def one"),
    "three parameters": (three, r"three can not be called with the state and a record \(.*client"),
    "a keyword": (keyword, r"keyword can not be called with the state and a record \(.*client"),
    "an unbound method": (Service.add, "add can not be called with the state and a record"),
    "a required field": (
        needs,
        r"needs has a state of type Needs, which can not begin as \{\}.*points: missing",
    ),
    "a tuple": (names_it, r"of type Names, which can not begin as \{\}"),
    "a required key": (required, r"of type Required.*make a TypedDict total=False"),
    "no model": (opaque, "of type Opaque, which pydantic can make no validator for"),
    "a number": (a_number, r"of type int, which can not begin as \{\}.*the state: int_type"),
    "a list as text": (a_list, r"of type list\[int\], which can not begin as \{\}"),
    "an unknown name": (unknown, "has an annotation that can not be read"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_function_that_could_not_fold_is_refused(name: str) -> None:
    """When it is declared, with its name, the harm and what to do."""
    function, message = REFUSED[name]
    with pytest.raises(DeclarationError, match=message):
        Fold().with_reducer(function)


def test_a_second_function_is_refused() -> None:
    """There is one state, and it is published once."""
    with pytest.raises(DeclarationError, match="on_window function add is the second one beside add"):
        ADDING.with_reducer(add)
    functions = ADDING.with_publisher(publishes_totals)
    with pytest.raises(DeclarationError, match="publishes_totals is the second one beside publishes_totals"):
        functions.with_publisher(publishes_totals)


def publishes_totals(state: Totals, window: Window) -> None: ...
def publishes_model(state: BaseModel, window: Window) -> None: ...
def publishes_anything(state: Any, window: Window) -> None: ...
def publishes_annotated(state: Annotated[Totals, "why"], window: Window) -> None: ...
def publishes_optional(state: Totals | None, window: Window) -> None: ...
def publishes_score(state: Score, window: Window) -> None: ...
def publishes_dict(state: dict[str, Any], window: Window) -> None: ...
def publishes_mapping(state: Mapping[str, int], window: Window) -> None: ...
def publishes_loose(state: Loose, window: Window) -> None: ...
def publishes_protocol(state: HasPoints, window: Window) -> None: ...
def publishes_untyped(state, window): ...  # type: ignore[no-untyped-def]
def publishes_one(state: Totals) -> None: ...


def declared(reducer: Any, publisher: Any, reducer_first: bool) -> Fold:
    if reducer_first:
        return Fold().with_reducer(reducer).with_publisher(publisher)
    return Fold().with_publisher(publisher).with_reducer(reducer)


class HasPoints(Protocol):
    points: int


@pytest.mark.parametrize(
    ("reducer", "publisher"),
    [
        *(
            (add, publisher)
            for publisher in (
                publishes_totals,
                publishes_model,
                publishes_anything,
                publishes_annotated,
                publishes_optional,
                publishes_protocol,
                publishes_untyped,
            )
        ),
        *(
            (reducer, publisher)
            for reducer in (adds_untyped, adds_loose, adds_mapping)
            for publisher in (publishes_mapping, publishes_loose, publishes_anything)
        ),
        (adds_untyped, publishes_dict),
        (adds_counter, publishes_dict),
    ],
)
@pytest.mark.parametrize("reducer_first", [True, False])
def test_functions_whose_states_agree_are_taken(reducer: Any, publisher: Any, reducer_first: bool) -> None:
    """In either order of declaration; what can not be compared is let through."""
    functions = declared(reducer, publisher, reducer_first)
    assert functions.reducer is not None
    assert functions.publisher is not None
    assert (functions.reducer.name, functions.publisher.name) == (reducer.__name__, publisher.__name__)


@pytest.mark.parametrize(
    ("reducer", "publisher", "message"),
    [
        (add, publishes_score, "publishes_score takes a Score, but add makes a Totals"),
        (add, publishes_dict, "publishes_dict takes a dict, but add makes a Totals"),
        (adds_untyped, publishes_totals, "publishes_totals takes a Totals, but adds_untyped makes a dict"),
    ],
)
@pytest.mark.parametrize("reducer_first", [True, False])
def test_functions_whose_states_differ_are_refused(
    reducer: Any, publisher: Any, message: str, reducer_first: bool
) -> None:
    """The publisher would be given what it does not take."""
    with pytest.raises(DeclarationError, match=message):
        declared(reducer, publisher, reducer_first)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (None, "on_window_end function NoneType is no function"),
        (generates, "on_window_end function generates contains yield"),
        (publishes_one, "publishes_one can not be called with the state and a window"),
    ],
)
def test_a_function_that_could_not_publish_is_refused(function: Any, message: str) -> None:
    """As one that could not fold."""
    with pytest.raises(DeclarationError, match=message):
        Fold().with_publisher(function)


class Late(BaseModel):
    later: Defined | None = None


def adds_late(state: Late, record: Insert) -> Late:
    return state


LATE = Fold().with_reducer(adds_late)


class Defined(BaseModel):
    n: int = 0


def test_a_type_that_names_a_class_to_come_is_not_refused() -> None:
    """When the function is declared; at the first window the class is there."""
    Late.model_rebuild()
    functions = Fold().with_reducer(adds_late)
    assert run(functions, in_window([scored("ann", 1)], {"later": {"n": 2}})) == {"later": {"n": 2}}
    assert LATE.reducer is not None


def test_plain_dicts_need_no_pydantic() -> None:
    """Declaring, folding, publishing and refusing what is no JSON."""
    content = in_window([scored("ann", 1)], {"n": 1}, final=True)
    script = f"""
import sys
from headwater.errors import HandlerError
from headwater.folds import Fold, fold, window_response
from headwater.outcomes import Skipped
from headwater.sources import read_event

def add(state, record):
    return {{"n": state["n"] + record.new["Points"]}}

batch = read_event({content!r})
functions = Fold().with_reducer(add).with_publisher(lambda state, window: print(state))
print(window_response(batch, fold(functions, batch, [Skipped()], lambda returned: returned)))
try:
    fold(Fold().with_reducer(lambda state, record: {{1: 2}}), batch, [Skipped()], lambda returned: returned)
except HandlerError:
    print("pydantic" in sys.modules, "asyncio" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == [
        "{'n': 2}",
        "{'state': {'n': 2}, 'batchItemFailures': []}",
        "False False",
    ], done.stderr


def test_a_fold_that_would_run_out_of_time_is_stopped() -> None:
    """An async one; the whole batch comes again, with its state."""
    app = StreamApp(deadline_margin=0.05)

    @app.on_window
    async def slow(state: dict[str, Any], _record: Record) -> dict[str, Any]:
        await asyncio.sleep(60)
        return state

    context = LambdaContext(remaining_ms=150)
    result = app.run(in_window([scored("a", 1)], {"n": 1}), context)
    [outcome] = result.outcomes
    assert isinstance(outcome, Failed)
    assert outcome.phase == "deadline"
    assert len(result.response["batchItemFailures"]) == 1
