"""`headwater run` on DynamoDB Local: what a person or a script gets, and what survives whatever ends it."""

from __future__ import annotations

import json
import os
import pty
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from tests.parts.running import PATIENCE_SECONDS, ids, kept, running
from tests.parts.tables import DynamoDB, wait_until

ROUNDS, WRITES = 3, 40
RUN = (sys.executable, "-m", "headwater.cli", "run")
EXAMPLE = str(Path(__file__).parents[1] / "examples" / "game_scores" / "app.py")
STREAM_ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/T/stream/2026-01-01T00:00:00.000"
APP = """
import os
import time
from pathlib import Path
from headwater import Record, StreamApp

app = StreamApp()
with open("processes.txt", "a") as file:
    file.write(f"{os.getpid()}\\n")


@app.on_record
def handle(record: Record) -> None:
    name = str(record.keys["Id"])
    with open("handled.txt", "a") as file:
        file.write(f"{record.sequence_number} {record.event_name} {name} {record.expired}\\n")
    print("handling", name)
    if name.startswith("item"):
        time.sleep(0.005)  # so that a round is not over before it is killed
    if name.startswith("bad"):
        raise ValueError("told to fail")
    if name == "late" and not Path("was-late").exists():
        Path("was-late").touch()
        time.sleep(3600)
    while name == "gate" and not Path("gate").exists():
        time.sleep(0.01)
"""


class Place(NamedTuple):
    """A table with a stream, and a folder with an app for it.

    Attributes:
        database: Where the table is.
        folder: With `app.py`; the app writes `handled.txt`.
        table: Its name.
        stream_arn: The stream.
    """

    database: DynamoDB
    folder: Path
    table: str
    stream_arn: str

    def put(self, *names: str, **attributes: Any) -> None:
        """Write items, one after another."""
        for name in names:
            self.database.dynamodb.put_item(TableName=self.table, Item={"Id": {"S": name}, **attributes})

    def run(self, *options: str) -> Any:
        """`headwater run` on it."""
        return running(self.database, self.folder, self.table, *options)

    @property
    def handled(self) -> list[list[str]]:
        """What the app has begun with: sequence number, event name, item, expired."""
        file = self.folder / "handled.txt"
        return [line.split() for line in file.read_text().splitlines()] if file.exists() else []

    def wait_until_alone(self) -> None:
        """Until no process of the function is left."""
        processes = (self.folder / "processes.txt").read_text().split()
        wait_until(lambda: _none_runs(processes), "the end of the function")

    def kept(self, name: str = "app.py") -> str | None:
        """The checkpoint of its only shard."""
        [number] = kept(self.folder, self.stream_arn, name=name).values() or [None]
        return number


def _none_runs(processes: list[str]) -> None:
    """Where nobody takes note of their end, processes that have ended are still listed, as zombies."""
    listed = subprocess.run(
        ["ps", "-o", "stat=", "-p", ",".join(processes)], capture_output=True, text=True, check=False
    )
    running = [state for state in listed.stdout.split() if not state.startswith("Z")]
    assert not running


def make_place(database: DynamoDB, folder: Path, view_type: str = "NEW_AND_OLD_IMAGES") -> Place:
    folder.mkdir(exist_ok=True)
    (folder / "app.py").write_text(APP)
    table = f"run-{uuid4().hex}"
    return Place(database, folder, table, database.create_table(table, keys=("Id",), view_type=view_type))


@pytest.fixture
def place(dynamodb_local: DynamoDB, tmp_path: Path) -> Place:
    return make_place(dynamodb_local, tmp_path)


# What is delivered


def test_what_every_kind_of_stream_has_is_handled(dynamodb_local: DynamoDB, tmp_path: Path) -> None:
    """All four view types, a transaction, and an item that Time to Live deletes."""
    expiring = make_place(dynamodb_local, tmp_path / "expiring")
    dynamodb_local.dynamodb.update_time_to_live(
        TableName=expiring.table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "Until"}
    )
    expiring.put("old", Until={"N": str(int(time.time()) - 60)})

    for view_type in ("KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"):
        place = make_place(dynamodb_local, tmp_path / view_type, view_type)
        dynamodb_local.dynamodb.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": place.table, "Item": {"Id": {"S": name}}}} for name in ("a", "b", "c")
            ]
        )
        place.put("a", Total={"N": "1"})
        dynamodb_local.dynamodb.delete_item(TableName=place.table, Key={"Id": {"S": "a"}})
        with place.run("--until-idle", "0.3") as run:
            summary = run.end()
        assert (summary["handled"], summary["notDone"]) == (5, 0)
        events = [(event, name) for _, event, name, _ in place.handled]
        assert sorted(events[:3]) == [("INSERT", "a"), ("INSERT", "b"), ("INSERT", "c")]
        assert events[3:] == [("MODIFY", "a"), ("REMOVE", "a")]

    with expiring.run() as run:
        run.wait_for(lambda line: line["type"] == "delivery" and line["records"][-1]["eventName"] == "REMOVE")
        run.stop()
    assert [line[1:] for line in expiring.handled] == [["INSERT", "old", "False"], ["REMOVE", "old", "True"]]


