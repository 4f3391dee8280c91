"""The function in this process: for the demo, where nothing is to be set up."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from typing import Any

from headwater.app import StreamApp
from headwater.cli.environment import Reply
from headwater.cli.outcomes import told
from headwater.mapping.answers import Raised, Returned
from headwater.testing import LambdaContext


def invoke(app: StreamApp, event: Mapping[str, Any], request_id: str) -> Reply:
    """Call an app, one invocation at a time: what handlers print is caught for the whole process.

    Args:
        app: The app.
        event: What it is given.
        request_id: Names the invocation in its context.
    """
    said, began = io.StringIO(), time.monotonic()
    try:
        with redirect_stdout(said), _quiet_log():
            result = app.run(event, LambdaContext(aws_request_id=request_id))
    except Exception as error:
        answer = Raised(type(error).__name__, str(error))
        return Reply(answer, said.getvalue(), time.monotonic() - began)
    outcomes = [told(outcome) for outcome in result.outcomes]
    return Reply(Returned(result.response), said.getvalue(), time.monotonic() - began, outcomes)


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
