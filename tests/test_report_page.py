"""The page that shows what a mapping did, in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headwater.mapping.answers import Verdict
from headwater.mapping.entries import Entry
from headwater.mapping.report import report_page
from headwater.mapping.report_data import Limits, report_data
from headwater.mapping.report_steps import History
from tests.parts import browser as browsers
from tests.parts.browser import Browser, Page
from tests.parts.histories import BEGIN, HOSTILE, RAISED, busy_history, delivery, discard, entry


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real browser; .ci/run installs one where there is none."""
    if browsers.program() is None:
        pytest.skip(f"a report is looked at with one of {browsers.PROGRAMS}, and this machine has none")
    with browsers.browser() as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A tab that must have nothing to complain about when a test is over."""
    with browser.page() as tab:
        yield tab
        assert tab.complaints == []


SETTINGS = {"batch_size": 10, "on_failure_destination": "arn:aws:sqs:eu-central-1:123456789012:lost"}


@pytest.fixture
def report(tmp_path: Path) -> Path:
    return written(tmp_path, busy_history())


def written(folder: Path, history: History, **options: Any) -> Path:
    path = folder / "report.html"
    path.write_text(report_page(history, title="GameScores", settings=SETTINGS, **options), "utf-8")
    return path


def focused(page: Page) -> Any:
    """The step that has the focus, or the words of what has it."""
    return page.ask("document.activeElement.dataset.step ?? document.activeElement.textContent")


def tab_to_timeline(page: Page) -> None:
    for _ in range(20):
        page.press("Tab")
        if page.ask("document.activeElement.matches('.step')"):
            return
    raise AssertionError("Tab does not lead into the timeline")


def test_no_request_leaves_the_page(page: Page, report: Path) -> None:
    """It is opened, walked through and closed, and asked for nothing but itself."""
    page.open(report)
    page.click(".step.bisect")
    page.click("#story [data-record]")
    page.click("#close")
    assert [url for url in page.requests if not url.startswith("data:")] == [report.as_uri()]


def test_the_policy_lets_nothing_out(browser: Browser, report: Path) -> None:
    """Were there a hole in the page, the browser would refuse what comes through it."""
    with browser.page() as page:
        page.open(report)
        page.ask("fetch('http://127.0.0.1:9/').catch(() => 0)")
        page.ask(
            "new Promise((refused) => { const image = new Image(); image.onerror = refused;"
            "image.src = 'http://127.0.0.1:9/'; }).then(() => 0)"
        )
        page.ask("document.body.insertAdjacentHTML('beforeend', '<p onclick=\"hacked=1\" id=hole>')")
        page.ask("document.getElementById('hole').click()")
        assert page.ask("window.hacked") is None
        refused = [complaint for complaint in page.complaints if "Content Security Policy" in complaint]
        assert len(refused) >= 3


def test_a_click_opens_a_story(page: Page, report: Path) -> None:
    """Of an invocation, then of a record in it, with each delivery and the on-failure document; and back."""
    page.open(report)
    page.click(".step.discard")
    assert page.ask("document.getElementById('story-title').textContent") == "Discard"
    assert "RetryAttemptsExhausted" in page.ask("document.querySelector('#story pre').textContent")
    page.click("#story [data-record]")
    story = page.ask("document.getElementById('story-body').innerText")
    assert "Written" in story
    assert "Read from the stream" in story
    assert story.count("the whole batch failed") >= 3
    assert "approximateInvokeCount" in story
    assert "private-" not in story
    traced = page.ask("document.querySelectorAll('.step.traced').length")
    assert traced == page.ask("document.querySelectorAll('.told-list [data-step]').length") > 3
    page.click("#back")
    assert page.ask("document.getElementById('story-title').textContent") == "Discard"
    page.click("#close")
    assert page.ask("document.getElementById('story').hidden")
    assert page.ask("document.querySelectorAll('.traced').length") == 0


def test_a_story_leads_to_the_steps_beside_it(page: Page, report: Path) -> None:
    """From the table to an invocation, to another one of its batch, to a record, and to another delivery of that."""
    page.open(report)
    title = "byId('story-title').textContent"
    page.ask("document.querySelector('#invocations').scrollIntoView()")
    page.click("#invocations tr:has(.failed) button")
    assert page.ask(title) == "Invocation 1"
    assert page.ask("scrollY") > 0
    page.click("#story .chips li:nth-child(2) button")
    assert page.ask(title) == "Invocation 2"
    page.click("#story [data-record]")
    page.click("#story [data-step]")
    assert page.ask(title) == "Invocation 1"
    for _ in range(3):
        page.click("#back")
    assert page.ask(f"[{title}, byId('back').hidden]") == ["Invocation 1", True]


def test_the_keyboard_alone_opens_a_story(page: Page, report: Path) -> None:
    """Tab into the timeline, arrows along a lane and between lanes, Enter, Escape, and the focus is where it was."""
    page.open(report)
    tab_to_timeline(page)
    first = focused(page)
    page.press("ArrowRight")
    second = focused(page)
    assert second != first
    page.press("ArrowLeft")
    assert focused(page) == first
    page.press("End", "ArrowRight")
    assert page.ask(
        "steps[document.activeElement.dataset.step] === rows.find("
        "(lane) => lane.steps.includes(steps[document.activeElement.dataset.step])).steps.at(-1)"
    )
    page.press("Home", "ArrowDown")
    below = focused(page)
    assert page.ask(
        f"steps[{below}].lane + steps[{below}].shard !== steps[{first}].lane + steps[{first}].shard"
    )
    page.press("ArrowUp", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowUp", "Enter")
    assert not page.ask("document.getElementById('story').hidden")
    assert focused(page).startswith("Invocation")
    page.press("Tab")
    assert page.ask("document.getElementById('story').contains(document.activeElement)")
    page.press("Escape")
    assert page.ask("document.getElementById('story').hidden")
    assert page.ask("document.activeElement.matches('.step')")


def test_the_focus_is_seen(page: Page, report: Path) -> None:
    """A box that has it has an outline, and is inside of what is scrolled."""
    page.open(report)
    tab_to_timeline(page)
    page.press("End")
    assert page.ask("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert page.ask(
        "(() => { const box = document.activeElement.getBoundingClientRect(); const all = grid.getBoundingClientRect();"
        "return box.left >= all.left && box.right <= all.right && box.top >= all.top && box.bottom <= all.bottom; })()"
    )


def test_n_goes_from_trouble_to_trouble(page: Page, report: Path) -> None:
    """By the key, and by the button, all around and to the first again."""
    page.open(report)
    count = page.ask("steps.filter(isTrouble).length")
    page.click("#trouble")
    first = focused(page)
    visited = [first]
    for _ in range(count - 1):
        page.press("n")
        visited.append(focused(page))
    assert len(set(visited)) == count
    page.press("n")
    assert focused(page) == first


def test_the_timeline_is_a_grid_to_who_can_not_see_it(page: Page, report: Path) -> None:
    """Rows are lanes; each box says what it is, how it ended, and when."""
    page.open(report)
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    names = [node["name"]["value"] for node in nodes if node.get("role", {}).get("value") == "gridcell"]
    assert len(names) == page.ask("steps.length")
    assert all(re.fullmatch(r"(Invocation \d+|Discard), \d+ records?, .+, at \+.+", name) for name in names)
    roles = {node.get("role", {}).get("value") for node in nodes}
    assert {"grid", "row", "rowheader", "toolbar", "table", "columnheader", "search"} <= roles


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_boxes_never_overlap_and_time_runs_to_the_right(page: Page, tmp_path: Path, seed: int) -> None:
    """In one lane they follow each other; between lanes what began later is never drawn before."""
    page.open(written(tmp_path, busy_history(shards=3, lanes=3, batches=30, seed=seed)))
    assert page.ask(
        "lanes.every(({steps}) => steps.every((step, at) => !at || steps[at - 1].right < step.left))"
    )
    assert page.ask("steps.every((step) => step.right - step.left >= 30)")
    assert page.ask("steps.every((step, at) => !at || steps[at - 1].left <= step.left)")


def test_what_happens_at_one_instant_is_drawn_side_by_side(page: Page, tmp_path: Path) -> None:
    """With a simulated clock an invocation takes no time."""
    made = [delivery([entry(number)], number=number, batch=number, at=1, took=0) for number in range(1, 6)]
    page.open(written(tmp_path, History(made)))
    assert page.ask("steps.every((step, at) => !at || steps[at - 1].right < step.left)")
    assert page.ask("[...document.querySelectorAll('.tick')].map((tick) => tick.textContent)") == ["+0 ms"]


def test_a_clock_that_was_set_back_mixes_nothing_up(page: Page, tmp_path: Path) -> None:
    """What came later in a lane is drawn later."""
    made = [delivery([entry(1)], at=1, took=5), delivery([entry(2)], number=2, batch=2, at=3, took=-1)]
    page.open(written(tmp_path, History(made)))
    assert page.ask("steps[0].right < steps[1].left && steps[1].left + 30 <= steps[1].right")


def test_a_wait_that_did_not_end_is_drawn_open(page: Page, tmp_path: Path) -> None:
    """When the history ends between two attempts."""
    page.open(written(tmp_path, History([delivery([entry(1)], RAISED, then="retry", wait=4)])))
    assert page.ask("document.querySelector('.lane .wait.open').textContent") == "waits"
    page.click(".step")
    assert "delivered again after 4 s" in page.ask("document.getElementById('story-body').innerText")


def test_the_tables_have_what_the_timeline_has(page: Page, report: Path) -> None:
    """One row for each step and for each record, with the same words."""
    page.open(report)
    data = report_data(busy_history())
    for section, rows in (("invocations", data["steps"]), ("records", data["records"])):
        if len(rows) > 100:
            page.click(f"#{section} .more button")
        assert page.ask(f"document.querySelectorAll('#{section} tbody tr').length") == len(rows)
    steps = page.ask(
        "[...document.querySelectorAll('#invocations tbody tr')].map((row) => [...row.cells].map((cell) => cell.textContent))"
    )
    looks = page.ask("LOOKS")
    assert [(row[1], row[2], row[3], row[7], row[8]) for row in steps] == [
        (
            looks[step["look"]],
            str(sum(count for _, count in step["records"])),
            str(step["batch"]),
            step["shard"],
            str(step["lane"]),
        )
        for step in data["steps"]
    ]
    records = page.ask(
        "[...document.querySelectorAll('#records tbody tr')].map((row) => [...row.cells].map((cell) => cell.textContent))"
    )
    assert [(row[0], row[1], row[5]) for row in records] == [
        (record["key"], record["event"], record["sequence"]) for record in data["records"]
    ]
    page.click("#records [data-record]")
    assert page.ask("document.getElementById('story-title').textContent") == data["records"][0]["key"]


def choose(page: Page, section: str, field: int, value: str) -> int:
    """Choose rows, and count them."""
    page.ask(
        f"(() => {{ const field = document.querySelectorAll('#{section} form select, #{section} form input')[{field}];"
        f"field.value = {json.dumps(value)}; field.dispatchEvent(new Event('input', {{bubbles: true}})); }})()"
    )
    return int(page.ask(f"document.querySelectorAll('#{section} tbody tr').length"))


def test_rows_are_chosen_by_shard_outcome_and_key(page: Page, report: Path) -> None:
    """And by several of them together."""
    page.open(report)
    data = report_data(busy_history())
    shard = data["steps"][0]["shard"]
    of_shard = [step for step in data["steps"] if step["shard"] == shard]
    assert choose(page, "invocations", 0, shard) == len(of_shard)
    assert choose(page, "invocations", 1, "failed") == sum(step["look"] == "failed" for step in of_shard)
    assert choose(page, "records", 2, "filtered") == 6
    record = data["records"][0]
    assert choose(page, "records", 2, "") == 100
    assert choose(page, "records", 0, record["sequence"]) == 1
    assert choose(page, "records", 0, record["key"].lower()) == 1
    assert choose(page, "records", 0, "nobody") == 0


def test_zooming_keeps_the_box_in_use_where_it_is(page: Page, report: Path) -> None:
    """By keys and by buttons, up to an end of the scale."""
    page.open(report)
    tab_to_timeline(page)
    page.press("ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight")
    place = "document.querySelector(\".step[tabindex='0']\").getBoundingClientRect().left"
    wide = "document.querySelector(\".step[tabindex='0']\").getBoundingClientRect().width"
    before, width = page.ask(place), page.ask(wide)
    page.press("+")
    assert page.ask("byId('zoom').textContent") == "140 %"
    assert page.ask(wide) == pytest.approx(width * 1.4, abs=1)
    page.press("+", "-", "-")
    assert page.ask(place) == pytest.approx(before, abs=4)
    assert page.ask("byId('zoom').textContent") == "100 %"
    for _ in range(5):
        page.click("#out")
    assert page.ask("[byId('zoom').textContent, byId('out').disabled]") == ["40 %", True]
    for _ in range(10):
        page.click("#in")
    assert page.ask("[byId('zoom').textContent, byId('in').disabled]") == ["700 %", True]


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
def test_the_page_is_never_wider_than_the_screen(page: Page, report: Path, width: int) -> None:
    """Only the timeline and the tables scroll sideways, with a story or without."""
    page.open(report, width=width, height=740)
    wide = "document.documentElement.scrollWidth"
    page.ask("byId('settings').open = true")
    assert page.ask(wide) == width
    page.click(".step.discard")
    assert page.ask(wide) == width
    page.click("#story [data-record]")
    assert page.ask(wide) == width
    assert page.ask("byId('story').scrollWidth <= byId('story').clientWidth")


CONTRASTS = """(() => {
  const channel = (value) => (value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([red, green, blue]) => 0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue);
  const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const color = numbers(getComputedStyle(node).backgroundColor);
      if (color.length < 4 || color[3] === 1) return color;
    }
    return numbers(getComputedStyle(document.body).backgroundColor);
  };
  const poor = [];
  let seen = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !node.checkVisibility() || node.closest(":disabled, script, noscript")) continue;
    const [one, other] = [light(numbers(getComputedStyle(node).color)), light(behind(node))];
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    seen += 1;
    if (contrast < 4.5) poor.push([node.className, node.textContent.slice(0, 30), contrast]);
  }
  return { seen, poor };
})()"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read(page: Page, tmp_path: Path, scheme: str) -> None:
    """Its contrast with what is behind it is 4.5 at least."""
    history = busy_history(batches=16)
    page.open(written(tmp_path, history, limits=Limits(150, 2_000)), scheme=scheme, motion="reduce")
    assert page.ask("Object.keys(LOOKS).every((look) => LOOKED.has(look))")
    for opened in (".step.done", ".step.discard", ".step.partial", "#story [data-record]"):
        page.click(opened)
        found = page.ask(CONTRASTS)
        assert found["poor"] == []
        assert found["seen"] > 500
    dark = page.ask("getComputedStyle(document.body).backgroundColor")
    assert (dark == "rgb(18, 23, 27)") is (scheme == "dark")