def test_a_record_that_fails_is_split_off_and_discarded_with_word_of_it(place: Place) -> None:
    """As the options say; the records around it are handled, and the file has it."""
    place.put("good-1", "bad", "good-2", "unwanted")
    pattern = json.dumps({"dynamodb": {"Keys": {"Id": {"S": [{"anything-but": "unwanted"}]}}}})
    options = ("--bisect", "--max-retries", "1", "--on-failure", "discards.jsonl", "--filter", pattern)
    with place.run(*options, "--until-idle", "0.3", "--report", "report.html") as run:
        summary = run.end()
    assert [(ids(line), line["result"], line["then"]) for line in run.deliveries] == [
        (["good-1", "bad", "good-2"], "partial", "advance"),
        (["bad", "good-2"], "failed", "bisect"),
        (["bad"], "failed", "retry"),
        (["bad"], "failed", "discard"),
        (["good-2"], "done", "advance"),
    ]
    assert run.deliveries[0]["redeliverFrom"] == run.deliveries[0]["records"][1]["sequenceNumber"]
    outcome = run.deliveries[0]["records"][1]["outcome"]
    assert (outcome["outcome"], outcome["error"], outcome["route"]) == ("failed", "ValueError", "handle")
    assert "told to fail" in outcome["traceback"]
    figures = {
        name: summary[name]
        for name in ("reason", "batches", "deliveries", "handled", "discarded", "filtered")
    }
    assert figures == {
        "reason": "idle",
        "batches": 1,
        "deliveries": 5,
        "handled": 2,
        "discarded": 1,
        "filtered": 1,
    }
    [discard] = [line for line in run.lines if line["type"] == "discard"]
    assert (ids(discard), discard["condition"], discard["stored"]) == (
        ["bad"],
        "RetryAttemptsExhausted",
        "discards.jsonl",
    )
    [document] = [json.loads(line) for line in (place.folder / "discards.jsonl").read_text().splitlines()]
    assert document["DDBStreamBatchInfo"]["batchSize"] == 1
    assert document["DDBStreamBatchInfo"]["streamArn"] == place.stream_arn
    assert {name: document[name] for name in discard["document"]} == discard["document"]
    [record] = json.loads(document["payload"])["Records"]
    assert record["dynamodb"]["Keys"] == {"Id": {"S": "bad"}}
    assert "good-1" in (place.folder / "report.html").read_text()


def test_an_invocation_that_takes_too_long_is_ended_and_delivered_again(place: Place) -> None:
    """As on Lambda: nothing of its batch counts."""
    place.put("first", "late")
    with place.run("--timeout", "1", "--until-idle", "0.3") as run:
        summary = run.end()
    failed, done = run.deliveries
    assert (failed["result"], failed["errorType"], failed["checkpoint"]) == (
        "failed",
        "Sandbox.Timedout",
        None,
    )
    assert (ids(failed), ids(done)) == (["first", "late"], ["first", "late"])
    assert summary["handled"] == 2


def test_the_real_runtime_client_runs_the_app(place: Place) -> None:
    """It tells no more than Lambda knows: not what became of each record."""
    pytest.importorskip("awslambdaric")
    place.put("good", "bad-1")
    with place.run("--runtime", "ric") as run:
        partial = run.delivery("partial")
        failed = run.delivery("failed")
        run.stop()
    assert partial["checkpoint"] == partial["records"][0]["sequenceNumber"] == place.kept()
    assert "outcome" not in partial["records"][0]
    assert failed["reason"] == f"the response names {failed['redeliverFrom']}"


def test_any_handler_can_be_run(place: Place) -> None:
    """It need not be an app: what it returns is read as Lambda reads it."""
    (place.folder / "app.py").write_text(
        "def lambda_handler(event, context):\n"
        "    number = event['Records'][-1]['dynamodb']['SequenceNumber']\n"
        "    return {'batchItemFailures': [{'itemIdentifier': number}]}\n"
    )
    place.put("first", "last")
    with place.run() as run:
        partial, failed = run.delivery("partial"), run.delivery("failed")
        run.stop()
    assert (ids(partial), ids(failed)) == (["first", "last"], ["last"])


