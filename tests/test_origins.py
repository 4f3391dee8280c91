"""Time to Live, global tables, noise and loops: what made a change, and which changes are no news."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from headwater import (
    DeclarationError,
    Failed,
    Handled,
    MissingImageError,
    Modify,
    Outcome,
    Record,
    Remove,
    Router,
    Skipped,
    StreamApp,
    loop_guard,
    only_changed,
)
from headwater.kinds import read_record
from headwater.origins import Declared
from headwater.testing import Table, event

HERE, THERE = "eu-west-1", "us-east-1"
ITEMS = Table("Items", keys="Id", region=HERE)
KEY = {"Id": "1"}
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def outcomes(app: StreamApp, *records: dict[str, Any]) -> list[type]:
    return [type(outcome) for outcome in app.run(event(records)).outcomes]


def only_outcome(app: StreamApp, record: dict[str, Any]) -> Outcome:
    [outcome] = app.run(event([record])).outcomes
    return outcome


# Time to Live


def removed(expires_at: Any, **options: Any) -> dict[str, Any]:
    item = KEY if expires_at is None else {**KEY, "expires_at": expires_at}
    return ITEMS.remove(item, created_at=NOW, **options)


def seconds(**ago: float) -> int:
    return int((NOW - timedelta(**ago)).timestamp())


@pytest.mark.parametrize(
    ("expires_at", "expired"),
    [
        (seconds(seconds=0), True),
        (seconds(hours=30), True),
        (Decimal(seconds(days=1)) + Decimal("0.5"), True),
        (seconds(seconds=-1), False),
        (seconds(days=5 * 365 + 1), False),
        (None, False),
        (str(seconds(days=1)), False),
        (True, False),
        ({seconds(days=1)}, False),
        (10**30, False),
    ],
)
def test_a_removal_without_an_identity_expired_when_its_time_was_over(expires_at: Any, expired: bool) -> None:
    """As in a replica; only for an app that names the attribute, and as Time to Live reads it: numbers, five years."""
    record = removed(expires_at)
    assert read_record(record, Declared(ttl_attribute="expires_at")).expired is expired
    assert not read_record(record).expired
    app = StreamApp(ttl_attribute="expires_at")

    @app.on_remove(expired=True)
    def by_time(_record: Remove) -> None: ...
    @app.on_remove(expired=False)
    def by_hand(_record: Remove) -> None: ...

    assert only_outcome(app, record) == Handled(("by_time" if expired else "by_hand",))


def test_the_identity_of_the_service_says_it_without_any_attribute() -> None:
    """And another identity says that it was not Time to Live, whatever the item's time."""
    app = StreamApp(ttl_attribute="expires_at")
    app.on_remove(expired=True)(lambda record: None)
    other = {**removed(seconds(days=1)), "userIdentity": {"type": "Service", "principalId": "other"}}
    assert outcomes(app, removed(None, expired=True), other) == [Handled, Skipped]


def test_what_is_needed_to_tell_is_a_named_error() -> None:
    """A stream without old images, a value that is none, a record without its time."""
    app = StreamApp(ttl_attribute="expires_at")
    app.on_remove(expired=True)(lambda record: None)
    table = Table("Items", keys="Id", view_type="NEW_IMAGE")
    failed = only_outcome(app, table.remove({**KEY, "expires_at": 5}))
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, MissingImageError)
    assert failed.phase == "condition"

    malformed = removed(5)
    malformed["dynamodb"]["OldImage"]["expires_at"] = {"N": "soon"}
    failed = only_outcome(app, malformed)
    assert isinstance(failed, Failed)
    assert "NewImage" not in str(failed.error)
    assert getattr(failed.error, "path", None) == "OldImage.expires_at"

    timeless = removed(seconds(days=1))
    del timeless["dynamodb"]["ApproximateCreationDateTime"]
    failed = only_outcome(app, timeless)
    assert isinstance(failed, Failed)
    assert "holds no time in seconds" in str(failed.error)


