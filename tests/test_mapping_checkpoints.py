"""Positions in a file: they survive whatever kills the process, and two processes never run one mapping."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from headwater.mapping.checkpoints import CheckpointError, Checkpoints
from headwater.mapping.lineage import TRIM_HORIZON, Lineage, ListedShard, Position, Start

STREAM_ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/T/stream/2026-01-01T00:00:00.000"
LOW, HIGH = "999999999999999999999", "1000000000000000000000"


def opened(path: Path, mapping: str = "orders", stream_arn: str = STREAM_ARN) -> Checkpoints:
    return Checkpoints(path, mapping=mapping, stream_arn=stream_arn)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints.db"


def after(number: str) -> Start:
    return Start("AFTER_SEQUENCE_NUMBER", number)


# Keeping


def test_a_mapping_that_was_never_started_has_no_position(path: Path) -> None:
    """So it starts at its starting position; from then on it has one, though it has read nothing."""
    with opened(path) as checkpoints:
        assert (checkpoints.position(), checkpoints.kept_at) == (None, None)
        checkpoints.start(Position({}, frozenset()))
        assert (checkpoints.position(), checkpoints.kept_at) == (Position({}, frozenset()), None)


def test_what_was_kept_is_there_when_the_file_is_opened_again(path: Path) -> None:
    """A shard's position, that it is finished, and since when it is wanted."""
    start = Start("AT_TIMESTAMP", since=1000.5)
    with opened(path) as checkpoints:
        checkpoints.start(
            Position({"a": start, "b": start, "c": after(LOW), "h": TRIM_HORIZON}, frozenset("d"))
        )
        checkpoints.keep("b", LOW)
        checkpoints.keep("e", HIGH)
        checkpoints.keep("f", LOW)
        checkpoints.finish("f")
        checkpoints.finish("g")
        kept_at = checkpoints.kept_at
    with opened(path) as checkpoints:
        assert checkpoints.position() == Position(
            {"a": start, "b": after(LOW), "c": after(LOW), "e": after(HIGH), "h": TRIM_HORIZON},
            frozenset("dfg"),
        )
        assert checkpoints.kept_at == kept_at is not None


def test_a_position_is_never_moved_backwards(path: Path) -> None:
    """Sequence numbers are compared as numbers: as text the longer one would be lower."""
    with opened(path) as checkpoints:
        for number in (LOW, HIGH, HIGH, LOW):
            checkpoints.keep("a", number)
        assert checkpoints.position() == Position({"a": after(HIGH)}, frozenset())
        checkpoints.finish("a")
        checkpoints.keep("a", HIGH + "0")
        assert checkpoints.position() == Position({}, frozenset("a"))


def test_a_mapping_is_started_once(path: Path) -> None:
    """Whoever starts it again goes on where it was."""
    with opened(path) as checkpoints:
        checkpoints.start(Position({}, frozenset("a")))
        checkpoints.keep("b", LOW)
        checkpoints.start(Position({"b": Start("AT_TIMESTAMP", since=1.0)}, frozenset()))
        assert checkpoints.position() == Position({"b": after(LOW)}, frozenset("a"))


def test_what_is_forgotten_begins_anew(path: Path) -> None:
    """And other mappings in the file stay as they are."""
    other = STREAM_ARN.replace("T/", "U/")
    with opened(path) as first, opened(path, "other") as second, opened(path, stream_arn=other) as third:
        for checkpoints in (first, second, third):
            checkpoints.start(Position({}, frozenset()))
            checkpoints.keep("a", LOW)
        first.forget()
        assert [each.position() for each in (first, second, third)] == [
            None,
            *[Position({"a": after(LOW)}, frozenset())] * 2,
        ]
        first.start(Position({}, frozenset("b")))
        assert first.position() == Position({}, frozenset("b"))


def a_day_passes(checkpoints: Checkpoints) -> None:
    checkpoints._database.execute("UPDATE shards SET updated = updated - 86400")