def test_code_that_changes_is_loaded_anew(place: Place) -> None:
    """The record that failed is handled by what is in the file now, and the state of the old code is gone."""
    place.put("bad")
    with place.run() as run:
        run.delivery("failed")
        (place.folder / "app.py").write_text(APP.replace('startswith("bad")', 'startswith("worse")'))
        assert "app.py changed" in run.wait_for(lambda line: line["type"] == "notice")["text"]
        run.delivery("done")
        assert run.stop()["handled"] == 1


def test_settings_come_from_a_template_and_options_come_before_them(place: Place) -> None:
    """What may surprise is said: the queue of the template gets nothing."""
    (place.folder / "template.yaml").write_text(
        """
Transform: AWS::Serverless-2016-10-31
Parameters: {Retries: {Type: Number}}
Resources:
  Board:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        Stream:
          Type: DynamoDB
          Properties:
            Stream: !GetAtt Table.StreamArn
            StartingPosition: TRIM_HORIZON
            BatchSize: 7
            MaximumRetryAttempts: !Ref Retries
            DestinationConfig:
              OnFailure:
                Destination: arn:aws:sqs:us-east-1:123456789012:discards
  Other:
    Type: AWS::Serverless::Function
    Properties:
      Events:
        Stream:
          Type: DynamoDB
          Properties:
            Stream: !GetAtt Table.StreamArn
            StartingPosition: LATEST
"""
    )
    place.put("a", "b", "bad", "c")
    options = ("--settings", "template.yaml", "--function", "Board", "--batch-size", "2")
    choice = ("--mapping", "BoardStream", "--parameter", "Retries=0")
    with place.run(*options, *choice, "--until-idle", "0.3") as run:
        summary = run.end()
    start = run.lines[0]
    assert (start["settings"]["BatchSize"], start["settings"]["MaximumRetryAttempts"]) == (2, 0)
    assert [warning.split(":")[0].split(",")[0] for warning in start["warnings"]] == [
        "ReportBatchItemFailures is off",
        "discards are only shown",
    ]
    # Without ReportBatchItemFailures, Lambda takes what the app answers for success.
    assert (summary["handled"], summary["discarded"]) == (4, 0)


def test_two_mappings_use_one_stream(place: Place) -> None:
    """Each under its name, with a checkpoint of its own; the same one is not run twice."""
    place.put("one")
    with place.run("--name", "first") as first, place.run("--name", "second") as second:
        assert ids(first.delivery()) == ids(second.delivery()) == ["one"]
        with place.run("--name", "second") as third:
            assert third.process.wait(60) == 2
            assert "'second' of" in third.errors()
            assert "is run by process" in third.errors()
        place.put("two")
        assert ids(first.delivery()) == ids(second.delivery()) == ["two"]
        assert first.stop()["reason"] == second.stop()["reason"] == "stopped"
    assert place.kept("first") == place.kept("second") == place.handled[-1][0]


# What survives


def test_the_next_run_goes_on_and_forgets_when_told_to(place: Place) -> None:
    """Also behind what was written in between; `--latest` does not count where something is kept."""
    place.put("one")
    with place.run("--until-idle", "0.3") as run:
        run.end()
    assert run.lines[0]["goesOn"] is False
    assert (place.folder / ".headwater" / ".gitignore").read_text().strip() == "*"
    place.put("two")
    with place.run("--until-idle", "0.3", "--latest") as run:
        run.end()
    assert run.lines[0]["goesOn"] is True
    with place.run("--until-idle", "0.3", "--forget") as run:
        run.end()
    assert [line[2] for line in place.handled] == ["one", "two", "one", "two"]


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_what_is_under_way_finish(place: Place, ending: signal.Signals) -> None:
    """Then the checkpoint is kept, and the exit code says that nothing went wrong."""
    place.put("gate")
    with place.run("--timeout", "60") as run:
        wait_until(lambda: place.handled[0], "the handler")
        run.process.send_signal(ending)
        assert "stopping" in run.wait_for(lambda line: line["type"] == "notice")["text"]
        (place.folder / "gate").touch()
        summary = run.end()
    assert [line["type"] for line in run.lines[-2:]] == ["delivery", "summary"]
    assert (summary["reason"], summary["handled"], summary["notDone"]) == ("stopped", 1, 0)
    place.wait_until_alone()
    assert place.kept() == place.handled[0][0]


