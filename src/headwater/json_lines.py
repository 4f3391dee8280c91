"""Dead letters as text: one line of JSON each, in a file."""

from __future__ import annotations

import json
import math
import os
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from threading import Lock
from typing import Any, Final

from headwater.dead_letters import DeadLetter
from headwater.errors import DeclarationError

_DIGITS: Final = 300
"""Beyond so many, a number is no float any more, and an integer nobody wants to read."""


class JsonLinesSink:
    """Stores dead letters in a file, one line of JSON each: for tests, and where a function runs on a machine of yours.

    A Lambda function's own disk is gone with its environment: store there with `headwater.aws.SqsSink` or `S3Sink`.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """Name the file.

        Args:
            path: Lines are appended to it. It is opened anew for each store, so it may be moved away in between.

        Raises:
            DeclarationError: When the path is a folder, or is in none that exists.
        """
        self._path = Path(path)
        self._lock = Lock()
        if not self._path.parent.is_dir():
            raise DeclarationError(
                f"JsonLinesSink: there is no folder {self._path.parent} to keep {self._path.name} in: make it first"
            )
        if self._path.is_dir():
            raise DeclarationError(f"JsonLinesSink: {self._path} is a folder: name a file in it")

    def store(self, letters: Sequence[DeadLetter], /) -> None:
        """Append one line for each letter; they are on the disk when it returns.

        Raises:
            OSError: When the file can not be written.
        """
        lines = "".join(f"{dumps(letter)}\n" for letter in letters).encode("ascii")
        with self._lock, self._path.open("ab+", buffering=0) as file:
            rest = memoryview(lines if _ends_a_line(file) else b"\n" + lines)
            while rest:  # at a full disk a write can take a part, and only the next one raises
                rest = rest[file.write(rest) :]
            os.fsync(file.fileno())

    def __repr__(self) -> str:
        return f"JsonLinesSink({str(self._path)!r})"


def dumps(letter: DeadLetter) -> str:
    """The stored form of a dead letter, as one line of JSON in ASCII."""
    return as_text(letter.to_json())


def as_text(document: Mapping[str, Any]) -> str:
    """Write a document as one line of JSON in ASCII, whatever is in its record.

    A record from a Lambda event is JSON already. In one from boto3's `get_records` binaries are bytes, which become base64,
    and the time is a datetime, which becomes seconds since 1970: both as in a Lambda event, so that it can run again.
    """
    return json.dumps(_plain(document), ensure_ascii=True, allow_nan=False)


def _ends_a_line(file: Any) -> bool:
    """Whether a file is empty or ends as it should: what was cut off by a crash must not take the next letter along."""
    if file.seek(0, os.SEEK_END) == 0:
        return True
    file.seek(-1, os.SEEK_END)
    return bool(file.read(1) == b"\n")


def _plain(value: Any) -> Any:
    match value:
        case None | bool() | str() | int():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case Decimal():
            return _number(value)
        case bytes() | bytearray() | memoryview():
            return b64encode(value).decode("ascii")
        case datetime():
            aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
            return _number(Decimal(str(aware.timestamp())))
        case Mapping():
            return {str(name): _plain(member) for name, member in value.items()}
        case list() | tuple():
            return [_plain(member) for member in value]
        case set() | frozenset():
            return sorted((_plain(member) for member in value), key=repr)
        case _:
            return str(value)


def _number(number: Decimal) -> int | float | str:
    """A number that JSON writes without loss, else its text."""
    if not number.is_finite() or abs(number.adjusted()) > _DIGITS:
        return str(number)
    if number == number.to_integral_value():
        return int(number)
    return float(number) if Decimal(repr(float(number))) == number else str(number)
