"""The function's own process: imports the app, then answers a line of JSON for each one that it is given."""

from __future__ import annotations

import faulthandler
import json
import logging
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import Any, BinaryIO, Final

from headwater.app import StreamApp
from headwater.cli.loader import LoadError, load_function
from headwater.cli.memory import own_peak
from headwater.cli.outcomes import text_of_error, told
from headwater.cli.watch import NO_STAMP, Stamp, Watch, source_files, stamp_of
from headwater.outcomes import Outcome
from headwater.tracebacks import since_user_code

END_GROUP: Final = partial(os.killpg, 0, signal.SIGKILL)
"""Ends this process and all that it has started."""

_READ_BYTES: Final = 1 << 20
_STDERR: Final = 2
_LATE_SECONDS: Final = 0.01  # so that who waits for this process is sure that the time was over


@dataclass(frozen=True, slots=True)
class Context:
    """The Lambda context of one invocation, whose time runs."""

    aws_request_id: str
    invoked_function_arn: str
    deadline: float
    function_name: str
    function_version: str
    memory_limit_in_mb: str
    log_group_name: str
    log_stream_name: str
    client_context: None = None
    identity: None = None

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds left until the process is killed."""
        return max(0, int((self.deadline - time.monotonic()) * 1000))


def main(target: str, requests: int, replies: int, abandon: Callable[[], object] = END_GROUP) -> None:
    """Serve the app.

    Args:
        target: The app, as in `load_function`.
        requests: The file descriptor to read requests from.
        replies: The file descriptor to write replies to.
        abandon: Called when nobody can ask any more: who started this process is gone.
    """
    for descriptor in (requests, replies):
        os.set_inheritable(descriptor, False)  # noqa: FBT003 - it has no keywords
    logging.getLogger().addHandler(_log_handler())
    # When the time is over the process says where it is, and ends: also when nobody is there any more to kill it, and
    # while no other line of Python gets to run.
    faulthandler.register(signal.SIGALRM, file=_STDERR, chain=True)
    with os.fdopen(replies, "wb") as writer:
        serve(target, requests, writer, abandon)


def serve(target: str, requests: int, replies: BinaryIO, abandon: Callable[[], object]) -> None:
    """Load the app and say so, then answer requests until there are no more."""
    lines: SimpleQueue[bytes | None] = SimpleQueue()
    # In a thread of its own, which sees the end of the requests also while a handler runs.
    threading.Thread(target=_read, args=(requests, lines, abandon), daemon=True).start()
    watch, process, began = Watch(), os.getpid(), time.time_ns()

    def reply(message: Mapping[str, Any], error: BaseException | None = None) -> bool:
        """Whether it was sent: a fork that a handler made has no say here."""
        return os.getpid() == process and _send(replies, _stamps(watch, began, error), message)

    try:
        function = load_function(target)
    except LoadError as error:
        reply({"error_type": _import_error(error.__cause__), "message": str(error)}, error)
        return
    reply({})
    while (line := lines.get()) is not None and reply(answer(function, line)):
        pass


def answer(function: Callable[[Any, Any], Any], line: bytes) -> dict[str, Any]:
    """Call the function with a request.

    Args:
        function: A `StreamApp`, or another Lambda handler.
        line: JSON with `event`, `request_id`, `arn` and `deadline`, a time of the monotonic clock.

    Returns:
        `payload`, and of a `StreamApp` the `outcomes`; or `error_type` and `message`.
    """
    request = json.loads(line)
    event, deadline = request["event"], request["deadline"]
    named = [_identity(raw) for raw in event.get("Records", ())]  # before a handler can change them
    context = Context(
        request["request_id"],
        request["arn"],
        deadline,
        os.environ["AWS_LAMBDA_FUNCTION_NAME"],
        os.environ["AWS_LAMBDA_FUNCTION_VERSION"],
        os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"],
        os.environ["AWS_LAMBDA_LOG_GROUP_NAME"],
        os.environ["AWS_LAMBDA_LOG_STREAM_NAME"],
    )
    signal.setitimer(signal.ITIMER_REAL, max(0.0, deadline - time.monotonic()) + _LATE_SECONDS)
    try:
        result = function.run(event, context) if isinstance(function, StreamApp) else None
        payload = function(event, context) if result is None else result.response
    except Exception as error:
        sys.stderr.write(_traceback(error))
        return {"error_type": type(error).__name__, "message": text_of_error(error)}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        json.dumps(payload)
    except Exception as error:
        return {
            "error_type": "Runtime.MarshalError",
            "message": f"Unable to marshal response: {text_of_error(error)}",
        }
    if result is None:
        return {"payload": payload}
    outcomes = [identity | _told(outcome) for identity, outcome in zip(named, result.outcomes, strict=True)]
    return {"payload": payload, "outcomes": outcomes}


def _read(requests: int, lines: SimpleQueue[bytes | None], abandon: Callable[[], object]) -> None:
    line = bytearray()  # not of a file object: a fork of the handler's would wait for its lock for ever
    while part := os.read(requests, _READ_BYTES):
        line += part
        if line.endswith(b"\n"):  # nobody sends a second one before the reply
            lines.put(bytes(line))
            line.clear()
    lines.put(None)
    abandon()


def _stamps(watch: Watch, began: int, error: BaseException | None) -> Mapping[str, Stamp]:
    """The files of the app, as they were when they were loaded. Of one that was written since, that is not known."""
    files = source_files(list(sys.modules.values()), error)
    found = {path: stamp_of(path) for path in files if path not in watch.stamps}
    watch.follow({path: NO_STAMP if stamp[0] > began else stamp for path, stamp in found.items()})
    return watch.stamps


def _send(replies: BinaryIO, files: Mapping[str, Stamp], message: Mapping[str, Any]) -> bool:
    told = {**message, "files": files, "max_memory_mb": own_peak()}
    replies.write(json.dumps(told).encode() + b"\n")
    replies.flush()
    return True


def _log_handler() -> logging.Handler:
    """As on Lambda the root logger has a handler: what the user's code logs is seen once its level allows it."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("[%(levelname)s] %(message)s"))
    # The failures of records are among the outcomes.
    handler.addFilter(lambda record: not hasattr(record, "sequence_number"))
    return handler


def _import_error(cause: BaseException | None) -> str:
    match cause:
        case None:
            return "Runtime.HandlerNotFound"
        case ImportError():
            return "Runtime.ImportModuleError"
        case SyntaxError():
            return "Runtime.UserCodeSyntaxError"
        case _:
            return type(cause).__name__


def _identity(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "eventName": raw.get("eventName"),
        "sequenceNumber": raw.get("dynamodb", {}).get("SequenceNumber"),
    }


def _told(outcome: Outcome) -> dict[str, Any]:
    error: Exception | None = getattr(outcome, "error", None)
    return told(outcome) | ({"traceback": _traceback(error)} if error is not None else {})


def _traceback(error: Exception) -> str:
    return "".join(traceback.format_exception(type(error), error, since_user_code(error)))
