"""Many environments at once, and code that changes while they run."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from headwater.cli.environment import Function, Reply
from headwater.cli.pool import Pool
from headwater.cli.process import ProcessEnvironment
from headwater.cli.watch import Watch, source_files, stamp_of
from headwater.mapping.answers import NotRun, Returned
from headwater.testing import Table, event

ORDERS = Table("Orders", keys="Id")
DONE: dict[str, Any] = {"batchItemFailures": []}
PATIENCE_SECONDS = 60.0
APP = """
import os
from headwater import Record, StreamApp
from helper import WORD
app = StreamApp()

@app.on_record
def handle(record: Record) -> None:
    print(WORD, os.getpid())
"""


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Pool]:
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "helper.py").write_text("WORD = 'first'\n")
    function = Function(target=str(tmp_path / "app.py"), timeout=PATIENCE_SECONDS, memory_mb=2_000)
    made = Pool(lambda: ProcessEnvironment(function), size=2)
    yield made
    made.stop()


def call(pool: Pool) -> Reply:
    return pool.invoke(event([ORDERS.insert({"Id": "1"})]), "r")


def change(path: Path, content: str) -> None:
    """Also where the clock of the file system is coarse."""
    before = path.stat().st_mtime_ns
    path.write_text(content)
    os.utime(path, ns=(before + 10**9, before + 10**9))


def test_one_after_another_share_an_environment(pool: Pool) -> None:
    """The one that is warm."""
    assert call(pool).said == call(pool).said


class Meeting:
    """An environment whose invocations are over when enough are under way."""

    def __init__(self, meet: threading.Barrier) -> None:
        self.meet = meet

    def invoke(self, event: Mapping[str, Any], request_id: str) -> Reply:
        self.meet.wait(PATIENCE_SECONDS)
        return Reply(Returned(event), request_id, 0.0)

    def reload(self) -> None: ...

    def stop(self) -> None: ...


def test_as_many_as_allowed_work_at_once() -> None:
    """More have to wait, and take an environment that is free then."""
    meet, made = threading.Barrier(2), list[Meeting]()

    def make() -> Meeting:
        made.append(Meeting(meet))
        return made[-1]

    pool = Pool(make, size=2)
    threads = [threading.Thread(target=pool.invoke, args=({}, "r")) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert len(made) == 2


def test_changed_code_is_taken_by_the_next_invocation(pool: Pool, tmp_path: Path) -> None:
    """What the app imports counts as well, and the files are named."""
    before = call(pool)
    assert set(before.files) >= {str(tmp_path / "app.py"), str(tmp_path / "helper.py")}
    assert pool.reload_changed() == []
    change(tmp_path / "helper.py", "WORD = 'second'\n")
    assert pool.reload_changed() == [str(tmp_path / "helper.py")]
    assert pool.reload_changed() == []
    assert call(pool).said.split()[0] == "second"


def test_broken_code_is_not_reached_until_it_is_mended(pool: Pool, tmp_path: Path) -> None:
    """Its file is known, so that mending it is seen."""
    call(pool)
    change(tmp_path / "helper.py", "WORD = 'second\n")
    assert pool.reload_changed() == [str(tmp_path / "helper.py")]
    broken = call(pool)
    assert isinstance(broken.answer, NotRun)
    assert broken.answer.reason.startswith("Runtime.UserCodeSyntaxError: ")
    change(tmp_path / "helper.py", "WORD = 'mended'\n")
    assert pool.reload_changed() == [str(tmp_path / "helper.py")]
    assert call(pool).said.split()[0] == "mended"


def test_code_that_was_broken_from_the_start_is_known_too(pool: Pool, tmp_path: Path) -> None:
    """The file that does not parse, and those that led to it."""
    (tmp_path / "helper.py").write_text("WORD = 'first\n")
    assert set(call(pool).files) >= {str(tmp_path / "app.py"), str(tmp_path / "helper.py")}
    change(tmp_path / "helper.py", "WORD = 'mended'\n")
    assert pool.reload_changed() == [str(tmp_path / "helper.py")]
    assert call(pool).answer == Returned(DONE)


def test_nothing_runs_in_a_pool_that_was_stopped(pool: Pool) -> None:
    """Not in an environment that it has."""
    call(pool)
    pool.stop()
    assert isinstance(call(pool).answer, NotRun)


# Watch


def test_a_file_is_watched_as_it_was_when_it_was_loaded(tmp_path: Path) -> None:
    """One that changed before it was told of has changed; one that is gone, and one that comes back, too."""
    path = tmp_path / "a.py"
    path.write_text("1\n")
    loaded, watch = stamp_of(str(path)), Watch()
    change(path, "22\n")
    watch.follow({str(path): loaded})
    assert watch.changed() == [str(path)]
    watch.follow({str(path): loaded})  # by a process that is older
    assert watch.changed() == []
    path.unlink()
    assert watch.changed() == [str(path)]
    assert watch.changed() == []
    path.write_text("22\n")
    assert watch.changed() == [str(path)]


def test_only_the_code_of_the_app_is_watched(tmp_path: Path) -> None:
    """Not Python's own, nor what is installed, nor Headwater, nor what is no file."""
    (tmp_path / "lib" / "site-packages").mkdir(parents=True)
    for name in ("own.py", "lib/site-packages/theirs.py", "data.txt"):
        (tmp_path / name).write_text("")

    class Module:
        def __init__(self, file: object) -> None:
            self.__file__ = file

    modules: list[Any] = [
        *(
            Module(str(tmp_path / name))
            for name in ("own.py", "lib/site-packages/theirs.py", "data.txt", "no.py")
        ),
        *(Module(file) for file in (None, 7, os.__file__)),
        pytest,
        sys,
        sys.modules["headwater.cli.pool"],
    ]
    assert source_files(modules) == [str(tmp_path / "own.py")]
