"""The conditions of a CloudFormation template, as far as its parameters decide them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from headwater.mapping.templates.unresolved import Unresolved, as_text

Decision: TypeAlias = bool | Unresolved
"""What a condition comes to. Unresolved with a refusal: it is none that CloudFormation would take."""

_MOST_PARTS: Final = 10
_FORMS: Final = (
    "Fn::Equals takes two texts, Fn::And and Fn::Or take two to ten conditions, Fn::Not takes one, and Condition the "
    "name of one"
)


def decide(written: Mapping[str, Any], resolve: Callable[[Any], Any]) -> dict[str, Decision]:
    """Find what the conditions of a template come to.

    Args:
        written: The section of that name.
        resolve: Gives the value of what `Fn::Equals` compares.

    Returns:
        What each comes to, by its name.
    """
    conditions = _Conditions(written, resolve)
    return {name: conditions.named(name) for name in written}


def ask(conditions: Mapping[str, Decision], name: object) -> Decision:
    """Find what a condition comes to that something is made on.

    Args:
        conditions: Of the template.
        name: As it is written there.

    Returns:
        What it comes to, called by its name where it is unresolved.
    """
    if isinstance(name, str) and name in conditions:
        return conditions[name]
    return Unresolved(str(name), refusal=f"and there is no condition {name}: define it under Conditions")


class _Conditions:
    """Conditions that are decided when one is asked for, each once."""

    def __init__(self, written: Mapping[str, Any], resolve: Callable[[Any], Any]) -> None:
        self._written = written
        self._resolve = resolve
        self._decided: dict[str, Decision] = {}
        self._open: list[str] = []  # whose parts are being asked

    def named(self, name: str) -> Decision:
        if name in self._open:
            way = ", ".join([*self._open[self._open.index(name) :], name])
            return Unresolved(
                name, refusal=f"and the condition {name} asks for itself, by {way}: break the circle"
            )
        if name in self._written and name not in self._decided:
            self._open.append(name)
            decision = self._of(self._written[name])
            self._open.pop()
            self._decided[name] = (
                decision._replace(text=name) if isinstance(decision, Unresolved) else decision
            )
        return ask(self._decided, name)

    def _of(self, condition: Any) -> Decision:
        if isinstance(condition, bool):
            return condition
        if isinstance(condition, Mapping) and len(condition) == 1:
            [(function, argument)] = condition.items()
            match function, argument:
                case "Condition", str():
                    return self.named(argument)
                case "Fn::Not", [part]:
                    decision = self._of(part)
                    return decision if isinstance(decision, Unresolved) else not decision
                case "Fn::And" | "Fn::Or", [_, _, *_] if len(argument) <= _MOST_PARTS:
                    return _joined([self._of(part) for part in argument], settles=function == "Fn::Or")
                case "Fn::Equals", [_, _]:
                    compared = [self._resolve(value) for value in argument]
                    if all(map(_is_text, compared)):
                        return _equal(compared)
        return Unresolved("", refusal=f"and {condition!r} is no condition: {_FORMS}")


def _joined(parts: Sequence[Decision], *, settles: bool) -> Decision:
    """What several come to, of which one that is `settles` decides."""
    unknown = [part for part in parts if isinstance(part, Unresolved)]
    for part in unknown:
        if part.refusal:
            return part
    if settles in parts:
        return settles
    return _depending_on(unknown) if unknown else not settles


def _is_text(value: Any) -> bool:
    """Whether Fn::Equals compares it. A refusal is that of Fn::If, which can not stand in a condition."""
    if isinstance(value, Unresolved):
        return not value.refusal
    return value is not None and not isinstance(value, list | Mapping)


def _equal(values: Sequence[Any]) -> Decision:
    unknown = [value for value in values if isinstance(value, Unresolved)]
    if unknown:
        return _depending_on(unknown)
    left, right = map(as_text, values)
    return left == right


def _depending_on(unknown: Sequence[Unresolved]) -> Unresolved:
    return Unresolved("", tuple(dict.fromkeys(name for part in unknown for name in part.parameters)))
