"""Which attributes of an item a model reads, from the core schema that pydantic has made of it.

Only what is certain is refused: wherever a model may read more than its fields (extra fields allowed, a validator that
sees the whole item first, a shape unknown here), every path is accepted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, TypeAlias

from headwater.paths import Path

Schema: TypeAlias = Any
"""One of pydantic-core's schemas: a dict with a `type`."""


class UnknownAttribute(NamedTuple):
    """A step of a path that the model does not have.

    Attributes:
        name: The name in question.
        known: The attribute names that the model reads at that place.
        alias: The attribute name to write instead, when `name` is the Python name of a field.
    """

    name: str
    known: tuple[str, ...]
    alias: str | None


class Field(NamedTuple):
    """One field of a model.

    Attributes:
        name: Its name in Python.
        attributes: The attributes of the item that it may be read from.
        schema: What an attribute must be; `None` where an alias path leads further in.
        entry: pydantic's own schema of the field.
    """

    name: str
    attributes: tuple[str, ...]
    schema: Schema | None
    entry: Schema

    def is_required(self, *, total: bool) -> bool:
        """Whether an item without it does not fit.

        Args:
            total: Whether the fields of its TypedDict are required unless they say otherwise.
        """
        inner = self.entry
        while isinstance(inner, dict):
            if inner.get("type") == "default":
                return False
            inner = inner.get("schema")
        required: bool = self.entry.get("required", total)
        return required


class _Fields(NamedTuple):
    fields: tuple[Field, ...]


class _Elements(NamedTuple):
    schema: Schema


class _Anything: ...


_Shape: TypeAlias = _Fields | _Elements | _Anything


def unknown_attribute(schema: Schema, path: Path) -> UnknownAttribute | None:
    """The first step of a path that this schema would never read from an item; `None` when the path is fine."""
    return _unknown(schema, path, {})


def _unknown(schema: Schema, path: Path, definitions: dict[str, Schema]) -> UnknownAttribute | None:
    answers: list[UnknownAttribute] = []
    for shape in _shapes(schema, definitions, {}):
        answer = _unknown_in(shape, path, definitions)
        if answer is None:
            return None
        answers.append(answer)
    return _merged(answers, path) if answers else None


def _merged(answers: list[UnknownAttribute], path: Path) -> UnknownAttribute:
    """One answer for a union: how far any member could follow the path, and what such members have there."""
    name = max((answer.name for answer in answers), key=path.index)
    alike = [answer for answer in answers if answer.name == name]
    known = tuple(dict.fromkeys(attribute for answer in alike for attribute in answer.known))
    return UnknownAttribute(name, known, next((answer.alias for answer in alike if answer.alias), None))


def _unknown_in(shape: _Shape, path: Path, definitions: dict[str, Schema]) -> UnknownAttribute | None:
    if not path:
        return None
    step, rest = path[0], path[1:]
    if isinstance(shape, _Elements):
        return _unknown(shape.schema, rest, definitions)
    if isinstance(shape, _Anything) or isinstance(step, int):
        return None
    readers = [field for field in shape.fields if step in field.attributes]
    if not readers:
        known = tuple(name for field in shape.fields for name in field.attributes)
        alias = next((field.attributes[0] for field in shape.fields if field.name == step), None)
        return UnknownAttribute(step, known, alias)
    answers = [field.schema and _unknown(field.schema, rest, definitions) for field in readers]
    return None if None in answers else answers[0]


def _shapes(schema: Schema, definitions: dict[str, Schema], config: Any) -> Iterator[_Shape]:
    match schema["type"]:
        case "none":
            return
        case "definitions":
            definitions.update((entry["ref"], entry) for entry in schema["definitions"])
            yield from _shapes(schema["schema"], definitions, config)
        case "definition-ref":
            yield from _shapes(definitions[schema["schema_ref"]], definitions, config)
        case "model" | "dataclass":
            own = schema.get("config", {})
            if own.get("extra_fields_behavior") == "allow" or schema.get("custom_init"):
                yield _Anything()  # an __init__ of the user's own sees the whole item
            else:
                yield from _shapes(schema["schema"], definitions, own)
        case "nullable" | "default" | "function-after":
            yield from _shapes(schema["schema"], definitions, config)
        case "union":
            for choice in schema["choices"]:
                yield from _shapes(choice[0] if isinstance(choice, tuple) else choice, definitions, config)
        case "tagged-union" if not callable(schema["discriminator"]):
            for choice in schema["choices"].values():
                yield from _shapes(choice, definitions, config)
        case "model-fields" | "typed-dict":
            extra = schema.get("extra_behavior") or schema.get("config", {}).get("extra_fields_behavior")
            yield (
                _Anything()
                if extra == "allow"
                else _Fields(fields_of(schema["fields"].items(), schema.get("config", config)))
            )
        case "dataclass-args":
            yield _Fields(fields_of([(entry["name"], entry) for entry in schema["fields"]], config))
        case "list" if "items_schema" in schema:
            yield _Elements(schema["items_schema"])
        case "dict" if "values_schema" in schema:
            yield _Elements(schema["values_schema"])
        case _:
            yield _Anything()


def fields_of(entries: Iterable[tuple[str, Schema]], config: Any) -> tuple[Field, ...]:
    """The fields of a model, dataclass or TypedDict.

    Args:
        entries: Their names, and pydantic's schemas of them.
        config: pydantic's configuration of what they belong to, if any.
    """
    by_name = bool(config and (config.get("populate_by_name") or config.get("validate_by_name")))
    return tuple(_field(_text(name), entry, by_name=by_name) for name, entry in entries)


def _field(name: str, entry: Schema, *, by_name: bool) -> Field:
    alias = entry.get("validation_alias")
    if alias is None or isinstance(alias, str):
        first = name if alias is None else _text(alias)
        names = (first, name) if by_name and first != name else (first,)
        return Field(name, names, entry["schema"], entry)
    # One alias path, or a choice of them: only their first step is an attribute of this item.
    choices = alias if isinstance(alias[0], list) else [alias]
    steps = tuple(dict.fromkeys(_text(choice[0]) for choice in choices))
    only_names = all(len(choice) == 1 for choice in choices)
    schema = entry["schema"] if only_names else None
    return Field(name, (*steps, name) if by_name else steps, schema, entry)


def _text(name: str) -> str:
    """What pydantic looks for: the text itself, where an enum's member has another `str()` and `repr()`."""
    return str.__str__(name)
