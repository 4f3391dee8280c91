"""What a file of checkpoints is told and asked, in SQL."""

from __future__ import annotations

from typing import Final

APPLICATION: Final = 0x48656164
"""In the head of the file: it is one of these, and of no other program."""

FORMAT: Final = 1
"""Also in its head: of the tables that are made here."""

_MAPPINGS: Final = (
    "CREATE TABLE mappings (mapping TEXT NOT NULL, stream_arn TEXT NOT NULL, started INTEGER NOT NULL DEFAULT 0, "
    "pid INTEGER NOT NULL, host TEXT NOT NULL, opened REAL NOT NULL, PRIMARY KEY (mapping, stream_arn)) WITHOUT ROWID"
)
_SHARDS: Final = (
    "CREATE TABLE shards (mapping TEXT NOT NULL, stream_arn TEXT NOT NULL, shard_id TEXT NOT NULL, "
    "sequence_number TEXT CHECK (sequence_number NOT GLOB '*[^0-9]*'), since REAL, "
    "finished INTEGER NOT NULL DEFAULT 0, updated REAL NOT NULL, "
    "PRIMARY KEY (mapping, stream_arn, shard_id)) WITHOUT ROWID"
)
NEW_FILE: Final = (
    _MAPPINGS,
    _SHARDS,
    f"PRAGMA application_id = {APPLICATION}",
    f"PRAGMA user_version = {FORMAT}",
)

NOTE_PROCESS: Final = (
    "INSERT INTO mappings (mapping, stream_arn, pid, host, opened) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT DO UPDATE SET pid = excluded.pid, host = excluded.host, opened = excluded.opened"
)
PROCESS: Final = "SELECT pid, host, opened FROM mappings WHERE mapping = ? AND stream_arn = ?"
STARTED: Final = "SELECT started FROM mappings WHERE mapping = ? AND stream_arn = ?"
SET_STARTED: Final = "UPDATE mappings SET started = ? WHERE mapping = ? AND stream_arn = ?"
SHARDS: Final = "SELECT shard_id, sequence_number, since, finished FROM shards WHERE mapping = ? AND stream_arn = ? ORDER BY shard_id"
SHARD: Final = "SELECT sequence_number, since, finished FROM shards WHERE mapping = ? AND stream_arn = ? AND shard_id = ?"
PUT_SHARD: Final = (
    "INSERT OR REPLACE INTO shards (mapping, stream_arn, shard_id, sequence_number, since, finished, updated) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)"
)
FINISHED_BEFORE: Final = (
    "SELECT shard_id FROM shards WHERE mapping = ? AND stream_arn = ? AND finished AND updated < ?"
)
FORGET_SHARD: Final = "DELETE FROM shards WHERE mapping = ? AND stream_arn = ? AND shard_id = ?"
FORGET: Final = "DELETE FROM shards WHERE mapping = ? AND stream_arn = ?"
UPDATED: Final = "SELECT max(updated) FROM shards WHERE mapping = ? AND stream_arn = ?"
