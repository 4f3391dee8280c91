"""How far a record got, as a ledger keeps it from one delivery to the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias


class RecordProgress(NamedTuple):
    """How far one record got.

    Attributes:
        done: The keys of the routes that have returned.
        attempts: In how many invocations it has failed.
        put_aside: Whether a dead-letter sink has stored it.
    """

    done: frozenset[str] = frozenset()
    attempts: int = 0
    put_aside: bool = False

    def merged(self, other: RecordProgress) -> RecordProgress:
        """What both know together."""
        return RecordProgress(
            self.done | other.done, max(self.attempts, other.attempts), self.put_aside or other.put_aside
        )


NOTHING: Final = RecordProgress()
"""Of a record that is delivered for the first time."""

Progress: TypeAlias = Mapping[str, RecordProgress]
"""By a record's identity, 24 hexadecimal digits, how far it got."""