def test_a_second_signal_ends_it_at_once(place: Place) -> None:
    """Exit code 130, no process is left, and the record comes with the next run."""
    place.put("gate")
    with place.run("--timeout", "60") as run:
        wait_until(lambda: place.handled[0], "the handler")
        run.process.send_signal(signal.SIGINT)
        run.wait_for(lambda line: line["type"] == "notice")
        run.process.send_signal(signal.SIGINT)
        run.end(code=130)
        assert run.errors().strip() == "stopped at once: what was under way comes again with the next run"
    place.wait_until_alone()
    assert place.kept() is None
    (place.folder / "gate").touch()
    with place.run("--until-idle", "0.3") as run:
        assert run.end()["handled"] == 1


@pytest.mark.parametrize("seed", range(2))
def test_whatever_kills_it_nothing_is_lost(place: Place, seed: int) -> None:
    """Killed anywhere, several times: what comes again lies behind the checkpoint, each item in order, word of discards too."""
    chance = random.Random(seed)
    options = (
        "--parallelization-factor",
        "3",
        "--bisect",
        "--max-retries",
        "0",
        "--on-failure",
        "discards.jsonl",
    )
    checkpoints = [0]
    rounds: list[list[tuple[int, str]]] = []
    for _ in range(ROUNDS):
        names = [f"item-{number % 7}" for number in range(WRITES)]
        names[chance.randrange(10, 30)] = "bad"
        names[-1] = (
            "gate" if len(rounds) == ROUNDS - 1 else "item-0"
        )  # the last round can not come to its end
        for name in names:
            place.put(name, Version={"S": uuid4().hex})
        begun = len(place.handled)
        goal = begun + chance.randrange(3, 25)
        with place.run(*options, "--batch-size", str(chance.randrange(1, 12))) as run:
            wait_until(lambda: place.handled[goal], "the handlers")  # noqa: B023 - called in this round
            for _ in range(chance.randrange(3)):
                run.wait_for(lambda line: line["type"] == "delivery")
            run.kill()
        place.wait_until_alone()  # the function's processes see that nobody asks any more
        checkpoints.append(int(place.kept() or 0))
        rounds.append([(int(line[0]), line[2]) for line in place.handled[begun:]])
    (place.folder / "gate").touch()
    begun = len(place.handled)
    with place.run(*options, "--until-idle", "0.3") as run:
        run.end()
    rounds.append([(int(line[0]), line[2]) for line in place.handled[begun:]])

    handled = {number for each in rounds for number, _ in each}
    assert handled == set(range(min(handled), min(handled) + ROUNDS * WRITES))
    assert checkpoints == sorted(checkpoints)
    assert checkpoints[-1] < max(handled)
    for checkpoint, each in zip(checkpoints, rounds, strict=True):
        assert min(number for number, _ in each) > checkpoint
        for item in {name for _, name in each}:
            versions = [number for number, name in each if name == item]
            assert versions == sorted(versions)
            assert item == "bad" or len(versions) == len(set(versions))
    documents = [json.loads(line) for line in (place.folder / "discards.jsonl").read_text().splitlines()]
    records = [record for each in documents for record in json.loads(each["payload"])["Records"]]
    assert {record["dynamodb"]["Keys"]["Id"]["S"] for record in records} == {"bad"}


# Lines, for a person


