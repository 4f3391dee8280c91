"""Routers: which function wants which record, in which order, and what is refused when a route is declared."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Union

import pytest
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypeAliasType, TypedDict

from headwater import (
    DeclarationError,
    Failed,
    Handled,
    HeadwaterError,
    Insert,
    LambdaContext,
    Modify,
    Record,
    Remove,
    Router,
    Skipped,
    StreamApp,
    stream_handler,
)
from headwater.kinds import read_record
from headwater.testing import LambdaContext as Context
from headwater.testing import Table, event

SCORES = Table("GameScores", keys=("UserId", "GameTitle"))
ORDERS = Table("Orders", keys="Id")
KEYS = {"UserId": "u1", "GameTitle": "Meteor Blasters"}


class GameScore(BaseModel):
    user_id: str = Field(alias="UserId")
    game_title: str = Field(alias="GameTitle")
    top_score: int = Field(alias="TopScore")


class ScoreKey(BaseModel):
    user_id: str = Field(alias="UserId")
    game_title: str = Field(alias="GameTitle")


def nothing(_record: Any) -> None: ...


def modified(old: int = 1, new: int = 2) -> dict[str, Any]:
    return SCORES.modify({**KEYS, "TopScore": old}, {**KEYS, "TopScore": new})


def outcomes(app: StreamApp, *records: dict[str, Any]) -> Sequence[object]:
    return app.run(event(list(records)), Context()).outcomes


# Models and context from the signature


def test_the_model_comes_from_the_annotation() -> None:
    """Images arrive as the first type parameter, keys as the second one."""
    app = StreamApp()
    seen: list[object] = []

    @app.on_modify
    def handle(record: Modify[GameScore, ScoreKey]) -> None:
        seen.extend([record.old.top_score, record.new, record.keys])

    assert outcomes(app, modified()) == [Handled(("handle",))]
    score = GameScore(UserId="u1", GameTitle="Meteor Blasters", TopScore=2)
    assert seen == [1, score, ScoreKey(UserId="u1", GameTitle="Meteor Blasters")]


def test_models_that_are_local_to_a_function_are_found() -> None:
    """Annotations that are text, as in this file, are read where the handler is declared."""

    class Local(BaseModel):
        TopScore: int

    app = StreamApp()
    seen: list[Local] = []

    @app.on_modify
    def handle(record: Modify[Local]) -> None:
        seen.append(record.new)

    outcomes(app, modified())
    assert seen == [Local(TopScore=2)]


@dataclass
class PlainScore:
    TopScore: int


class ScoreDict(TypedDict):
    TopScore: int


Alias = TypeAliasType("Alias", Modify[ScoreDict])


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (Modify, {**KEYS, "TopScore": 2}),
        (Modify[Any], {**KEYS, "TopScore": 2}),
        (Modify[dict[str, Any]], {**KEYS, "TopScore": 2}),
        (Record, {**KEYS, "TopScore": 2}),
        (Any, {**KEYS, "TopScore": 2}),
        (object, {**KEYS, "TopScore": 2}),
        (Modify[PlainScore], PlainScore(2)),
        (Modify[ScoreDict], {"TopScore": 2}),
        (Alias, {"TopScore": 2}),
        (Annotated[Modify[ScoreDict], "noted"], {"TopScore": 2}),
        (Union[Insert[GameScore], Modify[ScoreDict]], {"TopScore": 2}),  # noqa: UP007 - the other spelling
        (Insert[GameScore] | Alias, {"TopScore": 2}),
        (Record[Annotated[dict[str, Any], ["not hashable"]]], {**KEYS, "TopScore": 2}),
    ],
)
def test_each_form_of_annotation(annotation: Any, expected: object) -> None:
    """Bare, generic, aliased, annotated and union annotations each give their type."""
    app = StreamApp()
    seen: list[object] = []

    def handle(record: Any) -> None:
        seen.append(record.new)

    handle.__annotations__["record"] = annotation
    app.on_modify(handle)
    assert outcomes(app, modified()) == [Handled(("handle",))]
    assert seen == [expected]


class Service:
    """Handlers as methods and as an instance that can be called."""

    def __init__(self) -> None:
        self.seen: list[object] = []

    def handle(self, record: Modify[GameScore]) -> None:
        self.seen.append(record.new.top_score)

    async def __call__(self, record: Modify[GameScore], context: LambdaContext) -> None:
        self.seen.append((record.new.top_score, context.function_name))


def test_anything_that_can_be_called_is_a_handler() -> None:
    """Bound methods, instances, partials and functions without annotations all work, async ones too."""
    app, service = StreamApp(), Service()
    seen: list[object] = []

    def with_prefix(prefix: str, record: Modify[GameScore]) -> None:
        seen.append((prefix, record.new.top_score))

    def anything(*args: Any) -> None:
        seen.append(len(args))

    app.on_modify(service.handle)
    app.on_modify(service)
    app.on_modify(functools.partial(with_prefix, "score"))
    app.on_modify(anything)
    app.on_modify(seen.append)

    def static(record: Modify[GameScore]) -> None:
        seen.append(record.new.top_score)

    app.on_modify(staticmethod(static))

    @app.on_modify
    @functools.cache
    def cached(record: Modify[GameScore]) -> None:
        seen.append(record.new.top_score)

    [outcome] = outcomes(app, modified())
    assert outcome == Handled(("handle", "Service", "with_prefix", "anything", "append", "static", "cached"))
    assert service.seen == [2, (2, Context().function_name)]
    assert seen[:2] == [("score", 2), 1]
    assert isinstance(seen[2], Modify)
    assert seen[3:] == [2, 2]


def test_a_builtin_whose_parameters_nobody_knows_is_taken_on_trust() -> None:
    """It is called with the record; here it can not take one, and the record fails."""
    app = StreamApp()
    app.on_modify(max)  # type: ignore[type-var]
    [outcome] = outcomes(app, modified())
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, TypeError)


def test_who_is_given_the_context() -> None:
    """A second parameter that is required, or optional and called context or annotated so, and no other."""
    app, context = StreamApp(), Context()
    seen: dict[str, object] = {}

    @app.on_modify
    def required(_record: Modify, lambda_context: Any) -> None:
        seen["required"] = lambda_context

    @app.on_modify
    def annotated(_record: Modify, ctx: LambdaContext | None = None, x: LambdaContext | None = None) -> None:
        seen["annotated"] = (ctx, x)

    @app.on_modify
    def by_type(_record: Modify, ctx: LambdaContext = context) -> None:
        seen["by_type"] = ctx

    @app.on_modify
    def named(_record: Modify, context: object = None) -> None:
        seen["named"] = context

    @app.on_modify
    def other(_record: Modify, retries: int = 3) -> None:
        seen["other"] = retries

    other_context = Context()
    app.run(event([modified()]), other_context)
    assert seen["required"] is other_context
    assert seen["annotated"] == (other_context, None)
    assert seen["by_type"] is other_context
    assert seen["named"] is other_context
    assert seen["other"] == 3


def test_a_decorator_returns_the_function_itself() -> None:
    """So a unit test calls it directly."""
    router = Router()
    assert router.on_insert(nothing) is nothing
    assert router.on_modify(attribute="A", table="GameScores")(nothing) is nothing
    assert router.on_remove(expired=True)(nothing) is nothing
    assert router.on_record()(nothing) is nothing


def test_one_function_for_two_kinds() -> None:
    """Decorators stack, since each returns the function."""
    app = StreamApp()
    seen: list[str] = []

    @app.on_insert
    @app.on_modify
    def handle(record: Insert[GameScore] | Modify[GameScore]) -> None:
        seen.append(record.event_name)

    score = {**KEYS, "TopScore": 1}
    assert outcomes(app, SCORES.insert(score), modified(), SCORES.remove(score))[2] == Skipped()
    assert seen == ["INSERT", "MODIFY"]


# What a route asks


@pytest.mark.parametrize(
    "attribute", ["TopScore", ["Other", "TopScore"], ("TopScore",), {"TopScore", "Other"}]
)
def test_attribute_asks_for_one_name_or_for_any_of_several(attribute: Any) -> None:
    """A record matches when one of them has changed."""
    app = StreamApp()
    app.on_modify(attribute=attribute)(nothing)
    assert outcomes(app, modified(1, 2), modified(1, 1)) == [Handled(("nothing",)), Skipped()]


def test_attribute_on_inserts_and_removals_asks_whether_it_is_there() -> None:
    """Added and removed count as changed."""
    app = StreamApp()
    app.on_record(attribute="TopScore")(nothing)
    with_score, without = {**KEYS, "TopScore": 1}, KEYS
    assert outcomes(
        app,
        SCORES.insert(with_score),
        SCORES.insert(without),
        SCORES.remove(with_score),
        SCORES.remove(without),
    ) == [Handled(("nothing",)), Skipped(), Handled(("nothing",)), Skipped()]


def test_table_asks_for_the_table_in_the_arn() -> None:
    """Records of other tables are skipped, and a record that names no table fails."""
    app = StreamApp()
    app.on_insert(table="Orders")(nothing)
    order, score = ORDERS.insert({"Id": 1}), SCORES.insert(KEYS)
    unnamed = {**ORDERS.insert({"Id": 1}), "eventSourceARN": "stream-ARN"}

    results = outcomes(app, order, score, unnamed)

    assert results[:2] == [Handled(("nothing",)), Skipped()]
    assert isinstance(results[2], Failed)
    assert results[2].phase == "condition"
    assert "names no table" in str(results[2].error)


def test_expired_tells_time_to_live_from_people() -> None:
    """`True` takes only what TTL removed, `False` only the rest, and none at all takes both."""
    app = StreamApp()

    @app.on_remove(expired=True)
    def by_ttl(_record: Remove) -> None: ...
    @app.on_remove(expired=False)
    def by_people(_record: Remove) -> None: ...
    @app.on_remove
    def either(_record: Remove) -> None: ...

    assert outcomes(app, SCORES.remove(KEYS, expired=True), SCORES.remove(KEYS)) == [
        Handled(("by_ttl", "either")),
        Handled(("by_people", "either")),
    ]


def test_when_gets_the_record_in_the_handlers_model() -> None:
    """A condition without annotation sees what the handler sees."""
    app = StreamApp()

    @app.on_modify(when=lambda record: record.new.top_score > 5)
    def handle(_record: Modify[GameScore]) -> None: ...

    assert outcomes(app, modified(1, 6), modified(1, 5)) == [Handled(("handle",)), Skipped()]


def test_when_with_an_annotation_gets_its_own_model() -> None:
    """A named predicate is served by its own annotation, on a handler that takes plain dicts."""
    app = StreamApp()

    def improved(record: Modify[GameScore]) -> bool:
        return record.new.top_score > record.old.top_score

    @app.on_modify(when=improved)
    def handle(_record: Modify) -> None: ...

    assert outcomes(app, modified(1, 2), modified(2, 1)) == [Handled(("handle",)), Skipped()]


def test_all_matching_routes_run_in_the_order_of_declaration() -> None:
    """The routes of an included router run at the place of the include."""
    app, router = StreamApp(), Router()
    seen: list[str] = []
    app.on_modify(lambda _record: seen.append("first"))
    app.include(router)
    app.on_modify(lambda _record: seen.append("last"))
    router.on_modify(lambda _record: seen.append("in the router"))

    outcomes(app, modified())
    assert seen == ["first", "in the router", "last"]


def test_routers_add_their_table_and_condition_to_those_inside() -> None:
    """A route in nested routers runs only where all of them agree, the outermost asked first."""
    asked: list[str] = []

    def ask(name: str, answer: Callable[[Record], bool]) -> Callable[[Record], bool]:
        def predicate(record: Record) -> bool:
            asked.append(name)
            return answer(record)

        return predicate

    outer = Router(table="GameScores", when=ask("outer", lambda record: record.keys["UserId"] != "bot"))
    inner = Router(when=ask("inner", lambda record: record.event_name == "INSERT"))
    inner.on_record(when=ask("route", lambda record: "TopScore" in record.changes))(nothing)
    outer.include(inner)
    app = StreamApp()
    app.include(outer)

    score = {**KEYS, "TopScore": 1}
    assert outcomes(app, SCORES.insert(score)) == [Handled(("nothing",))]
    assert asked == ["outer", "inner", "route"]
    bot = {**score, "UserId": "bot"}
    assert outcomes(
        app, SCORES.insert(KEYS), SCORES.remove(score), SCORES.insert(bot), ORDERS.insert({"Id": 1})
    ) == [
        Skipped(),
        Skipped(),
        Skipped(),
        Skipped(),
    ]


def test_a_router_serves_two_apps() -> None:
    """Routes are values: including a router changes nothing in it."""
    router, first, second = Router(), StreamApp(), StreamApp()
    router.on_modify(nothing)
    first.include(router)
    second.include(router)
    assert outcomes(first, modified()) == outcomes(second, modified()) == [Handled(("nothing",))]


def test_the_table_of_routes_can_be_printed() -> None:
    """One line a route: decorator, what it asks, handler and model."""
    app, router = StreamApp(), Router(table="GameScores", when=nothing)  # type: ignore[arg-type]

    @app.on_modify(attribute=["TopScore", "GameTitle"])
    def congratulate(_record: Modify[GameScore]) -> None: ...
    @router.on_remove(expired=True)
    def archive(_record: Remove) -> None: ...

    router.on_record(nothing)
    app.include(router)

    assert str(app).splitlines() == [
        "on_modify  attribute=['TopScore', 'GameTitle']             congratulate(GameScore)",
        "on_remove  table='GameScores', when=nothing, expired=True  archive(dict)",
        "on_record  table='GameScores', when=nothing                nothing(dict)",
    ] or str(app)
    assert str(app.routes[0]) == "on_modify  attribute=['TopScore', 'GameTitle']  congratulate(GameScore)"
    assert repr(app) == "<StreamApp with 3 routes>"
    assert str(StreamApp()) == "no routes"


def test_a_route_alone_says_whether_it_wants_a_record() -> None:
    """By kind and condition."""
    router = Router()
    router.on_insert(attribute="TopScore")(nothing)
    [route] = router.routes
    item = {**KEYS, "TopScore": 1}
    assert route.matches(read_record(SCORES.insert(item)))
    assert not route.matches(read_record(SCORES.insert(KEYS)))
    assert not route.matches(read_record(SCORES.remove(item)))


# The single function


def test_stream_handler_makes_an_app_of_one_function() -> None:
    """Its annotation says which kinds it is given; others are acknowledged unread."""
    seen: list[object] = []

    @stream_handler
    def lambda_handler(record: Insert[GameScore] | Modify[GameScore]) -> None:
        seen.append((record.event_name, record.new.top_score))

    score = {**KEYS, "TopScore": 1}
    result = lambda_handler(event([SCORES.insert(score), modified(), SCORES.remove(score)]), Context())
    assert result == {"batchItemFailures": []}
    assert seen == [("INSERT", 1), ("MODIFY", 2)]
    assert str(lambda_handler) == "INSERT|MODIFY  always  lambda_handler(GameScore)"


def test_stream_handler_without_annotation_takes_every_record() -> None:
    """And the context, where it asks for it."""
    seen: list[object] = []

    @stream_handler
    def lambda_handler(record, context):  # type: ignore[no-untyped-def]
        seen.append((record.keys["UserId"], context.function_name))

    lambda_handler(event([SCORES.remove(KEYS)]), Context())
    assert seen == [("u1", Context().function_name)]


# Refused when the route is declared


def generator(_record: Record) -> Iterator[None]:
    yield


async def async_generator(_record: Record) -> AsyncIterator[None]:
    yield


class CallsGenerator:
    def __call__(self, record: Record) -> Iterator[None]:
        yield


def no_parameters() -> None: ...
def three_parameters(_record: Record, _context: Any, _third: Any) -> None: ...
def keyword_only(_record: Record, *, retries: int) -> None: ...
def wrong_second(_record: Record, retries: int) -> None: ...
def the_model_itself(_record: GameScore) -> None: ...
def takes_insert(_record: Insert[GameScore]) -> None: ...
def takes_two_kinds(_record: Insert | Modify) -> None: ...
def no_such_type(_record: NoSuchType) -> None: ...  # type: ignore[name-defined]  # noqa: F821 - the point of the test


class Unfit:
    """pydantic can make no validator for this."""


def too_many_parameters(_record: Modify[int, int, int]) -> None: ...  # type: ignore[type-arg]


def unfit_model(_record: Modify[Unfit]) -> None: ...


@pytest.mark.parametrize(
    ("handler", "message"),
    [
        (no_parameters, "on_modify handler no_parameters takes no record"),
        (three_parameters, "requires '_third' besides the record and the Lambda context"),
        (keyword_only, "requires the keyword 'retries', which nobody passes"),
        (wrong_second, "requires 'retries', a int, but the second argument is the Lambda context"),
        (the_model_itself, r"takes GameScore, but handlers are given records: write Insert\[GameScore\]"),
        (takes_insert, "on_modify handler takes_insert does not take MODIFY records"),
        (no_such_type, "has an annotation that can not be read .*NoSuchType"),
        (too_many_parameters, "has an annotation that can not be read .*Too many"),
        (unfit_model, "wants images as Unfit, which pydantic can make no validator for"),
        (generator, "on_modify handler generator contains yield"),
        (async_generator, "on_modify handler async_generator contains yield"),
        (CallsGenerator(), "on_modify handler CallsGenerator contains yield"),
        (Service.handle, "is a method that is not bound, so 'self' would receive the record"),
        (3, "on_modify handler int is no function"),
        ("TopScore", r"write on_modify\(attribute='TopScore'\)"),
    ],
)
def test_a_handler_that_could_not_work_is_refused(handler: Any, message: str) -> None:
    """The error names the function, the harm and the fix, and no route is added."""
    router = Router()
    with pytest.raises(DeclarationError, match=message) as caught:
        router.on_modify(handler)
    assert router.routes == ()
    assert isinstance(caught.value, HeadwaterError)


def test_on_record_refuses_a_handler_for_some_kinds() -> None:
    """It would fail on the kinds that it does not take."""
    with pytest.raises(DeclarationError, match="takes_two_kinds does not take REMOVE records"):
        StreamApp().on_record(takes_two_kinds)  # type: ignore[type-var]


def nested_scope() -> Callable[..., None]:
    class Hidden(BaseModel):
        TopScore: int

    def handle(_record: Modify[Hidden]) -> None: ...

    return handle


def test_a_model_that_is_out_of_sight_is_refused() -> None:
    """A local model is found only from where it is local."""
    with pytest.raises(DeclarationError, match=r"name 'Hidden' is not defined"):
        StreamApp().on_modify(nested_scope())


class Address(BaseModel):
    city: str = Field(alias="City")


class Player(BaseModel):
    name: str = Field(alias="Name")
    address: Address = Field(alias="Address")


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attribute": "Nmae"}, "Player reads no attribute 'Nmae' .*did you mean 'Name'"),
        ({"attribute": "name"}, "Player reads no attribute 'name' .*did you mean 'Name'"),
        ({"attribute": "address.City"}, "did you mean 'Address'"),
        ({"attribute": ["Name", "Address.Ctiy"]}, "reads no attribute 'Ctiy' .*did you mean 'City'"),
        ({"attribute": "Zzz"}, "it reads Name, Address"),
        ({"attribute": ""}, "'' is not a path into an item"),
        ({"attribute": "a..b"}, "is not a path into an item"),
        ({"attribute": []}, "attribute= is given no name, so it would say the same of every record"),
        ({"attribute": 3}, "attribute= takes one name or a list of names, not a int"),
        ({"attribute": ["Name", 3]}, "attribute= takes one name or a list of names"),
        ({"table": ""}, "table='' is not a table's name"),
        ({"table": "arn:aws:dynamodb:eu-west-1:1:table/T"}, "give the name without region or ARN"),
        ({"table": 3}, "table=3 is not a table's name"),
        ({"when": "TopScore > 3"}, "'TopScore > 3' is neither a condition nor a function of the record"),
        ({"when": takes_insert}, "condition takes_insert does not take MODIFY records"),
        ({"when": lambda _record, _other: True}, "condition <lambda> requires a second argument"),
        ({"when": no_parameters}, "condition no_parameters takes no record"),
        ({"when": generator}, "condition generator contains yield"),
        ({"expired": True}, "on_modify has no option 'expired'.*it has attribute, table, when"),
        ({"atribute": "Name"}, "on_modify has no option 'atribute'.*did you mean 'attribute'"),
    ],
)
def test_an_option_that_could_not_work_is_refused(options: dict[str, Any], message: str) -> None:
    """The error names the handler, the harm and the fix."""
    router = Router()

    def handle(_record: Modify[Player]) -> None: ...

    decorate: Any = router.on_modify
    with pytest.raises(DeclarationError, match=message) as caught:
        decorate(**options)(handle)
    assert "on_modify handler handle" in str(caught.value)
    assert router.routes == ()


def test_an_attribute_is_accepted_where_a_model_may_read_it() -> None:
    """Models that allow extra fields, plain dicts, and unions of which one member has it."""
    router = Router()

    def open_model(_record: Modify[Open]) -> None: ...
    def plain(_record: Modify) -> None: ...
    def either(_record: Record[Player | GameScore]) -> None: ...
    def by_kind(_record: Insert[Player] | Modify[GameScore] | Remove) -> None: ...

    for handler in (open_model, plain):
        router.on_modify(attribute="Anything.At[0].All")(handler)
    router.on_record(attribute=["TopScore", "Address.City"])(either)
    router.on_record(attribute="TopScore")(by_kind)
    assert len(router.routes) == 4


def test_one_kind_in_two_types_is_refused() -> None:
    """The handler could only be given one of them."""

    def either(record: Insert[Player] | Insert[GameScore]) -> None: ...
    def same(record: Insert[Player] | Modify[Player]) -> None: ...

    with pytest.raises(
        DeclarationError, match=r"takes records of one kind in two types.*a function for each"
    ):
        Router().on_insert(either)
    Router().on_insert(same)


def test_expired_is_yes_or_no() -> None:
    """Anything else would match no record."""
    with pytest.raises(DeclarationError, match="expired='yes' is neither True nor False"):
        Router().on_remove(expired="yes")(nothing)  # type: ignore[call-overload]


def test_a_function_and_options_at_once_are_refused() -> None:
    """The options would belong to nothing."""
    decorate: Any = Router().on_modify
    with pytest.raises(DeclarationError, match="takes a function or options, not both"):
        decorate(nothing, attribute="A")


def test_a_router_whose_condition_could_not_work_is_refused() -> None:
    """Like a route's, and for all kinds."""
    with pytest.raises(
        DeclarationError, match="Router: condition takes_insert does not take MODIFY or REMOVE"
    ):
        Router(when=takes_insert)  # type: ignore[arg-type]
    with pytest.raises(DeclarationError, match="Router: table='a b' is not a table's name"):
        Router(table="a b")


