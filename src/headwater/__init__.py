"""Typed handlers for DynamoDB Streams on AWS Lambda, with checkpoints that lose nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.answers import Answer
from headwater.app import BatchResult, StreamApp, stream_handler
from headwater.attributes import Attr, Key
from headwater.changes import Change
from headwater.conditions import Condition
from headwater.context import LambdaContext
from headwater.entities import Entities
from headwater.errors import (
    ConditionError,
    DeclarationError,
    DecodeError,
    HandlerError,
    HeadwaterError,
    MalformedRecordError,
    MissingImageError,
    SourceError,
    Violation,
    WireValueError,
)
from headwater.explanations import Explanation
from headwater.guards import loop_guard, only_changed
from headwater.models import decode
from headwater.outcomes import Failed, Handled, Outcome, Skipped, Withheld
from headwater.records import Insert, Modify, Record, Remove
from headwater.routes import Route
from headwater.routing import Router
from headwater.sources import BatchResponse
from headwater.streams import UserIdentity
from headwater.values import to_python, to_wire

__all__ = [
    "Answer",
    "Attr",
    "BatchResponse",
    "BatchResult",
    "Change",
    "Condition",
    "ConditionError",
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
    "MalformedRecordError",
    "MissingImageError",
    "Modify",
    "Outcome",
    "Record",
    "Remove",
    "Route",
    "Router",
    "Skipped",
    "SourceError",
    "StreamApp",
    "UserIdentity",
    "Violation",
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
