"""What Headwater says in the log: one structured line for each failure, and never an item's content."""

from __future__ import annotations

import contextlib
import logging
from types import TracebackType
from typing import Final

from headwater.outcomes import Failed
from headwater.sources import RawRecord
from headwater.streams import parse_arn

LOGGER: Final = logging.getLogger("headwater")

_MACHINERY: Final = ("headwater", "asyncio", "concurrent", "threading")
"""Packages whose frames lead to a handler and say nothing about why it failed."""


def log_failure(raw: RawRecord, identifier: str, failed: Failed) -> None:
    """Log a failed record with where it is and what was raised.

    The fields are attributes of the log record (`table`, `keys` in wire form, `sequence_number`, `phase`, `route`,
    `exception`), for JSON formatters, and the text has them too, for people.

    Args:
        raw: The record, which a handler may have changed.
        identifier: What named it before any handler ran.
        failed: What became of it.
    """
    try:
        _log_with_fields(raw, failed)
    except Exception:
        # A field that the user's own logging takes for itself, a filter that raises, a record that was emptied: the
        # checkpoint matters more than the log.
        with contextlib.suppress(Exception):
            LOGGER.exception("record %s failed in phase %s", identifier, failed.phase, exc_info=failed.error)


def _since_user_code(error: Exception) -> TracebackType | None:
    """The traceback from the first line of the user's own on; all of it where there is none."""
    frames = error.__traceback__
    while frames is not None:
        if frames.tb_frame.f_globals.get("__name__", "").partition(".")[0] not in _MACHINERY:
            return frames
        frames = frames.tb_next
    return error.__traceback__


def _log_with_fields(raw: RawRecord, failed: Failed) -> None:
    stream = raw["dynamodb"]
    table = parse_arn(str(raw.get("eventSourceARN"))).table_name
    exception = type(failed.error).__name__
    LOGGER.error(
        "record %s of table %s failed in phase %s%s: %s",
        stream.get("SequenceNumber"),
        table or "?",
        failed.phase,
        f" of {failed.route}" if failed.route else "",
        exception,
        exc_info=(type(failed.error), failed.error, _since_user_code(failed.error)),
        extra={
            "table": table,
            "keys": stream.get("Keys"),
            "sequence_number": stream.get("SequenceNumber"),
            "phase": failed.phase,
            "route": failed.route,
            "exception": exception,
        },
    )


def log_no_routes() -> None:
    """Warn that an app without routes acknowledges every record unread."""
    LOGGER.warning("this app has no routes: every record is acknowledged unread. Is an include() missing?")