def test_finished_shards_that_are_not_listed_any_more_are_forgotten(path: Path) -> None:
    """A shard of which something is left to do is not, and no other mapping's is."""
    with opened(path) as checkpoints, opened(path, "other") as other:
        checkpoints.start(Position({"left": Start("AT_TIMESTAMP", since=1.0)}, frozenset({"gone", "listed"})))
        checkpoints.keep("begun", LOW)
        other.finish("gone")
        a_day_passes(checkpoints)
        checkpoints.finish("late")
        checkpoints.keep("open", LOW)
        before = checkpoints.position(), checkpoints.kept_at
        checkpoints.prune(["gone", "left", "listed", "begun", "late", "open"])
        assert (checkpoints.position(), checkpoints.kept_at) == before
        checkpoints.prune(["listed", "open"])
        assert checkpoints.position() == Position(
            {"left": Start("AT_TIMESTAMP", since=1.0), "begun": after(LOW), "open": after(LOW)},
            frozenset({"listed", "late"}),
        )
        assert checkpoints.kept_at == before[1]
        assert other.position() == Position({}, frozenset({"gone"}))


def test_no_shard_waits_for_a_parent_that_was_forgotten(path: Path) -> None:
    """It goes on where it was, in a listing that names the parent still, but does not have it."""
    with opened(path) as checkpoints:
        checkpoints.finish("parent")
        a_day_passes(checkpoints)
        checkpoints.keep("child", LOW)
        listing = [ListedShard("child", "parent"), ListedShard("grandchild", "child")]
        checkpoints.prune([shard.shard_id for shard in listing])
        lineage = Lineage("LATEST", checkpoints.position())
    lineage.found(listing, at=1.0)
    assert lineage.startable() == {"child": after(LOW)}
    lineage.finish("child")
    assert lineage.startable() == {"grandchild": TRIM_HORIZON}


def test_a_mapping_of_which_all_is_finished_is_not_a_new_one(path: Path) -> None:
    """What was kept last is never forgotten, so it is known that the mapping was started, and when it kept something."""
    with opened(path) as checkpoints:
        checkpoints.prune([])
        assert checkpoints.position() is None
        checkpoints.finish("first")
        checkpoints.finish("last")
        a_day_passes(checkpoints)
        kept_at = checkpoints.kept_at
        checkpoints.prune([])
        assert checkpoints.position() == Position({}, frozenset({"last"}))
        assert checkpoints.kept_at == kept_at


@pytest.mark.parametrize("number", ["", "one", "1.5", "-1"])
def test_what_is_no_sequence_number_is_not_kept(path: Path, number: str) -> None:
    """A position that could not be compared with the next would stop the mapping for ever."""
    with opened(path) as checkpoints:
        with pytest.raises(ValueError, match="sequence number"):
            checkpoints.keep("a", number)
        assert checkpoints.position() is None


def test_checkpoints_say_what_they_are_of(path: Path) -> None:
    """In a debugger, or a log."""
    with opened(path) as checkpoints:
        assert repr(checkpoints) == f"Checkpoints({str(path)!r}, mapping='orders', stream_arn={STREAM_ARN!r})"


# Files that are no use


def foreign(path: Path) -> None:
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE customers (name)")
    database.commit()
    database.close()


def newer(path: Path) -> None:
    opened(path).close()
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 2")
    database.close()


def damaged(path: Path) -> None:
    with opened(path) as checkpoints:
        for number in range(200):
            checkpoints.finish(f"shard-{number}")
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 4] = b"?" * 4096
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda path: path.write_bytes(b"not a database, but some text " * 100),
            "no file of checkpoints, or it",
        ),
        (damaged, "no file of checkpoints, or it is broken .*: name another file, or move this one away"),
        (foreign, "is a database of another program: name another file"),
        (newer, "is in format 2, which this version of Headwater does not know"),
        (Path.mkdir, "can not be used: unable to open database file"),
    ],
)
def test_a_file_that_is_no_use_is_refused_and_left_as_it_is(
    path: Path, make: Callable[[Path], object], said: str
) -> None:
    """Nothing that somebody else keeps is overwritten."""
    make(path)
    before = None if path.is_dir() else path.read_bytes()
    with pytest.raises(CheckpointError, match=said) as caught:
        opened(path)
    assert str(path) in str(caught.value)
    assert path.is_dir() or path.read_bytes() == before