def test_an_outcome_is_told_by_its_form_too(page: Page, tmp_path: Path) -> None:
    """Nobody needs to see a colour: each outcome has a form of its own."""
    page.open(written(tmp_path, busy_history(batches=16)))
    forms = page.ask(
        "Object.keys(LOOKS).map((look) => getComputedStyle(document.querySelector(`.step.${look}`), '::before').maskImage)"
    )
    assert len(set(forms)) == len(forms) == 6
    assert all(form.startswith("url(") for form in forms)


def test_hostile_text_stays_text(page: Page, tmp_path: Path) -> None:
    """In a key, a shard, a reason, a document and a setting."""
    made = [
        delivery(
            [entry(1, key=HOSTILE)], Verdict("failed", 0, HOSTILE, raised=True), shard=HOSTILE, then="discard"
        )
    ]
    path = written(tmp_path, History(made, [discard([entry(1, key=HOSTILE)], shard=HOSTILE)]), values=True)
    page.open(path)
    page.click(".step.failed")
    assert HOSTILE in page.ask("byId('story-body').textContent")
    page.click("#story [data-record]")
    assert page.ask("byId('story-title').textContent") == f"PK={HOSTILE} SK=GAME#00001"
    assert page.ask("document.querySelectorAll('img, b').length") == 0
    assert page.ask("window.hacked") is None


