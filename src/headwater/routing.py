"""The router: routes in the order of their declaration, its own and those of the routers it includes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar, overload

from headwater.conditions import read_condition
from headwater.errors import DeclarationError
from headwater.records import Insert, Modify, Remove
from headwater.routes import DECORATORS, Route, declare_route, read_table
from headwater.signatures import ALL_KINDS, function_name

if TYPE_CHECKING:
    from headwater.context import LambdaContext

_NOT_GIVEN: Final = object()

AnyKind: TypeAlias = Insert[Any, Any] | Modify[Any, Any] | Remove[Any, Any]
"""What a function for any kind of record must accept; one that takes a `Record` does."""

# The handler types are returned unchanged, so that a decorated function keeps its own signature.
InsertHandler = TypeVar(
    "InsertHandler",
    bound="Callable[[Insert[Any, Any]], object] | Callable[[Insert[Any, Any], LambdaContext], object]",
)
ModifyHandler = TypeVar(
    "ModifyHandler",
    bound="Callable[[Modify[Any, Any]], object] | Callable[[Modify[Any, Any], LambdaContext], object]",
)
RemoveHandler = TypeVar(
    "RemoveHandler",
    bound="Callable[[Remove[Any, Any]], object] | Callable[[Remove[Any, Any], LambdaContext], object]",
)
RecordHandler = TypeVar(
    "RecordHandler", bound="Callable[[AnyKind], object] | Callable[[AnyKind, LambdaContext], object]"
)


class Router:
    """Routes that belong together, as in one file or for one table."""

    def __init__(self, *, table: str | None = None, when: Callable[[AnyKind], bool] | None = None) -> None:
        """Make an empty router.

        Args:
            table: Only records of this table reach its routes.
            when: Only records for which this holds reach its routes.

        Raises:
            DeclarationError: When the table's name or the condition could not work.
        """
        role = type(self).__name__
        self._table = None if table is None else read_table(table, role)
        self._conditions = () if when is None else (read_condition(when, ALL_KINDS, role),)
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
                `when=` only where this function of the record holds.

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
                `table=` only of this table. `when=` only where this function of the record holds.

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
                where this function of the record holds.

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
        when: Callable[[AnyKind], bool] | None = None,
    ) -> Callable[[RecordHandler], RecordHandler]: ...
    def on_record(self, handler: Any = _NOT_GIVEN, **options: Any) -> Any:
        """Call a function for each record of any kind.

        Args:
            handler: The function, when the decorator is used without parentheses.
            **options: `attribute=` one path or several: the value of one of them has changed, was added or removed.
                `table=` only of this table. `when=` only where this function of the record holds.

        Returns:
            The function itself.

        Raises:
            DeclarationError: When the route could not work.
        """
        return self._register(ALL_KINDS, handler, options)

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
        """Add an entry, unless a table in it contradicts one further out."""
        self._entries.append(entry)
        try:
            self._check_tables()
        except DeclarationError:
            self._entries.pop()
            raise

    def _check_tables(self) -> None:
        for router in self._parents:
            router._check_tables()
        if not self._parents:
            self.routes  # noqa: B018 - walking them finds the contradiction

    def _walk(self) -> Iterator[Route]:
        for entry in self._entries:
            for route in [entry] if isinstance(entry, Route) else entry._walk():
                yield replace(
                    route,
                    table=self._agreed_table(route),
                    conditions=(*self._conditions, *route.conditions),
                )

    def _agreed_table(self, route: Route) -> str | None:
        if self._table and route.table and self._table != route.table:
            raise DeclarationError(
                f"{route.name} wants records of table {route.table} inside a router of table {self._table}, "
                "so it would never run: name the table in one place"
            )
        return route.table or self._table

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