def test_only_removals_expire() -> None:
    """An insertion of an item whose time is over is an insertion."""
    declared = Declared(ttl_attribute="expires_at")
    assert not read_record(ITEMS.insert({**KEY, "expires_at": 5}), declared).expired
    assert not read_record(ITEMS.modify({**KEY, "expires_at": 5}, KEY), declared).expired


# Global tables, version 2017.11.29


def rep(region: str, time: str, **item: Any) -> dict[str, Any]:
    return {
        **KEY,
        **item,
        "aws:rep:deleting": False,
        "aws:rep:updatetime": Decimal(time),
        "aws:rep:updateregion": region,
    }


LEGACY = {
    "a local insert": (ITEMS.insert({**KEY, "A": 1}), None, Handled),
    "the note of a local insert": (ITEMS.modify({**KEY, "A": 1}, rep(HERE, "1.5", A=1)), False, Skipped),
    "a replicated insert": (ITEMS.insert(rep(THERE, "1.5", A=1)), True, Skipped),
    "a replicated change": (ITEMS.modify(rep(HERE, "1.5", A=1), rep(THERE, "2.5", A=2)), True, Skipped),
    "two replicated changes": (ITEMS.modify(rep(THERE, "1.5", A=1), rep(THERE, "2.5", A=2)), True, Skipped),
    "a local update of what came from there": (
        ITEMS.modify(rep(THERE, "1.5", A=1), rep(THERE, "1.5", A=2)),
        False,
        Handled,
    ),
    "the note of that": (ITEMS.modify(rep(THERE, "1.5", A=2), rep(HERE, "2.5", A=2)), False, Skipped),
    "a local put over it": (ITEMS.modify(rep(THERE, "1.5", A=1), {**KEY, "A": 2}), None, Handled),
    "a local update": (ITEMS.modify(rep(HERE, "1.5", A=1), rep(HERE, "1.5", A=2)), False, Handled),
    "a change noted at once": (ITEMS.modify(rep(HERE, "1.5", A=1), rep(HERE, "2.5", A=2)), False, Handled),
    "a removal": (ITEMS.remove(rep(THERE, "1.5", A=1)), None, Handled),
}


@pytest.mark.parametrize("name", LEGACY)
def test_replicas_of_2017_are_told_by_their_attributes(name: str) -> None:
    """What was written in this region is never ignored, even when the item last came from another one."""
    record, replicated, outcome = LEGACY[name]
    assert read_record(record).replicated is replicated
    app = StreamApp(replicas="ignore")
    app.on_record(lambda record: None)
    assert outcomes(app, record) == [outcome]
    handling = StreamApp()
    handling.on_record(lambda record: None)
    assert outcomes(handling, record) == [Handled]


def test_a_note_that_cannot_be_told_from_a_change_is_a_named_error() -> None:
    """A global table of 2017 has both images, so a stream without them is set up wrongly for this."""
    app = StreamApp(replicas="ignore")
    app.on_modify(lambda record: None)
    for view_type, needed in (("NEW_IMAGE", "OldImage"), ("KEYS_ONLY", "NewImage")):
        table = Table("Items", keys="Id", view_type=view_type)  # type: ignore[arg-type]
        failed = only_outcome(app, table.modify(KEY, rep(THERE, "1.5")))
        assert isinstance(failed, Failed)
        assert isinstance(failed.error, MissingImageError)
        assert failed.error.path == needed


