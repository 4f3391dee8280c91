"""The main job, live: an embedded DynamoDB, a game that writes scores, and the user's handlers on the table's stream."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import boto3
from moto.server import ThreadedMotoServer
from rich.console import Console
from rich.text import Text

from headwater.app import StreamApp
from headwater.cli.counts import Counts
from headwater.cli.display import show
from headwater.cli.environment import Reply
from headwater.cli.inprocess import invoke
from headwater.encoding import to_wire
from headwater.mapping.checkpoints import Checkpoints
from headwater.mapping.documents import Origin
from headwater.mapping.live import LiveMapping, Parts
from headwater.mapping.observed import Delivered, Event
from headwater.mapping.rules import Rules
from headwater.mapping.settings import EventSourceMapping

TABLE: Final = "GameScores"
SETTINGS: Final = EventSourceMapping(batch_size=5, function_response_types=("ReportBatchItemFailures",))
LONGEST_SECONDS: Final = 18.0
_PACE_SECONDS: Final = 0.8
_CREDENTIALS: Final = {"aws_access_key_id": "demo", "aws_secret_access_key": "demo"}

# What the game does, a round at a time: who played what with which score, or on which day, or (None) left it.
_ROUNDS: Final[tuple[tuple[tuple[str, str, int | str | None], ...], ...]] = (
    (
        ("alice", "Meteor Blasters", 100),
        ("bob", "Meteor Blasters", 80),
        ("carol", "Meteor Blasters", 120),
        ("alice", "Galaxy Invaders", 20),
    ),
    (
        ("alice", "Meteor Blasters", 150),
        ("bob", "Meteor Blasters", "2026-11-21"),
        ("carol", "Meteor Blasters", 180),
        ("bob", "Meteor Blasters", 160),
        ("carol", "Meteor Blasters", 210),
    ),
    (
        ("dave", "Galaxy Invaders", 10),
        ("alice", "Galaxy Invaders", 15),
        ("dave", "Galaxy Invaders", None),
        ("bob", "Meteor Blasters", 175),
        ("alice", "Meteor Blasters", 190),
    ),
)
WRITES: Final = sum(map(len, _ROUNDS))


def run_demo(app: StreamApp, console: Console) -> bool:
    """Play the game on an embedded DynamoDB and hand its stream to the app.

    Returns:
        Whether every change that was written has been handled.
    """
    with _embedded_dynamodb() as endpoint_url, TemporaryDirectory() as folder:
        dynamodb, streams = (
            boto3.client(service, endpoint_url=endpoint_url, region_name="us-east-1", **_CREDENTIALS)
            for service in ("dynamodb", "dynamodbstreams")
        )
        stream_arn = _create_table(dynamodb)
        console.print(
            Text.assemble(("Headwater", "bold"), f" on the stream of table {TABLE}, in an embedded DynamoDB")
        )
        console.print(Text(str(app), style="dim"))
        rules = Rules(SETTINGS, origin=Origin(stream_arn))
        with Checkpoints(Path(folder) / "checkpoints", mapping="demo", stream_arn=stream_arn) as checkpoints:
            audience = _Audience(console)
            parts = Parts(
                client=streams,
                checkpoints=checkpoints,
                invoke=lambda invocation: invoke(app, invocation.event, invocation.request_id),
                store=lambda _discard: "",
                observe=audience.observe,
                turned=audience.turn,
            )
            audience.mapping = LiveMapping(rules, parts)
            with _game(dynamodb):
                audience.mapping.run()
    return _summary(audience, console)


class _Audience:
    """Sees what the app does, and leaves when it is done or has had its time."""

    def __init__(self, console: Console) -> None:
        self.mapping: LiveMapping[Reply] | None = None
        self.counts = Counts()
        self.failed: Counter[str] = Counter()
        self.open: set[str] = set()
        self._console = console
        self._deadline = time.monotonic() + LONGEST_SECONDS

    def observe(self, event: Event[Reply]) -> None:
        self.counts.count(event)
        show(self._console, event, self.counts)
        if isinstance(event, Delivered):
            numbers = [entry.sequence_number for entry in event.delivery.invocation.entries]
            outcomes = event.reply.outcomes or ()
            failed = [
                number for number, told in zip(numbers, outcomes, strict=False) if told["outcome"] == "failed"
            ]
            self.failed.update(failed)
            self.open = (self.open | set(failed)) - set(numbers[: event.delivery.done])

    def turn(self) -> None:
        if self.mapping is not None and (self.counts.handled >= WRITES or time.monotonic() > self._deadline):
            self.mapping.stop()


def _summary(audience: _Audience, console: Console) -> bool:
    lost = WRITES - audience.counts.handled
    failures = ", ".join(f"1 record failed {count} times" for count in audience.failed.values())
    redelivered = "and is not done" if audience.open else "and succeeded when delivered again"
    parts = [
        f"{WRITES} changes written",
        f"{audience.counts.handled} acknowledged",
        f"{lost} lost",
        *([f"{failures} {redelivered}"] if failures else []),
    ]
    console.print()
    console.print(Text(" · ".join(parts), style="bold red" if lost else "bold green"))
    return not lost


@contextmanager
def _game(dynamodb: Any) -> Iterator[None]:
    """Play in the background; when the block ends early, so does the game."""
    over = threading.Event()
    game = threading.Thread(target=_play, args=(dynamodb, over), daemon=True)
    game.start()
    try:
        yield
    finally:
        over.set()
        game.join(timeout=_PACE_SECONDS)  # a daemon: should a write hang, the demo ends without it


def _play(dynamodb: Any, over: threading.Event) -> None:
    items: dict[tuple[str, str], dict[str, Any]] = {}
    for moves in _ROUNDS:
        for user, title, value in moves:
            key = {"UserId": user, "GameTitle": title}
            if value is None:
                dynamodb.delete_item(TableName=TABLE, Key=to_wire(key))
            else:
                item = items.setdefault((user, title), key)
                item["TopScore" if isinstance(value, int) else "LastPlayed"] = value
                dynamodb.put_item(TableName=TABLE, Item=to_wire(item))
        if over.wait(_PACE_SECONDS):
            return


def _create_table(dynamodb: Any) -> str:
    created = dynamodb.create_table(
        TableName=TABLE,
        AttributeDefinitions=[
            {"AttributeName": "UserId", "AttributeType": "S"},
            {"AttributeName": "GameTitle", "AttributeType": "S"},
        ],
        KeySchema=[
            {"AttributeName": "UserId", "KeyType": "HASH"},
            {"AttributeName": "GameTitle", "KeyType": "RANGE"},
        ],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    return str(created["TableDescription"]["LatestStreamArn"])


@contextmanager
def _embedded_dynamodb() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # it would log each request
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()
