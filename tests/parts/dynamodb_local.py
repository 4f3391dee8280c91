"""AWS's own DynamoDB Local. Its licence forbids passing it on, so it is fetched when the tests run."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.parts.tables import DynamoDB, connect, wait_until

PACKAGE = "amplify-dynamodb-simulator@2.9.30"
NEEDS = ("java", "npm")


def missing() -> str:
    """What this machine lacks to run it; empty when nothing."""
    return " and ".join(tool for tool in NEEDS if shutil.which(tool) is None)


def emulator_folder() -> Path:
    """The folder with the emulator, fetched from npm once and kept outside of the repository."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "headwater-tests"
    folder = cache / PACKAGE.replace("@", "-")
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as temporary:
            subprocess.run(
                ["npm", "pack", "--silent", PACKAGE], cwd=temporary, check=True, capture_output=True
            )
            [archive] = Path(temporary).glob("*.tgz")
            with tarfile.open(archive) as tar:
                tar.extractall(temporary, filter="data")
            try:
                (Path(temporary) / "package").rename(folder)
            except OSError:  # another run was faster
                if not folder.exists():
                    raise
    return folder / "emulator"


def free_port() -> int:
    """A port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def dynamodb_local() -> Iterator[DynamoDB]:
    """Run it in memory until the block ends."""
    folder, port = emulator_folder(), free_port()
    with tempfile.TemporaryDirectory() as temporary:
        process = subprocess.Popen(
            [
                "java",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-Xmx256m",
                f"-Djava.io.tmpdir={temporary}",  # it leaves a library of 900 kB behind with each start
                "-Djava.library.path=./DynamoDBLocal_lib",
                "-jar",
                "DynamoDBLocal.jar",
                "-inMemory",
                "-sharedDb",
                "-disableTelemetry",
                "-port",
                str(port),
            ],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            local = connect(f"http://127.0.0.1:{port}")
            wait_until(local.dynamodb.list_tables, "DynamoDB Local")
            yield local
        finally:
            process.terminate()
            process.wait(timeout=30)
