"""Dead letters of several lanes on their way to one sink: those that come while it is busy go together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from headwater.dead_letters import DeadLetter, DeadLetterPolicy, refuse_unfinished
from headwater.errors import DeadLetterError
from headwater.returned import awaited
from headwater.workers import Result, Workers, unpack


class Postbox:
    """Stores letters through a sink, one call after another."""

    def __init__(self, policy: DeadLetterPolicy, workers: Workers) -> None:
        self._policy = policy
        self._workers = workers
        self._waiting: list[tuple[DeadLetter, asyncio.Future[Result]]] = []
        self._emptying: asyncio.Task[None] | None = None

    async def post(self, letter: DeadLetter) -> None:
        """Store a letter, and return when it is stored. Raises what the sink raises."""
        stored: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((letter, stored))
        if self._emptying is None:
            self._emptying = asyncio.create_task(self._empty())
        unpack(await stored)

    async def _empty(self) -> None:
        while self._waiting:
            taken, self._waiting = self._waiting, []
            error = await self._store([letter for letter, _ in taken])
            for letter, stored in taken:
                if not stored.done():  # who posted it may have been stopped
                    stored.set_result((None, error if _concerns(error, letter) else None))
        self._emptying = None

    async def _store(self, letters: Sequence[DeadLetter]) -> BaseException | None:
        try:
            call = self._workers.submit(self._policy.store, letters)
            refuse_unfinished(await awaited(unpack(await asyncio.wrap_future(call))))
        except BaseException as error:
            return error
        return None


def _concerns(error: BaseException | None, letter: DeadLetter) -> bool:
    """Whether a letter is not stored: an error can name those that it is about."""
    if isinstance(error, DeadLetterError) and error.not_stored:
        return letter.sequence_number in error.not_stored
    return error is not None
