"""Every fenced block of the README and the documentation is run or checked, so that a page can not say what is not so."""

from __future__ import annotations

import contextlib
import io
import itertools
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

from headwater import SourceError
from headwater.sources import read_event

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(r"(?P<indent>\s*)(?P<ticks>`{3,})(?P<language>\w*)(?P<rest>.*)")


@dataclass(frozen=True)
class Block:
    """A fenced block: what it holds, and the text block that follows it with nothing but blank lines between."""

    language: str
    text: str
    line: int
    shown: str | None = None


def read_blocks(page: str) -> Iterator[Block]:
    lines = page.splitlines()
    position = 0
    while position < len(lines):
        opening = FENCE.fullmatch(lines[position])
        position += 1
        if opening is None:
            continue
        assert not opening["indent"], f"line {position}: start the fence at the left margin, or it is not run"
        start = position
        while lines[position : position + 1] != [opening["ticks"]]:
            position += 1
            assert position < len(lines), f"line {start}: this block is never closed"
        yield Block(opening["language"], "\n".join(lines[start:position]) + "\n", start)
        position += 1


def with_what_is_shown(page: str) -> Iterator[Block]:
    lines, blocks = page.splitlines(), list(read_blocks(page))
    for block, following in itertools.zip_longest(blocks, blocks[1:]):
        end = block.line + block.text.count("\n") + 1
        near = following is not None and not "".join(lines[end : following.line - 1]).strip()
        shown = following.text if following and near and following.language == "text" else None
        yield Block(block.language, block.text, block.line, shown)


@dataclass(frozen=True)
class Page:
    """Where the blocks of a page are run: one module for its Python, one directory for its commands."""

    path: Path
    module: types.ModuleType
    directory: Path

    def python(self, block: Block) -> None:
        # As many lines before the code as there are in the page, so that a traceback names the right one.
        code = compile("\n" * block.line + block.text, str(self.path), "exec", dont_inherit=True)
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(code, vars(self.module))
        if block.shown is not None:
            assert printed.getvalue() == block.shown

    def console(self, block: Block) -> None:
        sessions = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
        assert sessions[0] == "", "a console block starts with a command: '$ ...'"
        for session in sessions[1:]:
            command, _, expected = session.partition("\n")
            check = next((check for pattern, check in NOT_RUN.items() if re.match(pattern, command)), None)
            if check is not None:
                check(shlex.split(command))
            else:
                self._run(command, expected.splitlines())

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

    def yaml(self, block: Block) -> None:
        if not re.search(r"^Resources:", block.text, re.MULTILINE):
            assert yaml.safe_load(block.text) is not None
            return
        template = self.directory / "template.yaml"
        template.write_text(block.text)
        lint = [str(Path(sys.executable).parent / "cfn-lint"), "--regions", "us-east-1", "--", str(template)]
        done = subprocess.run(lint, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def json(self, block: Block) -> None:
        content = json.loads(block.text)
        if isinstance(content, list) or "Records" in content:
            assert read_event(content).records


def matches(expected: Sequence[str], printed: Sequence[str]) -> bool:
    """Whether the lines are the same, where `...` stands for any number of lines."""
    if not expected:
        return not printed
    if expected[0] == "...":
        return any(matches(expected[1:], printed[skipped:]) for skipped in range(len(printed) + 1))
    return bool(printed) and expected[0].rstrip() == printed[0] and matches(expected[1:], printed[1:])


def check_clone(words: Sequence[str]) -> None:
    assert words[2].endswith(f"/{project()['name']}")
    assert words[3:] in ([], ["&&", "cd", project()["name"]])


def check_make(words: Sequence[str]) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in words[1:]:
        assert re.search(rf"^{re.escape(target)}:.*##", makefile, re.MULTILINE), f"no such target: {target}"


def check_pip(words: Sequence[str]) -> None:
    for requirement in words[2:]:
        wanted = re.fullmatch(r"([\w-]+)(?:\[([\w,]+)\])?", requirement)
        assert wanted is not None, f"what is installed? {requirement}"
        assert wanted[1] == project()["name"]
        assert set((wanted[2] or "").split(",")) - {""} <= project()["optional-dependencies"].keys()


def check_sam(words: Sequence[str]) -> None:
    for option, value in itertools.pairwise(words):
        if option in ("-t", "--template", "--template-file"):
            assert (ROOT / value).is_file(), f"no such template: {value}"


def project() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project


# Commands that are not run, since they need a network, an account or minutes; with what can be checked of them.
NOT_RUN = {
    r"git clone ": check_clone,
    r"make ": check_make,
    r"pip install ": check_pip,
    r"sam deploy\b": check_sam,
}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_block_of_a_page_holds(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Python prints what the page shows, commands too, templates pass cfn-lint, events are events."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    module = types.ModuleType("page_" + path.stem.replace("-", "_"))
    monkeypatch.setitem(sys.modules, module.__name__, module)  # where dataclasses and pydantic look names up
    page = Page(path, module, tmp_path)
    checks = {"python": page.python, "console": page.console, "yaml": page.yaml, "json": page.json}
    for block in with_what_is_shown(path.read_text()):
        if block.language == "text":
            continue
        assert block.language in checks, (
            f"line {block.line}: nothing checks {block.language or 'no language'}"
        )
        with capfd.disabled():
            checks[block.language](block)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_to_another_page_leads_somewhere(path: Path) -> None:
    """A relative link names a file that is there; anchors within the site are checked by mkdocs."""
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text()):
        if not re.match(r"[a-z]+:", target):
            assert (path.parent / target).exists(), f"{target} is not there"


def test_a_page_that_says_what_is_not_so_is_refused(tmp_path: Path) -> None:
    """Wrong output, an unknown option in a template, an event of no source, a missing extra: each fails its block."""
    page = Page(tmp_path / "page.md", types.ModuleType("page"), tmp_path)
    with pytest.raises(AssertionError):
        page.python(Block("python", "print(1)\n", 1, "2\n"))
    with pytest.raises(AssertionError):
        page.console(Block("console", "$ echo a; echo b; echo c\na\n...\nd\n", 1))
    with pytest.raises(AssertionError):
        page.console(Block("console", '$ pip install "headwater[nothing]"\n', 1))
    with pytest.raises(AssertionError):
        page.console(Block("console", "$ make nothing\n", 1))
    with pytest.raises(AssertionError):
        page.yaml(Block("yaml", "Resources:\n  A:\n    Type: AWS::Nothing::AtAll\n", 1))
    with pytest.raises(SourceError, match="unknown source"):
        page.json(Block("json", '{"Records": [{"body": "x"}]}\n', 1))
    page.console(Block("console", "$ echo a; echo b; echo c\na\n...\nc\n$ true\n", 1))
