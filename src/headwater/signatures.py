"""What a handler or predicate wants, read from its signature when it is declared: record kinds, models, context."""

from __future__ import annotations

import functools
import inspect
import sys
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from headwater.context import LambdaContext
from headwater.errors import DeclarationError
from headwater.kinds import ALL_KINDS
from headwater.models import Shape, require_decoder
from headwater.records import Insert, Modify, Record, Remove

POSITIONAL: Final = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_MAX_POSITIONAL: Final = 2
_KINDS_OF: Final[Mapping[Any, tuple[str, ...]]] = {
    Insert: ("INSERT",),
    Modify: ("MODIFY",),
    Remove: ("REMOVE",),
    Record: ALL_KINDS,
}
UNTYPED: Final[Mapping[str, Shape]] = dict.fromkeys(ALL_KINDS, Shape())


class Signature(NamedTuple):
    """What one function takes.

    Attributes:
        shapes: For each event name that the first parameter accepts, the types it wants the record in.
        annotated: Whether the first parameter says so itself.
        takes_context: Whether the Lambda context is passed as a second argument.
        requires_context: Whether it could not be called without one.
    """

    shapes: Mapping[str, Shape]
    annotated: bool
    takes_context: bool
    requires_context: bool = False


def function_name(function: Callable[..., Any]) -> str:
    """The name that messages, logs and tables use for a function."""
    while isinstance(function, functools.partial):
        function = function.func
    return getattr(function, "__name__", None) or type(function).__name__


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling a function only makes a coroutine, as far as can be seen without calling it."""
    while isinstance(function, functools.partial):
        function = function.func
    called = getattr(function, "__call__", None)  # noqa: B004 - the method itself is wanted, for instances
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(called)


def read_signature(function: Callable[..., Any], role: str) -> Signature:
    """Read what a handler or predicate takes.

    Args:
        function: Any callable.
        role: What it is to be, for messages, as in `on_modify handler`.

    Raises:
        DeclarationError: When it could not be called with a record, or what it wants can not be made.
    """
    who = f"{role} {function_name(function)}"
    refuse_uncallable(function, who)
    documented = read_parameters(function, follow_wrapped=True)
    if documented is None:
        return Signature(UNTYPED, annotated=False, takes_context=False)
    called = read_parameters(function, follow_wrapped=False)
    if called is None or any(parameter.kind is parameter.VAR_POSITIONAL for parameter in called):
        called = documented  # a wrapper that hands everything on
    second = _second_positional(called, who)
    annotations = read_annotations(function, who)
    # The annotations that functools.wraps copies are those of the wrapped function's parameters.
    shapes = read_shapes(annotations.get(documented[0].name, inspect.Parameter.empty), who)
    return Signature(
        shapes=shapes or UNTYPED,
        annotated=shapes is not None,
        takes_context=second is not None and _is_context(second, annotations, who),
        requires_context=second is not None and second.default is second.empty,
    )


def refuse_uncallable(function: Any, who: str) -> None:
    """Refuse what can not be called, or whose call would run nothing.

    Raises:
        DeclarationError: When it is no function, or contains `yield`.
    """
    if not callable(function):
        raise DeclarationError(f"{who} is no function: it could never be called, so pass one")
    refuse_generators(function, who, "and every record would be lost")


def refuse_call(
    function: Callable[..., Any],
    arguments: tuple[str, ...],
    who: str,
    fix: str,
    *,
    follow_wrapped: bool = True,
) -> None:
    """Refuse a function that can not be called with so many arguments.

    Args:
        function: One that `refuse_uncallable` has let through.
        arguments: What it is to be called with, in words.
        who: The function, for messages.
        fix: The harm and what to do, for messages.
        follow_wrapped: Whether a wrapper takes what the wrapped function does.

    Raises:
        DeclarationError: When its signature does not take them.
    """
    try:
        inspect.signature(function, follow_wrapped=follow_wrapped).bind(*arguments)
    except TypeError as error:
        what = f"with {' and '.join(arguments)}" if arguments else "without arguments"
        raise DeclarationError(f"{who} can not be called {what} ({error}), {fix}") from None
    except ValueError:  # some builtins have no signature to read
        pass


def refuse_generators(function: Any, who: str, harm: str) -> None:
    """Refuse a function whose call would run nothing.

    Raises:
        DeclarationError: When it contains `yield`; says the harm.
    """
    called = getattr(function, "__call__", None)  # noqa: B004 - the method itself is wanted, for instances
    for candidate in (function, called):
        if inspect.isgeneratorfunction(candidate) or inspect.isasyncgenfunction(candidate):
            raise DeclarationError(
                f"{who} contains yield, so calling it would run nothing {harm}: write it as a function that returns"
            )


def read_parameters(function: Callable[..., Any], *, follow_wrapped: bool) -> list[inspect.Parameter] | None:
    """The parameters of a function; `None` where there are none to read."""
    try:
        return list(inspect.signature(function, follow_wrapped=follow_wrapped).parameters.values())
    except ValueError:  # some builtins have none to read
        return None


def _second_positional(parameters: list[inspect.Parameter], who: str) -> inspect.Parameter | None:
    positional = [parameter for parameter in parameters if parameter.kind in POSITIONAL]
    required = [parameter for parameter in positional if parameter.default is parameter.empty]
    if required and required[0].name in ("self", "cls"):
        raise DeclarationError(
            f"{who} is a method that is not bound, so {required[0].name!r} would receive the record: "
            "register it on an instance, as in app.on_modify(service.handle)"
        )
    for parameter in parameters:
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.default is parameter.empty:
            raise DeclarationError(
                f"{who} requires the keyword {parameter.name!r}, which nobody passes, so every call would fail: "
                "give it a default"
            )
    if len(required) > _MAX_POSITIONAL:
        extra = ", ".join(repr(parameter.name) for parameter in required[_MAX_POSITIONAL:])
        raise DeclarationError(
            f"{who} requires {extra} besides the record and the Lambda context, so every call would fail: "
            "give it a default, or bind it with functools.partial"
        )
    if not positional:
        if any(parameter.kind is parameter.VAR_POSITIONAL for parameter in parameters):
            return None
        raise DeclarationError(f"{who} takes no record, so every call would fail: give it one parameter")
    return positional[1] if len(positional) > 1 else None


def _is_context(parameter: inspect.Parameter, annotations: Mapping[str, Any], who: str) -> bool:
    annotation = annotations.get(parameter.name, Any)
    if parameter.default is not parameter.empty:
        return LambdaContext in _union_members(annotation) or parameter.name == "context"
    if isinstance(annotation, type) and annotation.__module__ == "builtins" and annotation is not object:
        raise DeclarationError(
            f"{who} requires {parameter.name!r}, a {annotation.__name__}, but the second argument is the Lambda "
            "context: give it a default, or bind it with functools.partial"
        )
    return True


def read_annotations(function: Callable[..., Any], who: str) -> dict[str, Any]:
    """The annotations of a function, with their names looked up.

    Raises:
        DeclarationError: When a name can not be found.
    """
    while isinstance(function, functools.partial):
        function = function.func
    if not inspect.isroutine(function) and not hasattr(function, "__wrapped__"):
        function = type(function).__call__  # an instance that can be called
    if not getattr(function, "__annotations__", None):
        return {}
    scope = _defining_scope(function)
    try:
        return typing.get_type_hints(function, localns=scope, include_extras=True)
    except Exception as error:
        raise DeclarationError(
            f"{who} has an annotation that can not be read ({error}), so its record could not be decoded: "
            "import its names outside of `if TYPE_CHECKING:` and before the function"
        ) from error


def _defining_scope(function: Callable[..., Any]) -> dict[str, Any]:
    """The local names where the function is being declared, innermost first: its models may be local too."""
    module = getattr(inspect.unwrap(function), "__globals__", None)
    frame: types.FrameType | None = sys._getframe()
    scope: dict[str, Any] = {}
    while frame is not None:
        if frame.f_globals is module:
            scope = {**frame.f_locals, **scope}
        frame = frame.f_back
    return scope


def read_shapes(annotation: Any, who: str) -> dict[str, Shape] | None:
    """For each event name that an annotation accepts, the types it wants the record in; `None` when it says nothing.

    Raises:
        DeclarationError: When it is no record.
    """
    annotation = unwrap_annotation(annotation)
    if annotation in (inspect.Parameter.empty, Any, object):
        return None
    shapes: dict[str, Shape] = {}
    for member in _union_members(annotation):
        kinds = _KINDS_OF.get(typing.get_origin(member) or member)
        if kinds is None:
            name = getattr(member, "__name__", None) or repr(member)
            raise DeclarationError(
                f"{who} takes {name}, but handlers are given records: "
                f"write Insert[{name}], Modify[{name}], Remove[{name}] or Record[{name}]"
            )
        arguments = typing.get_args(member)
        shape = Shape(
            *(
                require_decoder(argument, f"{who} wants images as", "no record could be decoded")
                for argument in arguments
            )
        )
        if any(shapes.get(kind, shape) != shape for kind in kinds):
            raise DeclarationError(
                f"{who} takes records of one kind in two types, of which it could only be given one: "
                "declare a function for each"
            )
        shapes.update(dict.fromkeys(kinds, shape))
    return shapes


def _union_members(annotation: Any) -> list[Any]:
    annotation = unwrap_annotation(annotation)
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return [inner for member in typing.get_args(annotation) for inner in _union_members(member)]
    return [annotation]


def unwrap_annotation(annotation: Any) -> Any:
    """An annotation without `Annotated` and type aliases around it."""
    aliases = _alias_types()
    while True:
        if typing.get_origin(annotation) is typing.Annotated:
            annotation = typing.get_args(annotation)[0]
        elif isinstance(annotation, aliases):
            annotation = annotation.__value__
        elif isinstance(typing.get_origin(annotation), aliases):
            annotation = typing.get_origin(annotation).__value__[typing.get_args(annotation)]
        else:
            return annotation


def _alias_types() -> tuple[type[Any], ...]:
    """The classes of type aliases: of the statement `type X = ...`, and of typing-extensions where that is loaded."""
    modules: tuple[Any, ...] = (typing, sys.modules.get("typing_extensions"))
    return tuple(module.TypeAliasType for module in modules if hasattr(module, "TypeAliasType"))
