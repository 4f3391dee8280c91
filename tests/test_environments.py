"""Where `headwater run` lets the function run: a process of its own, and the real runtime client."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from headwater.cli.environment import Environment, Function, Reply, UnavailableError, lambda_variables
from headwater.cli.memory import own_peak, peak_of
from headwater.cli.process import ProcessEnvironment, launch_app, start_python
from headwater.cli.runtime import runtime_environment
from headwater.cli.sandbox import Ends, Sandbox, Started
from headwater.mapping.answers import NotRun, Raised, Returned
from headwater.testing import Table, event

PATIENCE_SECONDS = 60.0
ROOMY_MB = 2_000  # what is imported besides is no matter of these tests
REQUEST = "11111111-2222-3333-4444-555555555555"
DONE: dict[str, Any] = {"batchItemFailures": []}
ORDERS = Table("Orders", keys="Id")
APP = """
import os, signal, subprocess, sys, threading, time
from headwater import Record, Skip, StreamApp
app = StreamApp()
seen = []

@app.on_record
def handle(record: Record, context) -> None:
    seen.append(record.keys["Id"])
"""
WORK = """
    if record.keys["Id"] == "work":
"""

Make: TypeAlias = Callable[..., Environment]


@pytest.fixture(params=["process", "runtime"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Makes an environment of an app whose handler does what it is told to, of either kind."""
    made: list[Environment] = []

    def make(work: str = "", *, app: str = APP, target: str = "app.py:app", **settings: Any) -> Environment:
        write(tmp_path, work, app)
        place = str(tmp_path / target) if ".py" in target else target
        function = Function(target=place, **{"timeout": PATIENCE_SECONDS, "memory_mb": ROOMY_MB, **settings})
        kinds: Mapping[str, Callable[[Function], Environment]] = {
            "process": ProcessEnvironment,
            "runtime": runtime_environment,
        }
        made.append(kinds[request.param](function))
        return made[-1]

    yield make
    for environment in made:
        environment.stop()


only_process = pytest.mark.parametrize("make", ["process"], indirect=True)
only_runtime = pytest.mark.parametrize("make", ["runtime"], indirect=True)


def write(folder: Path, work: str, app: str = APP) -> None:
    lines = "".join(f"        {line}\n" for line in work.splitlines())
    (folder / "app.py").write_text(app + (WORK + lines if work else ""))


def call(environment: Environment, *ids: str, **more: Any) -> Reply:
    records = [ORDERS.insert({"Id": name, **more}) for name in ids]
    return environment.invoke(event(records), REQUEST)


def failure(reply: Reply, error_type: str) -> str:
    assert isinstance(reply.answer, Raised), reply
    assert reply.answer.error_type == error_type, reply
    assert reply.outcomes is None
    return reply.answer.message


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for yet does not."""
    try:
        state = subprocess.run(
            ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=True
        ).stdout
    except subprocess.CalledProcessError:
        return False
    return not state.startswith("Z")


def wait_until(met: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not met():
        assert time.monotonic() < until
        time.sleep(0.02)


# What comes back


def test_an_invocation_is_answered_with_the_response(make: Make) -> None:
    """And the environment keeps what the function has in memory for the next one."""
    environment = make("print(len(seen), os.getpid())")
    first, second = call(environment, "other", "work"), call(environment, "work")
    assert (first.answer, second.answer) == (Returned(DONE), Returned(DONE))
    assert first.said.split()[0] == "2"
    assert second.said.split()[0] == "3"
    assert first.said.split()[1] == second.said.split()[1]
    assert first.seconds >= 0


@only_process
def test_it_is_told_what_became_of_each_record(make: Make) -> None:
    """As plain values: the reasons of skipping, and of a failure where it was, what was raised and the traceback."""
    work = "raise ValueError('no such order')\nif record.keys['Id'] == 'skip':\n    raise Skip('as told')"
    app = APP.replace(
        "    seen", "    if record.keys['Id'] == 'skip':\n        raise Skip('as told')\n    seen"
    )
    reply = call(make(work.partition("\n")[0], app=app), "other", "skip", "work", "later")
    assert reply.outcomes is not None
    handled, skipped, failed, withheld = reply.outcomes
    assert (handled["eventName"], handled["outcome"], handled["routes"]) == ("INSERT", "handled", ["handle"])
    assert (skipped["outcome"], skipped["reason"]) == ("skipped", "as told")
    assert withheld["outcome"] == "withheld"
    assert reply.answer == Returned({"batchItemFailures": [{"itemIdentifier": failed["sequenceNumber"]}]})
    assert 'raise ValueError("no such order")' in failed["traceback"].replace("'", '"')
    assert {name: failed[name] for name in ("outcome", "phase", "route", "error", "path", "message")} == {
        "outcome": "failed",
        "phase": "handler",
        "route": "handle",
        "error": "ValueError",
        "path": "",
        "message": "no such order",
    }


@only_process
def test_a_record_that_is_put_aside_is_told_with_its_error(make: Make) -> None:
    """Its path where it has one; an exception that can not even say what it is has no message."""
    app = """