def headwater_run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """`headwater run` without `--json`, until it ends."""
    return subprocess.run(
        [*RUN, *options],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


@pytest.mark.parametrize("part", ["dynamodb_local", "moto_server"])
def test_a_person_sees_batches_records_and_what_handlers_print(
    part: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """The example on a real table: a failed record comes again, with its traceback the first time."""
    database: DynamoDB = request.getfixturevalue(part)
    table = f"GameScores-{uuid4().hex}"
    database.create_table(table, keys=("UserId", "GameTitle"))
    for score in (100, 200, 300):
        item = {"UserId": {"S": "carol"}, "GameTitle": {"S": "Chess"}, "TopScore": {"N": str(score)}}
        database.dynamodb.put_item(TableName=table, Item=item)

    done = headwater_run(
        tmp_path, EXAMPLE, "--table", table, "--endpoint-url", database.endpoint_url, "--until-idle", "0.3"
    )

    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert lines[0] == f"{table} → {EXAMPLE}, batches of 100, Ctrl-C to stop"
    assert sum("publish failed: ConnectionError" in line for line in lines) == 2
    assert sum("Traceback" in line for line in lines) == 1
    assert [line for line in lines if line.startswith(">")] == [
        "> welcome to Chess, carol",
        "> leaderboard: carol has 200 in Chess",
        "> well done, carol: 100 -> 200",
        "> leaderboard: carol has 300 in Chess",
        "> well done, carol: 200 -> 300",
    ]
    assert lines[-1].startswith("1 batch · 3 records handled · 4 retried")


def test_a_person_can_stop_it_while_a_record_fails_for_ever(moto_server: DynamoDB, tmp_path: Path) -> None:
    """That is no failure of the run."""
    place = make_place(moto_server, tmp_path)
    place.put("bad")
    process = subprocess.Popen(
        [*RUN, "app.py", "--stream", place.stream_arn, "--endpoint-url", moto_server.endpoint_url],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "the checkpoint stays" in line:
            break
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, stderr) == (0, "")
    lines = stdout.splitlines()
    assert "stopping: what is under way is finished first; Ctrl-C again stops at once" in lines
    assert lines[-1].startswith("1 batch · 0 records handled")
    assert lines[-1].endswith(" · 1 not done")


def test_in_a_terminal_figures_stay_at_its_foot(place: Place) -> None:
    """While what happens, and what handlers print, goes by above them."""
    place.put("good", "bad")
    arguments = ["app.py", "--table", place.table, "--endpoint-url", place.database.endpoint_url]
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [*RUN, *arguments],
        cwd=place.folder,
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, "COLUMNS": "80", "LINES": "24", "TERM": "xterm-256color"},
    )
    os.close(terminal)
    shown = b""
    with process:
        while not all(
            words in shown for words in (b"> handling good", b"dead-lettered", b"times: handle failed")
        ):
            shown += os.read(controller, 65_536)
        process.send_signal(signal.SIGTERM)
        while b"not done" not in shown:
            shown += os.read(controller, 65_536)
    os.close(controller)
    assert process.returncode == 0


# Endings


def test_a_table_that_vanishes_ends_the_run(place: Place) -> None:
    """Its stream is read to the end, and what was done is kept; then nothing can come any more."""
    place.put("one")
    with place.run() as run:
        run.delivery()
        place.put("two")
        place.database.dynamodb.delete_table(TableName=place.table)
        summary = run.end()
    assert (summary["reason"], summary["handled"]) == ("disabled", 2)


# Refusals


def test_what_can_not_be_run_is_refused_in_a_sentence(moto_server: DynamoDB, tmp_path: Path) -> None:
    """With what to do, with exit code 2, and before anything is read."""
    plain = f"plain-{uuid4().hex}"
    moto_server.dynamodb.create_table(
        TableName=plain,
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    local = ("--endpoint-url", moto_server.endpoint_url)
    for options, message in (
        (("--table", "none", *local), "there is no table none at http://"),
        (
            ("--table", plain, *local),
            f"table {plain} has no stream: enable one with the view type NEW_AND_OLD",
        ),
        (
            ("--table", plain, "--endpoint-url", "http://127.0.0.1:1"),
            "DynamoDB can not be reached: Could not connect",
        ),
        (("--table", plain, "--batch-size", "0"), "BatchSize=0 is out of range"),
        (
            ("--table", plain, *local, "--on-failure", "arn:aws:sqs:us-east-1:123456789012:discards.fifo"),
            "is FIFO: Lambda takes the ARN of a standard SQS queue",
        ),
    ):
        done = headwater_run(tmp_path, EXAMPLE, *options)
        assert (done.returncode, done.stdout) == (2, "")
        assert message in done.stderr
        assert "Traceback" not in done.stderr
    (tmp_path / "slip.py").write_text("print('imported')\nraise ValueError('at import')\n")
    place = make_place(moto_server, tmp_path / "place")
    for target, message in (
        ("none.py", "there is no file none.py"),
        ("place/app.py:ap", "place/app.py has no ap: did you mean place/app.py:app?"),
        ("slip.py", "slip.py fails while it is imported"),
    ):
        done = headwater_run(tmp_path, target, "--table", place.table, *local)
        assert (done.returncode, done.stdout) == (2, "")
        assert message in done.stderr
    assert not (tmp_path / ".headwater").exists()


def test_a_folder_that_can_not_be_made_is_refused_in_a_sentence(tmp_path: Path) -> None:
    """With what to do."""
    (tmp_path / ".headwater").touch()
    done = headwater_run(tmp_path, EXAMPLE, "--stream", STREAM_ARN, "--endpoint-url", "http://127.0.0.1:1")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "the folder .headwater for checkpoints can not be made here (File exists): give --state another file\n"
    )
