"""Every error that Headwater raises: one root, and with each what happened, where, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal, NamedTuple, TypeAlias

from headwater.paths import Path, Step, format_path

Phase: TypeAlias = Literal[
    "declaration",
    "source",
    "record",
    "condition",
    "decode",
    "handler",
    "middleware",
    "deadline",
    "dead letter",
]
"""In which step of the pipeline something failed.

Declaring a route; recognising the event; reading a record; asking a route's condition; decoding an image; the handler;
a middleware around it; the time that Lambda leaves; storing the record as a dead letter.
"""


class HeadwaterError(Exception):
    """The root of Headwater's errors.

    Attributes:
        phase: In which step of the pipeline it happened.
        sequence_number: Of the record in question, where there is one.
        path: Where in the record, as in `NewImage.Lines[2].Qty`; empty where no place can be named.
    """

    phase: ClassVar[Phase] = "handler"

    def __init__(self, message: str, *, sequence_number: str | None = None, steps: Path = ()) -> None:
        super().__init__(message)
        self.sequence_number = sequence_number
        self._steps = steps

    @property
    def message(self) -> str:
        """What happened and what to do, without the place."""
        return str(self.args[0])

    @property
    def path(self) -> str:
        """The place in the record, as in `NewImage.Lines[2].Qty`."""
        return format_path(self._steps)

    def within(self, *outer: Step) -> None:
        """Prefix the path: called by each container that the error passes on its way up."""
        self._steps = (*outer, *self._steps)

    def __str__(self) -> str:
        place = [f"at {self.path}"] if self._steps else []
        if self.sequence_number is not None:
            place.append(f"in the record with sequence number {self.sequence_number}")
        return f"{self.message} ({', '.join(place)})" if place else self.message


class DeclarationError(HeadwaterError):
    """A route, router or app was declared in a way that could not work; raised at import time of the user's module."""

    phase = "declaration"


class SourceError(HeadwaterError):
    """The event is not a batch of DynamoDB stream records, or holds a record that no response could name."""

    phase = "source"


class MalformedRecordError(HeadwaterError):
    """A record, or a value in one, is not in the form that DynamoDB Streams documents."""

    phase = "record"


class MissingImageError(HeadwaterError):
    """A handler or condition asked for an image that the stream's view type leaves out."""

    phase = "decode"


class ConditionError(HeadwaterError):
    """A route's condition could not be answered with yes or no."""

    phase = "condition"


class HandlerError(HeadwaterError):
    """A handler returned something that can not count as done, such as a generator that never ran."""

    phase = "handler"


class MiddlewareError(HeadwaterError):
    """A middleware returned without having called the handlers, so the record can not count as done."""

    phase = "middleware"


class DeadlineError(HeadwaterError):
    """A handler was not done when the invocation's time was over."""

    phase = "deadline"


class DeadLetterError(HeadwaterError):
    """Dead letters were not stored, so their records stay unacknowledged.

    Attributes:
        not_stored: The sequence numbers of those records.
    """

    phase = "dead letter"

    def __init__(
        self,
        message: str,
        *,
        sequence_number: str | None = None,
        steps: Path = (),
        not_stored: Sequence[str] = (),
    ) -> None:
        super().__init__(message, sequence_number=sequence_number, steps=steps)
        self.not_stored = tuple(not_stored)


def out_of_time() -> DeadlineError:
    """The error of a handler that was stopped."""
    return DeadlineError(
        "the handler was not done when the invocation's time was nearly over: give it a timeout of its own, or the "
        "function more time"
    )


class WireValueError(HeadwaterError, ValueError):
    """A value does not exist in DynamoDB's wire form, or can not be written in it."""

    phase = "decode"


class Violation(NamedTuple):
    """One reason why an image did not fit its model.

    Attributes:
        path: The place in the item, in the item's own attribute names, as in `Lines[2].Qty`.
        type: pydantic's name for the kind of error, as in `int_parsing`.
        message: pydantic's sentence. It can quote the item: keep it out of logs.
    """

    path: str
    type: str
    message: str


class DecodeError(HeadwaterError):
    """An image did not fit the handler's model.

    The error's text names places and kinds only, since it ends up in logs; pydantic's own sentences, which can quote
    the item, are in `violations`.
    """

    phase = "decode"
    violations: tuple[Violation, ...] = ()