def test_motion_is_left_out_for_who_wants_none(page: Page, report: Path) -> None:
    """Nothing fades."""
    page.open(report, motion="reduce")
    assert page.ask("getComputedStyle(document.querySelector('.step')).transitionProperty") in {"none", "all"}
    assert page.ask("getComputedStyle(document.querySelector('.step')).transitionDuration") == "0s"


def test_what_is_left_out_is_said(page: Page, tmp_path: Path) -> None:
    """With the rule by which it was chosen; nothing is said when all is there."""
    page.open(written(tmp_path, busy_history(), limits=Limits(20, 100)))
    said = page.ask("byId('left').innerText")
    assert "Not everything is shown" in said
    assert "up to 20 invocations and discards and 100 records" in said
    assert page.ask("document.querySelectorAll('.step').length") == 20
    page.open(written(tmp_path, busy_history()))
    assert page.ask("byId('left').hidden")


def test_a_big_batch_is_listed_in_parts(page: Page, tmp_path: Path) -> None:
    """The first hundred records, and the others when they are asked for."""
    page.open(written(tmp_path, History([delivery([entry(number) for number in range(250)])])))
    page.click(".step")
    inside = "document.querySelectorAll('#story .inside li').length"
    assert page.ask(inside) == 100
    page.click("#story .more button")
    assert page.ask(inside) == 250
    assert focused(page) == "PK=PLAYER#020 SK=GAME#00100"


