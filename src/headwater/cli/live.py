"""A mapping that runs live on this machine: signals, reloading, checkpoints, discards and the report around it."""

from __future__ import annotations

import math
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final
from uuid import NAMESPACE_URL, uuid4, uuid5

from headwater.cli.connect import Connection, aws_client
from headwater.cli.counts import Counts
from headwater.cli.environment import Environment, Function, Reply
from headwater.cli.last_steps import LastSteps
from headwater.cli.pool import Pool
from headwater.cli.views import Beginning, Ending, View
from headwater.errors import HeadwaterError
from headwater.mapping.assumptions import Assumptions
from headwater.mapping.checkpoints import Checkpoints
from headwater.mapping.destinations import Store, to_aws, to_file
from headwater.mapping.documents import Origin
from headwater.mapping.live import LiveMapping, Parts
from headwater.mapping.observed import Event, Noticed
from headwater.mapping.report import report_page
from headwater.mapping.report_steps import History
from headwater.mapping.rules import Rules
from headwater.mapping.settings import EventSourceMapping

MOST_AT_ONCE: Final = 10
"""Processes of the function; what more shards and lanes ask for waits."""

_LOOK_SECONDS: Final = 0.5


class ReportError(HeadwaterError):
    """The report of a run can not be written."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """What is to be run.

    Attributes:
        connection: The stream.
        settings: Those of the mapping.
        function: The function.
        make: Makes an environment of it.
        name: The mapping's name.
        state: The file that checkpoints are kept in.
        forget: Whether to forget what is kept.
        on_failure: An ARN or a file for word of discards.
        reload: Whether code that has changed is loaded anew.
        until_idle: Stop when there was nothing to do for so many seconds.
        report: The file that the report is written to at the end.
    """

    connection: Connection
    settings: EventSourceMapping
    function: Function
    make: Callable[[], Environment]
    name: str
    state: Path
    forget: bool = False
    on_failure: str | None = None
    reload: bool = True
    until_idle: float | None = None
    report: Path | None = None


def run_live(run: Run, view: View) -> None:
    """Run a mapping until it is over, and let a view show it.

    Args:
        run: What is to be run.
        view: Shows it.

    Raises:
        KeyboardInterrupt: When it was told to stop a second time: nothing that was under way is finished.
        HeadwaterError: When checkpoints can not be kept, or do not fit the stream; when the report can not be written.
        UnavailableError: When the environment lacks something.
        botocore.exceptions.ClientError: When the stream can not be read.
    """
    origin = origin_of(run)
    # A stream trims by itself: no clock of this machine gives up a record that the stream still has.
    assumptions = Assumptions(retention_seconds=math.inf)
    rules = Rules(run.settings, assumptions, origin, request_id=lambda _shard, _number: str(uuid4()))
    pool = Pool(run.make, MOST_AT_ONCE)
    session = _Session(view, pool, reload=run.reload, history=LastSteps() if run.report else None)
    stream_arn = run.connection.stream_arn
    with Checkpoints(run.state, mapping=run.name, stream_arn=stream_arn) as checkpoints:
        if run.forget:
            checkpoints.forget()
        parts = Parts(
            client=run.connection.client("dynamodbstreams"),
            checkpoints=checkpoints,
            invoke=lambda invocation: pool.invoke(invocation.event, invocation.request_id),
            store=_store(run, origin),
            observe=session.observe,
            turned=session.turn,
            most_at_once=MOST_AT_ONCE,
        )
        view.begin(_beginning(run, goes_on=checkpoints.position() is not None))
        mapping = LiveMapping(rules, parts, until_idle=run.until_idle)
        session.mapping = mapping
        with _stopping(mapping, session), _reporting(run, session):
            try:
                with view.shown():
                    reason = mapping.run()
            finally:
                pool.stop()
            not_done = sum(state.waiting + state.under_way for state in mapping.states)
            view.end(Ending(reason, not_done, mapping.filtered), session.counts)


def origin_of(run: Run) -> Origin:
    """What documents say of stream and function."""
    uuid = run.settings.uuid or str(uuid5(NAMESPACE_URL, f"{run.connection.stream_arn} {run.name}"))
    return Origin(run.connection.stream_arn, run.function.arn, "$LATEST", uuid)


def function_arn(settings: EventSourceMapping, target: str, stream_arn: str) -> str:
    """The ARN that the function goes by: the one of the settings, or its name in the region and account of the stream."""
    name = settings.function_name or ""
    if name.startswith("arn:") and "${" not in name:
        return name
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        name = re.sub(r"[^A-Za-z0-9_-]", "-", Path(target.partition(":")[0]).stem)
    _, partition, _, region, account, *_ = stream_arn.split(":")
    region = region if "-" in region else "us-east-1"  # DynamoDB Local has a region of its own
    return f"arn:{partition}:lambda:{region}:{account}:function:{name}"


class _Session:
    """What happens while a mapping runs, all in its thread."""

    def __init__(self, view: View, pool: Pool, *, reload: bool, history: LastSteps | None) -> None:
        self.mapping: LiveMapping[Reply] | None = None
        self.counts = Counts()
        self.stops = 0
        self.history = history
        self._view = view
        self._pool = pool
        self._reload = reload
        self._looked = 0.0
        self._told = False

    def observe(self, event: Event[Reply]) -> None:
        self.counts.count(event)
        if self.history is not None:
            self.history.add(event)
        self._view.show(event, self.counts)

    def turn(self) -> None:
        now = time.monotonic()
        if self.stops and not self._told:
            self._told = True
            self.observe(Noticed("stopping: what is under way is finished first; Ctrl-C again stops at once"))
        if self._reload and now - self._looked >= _LOOK_SECONDS:
            self._looked = now
            if changed := self._pool.reload_changed():
                if self.mapping is not None:
                    self.mapping.retry_now()
                names = ", ".join(Path(file).name for file in changed)
                self.observe(Noticed(f"{names} changed: the next invocation imports the app anew"))
        mapping = self.mapping
        if mapping is not None:
            self._view.turn(self.counts, lambda: mapping.states)


@contextmanager
def _stopping(mapping: LiveMapping[Reply], session: _Session) -> Iterator[None]:
    """The first signal ends the mapping when what is under way is over, the second one at once.

    One that comes when all is over finds a process that ends by itself, and changes nothing.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        session.stops += 1
        if session.stops > 1:
            raise KeyboardInterrupt
        mapping.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_IGN if session.stops else handler)


