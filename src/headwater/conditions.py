"""What must hold for a route to want a record, beyond its kind."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from headwater.errors import ConditionError, DeclarationError
from headwater.models import Shape
from headwater.records import Record, reshape
from headwater.signatures import Signature, function_name, read_signature


@dataclass(frozen=True, slots=True)
class Condition:
    """A predicate over the typed record.

    Attributes:
        predicate: Answers yes or no.
        signature: What record it takes. A predicate that says nothing of its own is given the handler's types.
    """

    predicate: Callable[[Any], bool]
    signature: Signature

    @property
    def name(self) -> str:
        """The predicate's name."""
        return function_name(self.predicate)

    def holds(self, record: Record, shape: Shape) -> bool:
        """Ask the predicate.

        Raises:
            ConditionError: When it answers with a coroutine, which would count as yes.
            Exception: Whatever the predicate raises.
        """
        own = self.signature.shapes[record.event_name] if self.signature.annotated else shape
        answer: object = self.predicate(reshape(record, own))
        if inspect.isawaitable(answer):
            if inspect.iscoroutine(answer):
                answer.close()
            raise ConditionError(
                f"the condition {self.name} answered with something to await, which always counts as yes: "
                "await in the handler instead",
                sequence_number=record.sequence_number,
            )
        return bool(answer)


def read_condition(predicate: Any, kinds: Sequence[str], who: str) -> Condition:
    """Check a `when=` when it is declared.

    Args:
        predicate: What the user gave.
        kinds: The event names of the records that it will be asked about.
        who: Whose condition it is, for messages.

    Raises:
        DeclarationError: When it could not answer.
    """
    signature = read_signature(predicate, f"{who}: condition")
    name = function_name(predicate)
    called = getattr(predicate, "__call__", None)  # noqa: B004 - the method itself is wanted, for instances
    if inspect.iscoroutinefunction(predicate) or inspect.iscoroutinefunction(called):
        raise DeclarationError(
            f"{who}: condition {name} is async, so its answer would always count as yes: write it as a plain function"
        )
    if signature.requires_context:
        raise DeclarationError(
            f"{who}: condition {name} requires a second argument, but conditions are given the record alone, "
            "so every record would fail: give it a default"
        )
    missing = [kind for kind in kinds if kind not in signature.shapes]
    if missing:
        raise DeclarationError(
            f"{who}: condition {name} does not take {' or '.join(missing)} records, which it will be asked about: "
            "annotate its parameter with the record kinds of the route"
        )
    return Condition(predicate, signature)
