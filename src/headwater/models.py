"""Wire images into the user's types. The only module that knows pydantic, and it imports it when first needed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar, overload

from headwater.errors import DeclarationError, DecodeError, Violation, WireValueError
from headwater.paths import Path, Step, format_path
from headwater.schemas import UnknownAttribute, unknown_attribute
from headwater.values import WireItem, to_python

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

SWITCH: Final = "HEADWATER_COMPILED_DECODING"
"""The environment variable that turns the fast way of decoding off, with `0`, `off`, `no` or `false`."""

_AT_A_LOSS: Final = (AttributeError, LookupError, RecursionError, TypeError, ValueError, WireValueError)
"""What reading and validating raise of their own; all else is the user's, and is raised as it is."""

_PLAIN_MODELS: Final = (Any, object, dict, dict[str, Any])
_SHOWN: Final = 3
_OFF: Final = ("0", "off", "no", "false")
_PACKAGE: Final = __name__.partition(".")[0]

Model = TypeVar("Model")


@dataclass(slots=True, eq=False)
class Decoder:
    """How images become one type of the user's.

    Attributes:
        model: A pydantic model, dataclass, TypedDict, or whatever `pydantic.TypeAdapter` takes.
        adapter: pydantic's side of it; `None` for plain dicts, which need no pydantic.
    """

    model: Any
    adapter: TypeAdapter[Any] | None = field(repr=False)
    _decode: Callable[[WireItem], Any] | None = field(default=None, init=False, repr=False)

    def __call__(self, item: WireItem) -> Any:
        """Decode one item.

        Raises:
            WireValueError: When a value is not in DynamoDB's wire form.
            DecodeError: When the item does not fit the model.
        """
        decode = self._decode or self._compile()
        return decode(item)

    def __reduce__(self) -> tuple[Any, ...]:
        return decoder_for, (self.model,)  # neither the code nor all that pydantic makes can be pickled

    def _compile(self) -> Callable[[WireItem], Any]:
        """Make the way from an item to the model, when the first item is decoded."""
        if self.adapter is None:
            self._decode = to_python
            return to_python
        from pydantic.errors import PydanticUserError

        reference = partial(_validate, self, self.adapter)
        try:
            off = os.environ.get(SWITCH, "").lower() in _OFF
            self._decode = reference if off else _short_way(self.adapter, self.name, reference)
        except PydanticUserError:
            return reference  # the model names a class that is still to come: the next item may find it
        return self._decode

    def unknown_attribute(self, path: Path) -> UnknownAttribute | None:
        """The first step of a path into an item that the model never reads; `None` when the path is fine."""
        if self.adapter is None:
            return None
        from pydantic.errors import PydanticUserError

        try:
            return unknown_attribute(self.adapter.core_schema, path)
        except PydanticUserError:
            return None  # the model refers to a class that is not defined yet, so nothing is certain

    @property
    def name(self) -> str:
        """The model's name, for messages and tables."""
        return self.model.__name__ if isinstance(self.model, type) else repr(self.model)


def _validate(decoder: Decoder, adapter: TypeAdapter[Any], item: WireItem) -> Any:
    """What decoding means: pydantic's validation of the item in plain Python."""
    from pydantic import ValidationError

    plain = to_python(item)
    try:
        return adapter.validate_python(plain)
    except ValidationError as error:
        failure = decode_error(error, plain, decoder)
    # Raised out here, so that no log prints pydantic's text, which quotes the item, as the error's context.
    raise failure


def _short_way(
    adapter: TypeAdapter[Any], name: str, reference: Callable[[WireItem], Any]
) -> Callable[[WireItem], Any]:
    """What gives the same as the reference, and sooner. Where it fails, the reference says what is wrong with the item."""
    from headwater.readers import reader_of  # an app without models does without it

    schema, validate = adapter.core_schema, adapter.validator.validate_python
    try:
        read = reader_of(schema, name)
    except Exception:
        return reference  # the schema is like none of any pydantic so far

    def decode(item: WireItem) -> Any:
        if type(item) is dict:
            try:
                return validate(read(item))
            except _AT_A_LOSS:
                pass
        return reference(item)

    return decode


PLAIN: Final = Decoder(dict, None)
"""Decodes to `dict[str, Any]`."""


_DECODERS: Final[dict[tuple[Any, str], Decoder]] = {}


class Shape(NamedTuple):
    """The types that a handler wants a record's images and keys in."""

    model: Decoder = PLAIN
    key: Decoder = PLAIN


