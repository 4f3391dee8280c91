"""Every fenced block of the README and the documentation is run or checked, so that a page can not say what is not so."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import types
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from sybil import Document, Example, Region
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown.lexers import RawFencedCodeBlockLexer

import headwater
import headwater.aws
import headwater.mapping
import headwater.testing
from headwater import SourceError
from headwater.sources import read_event

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

read_blocks = RawFencedCodeBlockLexer(re.compile(r"(?P<language>[^\n]*)\n"))
run_python = PythonEvaluator()


def join_what_is_shown(document: Document) -> Iterator[Region]:
    """Make one region of a Python block and the text block after it: the text is what the Python prints."""
    blocks = list(read_blocks(document))
    while blocks:
        block = blocks.pop(0)
        if blocks and [b.lexemes["language"] for b in (block, blocks[0])] == ["python", "text"]:
            between = document.text[block.end : blocks[0].start]
            if not between.strip():
                block.lexemes["shown"] = blocks[0].lexemes["source"]
                block.end = blocks.pop(0).end
        block.parsed = block.lexemes["source"]
        yield block


@dataclass(frozen=True)
class Page:
    """Where the blocks of a page are run: one module for its Python, one directory for all its files."""

    module: types.ModuleType
    directory: Path

    def run(self, document: Document) -> None:
        document.namespace = vars(self.module)
        for region in join_what_is_shown(document):
            region.evaluator = self._check
            document.add(region)
        for example in document:
            example.evaluate()

    def _check(self, example: Example) -> str | None:
        language: str = example.region.lexemes["language"]
        if language == "python":
            return self.python(example)
        checks = {"console": self.console, "yaml": self.yaml, "json": self.json}
        if language not in checks:
            return f"nothing checks a block of {language or 'no language'} here"
        return checks[language](example.parsed)

    def python(self, example: Example) -> str | None:
        with contextlib.chdir(self.directory), contextlib.redirect_stdout(io.StringIO()) as printed:
            run_python(example)
        same = printed.getvalue() == example.region.lexemes.get("shown", "")
        return None if same else f"it prints:\n{printed.getvalue()}"

    def console(self, text: str) -> str | None:
        sessions = re.split(r"^\$ ", text, flags=re.MULTILINE)
        if sessions[0]:
            return "a console block starts with a command: '$ ...'"
        for session in sessions[1:]:
            command, _, expected = session.partition("\n")
            check = next((check for pattern, check in NOT_RUN.items() if re.match(pattern, command)), None)
            if check is not None:
                check(shlex.split(command))
            if check is None:
                self._run(command, expected.splitlines())
            elif expected.strip():
                assert check is check_make, f"nothing checks the output of {command}"
                self._run(recipe(command.removeprefix("make ")), expected.splitlines())
        return None

    def _run(self, command: str, expected: Sequence[str]) -> None:
        search = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        environment = {**os.environ, "PATH": search, "NO_COLOR": "1", "AWS_DEFAULT_REGION": "us-east-1"}
        environment.pop("FORCE_COLOR", None)
        environment.pop("COLUMNS", None)
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if not expected:
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
            return
        printed = [line.rstrip() for line in (done.stdout or done.stderr).splitlines()]
        assert matches(expected, printed), "\n".join(["$ " + command, *printed, done.stderr])

    def yaml(self, text: str) -> str | None:
        if not re.search(r"^Resources:", text, re.MULTILINE):
            return None if yaml.safe_load(text) is not None else "it is empty"
        template = self.directory / "template.yaml"
        template.write_text(text)
        lint = [str(Path(sys.executable).parent / "cfn-lint"), "--regions", "us-east-1", "--", str(template)]
        done = subprocess.run(lint, capture_output=True, text=True, check=False)
        return None if done.returncode == 0 else done.stdout + done.stderr

    def json(self, text: str) -> str | None:
        content = json.loads(text)
        if isinstance(content, list) or "Records" in content:
            return None if read_event(content).records else "it has no records"
        return None


def matches(expected: Sequence[str], printed: Sequence[str]) -> bool:
    """Whether the lines are the same, where `...` stands for any number of lines, or for a part of one."""
    if not expected:
        return not printed
    if expected[0] == "...":
        return any(matches(expected[1:], printed[skipped:]) for skipped in range(len(printed) + 1))
    line = ".*".join(map(re.escape, expected[0].rstrip().split("...")))
    return bool(printed) and bool(re.fullmatch(line, printed[0])) and matches(expected[1:], printed[1:])


def check_clone(words: Sequence[str]) -> None:
    assert words[2].endswith(f"/{project()['name']}")
    assert words[3:] in ([], ["&&", "cd", project()["name"]])


def check_make(words: Sequence[str]) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in words[1:]:
        assert re.search(rf"^{re.escape(target)}:.*##", makefile, re.MULTILINE), f"no such target: {target}"


def recipe(target: str) -> str:
    """What make runs for a target of one line, with the Python of the tests."""
    makefile = (ROOT / "Makefile").read_text()
    found = re.search(rf"^{re.escape(target)}:.*\n\t@?(.+)\n(?!\t)", makefile, re.MULTILINE)
    assert found is not None, f"make {target} runs more than one line"
    return found[1].replace("$(PY)", shlex.quote(sys.executable))


def check_pip(words: Sequence[str]) -> None:
    for requirement in words[2:]:
        wanted = re.fullmatch(r"([\w-]+)(?:\[([\w,]+)\])?", requirement)
        assert wanted is not None, f"what is installed? {requirement}"
        assert wanted[1] == project()["name"]
        assert set((wanted[2] or "").split(",")) - {""} <= project()["optional-dependencies"].keys()


def project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project


# Commands that are not run, since they need a network, an account or minutes; with what can be checked of them.
NOT_RUN = {
    r"git clone ": check_clone,
    r"make ": check_make,
    r"pip install ": check_pip,
}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_block_of_a_page_holds(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Python prints what the page shows, commands too, templates pass cfn-lint, events are events."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    module = types.ModuleType("page_" + path.stem.replace("-", "_"))
    monkeypatch.setitem(sys.modules, module.__name__, module)  # where dataclasses and pydantic look names up
    monkeypatch.chdir(tmp_path)
    with capfd.disabled():
        Page(module, tmp_path).run(Document(path.read_text(), str(path)))
    for page in tmp_path.glob("*.html"):  # which the site shows
        shown = ROOT / "docs" / "assets" / page.name
        assert page.read_text() == shown.read_text(), f"{shown} is not what the page makes: copy {page} to it"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_to_another_page_leads_somewhere(path: Path) -> None:
    """A relative link names a file that is there; anchors within the site are checked by mkdocs."""
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text()):
        if not re.match(r"[a-z]+:", target):
            assert (path.parent / target).exists(), f"{target} is not there"


REFUSED = {
    "wrong output": "```python\nprint(1)\n```\n\n```text\n2\n```\n",
    "output that the page does not show": "```python\nprint(1)\n```\n\nand\n\n```text\n1\n```\n",
    "text of nowhere": "```text\n1\n```\n",
    "a block in a list": "- so:\n\n    ```python\n    assert False\n    ```\n",
    "a block in tildes": "~~~python\nassert False\n~~~\n",
    "a block that is never closed": "```python\nassert False\n",
    "no language": "```\n1\n```\n",
    "a language that nothing checks": "```bash\ntrue\n```\n",
    "wrong output of a command": "```console\n$ echo a; echo b; echo c\na\n...\nd\n```\n",
    "a wrong part of a line": "```console\n$ echo abc\na...d\n```\n",
    "a command that fails": "```console\n$ false\n```\n",
    "an extra that does not exist": '```console\n$ pip install "headwater[nothing]"\n```\n',
    "a target that does not exist": "```console\n$ make nothing\n```\n",
    "another output of make": "```console\n$ make demo\nnothing\n```\n",
    "output of what is not run": "```console\n$ make test\n1 passed\n```\n",
    "a resource that AWS does not have": "```yaml\nResources:\n  A:\n    Type: AWS::Nothing::AtAll\n```\n",
    "an event without records": '```json\n{"Records": []}\n```\n',
}


@pytest.mark.parametrize("page", REFUSED.values(), ids=REFUSED)
def test_a_page_that_says_what_is_not_so_is_refused(page: str, tmp_path: Path) -> None:
    """Whatever could be wrong in a block fails it."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    with pytest.raises(AssertionError):
        Page(types.ModuleType("page"), tmp_path).run(Document(page, "page.md"))


