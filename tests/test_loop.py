"""The event loop of async handlers: one, kept, and usable from wherever the app is called."""

from __future__ import annotations

import asyncio
import contextvars
import subprocess
import sys
import threading

from headwater import Record, StreamApp
from headwater.loop import close_at_exit
from headwater.sources import BatchResponse
from headwater.testing import Table, event

TABLE = Table("Orders", keys="Id")
DONE: BatchResponse = {"batchItemFailures": []}


def app_with_loops() -> tuple[StreamApp, list[asyncio.AbstractEventLoop]]:
    app = StreamApp()
    loops: list[asyncio.AbstractEventLoop] = []

    @app.on_record
    async def handle(_record: Record) -> None:
        await asyncio.sleep(0)
        loops.append(asyncio.get_running_loop())

    return app, loops


def test_one_loop_serves_all_records_invocations_and_apps() -> None:
    """A client that is bound to a loop can be kept between invocations."""
    first, loops = app_with_loops()
    second, more_loops = app_with_loops()
    for app in (first, second, first):
        app(event([TABLE.insert({"Id": 1}), TABLE.insert({"Id": 2})]))
    assert len(loops + more_loops) == 6
    assert len(set(loops + more_loops)) == 1
    assert not loops[0].is_closed()


def test_the_app_can_be_called_where_a_loop_is_running() -> None:
    """As in a notebook or an async test: the same kept loop does the work, with the caller's context variables."""
    app, loops = app_with_loops()
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    seen: list[str] = []

    @app.on_record
    async def read_variable(_record: Record) -> None:
        seen.append(variable.get())

    async def test() -> None:
        variable.set("from the caller")
        assert app(event([TABLE.insert({"Id": 1})])) == DONE
        loops.append(asyncio.get_running_loop())

    asyncio.run(test())
    assert seen == ["from the caller"]
    assert loops[0] is not loops[1]
    app, again = app_with_loops()
    app(event([TABLE.insert({"Id": 1})]))
    assert again == loops[:1]


def test_threads_that_call_at_once_take_turns() -> None:
    """Each call is finished, on the one loop."""
    app, loops = app_with_loops()
    answers: list[object] = []
    batch = event([TABLE.insert({"Id": number}) for number in range(20)])
    threads = [threading.Thread(target=lambda: answers.append(app(batch))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [DONE] * 4
    assert len(loops) == 80
    assert len(set(loops)) == 1


EXITING = """
import asyncio
from headwater import Record, StreamApp
from headwater.testing import Table, event

app = StreamApp()

@app.on_record
async def handle(record: Record) -> None:
    asyncio.get_running_loop().create_task(asyncio.sleep(60))  # left behind
    await asyncio.to_thread(print, record.keys["Id"])

app(event([Table("Orders", keys="Id").insert({"Id": 1})]))
"""


def test_a_process_that_used_the_loop_ends_in_silence() -> None:
    """Whatever handlers have left behind: threads of the loop, tasks that never ended."""
    done = subprocess.run(
        [sys.executable, "-c", EXITING], capture_output=True, text=True, timeout=60, check=True
    )
    assert (done.stdout, done.stderr) == ("1\n", "")


def test_the_loop_is_closed_at_exit() -> None:
    """Which coverage can not see from inside the process that exits."""
    runner = asyncio.Runner()
    loop = runner.get_loop()
    close_at_exit(runner)
    assert loop.is_closed()


def test_an_app_called_inside_its_own_async_handler_fails_that_record() -> None:
    """A loop can not run inside itself: the inner batch says so, and nothing hangs."""
    inner, _ = app_with_loops()
    outer = StreamApp()
    answers: list[object] = []
    record = TABLE.insert({"Id": 1})

    @outer.on_record
    async def handle(_record: Record) -> None:
        answers.append(inner(event([record])))

    assert outer(event([record])) == DONE
    assert answers == [{"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}]
