"""What differs between two images, held against the decoded values."""

from __future__ import annotations

import base64
import copy
import json
import pickle
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater import WireValueError
from headwater.changes import Change, changed, compare, lookup, same
from headwater.paths import Path, format_path, parse_path
from headwater.values import to_python, value_to_python
from tests.strategies import NAMES, WIRE_ITEMS, WIRE_VALUES

ABSENT = object()


def meaning(value: Any) -> Any:
    """A plain value made comparable by type and content: `True` is not `1`, a set is not a list, `1` is `1.0`."""
    match value:
        case bool() | None | str() | bytes():
            return type(value).__name__, value
        case int() | Decimal():
            return "number", value
        case set():
            return "set", {meaning(member) for member in value}
        case list():
            return "list", [meaning(member) for member in value]
        case dict():
            return "map", {name: meaning(member) for name, member in value.items()}
        case _:
            raise TypeError(value)


def rewritten(value: Any, draw: st.DrawFn) -> Any:
    """The same wire value in another notation: numbers, base64, the order of sets and maps."""
    [(tag, content)] = value.items()
    match tag:
        case "N":
            return {tag: renumbered(content, draw)}
        case "B":
            return {tag: based(content, draw)}
        case "SS" | "NS" | "BS":
            return {tag: [remembered(tag, member, draw) for member in draw(st.permutations(content))]}
        case "L":
            return {tag: [rewritten(member, draw) for member in content]}
        case "M":
            return {
                tag: {name: rewritten(content[name], draw) for name in draw(st.permutations(list(content)))}
            }
        case _:
            return value


def remembered(tag: str, member: Any, draw: st.DrawFn) -> Any:
    if tag == "NS":
        return renumbered(member, draw)
    return based(member, draw) if tag == "BS" else member


def renumbered(text: str, draw: st.DrawFn) -> str:
    number = Decimal(text)
    return draw(st.sampled_from([text, f"{number:f}", f"{number:E}", f"{number:e}".replace("e", "E")]))


def based(content: bytes, draw: st.DrawFn) -> bytes | str:
    text = base64.b64encode(content).decode()
    return text if draw(st.booleans()) else content


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Any, Any]:
    """Two wire values: any two, or one in two notations."""
    old = draw(WIRE_VALUES)
    return old, (draw(WIRE_VALUES) if draw(st.booleans()) else rewritten(old, draw))


@st.composite
def images(draw: st.DrawFn) -> tuple[Any, Any]:
    """An old and a new image that have much in common."""
    old = draw(WIRE_ITEMS)
    new = {name: rewritten(value, draw) for name, value in copy.deepcopy(old).items()}
    for _ in range(draw(st.integers(0, 3))):
        spot = draw(st.sampled_from(list(spots(new))))
        if isinstance(spot, list):
            edit_list(spot, draw)
        else:
            edit_map(spot, draw)
    return old, new


def spots(item: dict[str, Any]) -> Iterator[Any]:
    """Every map and list in an item, in wire form, itself first."""
    yield item
    for value in item.values():
        yield from spots_in(value)


def spots_in(value: Any) -> Iterator[Any]:
    if "M" in value:
        yield from spots(value["M"])
    if "L" in value:
        yield value["L"]
        for member in value["L"]:
            yield from spots_in(member)


def edit_map(members: dict[str, Any], draw: st.DrawFn) -> None:
    name = draw(st.sampled_from(sorted(members)) | NAMES) if members else draw(NAMES)
    if name in members and draw(st.booleans()):
        del members[name]
    else:
        members[name] = draw(WIRE_VALUES)


def edit_list(members: list[Any], draw: st.DrawFn) -> None:
    if len(members) > 0 and draw(st.booleans()):
        members.pop(draw(st.integers(0, len(members) - 1)))
    else:
        members.insert(draw(st.integers(0, len(members))), draw(WIRE_VALUES))


def differing(old: Any, new: Any, path: Path) -> Iterator[Path]:
    """The reference: the places where two plain values differ, down into maps and lists."""
    if old is not ABSENT and new is not ABSENT:
        if meaning(old) == meaning(new):
            return
        if isinstance(old, dict) and isinstance(new, dict):
            for name in {**old, **new}:
                yield from differing(old.get(name, ABSENT), new.get(name, ABSENT), (*path, name))
            return
        if isinstance(old, list) and isinstance(new, list):
            for index in range(max(len(old), len(new))):
                before = old[index] if index < len(old) else ABSENT
                after = new[index] if index < len(new) else ABSENT
                yield from differing(before, after, (*path, index))
            return
    yield path