from pydantic import BaseModel
from headwater import Insert, StreamApp

class Order(BaseModel):
    Id: str
    Total: int

class Silent(Exception):
    def __str__(self):
        raise self

app = StreamApp(dead_letters=lambda letter: None, permanent=Silent)

@app.on_insert
def handle(record: Insert[Order]) -> None:
    raise Silent(record.new)
"""
    reply = make(app=app).invoke(
        event([ORDERS.insert({"Id": "1", "Total": total}) for total in ("much", 2)]), REQUEST
    )
    assert reply.answer == Returned(DONE)
    assert reply.outcomes is not None
    told = [[letter[name] for name in ("outcome", "phase", "error", "path")] for letter in reply.outcomes]
    assert told == [
        ["deadlettered", "decode", "DecodeError", "NewImage.Total"],
        ["deadlettered", "handler", "Silent", ""],
    ]
    assert reply.outcomes[1]["message"] == ""


def test_what_the_function_writes_is_kept_apart_from_the_answer(make: Make) -> None:
    """From Python, from the file descriptors, from a process that it starts, and what is no text."""
    work = """
print("by print")
os.write(1, b"by number \\xff\\n")
os.write(2, b'{"payload": "of somebody else"}\\n')
subprocess.run(["echo", "by a process"])
""".strip()
    reply = call(make(work), "work")
    assert reply.answer == Returned(DONE)
    for line in ("by print", "by number \ufffd", '{"payload": "of somebody else"}', "by a process"):
        assert line in reply.said.splitlines()


def test_what_the_import_writes_is_told_with_the_first_invocation(make: Make) -> None:
    """And once only, though it is more than a pipe holds."""
    environment = make(app="print('loaded' * 100_000)\n" + APP)
    assert "loaded" * 100_000 in call(environment, "1").said
    assert "loaded" not in call(environment, "1").said


def test_what_the_function_logs_is_seen(make: Make) -> None:
    """The root logger has a handler, as on Lambda: setting its level is enough."""
    environment = make("import logging\nlogging.getLogger().setLevel('INFO')\nlogging.info('as told')")
    assert "as told" in call(environment, "work").said


def test_a_large_event_and_much_output_do_not_block(make: Make) -> None:
    """6 MB to the function while it writes 6 MB itself."""
    environment = make("print('y' * 6_000_000)\nprint(len(record.new['Text']))")
    reply = call(environment, "work", Text="x" * 6_000_000)
    assert reply.answer == Returned(DONE)
    assert reply.said.splitlines()[-1] == "6000000"
    assert len(reply.said) > 6_000_000


# The function's surroundings


def test_the_context_is_that_of_the_invocation(make: Make) -> None:
    """Its time runs down from the timeout."""
    work = """