def test_malformed_attributes_of_replication_are_named() -> None:
    """They do not count as anything."""
    record = ITEMS.modify(rep(THERE, "1.5", A=1), rep(THERE, "2.5", A=2))
    record["dynamodb"]["NewImage"]["aws:rep:updatetime"] = {"N": "late"}
    with pytest.raises(ValueError, match=r"not a decimal number.*sequence number"):
        print(read_record(record).replicated)
    app = StreamApp(replicas="ignore")
    app.on_modify(lambda record: None)
    assert isinstance(only_outcome(app, record), Failed)
    note = ITEMS.modify({**KEY, "A": 1}, rep(HERE, "1.5", A=1))
    note["dynamodb"]["NewImage"]["aws:rep:deleting"] = {"BOOL": "no"}
    note["dynamodb"]["OldImage"]["aws:rep:deleting"] = {"BOOL": False}
    failed = only_outcome(app, note)
    assert isinstance(failed, Failed)
    assert "(at aws:rep:deleting, in the record with sequence number" in str(failed.error)
    odd = ITEMS.insert(KEY)
    odd["dynamodb"]["NewImage"]["aws:rep:updateregion"] = {"N": "1"}
    assert read_record(odd).replicated is None


def test_without_a_region_of_the_stream_nothing_is_told() -> None:
    """Never a guess."""
    record = {**ITEMS.insert(rep(THERE, "1.5")), "eventSourceARN": "", "awsRegion": None}
    assert read_record(record).replicated is None


# Global tables, version 2019.11.21


ORIGIN = {
    "here": (ITEMS.insert({**KEY, "region": HERE}), False, Handled),
    "there": (ITEMS.insert({**KEY, "region": THERE}), True, Skipped),
    "changed there": (
        ITEMS.modify({**KEY, "region": HERE}, {**KEY, "region": THERE, "A": 1}),
        True,
        Skipped,
    ),
    "nobody says": (ITEMS.insert(KEY), None, Handled),
    "no text": (ITEMS.insert({**KEY, "region": 5}), None, Handled),
    "a removal": (ITEMS.remove({**KEY, "region": THERE}), None, Handled),
}


@pytest.mark.parametrize("name", ORIGIN)
def test_replicas_of_2019_are_told_by_the_attribute_that_the_app_names(name: str) -> None:
    """What nobody says counts as written here, so that it is not lost."""
    record, replicated, outcome = ORIGIN[name]
    assert read_record(record).replicated is None
    assert read_record(record, Declared(origin_attribute="region")).replicated is replicated
    app = StreamApp(replicas="ignore", origin_attribute="region")
    told: list[bool | None] = []
    app.on_record(lambda record: told.append(record.replicated))
    assert outcomes(app, record) == [outcome]
    assert told == ([] if outcome is Skipped else [replicated])


def test_a_declared_origin_needs_the_new_image_alone() -> None:
    """And says so where the stream does not have it."""
    app = StreamApp(replicas="ignore", origin_attribute="region")
    app.on_record(lambda record: None)
    new_only = Table("Items", keys="Id", view_type="NEW_IMAGE", region=HERE)
    assert outcomes(app, new_only.modify(KEY, {**KEY, "region": HERE})) == [Handled]
    keys_only = Table("Items", keys="Id", view_type="KEYS_ONLY", region=HERE)
    assert outcomes(app, keys_only.insert({**KEY, "region": HERE})) == [Failed]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"replicas": "skip"}, "replicas='skip' does not exist: say 'handle' or 'ignore'"),
        ({"ttl_attribute": ""}, "ttl_attribute='' is not the name of an attribute"),
        ({"ttl_attribute": 5}, "ttl_attribute=5 is not the name"),
        ({"origin_attribute": ["a"]}, "origin_attribute=.* is not the name"),
        ({"ignore": []}, "StreamApp: ignore= is given no name"),
        ({"ignore": 5}, "StreamApp: ignore= takes one name or a list of names, not a int"),
        ({"ignore": ["a..b"]}, "StreamApp: ignore=: 'a..b' is not a path"),
    ],
)
def test_settings_that_could_not_work_are_refused(options: dict[str, Any], message: str) -> None:
    """When the app is made."""
    with pytest.raises(DeclarationError, match=message):
        StreamApp(**options)


# Noise


