"""Wire images into what a model asks for: code that is written once for each model, with a line for each attribute.

`reader_of` takes the core schema that pydantic has made of a model and returns a function from an item in wire form to
plain Python: what `to_python` gives, without the attributes that the model never reads. The model's own validator does the
rest, so that decoding keeps its one meaning. Two things are taken from the schema:

- which attributes are read, where that is certain: in models, dataclasses and TypedDicts that ignore all others;
- which type tag each value has, as far as the type tells. It is a guess: a value with another tag is read by that.

Whatever is not known for certain (a validator that sees the whole item, a union, a schema that a newer pydantic has
changed) is read in full, by its tags.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any, Final, NamedTuple, TypeAlias

from headwater.schemas import Field, Schema, fields_of
from headwater.values import WireItem, number, read_numbers, read_texts, to_python, value_to_python

Reader: TypeAlias = Callable[[WireItem], dict[str, Any]]

_TAGS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("str", "date", "time", "datetime", "timedelta", "uuid", "url", "multi-host-url"), "S"),
    **dict.fromkeys(("int", "float", "decimal"), "N"),
    "bool": "BOOL",
}
"""By type of schema, the tag of its values."""

_MAKERS: Final[Mapping[str, str]] = {"N": "number", "SS": "texts", "NS": "numbers"}
"""By tag, what makes Python of that which a value holds, where it is not Python already."""

_TYPES: Final[Mapping[str, str]] = {
    "S": "str",
    "N": "str",
    "BOOL": "bool",
    "L": "list",
    "M": "dict",
    "SS": "list",
    "NS": "list",
}
"""By tag, the type of what a value holds in JSON."""

_COMMON: Final = frozenset({"type", "ref", "metadata", "serialization", "strict"})
_OF_FIELDS: Final = (
    "schema", "validation_alias", "serialization_alias", "serialization_exclude", "serialization_exclude_if", "frozen",
)  # fmt: skip
_KNOWN: Final[Mapping[str, frozenset[str]]] = {
    name: _COMMON.union(keys)
    for name, keys in {
        "definitions": ("schema", "definitions"),
        "definition-ref": ("schema_ref",),
        "nullable": ("schema",),
        "default": (
            "schema", "default", "default_factory", "default_factory_takes_data", "on_error", "validate_default",
            "copy_default",
        ),
        "function-after": ("schema", "function", "field_name"),
        "list": ("items_schema", "min_length", "max_length", "fail_fast"),
        **dict.fromkeys(("set", "frozenset"), ("items_schema", "min_length", "max_length", "fail_fast")),
        "dict": ("keys_schema", "values_schema", "min_length", "max_length", "fail_fast"),
        "model": (
            "cls", "generic_origin", "schema", "custom_init", "root_model", "post_init", "revalidate_instances", "frozen",
            "extra_behavior", "config",
        ),
        "model-fields": ("fields", "model_name", "computed_fields", "extra_behavior", "from_attributes"),
        "dataclass": (
            "cls", "generic_origin", "schema", "fields", "cls_name", "post_init", "revalidate_instances", "frozen", "slots",
            "config",
        ),
        "dataclass-args": ("dataclass_name", "fields", "computed_fields", "collect_init_only"),
        "typed-dict": ("cls", "cls_name", "fields", "extra_behavior", "total", "computed_fields", "config"),
        "model-field": _OF_FIELDS,
        "typed-dict-field": (*_OF_FIELDS, "required"),
        "dataclass-field": (*_OF_FIELDS, "name", "kw_only", "init", "init_only"),
    }.items()
}  # fmt: skip
"""The keys of the schemas that are looked into. One with another key may mean something else, and is left alone."""


def reader_of(schema: Schema, name: str) -> Reader:
    """A function from an item in wire form to the plain Python that a model asks for.

    Args:
        schema: pydantic's core schema of the model.
        name: The model's name, for tracebacks.

    Returns:
        A function that gives what `to_python` gives, less what the model never reads. It raises where it is at a loss:
        then `to_python` knows what is wrong with the item, if anything is.
    """
    writer = _Writer()
    content = writer.content(schema, None)
    if content is None or content.tag != "M":
        return to_python
    code = compile("\n".join(writer.lines), f"<headwater: attributes of {name!a}>", "exec")
    namespace: dict[str, Any] = {
        "get": dict.get,
        "number": number,
        "numbers": read_numbers,
        "other": value_to_python,
        "texts": read_texts,
        "whole": to_python,
    }
    exec(code, namespace)  # noqa: S102 - of lines that are written below; attribute names are quoted in them
    read: Reader = namespace[content.function]
    return read


class _Content(NamedTuple):
    """What the values of a schema hold.

    Attributes:
        tag: Their tag.
        function: What makes Python of that which they hold; empty where it is Python already.
    """

    tag: str
    function: str = ""


class _Writer:
    """Writes the functions of one model, innermost first."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._definitions: dict[str, Schema] = {}
        self._of_definition: dict[str, _Content | None] = {}
        self._names = count()

    def content(self, schema: Schema, config: Any) -> _Content | None:
        """What values of a schema hold; `None` where they are read in full, by their tags alone."""
        kind = schema["type"]
        if kind in _TAGS:
            return _Content(_TAGS[kind], _MAKERS.get(_TAGS[kind], ""))
        if not _is_known(schema):
            return None
        match kind:
            case "definitions":
                self._definitions.update((entry["ref"], entry) for entry in schema["definitions"])
                return self.content(schema["schema"], config)
            case "definition-ref":
                return self._defined(schema["schema_ref"])
            case "nullable" | "default" | "function-after":
                return self.content(schema["schema"], config)
            case "model" | "dataclass":
                seen_whole = schema.get("custom_init") or not _ignores_others(schema, schema.get("config"))
                return None if seen_whole else self.content(schema["schema"], schema["config"])
            case _:
                return self._structure(schema, config)

    def _structure(self, schema: Schema, config: Any) -> _Content | None:
        """What lists, maps and items hold."""
        config = schema.get("config", config)
        match schema["type"]:
            case "model-fields" | "typed-dict" if _ignores_others(schema, config):
                fields = fields_of(schema["fields"].items(), config)
                return self._item(fields, config, total=schema.get("total", True))
            case "dataclass-args" if _ignores_others(schema, config):
                fields = fields_of([(entry["name"], entry) for entry in schema["fields"]], config)
                return self._item(fields, config)
            case "list" if "items_schema" in schema:
                content = self.content(schema["items_schema"], config)
                return content and self._list(content)
            case "set" | "frozenset" if (
                tag := f"{_TAGS.get(schema.get('items_schema', {}).get('type'))}S"
            ) in _MAKERS:
                return _Content(tag, _MAKERS[tag])
            case "dict" if "values_schema" in schema:
                content = self.content(schema["values_schema"], config)
                return content and self._map(content)
            case _:
                return None

    def _defined(self, ref: str) -> _Content | None:
        """What a definition stands for. One that refers to itself is called by a name that gets its meaning below."""
        if ref not in self._of_definition:
            name = self._name()
            self._of_definition[ref] = _Content("M", name)
            found = self._of_definition[ref] = self.content(self._definitions[ref], None)
            self.lines.append(f"{name} = {found.function if found and found.tag == 'M' else 'whole'}")
        return self._of_definition[ref]

    def _item(self, fields: Sequence[Field], config: Any, *, total: bool = True) -> _Content | None:
        """Write the function that reads an item, or a map in it: the attributes of these fields."""
        if not all(_is_known(field.entry) for field in fields):
            return None
        contents: dict[str, _Content | None] = {}
        required: set[str] = set()
        for field in fields:
            content = None if field.schema is None else self.content(field.schema, config)
            for attribute in field.attributes:
                contents[attribute] = None if attribute in contents else content
            if len(field.attributes) == 1 and field.is_required(total=total):
                required.update(field.attributes)
        values = {name: _value(content, f"content[{name!r}]") for name, content in contents.items()}
        return self._function(
            "M",
            "made = {",
            *(f" {name!r}: {value}," for name, value in values.items() if name in required),
            "}",
            *(
                f"if {name!r} in content: made[{name!r}] = {value}"
                for name, value in values.items()
                if name not in required
            ),
            "return made",
        )

    def _list(self, content: _Content) -> _Content:
        step = f" made.append({_value(content, 'value')})"
        return self._function("L", "made = []", "for value in content:", step, "return made")

    def _map(self, content: _Content) -> _Content:
        step = f" made[name] = {_value(content, 'value')}"
        return self._function("M", "made = {}", "for name, value in content.items():", step, "return made")

    def _function(self, tag: str, *lines: str) -> _Content:
        name = self._name()
        self.lines += [f"def {name}(content):", *(f" {line}" for line in lines)]
        return _Content(tag, name)

    def _name(self) -> str:
        return f"read_{next(self._names)}"


def _value(content: _Content | None, place: str) -> str:
    """The expression that makes Python of the wire value at a place."""
    if content is None:
        return f"other({place})"
    made = f"{content.function}(held)" if content.function else "held"
    # A dict's own `get`: it raises for another mapping, which is not in the wire form, and makes nothing up.
    held = f"get({'' if place == 'value' else 'value := '}{place}, {content.tag!r})"
    fits = f"type(held := {held}) is {_TYPES[content.tag]} and len(value) == 1"
    return f"{made} if {fits} else other(value)"


def _is_known(schema: Schema) -> bool:
    """Whether a schema has no keys that are unknown here."""
    return _KNOWN.get(schema["type"], frozenset()).issuperset(schema)


def _ignores_others(schema: Schema, config: Any) -> bool:
    """Whether attributes without a field make no difference; not certain without the configuration that applies."""
    behaviours = {schema.get("extra_behavior"), (config or {}).get("extra_fields_behavior")}
    return config is not None and behaviours <= {None, "ignore"}
