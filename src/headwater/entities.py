"""Which kind of item a record of a single-table design is about, so that a handler's model alone can route it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args, get_origin

from headwater.attributes import Attr
from headwater.conditions import Combination, Condition
from headwater.errors import ConditionError, DeclarationError
from headwater.models import PLAIN, Decoder, Shape, decoder_for
from headwater.options import Option
from headwater.paths import parse_path
from headwater.patterns import KeyPattern, read_pattern
from headwater.places import values_at
from headwater.records import Record
from headwater.values import WireValue

Policy: TypeAlias = Literal["ignore", "fail"]
"""What becomes of a record that is none of the entities."""

Patterns: TypeAlias = tuple[KeyPattern, ...]
"""Patterns of different key attributes, which must all fit."""

_POLICIES: Final = ("ignore", "fail")


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Entities:
    """The entities of a single table: what tells them apart, and the model of each.

    An app or router that is given them routes each handler by the model in its annotation: one that takes a `Modify[Order]`
    is called for orders only. A base class of several models stands for all of them. A handler without a model takes every
    record, unless an unknown one is to fail.

    Attributes:
        claims: For each entity the condition that tells it, and its model.
        unknown: What becomes of a record that is none of them.
    """

    claims: tuple[tuple[Condition[Any], Any], ...]
    unknown: Policy

    def __init__(self, models: Mapping[Any, Any], *, attribute: str | None = None, unknown: Policy) -> None:
        """Declare the entities.

        Args:
            models: From what tells an entity to its model. Without `attribute`, that is a pattern of a key, as in
                `"SK=ORDER#*"`, or a tuple of patterns that must all fit; `*` stands for any text.
            attribute: The path of an attribute; then what tells an entity is this attribute's value.
            unknown: With `"ignore"`, no handler with a model wants a record that is none of the entities; with `"fail"` such
                a record fails when any handler is asked.

        Raises:
            DeclarationError: When two entities could claim one item, or a pattern, value or model could not work.
        """
        if not models or not hasattr(models, "items"):
            raise DeclarationError(
                "Entities takes a mapping from what tells an entity to its model: "
                "write Entities({'SK=ORDER#*': Order}, unknown='fail')"
            )
        if unknown not in _POLICIES:
            raise DeclarationError(
                f"Entities: unknown={unknown!r} is no policy: say 'ignore' to skip such records, or 'fail'"
            )
        for model in models.values():
            _refuse_model(model)
        if attribute is None:
            patterns = [(_read_patterns(key), model) for key, model in models.items()]
            _refuse_overlaps(patterns)
            claims = [(_all_fit(fitting), model) for fitting, model in patterns]
        else:
            claims = [(Attr(attribute).eq(value), model) for value, model in models.items()]
        object.__setattr__(self, "claims", tuple(claims))
        object.__setattr__(self, "unknown", unknown)

    @property
    def models(self) -> tuple[Any, ...]:
        """The models, each once."""
        return tuple(dict.fromkeys(model for _, model in self.claims))

    def model_of(self, record: Record) -> Any:
        """The model of the item that a record is about; `None` when it is none of the entities.

        Raises:
            MissingImageError: When the attribute that tells is in an image that the stream's view type leaves out.
            WireValueError: When that attribute is not in the wire form.
        """
        # Found out once, however many routes ask. In a record that was pickled, the id may be that of another object.
        known = record._known.get(id(self))
        if known is None or known[0] is not self:
            known = record._known[id(self)] = (self, self._find(record))
        return known[1]

    def _find(self, record: Record) -> Any:
        return next((model for claim, model in self.claims if claim(record)), None)

    def condition(self, shapes: Mapping[str, Shape], who: str) -> Condition[Any] | None:
        """What a route asks because of the models that its handler wants; `None` when it wants every record.

        Args:
            shapes: By event name, the types that the handler wants.
            who: Whose they are, for messages.

        Raises:
            DeclarationError: When a model is none of the entities.
        """
        wanted = tuple((kind, self._members(shape.model, who)) for kind, shape in shapes.items())
        typed = any(shape.model is not PLAIN for shape in shapes.values())
        return OfEntity(self, wanted) if typed or self.unknown == "fail" else None

    def _members(self, decoder: Decoder, who: str) -> frozenset[Any]:
        """The entities that a handler's model stands for; plain dicts stand for all, and for what is none of them."""
        if decoder is PLAIN:
            return frozenset((*self.models, None))
        annotated = get_origin(decoder.model) is Annotated
        model = get_args(decoder.model)[0] if annotated else decoder.model
        members = frozenset(
            entity for entity in self.models if entity is model or model in getattr(entity, "__mro__", ())
        )
        if not members:
            names = ", ".join(map(_name, self.models))
            raise DeclarationError(
                f"{who} wants {_name(model)}, which is none of the entities ({names}), so it would never run: "
                "add it to them, name one of them, or declare the handler on a router without entities"
            )
        return members

    def __repr__(self) -> str:
        claims = ", ".join(f"{claim!r}: {_name(model)}" for claim, model in self.claims)
        return f"<Entities {claims}, unknown={self.unknown!r}>"