def change(**new: Any) -> dict[str, Any]:
    old = {**KEY, "A": 1, "seen": 1, "Meta": {"at": 1, "by": "x"}, "L": [1, 2], "Wide": {"x": {"y": 1}}}
    return ITEMS.modify(old, {name: value for name, value in {**old, **new}.items() if value is not ...})


@pytest.mark.parametrize(
    ("record", "confined"),
    [
        (change(seen=2), True),
        (change(seen=...), True),
        (change(Meta={"at": 2, "by": "x"}), True),
        (change(seen=2, Meta={"by": "x"}), True),
        (change(L=[1, 3]), True),
        (change(Wide={"x": {"y": 2}}), True),
        (change(Wide={"x": {"y": 2}, "z": 3}, seen=5), True),
        (change(Wide={"x": {"y": 2}}, A=2), False),
        (change(), True),
        (change(seen=2, A=2), False),
        (change(Meta={"at": 2, "by": "y"}), False),
        (change(Meta=...), False),
        (change(L=[0, 2]), False),
        (change(New=1), False),
        (ITEMS.insert({**KEY, "seen": 1}), False),
        (ITEMS.remove({**KEY, "seen": 1}), False),
    ],
)
def test_only_changed_and_ignore(record: dict[str, Any], confined: bool) -> None:
    """A change below a named path belongs to it; what is new or gone as a whole is no noise."""
    noise = ["seen", "Meta.at", "L[1]", "Wide"]
    typed: Any = read_record(record)
    assert only_changed(noise)(typed) is confined
    app = StreamApp(ignore=noise)
    app.on_record(lambda record: None)
    assert outcomes(app, record) == [Skipped if confined else Handled]
    router = Router(ignore=set(noise))
    router.on_record(lambda record: None)
    whole = StreamApp()
    whole.include(router)
    assert outcomes(whole, record) == [Skipped if confined else Handled]


def test_a_route_for_what_is_ignored_is_refused() -> None:
    """It would run when something else changes, and never for what it asks."""
    app = StreamApp(ignore=["seen", "Meta"])
    with pytest.raises(
        DeclarationError, match=r"on_modify handler <lambda> wants changes that ignore=.*ignores"
    ):
        app.on_modify(attribute="Meta.at")(lambda record: None)
    app.on_modify(attribute=["seen", "A"])(lambda record: None)
    app.on_insert(attribute="seen")(lambda record: None)
    app.on_record(attribute="Meta.at")(lambda record: None)
    assert len(app.routes) == 3


# Loops


def test_the_loop_guard_keeps_a_handler_from_its_own_writes() -> None:
    """By the attributes that it writes, by its marker, or by both."""
    summary = {**KEY, "A": 1, "Summary": "s", "From": "e1"}
    by_writes, by_marker = loop_guard(writes={"Summary", "From"}), loop_guard(marker="From")
    both = loop_guard(writes="Summary", marker="From")

    def said(old: dict[str, Any], new: dict[str, Any]) -> list[bool]:
        record: Any = read_record(ITEMS.modify(old, new))
        return [guard(record) for guard in (by_writes, by_marker, both)]

    item = {**KEY, "A": 1}
    assert said(item, summary) == [False, False, False]
    assert said(summary, {**summary, "Summary": "t", "From": "e2"}) == [False, False, False]
    assert said(item, {**item, "Summary": "by a person"}) == [False, True, False]
    assert said(summary, {**summary, "A": 2}) == [True, True, True]
    assert said(summary, {**item, "A": 2}) == [True, True, True]  # a put that drops the marker
    assert said(summary, {**summary, "A": 2, "Summary": "t", "From": "e2"}) == [True, False, False]


