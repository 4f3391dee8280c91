"""Typed handlers for DynamoDB Streams on AWS Lambda, with checkpoints that lose nothing."""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers know it; the module typing takes longer to load than this one
if TYPE_CHECKING:
    from headwater.answers import Answer
    from headwater.app import StreamApp, stream_handler
    from headwater.attributes import Attr, Key
    from headwater.changes import Change
    from headwater.conditions import Condition
    from headwater.context import LambdaContext
    from headwater.dead_letters import DeadLetter, DeadLetterSink
    from headwater.encoding import to_wire
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
    from headwater.values import to_python
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

# Where the names above come from. A module is loaded when one of its names is first asked for, so that a cold start pays
# for what it uses.
_NAMES_OF = {
    "answers": ("Answer",),
    "app": ("StreamApp", "stream_handler"),
    "attributes": ("Attr", "Key"),
    "changes": ("Change",),
    "conditions": ("Condition",),
    "context": ("LambdaContext",),
    "dead_letters": ("DeadLetter", "DeadLetterSink"),
    "encoding": ("to_wire",),
    "entities": ("Entities",),
    "errors": (
        "ConditionError",
        "DeadLetterError",
        "DeadlineError",
        "DeclarationError",
        "DecodeError",
        "HandlerError",
        "HeadwaterError",
        "MalformedRecordError",
        "MiddlewareError",
        "MissingImageError",
        "SourceError",
        "Violation",
        "WireValueError",
    ),
    "events": ("BatchFinished", "BatchStarted", "Observer", "RecordFinished", "RecordStarted"),
    "explanations": ("Explanation",),
    "guards": ("loop_guard", "only_changed"),
    "ledger": ("Ledger", "MemoryLedger"),
    "middleware": ("CallNext",),
    "models": ("decode",),
    "outcomes": ("DeadLettered", "Failed", "Handled", "Outcome", "Skipped", "Withheld"),
    "records": ("Insert", "Modify", "Record", "Remove"),
    "results": ("BatchResult",),
    "routes": ("Route",),
    "routing": ("Router",),
    "sources": ("BatchResponse",),
    "streams": ("UserIdentity",),
    "values": ("to_python",),
    "verdicts": ("Reject", "Skip"),
    "windows": ("Window",),
}
_MODULE_OF = {name: module for module, names in _NAMES_OF.items() for name in names}


if TYPE_CHECKING:
    __version__: str
else:  # to a type checker, a __getattr__ would make something of every misspelt name

    def __getattr__(name: str) -> object:
        """Load a public name when somebody first asks for it, and the version, which is read from disk."""
        if name == "__version__":
            from importlib.metadata import version

            return version("headwater")
        from importlib import import_module

        if name in _NAMES_OF:  # as in `except headwater.errors.HeadwaterError`
            return import_module(f"headwater.{name}")
        if name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"headwater.{_MODULE_OF[name]}"), name)
        globals()[name] = value  # the next one finds it here
        return value

    def __dir__() -> list[str]:
        """What is there and what can be loaded."""
        return sorted({*globals(), *__all__, "__version__"})