def test_a_lock_that_can_not_be_taken_is_no_other_process(path: Path) -> None:
    """What is wrong with it is said."""
    opened(path).close()
    [lock] = path.parent.glob("*.lock")
    lock.write_bytes(b"not a database, but some text " * 100)
    with pytest.raises(CheckpointError, match="no file of checkpoints"):
        opened(path)


def test_what_can_not_be_written_is_told_and_what_was_kept_stays(path: Path) -> None:
    """As on a full disk."""
    with opened(path) as checkpoints:
        checkpoints.keep("a", LOW)
        checkpoints._database.execute("PRAGMA query_only = ON")
        with pytest.raises(CheckpointError, match="can not be used: attempt to write a readonly database"):
            checkpoints.keep("a", HIGH)
        checkpoints._database.execute("PRAGMA query_only = OFF")
        assert checkpoints.position() == Position({"a": after(LOW)}, frozenset())
        checkpoints.keep("a", HIGH)
        assert checkpoints.position() == Position({"a": after(HIGH)}, frozenset())


# Misuse


def test_what_is_closed_says_so(path: Path) -> None:
    """And nothing is said against the file. It may be closed twice."""
    checkpoints = opened(path)
    checkpoints.close()
    checkpoints.close()
    for use in (checkpoints.position, lambda: checkpoints.keep("a", LOW), lambda: checkpoints.kept_at):
        with pytest.raises(
            CheckpointError, match=r"are misused .*closed.*: use them in the thread that made them"
        ):
            use()


def test_another_thread_is_told_that_it_is_one(path: Path) -> None:
    """And takes nothing away from the one that may use them."""
    with opened(path) as checkpoints, ThreadPoolExecutor(1) as another:
        checkpoints.keep("a", LOW)
        uses: list[Callable[[], object]] = [
            checkpoints.position,
            lambda: checkpoints.keep("a", HIGH),
            checkpoints.close,
        ]
        for use in uses:
            with pytest.raises(
                CheckpointError, match=r"are misused .*thread.*: use them in the thread that made them"
            ):
                another.submit(use).result()
        assert checkpoints.position() == Position({"a": after(LOW)}, frozenset())
        with pytest.raises(CheckpointError, match="is run by process"):
            opened(path)
    opened(path).close()


# Other processes

KEEPER = """
import os, signal, sys
from headwater.mapping.checkpoints import Checkpoints
from headwater.mapping.lineage import TRIM_HORIZON, Lineage, ListedShard, Position, Start

path, mapping, stream_arn = sys.argv[1:]
checkpoints = Checkpoints(path, mapping=mapping, stream_arn=stream_arn)
"""
FORKS = """
if os.fork():
    print("open", flush=True)
sys.stdin.read()
"""
COUNTS = """
number = 999_999_999_999_999_999_990
while True:
    number += 1
    checkpoints.keep("a", str(number))
    print(number, flush=True)
"""
DIES = """
left = int(os.environ["STATEMENTS"])
def executed(statement):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
checkpoints._database.set_trace_callback(executed)
checkpoints.start(Position({"b": Start("AT_TIMESTAMP", since=1.0)}, frozenset(["c", "d"])))
checkpoints.keep("a", "1" + 21 * "0")
checkpoints.finish("a")
print("all is kept")
"""


