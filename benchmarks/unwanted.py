"""Records that no route wants: most of a stream, in most functions."""

from __future__ import annotations

from typing import Any

import dynamodb_stream_router as router
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

from benchmarks.batch import order_event
from benchmarks.contest import DONE, Contestant, Workload, is_done
from benchmarks.peers import Event, powertools
from headwater import Attr, Modify, StreamApp

FAMILY = "unwanted"
ROUTES = (1, 20, 200)
HAND_WRITTEN = (1, 20)
FEW_RECORDS = 5
"""For dynamodb-stream-router, which is too slow for a whole batch."""


def workloads(records: int) -> list[Workload]:
    """The same records beside 1, 20 and 200 routes."""
    return [_workload(order_event(records), routes) for routes in ROUTES]


def app_of_attributes(routes: int) -> StreamApp:
    """Routes that ask for a change of attributes that no item has."""
    app = StreamApp()
    for name in _names(routes):
        app.on_modify(attribute=name)(_show)
    return app


def app_of_conditions(routes: int) -> StreamApp:
    """Routes that ask for values of an attribute that does change, to another value."""
    app = StreamApp()
    for name in _names(routes):
        app.on_modify(when=Attr("Status").becomes(name))(_show)
    return app


def _show(record: Modify) -> None:
    print(record)


def _names(routes: int) -> list[str]:
    return [f"Attribute{number}" for number in range(routes)]


def _workload(event: Event, routes: int) -> Workload:
    records = len(event["Records"])
    attributes, conditions = app_of_attributes(routes), app_of_conditions(routes)
    few = {"Records": event["Records"][:FEW_RECORDS]}
    by_hand = _loop_of_one if routes == 1 else _loop
    names = _names(routes)
    return Workload(
        FAMILY,
        f"record that none of {routes} routes wants"
        if routes > 1
        else "record that the only route does not want",
        (
            Contestant("Headwater, `attribute=`", lambda: attributes(event), is_done, records),
            Contestant("Headwater, conditions on values", lambda: conditions(event), is_done, records),
            Contestant("Powertools batch, data class", lambda: _powertools(event, names), is_done, records),
            Contestant("dynamodb-stream-router", _stream_router(few, names), is_done, len(few["Records"])),
            *(
                [Contestant("loop by hand", lambda: by_hand(event, names), is_done, records, is_floor=True)]
                if routes in HAND_WRITTEN
                else []
            ),
        ),
    )


def _powertools(event: Event, names: list[str]) -> Any:
    def handle(record: DynamoDBRecord) -> None:
        stream = record.dynamodb
        new, old = (stream.new_image, stream.old_image) if stream else ({}, {})
        if any(new.get(name) != old.get(name) for name in names):
            print(record)

    return powertools(event, handle)


def _stream_router(event: Event, names: list[str]) -> Any:
    modify = router.Operation.MODIFY
    declare: Any = router.on_modify
    routes = set()
    for name in names:  # parsed here, before the clock runs
        before = router.get_routes(modify)
        declare(f"has_changed('{name}')", 0)(_show)
        routes |= router.get_routes(modify) - before

    def run() -> Any:
        # Its routes are global to the process: the first run takes those of other contestants away.
        present = router.get_routes(modify)
        for route in present - routes:
            router.remove_route(modify, route)
        for route in routes - present:
            router.add_route(modify, route)
        router.route_records(event["Records"])
        return DONE

    return run


def _loop_of_one(event: Event, names: list[str]) -> Any:
    [name] = names
    for record in event["Records"]:
        stream = record["dynamodb"]
        if record["eventName"] == "MODIFY" and stream["NewImage"].get(name) != stream["OldImage"].get(name):
            print(record)
    return DONE


def _loop(event: Event, names: list[str]) -> Any:
    for record in event["Records"]:
        if record["eventName"] == "MODIFY":
            new, old = record["dynamodb"]["NewImage"], record["dynamodb"]["OldImage"]
            for name in names:
                if new.get(name) != old.get(name):
                    print(record)
    return DONE