@given(pairs())
def test_two_values_are_the_same_when_their_decoded_values_are(pair: tuple[Any, Any]) -> None:
    """Nothing but the meaning counts: neither notation, nor the order of a set or a map."""
    old, new = pair
    assert same(old, new) == (meaning(value_to_python(old)) == meaning(value_to_python(new)))
    assert same(new, old) == same(old, new)


@st.composite
def notations(draw: st.DrawFn) -> tuple[Any, Any]:
    """One wire value in two notations."""
    value = draw(WIRE_VALUES)
    return value, rewritten(value, draw)


@given(notations())
def test_another_notation_is_no_change(pair: tuple[Any, Any]) -> None:
    """`1`, `1.0` and `1E0`, base64 and bytes, a set in another order: all the same."""
    assert same(*pair)
    assert compare({"a": pair[0]}, {"a": pair[1]}) == {}


@given(images())
def test_the_changes_are_exactly_where_the_decoded_images_differ(pair: tuple[Any, Any]) -> None:
    """The paths are those of the reference, in its order, each with the values that stand there."""
    old, new = pair
    changes = compare(old, new)
    expected = [format_path(path) for path in differing(to_python(old), to_python(new), ())]
    assert list(changes) == expected
    for text, change in changes.items():
        before, after = lookup(old, parse_path(text)), lookup(new, parse_path(text))
        assert (change.old_wire, change.new_wire) == (before, after)
        assert change.kind == ("added" if before is None else "removed" if after is None else "changed")
        assert change.old == (None if before is None else value_to_python(before))
        assert change.new == (None if after is None else value_to_python(after))
        assert changed(old, new, parse_path(text))


@given(images())
def test_applying_the_changes_gives_the_new_image(pair: tuple[Any, Any]) -> None:
    """The old image with every change put in is the new one."""
    old, new = pair
    result = copy.deepcopy(old)
    for text, change in reversed(compare(old, new).items()):  # so that a list loses its end first
        put(result, parse_path(text), change)
    for text, change in compare(old, new).items():  # and gains it in order
        put(result, parse_path(text), change)
    assert meaning(to_python(result)) == meaning(to_python(new))


def put(item: dict[str, Any], path: Path, change: Change) -> None:
    container: Any = item
    for step in path[:-1]:
        value = container[step]
        container = value["M"] if "M" in value else value["L"]
    last = path[-1]
    present = last in container if isinstance(container, dict) else int(last) < len(container)
    if change.new_wire is None:
        if present:
            del container[last]
    elif isinstance(container, dict) or present:
        container[last] = change.new_wire
    elif last == len(container):
        container.append(change.new_wire)


@given(WIRE_ITEMS)
def test_an_image_does_not_differ_from_itself(item: Any) -> None:
    """No change, at no path."""
    assert compare(item, copy.deepcopy(item)) == {}


@given(WIRE_ITEMS)
def test_every_attribute_is_added_to_nothing_and_removed_from_everything(item: Any) -> None:
    """A map or list that is new as a whole is one change."""
    assert [change.kind for change in compare({}, item).values()] == ["added"] * len(item)
    assert [change.kind for change in compare(item, {}).values()] == ["removed"] * len(item)
    assert all(changed({}, item, (name,)) and changed(item, {}, (name,)) for name in item)


@pytest.mark.parametrize(
    ("old", "new", "alike"),
    [
        (None, None, True),
        (None, {"NULL": True}, False),
        ({"NULL": True}, None, False),
        ({"NULL": True}, {"NULL": True}, True),
        ({"N": "1"}, {"N": "1.0"}, True),
        ({"N": "1"}, {"N": "1E0"}, True),
        ({"N": "1"}, {"N": "1.0000000000000000000000000000000000001"}, False),
        ({"N": "0"}, {"N": "-0"}, True),
        (
            {"N": "12345678901234567890123456789012345678"},
            {"N": "12345678901234567890123456789012345679"},
            False,
        ),
        ({"N": "1"}, {"S": "1"}, False),
        ({"S": "1"}, {"S": "1.0"}, False),
        ({"BOOL": True}, {"N": "1"}, False),
        ({"BOOL": True}, {"BOOL": False}, False),
        ({"SS": ["a", "b"]}, {"SS": ["b", "a"]}, True),
        ({"NS": ["1", "2"]}, {"NS": ["2.0", "1E0"]}, True),
        ({"NS": ["1"]}, {"NS": ["1", "2"]}, False),
        ({"BS": ["YQ==", "Yg=="]}, {"BS": [b"b", b"a"]}, True),
        ({"SS": ["1"]}, {"NS": ["1"]}, False),
        ({"SS": ["a"]}, {"L": [{"S": "a"}]}, False),
        ({"B": "YQ=="}, {"B": b"a"}, True),
        ({"B": "YQ=="}, {"S": "YQ=="}, False),
        ({"L": [{"N": "1"}, {"N": "2"}]}, {"L": [{"N": "2"}, {"N": "1"}]}, False),
        ({"L": [{"N": "1"}]}, {"L": [{"N": "1.0"}]}, True),
        ({"L": []}, {"L": [{"N": "1"}]}, False),
        ({"M": {"a": {"N": "1"}, "b": {"S": ""}}}, {"M": {"b": {"S": ""}, "a": {"N": "1.0"}}}, True),
        ({"M": {"a": {"NULL": True}}}, {"M": {}}, False),
        ({"M": {}}, {"L": []}, False),
    ],
)
def test_same_is_what_dynamodb_would_say(old: Any, new: Any, alike: bool) -> None:
    """Type and value count, and absent is not `NULL`."""
    assert same(old, new) is alike
    assert same(new, old) is alike


