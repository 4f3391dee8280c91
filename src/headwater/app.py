"""The stream app: the Lambda handler that ties sources, routes and the batch loop together."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

from headwater.deadline import MARGIN_SECONDS
from headwater.dispatch import index_routes
from headwater.engine import LOOP, Engine
from headwater.errors import DeclarationError
from headwater.invocation import Plan
from headwater.kinds import ALL_KINDS, read_record
from headwater.observe import log_no_routes
from headwater.origins import NOTHING_DECLARED
from headwater.records import AnyRecord, Record
from headwater.results import BatchResult
from headwater.routes import Route, digest_routes, name_routes, table_of_routes
from headwater.routing import Router
from headwater.settings import Settings, read_declared, read_replicas, read_settings
from headwater.signatures import function_name, read_signature
from headwater.sources import BatchResponse, RawRecord, read_event

if TYPE_CHECKING:  # what only some apps need is loaded where it is used
    from headwater.context import LambdaContext
    from headwater.dead_letters import Sink
    from headwater.entities import Entities
    from headwater.events import Observer
    from headwater.explanations import Explanation
    from headwater.folds import Fold, WindowEndFunction, WindowFunction
    from headwater.ledger import Ledger
    from headwater.middleware import Middleware, MiddlewareFunction
    from headwater.startup import StartupFunction


class StreamApp(Router):
    """A Lambda handler for a DynamoDB stream: a router that can be called with an event."""

    def __init__(  # noqa: PLR0913 - one for each option, all by keyword and each with a default that is right
        self,
        *,
        ignore: str | Collection[str] = (),
        entities: Entities | None = None,
        replicas: Literal["handle", "ignore"] = "handle",
        ttl_attribute: str | None = None,
        origin_attribute: str | None = None,
        concurrency: int = 1,
        on_failure: Literal["stop", "isolate"] = "stop",
        ledger: Ledger | None = None,
        dead_letters: Sink | None = None,
        max_attempts: int | None = None,
        permanent: type[Exception] | Collection[type[Exception]] = (),
        hold_item: bool = False,
        deadline_margin: float = MARGIN_SECONDS,
        observers: Sequence[Observer] = (),
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
            concurrency: How many records run at once. Those of one item never do, and keep their order.
            on_failure: With `"stop"` nothing starts after a failure; with `"isolate"` only later records of the failed item
                are withheld.
            ledger: Where it is kept what is done beyond the checkpoint, and how often records have failed. Without one, a
                `MemoryLedger` where `concurrency`, `on_failure="isolate"`, `max_attempts` or `hold_item` need it.
            dead_letters: Where records are put aside: a sink, or a plain or async function that stores a `DeadLetter` or
                raises. Those that can not be decoded go there at once, as do those that a handler rejects.
            max_attempts: A record that has failed in so many invocations is put aside. At most 1 +
                `MaximumRetryAttempts` of the event source mapping, or Lambda gives up first.
            permanent: Exceptions that no repetition mends: a record whose handler raises one is put aside at once.
            hold_item: Whether later records of an item are put aside too, behind one that was: those of the same batch, also
                when it is delivered again.
            deadline_margin: Seconds before the function's timeout to keep for the ledger and the answer; at most half of
                the time that an invocation has.
            observers: Functions that are told what happens: see `Observer`.

        Raises:
            DeclarationError: When an attribute name or a setting could not work.
        """
        super().__init__(ignore=ignore, entities=entities)
        self._conditions = (*read_replicas(replicas), *self._conditions)
        self._declared = read_declared(ttl_attribute, origin_attribute)
        self._settings = read_settings(
            concurrency=concurrency,
            on_failure=on_failure,
            ledger=ledger,
            dead_letters=dead_letters,
            max_attempts=max_attempts,
            permanent=permanent,
            hold_item=hold_item,
            deadline_margin=deadline_margin,
            observers=observers,
        )
        self._middlewares: list[Middleware] = []
        self._startup: list[Callable[[], Any]] = []
        self._engine: Engine | None = None
        self._starting = threading.RLock()
        self._folding: Fold | None = None

    def on_window(self, function: WindowFunction) -> WindowFunction:
        """Fold each record of a tumbling window into the window's state.

        Lambda carries the state from one invocation to the next, as JSON; it begins as `{}`. Other handlers of a record run
        before it is folded. Where one fails, nothing of the batch is folded, and all of it comes again.

        Args:
            function: Takes the state and a record and returns the state, a plain or async function. The annotation of the
                state is its type: a model, dataclass or TypedDict whose fields have defaults; without one, a plain dict.
                That of the record says which kinds are folded.

        Returns:
            The function itself.

        Raises:
            DeclarationError: When it could not fold, there is one already, or the app has handled a batch.
        """
        self._refuse_when_frozen(f"add {function_name(function)}")
        self._folding = self._windows().with_reducer(function)
        return function

    def on_window_end(self, function: WindowEndFunction) -> WindowEndFunction:
        """Call a function with the state of each tumbling window that ends, or that Lambda ends early.

        Args:
            function: Takes the state and the `Window`, a plain or async function.

        Returns:
            The function itself.

        Raises:
            DeclarationError: When it could not be called so, there is one already, or the app has handled a batch.
        """
        self._refuse_when_frozen(f"add {function_name(function)}")
        self._folding = self._windows().with_publisher(function)
        return function

    def middleware(self, function: MiddlewareFunction) -> MiddlewareFunction:
        """Call a function around the handlers of each record that a route wants.

        It is given the record and `call_next`, which runs what is inside: the middleware declared after this one, in the end
        the handlers. An `async def` middleware awaits `call_next(record)`. A handler's exception comes out of `call_next`;
        a record whose handlers have failed is not acknowledged, even if the middleware keeps that to itself, unless it
        calls `call_next` again and they succeed.

        Args:
            function: Takes the record and `call_next`.

        Returns:
            The function itself.

        Raises:
            DeclarationError: When it could not be called so, or the app has handled a batch already.
        """
        from headwater.middleware import read_middleware

        self._refuse_when_frozen("add a middleware")
        self._middlewares.append(read_middleware(function))
        return function

    def on_startup(self, function: StartupFunction) -> StartupFunction:
        """Call a function once in each process, before the first batch: for clients that all invocations share.

        When it raises, the invocation raises, and the next one calls it again.

        Args:
            function: A plain or async function without parameters.

        Returns:
            The function itself.

        Raises:
            DeclarationError: When it could not be called without arguments, or the app has handled a batch already.
        """
        from headwater.startup import read_startup

        self._refuse_when_frozen("add a startup function")
        self._startup.append(read_startup(function))
        return function

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
        if self._folding is not None or batch.window is not None:
            self._windows().check(batch)
        return self._started().run(batch, context)

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
        from headwater.explanations import explain

        raw = record.raw if isinstance(record, Record) else record
        [known] = read_event({"Records": [raw]}).records
        return explain(read_record(known, self._declared), self.routes)

    def _counts_for_all(self) -> bool:
        said = self._declared != NOTHING_DECLARED or self._settings != Settings()
        return said or bool(self._middlewares or self._startup) or self._folding is not None

    def _windows(self) -> Fold:
        """How windows are folded: by no function, where none was declared."""
        from headwater.folds import Fold

        return self._folding or Fold()

    def _started(self) -> Engine:
        """What runs the batches: made with the first one, when all routes are declared."""
        with self._starting:
            if self._engine is None:
                self._engine = self._start()
            return self._engine

    def _start(self) -> Engine:
        routes = name_routes(self.routes)
        self._freeze()
        while self._startup:
            LOOP.finish(self._startup[0]())
            del self._startup[0]
        by_kind = {kind: index_routes(routes, kind) for kind in ALL_KINDS}
        if not routes and self._folding is None:
            log_no_routes()
        settings, name = self._settings, digest_routes(routes)
        plan = Plan(
            by_kind, self._declared, tuple(self._middlewares), settings.isolate, settings.dead_letters, name
        )
        return Engine(plan, settings, self._folding)

    def __str__(self) -> str:
        """The table of routes, in the order in which they run."""
        return table_of_routes(self.routes) or "no routes"

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