@contextmanager
def another_process(
    path: Path, code: str, mapping: str = "orders", **env: str
) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", KEEPER + code, str(path), mapping, STREAM_ARN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)} | env,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_mapping_that_runs_is_refused_to_others_until_it_ends(path: Path) -> None:
    """They are told which process it is; when that is killed its lock is gone, though a process that it started lives on."""
    with another_process(path, FORKS) as process:
        assert line(process) == "open"
        said = f"mapping 'orders' of .* is run by process {process.pid} on {socket.gethostname()}"
        with pytest.raises(CheckpointError, match=said):
            opened(path)
        opened(path, "other").close()
        process.send_signal(signal.SIGKILL)
        process.wait()
        opened(path).close()


def test_a_mapping_is_refused_within_one_process_too(path: Path) -> None:
    """A second one in the same program would handle each record twice as well."""
    with opened(path), pytest.raises(CheckpointError, match=f"run by process {os.getpid()}"):
        opened(path)
    opened(path).close()


def test_a_mapping_is_refused_by_another_name_of_the_file_too(path: Path) -> None:
    """A link to it, and one to its folder."""
    folder = path.with_name("folder")
    folder.symlink_to(path.parent, target_is_directory=True)
    link = path.with_name("link.db")
    link.symlink_to(path)
    for first, second in ((path, link), (link, path), (link, folder / "link.db")):
        with opened(first), pytest.raises(CheckpointError, match=f"run by process {os.getpid()}"):
            opened(second)


def test_a_link_that_leads_nowhere_is_refused(path: Path) -> None:
    """As a file that can not be opened."""
    path.symlink_to(path)
    with pytest.raises(CheckpointError, match="can not be used"):
        opened(path)


def test_a_lock_of_a_process_that_has_not_said_its_name_is_one_as_well(path: Path) -> None:
    """It has it before it writes who it is."""
    with opened(path) as checkpoints:
        checkpoints._database.execute("DELETE FROM mappings")
        with pytest.raises(CheckpointError, match="run by another process: two at once"):
            opened(path)


def test_two_mappings_write_to_one_file_at_the_same_time(path: Path) -> None:
    """Neither fails, and both keep what is theirs."""
    with another_process(path, COUNTS, "one") as one, another_process(path, COUNTS, "two") as two:
        shown = [[line(process) for _ in range(50)] for process in (one, two)]
    assert [lines[-1] for lines in shown] == [f"{999_999_999_999_999_999_990 + 50}"] * 2
    for mapping in ("one", "two"):
        with opened(path, mapping) as checkpoints:
            assert checkpoints.position() is not None


def test_a_process_that_is_killed_while_it_writes_has_kept_all_that_it_said(path: Path) -> None:
    """Time and again, at whatever point it is: the position is the last that was said to be kept, or the one after it."""
    for lines in range(1, 12):
        with another_process(path, COUNTS) as process:
            said = [line(process) for _ in range(lines)]
            process.send_signal(signal.SIGKILL)
            assert process.stdout is not None
            said += process.stdout.read().split()
            process.wait()
        with opened(path) as checkpoints:
            position = checkpoints.position()
            assert position is not None
            kept = position.starts["a"].sequence_number
            assert kept is not None
            assert int(kept) - int(said[-1]) in (0, 1)
            checkpoints.forget()


def test_a_process_that_is_killed_at_any_statement_has_kept_all_of_a_change_or_nothing(path: Path) -> None:
    """Above all the start: half of it would have shards begin at their oldest record."""
    start = Position({"b": Start("AT_TIMESTAMP", since=1.0)}, frozenset("cd"))
    changes = [
        None,
        start,
        Position({**start.starts, "a": after("1" + 21 * "0")}, start.finished),
        Position(start.starts, start.finished | {"a"}),
    ]
    found, said, statement = [], "", 0
    while not said:
        statement += 1
        with another_process(path, DIES, STATEMENTS=str(statement)) as process:
            said = line(process)
        with opened(path) as checkpoints:
            found.append(changes.index(checkpoints.position()))
            checkpoints.forget()
    assert found == sorted(found)
    assert set(found) == {0, 1, 2, 3}
