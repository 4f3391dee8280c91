"""What `import headwater` and an app load and when, in a fresh interpreter, and which names the package gives."""

from __future__ import annotations

import ast
import importlib
import importlib.machinery
import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import headwater

HEAVY = (
    "argparse",
    "asyncio",
    "boto3",
    "botocore",
    "headwater.aws",
    "headwater.cli",
    "headwater.mapping",
    "headwater.testing",
    "moto",
    "opentelemetry",
    "pydantic",
    "pydantic_core",
    "pytest",
    "rich",
    "typer",
    "unittest.mock",
)

# Of Headwater, what each cold start loads: the import, then an app with a route for an attribute and its first batch.
IMPORT = {"headwater"}
APP = IMPORT | {
    f"headwater.{name}"
    for name in (
        "app",
        "batch",
        "changes",
        "conditions",
        "context",
        "deadline",
        "declarations",
        "dispatch",
        "engine",
        "errors",
        "get_records",
        "invocation",
        "items",
        "kinds",
        "loop",
        "models",
        "observe",
        "options",
        "origins",
        "outcomes",
        "parameters",
        "paths",
        "places",
        "progress",
        "records",
        "results",
        "returned",
        "routes",
        "routing",
        "schemas",
        "screens",
        "settings",
        "signatures",
        "sources",
        "streams",
        "triggers",
        "values",
        "verdicts",
        "work",
    )
}

# Of the standard library, what takes long to load and a cold start does without.
SLOW_FOR_APPS = {
    "asyncio",
    "concurrent.futures",
    "difflib",
    "email",
    "hashlib",
    "http",
    "importlib.metadata",
    "pathlib",
    "random",
    "socket",
    "ssl",
    "tempfile",
    "typing_extensions",  # no part of it, and yet as slow
    "unittest",
    "urllib",
    "uuid",
    "zoneinfo",
}
SLOW = SLOW_FOR_APPS | {
    "logging",
    "ast",
    "contextlib",
    "dataclasses",
    "datetime",
    "decimal",
    "inspect",
    "json",
    "re",
    "threading",
    "typing",
}

DECLARE_PLAIN = """
import headwater
event = {"Records": [{
    "eventID": "1", "eventName": "MODIFY", "eventSource": "aws:dynamodb", "awsRegion": "eu-central-1",
    "eventSourceARN": "arn:aws:dynamodb:eu-central-1:123456789012:table/GameScores/stream/2025-01-01T00:00:00.000",
    "dynamodb": {
        "SequenceNumber": "100000000000000000001", "ApproximateCreationDateTime": 1700000000, "StreamViewType": "NEW_AND_OLD_IMAGES",
        "Keys": {"UserId": {"S": "u1"}},
        "OldImage": {"UserId": {"S": "u1"}, "TopScore": {"N": "1"}},
        "NewImage": {"UserId": {"S": "u1"}, "TopScore": {"N": "2"}},
    },
}]}
seen = []
app = headwater.StreamApp()

@app.on_modify(attribute="TopScore", table="GameScores", when=lambda record: record.new["TopScore"] > 1)
def handle(record: headwater.Modify) -> None:
    seen.append((record.old, record.new, record.keys, record.changes, record.created_at))

@app.on_record
def without_annotation(record):
    seen.append(repr(record))
"""
RUN = """
assert app(event) == {"batchItemFailures": []}
"""
ADD_ASYNC = """
@app.on_record
async def wait(record: headwater.Record) -> None:
    seen.append(record.keys)
"""


