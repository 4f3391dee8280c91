"""What is refused of a condition when it is declared: what could not be asked, or would say the same of every record."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from headwater.conditions import Combination, Condition, Not, Predicate, as_condition
from headwater.errors import DeclarationError

_IMAGES: Final = {
    frozenset({"MODIFY"}): "both images",
    frozenset({"MODIFY", "REMOVE"}): "an old image",
    frozenset({"INSERT", "MODIFY"}): "a new image",
}


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
    for reason in _refusals(condition, kinds):
        raise DeclarationError(f"{who}: {reason}")
    return condition


def settled(condition: Condition[Any], kinds: Sequence[str]) -> bool | None:
    """The answer that is the same for every record of some kinds; `None` where it depends on the record."""
    match condition:
        case Combination():
            answers = {settled(part, kinds) for part in condition.parts}
            if condition.decisive in answers:
                return condition.decisive
            return None if None in answers else not condition.decisive
        case Not():
            answer = settled(condition.part, kinds)
            return None if answer is None else not answer
        case _:
            return None if set(kinds) & set(condition.kinds) else condition.otherwise


def _refusals(condition: Condition[Any], kinds: Sequence[str]) -> Iterator[str]:
    """Why parts of a condition can not be asked of records of these kinds."""
    match condition:
        case Combination():
            for part in condition.parts:
                yield from _refusals(part, kinds)
        case Not():
            yield from _refusals(condition.part, kinds)
        case Predicate():
            missing = [kind for kind in kinds if kind not in condition.signature.shapes]
            if missing:
                yield (
                    f"condition {condition!r} does not take {' or '.join(missing)} records, which it will be asked "
                    "about: annotate its parameter with the record kinds of the route"
                )
        case _ if not set(kinds) & set(condition.kinds):
            yield (
                f"condition {condition!r} needs {_IMAGES[frozenset(condition.kinds)]}, which {' and '.join(kinds)} "
                "records do not have, so its answer would be the same for all of them: use another decorator, or "
                "another condition"
            )