NESTED: Any = {"Lines": {"L": [{"M": {"Sku": {"S": "a"}}}, {"NULL": True}]}, "x.y": {"N": "1"}}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("Lines", NESTED["Lines"]),
        ("Lines[0].Sku", {"S": "a"}),
        ("Lines[1]", {"NULL": True}),
        ('["x.y"]', {"N": "1"}),
        ("Lines[2]", None),
        ("Lines[0].Sku.more", None),
        ("Lines[0][0]", None),
        ("Lines.Sku", None),
        ("Lines[1].Sku", None),
        ("Other", None),
        ("Other.more[0]", None),
        ("x.y", None),
    ],
)
def test_a_path_leads_to_a_value_or_to_nothing(path: str, value: Any) -> None:
    """A step into a value that has no such part finds nothing, and does not fail."""
    assert lookup(NESTED, parse_path(path)) == value


@pytest.mark.parametrize(
    "item", [{"a": "text"}, {"a": {"M": "text"}}, {"a": {"L": "text"}}, {"a": {}}, {"a": None}]
)
@pytest.mark.parametrize("step", ["b", 0])
def test_a_path_through_a_malformed_value_is_an_error(item: Any, step: Any) -> None:
    """What can not be looked into is not the same as nothing being there."""
    assert lookup(item, (0,)) is None
    with pytest.raises(WireValueError) as caught:
        lookup(item, ("a", step))
    assert caught.value.path == "a"


@pytest.mark.parametrize("malformed", [7, None, {"M": "x"}, {}])
def test_a_malformed_value_counts_neither_as_changed_nor_as_absent(malformed: Any) -> None:
    """At the path, on the way to it, and in a comparison of whole items."""
    with pytest.raises(WireValueError):
        changed({"A": {"M": {"b": {"S": "x"}}}}, {"A": malformed}, ("A", "b"))
    with pytest.raises(WireValueError):
        compare({"A": malformed}, {"A": {"S": "x"}})
    with pytest.raises(WireValueError) as caught:
        changed({"A": {"L": [{"M": {"b": malformed}}]}}, {}, ("A", 0, "b", "c"))
    assert caught.value.path == "A[0].b"


def test_an_element_of_a_tuple_is_found() -> None:
    """Lists may come as tuples, in looking up and comparing as in decoding."""
    assert lookup({"a": {"L": ({"S": "x"},)}}, ("a", 0)) == {"S": "x"}
    assert same({"L": ({"S": "x"},)}, {"L": [{"S": "x"}]})


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"N": "secret"}, {"N": "1"}),
        ({"N": "1"}, {"N": 1}),
        ({"S": "x"}, {"S": 5}),
        ({"BOOL": "secret"}, {"BOOL": True}),
        ({"NULL": True}, {"NULL": False}),
        ({"B": "secret"}, {"B": b""}),
        ({"X": "secret"}, {"X": 1}),
        ({"L": "secret"}, {"L": []}),
        ({"M": []}, {"M": {}}),
        ({"NS": "1"}, {"NS": ["1"]}),
        ({"NS": ["secret"]}, {"NS": ["1"]}),
        ({}, {"S": "x"}),
        ({"S": "x"}, {"S": "x", "N": "1"}),
        ("secret", {"S": "x"}),
        (["secret"], {"L": []}),
    ],
)
def test_a_malformed_value_that_differs_is_an_error_with_its_path(old: Any, new: Any) -> None:
    """At the top and far inside; the message does not quote the value."""
    deep = [{"a": {"L": [{"S": "x"}, {"M": {"x.y": value}}]}} for value in (old, new)]
    for before, after in [(old, new), (new, old)]:
        with pytest.raises(WireValueError):
            same(before, after)
        for ask in (lambda old, new: changed(old, new, ("b",)), compare):
            with pytest.raises(WireValueError) as caught:
                ask({"b": before}, {"b": after})
            assert caught.value.path == "b"
            assert "secret" not in str(caught.value)
    for ask in (
        lambda old, new: changed(old, new, ("a", 1, "x.y")),
        lambda old, new: changed(old, new, ("a",)),
        compare,
    ):
        with pytest.raises(WireValueError) as caught:
            ask(*deep)
        assert caught.value.path == 'a[1]["x.y"]'


