"""What differs between two wire images. Nothing is decoded until somebody looks at a value.

Two values are the same when DynamoDB would say so: sets have no order, `1`, `1.0` and `1E0` are one number, and an
absent attribute is not `NULL`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

from headwater.errors import WireValueError
from headwater.paths import Path, Step, format_path, is_below
from headwater.values import MAX_DIGITS, WireItem, WireValue, value_to_python

ChangeKind: TypeAlias = Literal["added", "removed", "changed"]

Difference: TypeAlias = tuple[Path, WireValue | None, WireValue | None]
"""A place with its value in the old and in the new image."""

_SETS: Final = ("SS", "NS", "BS")
_CONTAINERS: Final[Mapping[str, Any]] = {"L": (list, tuple), "M": dict}
_SHORTEST: Final = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]*[1-9]|-?[1-9][0-9]*|0")


class Change(dict[str, Any]):
    """One place in an item that differs between its two images.

    It is a JSON object too, with the values in wire form, so that `json.dumps(record.changes)` works and is exact:
    `{"kind": "changed", "old": {"N": "1"}, "new": {"N": "2"}}`. What was added has no `old`, what was removed no `new`, and
    a changed set has its members under `added` and `removed` besides.
    """

    __slots__ = ()

    def __init__(self, kind: ChangeKind, old_wire: WireValue | None, new_wire: WireValue | None) -> None:
        """Make a change.

        Args:
            kind: `"added"` when only the new image has it, `"removed"` when only the old one does, else `"changed"`.
            old_wire: The value in the old image, in wire form; `None` when added.
            new_wire: The value in the new image, in wire form; `None` when removed.
        """
        super().__init__(kind=kind)
        if old_wire is not None:
            self["old"] = old_wire
        if new_wire is not None:
            self["new"] = new_wire
        for tag in _SETS:
            if old_wire is not None and new_wire is not None and tag in old_wire and tag in new_wire:
                self["added"] = _without(new_wire, old_wire, tag)
                self["removed"] = _without(old_wire, new_wire, tag)

    @property
    def kind(self) -> ChangeKind:
        """`"added"`, `"removed"` or `"changed"`."""
        kind: ChangeKind = self["kind"]
        return kind

    @property
    def old_wire(self) -> WireValue | None:
        """The old value in wire form; `None` when added."""
        return self.get("old")

    @property
    def new_wire(self) -> WireValue | None:
        """The new value in wire form; `None` when removed."""
        return self.get("new")

    @property
    def old(self) -> Any:
        """The old value in plain Python; `None` when added."""
        return None if self.old_wire is None else value_to_python(self.old_wire)

    @property
    def new(self) -> Any:
        """The new value in plain Python; `None` when removed."""
        return None if self.new_wire is None else value_to_python(self.new_wire)

    @property
    def added(self) -> set[Any]:
        """The members that a changed set has gained; empty for what is no set."""
        return _members(self.get("added"))

    @property
    def removed(self) -> set[Any]:
        """The members that a changed set has lost; empty for what is no set."""
        return _members(self.get("removed"))

    def __repr__(self) -> str:
        return f"<Change {self.kind}>"  # an item's content stays out of logs


def _without(members: WireValue, others: WireValue, tag: str) -> WireValue:
    known = value_to_python(others)
    return {tag: [member for member in members[tag] if not value_to_python({tag: [member]}) <= known]}


def _members(value: WireValue | None) -> set[Any]:
    return set() if value is None else value_to_python(value)


def lookup(item: WireItem, path: Path) -> WireValue | None:
    """The wire value at a path, or `None` when the item has nothing there.

    Raises:
        WireValueError: When a value on the way is not in the wire form.
    """
    name: Any = path[0]
    value: WireValue | None = item.get(name)
    if len(path) == 1 and value is not None:  # by far the most
        return value
    value = {"M": item}
    for depth, step in enumerate(path):
        try:
            value = None if value is None else _inside(value, step)
        except WireValueError as error:
            error.within(*path[:depth])
            raise
    return value


def _inside(value: WireValue, step: Step) -> WireValue | None:
    tag, content = tagged(value)
    if tag == "M" and step in content:
        return _present(step, content[step])
    if tag == "L" and isinstance(step, int) and step < len(content):
        return _present(step, content[step])
    return None


def _present(step: Step, value: Any) -> WireValue:
    """A value that is there; where it is `None`, it is not in the wire form, which is not the same as absent."""
    if value is None:
        raise WireValueError(
            'a value is written as {"S": ...} with its type tag, this is null', steps=(step,)
        )
    found: WireValue = value
    return found


def same(old: WireValue | None, new: WireValue | None) -> bool:
    """Whether two wire values, `None` for an absent one, are the same value to DynamoDB.

    Raises:
        WireValueError: When they differ as text and one is not in the wire form.
    """
    if old is None or new is None:
        return old is new
    if old == new:
        return True
    if _is_text(old) and _is_text(new):  # the most that changes, beside numbers
        return False
    (old_tag, old_content), (new_tag, new_content) = tagged(old), tagged(new)
    if old_tag != new_tag:
        return False
    match old_tag:
        case "N" if _is_shortest(old_content) and _is_shortest(new_content):
            return False  # the same number would have been equal above
        case "L":
            return len(old_content) == len(new_content) and all(
                _same_at((index,), value, new_content[index]) for index, value in enumerate(old_content)
            )
        case "M":
            return old_content.keys() == new_content.keys() and all(
                _same_at((name,), value, new_content[name]) for name, value in old_content.items()
            )
        case _:
            return bool(value_to_python(old) == value_to_python(new))


def _is_text(value: WireValue) -> bool:
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("S"), str)


def _is_shortest(content: object) -> bool:
    """Whether a number is written without exponent or needless zeros, so that it can be written in no other way."""
    return (
        isinstance(content, str) and len(content) <= MAX_DIGITS and _SHORTEST.fullmatch(content) is not None
    )


def _same_at(path: Path, old: WireValue | None, new: WireValue | None) -> bool:
    try:
        return same(old, new)
    except WireValueError as error:
        error.within(*path)
        raise


def differs(old: WireItem, new: WireItem, name: Any) -> bool:
    """Whether an attribute may have changed: it is written otherwise, or in a way that is no value at all."""
    before = old.get(name)
    return before != new.get(name) or (before is None and (name in old or name in new))


def changed(old: WireItem, new: WireItem, path: Path) -> bool:
    """Whether the value at a path differs between two images; added and removed count.

    Raises:
        WireValueError: When a value on the way is not in the wire form.
    """
    if not differs(old, new, path[0]):
        return False  # what most routes see in most records, told without a look inside
    return not _same_at(path, lookup(old, path), lookup(new, path))


def compare(old: WireItem, new: WireItem) -> dict[str, Change]:
    """Every place in which two images differ, down into maps and lists.

    A map or list that is new as a whole is one change; so is a set with other members, which says which ones.

    Returns:
        The changes by path, as in `Address.City` or `Lines[0].Sku`, in the order of the old image, then the new one.

    Raises:
        WireValueError: When a value is not in the wire form.
    """
    return {
        format_path(path): _change(before, after) for path, before, after in _compare_members(old, new, ())
    }


def _change(old: WireValue | None, new: WireValue | None) -> Change:
    if old is None:
        return Change("added", None, new)
    return Change("removed" if new is None else "changed", old, new)


def differences(old: WireItem, new: WireItem, *, outside: Sequence[Path]) -> Iterator[Path]:
    """Where two images differ, apart from these paths and what is below them.

    Raises:
        WireValueError: When a value is not in the wire form.
    """
    return (path for path, _, _ in _compare_members(old, new, ()) if not is_below(path, outside))


def _compare_members(old: WireItem, new: WireItem, prefix: Path) -> Iterator[Difference]:
    for name in [*old, *(name for name in new if name not in old)]:
        before = _present(name, old[name]) if name in old else None
        after = _present(name, new[name]) if name in new else None
        yield from _compare_values(before, after, (*prefix, name))


def _compare_values(old: WireValue | None, new: WireValue | None, path: Path) -> Iterator[Difference]:
    if _same_at(path, old, new):
        return
    if old is None or new is None:
        yield path, old, new
    elif "M" in old and "M" in new:
        yield from _compare_members(old["M"], new["M"], path)
    elif "L" in old and "L" in new:
        yield from _compare_elements(old["L"], new["L"], path)
    else:
        yield path, old, new


def _compare_elements(old: list[WireValue], new: list[WireValue], path: Path) -> Iterator[Difference]:
    for index in range(max(len(old), len(new))):
        before = old[index] if index < len(old) else None
        after = new[index] if index < len(new) else None
        yield from _compare_values(before, after, (*path, index))


def tagged(value: WireValue) -> tuple[str, Any]:
    """The type tag of a value and what it holds.

    Raises:
        WireValueError: When the value is not in the wire form.
    """
    if not isinstance(value, dict) or len(value) != 1:
        value_to_python(value)  # raises, and says what is wrong
    [(tag, content)] = value.items()
    if tag in _CONTAINERS and not isinstance(content, _CONTAINERS[tag]):
        value_to_python(value)
    return tag, content
