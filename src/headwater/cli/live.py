"""An app on a live stream: poll, deliver, show, and keep count."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from typing import Any, Final

from rich.console import Console

from headwater.app import StreamApp
from headwater.cli.display import show_delivery
from headwater.mapping.delivery import Delivery, deliver
from headwater.mapping.poller import StreamPoller
from headwater.outcomes import Failed, acknowledged
from headwater.testing import LambdaContext

FIRST_WAIT_SECONDS: Final = 0.4
LONGEST_WAIT_SECONDS: Final = 30.0


@dataclass(slots=True)
class Tally:
    """What has been done so far.

    Attributes:
        acknowledged: The sequence numbers of the records that are done with.
        failed: The sequence number of a record, once for each time that it failed.
        batches: How many batches have been delivered, redeliveries not counted.
    """

    acknowledged: set[str] = field(default_factory=set)
    failed: list[str] = field(default_factory=list)
    batches: int = 0

    def count(self, delivery: Delivery) -> None:
        """Add a delivery."""
        for raw, outcome in zip(
            delivery.records, delivery.result.outcomes if delivery.result else [], strict=False
        ):
            number = raw["dynamodb"]["SequenceNumber"]
            if acknowledged(outcome):
                self.acknowledged.add(number)
            if isinstance(outcome, Failed):
                self.failed.append(number)


def wait_after(attempt: int) -> float:
    """Seconds until the next delivery: twice as long after each one that has not moved the checkpoint."""
    return min(FIRST_WAIT_SECONDS * 2.0 ** (attempt - 1), LONGEST_WAIT_SECONDS)


def follow(
    app: StreamApp,
    poller: StreamPoller,
    console: Console,
    *,
    stop: Callable[[Tally], bool],
    pause: Callable[[float], object] = time.sleep,
) -> Tally:
    """Deliver what a stream brings until told to stop; a batch that is under way is finished first.

    Args:
        app: The app.
        poller: Reads the stream.
        console: Where to show it.
        stop: Asked between deliveries; knows what has been done.
        pause: Waits for so many seconds.
    """
    tally = Tally()
    for records in poller.batches(pause):
        if records:
            tally.batches += 1
            for delivery, said in _deliver(app, records):
                tally.count(delivery)
                wait = wait_after(delivery.attempt)
                show_delivery(console, tally.batches, delivery, said, wait)
                if delivery.redeliver_from is None:
                    break
                if stop(tally):
                    return tally
                pause(wait)
        if stop(tally):
            return tally
    return tally


def _deliver(app: StreamApp, records: list[dict[str, Any]]) -> Iterator[tuple[Delivery, str]]:
    said = io.StringIO()

    def invoke(event: dict[str, Any]) -> Any:
        with redirect_stdout(said), _quiet_log():
            return app.run(event, LambdaContext())

    for delivery in deliver(records, invoke):
        yield delivery, said.getvalue()
        said.seek(0)
        said.truncate()


@contextmanager
def _quiet_log() -> Iterator[None]:
    """The display shows each failure itself."""
    logger = logging.getLogger("headwater")
    before = logger.disabled
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = before
