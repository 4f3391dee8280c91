"""An observer that writes CloudWatch metrics, as lines of JSON in the Embedded Metric Format.

Lambda sends what a function prints to CloudWatch Logs, and CloudWatch takes the metrics out of it: that needs no call to
AWS and no permission. Source: [Specification: Embedded metric format](
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).

| metric | unit | dimensions | says |
|---|---|---|---|
| `Handled`, `Skipped`, `DeadLettered`, `Failed`, `Withheld` | Count | `FunctionName`, `Table` | what became of the records |
| `BatchSize` | Count | `FunctionName`, `Table` | how many records there were |
| `RecordAge` | Milliseconds | `FunctionName`, `Table` | how old each of them was when the batch was answered |
| `HandlerTime` | Milliseconds | and `Route` | how long each call of a handler took |
| `Failed`, `DeadLettered` | Count | and `Route` | how many records ended in that route |
"""

from __future__ import annotations

import json
import math
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TextIO, TypeAlias

from headwater.context import text_in
from headwater.errors import DeclarationError
from headwater.events import BatchFinished, Event, RecordFinished
from headwater.outcomes import DeadLettered, Failed, Handled, Outcome, Skipped, Withheld
from headwater.sources import RawRecord
from headwater.streams import read_time, table_of

Values: TypeAlias = Mapping[str, "int | Sequence[float]"]
"""By metric, its value or values."""

# What became of a record, by the name of the metric that counts it.
_OUTCOMES: Final[Mapping[str, type[Outcome]]] = {
    "Handled": Handled,
    "Skipped": Skipped,
    "DeadLettered": DeadLettered,
    "Failed": Failed,
    "Withheld": Withheld,
}
_UNITS: Final = {
    **dict.fromkeys(_OUTCOMES, "Count"),
    "BatchSize": "Count",
    "RecordAge": "Milliseconds",
    "HandlerTime": "Milliseconds",
}
_OURS: Final = ("FunctionName", "Table", "Route")

# The format's limits: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html too.
_MAX_VALUES: Final = 100
_MAX_DIMENSIONS: Final = 30
_MAX_DIMENSION_NAME: Final = 250
_MAX_DIMENSION_VALUE: Final = 1024
_MAX_NAMESPACE: Final = 255


@dataclass(slots=True)
class _RouteNotes:
    """What is known of a route since the last line about it."""

    milliseconds: list[float] = field(default_factory=list)
    failed: int = 0
    dead_lettered: int = 0

    def values(self) -> Values:
        return {
            "HandlerTime": self.milliseconds,
            "Failed": self.failed,
            "DeadLettered": self.dead_lettered,
        }


class EmfMetrics:
    """Writes the metrics of each batch to standard output when it is answered.

    ```python
    app = StreamApp(observers=[EmfMetrics("Shop", dimensions={"Service": "scores"})])
    ```

    Times of a batch that raised are written with the next one. One instance can serve several apps and threads.
    """

    def __init__(
        self,
        namespace: str = "Headwater",
        *,
        dimensions: Mapping[str, str] | None = None,
        stream: TextIO | None = None,
        per_route: bool = True,
    ) -> None:
        """Say where the metrics belong.

        Args:
            namespace: The CloudWatch namespace.
            dimensions: On every metric, beside `FunctionName` and `Table`. CloudWatch charges for each combination of
                values, so take what has few, such as a service or a stage.
            stream: Where the lines go; standard output, as it is when they are written, unless given.
            per_route: Whether there is a line for each route as well.

        Raises:
            DeclarationError: When CloudWatch would refuse the namespace or a dimension.
        """
        self._namespace = _checked_namespace(namespace)
        self._dimensions = _checked_dimensions(dimensions or {})
        self._stream = stream
        self._per_route = per_route
        self._notes: dict[tuple[str, str], _RouteNotes] = {}
        self._lock = threading.Lock()

    def __call__(self, event: Event, /) -> None:
        """Remember how long handlers took; write, when the batch is done."""
        if isinstance(event, RecordFinished) and self._per_route:
            with self._lock:
                self._note(event)
        elif isinstance(event, BatchFinished):
            with self._lock:
                notes, self._notes = self._notes, {}
            self._write(event, notes)

    def __repr__(self) -> str:
        return f"<EmfMetrics {self._namespace}>"

    def _note(self, event: RecordFinished) -> None:
        table = table_of(event.raw)
        for route, seconds in event.handler_seconds.items():
            if math.isfinite(seconds):
                self._notes_of(table, route).milliseconds.append(round(seconds * 1_000, 3))
        match event.outcome:
            case Failed(route=str(route)):
                self._notes_of(table, route).failed += 1
            case DeadLettered(route=str(route)):
                self._notes_of(table, route).dead_lettered += 1

    def _notes_of(self, table: str, route: str) -> _RouteNotes:
        return self._notes.setdefault((table, route), _RouteNotes())

    def _write(self, event: BatchFinished, notes: Mapping[tuple[str, str], _RouteNotes]) -> None:
        now = time.time()
        function = text_in(event.context, "function_name")
        tables: dict[str, list[tuple[RawRecord, Outcome]]] = {}
        for raw, outcome in zip(event.records, event.outcomes, strict=True):
            tables.setdefault(table_of(raw), []).append((raw, outcome))
        for table, finished in tables.items():
            self._write_lines(now, _batch_values(finished, now), FunctionName=function, Table=table)
        for (table, route), noted in notes.items():
            self._write_lines(now, noted.values(), FunctionName=function, Table=table, Route=route)

    def _write_lines(self, now: float, values: Values, **ours: Any) -> None:
        dimensions = {**self._dimensions, **{name: _ascii(value) for name, value in ours.items()}}
        known = {name: value for name, value in dimensions.items() if value}
        stream = sys.stdout if self._stream is None else self._stream
        for part in _parts(values):
            metadata = {
                "Timestamp": int(now * 1_000),
                "CloudWatchMetrics": [
                    {
                        "Namespace": self._namespace,
                        "Dimensions": [list(known)],
                        "Metrics": [{"Name": name, "Unit": _UNITS[name]} for name in part],
                    }
                ],
            }
            document = json.dumps({"_aws": metadata, **known, **part}, allow_nan=False, separators=(",", ":"))
            stream.write(document + "\n")  # at once, so that nothing printed elsewhere gets between
            stream.flush()


