"""The command line, as a person or a script uses it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from headwater.testing import Table, event

ROOT = Path(__file__).parents[1]
EXAMPLE = str(ROOT / "examples" / "game_scores" / "app.py")
EVENT = str(ROOT / "examples" / "game_scores" / "event.json")
ORDERS = Table("Orders", keys="Id")
APP = """
from headwater import Record, StreamApp
app = StreamApp()

@app.on_record
def handle(record: Record) -> None:
    if record.keys["Id"] == "bad":
        raise ValueError("told to fail")
"""
PATIENCE_SECONDS = 60


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "headwater.cli", *arguments]


def headwater(
    *arguments: str, cwd: Path | None = None, stdin: str | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        cwd=cwd,
        input=stdin,
        capture_output=True,
        text=True,
        env={**os.environ, **variables},
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def write_event(path: Path, ids: Sequence[str]) -> str:
    path.write_text(json.dumps(event([ORDERS.insert({"Id": name}) for name in ids])))
    return str(path)


@pytest.fixture
def app(tmp_path: Path) -> str:
    (tmp_path / "app.py").write_text(APP)
    return str(tmp_path / "app.py")


# invoke


def test_invoke_shows_each_outcome_and_the_response() -> None:
    """One line a record, the response as JSON at the end, and exit code 1 since one failed."""
    done = headwater("invoke", f"{EXAMPLE}:app", EVENT)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert "well done, bob: 300 -> 450" in lines
    for words in (
        "1 INSERT alice / Meteor Blasters 9600252934295835051549 welcome",
        "2 MODIFY bob / Meteor Blasters 10600252934295835051549 publish, congratulate",
        "3 MODIFY bob / Meteor Blasters 11600252934295835051549 no route wants it",
        (
            "4 MODIFY carol / Meteor Blasters 12600252934295835051549 publish failed: ConnectionError: "
            "the leaderboard does not answer"
        ),
        "5 REMOVE dave / Meteor Blasters 13600252934295835051549 waits for a record that is not done",
    ):
        assert words in [" ".join(line.split()) for line in lines]
    assert json.loads(lines[-1]) == {"batchItemFailures": [{"itemIdentifier": "12600252934295835051549"}]}


def test_invoke_exits_with_0_when_all_is_acknowledged(app: str, tmp_path: Path) -> None:
    """Also for an event from standard input, and for one without records."""
    path = write_event(tmp_path / "event.json", ["good"])
    assert headwater("invoke", app, path).returncode == 0
    assert headwater("invoke", app, "-", stdin=Path(path).read_text()).returncode == 0
    empty = headwater("invoke", app, "-", stdin='{"Records": []}')
    assert empty.returncode == 0
    assert "no records" in empty.stdout


def test_without_a_terminal_each_record_has_one_line(app: str, tmp_path: Path) -> None:
    """However long its failure is, and without spaces at the end."""
    content = (tmp_path / "app.py").read_text().replace('"told to fail"', '"told to fail " * 30')
    (tmp_path / "app.py").write_text(content)
    done = headwater("invoke", app, write_event(tmp_path / "event.json", ["bad", "b"]))
    lines = done.stdout.splitlines()
    assert [line for line in lines if line != line.rstrip()] == []
    assert [line.count("told to fail") for line in lines] == [0, 0, 30, 0, 0]


def test_keys_and_models_are_no_markup(tmp_path: Path) -> None:
    """Brackets are shown as they are, and what would move the cursor is written out."""
    (tmp_path / "app.py").write_text(
        "from headwater import Insert, StreamApp\n"
        "app = StreamApp()\n"
        "@app.on_insert\n"
        "def handle(record: Insert[dict[str, int]]) -> None: ...\n"
    )
    app = str(tmp_path / "app.py")
    done = headwater("invoke", app, write_event(tmp_path / "event.json", ["order[/2024]", "b[x]", "\x1b[2J"]))
    for key in ("  order[/2024]  ", "  b[x]  ", r"  \x1b[2J  "):
        assert key in done.stdout
    assert "handle(dict[str, int])" in headwater("routes", app).stdout


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_what_the_terminal_has_no_character_for_is_written_out(tmp_path: Path, encoding: str) -> None:
    """Half of a surrogate pair has none anywhere."""
    name = "\u2192\ud800"
    (tmp_path / "app.py").write_text(APP.replace('"bad"', ascii(name)).replace("told", r"\ud800 told"))
    arguments = (str(tmp_path / "app.py"), write_event(tmp_path / "event.json", ["name"]))
    (tmp_path / "event.json").write_text(
        (tmp_path / "event.json").read_text().replace('"name"', json.dumps(name))
    )
    done = headwater("invoke", *arguments, PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr.count("UnicodeEncodeError")) == (1, 0)
    arrow = "\u2192" if encoding == "utf-8" else r"\u2192"
    assert f"  {arrow}\\ud800  " in done.stdout
    assert r"ValueError: \ud800 told to fail" in done.stdout
    told = headwater("explain", *arguments, "--values", "--json", PYTHONIOENCODING=encoding)
    assert (told.returncode, bool(json.loads(told.stdout))) == (0, True)


def test_invoke_takes_a_directory_in_order_of_name(app: str, tmp_path: Path) -> None:
    """All events are delivered, and one failure makes the exit code 1."""
    folder = tmp_path / "events"
    folder.mkdir()
    write_event(folder / "b.json", ["bad", "later"])
    write_event(folder / "a.json", ["good"])
    Path(app).write_text(APP + "    print('from the handler')\n")
    done = headwater("invoke", app, str(folder), "--json")
    assert "from the handler" in done.stderr
    assert done.returncode == 1
    first, second = json.loads(done.stdout)
    assert Path(first["event"]).name == "a.json"
    assert [record["outcome"] for record in first["records"] + second["records"]] == [
        "handled",
        "failed",
        "withheld",
    ]
    assert second["records"][0]["phase"] == "handler"
    assert second["records"][0]["route"] == "handle"
    assert second["records"][0]["error"] == "ValueError"
    assert first["records"][0]["routes"] == ["handle"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "standard input is no JSON: Expecting property name"),
        ("", "standard input is no JSON"),
        ("\x00", "standard input is no JSON"),
        ("{}", "a stream event has a list of Records, this one has nothing"),
        (
            '{"Records": [{"eventSource": "aws:sqs"}]}',
            "record 0 comes from aws:sqs and not from a DynamoDB stream",
        ),
    ],
)
def test_invoke_exits_with_2_on_unusable_input(app: str, content: str, message: str) -> None:
    """One sentence on standard error, and no traceback."""
    done = headwater("invoke", app, "-", stdin=content)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_invoke_names_a_file_or_directory_that_has_no_event(app: str, tmp_path: Path) -> None:
    """A missing file and an empty directory are told apart."""
    (tmp_path / "empty").mkdir()
    missing = headwater("invoke", app, str(tmp_path / "none.json"))
    empty = headwater("invoke", app, str(tmp_path / "empty"))
    assert (missing.returncode, empty.returncode) == (2, 2)
    assert "there is no file or directory" in missing.stderr
    assert "holds no *.json file" in empty.stderr


# routes


def test_routes_lists_them_in_their_order() -> None:
    """As a table, and as JSON."""
    shown = headwater("routes", EXAMPLE)
    assert shown.returncode == 0
    assert "3 on_modify attribute='TopScore', when=<lambda> congratulate(GameScore)" in [
        " ".join(line.split()) for line in shown.stdout.splitlines()
    ]
    listed = json.loads(headwater("routes", EXAMPLE, "--json").stdout)
    assert listed[0] == {"decorator": "on_insert", "when": "always", "handler": "welcome(GameScore)"}
    assert len(listed) == 5


# explain

EXPLAINED = """
from headwater import Attr, Modify, Record, StreamApp
app = StreamApp()

