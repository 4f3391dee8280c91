"""The public types: what mypy --strict and pyright in strict mode must refuse, and what they must let through.

The files in `typing/` are checked as a user's would be: away from this project's settings, against the installed package.
A line that ends with the mark is a misuse.
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pytest

PROBES = Path(__file__).parent / "typing"
MARK = "  # error"
CHECKERS = ("mypy", "pyright")
NOT_CATCHING = ("untyped-decorator", "reportUnknown", "reportUnused")
"""Rules that only pass on that something is unknown or unused: they do not count as having caught a misuse."""

Line: TypeAlias = tuple[str, int]
Findings: TypeAlias = Mapping[Line, list[str]]


def run(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=PROBES,
        env={**os.environ, "PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


def run_mypy(cache: Path) -> Findings:
    findings: defaultdict[Line, list[str]] = defaultdict(list)
    output = run("mypy", "--strict", "--config-file=", f"--cache-dir={cache}", "--output=json", ".")
    for entry in map(json.loads, output.splitlines()):
        if entry["severity"] == "error":
            findings[Path(entry["file"]).name, entry["line"]].append(f"{entry['code']}: {entry['message']}")
    return findings


def run_pyright() -> Findings:
    findings: defaultdict[Line, list[str]] = defaultdict(list)
    output = run("pyright", "--project", ".", "--pythonpath", sys.executable, "--outputjson")
    report: dict[str, Any] = json.loads(output)
    assert report["summary"]["filesAnalyzed"] == len(list(PROBES.glob("*.py")))
    for entry in report["generalDiagnostics"]:
        line = entry["range"]["start"]["line"] + 1
        findings[Path(entry["file"]).name, line].append(f"{entry.get('rule', 'error')}: {entry['message']}")
    return findings


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Findings]:
    return {"mypy": run_mypy(tmp_path_factory.mktemp("mypy")), "pyright": run_pyright()}


def misuses() -> Mapping[Line, str]:
    return {
        (file.name, number): text.removesuffix(MARK).strip()
        for file in PROBES.glob("*.py")
        for number, text in enumerate(file.read_text().splitlines(), start=1)
        if text.endswith(MARK)
    }


@pytest.mark.parametrize("checker", CHECKERS)
def test_each_misuse_is_caught(findings: Mapping[str, Findings], checker: str) -> None:
    """A marked line has an error of its own."""
    caught = {
        line
        for line, errors in findings[checker].items()
        if any(not error.startswith(NOT_CATCHING) for error in errors)
    }
    marked = misuses()
    assert len(marked) > 300
    assert {line: text for line, text in marked.items() if line not in caught} == {}


@pytest.mark.parametrize("checker", CHECKERS)
def test_correct_use_passes(findings: Mapping[str, Findings], checker: str) -> None:
    """A line that is not marked has no error, in the strictest mode."""
    marked = misuses()
    assert {line: errors for line, errors in findings[checker].items() if line not in marked} == {}


def test_what_passes_the_type_checkers_is_accepted_when_it_is_declared() -> None:
    """The file of correct use runs: no route in it is refused."""
    names = runpy.run_path(str(PROBES / "correct.py"))
    assert len(names["app"].routes) > 50


@pytest.mark.parametrize("name", ["misuse_conditions", "misuse_handlers", "misuse_options", "misuse_records"])
def test_each_misuse_file_has_misuses(name: str) -> None:
    """No file has lost its marks, which would make its check empty."""
    assert sum(file == f"{name}.py" for file, _ in misuses()) > 50
