"""Folding the records of a tumbling window: one function adds a record to the state, another one publishes the result.

Source: [Tumbling windows](https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-windows.html).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import UnionType
from typing import Any, Final, TypeVar, get_origin

from headwater.errors import DeclarationError, HandlerError, SourceError
from headwater.kinds import read_record
from headwater.models import Shape
from headwater.origins import NOTHING_DECLARED, Declared
from headwater.outcomes import DeadLettered, Outcome
from headwater.records import Insert, Modify, Record, Remove, reshape
from headwater.returned import Finish, unfinished
from headwater.signatures import (
    POSITIONAL,
    UNTYPED,
    function_name,
    read_annotations,
    read_parameters,
    read_shapes,
    refuse_call,
    refuse_uncallable,
    unwrap_annotation,
)
from headwater.sources import Batch, BatchItemFailure, BatchResponse
from headwater.states import StateType, state_type
from headwater.verdicts import Skip
from headwater.windows import Window

# The function types are returned unchanged, so that a decorated function keeps its own signature.
WindowFunction = TypeVar(
    "WindowFunction",
    bound=Callable[[Any, Insert[Any, Any]], object]
    | Callable[[Any, Modify[Any, Any]], object]
    | Callable[[Any, Remove[Any, Any]], object],
)
WindowEndFunction = TypeVar("WindowEndFunction", bound=Callable[[Any, Window], object])

_ANYTHING: Final = (inspect.Parameter.empty, Any, object)


class WindowResponse(BatchResponse):
    """What the Lambda function returns where the event source mapping has a tumbling window."""

    state: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reducer:
    """The user's function that adds a record to the state.

    Attributes:
        function: Takes the state and a record, returns the state.
        shapes: For each event name that it accepts, the types it wants the record in.
        state: The type of the state.
    """

    function: Callable[[Any, Any], Any]
    shapes: Mapping[str, Shape]
    state: StateType

    @property
    def name(self) -> str:
        """The function's name."""
        return function_name(self.function)


@dataclass(frozen=True, slots=True)
class Publisher:
    """The user's function that is given the state when a window ends.

    Attributes:
        function: Takes the state and the window.
        state: What it says of the state's type; `Any` when nothing.
    """

    function: Callable[[Any, Any], Any]
    state: Any

    @property
    def name(self) -> str:
        """The function's name."""
        return function_name(self.function)


@dataclass(frozen=True, slots=True)
class Fold:
    """How an app folds a window: the functions that it was given, neither of them at first.

    Attributes:
        reducer: Adds a record to the state.
        publisher: Is given the state when a window ends.
    """

    reducer: Reducer | None = None
    publisher: Publisher | None = None

    def with_reducer(self, function: Any) -> Fold:
        """The fold with the function that adds a record to the state.

        Raises:
            DeclarationError: When it could not fold, or there is one already.
        """
        who = f"on_window function {function_name(function)}"
        if self.reducer is not None:
            raise DeclarationError(
                f"{who} is the second one beside {self.reducer.name}, but a window has one state: fold all in one function"
            )
        first, second, annotations = _read_function(function, "record", who)
        shapes = read_shapes(annotations.get(second, inspect.Parameter.empty), who)
        state, returned = (annotations.get(name, Any) for name in (first, "return"))
        if returned is type(None):
            raise DeclarationError(
                f"{who} returns None, so the state would be lost with the first record: return the state"
            )
        kind = state_type(returned if state in _ANYTHING else state, who)
        return _agreeing(replace(self, reducer=Reducer(function, shapes or UNTYPED, kind)))

    def with_publisher(self, function: Any) -> Fold:
        """The fold with the function that is given the state when a window ends.

        Raises:
            DeclarationError: When it could not be called so, or there is one already.
        """
        who = f"on_window_end function {function_name(function)}"
        if self.publisher is not None:
            raise DeclarationError(
                f"{who} is the second one beside {self.publisher.name}: call one from the other, so that they have an order"
            )
        first, _, annotations = _read_function(function, "window", who)
        return _agreeing(replace(self, publisher=Publisher(function, annotations.get(first, Any))))

    def check(self, batch: Batch) -> None:
        """Refuse a batch that the app can not fold, before any of its records is handled.

        Raises:
            SourceError: When the event is in a tumbling window and the app folds none, or the other way round.
            DeclarationError: When the app would publish a state that nothing makes.
        """
        if self.reducer is None and self.publisher is not None:
            raise DeclarationError(
                f"on_window_end function {self.publisher.name} would be given no state, since nothing folds the records: "
                "declare a function with on_window"
            )
        if self.reducer is None and batch.window is not None:
            raise SourceError(
                "this event source mapping has a tumbling window, and the app does not fold it: "
                "set TumblingWindowInSeconds to 0, or declare a function with on_window"
            )
        if self.reducer is not None and batch.window is None:
            raise SourceError(
                f"{self.reducer.name} folds tumbling windows, and this event is in none, so the result would lack its "
                "records: set TumblingWindowInSeconds of the event source mapping"
            )


