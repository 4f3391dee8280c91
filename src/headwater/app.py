"""The stream app: the Lambda handler that ties sources, routes and the batch loop together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, overload

from headwater.batch import Plan, RoutesByKind, run_in_order
from headwater.context import LambdaContext
from headwater.dispatch import index_routes
from headwater.entities import Entities
from headwater.errors import DeclarationError
from headwater.explanations import Explanation, explain
from headwater.kinds import ALL_KINDS, read_record
from headwater.loop import HandlerLoop
from headwater.observe import log_failure, log_no_routes
from headwater.options import NotReplicated
from headwater.origins import Declared
from headwater.outcomes import Failed, Outcome
from headwater.records import AnyRecord, Record
from headwater.routes import Route
from headwater.routing import Router
from headwater.signatures import read_signature
from headwater.sources import Batch, BatchResponse, RawRecord, read_event

_LOOP: Final = HandlerLoop()
_REPLICAS: Final = ("handle", "ignore")


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of a batch.

    Attributes:
        records: The raw records, in the order of the batch.
        outcomes: For each of them, what became of it.
        response: What the Lambda function returns.
    """

    records: Sequence[RawRecord] = field(repr=False)
    outcomes: Sequence[Outcome]
    response: BatchResponse


class StreamApp(Router):
    """A Lambda handler for a DynamoDB stream: a router that can be called with an event."""

    def __init__(
        self,
        *,
        ignore: str | Collection[str] = (),
        entities: Entities | None = None,
        replicas: Literal["handle", "ignore"] = "handle",
        ttl_attribute: str | None = None,
        origin_attribute: str | None = None,
    ) -> None:
        """Make an app without routes.

        Args:
            ignore: A modification that changed nothing but these attributes runs no handler.
            entities: The entities of a single table: a route wants those that its handler's model names.
            replicas: With `"ignore"`, changes that a global table brought from another region run no handler, as far as
                the stream tells: see `Record.replicated`.
            ttl_attribute: The attribute that Time to Live reads. Removals in the replicas of a global table do not say
                that it was Time to Live; with this, those whose time was over count as `expired`.
            origin_attribute: The attribute in which every writer puts its own region, for `Record.replicated`.

        Raises:
            DeclarationError: When an attribute name or a setting could not work.
        """
        super().__init__(ignore=ignore, entities=entities)
        if replicas not in _REPLICAS:
            raise DeclarationError(
                f"StreamApp: replicas={replicas!r} does not exist: say 'handle' or 'ignore'"
            )
        if replicas == "ignore":
            self._conditions = (NotReplicated(), *self._conditions)
        self._declared = Declared(
            _attribute_name(ttl_attribute, "ttl_attribute"),
            _attribute_name(origin_attribute, "origin_attribute"),
        )
        self._index: RoutesByKind | None = None

    def __call__(self, event: Any, context: Any = None) -> BatchResponse:
        """Handle a batch: this is the function's Lambda handler.

        Args:
            event: A DynamoDB stream event as an event source mapping sends it, or the list that EventBridge Pipes sends.
            context: The Lambda context; passed to handlers that take it.

        Returns:
            The partial batch failure response. It needs `ReportBatchItemFailures` among the `FunctionResponseTypes` of
            the event source mapping.

        Raises:
            SourceError: When the event is no batch of DynamoDB stream records; Lambda then delivers it again.
        """
        return self.run(event, context).response

    def run(self, event: Any, context: Any = None) -> BatchResult:
        """Handle a batch as `__call__` does, and say what became of each record: for tests and tools.

        Raises:
            SourceError: When the event is no batch of DynamoDB stream records.
        """
        batch = read_event(event)
        outcomes = self._outcomes(batch, context)
        return BatchResult(batch.records, outcomes, batch.response(outcomes))

    def explain(self, record: Record[Any, Any] | RawRecord) -> Explanation:
        """Say for every route why it wants a record or does not. No handler is called, conditions are.

        Args:
            record: A record in wire form, as in an event's `Records`, or one that a handler was given.

        Returns:
            The answer of each route. Its text leaves the item's values out, unless asked for.

        Raises:
            SourceError: When it is no DynamoDB stream record.
            MalformedRecordError: When its `eventName` is none that DynamoDB Streams has.
        """
        raw = record.raw if isinstance(record, Record) else record
        [known] = read_event({"Records": [raw]}).records
        return explain(read_record(known, self._declared), self.routes)

    def _outcomes(self, batch: Batch, context: Any) -> list[Outcome]:
        outcomes: list[Outcome] = []
        plan = Plan(self._routes_by_kind(), self._declared, context, _LOOP.run)
        running = run_in_order(batch.records, plan)
        for raw, identifier, outcome in zip(batch.records, batch.identifiers, running, strict=True):
            if isinstance(outcome, Failed):
                log_failure(raw, identifier, outcome)
            outcomes.append(outcome)
        return outcomes

    def _routes_by_kind(self) -> RoutesByKind:
        if self._index is None:
            routes = self.routes
            self._freeze()
            self._index = {
                kind: index_routes(route for route in routes if kind in route.shapes) for kind in ALL_KINDS
            }
            if not routes:
                log_no_routes()
        return self._index

    def __str__(self) -> str:
        """The table of routes, in the order in which they run."""
        rows = [route.columns() for route in self.routes]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        return "\n".join(lines) or "no routes"

    def __repr__(self) -> str:
        return f"<StreamApp with {len(self.routes)} routes>"


@overload
def stream_handler(handler: Callable[[AnyRecord], object], /) -> StreamApp: ...
@overload
def stream_handler(handler: Callable[[AnyRecord, LambdaContext], object], /) -> StreamApp: ...
def stream_handler(handler: Callable[..., object], /) -> StreamApp:
    """Make a Lambda handler of one function that takes every record of the stream.

    Args:
        handler: Takes a record, and the Lambda context if it wants. Its annotation says which kinds of records it is
            given: with `Insert[GameScore] | Modify[GameScore]` removals are acknowledged unread.

    Returns:
        The app, to be named in the function's configuration.

    Raises:
        DeclarationError: When the function could not be called with a record.
    """
    if isinstance(handler, Router):
        raise DeclarationError("stream_handler takes a function; an app is a Lambda handler already")
    signature = read_signature(handler, "stream_handler")
    app = StreamApp()
    app._add(Route(handler, signature.shapes, signature.takes_context))
    return app


def _attribute_name(name: Any, option: str) -> str | None:
    if name is None or (isinstance(name, str) and name):
        return name
    raise DeclarationError(f"StreamApp: {option}={name!r} is not the name of an attribute")