def test_the_loop_guard_lets_insertions_and_removals_through() -> None:
    """But for the insertion that has its marker, which is its own."""
    insertion: Any = read_record(ITEMS.insert({**KEY, "Summary": "s"}))
    marked: Any = read_record(ITEMS.insert({**KEY, "From": "e1"}))
    removal: Any = read_record(ITEMS.remove({**KEY, "Summary": "s", "From": "e1"}))
    assert [loop_guard(writes="Summary")(each) for each in (insertion, marked, removal)] == [True] * 3
    assert [loop_guard(marker="From")(each) for each in (insertion, marked, removal)] == [True, False, True]


def test_the_loop_ends() -> None:
    """A handler that writes to its own table, its writes fed back: with the guard it stops, without it does not."""

    def run(app: StreamApp, writes: list[dict[str, Any]]) -> int:
        item, rounds = {**KEY, "Text": "a b c"}, 0
        pending = [ITEMS.insert(item)]
        while pending and rounds < 20:
            app(event(pending))
            rounds += 1
            pending = []
            for write in writes:
                pending.append(ITEMS.modify(item, {**item, **write}))
                item = {**item, **write}
            writes.clear()
        return rounds

    def looping(**options: Any) -> int:
        writes: list[dict[str, Any]] = []
        app = StreamApp()

        @app.on_record(**options)
        def count(record: Record) -> None:
            if isinstance(record, Remove):
                return
            writes.append({"Words": 3, "CountedFrom": record.event_id})

        return run(app, writes)

    assert looping() == 20
    assert looping(when=loop_guard(writes={"Words", "CountedFrom"})) == 2
    assert looping(when=loop_guard(marker="CountedFrom")) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"loop_guard knows no change by neither writes nor marker.*loop_guard\(writes={'Summary'}\)"),
        ({"writes": []}, "neither writes nor marker"),
        ({"writes": ["a..b"]}, "is not a path"),
        ({"marker": ""}, "is not a path"),
        ({"marker": 5}, "takes the name of an attribute"),
    ],
)
def test_a_guard_that_would_guard_nothing_is_refused(options: dict[str, Any], message: str) -> None:
    """The loop would stay."""
    with pytest.raises(DeclarationError, match=message):
        loop_guard(**options)


def test_the_guard_prints_as_what_it_is_made_of() -> None:
    """So that explain shows which part of it decided."""
    assert repr(loop_guard(writes={"b", "a"})) == "~only_changed(['a', 'b'])"
    assert repr(loop_guard(writes="a", marker="m")) == (
        "~(only_changed(['a']) | Attr('m').new.exists() & Attr('m').changed())"
    )
    app = StreamApp()
    app.on_modify(when=loop_guard(writes="a"))(lambda record: None)
    [route] = app.explain(ITEMS.modify({**KEY, "a": 1, "b": 1}, {**KEY, "a": 2, "b": 2})).routes
    assert "b <N> -> <N>" in "\n".join(route.lines())


def test_a_modify_handler_is_typed_all_the_same() -> None:
    """The guard goes beside other conditions."""
    app = StreamApp()
    seen: list[Any] = []

    @app.on_modify(when=loop_guard(writes="a") & (lambda record: record.new["b"] > 1))
    def handle(record: Modify) -> None:
        seen.append(record.new["b"])

    app(
        event(
            [ITEMS.modify({**KEY, "b": 1}, {**KEY, "b": 2}), ITEMS.modify({**KEY, "b": 2}, {**KEY, "b": 1})]
        )
    )
    assert seen == [2]


def test_settings_of_an_included_app_are_not_lost_in_silence() -> None:
    """They count for all records, so they belong to the outermost app; its other conditions add up."""
    with pytest.raises(DeclarationError, match="would be lost with one that is included"):
        StreamApp().include(StreamApp(ttl_attribute="expires_at"))
    inner, outer = StreamApp(replicas="ignore", ignore="seen"), StreamApp()
    inner.on_record(lambda record: None)
    outer.include(inner)
    assert str(outer) == "on_record  replicas='ignore', ignore=['seen']  <lambda>(dict)"
