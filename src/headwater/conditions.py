"""What must hold for a route to want a record, beyond its kind: conditions, and how they combine.

A condition is a frozen value. It prints as the code that made it, equals its copy, and can be pickled; combined with
`&`, `|` and `~` it stays one. It can be called with a record, as any predicate can.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar, cast

from headwater.answers import Answer
from headwater.errors import ConditionError, DeclarationError
from headwater.kinds import ALL_KINDS
from headwater.models import Shape
from headwater.records import Record, reshape
from headwater.signatures import Signature, function_name, read_signature
from headwater.values import WireValue

R_contra = TypeVar("R_contra", contravariant=True)
R = TypeVar("R")

AskedOf: TypeAlias = Callable[[R], bool]

_IMAGES: Final = {
    frozenset({"MODIFY"}): "both images",
    frozenset({"MODIFY", "REMOVE"}): "an old image",
    frozenset({"INSERT", "MODIFY"}): "a new image",
}


class Condition(Generic[R_contra]):
    """Something to ask of a record. The type parameter is the kind of record that it can be asked of."""

    __slots__ = ()

    @property
    def kinds(self) -> tuple[str, ...]:
        """The event names of the records for which the question has a meaning."""
        return ALL_KINDS

    def holds(self, record: Record, shape: Shape, /) -> bool:
        """Ask about a record.

        Args:
            record: The record, its images undecoded.
            shape: The handler's types, for predicates that say nothing of their own.

        Raises:
            ConditionError: When the question has no answer for this record.
            MissingImageError: When an image is needed that the stream's view type leaves out.
            WireValueError: When a value on the way is not in the wire form.
            Exception: Whatever a predicate raises.
        """
        raise NotImplementedError

    def explain(self, record: Record, shape: Shape) -> Answer:
        """What `holds` says of a record, with the values that it looks at."""
        try:
            return Answer(repr(self), self.holds(record, shape), self.values(record))
        except Exception as error:
            return Answer(repr(self), values=self.values(record), error=error)

    def values(self, record: Record) -> Mapping[str, WireValue | None]:  # noqa: ARG002 - what has no values needs no record
        """By their places, the values that it looks at; what can not be read is left out."""
        return {}

    def refusals(self, kinds: Sequence[str]) -> Iterator[str]:
        """Why this can not be asked of records of these kinds, if so."""
        if not set(kinds) & set(self.kinds):
            needed = _IMAGES[frozenset(self.kinds)]
            yield (
                f"condition {self!r} needs {needed}, which {' and '.join(kinds)} records do not have, so its answer "
                "would be the same for all of them: use another decorator, or another condition"
            )

    def settled(self, kinds: Sequence[str]) -> bool | None:
        """The answer that is the same for every record of these kinds; `None` where it depends on the record."""
        return None if set(kinds) & set(self.kinds) else False

    def __call__(self, record: R_contra, /) -> bool:
        """Ask about a record, for example in a test of the condition itself; raises as a route with it would."""
        asked = cast("Record", record)
        return self.holds(asked, asked._shape)

    def __and__(self: Condition[R], other: AskedOf[R]) -> Condition[R]:
        return _combine("&", self, other)

    def __rand__(self: Condition[R], other: AskedOf[R]) -> Condition[R]:
        return _combine("&", other, self)

    def __or__(self: Condition[R], other: AskedOf[R]) -> Condition[R]:
        return _combine("|", self, other)

    def __ror__(self: Condition[R], other: AskedOf[R]) -> Condition[R]:
        return _combine("|", other, self)

    def __invert__(self) -> Condition[R_contra]:
        return Not(self)

    def __bool__(self) -> bool:
        raise DeclarationError(
            f"{self!r} is neither true nor false before a record is there: "
            "combine conditions with & | ~ instead of and, or, not"
        )


@dataclass(frozen=True, slots=True, repr=False)
class Combination(Condition[R_contra]):
    """Several conditions, of which all must hold (`&`) or one (`|`); what comes after the deciding one is not asked."""

    operator: Literal["&", "|"]
    parts: tuple[Condition[Any], ...]

    @property
    def decisive(self) -> bool:
        """The answer of a part that decides: a yes for `|`, a no for `&`."""
        return self.operator == "|"

    def holds(self, record: Record, shape: Shape, /) -> bool:
        """Ask the parts until one decides."""
        decisive = self.operator == "|"
        for part in self.parts:
            if part.holds(record, shape) is decisive:
                return decisive
        return not decisive

    def explain(self, record: Record, shape: Shape) -> Answer:
        """The answers of the parts until one decides or raises."""
        asked: list[Answer] = []
        for part in self.parts:
            asked.append(part.explain(record, shape))
            if asked[-1].said is not (not self.decisive):
                break
        rest = [Answer(repr(part)) for part in self.parts[len(asked) :]]
        return Answer(repr(self), asked[-1].said, parts=(*asked, *rest), error=asked[-1].error)

    def refusals(self, kinds: Sequence[str]) -> Iterator[str]:
        """Those of its parts."""
        for part in self.parts:
            yield from part.refusals(kinds)

    def settled(self, kinds: Sequence[str]) -> bool | None:
        """Decided, when one part decides it; the opposite, when all say that."""
        answers = {part.settled(kinds) for part in self.parts}
        if self.decisive in answers:
            return self.decisive
        return None if None in answers else not self.decisive

    def __repr__(self) -> str:
        shown = [f"({part!r})" if _binds_less(part, self.operator) else repr(part) for part in self.parts]
        return f" {self.operator} ".join(shown)


@dataclass(frozen=True, slots=True, repr=False)
class Not(Condition[R_contra]):
    """What another condition does not say."""

    part: Condition[R_contra]

    def holds(self, record: Record, shape: Shape, /) -> bool:
        """Whether the part does not hold."""
        return not self.part.holds(record, shape)

    def explain(self, record: Record, shape: Shape) -> Answer:
        """The answer of the part, and its opposite."""
        inner = self.part.explain(record, shape)
        said = None if inner.said is None else not inner.said
        return Answer(repr(self), said, parts=(inner,), error=inner.error)

    def refusals(self, kinds: Sequence[str]) -> Iterator[str]:
        """Those of its part."""
        yield from self.part.refusals(kinds)

    def settled(self, kinds: Sequence[str]) -> bool | None:
        """The opposite of its part."""
        answer = self.part.settled(kinds)
        return None if answer is None else not answer

    def __repr__(self) -> str:
        return f"~({self.part!r})" if _binds_less(self.part, "~") else f"~{self.part!r}"


@dataclass(frozen=True, slots=True, repr=False)
class Predicate(Condition[R_contra]):
    """A function of the typed record.

    Attributes:
        function: Answers yes or no.
        signature: What record it takes. A function that says nothing of its own is given the handler's types.
    """

    function: Callable[[R_contra], object]
    signature: Signature = field(init=False, compare=False)

    def __post_init__(self) -> None:
        name, called = function_name(self.function), getattr(self.function, "__call__", None)  # noqa: B004 - the method itself is wanted, for instances
        signature = read_signature(self.function, "condition")
        if inspect.iscoroutinefunction(self.function) or inspect.iscoroutinefunction(called):
            raise DeclarationError(
                f"condition {name} is async, so its answer would always count as yes: write it as a plain function"
            )
        if signature.requires_context:
            raise DeclarationError(
                f"condition {name} requires a second argument, but conditions are given the record alone, "
                "so every record would fail: give it a default"
            )
        object.__setattr__(self, "signature", signature)

    def holds(self, record: Record, shape: Shape, /) -> bool:
        """Ask the function.

        Raises:
            ConditionError: When it answers with a coroutine, which would count as yes.
            Exception: Whatever the function raises.
        """
        own = self.signature.shapes[record.event_name] if self.signature.annotated else shape
        said: object = self.function(reshape(cast("Any", record), own))
        if inspect.isawaitable(said):
            if inspect.iscoroutine(said):
                said.close()
            raise ConditionError(
                f"the condition {self!r} answered with something to await, which always counts as yes: "
                "await in the handler instead",
                sequence_number=record.sequence_number,
            )
        return bool(said)

    def refusals(self, kinds: Sequence[str]) -> Iterator[str]:
        """The kinds that the function does not take."""
        missing = [kind for kind in kinds if kind not in self.signature.shapes]
        if missing:
            yield (
                f"condition {self!r} does not take {' or '.join(missing)} records, which it will be asked about: "
                "annotate its parameter with the record kinds of the route"
            )

    def __reduce__(self) -> tuple[type[Predicate[Any]], tuple[object]]:
        return type(self), (self.function,)  # decoders are made anew where it arrives

    def __repr__(self) -> str:
        return function_name(self.function)


def read_condition(when: Any, kinds: Sequence[str], who: str) -> Condition[Any]:
    """Check a `when=` when it is declared.

    Args:
        when: What the user gave: a condition, or a function of the record.
        kinds: The event names of the records that it will be asked about.
        who: Whose condition it is, for messages.

    Raises:
        DeclarationError: When it could not answer.
    """
    if isinstance(when, bool):
        raise DeclarationError(
            f"{who}: when={when} is the same for every record: "
            "compare with methods, as in Attr('Status').eq('paid'), since == compares the objects themselves"
        )
    try:
        condition = as_condition(when)
    except DeclarationError as error:
        raise DeclarationError(f"{who}: {error.message}") from error.__cause__
    for reason in condition.refusals(kinds):
        raise DeclarationError(f"{who}: {reason}")
    return condition


def as_condition(when: Any) -> Condition[Any]:
    """The condition itself, or one of a function.

    Raises:
        DeclarationError: When it is neither.
    """
    if isinstance(when, Condition):
        return when
    if not callable(when):
        raise DeclarationError(
            f"{when!r} is neither a condition nor a function of the record, so it could not be asked: "
            "say what must hold, as in Attr('Status').eq('paid')"
        )
    return Predicate(when)


def _binds_less(part: Condition[Any], operator: str) -> bool:
    """Whether a part needs parentheses: `|` inside of `&` does, everything that is combined inside of `~` does."""
    return isinstance(part, Combination) and (operator == "~" or part.operator != operator == "&")


def _combine(operator: Literal["&", "|"], left: Any, right: Any) -> Condition[Any]:
    parts: list[Condition[Any]] = []
    for condition in map(as_condition, (left, right)):
        if isinstance(condition, Combination) and condition.operator == operator:
            parts += condition.parts
        else:
            parts.append(condition)
    return Combination(operator, tuple(parts))
