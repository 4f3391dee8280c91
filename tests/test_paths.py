"""Paths into an item, read and written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.paths import format_path, parse_path
from tests.strategies import NAMES

STEPS = st.lists(NAMES | st.text(max_size=4) | st.integers(0, 10**6), max_size=5)


@given(NAMES | st.text(max_size=4), STEPS)
def test_a_path_that_is_written_is_read_back_the_same(name: str, steps: list[str | int]) -> None:
    """Whatever the names hold, dots, brackets, quotes or line ends, `parse_path` undoes `format_path`."""
    path = (name, *steps)
    assert parse_path(format_path(path)) == path


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("TopScore", ("TopScore",)),
        ("Address.City", ("Address", "City")),
        ("Lines[0].Sku", ("Lines", 0, "Sku")),
        ("Grid[10][2]", ("Grid", 10, 2)),
        ('["a.b"]', ("a.b",)),
        ('Map["x.y"]', ("Map", "x.y")),
        ('Map["x.y"].z', ("Map", "x.y", "z")),
        (r'["say \"hi\""]', ('say "hi"',)),
        (r'["\u00e9\\"]', ("é\\",)),
        ('[""]', ("",)),
        ("über maß", ("über maß",)),
        ("aws:rep:updateregion", ("aws:rep:updateregion",)),
    ],
)
def test_a_path_is_read_into_its_steps(text: str, path: tuple[str | int, ...]) -> None:
    """Names, positions and quoted names each become one step."""
    assert parse_path(text) == path


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".a",
        "a.",
        "a..b",
        "[0]",
        "[0].a",
        "a[",
        "a]",
        "a[]",
        "a[-1]",
        "a[0]b",
        "a[٣]",
        "a[x]",
        'a"b"',
        'a["b]',
        'a["b"',
        'a["b"]c',
        r'["\q"]',
        r'["\u12"]',
        'a["x\ny"]',
    ],
)
def test_what_is_no_path_is_refused_with_the_way_to_write_one(text: str) -> None:
    """The refusal quotes the text and shows each form that a path can take."""
    with pytest.raises(ValueError, match=r"is not a path into an item: write Address\.City") as caught:
        parse_path(text)
    assert repr(text) in str(caught.value)


def test_no_steps_are_no_text() -> None:
    """The path to the whole item is empty."""
    assert format_path(()) == ""