@dataclass(frozen=True, slots=True, repr=False)
class OfEntity(Option):
    """The item is one of these entities.

    Attributes:
        entities: All that there are.
        wanted: By event name, those that count.
    """

    entities: Entities
    wanted: tuple[tuple[str, frozenset[Any]], ...]

    @property
    def may_fail(self) -> bool:
        """Whether an unknown entity is to."""
        return self.entities.unknown == "fail"

    def holds(self, record: Record, _shape: Shape, /) -> bool:
        """Find out which entity it is.

        Raises:
            ConditionError: When it is none and that is to fail.
        """
        model = self.entities.model_of(record)
        if model is None and self.may_fail:
            places = list(self.values(record))
            raise ConditionError(
                f"this item is none of the entities ({', '.join(map(_name, self.entities.models))}): add what it is to "
                "them, or declare unknown='ignore' if such items may be skipped",
                sequence_number=record.sequence_number,
                steps=parse_path(places[0]) if places else (),
            )
        return any(model in models for kind, models in self.wanted if kind == record.event_name)

    def values(self, record: Record) -> Mapping[str, WireValue | None]:
        """What the entities look at."""
        return {at: value for claim, _ in self.entities.claims for at, value in claim.values(record).items()}

    def __repr__(self) -> str:
        wanted = frozenset[Any]().union(*(models for _, models in self.wanted))
        return f"entity={' | '.join(_name(model) for model in self.entities.models if model in wanted)}"


@dataclass(frozen=True, slots=True, repr=False)
class KeyFits(Condition[Any]):
    """A key attribute fits a pattern."""

    pattern: KeyPattern

    def holds(self, record: Record, _shape: Shape, /) -> bool:
        """Look at the key."""
        return self.pattern.matches(record.wire_image("Keys"))

    def values(self, record: Record) -> Mapping[str, WireValue | None]:
        """The key."""
        return values_at(record, ("Keys",), (self.pattern.name,))

    def __repr__(self) -> str:
        return repr(self.pattern)


def refuse_other(entities: Any, who: str) -> None:
    """Refuse what is no `Entities`.

    Raises:
        DeclarationError: With what to write.
    """
    if not isinstance(entities, Entities):
        raise DeclarationError(
            f"{who}: entities= takes Entities, not a {type(entities).__name__}: "
            "write Entities({'SK=ORDER#*': Order}, unknown='fail')"
        )


def _read_patterns(texts: Any) -> Patterns:
    listed = texts if isinstance(texts, tuple) else (texts,)
    try:
        patterns = tuple(map(read_pattern, listed))
    except ValueError as error:
        raise DeclarationError(f"Entities: {error}, or name the attribute= whose values they are") from None
    if not patterns or len({pattern.name for pattern in patterns}) < len(patterns):
        raise DeclarationError(
            f"Entities: {texts!r} must have one pattern for each key attribute that it names"
        )
    return patterns


def _all_fit(patterns: Patterns) -> Condition[Any]:
    fits = tuple(map(KeyFits, patterns))
    return fits[0] if len(fits) == 1 else Combination("&", fits)


def _refuse_model(model: Any) -> None:
    try:
        plain = decoder_for(model) is PLAIN
    except Exception as error:
        raise DeclarationError(
            f"Entities: pydantic can make no validator for {_name(model)}, so no item could be decoded into it "
            f"({str(error).partition(chr(10))[0]})"
        ) from error
    if plain or not isinstance(model, type) or model.__module__ == "builtins":
        raise DeclarationError(
            f"Entities: {_name(model)} is no model of its own, so no annotation could name this entity: "
            "give a pydantic model, dataclass or TypedDict"
        )


def _refuse_overlaps(entities: Sequence[tuple[Patterns, Any]]) -> None:
    for (first, model), (second, other) in combinations(entities, 2):
        if model is other or not _overlap(first, second):
            continue
        for wide, its_model, narrow, hidden in ((first, model, second, other), (second, other, first, model)):
            if _covers(wide, narrow):
                raise DeclarationError(
                    f"Entities: {_name(hidden)} could never be reached, since all that fits {_shown(narrow)} fits "
                    f"{_shown(wide)} of {_name(its_model)} too: make that one narrower, or tell them by an attribute"
                )
        raise DeclarationError(
            f"Entities: one item could fit both {_shown(first)} of {_name(model)} and {_shown(second)} of "
            f"{_name(other)}: make one of them narrower, or tell them by an attribute"
        )


def _overlap(first: Patterns, second: Patterns) -> bool:
    """Whether the keys of one item could fit all patterns of both."""
    return all(mine.overlaps(other) for mine in first for other in second if mine.name == other.name)


def _covers(wide: Patterns, narrow: Patterns) -> bool:
    """Whether all keys that fit the narrow patterns fit the wide ones."""
    return all(any(mine.name == other.name and mine.covers(other) for other in narrow) for mine in wide)


def _shown(patterns: Patterns) -> str:
    return " and ".join(map(repr, patterns))


def _name(model: Any) -> str:
    return str(getattr(model, "__name__", None) or repr(model))
