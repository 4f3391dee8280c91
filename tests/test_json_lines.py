"""Dead letters in a file: whole lines, on the disk, whatever is in the record."""

from __future__ import annotations

import json
import math
import os
from base64 import b64decode, b64encode
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given

from headwater.dead_letters import DeadLetter, DeadLetterSink
from headwater.errors import DeclarationError
from headwater.json_lines import JsonLinesSink, as_text, dumps
from tests.parts.letters import LETTERS, letter, record


def lines_of(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text("ascii").splitlines()]


def test_each_letter_is_a_line(tmp_path: Path) -> None:
    """In the order given, behind what the file holds already, with the record as it came."""
    path = tmp_path / "letters.jsonl"
    sink = JsonLinesSink(path)
    first, second, third = (letter(record(number)) for number in (1, 2, 3))
    sink.store([first, second])
    sink.store([third])
    assert lines_of(path) == [first.to_json(), second.to_json(), third.to_json()]
    assert path.read_bytes().endswith(b"\n")


def test_it_is_a_sink(tmp_path: Path) -> None:
    """An app takes it as one, and its repr says where it writes."""
    sink = JsonLinesSink(str(tmp_path / "letters.jsonl"))
    assert isinstance(sink, DeadLetterSink)
    assert repr(sink) == f"JsonLinesSink({str(tmp_path / 'letters.jsonl')!r})"


def test_a_letter_is_on_the_disk_when_store_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of the bytes are written when the file is synchronised, and that is done once for each store."""
    path = tmp_path / "letters.jsonl"
    synchronised: list[int] = []

    def fsync(descriptor: int) -> None:
        synchronised.append(os.fstat(descriptor).st_size)

    monkeypatch.setattr(os, "fsync", fsync)
    JsonLinesSink(path).store([letter(), letter()])
    assert synchronised == [path.stat().st_size]


def test_a_file_that_was_moved_away_is_made_anew(tmp_path: Path) -> None:
    """So that logs can be rotated while the sink is in use."""
    path = tmp_path / "letters.jsonl"
    sink = JsonLinesSink(path)
    sink.store([letter(record(1))])
    path.rename(tmp_path / "yesterday.jsonl")
    sink.store([letter(record(2))])
    assert [line["sequenceNumber"][-1] for line in lines_of(path)] == ["2"]
    assert [line["sequenceNumber"][-1] for line in lines_of(tmp_path / "yesterday.jsonl")] == ["1"]


def test_a_line_that_was_cut_off_takes_no_letter_along(tmp_path: Path) -> None:
    """After a crash in the middle of a line, the next letter begins on a line of its own."""
    path = tmp_path / "letters.jsonl"
    path.write_text('{"version": 1, "eve')
    JsonLinesSink(path).store([letter()])
    cut, whole = path.read_text().splitlines()
    assert cut == '{"version": 1, "eve'
    assert json.loads(whole) == letter().to_json()


def test_threads_never_mix_their_lines(tmp_path: Path) -> None:
    """Letters of one store stay together, whoever stores at the same time."""
    path = tmp_path / "letters.jsonl"
    sink = JsonLinesSink(path)
    pairs = [(letter(record(number)), letter(record(number + 1))) for number in range(1, 80, 2)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(sink.store, pairs))
    numbers = [int(line["sequenceNumber"]) for line in lines_of(path)]
    assert sorted(numbers) == list(range(1, 81))
    assert all(second == first + 1 for first, second in zip(numbers[::2], numbers[1::2], strict=True))


def test_a_folder_that_is_not_there_is_refused_at_once(tmp_path: Path) -> None:
    """Not when the first record fails."""
    with pytest.raises(
        DeclarationError, match=r"no folder .*nowhere.* to keep letters\.jsonl in: make it first"
    ):
        JsonLinesSink(tmp_path / "nowhere" / "letters.jsonl")


def test_a_folder_in_place_of_a_file_is_refused_at_once(tmp_path: Path) -> None:
    """Not when the first record fails."""
    with pytest.raises(DeclarationError, match="is a folder: name a file in it"):
        JsonLinesSink(tmp_path)


def test_a_file_that_can_not_be_written_raises(tmp_path: Path) -> None:
    """So the record stays unacknowledged."""
    folder = tmp_path / "folder"
    folder.mkdir()
    sink = JsonLinesSink(folder / "letters.jsonl")
    folder.rmdir()
    with pytest.raises(FileNotFoundError):
        sink.store([letter()])


def test_a_record_from_a_lambda_event_is_written_as_it_is() -> None:
    """It is JSON already, numbers that are no integers included."""
    raw = record()
    raw["dynamodb"]["ApproximateCreationDateTime"] = 1741564799.5
    assert json.loads(dumps(letter(raw)))["record"] == raw


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (b"\x00\xff", b64encode(b"\x00\xff").decode()),
        (bytearray(b"ab"), b64encode(b"ab").decode()),
        (memoryview(b"ab"), b64encode(b"ab").decode()),
        (datetime(2025, 3, 9, 12, tzinfo=UTC), 1741521600),
        (datetime(2025, 3, 9, 14, tzinfo=timezone(timedelta(hours=2))), 1741521600),
        (datetime(2025, 3, 9, 12, 0, 0, 500_000), 1741521600.5),
        (Decimal(10) ** 30, 10**30),
        (Decimal("1.5"), 1.5),
        (Decimal("0.1234567890123456789"), "0.1234567890123456789"),
        (Decimal("1E-320"), "1E-320"),
        (Decimal("1E+400"), "1E+400"),
        (Decimal("NaN"), "NaN"),
        (Decimal(0), 0),
        (math.nan, "nan"),
        (math.inf, "inf"),
        ((1, [b"a"]), [1, ["YQ=="]]),
        ({"b", "a"}, ["a", "b"]),
        (frozenset({b"a"}), ["YQ=="]),
        (MappingProxyType({"a": {1: None}}), {"a": {"1": None}}),
        ("\x00\ud800\U0001f600", "\x00\ud800\U0001f600"),
        (Path("elsewhere"), "elsewhere"),
        (10**40, 10**40),
        (True, True),
    ],
    ids=lambda value: type(value).__name__,
)
def test_whatever_a_record_holds_can_be_written(value: Any, written: Any) -> None:
    """Binaries as base64 and times as seconds, as in a Lambda event; numbers without loss, as text where they must be."""
    assert json.loads(as_text({"value": value})) == {"value": written}


@given(LETTERS)
def test_any_letter_is_one_line_of_strict_json_in_ascii(stored: DeadLetter) -> None:
    """Nothing that a record can hold makes a letter that can not be stored, or one that breaks the file."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    text = dumps(stored)
    assert text.isascii()
    assert "\n" not in text
    document = json.loads(text, parse_constant=refuse)
    whole = {name: value for name, value in stored.to_json().items() if name != "record"}
    assert {name: value for name, value in document.items() if name != "record"} == whole
    assert document["record"].keys() == stored.record.keys()
    for name, value in stored.record.items():
        if isinstance(value, bytes):
            assert b64decode(document["record"][name]) == value
        if isinstance(value, Decimal) and value.is_finite():
            assert Decimal(str(document["record"][name])) == value
        if isinstance(value, str | int):
            assert document["record"][name] == value