def test_an_event_of_no_known_source_is_refused(tmp_path: Path) -> None:
    """A JSON block that looks like an event is read as the app would read it."""
    page = '```json\n{"Records": [{"body": "x"}]}\n```\n'
    with pytest.raises(SourceError, match="unknown source"):
        Page(types.ModuleType("page"), tmp_path).run(Document(page, "page.md"))


def test_dots_stand_for_what_differs_from_run_to_run(tmp_path: Path) -> None:
    """A line of three dots is any number of lines, three dots in a line are any text."""
    page = "```console\n$ echo a; echo b; echo c-1-c\na\n...\nc-...-c\n$ true\n```\n"
    Page(types.ModuleType("page"), tmp_path).run(Document(page, "page.md"))


def test_every_test_that_a_page_names_exists() -> None:
    """A page that says what proves it names tests that are there."""
    here = "".join(path.read_text() for path in sorted((ROOT / "tests").glob("test_*.py")))
    named = {name for path in PAGES for name in re.findall(r"`(test_\w+)`", path.read_text())}
    assert named
    assert {name for name in named if f"def {name}(" not in here} == set()


@pytest.mark.parametrize(
    "module",
    [headwater, headwater.aws, headwater.mapping, headwater.testing],
    ids=lambda module: module.__name__,
)
def test_every_public_name_is_in_the_reference(module: types.ModuleType) -> None:
    """The pages of the reference name each of them once, and nothing else of the module."""
    pages = "".join(path.read_text() for path in sorted((ROOT / "docs" / "reference").glob("*.md")))
    named = re.findall(rf"^::: {re.escape(module.__name__)}\.(\w+)$", pages, re.MULTILINE)
    assert sorted(named) == sorted(module.__all__)


def test_the_design_page_names_every_file_of_the_runtime() -> None:
    """Who reads the source finds each file of the pipeline on the page, and no file that is gone."""
    package = Path(headwater.__file__).parent
    files = {path.name for path in package.glob("*.py")} - {"__init__.py"}
    folders = {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}
    page = (ROOT / "docs" / "design.md").read_text()
    assert set(re.findall(r"`(\w+(?:\.py|/))`", page)) == files | folders
