"""Telling what happens: the log, which every app has, and the observers that an app is given."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from headwater.outcomes import DeadLettered, Failed
from headwater.sources import RawRecord
from headwater.streams import table_of

if TYPE_CHECKING:
    from headwater.events import Event, Observer

LOGGER: Final = logging.getLogger("headwater")
"""There from the import on, so that who sets up the loggers that there are finds it. Lambda has loaded `logging` by then."""


class Observers:
    """Those who are told. What one of them raises is logged once, and changes nothing."""

    def __init__(self, observers: Iterable[Observer]) -> None:
        self._observers = tuple(observers)
        self._failed: set[int] = set()

    def __bool__(self) -> bool:
        return bool(self._observers)

    def tell(self, event: Event) -> None:
        """Tell all of them: of an end in the other order, since one that was told first of a start stands around."""
        from headwater.events import BatchFinished, RecordFinished

        told = list(enumerate(self._observers))
        ends = isinstance(event, RecordFinished | BatchFinished)
        for position, observer in reversed(told) if ends else told:
            try:
                observer(event)
            except Exception:
                if position not in self._failed:
                    self._failed.add(position)
                    with contextlib.suppress(Exception):
                        LOGGER.exception(
                            "observer %r raised at %s; this is said once, and no record is affected",
                            observer,
                            type(event).__name__,
                        )


def log_failure(raw: RawRecord, identifier: str, outcome: Failed | DeadLettered) -> None:
    """Log a failed record with where it is and what was raised.

    The fields are attributes of the log record (`table`, `keys` in wire form, `sequence_number`, `phase`, `route`,
    `exception_name`), for JSON formatters, and the text has them too, for people.

    Args:
        raw: The record, which a handler may have changed.
        identifier: What named it before any handler ran.
        outcome: What became of it.
    """
    try:
        _log_with_fields(raw, outcome)
    except Exception:
        # A field that the user's own logging takes for itself, a filter that raises, a record that was emptied: the
        # checkpoint matters more than the log.
        with contextlib.suppress(Exception):
            LOGGER.exception(
                "record %s failed in phase %s", identifier, outcome.phase, exc_info=outcome.error
            )


def _log_with_fields(raw: RawRecord, outcome: Failed | DeadLettered) -> None:
    from headwater.tracebacks import since_user_code  # with the first failure

    stream = raw["dynamodb"]
    error = outcome.error
    exception = type(error).__name__
    aside = f", attempt {outcome.attempts}, and is put aside" if isinstance(outcome, DeadLettered) else ""
    LOGGER.error(
        "record %s of table %s failed in phase %s%s%s: %s",
        stream.get("SequenceNumber"),
        table_of(raw) or "?",
        outcome.phase,
        f" of {outcome.route}" if outcome.route else "",
        aside,
        exception,
        exc_info=None if error is None else (type(error), error, since_user_code(error)),
        extra={
            "table": table_of(raw),
            "keys": stream.get("Keys"),
            "sequence_number": stream.get("SequenceNumber"),
            "phase": outcome.phase,
            "route": outcome.route,
            "exception_name": exception,
        },
    )


def log_last_attempt(identifier: str, attempts: int, max_attempts: int) -> None:
    """Warn that the next failure of a record puts it aside."""
    _warn(
        "record %s has failed %s of max_attempts=%s times: it is put aside when it fails again. "
        "Lambda must not give up before: see MaximumRetryAttempts",
        identifier,
        attempts,
        max_attempts,
    )


def log_ledger(action: str, error: Exception) -> None:
    """Warn that the ledger can not be reached: what it would have saved is repeated."""
    _warn(
        "the ledger could not %s (%s: %s): records may run again that are done; none is lost. This is said once",
        action,
        type(error).__name__,
        error,
    )


def log_no_routes() -> None:
    """Warn that an app without routes acknowledges every record unread."""
    LOGGER.warning("this app has no routes: every record is acknowledged unread. Is an include() missing?")


def _warn(text: str, *values: object) -> None:
    with contextlib.suppress(Exception):  # a logger that raises must not cost the checkpoint
        LOGGER.warning(text, *values)