def test_routers_of_two_tables_can_not_be_nested() -> None:
    """A route inside both would never run, and the include is undone."""
    outer, inner = Router(table="Orders"), Router(table="GameScores")
    inner.on_insert(nothing)
    with pytest.raises(DeclarationError, match=r"nothing wants records of table GameScores inside .* Orders"):
        outer.include(inner)
    assert outer.routes == ()


def test_a_router_can_not_include_itself() -> None:
    """Neither directly nor through another one."""
    first, second = Router(), Router()
    first.include(second)
    with pytest.raises(DeclarationError, match="can not include itself"):
        first.include(first)
    with pytest.raises(DeclarationError, match="can not include itself"):
        second.include(first)
    with pytest.raises(DeclarationError, match="include takes a Router, this is a function"):
        first.include(nothing)  # type: ignore[arg-type]


def test_routes_are_frozen_at_the_first_batch() -> None:
    """A route or router added later, in the app or in a router it includes, would have missed records."""
    app, router = StreamApp(), Router()
    router.on_insert(nothing)
    app.include(router)
    app({"Records": []})
    with pytest.raises(DeclarationError, match="too late to add nothing"):
        app.on_insert(nothing)
    with pytest.raises(DeclarationError, match="too late to add nothing"):
        router.on_insert(table="GameScores")(nothing)
    with pytest.raises(DeclarationError, match="too late to include a router"):
        router.include(Router())


def test_an_app_without_routes_warns(caplog: pytest.LogCaptureFixture) -> None:
    """It acknowledges everything, which is hardly meant: it says so once."""
    app = StreamApp()
    for _ in range(2):
        assert app(event([modified()])) == {"batchItemFailures": []}
    assert [line.message for line in caplog.records] == [
        "this app has no routes: every record is acknowledged unread. Is an include() missing?"
    ]