before = context.get_remaining_time_in_millis()
while context.get_remaining_time_in_millis() == before: pass
print(before, context.aws_request_id, context.function_name, context.function_version,
      context.memory_limit_in_mb, context.invoked_function_arn, context.log_group_name, context.log_stream_name)
""".strip()
    arn = "arn:aws:lambda:eu-central-1:123456789012:function:orders"
    reply = call(make(work, arn=arn, memory_mb=3_000), "work")
    assert reply.answer == Returned(DONE)
    remaining, *others, stream = reply.said.split()
    assert 0 < int(remaining) <= PATIENCE_SECONDS * 1000
    assert others == [REQUEST, "orders", "$LATEST", "3000", arn, "/aws/lambda/orders"]
    assert "[$LATEST]" in stream


def test_the_environment_variables_are_those_of_lambda(make: Make, tmp_path: Path) -> None:
    """With the function's own on top."""
    names = ["_HANDLER", "AWS_LAMBDA_FUNCTION_NAME", "LAMBDA_TASK_ROOT", "TZ", "STAGE"]
    reply = call(make(f"print(*map(os.environ.get, {names}))", variables={"STAGE": "test"}), "work")
    assert reply.said.split() == ["app.app", "headwater", str(tmp_path), ":UTC", "test"]


def test_the_users_region_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """The function's counts where the user has none."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    arn = "arn:aws:lambda:eu-central-1:123456789012:function:orders"
    function = Function(target="orders.stream:lambda_handler", arn=arn)
    assert lambda_variables(function)["AWS_REGION"] == "eu-central-1"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    assert lambda_variables(function)["AWS_REGION"] == "us-west-2"
    assert lambda_variables(function)["AWS_DEFAULT_REGION"] == "us-west-2"
    assert lambda_variables(function)["_HANDLER"] == "orders.stream.lambda_handler"


def test_an_app_is_found_by_its_module(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the current folder."""
    monkeypatch.chdir(tmp_path)
    assert call(make(target="app:app"), "1").answer == Returned(DONE)


# What goes wrong


def test_a_function_that_takes_too_long_is_killed(make: Make) -> None:
    """Though it blocks all signals, with what it has started; the next invocation has a new process."""
    work = """
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
print(subprocess.Popen(["sleep", "1000"]).pid, os.getpid())
while True: pass
""".strip()
    environment = make(work, timeout=3.0)
    reply = call(environment, "work")
    assert (
        failure(reply, "Sandbox.Timedout") == f"RequestId: {REQUEST} Error: Task timed out after 3.00 seconds"
    )
    started, process = map(int, reply.said.splitlines()[0].split())
    wait_until(lambda: not is_alive(started))
    assert not is_alive(process)
    assert call(environment, "1").answer == Returned(DONE)


@only_process
def test_a_function_that_takes_too_long_says_where_it_was(make: Make) -> None:
    """With the line of the handler, also where the rest of Python has no chance to run."""
    environment = make("import re\nre.match('(a+)+b', 'a' * 60)", timeout=3.0)
    reply = call(environment, "work")
    failure(reply, "Sandbox.Timedout")
    assert 'app.py"' in reply.said
    assert "in handle" in reply.said


@pytest.mark.parametrize(
    ("work", "reason"),
    [
        ("sys.exit(3)", "with error: exit status 3"),
        ("os._exit(0)", "without providing a reason"),
        ("os.abort()", "with error: signal: aborted"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "with error: signal: killed"),
        ("import ctypes\nctypes.string_at(0)", "with error: signal: segmentation fault"),
    ],
)
def test_a_process_that_ends_is_an_error(make: Make, work: str, reason: str) -> None:
    """With its exit status or signal, and what it had written; the next invocation has a new process."""
    environment = make("print('last words')\n" + work, variables={"PYTHONFAULTHANDLER": ""})
    reply = call(environment, "work")
    assert failure(reply, "Runtime.ExitError") == f"RequestId: {REQUEST} Error: Runtime exited {reason}"
    assert "last words" in reply.said
    assert call(environment, "1").answer == Returned(DONE)


