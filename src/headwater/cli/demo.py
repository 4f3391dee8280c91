"""The main job, live: an embedded DynamoDB, a game that writes scores, and the user's handlers on the table's stream."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import boto3
from moto.server import ThreadedMotoServer
from rich.console import Console
from rich.text import Text

from headwater.app import StreamApp
from headwater.cli.live import Tally, follow
from headwater.encoding import to_wire
from headwater.mapping.poller import StreamPoller

TABLE: Final = "GameScores"
BATCH_SIZE: Final = 5
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
    with _embedded_dynamodb() as endpoint_url:
        dynamodb, streams = (
            boto3.client(service, endpoint_url=endpoint_url, region_name="us-east-1", **_CREDENTIALS)
            for service in ("dynamodb", "dynamodbstreams")
        )
        poller = StreamPoller(streams, _create_table(dynamodb), batch_size=BATCH_SIZE)
        console.print(
            Text.assemble(("Headwater", "bold"), f" on the stream of table {TABLE}, in an embedded DynamoDB")
        )
        console.print(Text(str(app), style="dim"))
        deadline = time.monotonic() + LONGEST_SECONDS
        with _game(dynamodb):
            tally = follow(
                app,
                poller,
                console,
                stop=lambda tally: len(tally.acknowledged) >= WRITES or time.monotonic() > deadline,
            )
    return _summary(tally, console)


def _summary(tally: Tally, console: Console) -> bool:
    lost = WRITES - len(tally.acknowledged)
    poisoned = {number: tally.failed.count(number) for number in tally.failed}
    failures = ", ".join(f"1 record failed {count} times" for count in poisoned.values())
    redelivered = (
        "and succeeded when delivered again" if poisoned.keys() <= tally.acknowledged else "and is not done"
    )
    parts = [
        f"{WRITES} changes written",
        f"{len(tally.acknowledged)} acknowledged",
        f"{lost} lost",
        *([f"{failures} {redelivered}"] if poisoned else []),
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
