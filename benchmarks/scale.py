"""How the price of one record grows with the batch, the item and the routes: Headwater beside itself."""

from __future__ import annotations

from benchmarks.batch import order_event, small_event, wide_event
from benchmarks.contest import Contestant, Workload, is_done
from benchmarks.models import Summary
from benchmarks.peers import Event
from benchmarks.unwanted import app_of_attributes
from headwater import Modify, StreamApp, decode

BATCHES = (1_000, 1, 10, 100, 10_000)
WIDTHS = (10, 1, 50, 200)
ROUTES = (1, 10, 50, 200)


def workloads(records: int) -> list[Workload]:
    """Each with what is usual first; the others are multiples of that."""
    batches = {size: small_event(max(size * records // BATCHES[0], 1)) for size in BATCHES}
    wide = {width: wide_event(max(records // 10, 1), width) for width in WIDTHS}
    narrow = app_of_attributes(1)
    return [
        _workload("a record that is wanted, by the size of the batch", _batches(batches)),
        _workload("an item into a model of three fields, by the item's attributes", _decoded(wide)),
        _workload(
            "a record that no route wants, by the item's attributes",
            [_handled(_counted(width, "attribute"), narrow, event) for width, event in wide.items()],
        ),
        _workload(
            "a record that no route wants, by the routes",
            [
                _handled(_counted(routes, "route"), app_of_attributes(routes), order_event(records))
                for routes in ROUTES
            ],
        ),
    ]


def _workload(title: str, contestants: list[Contestant]) -> Workload:
    return Workload("scale", title, tuple(contestants))


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number > 1)}"


def _handled(name: str, app: StreamApp, event: Event) -> Contestant:
    return Contestant(name, lambda: app(event), is_done, len(event["Records"]))


def _batches(batches: dict[int, Event]) -> list[Contestant]:
    app = StreamApp()

    @app.on_modify
    def handle(record: Modify[Summary]) -> object:
        return record.old, record.new

    return [_handled(_counted(size, "record"), app, event) for size, event in batches.items()]


def _decoded(wide: dict[int, Event]) -> list[Contestant]:
    def contestant(width: int, event: Event) -> Contestant:
        items = [record["dynamodb"]["NewImage"] for record in event["Records"]]

        def run() -> list[str]:
            return [decode(item, Summary).OrderId for item in items]

        def is_right(result: list[str]) -> bool:
            return result == [item["OrderId"]["S"] for item in items]

        return Contestant(_counted(width, "attribute"), run, is_right, len(items))

    return [contestant(width, event) for width, event in wide.items()]
