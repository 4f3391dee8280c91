"""Typed handlers for DynamoDB Streams on AWS Lambda, with checkpoints that lose nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.answers import Answer
from headwater.app import StreamApp, stream_handler
from headwater.attributes import Attr, Key
from headwater.changes import Change
from headwater.conditions import Condition
from headwater.context import LambdaContext
from headwater.dead_letters import DeadLetter, DeadLetterSink
from headwater.entities import Entities
from headwater.errors import (
    ConditionError,
    DeadLetterError,
    DeadlineError,
    DeclarationError,
    DecodeError,
    HandlerError,
    HeadwaterError,
    MalformedRecordError,
    MiddlewareError,
    MissingImageError,
    SourceError,
    Violation,
    WireValueError,
)
from headwater.events import BatchFinished, BatchStarted, Observer, RecordFinished, RecordStarted
from headwater.explanations import Explanation
from headwater.guards import loop_guard, only_changed
from headwater.ledger import Ledger, MemoryLedger
from headwater.middleware import CallNext
from headwater.models import decode
from headwater.outcomes import DeadLettered, Failed, Handled, Outcome, Skipped, Withheld
from headwater.records import Insert, Modify, Record, Remove
from headwater.results import BatchResult
from headwater.routes import Route
from headwater.routing import Router
from headwater.sources import BatchResponse
from headwater.streams import UserIdentity
from headwater.values import to_python, to_wire
from headwater.verdicts import Reject, Skip
from headwater.windows import Window

__all__ = [
    "Answer",
    "Attr",
    "BatchFinished",
    "BatchResponse",
    "BatchResult",
    "BatchStarted",
    "CallNext",
    "Change",
    "Condition",
    "ConditionError",
    "DeadLetter",
    "DeadLetterError",
    "DeadLetterSink",
    "DeadLettered",
    "DeadlineError",
    "DeclarationError",
    "DecodeError",
    "Entities",
    "Explanation",
    "Failed",
    "Handled",
    "HandlerError",
    "HeadwaterError",
    "Insert",
    "Key",
    "LambdaContext",
    "Ledger",
    "MalformedRecordError",
    "MemoryLedger",
    "MiddlewareError",
    "MissingImageError",
    "Modify",
    "Observer",
    "Outcome",
    "Record",
    "RecordFinished",
    "RecordStarted",
    "Reject",
    "Remove",
    "Route",
    "Router",
    "Skip",
    "Skipped",
    "SourceError",
    "StreamApp",
    "UserIdentity",
    "Violation",
    "Window",
    "WireValueError",
    "Withheld",
    "decode",
    "loop_guard",
    "only_changed",
    "stream_handler",
    "to_python",
    "to_wire",
]


if TYPE_CHECKING:
    __version__: str
else:  # to a type checker, a __getattr__ would make a str of every misspelt name

    def __getattr__(name: str) -> str:
        """Look the version up when somebody asks, since that reads from disk."""
        if name == "__version__":
            from importlib.metadata import version

            return version("headwater")
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