def test_a_change_shows_its_kind_and_no_content() -> None:
    """What a log prints of a change is its kind."""
    [change] = compare({"a": {"S": "secret"}}, {"a": {"S": "other"}}).values()
    assert repr(change) == "<Change changed>"
    assert (change.old, change.new) == ("secret", "other")


# A change as a value


def test_a_changed_set_says_which_members_came_and_went() -> None:
    """Numbers by value, in wire form and in Python; a set that is new as a whole has no members of its own."""
    old = {"T": {"SS": ["a", "b"]}, "N": {"NS": ["1", "2.0"]}, "X": {"SS": ["1"]}, "G": {"SS": ["g"]}}
    new = {"T": {"SS": ["c", "b"]}, "N": {"NS": ["3E0", "2"]}, "X": {"NS": ["1"]}, "A": {"BS": ["YQ=="]}}
    found = compare(old, new)
    assert (found["T"].added, found["T"].removed) == ({"c"}, {"a"})
    assert (found["N"].added, found["N"].removed) == ({3}, {1})
    assert found["N"]["added"] == {"NS": ["3E0"]}
    for path in ("X", "G", "A"):
        assert (found[path].added, found[path].removed) == (set(), set())
    assert {path: change.kind for path, change in found.items()} == {
        "T": "changed",
        "N": "changed",
        "X": "changed",
        "G": "removed",
        "A": "added",
    }


def test_changes_are_json() -> None:
    """In wire form, so that nothing is lost on the way."""
    old: Any = {"A": {"N": "1"}, "B": {"S": "gone"}, "S": {"SS": ["a"]}, "M": {"M": {"x": {"B": "AA=="}}}}
    new: Any = {
        "A": {"N": "2.50"},
        "C": {"NULL": True},
        "S": {"SS": ["a", "b"]},
        "M": {"M": {"x": {"B": "AQ=="}}},
    }
    assert json.loads(json.dumps(compare(old, new))) == {
        "A": {"kind": "changed", "old": {"N": "1"}, "new": {"N": "2.50"}},
        "B": {"kind": "removed", "old": {"S": "gone"}},
        "S": {
            "kind": "changed",
            "old": {"SS": ["a"]},
            "new": {"SS": ["a", "b"]},
            "added": {"SS": ["b"]},
            "removed": {"SS": []},
        },
        "M.x": {"kind": "changed", "old": {"B": "AA=="}, "new": {"B": "AQ=="}},
        "C": {"kind": "added", "new": {"NULL": True}},
    }


def test_a_change_keeps_the_item_out_of_logs() -> None:
    """Its text says what happened, and no value; a copy equals it."""
    change = Change("changed", {"S": "hunter2"}, {"S": "hunter3"})
    assert repr({"Password": change}) == "{'Password': <Change changed>}"
    assert f"{change}" == "<Change changed>"
    assert (change.old, change.new, change.old_wire) == ("hunter2", "hunter3", {"S": "hunter2"})
    for copied in (copy.deepcopy(change), pickle.loads(pickle.dumps(change))):
        assert copied == change
        assert type(copied) is Change
        assert copied.kind == "changed"
    assert Change("added", None, {"NULL": True}).old is None
    assert Change("added", None, {"NULL": True}).new_wire == {"NULL": True}


@given(images())
def test_the_members_of_sets_are_the_difference_of_the_decoded_sets(pair: tuple[Any, Any]) -> None:
    """For every set that differs from another set of its type."""
    for change in compare(*pair).values():
        if change.kind == "changed" and isinstance(change.old, set) and isinstance(change.new, set):
            assert change.added == (change.new - change.old if "added" in change else set())
            assert change.removed == (change.old - change.new if "removed" in change else set())