@app.on_modify(when=Attr("Secret").changed() & Attr("Total").increased())
def grew(record: Modify) -> None:
    raise AssertionError("explain calls no handler")

def asks(record: Record) -> bool:
    print("asked")
    return record.keys["Id"].startswith("o")

@app.on_record(when=asks)
def noisy(record: Record) -> None: ...
"""


@pytest.fixture
def explained(tmp_path: Path) -> tuple[str, str]:
    (tmp_path / "app.py").write_text(EXPLAINED)
    old, new = {"Id": "o1", "Secret": "hunter2", "Total": 5}, {"Id": "o1", "Secret": "hunter3", "Total": 4}
    (tmp_path / "event.json").write_text(json.dumps(event([ORDERS.modify(old, new), ORDERS.insert(old)])))
    return str(tmp_path / "app.py"), str(tmp_path / "event.json")


def test_explain_says_for_every_record_which_condition_decided(explained: tuple[str, str]) -> None:
    """Without the item's values, and without what conditions print."""
    done = headwater("explain", *explained)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == explained[1]
    assert lines[1].startswith("MODIFY of table Orders, sequence number ")
    assert lines[1].endswith(": 1 of 2 routes want it")
    assert lines[2:8] == [
        "no         on_modify grew(dict)",
        "  no         Attr('Secret').changed() & Attr('Total').increased()",
        "    yes        Attr('Secret').changed(): Secret <S> -> <S>",
        "    no         Attr('Total').increased(): Total <N> -> <N>",
        "yes        on_record noisy(dict)",
        "  yes        asks",
    ]
    assert "hunter" not in done.stdout
    assert "asked" in done.stderr