def test_a_process_that_uses_too_much_memory_is_killed(make: Make) -> None:
    """And the message says how much."""
    environment = make("waste = bytearray(os.urandom(1)) * 400_000_000\ntime.sleep(1000)", memory_mb=300)
    reply = call(environment, "work")
    message = failure(reply, "Runtime.ExitError")
    assert "signal: killed (it used " in message
    assert message.endswith(" MB of 300 MB)")
    assert reply.max_memory_mb is not None
    assert reply.max_memory_mb > 300


def test_memory_is_measured(make: Make) -> None:
    """The most that the process has used, not what the one that started it has used."""
    waste = bytearray(os.urandom(1)) * 300_000_000
    reply = call(make(), "1")
    assert reply.max_memory_mb is not None
    assert 0 < reply.max_memory_mb < len(waste) / 1_000_000


def test_where_the_system_does_not_tell_the_process_tells_itself(tmp_path: Path) -> None:
    """There is no /proc on macOS; a process that has ended has no memory."""
    assert own_peak(tmp_path) > 1
    assert peak_of(os.getpid(), tmp_path) is None
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "status").write_text("State:\tZ (zombie)\n")
    assert peak_of(7, tmp_path) is None
    (tmp_path / "7" / "status").write_text("VmPeak:\t 9999 kB\nVmHWM:\t 1025 kB\n")
    assert peak_of(7, tmp_path) == 2


@pytest.mark.parametrize(
    ("app", "error_type", "message"),
    [
        ("import not_installed", "Runtime.ImportModuleError", "No module named 'not_installed'"),
        ("def broken(:", "Runtime.UserCodeSyntaxError", "invalid syntax"),
        ("", "Runtime.HandlerNotFound", "app"),
        ("raise ValueError('at import')", "ValueError", "at import"),
        ("import os; os._exit(5)", "Runtime.ExitError", "exit status 5"),
    ],
)
def test_an_app_that_can_not_be_imported_is_not_reached_until_it_is_mended(
    make: Make, tmp_path: Path, app: str, error_type: str, message: str
) -> None:
    """Each invocation tries again, and none is an attempt: a file that is half saved costs no record."""
    environment = make(app=app)
    for _ in range(2):
        answer = call(environment, "1").answer
        assert isinstance(answer, NotRun)
        assert answer.reason.startswith(f"{error_type}: ")
        assert message in answer.reason
    write(tmp_path, "")
    assert call(environment, "1").answer == Returned(DONE)


def test_an_import_that_takes_too_long_is_an_error(make: Make) -> None:
    """It has a limit of its own, and the function's when that is longer."""
    answer = call(make(app="while True: pass", init_timeout=0.5, timeout=1.0), "1").answer
    assert isinstance(answer, NotRun)
    assert answer.reason.endswith("timed out after 1.00 seconds while the app was imported")


def test_a_response_has_six_megabytes_at_most(make: Make, tmp_path: Path) -> None:
    """Lambda takes no larger one: the batch has failed."""
    environment = make(app="def app(event, context): return {'text': 'x' * 6_300_000}")
    assert "6,291,456 at most" in failure(call(environment, "1"), "Function.ResponseSizeTooLarge")


def test_an_event_that_the_app_refuses_is_an_error(make: Make) -> None:
    """With the traceback in what it has written; the process stays."""
    environment = make("print(os.getpid())")
    before = call(environment, "work")
    reply = environment.invoke({"Records": [{"eventSource": "aws:sqs"}]}, REQUEST)
    assert "comes from aws:sqs" in failure(reply, "SourceError")
    assert "in read_event" in reply.said
    assert "'nothing'" in failure(environment.invoke({"nothing": 1}, REQUEST), "SourceError")
    assert call(environment, "work").said == before.said


