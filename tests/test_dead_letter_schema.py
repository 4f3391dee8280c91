"""The published JSON Schema says what dead letters look like, and no more than that."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from headwater.dead_letters import VERSION, DeadLetter
from headwater.errors import Phase
from headwater.json_lines import dumps
from tests.parts.letters import LETTERS, letter

PATH = Path(__file__).parents[1] / "docs" / "dead-letter.schema.json"
SCHEMA: dict[str, Any] = json.loads(PATH.read_text())
VALIDATOR = Draft202012Validator(SCHEMA)
ADDRESS = {"bucket": "letters", "key": "a/b.json"}


def stored() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(dumps(letter()))
    return document


def offloaded() -> dict[str, Any]:
    return stored() | {"record": None, "recordAt": ADDRESS}


def places(
    schema: dict[str, Any], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every field that the schema describes, with its place."""
    for name, field in schema.get("properties", {}).items():
        yield (*path, name), field
        yield from places(field, (*path, name))


FIELDS = dict(places(SCHEMA))


def test_it_is_a_json_schema() -> None:
    """Of the version of 2020-12, at the address where it is published."""
    Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$id"].endswith("/main/docs/" + PATH.name)


@given(LETTERS)
def test_every_letter_fits(written: DeadLetter) -> None:
    """Whatever the record and its failure were."""
    VALIDATOR.validate(json.loads(dumps(written)))


def test_a_letter_whose_record_is_elsewhere_fits() -> None:
    """As an SQS message has it."""
    VALIDATOR.validate(offloaded())


def test_it_describes_each_field_of_a_letter_and_no_other() -> None:
    """With a sentence each."""
    document = offloaded()
    written = {(name,) for name in document} | {
        (name, inner) for name in ("error", "recordAt") for inner in document[name]
    }
    assert set(FIELDS) == written
    assert [path for path, field in FIELDS.items() if not field["description"].endswith(".")] == []


def test_it_knows_the_phases_and_the_version() -> None:
    """Those that the code has."""
    assert FIELDS["error", "phase"]["enum"] == list(get_args(Phase))
    assert FIELDS["version",]["const"] == VERSION


@pytest.mark.parametrize("path", FIELDS, ids=".".join)
def test_a_missing_field_is_a_fault(path: tuple[str, ...]) -> None:
    """Each is required, the record's address where there is no record."""
    document = offloaded()
    del holder(document, path)[path[-1]]
    assert not VALIDATOR.is_valid(document)


@pytest.mark.parametrize("path", FIELDS, ids=".".join)
def test_a_field_of_another_type_is_a_fault(path: tuple[str, ...]) -> None:
    """None takes a list of booleans."""
    document = offloaded()
    holder(document, path)[path[-1]] = [True]
    assert not VALIDATOR.is_valid(document)


@pytest.mark.parametrize("path", [(), ("error",), ("recordAt",)], ids=repr)
def test_a_field_that_nobody_knows_is_a_fault(path: tuple[str, ...]) -> None:
    """Apart from those in the record, which is DynamoDB's own."""
    document = offloaded()
    holder(document, (*path, "new"))["new"] = 1
    assert not VALIDATOR.is_valid(document)
    document = stored()
    document["record"]["new"] = 1
    assert VALIDATOR.is_valid(document)


WRONG: dict[str, Callable[[dict[str, Any]], object]] = {
    "a phase that does not exist": lambda document: document["error"].update(phase="lunch"),
    "a version to come": lambda document: document.update(version=2),
    "a digest of another length": lambda document: document["error"].update(tracebackDigest="0123"),
    "a digest in capitals": lambda document: document["error"].update(tracebackDigest="0123456789ABCDEF"),
    "negative attempts": lambda document: document.update(attempts=-1),
    "a time without a zone": lambda document: document.update(time="2025-03-10T08:00:00.123"),
    "a time of no day": lambda document: document.update(time="2025-13-40T08:00:00.123Z"),
    "no sequence number": lambda document: document.update(sequenceNumber=""),
    "an address beside the record": lambda document: document.update(recordAt=ADDRESS),
    "neither record nor address": lambda document: document.update(record=None),
    "routes that are no names": lambda document: document.update(routesDone=[1]),
}


@pytest.mark.parametrize("spoil", WRONG.values(), ids=WRONG)
def test_a_wrong_value_is_a_fault(spoil: Callable[[dict[str, Any]], object]) -> None:
    """The letter fits before it, and does not after it."""
    document = stored()
    VALIDATOR.validate(document)
    spoil(document)
    assert not VALIDATOR.is_valid(document)


def holder(document: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """What holds the field at a path."""
    inner: dict[str, Any] = document
    for name in path[:-1]:
        inner[name] = deepcopy(inner[name])
        inner = inner[name]
    return inner
