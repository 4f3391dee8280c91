"""The event source mapping, on this machine: what stands between a stream and the function.

Settings, as AWS has them, are an `EventSourceMapping`; `read_settings` reads them from templates and plans. The engine makes
decisions and nothing else: a `Shard` is offered records and told how invocations ended, and says what to invoke, what to
discard, and where the checkpoint is. It is driven by a virtual clock in `headwater.testing.SimulatedMapping` and
`headwater simulate`, and by a live stream in `headwater run`.
"""

from __future__ import annotations

from headwater.mapping.answers import Answer, NotRun, Raised, Returned, Verdict
from headwater.mapping.assumptions import Assumptions
from headwater.mapping.documents import Origin
from headwater.mapping.entries import Entry
from headwater.mapping.filters import FilterError, compile_filters
from headwater.mapping.history import Delivery, Discard, Invocation
from headwater.mapping.rules import Rules
from headwater.mapping.settings import EventSourceMapping, SettingsError
from headwater.mapping.shard import Shard
from headwater.mapping.templates import read_settings

__all__ = [
    "Answer",
    "Assumptions",
    "Delivery",
    "Discard",
    "Entry",
    "EventSourceMapping",
    "FilterError",
    "Invocation",
    "NotRun",
    "Origin",
    "Raised",
    "Returned",
    "Rules",
    "SettingsError",
    "Shard",
    "Verdict",
    "compile_filters",
    "read_settings",
]