def test_a_response_that_is_no_json_is_an_error(make: Make) -> None:
    """The process stays."""
    app = APP + (
        "class Wrong(StreamApp):\n"
        "    def run(self, event, context=None):\n"
        "        return super().run(event, context)._replace(response={'batchItemFailures': {1}})\n"
        "app = Wrong()\n"
    )
    reply = call(make(app=app), "1")
    assert "Unable to marshal response: " in failure(reply, "Runtime.MarshalError")


@only_runtime
def test_a_response_that_is_sent_as_it_is_is_an_error(make: Make) -> None:
    """The client takes bytes for a response."""
    reply = call(make(app="def app(event, context): return b'\\xff'"), "1")
    assert failure(reply, "Runtime.MarshalError") == "the response is no JSON"


# What it starts


def test_a_thread_that_is_left_behind_does_no_harm(make: Make) -> None:
    """It goes on in the next invocation."""
    environment = make(
        "going = threading.Event()\nthreading.Thread(target=lambda: (going.wait(), time.sleep(1000))).start()\n"
        "going.set()"
    )
    assert [call(environment, "work").answer for _ in range(3)] == [Returned(DONE)] * 3


def test_a_process_that_is_left_behind_does_not_hold_the_answer(make: Make, tmp_path: Path) -> None:
    """Though it holds the function's output; it ends with the environment."""
    environment = make("print(subprocess.Popen(['sleep', '1000']).pid)")
    reply = call(environment, "work")
    assert reply.answer == Returned(DONE)
    assert is_alive(int(reply.said))
    environment.stop()
    wait_until(lambda: not is_alive(int(reply.said)))


@only_process
def test_a_fork_of_the_handler_answers_nothing(make: Make) -> None:
    """It comes back from the handler as well, and ends; the process that was asked answers, once."""
    environment = make("forked = os.fork()\nif forked: os.waitpid(forked, 0)\nprint(bool(forked))")
    for _ in range(2):
        reply = call(environment, "work")
        assert reply.answer == Returned(DONE)
        assert sorted(reply.said.split()) == ["False", "True"]


@only_runtime
def test_of_a_fork_one_answer_is_taken(make: Make) -> None:
    """As on Lambda, where the one that comes first counts."""
    environment = make("if os.fork(): time.sleep(1000)")
    assert call(environment, "work").answer == Returned(DONE)


@only_runtime
def test_an_answer_to_another_invocation_is_refused(make: Make) -> None:
    """It would be taken for the one that is under way."""
    work = """
from http.client import HTTPConnection
api = HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
api.request("POST", "/2018-06-01/runtime/invocation/another/response", b"[]")
print(api.getresponse().status)
""".strip()
    reply = call(make(work), "work")
    assert (reply.answer, reply.said) == (Returned(DONE), "403\n")


def test_without_its_client_the_runtime_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the environment is made, before anything is read."""
    monkeypatch.setitem(sys.modules, "awslambdaric", None)
    with pytest.raises(UnavailableError, match="pip install awslambdaric"):
        runtime_environment(Function(target="app.py"))


@only_process
def test_a_function_that_closes_everything_is_an_error(make: Make) -> None:
    """It can not answer any more."""
    environment = make("os.closerange(0, 200)", timeout=2.0)
    assert isinstance(call(environment, "work").answer, Raised)
    assert call(environment, "1").answer == Returned(DONE)


@only_process
@pytest.mark.parametrize(
    "garbage", [rb"no JSON\n", rb"\xff\n", rb"7\n", rb"{}\n", rb"no end", b"[" * 50_000 + rb"\n"]
)
def test_what_a_handler_writes_among_the_replies_is_an_error(make: Make, garbage: bytes) -> None:
    """The process is ended, and the next one answers."""
    environment = make(
        f"""
for end in range(3, 1000):
    try:
        os.write(end, b"{garbage.decode()}")
    except OSError:
        pass