def decoder_for(model: Any) -> Decoder:
    """The decoder of a model, one and the same for the same model.

    Raises:
        pydantic.errors.PydanticUserError: When pydantic can make no validator for it.
    """
    # A | B equals B | A, but means another thing: the text tells them apart.
    key = (model, "" if isinstance(model, type) else repr(model))
    try:
        decoder = _DECODERS.get(key)
    except TypeError:  # not hashable, such as Annotated with a list in it
        return _make_decoder(model)
    if decoder is None and any(model is plain or model == plain for plain in _PLAIN_MODELS):
        decoder = _DECODERS[key] = PLAIN
    # One that is not complete names a class that is still to come: where it is asked for again, that may be known.
    elif decoder is None or not getattr(decoder.adapter, "pydantic_complete", True):
        decoder = _DECODERS[key] = _make_decoder(model)
    return decoder


@overload
def decode(item: WireItem, model: type[Model]) -> Model: ...
@overload
def decode(item: WireItem, model: Any) -> Any: ...
def decode(item: WireItem, model: Any) -> Any:
    """Decode an item in wire form into a model: `TypeAdapter(model).validate_python(to_python(item))`.

    Attributes that the model never reads are not touched: a malformed one among them goes unnoticed while the others
    fit. Validators run a second time for an item that does not fit.

    Args:
        item: Attribute names to wire values.
        model: A pydantic model, dataclass, TypedDict, or whatever `pydantic.TypeAdapter` takes.

    Raises:
        WireValueError: When a value is not in DynamoDB's wire form.
        DecodeError: When the item does not fit the model; `violations` says where and why.
    """
    return decoder_for(model)(item)


def _make_decoder(model: Any) -> Decoder:
    from pydantic import TypeAdapter

    # pydantic looks names up where TypeAdapter is called; here that is where the user declares or decodes.
    depth = 0
    while sys._getframe(depth).f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        depth += 1
    return Decoder(model, TypeAdapter(model, _parent_depth=depth + 2))


def require_decoder(model: Any, wish: str, harm: str) -> Decoder:
    """The decoder of a type that a function's annotation names.

    Args:
        model: The annotation.
        wish: Who wants what of it, for messages, as in `on_insert handler charge wants images as`.
        harm: What could not be done, for messages.

    Raises:
        DeclarationError: When pydantic can make no validator for it.
    """
    try:
        return decoder_for(model)
    except Exception as error:
        name = getattr(model, "__name__", None) or repr(model)
        reason = str(error).partition("\n")[0]
        raise DeclarationError(
            f"{wish} {name}, which pydantic can make no validator for, so {harm}: "
            f"use a pydantic model, dataclass or TypedDict (pydantic says: {reason})"
        ) from error


def decode_error(error: ValidationError, item: dict[str, Any], decoder: Decoder) -> DecodeError:
    """Say a validation error of pydantic in the item's own attribute names."""
    found = [
        (_place(decoder, item, entry["loc"], entry["type"]), entry["type"], entry["msg"])
        for entry in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    shown = "; ".join(f"{format_path(path) or 'the item'}: {kind}" for path, kind, _ in found[:_SHOWN])
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    failure = DecodeError(f"this item does not fit {decoder.name}: {shown}{more}", steps=found[0][0])
    failure.violations = tuple(Violation(format_path(path), kind, text) for path, kind, text in found)
    return failure


def unexpected_error(error: Exception, decoder: Decoder) -> DecodeError:
    """Say where in a validator of the user's something else than a validation error was raised."""
    import traceback

    last = traceback.extract_tb(error.__traceback__)[-1]
    return DecodeError(
        f"{type(error).__name__} while {decoder.name} was made of it, raised in {last.name} at {last.filename}:"
        f"{last.lineno}: a validator lets it through, or the model names a class that is not defined"
    )


def _place(decoder: Decoder, item: Any, location: tuple[int | str, ...], kind: str) -> Path:
    """The steps of pydantic's location that are places in the item: the others name union members, tags, validators."""
    steps: list[Step] = []
    place = item
    for position, step in enumerate(location, start=1):
        absent = kind.startswith("missing") and position == len(location)
        if isinstance(place, dict) and isinstance(step, str):
            name = step if step in place else _attribute(decoder, (*steps, step))
            if name in place or absent:
                steps.append(name)
                place = place.get(name)
        elif isinstance(place, list) and isinstance(step, int) and (step < len(place) or absent):
            steps.append(step)
            place = place[step] if step < len(place) else None
    return tuple(steps)


def _attribute(decoder: Decoder, path: tuple[Step, ...]) -> str:
    """The attribute of the last step, which is a field's Python name in a model with `loc_by_alias=False`."""
    name = str(path[-1])
    unknown = decoder.unknown_attribute(path)
    return unknown.alias if unknown is not None and unknown.name == name and unknown.alias else name