def _store(run: Run, origin: Origin) -> Store:
    if run.on_failure is None:
        return lambda _discard: ""
    if run.on_failure.startswith("arn:"):
        return to_aws(run.on_failure, aws_client, origin)
    return to_file(run.on_failure)


def _beginning(run: Run, *, goes_on: bool) -> Beginning:
    settings, warnings = run.settings, []
    if not settings.report_batch_item_failures:
        warnings.append(
            "ReportBatchItemFailures is off, so Lambda does not read what the app answers: a record that fails is lost"
        )
    if settings.on_failure_destination and run.on_failure is None:
        warnings.append(
            f"discards are only shown, and not sent to {settings.on_failure_destination}: --on-failure says where to"
        )
    return Beginning(
        title=f"{run.connection.table} → {run.function.target}",
        stream_arn=run.connection.stream_arn,
        name=run.name,
        state=str(run.state),
        goes_on=goes_on,
        settings=settings.to_aws(),
        warnings=warnings,
    )


@contextmanager
def _reporting(run: Run, session: _Session) -> Iterator[None]:
    """The report is written last, however a run ends; what went wrong before that is what is raised."""
    try:
        yield
    except BaseException:
        with suppress(ReportError):
            _report(run, session)
        raise
    _report(run, session)


def _report(run: Run, session: _Session) -> None:
    if run.report is None or session.history is None:
        return
    filtered = session.mapping.filtered if session.mapping is not None else 0
    history = History(list(session.history.deliveries), list(session.history.discards), filtered=filtered)
    title = f"{run.connection.table} → {run.function.target}"
    page = report_page(history, title=title, settings=run.settings.to_aws())
    try:
        run.report.write_text(page, encoding="utf-8")
    except OSError as error:
        raise ReportError(f"the report can not be written to {run.report}: {error.strerror}") from error
