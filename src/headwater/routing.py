"""The router: routes in the order of their declaration, its own and those of the routers it includes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar, overload

from headwater.conditions import Condition
from headwater.declarations import read_condition
from headwater.errors import DeclarationError
from headwater.kinds import ALL_KINDS, AnyKind
from headwater.options import OfTable, Option
from headwater.places import read_paths
from headwater.routes import DECORATORS, Route, declare_route, read_table, refuse_contradiction
from headwater.signatures import function_name

if TYPE_CHECKING:
    from headwater.context import LambdaContext
    from headwater.entities import Entities
    from headwater.records import Insert, Modify, Remove

    # The handler types are returned unchanged, so that a decorated function keeps its own signature.
    InsertHandler = TypeVar(
        "InsertHandler",
        bound=Callable[[Insert[Any, Any]], object] | Callable[[Insert[Any, Any], LambdaContext], object],
    )
    ModifyHandler = TypeVar(
        "ModifyHandler",
        bound=Callable[[Modify[Any, Any]], object] | Callable[[Modify[Any, Any], LambdaContext], object],
    )
    RemoveHandler = TypeVar(
        "RemoveHandler",
        bound=Callable[[Remove[Any, Any]], object] | Callable[[Remove[Any, Any], LambdaContext], object],
    )
    RecordHandler = TypeVar(
        "RecordHandler", bound=Callable[[AnyKind], object] | Callable[[AnyKind, LambdaContext], object]
    )

_NOT_GIVEN: Final = object()


class Router:
    """Routes that belong together, as in one file or for one table."""

    def __init__(
        self,
        *,
        table: str | None = None,
        when: Callable[[AnyKind], bool] | Condition[Any] | None = None,
        ignore: str | Collection[str] = (),
        entities: Entities | None = None,
    ) -> None:
        """Make an empty router.

        Args:
            table: Only records of this table reach its routes.
            when: Only records for which this holds reach its routes: a condition, or a function of the record.
            ignore: A modification that changed nothing but these attributes does not reach its routes.
            entities: The entities of the table: a route wants those that its handler's model names.

        Raises:
            DeclarationError: When the table's name, the condition or an attribute name could not work.
        """
        self._conditions = tuple(self._own_conditions(table, when, ignore))
        if entities is not None:
            from headwater.entities import refuse_other

            refuse_other(entities, type(self).__name__)
        self._entities = entities
        self._entries: list[Route | Router] = []
        self._parents: list[Router] = []
        self._frozen = False

    @property
    def routes(self) -> tuple[Route, ...]:
        """All routes in the order in which they run, those of included routers among them."""
        return tuple(self._walk())

    def include(self, router: Router) -> None:
        """Add the routes of another router at this place, with its table and condition; also those it gets later.

        Raises:
            DeclarationError: When it is included in itself, names another table than this one, or it is too late.
        """
        self._refuse_when_frozen("include a router")
        if not isinstance(router, Router):
            raise DeclarationError(f"include takes a Router, this is a {type(router).__name__}")
        if router is self or self in router._included():
            raise DeclarationError("a router can not include itself: its routes would have no end")
        if router in self._included():
            raise DeclarationError("this router is included already: its routes would run twice")
        if router._counts_for_all():
            raise DeclarationError(
                "ttl_attribute, origin_attribute, middlewares, startup functions and how batches run count for a whole app, "
                "and would be lost with one that is included: declare them on the outermost app"
            )
        self._add(router)
        router._parents.append(self)

    @overload
    def on_insert(self, handler: InsertHandler, /) -> InsertHandler: ...
    @overload
    def on_insert(
        self,
        *,
        attribute: str | Sequence[str] | AbstractSet[str] | None = None,
        table: str | None = None,
        when: Callable[[Insert[Any, Any]], bool] | None = None,
    ) -> Callable[[InsertHandler], InsertHandler]: ...
    def on_insert(self, handler: Any = _NOT_GIVEN, **options: Any) -> Any:
        """Call a function for each new item.

        Args:
            handler: The function, when the decorator is used without parentheses.
            **options: `attribute=` one path or several: the item has one of them. `table=` only of this table.
                `when=` only where this condition or function of the record holds.

        Returns:
            The function itself.

        Raises:
            DeclarationError: When the route could not work.
        """
        return self._register(("INSERT",), handler, options)

    @overload
    def on_modify(self, handler: ModifyHandler, /) -> ModifyHandler: ...
    @overload
    def on_modify(
        self,
        *,
        attribute: str | Sequence[str] | AbstractSet[str] | None = None,
        table: str | None = None,
        when: Callable[[Modify[Any, Any]], bool] | None = None,
    ) -> Callable[[ModifyHandler], ModifyHandler]: ...
    def on_modify(self, handler: Any = _NOT_GIVEN, **options: Any) -> Any:
        """Call a function for each changed item.

        Args:
            handler: The function, when the decorator is used without parentheses.
            **options: `attribute=` one path or several: the value of one of them has changed, was added or removed.
                `table=` only of this table. `when=` only where this condition or function of the record holds.

        Returns:
            The function itself.

        Raises:
            DeclarationError: When the route could not work.
        """
        return self._register(("MODIFY",), handler, options)

    @overload
    def on_remove(self, handler: RemoveHandler, /) -> RemoveHandler: ...
    @overload
    def on_remove(
        self,
        *,
        attribute: str | Sequence[str] | AbstractSet[str] | None = None,
        table: str | None = None,
        when: Callable[[Remove[Any, Any]], bool] | None = None,
        expired: bool | None = None,
    ) -> Callable[[RemoveHandler], RemoveHandler]: ...
    def on_remove(self, handler: Any = _NOT_GIVEN, **options: Any) -> Any:
        """Call a function for each removed item.

        Args:
            handler: The function, when the decorator is used without parentheses.
            **options: `expired=True` only items that Time to Live has deleted, `expired=False` only the others.
                `attribute=` one path or several: the item had one of them. `table=` only of this table. `when=` only
                where this condition or function of the record holds.

        Returns:
            The function itself.

        Raises:
            DeclarationError: When the route could not work.
        """
        return self._register(("REMOVE",), handler, options)

    @overload
    def on_record(self, handler: RecordHandler, /) -> RecordHandler: ...
    @overload
    def on_record(
        self,
        *,
        attribute: str | Sequence[str] | AbstractSet[str] | None = None,
        table: str | None = None,
        when: Callable[[AnyKind], bool] | Condition[Any] | None = None,
    ) -> Callable[[RecordHandler], RecordHandler]: ...
    def on_record(self, handler: Any = _NOT_GIVEN, **options: Any) -> Any:
        """Call a function for each record of any kind.

        Args:
            handler: The function, when the decorator is used without parentheses.
            **options: `attribute=` one path or several: the value of one of them has changed, was added or removed.
                `table=` only of this table. `when=` only where this condition or function of the record holds.

        Returns:
            The function itself.

        Raises:
            DeclarationError: When the route could not work.
        """
        return self._register(ALL_KINDS, handler, options)

    def _counts_for_all(self) -> bool:
        """Whether it says something that counts for a whole app, and not for its routes alone."""
        return False

    def _register(self, kinds: tuple[str, ...], handler: Any, options: dict[str, Any]) -> Any:
        decorator = DECORATORS[kinds]
        if handler is _NOT_GIVEN:
            return lambda function: self._register_with(kinds, function, options)
        if options:
            raise DeclarationError(f"{decorator} takes a function or options, not both at once")
        if isinstance(handler, str):
            raise DeclarationError(
                f"{decorator} takes options by keyword: write {decorator}(attribute={handler!r})"
            )
        return self._register_with(kinds, handler, options)

    def _register_with(self, kinds: tuple[str, ...], handler: Any, options: dict[str, Any]) -> Any:
        self._refuse_when_frozen(f"add {function_name(handler)}")
        if isinstance(handler, Router):
            raise DeclarationError(
                f"{DECORATORS[kinds]} takes a handler, this is a {type(handler).__name__}: include it"
            )
        self._add(declare_route(kinds, handler, options))
        return handler

    def _add(self, entry: Route | Router) -> None:
        """Add an entry, unless a route in it contradicts what a router further out demands."""
        for route in [entry] if isinstance(entry, Route) else entry.routes:
            self._check(route)
        self._entries.append(entry)

    def _check(self, route: Route) -> None:
        narrowed = self._narrowed(route)
        for parent in self._parents:
            parent._check(narrowed)

    def _walk(self) -> Iterator[Route]:
        for entry in self._entries:
            for route in [entry] if isinstance(entry, Route) else entry._walk():
                yield self._narrowed(route)

    def _narrowed(self, route: Route) -> Route:
        """The route with what this router demands before what it demands itself."""
        who = f"{DECORATORS.get(tuple(route.shapes), 'stream_handler')} handler {route.name}"
        for condition in self._conditions:
            refuse_contradiction(condition, route, who)
        asked = list(self._conditions)
        if self._entities is not None and route.entities is None:
            # Before `when=`, whose function is given the handler's model.
            entity = self._entities.condition(route.shapes, who)
            if entity is not None:
                options = sum(isinstance(condition, Option) for condition in asked)
                asked.insert(options, entity)
            route = replace(route, entities=self._entities)
        asked += [condition for condition in route.conditions if condition not in asked]
        # Tables first: what the others ask makes no sense for another table.
        return replace(route, conditions=tuple(sorted(asked, key=_is_no_table)))

    def _own_conditions(self, table: Any, when: Any, ignore: Any) -> Iterator[Condition[Any]]:
        role = type(self).__name__
        if table is not None:
            yield OfTable(read_table(table, role))
        if ignore != ():
            from headwater.exclusions import Ignoring
            from headwater.questions import OnlyChanged

            yield Ignoring(OnlyChanged(read_paths(ignore, f"{role}: ignore=")))
        if when is not None:
            yield read_condition(when, ALL_KINDS, role)

    def _included(self) -> Iterator[Router]:
        for entry in self._entries:
            if isinstance(entry, Router):
                yield entry
                yield from entry._included()

    def _freeze(self) -> None:
        self._frozen = True
        for router in self._included():
            router._frozen = True

    def _refuse_when_frozen(self, wish: str) -> None:
        if self._frozen:
            raise DeclarationError(
                f"it is too late to {wish}: the app has handled a batch already, whose records would have missed it; "
                "declare routes when the module is imported"
            )


def _is_no_table(condition: Condition[Any]) -> bool:
    return not isinstance(condition, OfTable)