def test_explain_shows_values_when_asked_for(explained: tuple[str, str]) -> None:
    """And writes JSON for machines."""
    shown = headwater("explain", *explained, "--values").stdout
    assert "Total 5 -> 4" in shown
    assert "'hunter2'" in shown
    told = json.loads(headwater("explain", *explained, "--json").stdout)
    assert [record["eventName"] for record in told[0]["records"]] == ["MODIFY", "INSERT"]
    grew = told[0]["records"][0]["routes"][0]
    assert (grew["condition"], grew["answer"]) == ("on_modify grew(dict)", "no")
    assert grew["parts"][0]["parts"][1] == {
        "condition": "Attr('Total').increased()",
        "answer": "no",
        "values": {"OldImage.Total": "<N>", "NewImage.Total": "<N>"},
    }
    valued = json.loads(headwater("explain", *explained, "--json", "--values").stdout)
    assert valued[0]["records"][0]["routes"][0]["parts"][0]["parts"][1]["values"]["NewImage.Total"] == "4"


def test_explain_fails_where_a_condition_raises(explained: tuple[str, str], tmp_path: Path) -> None:
    """With exit code 1; where there is nothing to explain with 2."""
    app, _ = explained
    batch = tmp_path / "keys.json"
    keys_only = Table("Orders", keys="Id", view_type="KEYS_ONLY")
    batch.write_text(json.dumps(event([keys_only.modify({"Id": "o1"}, {"Id": "o1", "Total": 1})])))
    done = headwater("explain", app, str(batch))
    assert done.returncode == 1
    assert "it fails, since a condition raises" in done.stdout
    assert "raised     Attr('Secret').changed(): MissingImageError: there is no OldImage" in done.stdout
    told = json.loads(headwater("explain", app, str(batch), "--json").stdout)
    assert "MissingImageError" in told[0]["records"][0]["routes"][0]["error"]
    assert headwater("explain", app, str(tmp_path / "none.json")).returncode == 2
    (tmp_path / "other.json").write_text('{"Records": [{"eventSource": "aws:sqs"}]}')
    refused = headwater("explain", app, str(tmp_path / "other.json"))
    assert refused.returncode == 2
    assert "comes from aws:sqs" in refused.stderr


# Finding the app


def test_an_app_is_found_by_module_too(tmp_path: Path) -> None:
    """From the current directory, in a package, under either usual name or none."""
    (tmp_path / "service").mkdir()
    (tmp_path / "service" / "__init__.py").write_text("")
    (tmp_path / "service" / "stream.py").write_text(APP.replace("app", "lambda_handler"))
    for target in ("service.stream", "service.stream:lambda_handler", "service/stream.py"):
        assert "handle(dict)" in headwater("routes", target, cwd=tmp_path).stdout


