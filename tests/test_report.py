"""What a mapping did, as one page: its data, and the text of the page."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from headwater.mapping.answers import Verdict
from headwater.mapping.history import Delivery
from headwater.mapping.report import report_page
from headwater.mapping.report_data import Limits, report_data
from headwater.mapping.report_steps import History
from tests.parts.histories import BEGIN, HOSTILE, RAISED, busy_history, delivery, discard, entry


def ends(history: History) -> list[str]:
    return [record["end"] for record in report_data(history)["records"]]


def test_each_record_is_told_with_how_it_ended() -> None:
    """Handled, behind the checkpoint, discarded, filtered out, or not yet delivered."""
    entries = [entry(number) for number in range(7)]
    entries[5].settled = True
    history = History(
        [
            delivery(entries[:3], Verdict("partial", 1, "one"), wait=1),
            delivery(entries[3:4], RAISED, number=2, batch=2, at=3, then="discard"),
            delivery(entries[4:5], None, number=3, batch=3, at=4, then="retry"),
        ],
        [discard(entries[3:4], batch=2)],
        {"shard-a": entries},
    )
    assert ends(history) == [
        "handled",
        "waiting",
        "waiting",
        "RetryAttemptsExhausted",
        "waiting",
        "waiting",
        "filtered",
    ]


def test_a_redelivery_tells_what_became_of_the_records_behind_the_checkpoint() -> None:
    """The last delivery decides."""
    entries = [entry(number) for number in range(3)]
    first = delivery(entries, Verdict("partial", 1, "one"))
    assert ends(History([first, delivery(entries[1:], number=2, at=2)])) == ["handled"] * 3


def test_figures_count_the_whole_history() -> None:
    """Retries are a batch's invocations after its first; a repeat is a delivery of a record after its first."""
    entries = [entry(number, at=number) for number in range(4)]
    history = History(
        [
            delivery(entries[:2], None, at=9, then="retry"),
            delivery(entries[:2], RAISED, number=2, at=10, then="retry", wait=1),
            delivery(entries[:2], number=3, attempt=2, at=12),
            delivery([], number=4, batch=2, at=13),
        ],
        [discard(entries[2:3], shard="shard-b", condition="Trimmed", at=20)],
        {"shard-c": entries[3:]},
        filtered=5,
    )
    assert report_data(history)["figures"] == {
        "shards": 3,
        "records": 9,
        "handled": 2,
        "filtered": 5,
        "waiting": 1,
        "discarded": {"Trimmed": 1},
        "invocations": 3,
        "failed": 1,
        "unrun": 1,
        "retries": 1,
        "repeats": 2,
        "most": 2,
        "age": 11,
        "begin": BEGIN + 3.5,
        "end": BEGIN + 20,
    }


def test_an_empty_history_has_figures_too() -> None:
    """Nothing has happened, and nothing fails."""
    told = report_data(History([]))
    assert told["steps"] == told["records"] == []
    assert told["figures"]["age"] is told["figures"]["begin"] is told["figures"]["end"] is None


def test_what_was_only_read_has_a_beginning_and_an_end() -> None:
    """A mapping that filtered everything out has a report."""
    figures = report_data(History([], records={"shard-a": [entry(1), entry(2, at=4)]}))["figures"]
    assert (figures["begin"], figures["end"]) == (BEGIN + 0.5, BEGIN + 4.5)


@pytest.mark.parametrize(
    ("made", "look"),
    [
        (delivery([entry(1)]), "done"),
        (delivery([entry(1), entry(2)], Verdict("partial", 1, "one")), "partial"),
        (delivery([entry(1), entry(2)], Verdict("partial", 1, "one"), then="bisect"), "partial"),
        (delivery([entry(1)], RAISED, then="retry"), "failed"),
        (delivery([entry(1), entry(2)], RAISED, then="bisect"), "bisect"),
        (delivery([entry(1)], None, then="retry"), "unrun"),
    ],
)
def test_an_invocation_looks_like_its_outcome(made: Delivery, look: str) -> None:
    """One form for each outcome."""
    assert report_data(History([made]))["steps"][0]["look"] == look


def test_records_are_named_once_and_told_by_position() -> None:
    """A delivery has runs of positions, so that a batch that is delivered often stays small."""
    entries = [entry(number) for number in range(6)]
    history = History([delivery(entries), delivery([*entries[:2], *entries[4:]], number=2, at=2)])
    told = report_data(history)
    assert len(told["records"]) == 6
    assert [step["records"] for step in told["steps"]] == [[[0, 6]], [[0, 2], [4, 2]]]