def fold(
    functions: Fold | None,
    batch: Batch,
    outcomes: Sequence[Outcome],
    finish: Finish,
    *,
    declared: Declared = NOTHING_DECLARED,
) -> dict[str, Any]:
    """Fold the records of a batch in their order, and publish the state when the window ends.

    Records that were put aside as dead letters are left out, as is one for which the function raises `Skip`.

    Args:
        functions: The user's functions, if there are any.
        batch: A batch that `functions.check` has let through.
        outcomes: What became of its records; all are acknowledged.
        finish: Awaits what is to be awaited.
        declared: What the user says of the tables.

    Returns:
        The new state, as JSON can write it.

    Raises:
        Exception: What the user's functions raise, with a note that names the record.
        DecodeError: When the state that Lambda passed does not fit its type.
        HandlerError: When a function returned no state, or one that JSON can not carry.
    """
    window = batch.window
    if functions is None or functions.reducer is None or window is None:
        raise SourceError("there is no tumbling window to fold, or nothing to fold it")
    reducer, publisher = functions.reducer, functions.publisher
    state = reducer.state.read(batch.state)
    for raw, outcome in zip(batch.records, outcomes, strict=True):
        if isinstance(outcome, DeadLettered):
            continue
        record = read_record(raw, declared)
        shape = reducer.shapes.get(record.event_name)
        if shape is not None:
            state = _add(reducer, state, reshape(record, shape), finish)
    written = reducer.state.write(state, reducer.name)  # before anything is published
    if publisher is not None and window.closes:
        returned = finish(publisher.function(state, window))
        if (what := unfinished(returned)) is not None:
            raise HandlerError(f"{publisher.name} returned {what}")
    return written


def window_response(batch: Batch, state: dict[str, Any] | None) -> WindowResponse:
    """What the Lambda function returns for a batch of a tumbling window.

    What Lambda does with the state of a partial response is not documented. So a batch is folded as a whole or not at
    all: where anything failed, the state goes back as it came and the first record is named, and all come again.

    Args:
        batch: In a window, and with records when something failed: else nothing could be named.
        state: The new state; `None` when a record is not acknowledged, or could not be folded.
    """
    if state is None:
        first = BatchItemFailure(itemIdentifier=batch.identifiers[0])
        return WindowResponse(state=batch.state, batchItemFailures=[first])
    return WindowResponse(state=state, batchItemFailures=[])


def _add(reducer: Reducer, state: Any, record: Record, finish: Finish) -> Any:
    try:
        returned = finish(reducer.function(state, record))
    except Skip:
        return state
    except Exception as error:
        error.add_note(f"{reducer.name} was given the record with sequence number {record.sequence_number}")
        raise
    if returned is None:
        raise HandlerError(
            f"{reducer.name} returned None, so what was folded until here would be lost: return the state",
            sequence_number=record.sequence_number,
        )
    return returned


def _read_function(function: Any, second: str, who: str) -> tuple[str, str, dict[str, Any]]:
    """The names of a function's two parameters, and its annotations."""
    refuse_uncallable(function, who)
    fix = f"so every window would fail: write it as def {function_name(function)}(state, {second})"
    refuse_call(function, ("the state", f"a {second}"), who, fix, follow_wrapped=False)
    parameters = read_parameters(function, follow_wrapped=True) or []
    names = [parameter.name for parameter in parameters if parameter.kind in POSITIONAL]
    first, other = (*names, "", "")[:2]
    return first, other, read_annotations(function, who)


def _agreeing(functions: Fold) -> Fold:
    """Refuse a publisher that says another type of state than it would be given."""
    reducer, publisher = functions.reducer, functions.publisher
    if reducer is None or publisher is None or publisher.state in _ANYTHING:
        return functions
    made, wanted = (_class_of(kind) for kind in (reducer.state.decoder.model, publisher.state))
    if made is None or wanted is None or _is_a(made, wanted):
        return functions
    raise DeclarationError(
        f"on_window_end function {publisher.name} takes a {wanted.__name__}, but {reducer.name} makes a {made.__name__}, so "
        "no window could be published: give the states of both one type"
    )


def _class_of(annotation: Any) -> type[Any] | None:
    annotation = unwrap_annotation(annotation)
    kind = get_origin(annotation) or annotation
    return kind if isinstance(kind, type) and kind is not UnionType else None


def _is_a(made: type[Any], wanted: type[Any]) -> bool:
    try:
        return issubclass(made, wanted)
    except TypeError:  # a TypedDict or Protocol, of which a class says nothing
        return True
