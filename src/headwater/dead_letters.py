"""Dead letters: a record that was put aside, with all that is needed to understand it and to run it again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol, TypeAlias, runtime_checkable

from headwater.context import text_in
from headwater.errors import DeadLetterError, MissingImageError, Phase, SourceError
from headwater.outcomes import Failed
from headwater.returned import unfinished
from headwater.sources import RawRecord
from headwater.streams import table_of, text_of
from headwater.tracebacks import since_user_code
from headwater.verdicts import Reject

VERSION: Final = 1
"""Of the stored form, as in its JSON Schema."""

_NOT_THE_RECORDS_FAULT: Final = (MissingImageError, SourceError)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A record that was put aside.

    Attributes:
        record: The record as it came. A handler that changes `record.raw` changes it here too.
        event_id: The identifier of the change; empty when the record has none.
        sequence_number: What named it to its source.
        table: The table's name; empty when the record does not say.
        stream_arn: The stream it came from; empty when the record does not say.
        phase: In which step it failed.
        route: The name of the route it failed in; `None` when none was reached.
        routes_done: The names of the routes that had returned.
        error_type: The class of what was raised, as in `builtins.ValueError`.
        error_message: Its text, which can quote the item.
        traceback_digest: Equal for failures that came the same way: 16 hexadecimal digits.
        attempts: In how many invocations it has failed.
        function_arn: Of the function, with the version or alias that was invoked; empty outside of Lambda.
        request_id: Of the invocation; empty outside of Lambda.
        time: When it was put aside, in UTC.
    """

    record: Mapping[str, Any]
    event_id: str
    sequence_number: str
    table: str
    stream_arn: str
    phase: Phase
    route: str | None
    routes_done: tuple[str, ...]
    error_type: str
    error_message: str
    traceback_digest: str
    attempts: int
    function_arn: str
    request_id: str
    time: datetime

    def to_json(self) -> dict[str, Any]:
        """The stored form: what JSON can write, as the published JSON Schema describes it."""
        return {
            "version": VERSION,
            "eventId": self.event_id,
            "sequenceNumber": self.sequence_number,
            "table": self.table,
            "streamArn": self.stream_arn,
            "error": {
                "type": self.error_type,
                "message": self.error_message,
                "tracebackDigest": self.traceback_digest,
                "phase": self.phase,
                "route": self.route,
            },
            "routesDone": list(self.routes_done),
            "attempts": self.attempts,
            "functionArn": self.function_arn,
            "requestId": self.request_id,
            "time": self.time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "record": self.record,
        }


@runtime_checkable
class DeadLetterSink(Protocol):
    """Where dead letters are stored. What it raises leaves the records unacknowledged."""

    def store(self, letters: Sequence[DeadLetter], /) -> Awaitable[object] | object:
        """Store dead letters, all of them or raise. One that was stored before may come again.

        Args:
            letters: At least one, in the order in which they were put aside.
        """
        ...


Sink: TypeAlias = DeadLetterSink | Callable[[DeadLetter], object]
"""A sink, or a plain or async function that stores one dead letter, or raises."""


@dataclass(frozen=True, slots=True)
class DeadLetterPolicy:
    """Which failures are put aside, and where.

    Attributes:
        sink: Where they are stored.
        max_attempts: A record that has failed in so many invocations is put aside; `None` for no such limit.
        permanent: What is put aside at once when a handler raises it.
        hold_item: Whether later records of its item are put aside behind it.
    """

    sink: Sink
    max_attempts: int | None = None
    permanent: tuple[type[Exception], ...] = ()
    hold_item: bool = False

    def wants(self, failed: Failed, attempts: int) -> bool:
        """Whether a failure is put aside now.

        What can not be read or decoded never will be. A missing image or a wrong source is no fault of the record, but of
        the settings, so it counts as any other failure.
        """
        if isinstance(failed.error, (Reject, *self.permanent)):
            return True
        if failed.phase in ("record", "decode") and not isinstance(failed.error, _NOT_THE_RECORDS_FAULT):
            return True
        return self.max_attempts is not None and attempts >= self.max_attempts

    @property
    def groups(self) -> bool:
        """Whether the sink stores several letters at once."""
        return isinstance(self.sink, DeadLetterSink)

    def store(self, letters: Sequence[DeadLetter]) -> object:
        """Hand letters to the sink, to a function just one; what comes back may have to be awaited."""
        if isinstance(self.sink, DeadLetterSink):
            return self.sink.store(letters)
        [letter] = letters
        return self.sink(letter)


def refuse_unfinished(returned: object) -> None:
    """Refuse what a sink returned, when it can not count as stored.

    Raises:
        DeadLetterError: When it is a generator or a future.
    """
    if (what := unfinished(returned)) is not None:
        raise DeadLetterError(f"the dead-letter sink returned {what}")


def write_letter(  # noqa: PLR0913, PLR0917 - what is known of a record and its failure
    raw: RawRecord,
    original: RawRecord,
    identifier: str,
    failed: Failed,
    attempts: int,
    done: Iterable[str],
    context: object,
) -> DeadLetter:
    """A dead letter for a record that has just failed.

    Args:
        raw: The record in the form of a stream event.
        original: The record as it came, where that is in another form.
        identifier: What names it to its source.
        failed: How it failed.
        attempts: In how many invocations.
        done: The names of the routes that have returned.
        context: The Lambda context, if there is one.
    """
    return DeadLetter(
        record=original,
        event_id=text_of(raw.get("eventID")),
        sequence_number=identifier,
        table=table_of(raw),
        stream_arn=text_of(raw.get("eventSourceARN")),
        phase=failed.phase,
        route=failed.route,
        routes_done=tuple(done),
        error_type=f"{type(failed.error).__module__}.{type(failed.error).__qualname__}",
        error_message=_message(failed.error),
        traceback_digest=digest_traceback(failed.error),
        attempts=attempts,
        function_arn=text_in(context, "invoked_function_arn"),
        request_id=text_in(context, "aws_request_id"),
        time=datetime.now(tz=UTC),
    )


def digest_traceback(error: BaseException) -> str:
    """A short text that is equal for errors of one class raised by the same functions on the same way.

    Line numbers are left out, so that a new version of the code does not make a new failure of an old one.
    """
    from hashlib import blake2b

    way = [f"{type(error).__module__}.{type(error).__qualname__}"]
    frames = since_user_code(error)
    while frames is not None:
        code = frames.tb_frame
        way.append(f"{code.f_globals.get('__name__')}.{code.f_code.co_qualname}")
        frames = frames.tb_next
    return blake2b("\n".join(way).encode(errors="replace"), digest_size=8).hexdigest()


def _message(error: Exception) -> str:
    try:
        return str(error)
    except Exception as failure:  # an error that can not say what it is must not cost the letter
        return f"(its text could not be made: {type(failure).__name__})"
