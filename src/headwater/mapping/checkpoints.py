"""How far a mapping is in a stream, kept in a file, so that it goes on there when it is started again.

The file is a SQLite database. Each change is one transaction, which counts when it is on the disk: a process that is
killed, and a machine that stops, leave the file as it was before the change or after it. SQLite's rollback journal is used
for that, with `synchronous=FULL`. Its write-ahead log would be faster, and needs memory that processes share through the
file's folder, which does not work in every folder that is mounted into a container.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Self

from headwater.errors import HeadwaterError
from headwater.mapping import statements
from headwater.mapping.lineage import TRIM_HORIZON, Position, Start

_PATIENCE_SECONDS: Final = 30.0
"""For another mapping that is just writing to the same file."""

_RETENTION_SECONDS: Final = 86_400.0
"""For so long a stream keeps a record."""


class CheckpointError(HeadwaterError):
    """Positions can not be read or kept: the file is no use, another process runs the same mapping, or they are misused."""


class Checkpoints:
    """The positions of one mapping in one stream, in a file.

    While it is open, no other process can open the same mapping of the same stream; other mappings can be in the same file.
    The lock is the operating system's, on an empty file beside it, so it ends with the process, however that ends.

    It is for the thread that made it, and no use in a forked process.
    """

    def __init__(self, path: str | os.PathLike[str], *, mapping: str, stream_arn: str) -> None:
        """Open the file, or make it.

        Args:
            path: The file. The locks are beside it, in files whose names begin with its name.
            mapping: A name for what reads the stream, such as the function's: each has positions of its own.
            stream_arn: The stream.

        Raises:
            CheckpointError: When another process has this mapping open, or the file is broken, of another program, or can
                not be written.
        """
        # The locks are beside the file itself, whichever link leads to it.
        self._path = Path(os.path.realpath(path))
        self._key = (mapping, stream_arn)
        with ExitStack() as opened:
            with self._errors():
                self._database = opened.enter_context(
                    closing(sqlite3.connect(self._path, timeout=_PATIENCE_SECONDS, isolation_level=None))
                )
            self._prepare()
            self._lock = opened.enter_context(closing(self._take_lock()))
            process = (os.getpid(), socket.gethostname(), time.time())
            with self._transaction():
                self._database.execute(statements.NOTE_PROCESS, (*self._key, *process))
            opened.pop_all()

    def position(self) -> Position | None:
        """What is kept of this mapping.

        Returns:
            Its position; `None` when it was never started.

        Raises:
            CheckpointError: When the file can not be read.
        """
        started, rows = self._rows(statements.STARTED)[0][0], self._rows(statements.SHARDS)
        if not started and not rows:
            return None
        return Position(
            {shard_id: _start(number, since) for shard_id, number, since, finished in rows if not finished},
            frozenset(shard_id for shard_id, _, _, finished in rows if finished),
        )

    @property
    def kept_at(self) -> float | None:
        """When a position was kept last, in seconds since 1970; `None` when none was.

        A stream keeps its records for a day: when this is longer ago, some may never have been read.
        """
        updated: float | None = self._rows(statements.UPDATED)[0][0]
        return updated

    def start(self, position: Position) -> None:
        """Keep where the mapping starts, all at once, unless it was started before.

        Args:
            position: `Lineage.position` right after the first listing.

        Raises:
            CheckpointError: When the file can not be written.
        """
        with self._transaction():
            if self._database.execute(statements.STARTED, self._key).fetchone()[0]:
                return
            for shard_id, start in position.starts.items():
                self._put(shard_id, start.sequence_number, start.since, finished=False)
            for shard_id in position.finished:
                self._put(shard_id, None, None, finished=True)
            self._database.execute(statements.SET_STARTED, (1, *self._key))

    def keep(self, shard_id: str, sequence_number: str) -> None:
        """Keep that all records of a shard up to one are settled. A position never moves backwards.

        Args:
            shard_id: The shard.
            sequence_number: Of the last record that is settled.

        Raises:
            ValueError: When this is no sequence number.
            CheckpointError: When the file can not be written. What was kept before still is.
        """
        if not (sequence_number.isascii() and sequence_number.isdecimal()):
            raise ValueError(f"a sequence number is all digits, and {sequence_number!r} is not")
        with self._transaction():
            kept, since, finished = self._shard(shard_id)
            if not finished and (kept is None or int(kept) < int(sequence_number)):
                self._put(shard_id, sequence_number, since, finished=False)

    def finish(self, shard_id: str) -> None:
        """Keep that all of a shard is settled, and nothing more comes in it.

        Args:
            shard_id: The shard.

        Raises:
            CheckpointError: When the file can not be written. What was kept before still is.
        """
        with self._transaction():
            kept, since, _ = self._shard(shard_id)
            self._put(shard_id, kept, since, finished=True)

    def prune(self, listed: Collection[str]) -> None:
        """Forget the finished shards that the stream does not list any more: nothing waits for a parent like that.

        What was finished within the last day stays: should a listing lack a shard that the next one has, all of it would be
        read anew. So does what was kept last, for `kept_at`.

        Args:
            listed: The names of all shards in the last listing.

        Raises:
            CheckpointError: When the file can not be written.
        """
        execute, names = self._database.execute, frozenset(listed)
        with self._transaction():
            kept_at = execute(statements.UPDATED, self._key).fetchone()[0] or 0.0
            before = min(kept_at, time.time() - _RETENTION_SECONDS)
            for (shard_id,) in execute(statements.FINISHED_BEFORE, (*self._key, before)).fetchall():
                if shard_id not in names:
                    execute(statements.FORGET_SHARD, (*self._key, shard_id))

    def forget(self) -> None:
        """Forget all that is kept of this mapping: then it starts at its starting position.

        Raises:
            CheckpointError: When the file can not be written.
        """
        with self._transaction():
            self._database.execute(statements.FORGET, self._key)
            self._database.execute(statements.SET_STARTED, (0, *self._key))

    def close(self) -> None:
        """Let others open the mapping. All that was kept is on the disk already.

        Raises:
            CheckpointError: In another thread than the one that made it; it is open then as before.
        """
        with self._errors():
            self._database.close()
            self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Checkpoints({str(self._path)!r}, mapping={self._key[0]!r}, stream_arn={self._key[1]!r})"

    def _prepare(self) -> None:
        """Make the tables in a new file, and look at one that was there."""
        with self._transaction():
            execute = self._database.execute
            [application], [version], [tables] = (
                execute(question).fetchone()
                for question in (
                    "PRAGMA application_id",
                    "PRAGMA user_version",
                    "SELECT count(*) FROM sqlite_master",
                )
            )
            if not application and not tables:
                for statement in statements.NEW_FILE:
                    execute(statement)
            elif application != statements.APPLICATION:
                raise CheckpointError(
                    f"{self._path} is a database of another program: name another file for checkpoints"
                )
            elif version != statements.FORMAT:
                raise CheckpointError(
                    f"{self._path} is in format {version}, which this version of Headwater does not know: use the one that "
                    "wrote it, or name another file for checkpoints"
                )
            elif (found := execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
                raise sqlite3.DatabaseError(" ".join(found.split()))

    def _take_lock(self) -> sqlite3.Connection:
        """Hold a transaction, which writes nothing, in an empty database: on every platform that is a lock."""
        name = sha256("\0".join(self._key).encode()).hexdigest()[:16]
        with self._errors():
            lock = sqlite3.connect(
                self._path.with_name(f"{self._path.name}.{name}.lock"), timeout=0.0, isolation_level=None
            )
        try:
            with self._errors():
                lock.execute("PRAGMA journal_mode = MEMORY")
                lock.execute("BEGIN EXCLUSIVE")
        except CheckpointError as error:
            lock.close()
            if _is_busy(error.__cause__):
                raise self._refusal() from None
            raise
        return lock

    def _refusal(self) -> CheckpointError:
        who = "another process"
        for pid, host, opened in self._rows(statements.PROCESS):
            who = (
                f"process {pid} on {host}, since {datetime.fromtimestamp(opened, UTC):%Y-%m-%d %H:%M:%S} UTC"
            )
        mapping, stream_arn = self._key
        return CheckpointError(
            f"the mapping {mapping!r} of {stream_arn} is run by {who}: two at once would handle each record twice; stop that "
            "one, or give this one another name"
        )

    def _rows(self, question: str) -> list[Any]:
        with self._errors():
            return self._database.execute(question, self._key).fetchall()

    def _shard(self, shard_id: str) -> tuple[str | None, float | None, bool]:
        row = self._database.execute(statements.SHARD, (*self._key, shard_id)).fetchone()
        return row or (None, None, False)

    def _put(self, shard_id: str, number: str | None, since: float | None, *, finished: bool) -> None:
        self._database.execute(
            statements.PUT_SHARD, (*self._key, shard_id, number, since, finished, time.time())
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing of what is written inside."""
        with self._errors(), self._database:
            self._database.execute("BEGIN IMMEDIATE")
            yield

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """SQLite's errors, with the file and with what to do."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise CheckpointError(f"the checkpoints in {self._path} can not be used: {error}") from error
        except sqlite3.ProgrammingError as error:
            raise CheckpointError(
                f"the checkpoints in {self._path} are misused ({error}): use them in the thread that made them, until they "
                "are closed"
            ) from error
        except sqlite3.DatabaseError as error:
            raise CheckpointError(
                f"{self._path} is no file of checkpoints, or it is broken ({error}): name another file, or move this one "
                "away, and the mapping begins at its starting position"
            ) from error


def _start(number: str | None, since: float | None) -> Start:
    if number is not None:
        return Start("AFTER_SEQUENCE_NUMBER", number)
    return TRIM_HORIZON if since is None else Start("AT_TIMESTAMP", since=since)


def _is_busy(error: BaseException | None) -> bool:
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY
