"""Errors and outcomes as values: they cross process boundaries and compare."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from headwater import (
    ConditionError,
    DeadLettered,
    DeadLetterError,
    DeadlineError,
    DeclarationError,
    DecodeError,
    Failed,
    Handled,
    HandlerError,
    HeadwaterError,
    MalformedRecordError,
    MiddlewareError,
    MissingImageError,
    Outcome,
    Skipped,
    SourceError,
    Violation,
    WireValueError,
    Withheld,
    decode,
    errors,
)
from headwater.mapping import FilterError, SettingsError

CLASSES: list[type[HeadwaterError]] = [
    HeadwaterError,
    ConditionError,
    DeadLetterError,
    DeadlineError,
    DeclarationError,
    DecodeError,
    HandlerError,
    MalformedRecordError,
    MiddlewareError,
    MissingImageError,
    SourceError,
    WireValueError,
]
COPIERS: list[Callable[[Any], Any]] = [
    copy.copy,
    copy.deepcopy,
    *(
        lambda value, protocol=protocol: pickle.loads(pickle.dumps(value, protocol))
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    ),
]
OUTCOMES: list[Outcome] = [
    Handled(("first", "second")),
    Skipped(),
    Skipped("a test item"),
    DeadLettered("handler", ValueError("no"), "first", 3),
    Withheld(),
    Failed("handler", ValueError("no"), "first"),
    Failed("record", MalformedRecordError("no", sequence_number="123", steps=("eventName",))),
]


class Order(BaseModel):
    Total: int


def test_every_error_class_is_covered() -> None:
    """The list above names all classes of the module."""
    defined = {value for value in vars(errors).values() if isinstance(value, type)}
    assert {value for value in defined if issubclass(value, HeadwaterError)} == set(CLASSES)


@pytest.mark.parametrize("error_class", [*CLASSES, FilterError, SettingsError])
@pytest.mark.parametrize("copier", COPIERS)
def test_an_error_survives_copying_and_pickling(
    error_class: type[HeadwaterError], copier: Callable[[Any], Any]
) -> None:
    """With its class, message, place, sequence number and phase."""
    error = error_class("what happened", sequence_number="123", steps=("Lines", 2, "Qty"))
    error.within("NewImage")
    copied = copier(error)
    assert type(copied) is error_class
    assert copied is not error
    assert copied.message == "what happened"
    assert copied.path == "NewImage.Lines[2].Qty"
    assert copied.sequence_number == "123"
    assert copied.phase == error_class.phase
    assert copied.args == error.args
    assert str(copied) == str(error)
    assert str(copied) == ("what happened (at NewImage.Lines[2].Qty, in the record with sequence number 123)")


@pytest.mark.parametrize("copier", COPIERS)
def test_an_error_without_a_place_stays_without_one(copier: Callable[[Any], Any]) -> None:
    """Neither a path nor a sequence number appears."""
    copied = copier(SourceError("what happened"))
    assert (copied.path, copied.sequence_number, str(copied)) == ("", None, "what happened")


@pytest.mark.parametrize("copier", COPIERS)
def test_a_decode_error_keeps_its_violations(copier: Callable[[Any], Any]) -> None:
    """As pydantic raised it: nothing of pydantic's own, which could not be pickled, hangs on to it."""
    with pytest.raises(DecodeError) as raised:
        decode({"Total": {"S": "many"}}, Order)
    copied = copier(raised.value)
    assert copied.violations == raised.value.violations
    assert [(violation.path, violation.type) for violation in copied.violations] == [("Total", "int_parsing")]
    assert isinstance(copied.violations[0], Violation)
    assert copied.path == "Total"


@pytest.mark.parametrize("copier", COPIERS)
def test_the_copy_of_an_error_is_its_own(copier: Callable[[Any], Any]) -> None:
    """A place that is added to the copy does not appear on the original."""
    error = WireValueError("what happened", steps=("Qty",))
    copier(error).within("NewImage")
    assert error.path == "Qty"


@pytest.mark.parametrize("outcome", OUTCOMES, ids=str)
def test_an_outcome_is_frozen(outcome: Outcome) -> None:
    """No field can be set, and none added."""
    for name in [*outcome.__match_args__, "extra"]:
        with pytest.raises((AttributeError, TypeError)):
            setattr(outcome, name, "changed")


def test_outcomes_compare_by_value() -> None:
    """Equal when all of their fields are, and never equal to one of another kind."""
    error = ValueError("no")
    assert Handled(("first",)) == Handled(("first",))
    assert Handled(("first",)) != Handled(("second",))
    assert Skipped() == Skipped()
    assert Withheld() == Withheld()
    neither: list[Outcome] = [Skipped(), Withheld()]
    assert neither[0] != neither[1]
    assert Failed("handler", error, "first") == Failed("handler", error, "first")
    assert Failed("handler", error, "first") != Failed("condition", error, "first")
    assert Failed("handler", error) != Failed("handler", ValueError("no"))


def test_outcomes_can_be_counted() -> None:
    """Equal ones are one entry of a set."""
    error = ValueError("no")
    outcomes = [Skipped(), Skipped(), Withheld(), Handled(("first",)), Handled(("first",))]
    assert len({*outcomes, Failed("handler", error), Failed("handler", error)}) == 4


@pytest.mark.parametrize("outcome", OUTCOMES, ids=str)
@pytest.mark.parametrize("copier", COPIERS)
def test_an_outcome_survives_copying_and_pickling(outcome: Outcome, copier: Callable[[Any], Any]) -> None:
    """One that failed keeps its phase, its route and the error's class and text."""
    copied: Any = copier(outcome)
    if isinstance(outcome, Failed | DeadLettered) and type(copied) is type(outcome):
        assert (copied.phase, copied.route) == (outcome.phase, outcome.route)
        assert (type(copied.error), str(copied.error)) == (type(outcome.error), str(outcome.error))
    else:
        assert copied == outcome


def test_an_outcome_whose_error_can_not_be_pickled_says_so() -> None:
    """Python's own error appears, and the outcome stays usable."""

    class LocalError(Exception):
        pass

    outcome = Failed("handler", LocalError("no"), "first")
    with pytest.raises((AttributeError, pickle.PicklingError)):
        pickle.dumps(outcome)
    assert outcome.route == "first"


def test_every_outcome_is_true_and_equals_its_like_alone() -> None:
    """One that holds nothing too: `if outcome` asks whether there is one."""
    assert all(OUTCOMES)
    for position, outcome in enumerate(OUTCOMES):
        assert [other == outcome for other in OUTCOMES].count(True) == 1, position