def fresh(script: str, *options: str) -> Any:
    """Run a script in a new interpreter, and return the JSON that it prints."""
    tooling = ("COV_", "COVERAGE_", "PYTEST_")  # coverage starts itself in subprocesses, and loads much
    environment = {name: value for name, value in os.environ.items() if not name.startswith(tooling)}
    done = subprocess.run(
        [sys.executable, *options, "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def modules_of(script: str) -> set[str]:
    """The modules that are there after a script and were not before it."""
    lines = f"""
import json, sys
before = set(sys.modules)
{script}
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    return set(fresh(lines))


def loaded_by(script: str) -> set[str]:
    """The heavy ones among them."""
    modules = modules_of(script)
    assert "headwater" in modules
    return modules & set(HEAVY)


FIRST_BATCH = """
from headwater import Modify, StreamApp

app = StreamApp()

@app.on_modify(attribute="TopScore")
def handle(record: Modify) -> None:
    assert record.new != record.old

assert app({"Records": [{
    "eventID": "1", "eventName": "MODIFY", "eventSource": "aws:dynamodb", "awsRegion": "eu-central-1",
    "eventSourceARN": "arn:aws:dynamodb:eu-central-1:123456789012:table/GameScores/stream/2025-01-01T00:00:00.000",
    "dynamodb": {
        "SequenceNumber": "100000000000000000001", "StreamViewType": "NEW_AND_OLD_IMAGES",
        "Keys": {"UserId": {"S": "u1"}},
        "OldImage": {"UserId": {"S": "u1"}, "TopScore": {"N": "1"}},
        "NewImage": {"UserId": {"S": "u1"}, "TopScore": {"N": "2"}},
    },
}]}) == {"batchItemFailures": []}
"""


@pytest.mark.parametrize(
    ("script", "ours", "slow"),
    [("import headwater", IMPORT, SLOW), (FIRST_BATCH, APP, SLOW_FOR_APPS)],
    ids=["import", "app"],
)
def test_a_cold_start_loads_what_it_uses_and_no_more(script: str, ours: set[str], slow: set[str]) -> None:
    """Each module costs every cold start of every function."""
    loaded = modules_of(script)
    found = {name for name in loaded if name.partition(".")[0] == "headwater"}
    assert found - ours == set(), (
        "each cold start now loads these too: import them in the function that needs them, or under `if TYPE_CHECKING:` "
        "where only an annotation does; if every app uses them, add them to the list"
    )
    assert ours - found == set(), "no cold start loads these any more: take them out of the list"
    assert loaded & slow == set(), (
        "these take long to load: import them in the function that needs them, or do without"
    )


def test_the_import_loads_nothing_heavy() -> None:
    """Neither pydantic nor boto3, no event loop, no tool of the tests or the command line."""
    assert loaded_by("import headwater") == set()


def test_an_app_with_plain_dicts_runs_without_pydantic_and_without_an_event_loop() -> None:
    """Declaring routes, asking them, decoding images and answering needs neither."""
    assert loaded_by(DECLARE_PLAIN + RUN + "assert len(seen) == 2") == set()


def test_an_event_loop_is_imported_when_the_first_async_handler_runs() -> None:
    """Not when it is declared."""
    assert loaded_by(DECLARE_PLAIN + ADD_ASYNC) == set()
    assert loaded_by(DECLARE_PLAIN + ADD_ASYNC + RUN + "assert len(seen) == 3") == {"asyncio"}


def test_a_failure_is_logged_without_anything_heavy() -> None:
    """The log line of a failed record needs no more than `logging`."""
    script = DECLARE_PLAIN + 'del event["Records"][0]["eventName"]\n'
    script += 'assert app(event) == {"batchItemFailures": [{"itemIdentifier": "100000000000000000001"}]}\n'
    assert loaded_by(script) == set()


def test_pydantic_is_imported_when_the_first_model_is_declared() -> None:
    """A dataclass as a model: its file has not imported pydantic itself."""
    script = (
        DECLARE_PLAIN
        + """
import dataclasses

@dataclasses.dataclass
class Score:
    TopScore: int

assert "pydantic" not in sys.modules

@app.on_modify
def typed(record: headwater.Modify[Score]) -> None:
    seen.append(record.new)

assert "pydantic" in sys.modules
"""
    )
    assert {"pydantic", "boto3", "botocore"} & loaded_by(script) == {"pydantic"}


def test_the_import_opens_nothing_but_modules() -> None:
    """No metadata, configuration or data file is read: those cost time in each cold start."""
    script = """
import json, sys
opened = []
sys.addaudithook(lambda event, arguments: opened.append(str(arguments[0])) if event == "open" else None)
from headwater import StreamApp
found = list(opened)
print(json.dumps(found))
"""
    opened = [Path(name) for name in fresh(script, "-B")]
    ours = [path for path in opened if path.is_relative_to(Path(headwater.__file__).parent)]
    assert len(ours) > 10
    suffixes = tuple(importlib.machinery.all_suffixes())
    assert [path for path in opened if not path.name.endswith(suffixes)] == []


def test_the_version_is_that_of_the_installed_package() -> None:
    """It is looked up when somebody asks."""
    assert headwater.__version__ == importlib.metadata.version("headwater")


def test_the_public_names_are_sorted_and_there() -> None:
    """`__all__` names each once, and nothing that is missing."""
    assert headwater.__all__ == sorted(set(headwater.__all__))
    assert [name for name in headwater.__all__ if not hasattr(headwater, name)] == []


def test_the_names_are_loaded_from_where_type_checkers_see_them() -> None:
    """The table beside the imports that only type checkers read says the same, of the names in `__all__`."""
    tree = ast.parse(Path(headwater.__file__).read_text(encoding="utf-8"))
    seen = {
        alias.name: statement.module
        for block in tree.body
        if isinstance(block, ast.If)
        for statement in block.body
        if isinstance(statement, ast.ImportFrom)
        for alias in statement.names
    }
    assert sorted(seen) == headwater.__all__
    assert {name: f"headwater.{module}" for name, module in headwater._MODULE_OF.items()} == seen


@pytest.mark.parametrize("name", headwater.__all__)
def test_a_public_name_is_one_object(name: str) -> None:
    """However often it is asked for, and the same as in its own module."""
    own = getattr(importlib.import_module(f"headwater.{headwater._MODULE_OF[name]}"), name)
    assert getattr(headwater, name) is getattr(headwater, name) is own


def test_the_public_names_are_listed_before_they_are_loaded() -> None:
    """For completion in an interactive session."""
    listed = fresh("import headwater, json\nprint(json.dumps(dir(headwater)))")
    assert {*headwater.__all__, "__version__"} <= set(listed)
    assert dir(headwater) == sorted(dir(headwater))


def test_a_star_import_gives_the_public_names() -> None:
    """Those of `__all__`, and no others."""
    names: list[str] = fresh(
        "import json\nbefore = {*dir(), 'before'}\nfrom headwater import *\nprint(json.dumps(sorted({*dir()} - before)))"
    )
    assert names == headwater.__all__


def test_each_public_name_has_a_docstring() -> None:
    """Those that can have one: type aliases can not."""
    documented = [
        getattr(headwater, name) for name in headwater.__all__ if name not in ("CallNext", "Outcome")
    ]
    assert [value.__name__ for value in documented if not value.__doc__] == []


def test_the_modules_of_public_names_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Type checkers believe so, since the package imports from them: `except headwater.errors.HeadwaterError`."""
    assert (
        fresh("import headwater\nprint(chr(34) + headwater.errors.__name__ + chr(34))") == "headwater.errors"
    )
    monkeypatch.delattr(headwater, "errors")
    assert getattr(headwater, "errors") is sys.modules["headwater.errors"]  # noqa: B009 - unknown to pyright


def test_a_name_that_does_not_exist_is_an_attribute_error() -> None:
    """As in any module: the lookup of the version answers for nothing else."""
    with pytest.raises(AttributeError, match="module 'headwater' has no attribute 'on_modify'"):
        getattr(headwater, "on_modify")  # noqa: B009 - type checkers would refuse the attribute
    with pytest.raises(ImportError):
        exec("from headwater import on_modify")
