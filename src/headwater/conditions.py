"""What must hold for a route to want a record, beyond its kind: conditions, and how they combine.

A condition is a frozen value: it prints as its code, equals its copy, pickles, combines, and can be called with a record.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar, cast, overload

from headwater.errors import ConditionError, DeclarationError
from headwater.kinds import ALL_KINDS, Anything, Existing, Inserted, Modified, Removed, Written
from headwater.models import Shape
from headwater.records import Record, reshape
from headwater.signatures import Signature, function_name, read_signature
from headwater.values import WireValue

if TYPE_CHECKING:
    from headwater.kinds import AskAnything, AskExisting, AskInserted, AskModified, AskRemoved, AskWritten

R_contra = TypeVar("R_contra", contravariant=True)


class Condition(ABC, Generic[R_contra]):
    """Something to ask of a record. The type parameter is the kind of record that it can be asked of."""

    __slots__ = ()
    __match_args__: ClassVar[tuple[str, ...]] = ()

    @property
    def kinds(self) -> tuple[str, ...]:
        """The event names of the records for which the question has a meaning."""
        return ALL_KINDS

    @abstractmethod
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

    @property
    def otherwise(self) -> bool:
        """The answer for the other kinds of records, where there is nothing to ask about."""
        return False

    def values(self, record: Record) -> Mapping[str, WireValue | None]:  # noqa: ARG002 - what has no values needs no record
        """By their places, the values that it looks at; what can not be read is left out."""
        return {}

    def __call__(self, record: R_contra, /) -> bool:
        """Ask about a record, for example in a test of the condition itself; raises as a route with it would."""
        if not isinstance(record, Record):
            raise TypeError(
                f"a condition is asked about a record, not a {type(record).__name__}: "
                "headwater.testing.as_record makes one of a raw record"
            )
        return self.holds(record, record._shape)

    @overload
    def __and__(self: Condition[Anything], other: AskAnything) -> Condition[Anything]: ...
    @overload
    def __and__(self: Condition[Written], other: AskWritten) -> Condition[Written]: ...  # type: ignore[overload-overlap] # pyright: ignore[reportOverlappingOverload]
    @overload
    def __and__(self: Condition[Existing], other: AskExisting) -> Condition[Existing]: ...
    @overload
    def __and__(self: Condition[Modified], other: AskModified) -> Condition[Modified]: ...
    @overload
    def __and__(self: Condition[Inserted], other: AskInserted) -> Condition[Inserted]: ...
    @overload
    def __and__(self: Condition[Removed], other: AskRemoved) -> Condition[Removed]: ...
    def __and__(self, other: Any) -> Condition[Any]:
        return _combine("&", self, other)

    @overload
    def __rand__(self: Condition[Anything], other: AskAnything) -> Condition[Anything]: ...
    @overload
    def __rand__(self: Condition[Written], other: AskWritten) -> Condition[Written]: ...  # type: ignore[overload-overlap] # pyright: ignore[reportOverlappingOverload]
    @overload
    def __rand__(self: Condition[Existing], other: AskExisting) -> Condition[Existing]: ...
    @overload
    def __rand__(self: Condition[Modified], other: AskModified) -> Condition[Modified]: ...
    @overload
    def __rand__(self: Condition[Inserted], other: AskInserted) -> Condition[Inserted]: ...
    @overload
    def __rand__(self: Condition[Removed], other: AskRemoved) -> Condition[Removed]: ...
    def __rand__(self, other: Any) -> Condition[Any]:
        return _combine("&", other, self)

    @overload
    def __or__(self: Condition[Anything], other: AskAnything) -> Condition[Anything]: ...
    @overload
    def __or__(self: Condition[Written], other: AskWritten) -> Condition[Written]: ...  # type: ignore[overload-overlap] # pyright: ignore[reportOverlappingOverload]
    @overload
    def __or__(self: Condition[Existing], other: AskExisting) -> Condition[Existing]: ...
    @overload
    def __or__(self: Condition[Modified], other: AskModified) -> Condition[Modified]: ...
    @overload
    def __or__(self: Condition[Inserted], other: AskInserted) -> Condition[Inserted]: ...
    @overload
    def __or__(self: Condition[Removed], other: AskRemoved) -> Condition[Removed]: ...
    def __or__(self, other: Any) -> Condition[Any]:
        return _combine("|", self, other)

    @overload
    def __ror__(self: Condition[Anything], other: AskAnything) -> Condition[Anything]: ...
    @overload
    def __ror__(self: Condition[Written], other: AskWritten) -> Condition[Written]: ...  # type: ignore[overload-overlap] # pyright: ignore[reportOverlappingOverload]
    @overload
    def __ror__(self: Condition[Existing], other: AskExisting) -> Condition[Existing]: ...
    @overload
    def __ror__(self: Condition[Modified], other: AskModified) -> Condition[Modified]: ...
    @overload
    def __ror__(self: Condition[Inserted], other: AskInserted) -> Condition[Inserted]: ...
    @overload
    def __ror__(self: Condition[Removed], other: AskRemoved) -> Condition[Removed]: ...
    def __ror__(self, other: Any) -> Condition[Any]:
        return _combine("|", other, self)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__match_args__)

    def __hash__(self) -> int:
        return hash((type(self), *(getattr(self, name) for name in self.__match_args__)))

    def __invert__(self) -> Condition[R_contra]:
        return Not(self)

    def __bool__(self) -> bool:
        raise DeclarationError(
            f"{self!r} is neither true nor false before a record is there: "
            "combine conditions with & | ~ instead of and, or, not"
        )


@dataclass(frozen=True, slots=True, repr=False, eq=False)
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
        decisive = self.decisive
        for part in self.parts:
            if part.holds(record, shape) is decisive:
                return decisive
        return not decisive

    def values(self, record: Record) -> Mapping[str, WireValue | None]:
        """Those of its parts."""
        return {at: value for part in self.parts for at, value in part.values(record).items()}

    def __repr__(self) -> str:
        if len(self.parts) > 1 and all(isinstance(part, Predicate) for part in self.parts[:2]):
            # Two functions know no operator: the second one must meet a condition first.
            return f"{self.parts[0]!r} {self.operator} ({Combination(self.operator, self.parts[1:])!r})"
        shown = [f"({part!r})" if _binds_less(part, self.operator) else repr(part) for part in self.parts]
        return f" {self.operator} ".join(shown)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Not(Condition[R_contra]):
    """What another condition does not say."""

    part: Condition[R_contra]

    def holds(self, record: Record, shape: Shape, /) -> bool:
        """Whether the part does not hold."""
        return not self.part.holds(record, shape)

    def __repr__(self) -> str:
        return f"~({self.part!r})" if _binds_less(self.part, "~") else f"~{self.part!r}"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
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
        if inspect.isclass(self.function):
            raise DeclarationError(
                f"condition {name} is a class, and each object made of it would count as yes: "
                "write a function, or an object that can be called"
            )
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
        own = self.signature.shapes.get(record.event_name) if self.signature.annotated else shape
        if own is None:  # never in a route, which is refused when it is declared
            raise ConditionError(
                f"the condition {self!r} does not take {record.event_name} records",
                sequence_number=record.sequence_number,
            )
        said: object = self.function(reshape(cast("Any", record), own))
        if inspect.isawaitable(said):
            if inspect.iscoroutine(said):
                said.close()
            raise ConditionError(
                f"the condition {self!r} answered with something to await, which always counts as yes: "
                "await in the handler instead",
                sequence_number=record.sequence_number,
            )
        if inspect.isgenerator(said) or inspect.isasyncgen(said):
            raise ConditionError(
                f"the condition {self!r} answered with a generator, which always counts as yes: "
                "answer with True or False, as any() and all() do",
                sequence_number=record.sequence_number,
            )
        return bool(said)

    def __reduce__(self) -> tuple[type[Predicate[Any]], tuple[object]]:
        return type(self), (self.function,)  # decoders are made anew where it arrives

    def __repr__(self) -> str:
        return function_name(self.function)


def as_condition(when: Any) -> Condition[Any]:
    """The condition itself, or one of a function.

    Raises:
        DeclarationError: When it is neither.
    """
    if isinstance(when, Condition):
        return when
    if type(when).__module__.startswith("boto3."):
        raise DeclarationError(
            "this condition is one of boto3, for expressions that DynamoDB evaluates: "
            "import Attr and Key from headwater instead"
        )
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
