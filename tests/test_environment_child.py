"""What the function's own process does, called in this one: as an environment does over its pipes."""

from __future__ import annotations

import faulthandler
import importlib
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from headwater import DeadLetter, Record, Skip, StreamApp
from headwater.cli.child import Context, _stamps, answer, main
from headwater.cli.environment import Function, lambda_variables
from headwater.cli.loader import LoadError, load_function
from headwater.cli.watch import NO_STAMP, Watch
from headwater.results import BatchResult
from headwater.testing import Table, event

ORDERS = Table("Orders", keys="Id")
PATIENCE_SECONDS = 60.0


@pytest.fixture(autouse=True)
def as_in_a_process_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """What the process leaves behind is taken back."""
    for name, value in lambda_variables(Function(target="app.py")).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "path", list(sys.path))
    handlers = list(logging.getLogger().handlers)
    yield
    logging.getLogger().handlers[:] = handlers
    faulthandler.unregister(signal.SIGALRM)
    sys.modules.pop("served", None)


def request(*ids: str, **more: Any) -> bytes:
    asked = {
        "event": event([ORDERS.insert({"Id": name}) for name in ids]),
        "request_id": "r-1",
        "arn": "arn:aws:lambda:us-east-1:123456789012:function:orders",
        "deadline": time.monotonic() + PATIENCE_SECONDS,
    }
    return json.dumps(asked | more).encode() + b"\n"


class Process:
    """`main` in a thread."""

    def __init__(self, target: Path) -> None:
        requests, self.requests = os.pipe()
        replies, end = os.pipe()
        self.replies = os.fdopen(replies)
        self.abandoned = threading.Event()
        self.thread = threading.Thread(target=main, args=(str(target), requests, end, self.abandoned.set))
        self.thread.start()

    def reply(self) -> Mapping[str, Any]:
        told: dict[str, Any] = json.loads(self.replies.readline())
        return told

    def end(self) -> None:
        os.close(self.requests)
        self.thread.join(PATIENCE_SECONDS)
        assert self.abandoned.wait(PATIENCE_SECONDS)
        self.replies.close()


def test_it_says_that_it_is_ready_and_answers(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Each reply has the files of the app and the memory; the end of the requests is its end."""
    (tmp_path / "served.py").write_text(
        "import logging\nfrom headwater import Record, StreamApp\napp = StreamApp()\n@app.on_record\n"
        "def handle(record: Record) -> None:\n    logging.warning('of %s', record.keys['Id'])\n"
        "    raise ValueError\n"
    )
    process = Process(tmp_path / "served.py")
    ready = process.reply()
    assert str(tmp_path / "served.py") in ready["files"]
    assert ready["max_memory_mb"] > 0
    for text in ("", "x" * 200_000):  # more than a pipe holds
        os.write(process.requests, request("1", text=text))
        assert process.reply()["outcomes"][0]["outcome"] == "failed"
    process.end()
    # The failure itself is among the outcomes.
    assert capfd.readouterr().out == "[WARNING] of 1\n" * 2


@pytest.mark.parametrize(
    ("app", "error_type"),
    [
        ("import not_installed", "Runtime.ImportModuleError"),
        ("def broken(:", "Runtime.UserCodeSyntaxError"),
        ("", "Runtime.HandlerNotFound"),
        ("raise ValueError", "ValueError"),
    ],
)
def test_it_says_why_the_app_can_not_be_had(tmp_path: Path, app: str, error_type: str) -> None:
    """And which file it is to be mended in."""
    (tmp_path / "served.py").write_text(app)
    process = Process(tmp_path / "served.py")
    told = process.reply()
    assert told["error_type"] == error_type
    assert "served.py" in told["message"]
    assert str(tmp_path / "served.py") in told["files"]
    assert process.replies.readline() == ""
    process.end()


def test_the_context_counts_the_time_down() -> None:
    """To nothing, and not further."""
    app, seen = StreamApp(), list[Context]()

    @app.on_record
    def look(_record: Record, context: Any) -> None:
        seen.append(context)

    answer(app, request("1"))
    assert 0 < seen[0].get_remaining_time_in_millis() <= PATIENCE_SECONDS * 1000
    assert replace(seen[0], deadline=time.monotonic() - 1).get_remaining_time_in_millis() == 0


def test_every_outcome_is_told() -> None:
    """Also where a handler has emptied the record."""
    letters: list[DeadLetter] = []
    app = StreamApp(on_failure="isolate", dead_letters=letters.append, permanent=KeyError)

    class SilentError(Exception):
        def __str__(self) -> str:
            raise self

    @app.on_record
    def handle(record: Record) -> None:
        if (name := record.keys["Id"]) == "skip":
            raise Skip("as told")
        if name == "aside":
            raise KeyError(name)
        if name == "fail":
            raise SilentError
        record.raw.clear()  # type: ignore[attr-defined]

    told = answer(app, request("good", "skip", "aside", "fail", "fail"))
    assert [outcome["outcome"] for outcome in told["outcomes"]] == [
        "handled",
        "skipped",
        "deadlettered",
        "failed",
        "withheld",
    ]
    assert {outcome["eventName"] for outcome in told["outcomes"]} == {"INSERT"}
    assert told["outcomes"][3]["message"] == ""
    assert json.dumps(told)


def test_an_exception_of_the_app_is_told_and_its_traceback_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """No response says anything then."""
    told = answer(StreamApp(), request(event={"Records": [{"eventSource": "aws:sqs"}]}))
    assert told["error_type"] == "SourceError"
    assert "aws:sqs" in told["message"]
    assert capsys.readouterr().err.startswith("Traceback")


def test_a_response_that_is_no_json_is_told() -> None:
    """As the runtime client does."""

    class Wrong(StreamApp):
        def run(self, event: Any, context: Any = None) -> BatchResult:
            return super().run(event, context)._replace(response={"batchItemFailures": {1}})  # type: ignore[typeddict-item]

    told = answer(Wrong(), request("1"))
    assert told["error_type"] == "Runtime.MarshalError"
    assert told["message"].startswith("Unable to marshal response: ")


def test_a_handler_that_is_no_app_is_called_too() -> None:
    """What it returns is passed on; what became of the records only an app tells."""
    assert answer(lambda event, _context: {"seen": len(event["Records"])}, request("a", "b")) == {
        "payload": {"seen": 2}
    }


@pytest.mark.parametrize(
    "handler",
    ["def lambda_handler(event, context): ...", "from headwater import StreamApp\napp = StreamApp()"],
)
def test_a_handler_is_found_by_the_names_that_people_use(tmp_path: Path, handler: str) -> None:
    """As Lambda's own examples call it, or as Headwater's do."""
    file = tmp_path / "served.py"
    file.write_text(handler)
    assert callable(load_function(str(file)))


def test_what_can_not_be_called_is_no_handler(tmp_path: Path) -> None:
    """The sentence says what it is."""
    file = tmp_path / "served.py"
    file.write_text("app = 5")
    with pytest.raises(
        LoadError, match=r"app in .*served.py is a int, which can not be called: name the handler"
    ):
        load_function(str(file))


def test_a_file_that_is_written_while_it_is_imported_counts_as_changed(tmp_path: Path) -> None:
    """What was loaded is not what is there."""
    written, watch = tmp_path / "served.py", Watch()
    written.write_text("value = 1")
    sys.path.insert(0, str(tmp_path))
    importlib.import_module("served")
    before = _stamps(watch, time.time_ns() - 10**12, None)
    assert before[str(written)] == NO_STAMP
    assert str(written) in watch.changed()
    assert watch.changed() == []