def test_a_window_may_end_without_records(page: Page, tmp_path: Path) -> None:
    """The last invocation of a tumbling window has none."""
    page.open(written(tmp_path, History([delivery([])])))
    page.click(".step")
    assert "It had no records." in page.ask("byId('story-body').innerText")


def test_a_mapping_that_did_nothing_has_a_page(page: Page, tmp_path: Path) -> None:
    """It says so."""
    page.open(written(tmp_path, History([])))
    assert page.ask("byId('span').textContent") == "Nothing has happened."
    assert page.ask("byId('trouble').disabled")
    page.press("Escape")


def test_values_are_in_the_story_when_they_were_asked_for(page: Page, tmp_path: Path) -> None:
    """As the function was given them."""
    page.open(written(tmp_path, History([delivery([entry(1)])]), values=True))
    page.click("#records [data-record]")
    assert '"Secret"' in page.ask("document.querySelector('#story pre').textContent")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 ms"),
        (0.0123, "12 ms"),
        (0.9999, "1 s"),
        (1.234, "1.23 s"),
        (59.44, "59.4 s"),
        (59.9, "1 min"),
        (61, "1 min 1 s"),
        (3_599.9, "1 h"),
        (7_500, "2 h 5 min"),
        (90_000, "1 d 1 h"),
        (-1.5, "\N{MINUS SIGN}1.5 s"),
    ],
)
def test_a_span_of_time_is_told_in_words(page: Page, tmp_path: Path, seconds: float, words: str) -> None:
    """With as much of it as matters."""
    page.open(written(tmp_path, History([])))
    assert page.ask(f"span({seconds})") == words


def test_a_record_without_a_key_is_named_by_its_number(page: Page, tmp_path: Path) -> None:
    """What is read may lack anything but its sequence number."""
    bare = Entry({"dynamodb": {"SequenceNumber": "100000000000000000001"}}, BEGIN)
    page.open(written(tmp_path, History([delivery([bare])])))
    page.click("#records [data-record]")
    assert page.ask("byId('story-title').textContent") == "100000000000000000001"