def test_a_file_imports_what_lies_beside_it(tmp_path: Path, app: str) -> None:
    """As when Python runs it."""
    (tmp_path / "models.py").write_text("NAME = 'beside'\n")
    Path(app).write_text("import models\n" + APP)
    assert headwater("routes", app).returncode == 0


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("nothing.py:app", "there is no file nothing.py"),
        ("nothing.at.all:app", "there is no module nothing: run this where it can be imported"),
        ("app.py:ap", "app.py has no ap: did you mean app.py:app?"),
        ("app.py:handle", "handle in app.py is a function and no StreamApp"),
        ("json", "json has no app: it holds no StreamApp at all"),
        (":app", "':app' names no module"),
        ("broken.py", "broken.py fails while it is imported"),
        ("broken", "broken fails while it is imported"),
        ("needs.py", "No module named 'not_installed'"),
        ("needs", "needs fails while it is imported"),
    ],
)
@pytest.mark.usefixtures("app")
def test_an_app_that_can_not_be_had_is_explained(tmp_path: Path, target: str, message: str) -> None:
    """A module that is missing and one that fails to import are two things; the user's own lines are shown."""
    (tmp_path / "broken.py").write_text("x = 1\nraise RuntimeError('at import')\n")
    (tmp_path / "needs.py").write_text("import not_installed\n")
    done = headwater("routes", target, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert "importlib" not in done.stderr
    if target.startswith("broken"):
        assert "raise RuntimeError('at import')" in done.stderr


def test_help_is_shown_when_nothing_is_asked() -> None:
    """And names the commands."""
    shown = headwater("--help")
    assert shown.returncode == 0
    for name in ("demo", "invoke", "routes", "run"):
        assert name in shown.stdout


def test_without_its_extra_the_command_says_what_to_install(tmp_path: Path) -> None:
    """The library alone has the command, which needs typer and rich."""
    (tmp_path / "typer.py").write_text("raise ImportError\n")
    done = subprocess.run(
        command("routes", "x"),
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.strip() == 'this command needs more than the library: pip install "headwater[cli]"'


@pytest.mark.parametrize("arguments", [["demo"], ["run", EXAMPLE, "--table", "T"]])
def test_without_boto3_and_moto_demo_and_run_say_what_to_install(
    tmp_path: Path, arguments: list[str]
) -> None:
    """They come with another extra."""
    (tmp_path / "boto3.py").write_text("raise ImportError\n")
    done = subprocess.run(
        command(*arguments),
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 2
    assert 'pip install "headwater[cli,local]"' in done.stderr


# demo


def test_the_demo_loses_nothing_and_says_so_in_figures() -> None:
    """One record fails twice, the checkpoint holds, its redelivery succeeds; with the bundled app and with the file."""
    for target in ([], [f"{EXAMPLE}:app"]):
        done = headwater("demo", *target)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stderr == ""
        assert done.stdout.count("publish failed: ConnectionError: the leaderboard does not answer") == 2
        assert done.stdout.count("the checkpoint stays before") == 2
        assert "> well done, carol: 120 -> 180" in done.stdout
        assert done.stdout.splitlines()[-1] == (
            "14 changes written · 14 acknowledged · 0 lost · "
            "1 record failed 2 times and succeeded when delivered again"
        )
        assert "\x1b" not in done.stdout


def test_the_demo_counts_what_an_app_really_did(app: str) -> None:
    """An app that never acknowledges a record loses the rest, and the demo says so and fails."""
    Path(app).write_text(APP.replace('record.keys["Id"] == "bad"', 'record.keys["UserId"] == "dave"'))
    done = headwater("demo", app)
    assert done.returncode == 1
    last = done.stdout.splitlines()[-1]
    assert last.startswith("14 changes written · 9 acknowledged · 5 lost · 1 record failed ")
    assert last.endswith(" times and is not done")


def test_the_demo_ends_on_ctrl_c_and_leaves_nothing() -> None:
    """Exit code 130, no traceback, no process."""
    process = subprocess.Popen(
        command("demo"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("batch 1"):
            break
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130
    assert stderr.strip() == "stopped"
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