""".strip()
    )
    message = failure(call(environment, "work"), "Runtime.ExitError")
    assert "Runtime exited" in message
    assert call(environment, "1").answer == Returned(DONE)


def test_a_process_that_reads_no_requests_is_heard() -> None:
    """What is sent to it is lost, and that is all."""

    def launch(function: Function, ends: Ends) -> Started:
        program = f"import os, time; os.write({ends.replies}, b'{{}}\\n'); time.sleep(1000)"
        return Started(
            start_python(program, os.environ, ends.output, (ends.replies,)), lambda: closed.append(True)
        )

    closed: list[bool] = []
    sandbox = Sandbox(launch, Function(target="app.py", memory_mb=ROOMY_MB))
    assert sandbox.exchange(b"anybody there?\n", time.monotonic() + PATIENCE_SECONDS) == {}
    sandbox.close()
    assert closed == [True]


# Stopping and reloading


def test_ctrl_c_does_not_reach_the_function(make: Make) -> None:
    """It is in a session of its own."""
    reply = call(make("print(os.getsid(0))"), "work")
    assert int(reply.said) != os.getsid(0)


def test_what_is_stopped_while_it_works_ends(make: Make, tmp_path: Path) -> None:
    """The invocation fails, and no other one is started."""
    environment = make(f"open({str(tmp_path / 'begun')!r}, 'w').close()\ntime.sleep(1000)")
    replies: queue.Queue[Reply] = queue.Queue()
    threading.Thread(target=lambda: replies.put(call(environment, "work"))).start()
    wait_until((tmp_path / "begun").exists)
    environment.stop()
    assert "signal: killed" in failure(replies.get(timeout=PATIENCE_SECONDS), "Runtime.ExitError")
    assert call(environment, "1").answer == NotRun("the environment has been stopped")
    environment.stop()


def test_what_is_stopped_while_it_starts_ends(tmp_path: Path) -> None:
    """Also when the process was not there yet."""
    write(tmp_path, "")

    def launch(function: Function, ends: Ends) -> Started:
        threading.Thread(target=environment.stop).start()
        wait_until(lambda: environment._stopped)
        return launch_app(function, ends)

    environment = ProcessEnvironment(Function(target=str(tmp_path / "app.py")), launch)
    answer = call(environment, "1").answer
    assert isinstance(answer, NotRun)
    assert "signal: killed" in answer.reason


def test_a_process_that_ended_between_two_invocations_is_replaced(make: Make) -> None:
    """That is no failure of the next one."""
    environment = make("print(os.getpid())")
    pid = int(call(environment, "work").said)
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not is_alive(pid))
    assert int(call(environment, "work").said) != pid


def test_reloading_takes_a_new_process(make: Make, tmp_path: Path) -> None:
    """For the next invocation, with the code as it is then."""
    environment = make("print('before')")
    environment.reload()
    assert call(environment, "work").said == "before\n"
    write(tmp_path, "print('after')")
    assert call(environment, "work").said == "before\n"
    environment.reload()
    assert call(environment, "work").said == "after\n"


PARENT = """
import sys
from headwater.cli.environment import Function
from headwater.cli.process import ProcessEnvironment
from headwater.cli.runtime import runtime_environment
from headwater.testing import Table, event
make = {"process": ProcessEnvironment, "runtime": runtime_environment}[sys.argv[1]]
environment = make(Function(target=sys.argv[2], timeout=1000, memory_mb=2000))
environment.invoke(event([Table("Orders", keys="Id").insert({"Id": "work"})]), "r")
"""


@pytest.mark.parametrize("kind", ["process", "runtime"])
def test_the_function_ends_with_who_started_it(kind: str, tmp_path: Path) -> None:
    """Though it is killed, and the handler runs."""
    write(
        tmp_path,
        f"print(os.getpid(), file=open({str(tmp_path / 'pid')!r}, 'w'), flush=True)\ntime.sleep(1000)",
    )
    parent = subprocess.Popen([sys.executable, "-c", PARENT, kind, str(tmp_path / "app.py")])
    wait_until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().endswith("\n"))
    pid = int((tmp_path / "pid").read_text())
    assert is_alive(pid)
    parent.kill()
    parent.wait()
    wait_until(lambda: not is_alive(pid))