def _batch_values(finished: Sequence[tuple[RawRecord, Outcome]], now: float) -> Values:
    ages = [_age(raw, now) for raw, _ in finished]
    return {
        **{
            name: sum(isinstance(outcome, kind) for _, outcome in finished)
            for name, kind in _OUTCOMES.items()
        },
        "BatchSize": len(finished),
        "RecordAge": [age for age in ages if age is not None],
    }


def _parts(values: Values) -> Iterator[Values]:
    """The values of one line each: a line holds so many of a metric, and more go into lines of their own."""
    rest = values
    while rest:
        part = {
            name: value if isinstance(value, int) else value[:_MAX_VALUES] for name, value in rest.items()
        }
        yield {name: value for name, value in part.items() if value != []}
        rest = {
            name: value[_MAX_VALUES:]
            for name, value in rest.items()
            if not isinstance(value, int) and len(value) > _MAX_VALUES
        }


def _age(raw: RawRecord, now: float) -> int | None:
    """Milliseconds since the item was written; `None` where the record does not say, or a handler has emptied it."""
    stream = raw.get("dynamodb")
    created_at = read_time(stream.get("ApproximateCreationDateTime")) if isinstance(stream, Mapping) else None
    # Two clocks are compared, and a negative age helps nobody.
    return None if created_at is None else max(0, round((now - created_at.timestamp()) * 1_000))


def _ascii(value: Any) -> str:
    """A dimension's value as CloudWatch takes it: printable ASCII, with escapes for what else is in it.

    Source: [Dimension](https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html).
    """
    text = value if isinstance(value, str) else ""
    return text.strip().encode("unicode_escape").decode("ascii")[:_MAX_DIMENSION_VALUE]


def _checked_namespace(namespace: Any) -> str:
    if not isinstance(namespace, str) or not 0 < len(namespace) <= _MAX_NAMESPACE or namespace[0] == ":":
        raise DeclarationError(
            f"EmfMetrics: {namespace!r} is no CloudWatch namespace: give 1 to {_MAX_NAMESPACE} characters, "
            "the first one no colon"
        )
    return namespace


def _checked_dimensions(dimensions: Mapping[Any, Any]) -> dict[str, str]:
    taken = {*_UNITS, *_OURS, "_aws"}
    for name, value in dimensions.items():
        if not _is_dimension_name(name):
            raise DeclarationError(
                f"EmfMetrics: dimension {name!r} has no name that CloudWatch takes: "
                f"give 1 to {_MAX_DIMENSION_NAME} printable ASCII characters, the first one no colon"
            )
        if name in taken:
            raise DeclarationError(
                f"EmfMetrics: dimension {name!r} would overwrite what every line has: call it otherwise"
            )
        if not _ascii(value):
            raise DeclarationError(
                f"EmfMetrics: dimension {name!r} has the value {value!r}, and CloudWatch takes text that is not empty"
            )
    most = _MAX_DIMENSIONS - len(_OURS)
    if len(dimensions) > most:
        raise DeclarationError(
            f"EmfMetrics: {len(dimensions)} dimensions, and CloudWatch takes {_MAX_DIMENSIONS} with "
            f"{', '.join(_OURS)}: give {most} at most"
        )
    return {name: _ascii(value) for name, value in dimensions.items()}


def _is_dimension_name(name: Any) -> bool:
    return (
        isinstance(name, str)
        and 0 < len(name.strip()) <= len(name) <= _MAX_DIMENSION_NAME
        and name.isascii()
        and name.isprintable()
        and name[0] != ":"
    )
