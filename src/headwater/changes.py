"""What differs between two wire images. Nothing is decoded until somebody looks at a value.

Two values are the same when DynamoDB would say so: sets have no order, `1`, `1.0` and `1E0` are one number, and an
absent attribute is not `NULL`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from headwater.errors import WireValueError
from headwater.paths import Path, Step, format_path
from headwater.values import WireItem, WireValue, value_to_python

ChangeKind: TypeAlias = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True)
class Change:
    """One place in an item that differs between its two images.

    Attributes:
        kind: `"added"` when only the new image has it, `"removed"` when only the old one does, else `"changed"`.
        old_wire: The value in the old image, in wire form; `None` when added.
        new_wire: The value in the new image, in wire form; `None` when removed.
    """

    kind: ChangeKind
    old_wire: WireValue | None
    new_wire: WireValue | None

    @property
    def old(self) -> Any:
        """The old value in plain Python; `None` when added."""
        return None if self.old_wire is None else value_to_python(self.old_wire)

    @property
    def new(self) -> Any:
        """The new value in plain Python; `None` when removed."""
        return None if self.new_wire is None else value_to_python(self.new_wire)

    def __repr__(self) -> str:
        return f"<Change {self.kind}>"  # an item's content stays out of logs


def lookup(item: WireItem, path: Path) -> WireValue | None:
    """The wire value at a path, or `None` when the item has nothing there.

    Raises:
        WireValueError: When a value on the way is not in the wire form.
    """
    value: WireValue | None = {"M": item}
    for depth, step in enumerate(path):
        try:
            value = None if value is None else _inside(value, step)
        except WireValueError as error:
            error.within(*path[:depth])
            raise
    return value


def _inside(value: WireValue, step: Step) -> WireValue | None:
    tag, content = _tagged(value)
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
    (old_tag, old_content), (new_tag, new_content) = _tagged(old), _tagged(new)
    if old_tag != new_tag:
        return False
    match old_tag:
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


def _same_at(path: Path, old: WireValue | None, new: WireValue | None) -> bool:
    try:
        return same(old, new)
    except WireValueError as error:
        error.within(*path)
        raise


def changed(old: WireItem, new: WireItem, path: Path) -> bool:
    """Whether the value at a path differs between two images; added and removed count.

    Raises:
        WireValueError: When a value on the way is not in the wire form.
    """
    name = path[0]
    if name not in old and name not in new:  # most routes ask most records about something that is not there
        return False
    return not _same_at(path, lookup(old, path), lookup(new, path))


def compare(old: WireItem, new: WireItem) -> dict[str, Change]:
    """Every place in which two images differ, down into maps and lists.

    A map or list that is new as a whole is one change; so is a set with other members.

    Returns:
        The changes by path, as in `Address.City` or `Lines[0].Sku`, in the order of the old image, then the new one.

    Raises:
        WireValueError: When a value is not in the wire form.
    """
    return {format_path(path): change for path, change in _compare_members(old, new, ())}


def _compare_members(old: WireItem, new: WireItem, prefix: Path) -> Iterator[tuple[Path, Change]]:
    for name in [*old, *(name for name in new if name not in old)]:
        before = _present(name, old[name]) if name in old else None
        after = _present(name, new[name]) if name in new else None
        yield from _compare_values(before, after, (*prefix, name))


def _compare_values(
    old: WireValue | None, new: WireValue | None, path: Path
) -> Iterator[tuple[Path, Change]]:
    if _same_at(path, old, new):
        return
    if old is None:
        yield path, Change("added", None, new)
    elif new is None:
        yield path, Change("removed", old, None)
    elif "M" in old and "M" in new:
        yield from _compare_members(old["M"], new["M"], path)
    elif "L" in old and "L" in new:
        yield from _compare_elements(old["L"], new["L"], path)
    else:
        yield path, Change("changed", old, new)


def _compare_elements(
    old: list[WireValue], new: list[WireValue], path: Path
) -> Iterator[tuple[Path, Change]]:
    for index in range(max(len(old), len(new))):
        before = old[index] if index < len(old) else None
        after = new[index] if index < len(new) else None
        yield from _compare_values(before, after, (*path, index))


def _tagged(value: WireValue) -> tuple[str, Any]:
    if not isinstance(value, dict) or len(value) != 1:
        value_to_python(value)  # raises, and says what is wrong
    [(tag, content)] = value.items()
    container: Any = {"L": (list, tuple), "M": dict}.get(tag)
    if container is not None and not isinstance(content, container):
        value_to_python(value)
    return tag, content
