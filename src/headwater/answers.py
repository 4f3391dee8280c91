"""What a condition answered for one record, part by part, and on which values: the stuff of `explain`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from headwater.errors import HeadwaterError, WireValueError
from headwater.values import TAGS, WireValue, value_to_python

_YES, _NO, _RAISED, _NOT_ASKED = "yes", "no", "raised", "not asked"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a condition, or a part of one, said of a record.

    Attributes:
        condition: The condition, as the code that made it.
        said: Whether it holds; `None` when it was not asked, since an earlier part had decided, or when it raised.
        values: What it looked at: from place, as in `NewImage.Status`, to the value in wire form, `None` where there is
            nothing. They are no part of any text unless asked for.
        parts: The answers of what it is made of, for `&`, `|` and `~`.
        error: What was raised instead of an answer.
    """

    condition: str
    said: bool | None = None
    values: Mapping[str, WireValue | None] = field(default_factory=dict, repr=False)
    parts: tuple[Answer, ...] = ()
    error: Exception | None = field(default=None, repr=False)

    @property
    def word(self) -> str:
        """`yes`, `no`, `raised` or `not asked`."""
        if self.error is not None:
            return _RAISED
        return _NOT_ASKED if self.said is None else (_YES if self.said else _NO)

    def lines(self, *, show_values: bool = False, depth: int = 0) -> Iterator[str]:
        """The answer as lines of text, its parts indented below it.

        Args:
            show_values: Whether to write the values out, instead of their types.
            depth: How far to indent.
        """
        for row in self.rows(show_values=show_values, depth=depth):
            yield "".join(row)

    def rows(self, *, show_values: bool, depth: int = 0) -> Iterator[tuple[str, str, str]]:
        """The lines in three parts: the indentation, the word, and the rest."""
        seen = list(_seen(self.values, show=show_values))
        if self.error is not None and not self.parts:
            seen.append(error_text(self.error, show=show_values))
        padding = " " * (len(_NOT_ASKED) - len(self.word) + 2)
        yield "  " * depth, self.word, f"{padding}{self.condition}{': ' if seen else ''}{', '.join(seen)}"
        for part in self.parts:
            yield from part.rows(show_values=show_values, depth=depth + 1)


def _seen(values: Mapping[str, WireValue | None], *, show: bool) -> Iterator[str]:
    """Each value with its place; of one that was read in both images, from the old to the new one."""
    for place, value in values.items():
        image, _, path = place.partition(".")
        partner = f"NewImage.{path}"
        if image == "OldImage" and partner in values:
            yield f"{path} {value_text(value, show=show)} -> {value_text(values[partner], show=show)}"
        elif image != "NewImage" or f"OldImage.{path}" not in values:
            yield f"{place} {value_text(value, show=show)}"


def value_text(value: WireValue | None, *, show: bool) -> str:
    """A value for people: itself, or its type alone, as in `<S>`."""
    if value is None:
        return "absent"
    if not show:
        tag = next(iter(value), None) if isinstance(value, dict) else None
        return f"<{tag}>" if tag in TAGS else "<?>"
    try:
        return repr(value_to_python(value))
    except WireValueError:
        return repr(value)


def error_text(error: Exception, *, show: bool) -> str:
    """An error for people. Headwater's own never quote a value, so they are told in full."""
    name = type(error).__name__
    told = show or isinstance(error, HeadwaterError)
    return " ".join(f"{name}: {error}".splitlines()) if told else name
