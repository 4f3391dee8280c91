"""The functions of CloudFormation, as far as a template alone decides them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from headwater.mapping.templates.candidates import check_parameters
from headwater.mapping.templates.conditions import Decision, ask, decide
from headwater.mapping.templates.nodes import section
from headwater.mapping.templates.unresolved import Unresolved, as_text, join

_PSEUDO: Final = "AWS::"
_REFERENCE: Final = re.compile(r"\$\{([^}]*)\}")
_DYNAMIC: Final = re.compile(r"\{\{(resolve:[^}]*)\}\}")


class Scope(NamedTuple):
    """What the functions of a template refer to.

    Attributes:
        values: Of the parameters that have one.
        parameters: The names of all parameters.
        mappings: The section of that name.
        conditions: What each comes to.
    """

    values: Mapping[str, Any]
    parameters: tuple[str, ...]
    mappings: Mapping[str, Any]
    conditions: Mapping[str, Decision]


def read_scope(template: Mapping[str, Any], given: Mapping[str, str]) -> Scope:
    """Read what the functions of a template refer to.

    Args:
        template: The template.
        given: Values of parameters, and of pseudo parameters such as `AWS::Region`. They come before defaults.

    Returns:
        The parameters with their values, the mappings, and what the conditions come to.

    Raises:
        SettingsError: When the template has no such parameter.
    """
    declared = section(template, "Parameters")
    check_parameters({name: value for name, value in given.items() if not name.startswith(_PSEUDO)}, declared)
    values = {name: value for name, value in given.items() if name.startswith(_PSEUDO)}
    for name in declared:
        parameter = section(declared, name)
        kind = str(parameter.get("Type", "String"))
        if name in given:
            values[name] = _listed(given[name], kind)
        # The default of a parameter from SSM is the name of the value there.
        elif "Default" in parameter and not kind.startswith("AWS::SSM::"):
            values[name] = _listed(parameter["Default"], kind)
    # Fn::If can not stand in a condition, so conditions are read without any.
    scope = Scope(values, tuple(declared), section(template, "Mappings"), {})
    written = section(template, "Conditions")
    return scope._replace(conditions=decide(written, lambda value: resolve(value, scope)))


def resolve(value: Any, scope: Scope) -> Any:
    """Replace the functions in a value by what they come to.

    Args:
        value: Of a property.
        scope: What it refers to.

    Returns:
        The value, with an `Unresolved` where only a deployment knows, and `None` for `AWS::NoValue`.
    """
    if isinstance(value, str):
        return Unresolved(_DYNAMIC.sub(r"${\1}", value)) if _DYNAMIC.search(value) else value
    if isinstance(value, list):
        return [resolve(inner, scope) for inner in value]
    if not isinstance(value, Mapping):
        return value
    if len(value) == 1:
        [(name, argument)] = value.items()
        if name == "Ref" or str(name).startswith("Fn::"):
            return _call(name, argument, scope)
    return {name: resolve(inner, scope) for name, inner in value.items()}


def _call(name: str, argument: Any, scope: Scope) -> Any:
    match name, argument:
        case "Ref", str():
            return _refer(argument, scope)
        case "Fn::GetAtt", str() | [*_]:
            return Unresolved(
                f"${{{argument if isinstance(argument, str) else '.'.join(map(str, argument))}}}"
            )
        case "Fn::Sub", str():
            return _substitute(argument, {}, scope)
        case "Fn::Sub", [str() as text, {} as names]:
            return _substitute(text, names, scope)
        case "Fn::Join", [str() as separator, pieces]:
            if isinstance(resolved := resolve(pieces, scope), list):
                return join(separator, [piece for piece in resolved if piece is not None])
        case "Fn::FindInMap", [*keys]:
            return _find([resolve(key, scope) for key in keys], scope)
        case "Fn::If", [condition, then, otherwise]:
            decision = ask(scope.conditions, condition)
            if isinstance(decision, Unresolved):
                return _undecided(decision)
            return resolve(then if decision else otherwise, scope)
        case "Fn::If", _:
            return Unresolved(
                "${Fn::If}", refusal="which takes the name of a condition and two values: write these"
            )
    return _unknown(name, resolve(argument, scope))


def _refer(name: str, scope: Scope) -> Any:
    if name == "AWS::NoValue":
        return None
    if name in scope.values:
        return resolve(scope.values[name], scope)
    return Unresolved(f"${{{name}}}", (name,) if name in scope.parameters or name.startswith(_PSEUDO) else ())


def _substitute(text: str, names: Mapping[str, Any], scope: Scope) -> str | Unresolved:
    # Split at the references: what is between them stands at the even places.
    pieces: list[Any] = _REFERENCE.split(text)
    for place in range(1, len(pieces), 2):
        name = pieces[place].strip()
        if name.startswith("!"):
            pieces[place] = f"${{{name[1:]}}}"
        elif name in names:
            pieces[place] = resolve(names[name], scope)
        else:
            pieces[place] = _refer(name, scope)
    return join("", pieces)


def _undecided(condition: Unresolved) -> Unresolved:
    name = condition.text
    refusal = condition.refusal or (
        f"and the template has no value for {' and '.join(condition.parameters)}, by which the condition {name} is "
        "decided: give one for this parameter"
        if condition.parameters
        else f"and only a deployment decides the condition {name}: write one of its values there, or save what "
        "`aws lambda get-event-source-mapping` answers, and read that"
    )
    return Unresolved(f"${{Fn::If {name}}}", condition.parameters, refusal)


def _find(keys: list[Any], scope: Scope) -> Any:
    found: Any = scope.mappings
    for key in keys:
        found = found.get(as_text(key)) if isinstance(found, Mapping) else None
    return _unknown("Fn::FindInMap", keys) if found is None else found


def _unknown(name: str, argument: Any) -> Unresolved:
    said = join(", ", argument) if isinstance(argument, list) else join("", [argument])
    if isinstance(said, str):
        return Unresolved(f"${{{name} {said}}}")
    # One reference, in which those inside are names.
    names = _REFERENCE.sub(r"\1", said.text)
    return said._replace(text=f"${{{name} {names}}}")


def _listed(value: Any, kind: str) -> Any:
    if isinstance(value, str) and (kind == "CommaDelimitedList" or kind.startswith("List<")):
        return [item.strip() for item in value.split(",")]
    return value