def test_steps_are_told_in_the_order_of_time_and_of_batches() -> None:
    """With a simulated clock, a batch, its discard and the next batch may be at one instant."""
    history = History(
        [
            delivery([entry(2)], number=2, batch=2, took=0),
            delivery([entry(1)], RAISED, took=0, then="discard"),
        ],
        [discard([entry(1)], at=1)],
    )
    assert [step["look"] for step in report_data(history)["steps"]] == ["failed", "discard", "done"]


def test_batches_with_trouble_are_shown_first() -> None:
    """What is left out are batches that were done at once, from the latest on; figures count them nevertheless."""
    calm = [delivery([entry(number)], number=number, batch=number, at=number) for number in range(1, 9)]
    poor = [entry(20), entry(21)]
    bad = [
        delivery(poor, RAISED, number=9, batch=9, at=9, then="retry"),
        delivery(poor, number=10, batch=9, attempt=2, at=10),
        delivery([entry(22)], None, number=11, batch=10, at=11, then="retry"),
    ]
    told = report_data(History([*calm, *bad], [discard([entry(23)], batch=12, at=12)]), limits=Limits(6, 100))
    assert [step.get("number") for step in told["steps"]] == [1, 2, 9, 10, 11, None]
    assert told["left"] == {"steps": 6, "records": 6}
    assert told["figures"]["invocations"] == 10
    few = report_data(History([*calm, *bad]), limits=Limits(100, 4))
    assert [step["number"] for step in few["steps"]] == [1, 9, 10, 11]


def test_records_that_were_never_delivered_are_shown_while_there_is_room() -> None:
    """Those that wait come before those that were filtered out."""
    waiting, out = entry(2), entry(1)
    out.settled = True
    history = History([delivery([entry(3)])], records={"shard-a": [out, waiting]})
    told = report_data(history, limits=Limits(10, 2))
    assert [record["end"] for record in told["records"]] == ["handled", "waiting"]
    assert told["left"] == {"steps": 0, "records": 1}


def test_values_of_items_are_shown_only_when_they_are_asked_for() -> None:
    """Neither in a record nor in the document for S3, which has the records in it."""
    history = History([delivery([entry(1)], RAISED, then="discard")], [discard([entry(1)])])
    page, open_page = report_page(history, title="t"), report_page(history, title="t", values=True)
    assert "private-1" not in page
    assert open_page.count("private-1") == 2
    assert report_data(history)["steps"][1]["document"]["DDBStreamBatchInfo"] == {
        "shardId": "shard-a",
        "batchSize": 1,
    }


def test_a_long_key_is_cut() -> None:
    """A key may have thousands of characters, and the sequence number is there."""
    [record] = report_data(History([delivery([entry(1, key="k" * 2_000)])]))["records"]
    assert len(record["key"]) == 201
    assert record["key"].endswith("k…")


def test_the_page_is_told_by_its_data_alone() -> None:
    """No clock, no chance; and its address book is empty."""
    page = report_page(busy_history(), title="t")
    assert page == report_page(busy_history(), title="t")
    assert set(re.findall(r"https?://[^'\"\s]+", page)) == {"http://www.w3.org/2000/svg"}


def test_nothing_ends_the_script_that_holds_the_data() -> None:
    """Whatever is in a key, a title or a setting, it is text."""
    page = report_page(
        History([delivery([entry(1, key=HOSTILE)])]), title=HOSTILE, settings={HOSTILE: HOSTILE}
    )
    assert page.count("</script>") == page.count("<script") == 2
    assert "<img" not in page
    assert "\u2028" not in page.split("</head>")[1].split('id="data">')[1]
    told = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])  # type: ignore[index]
    assert told["settings"] == {HOSTILE: HOSTILE}
    assert HOSTILE in told["records"][0]["key"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("TRIM_HORIZON", "TRIM_HORIZON"),
        (10, "10"),
        (True, "true"),
        (None, "none"),
        ((), "none"),
        (("a", "b"), "a, b"),
        ({"a": 1}, '{"a": 1}'),
    ],
)
def test_settings_are_shown_as_they_are_written(value: Any, words: str) -> None:
    """A text is a text, several stand one after the other, and everything else is JSON."""
    page = report_page(History([]), title="t", settings={"name": value})
    told = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])  # type: ignore[index]
    assert told["settings"] == {"name": words}
