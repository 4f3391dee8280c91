"""`app.explain`: why a route wants a record or does not, in words that fit into a log."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from headwater import (
    Attr,
    ConditionError,
    Failed,
    Insert,
    Key,
    MalformedRecordError,
    Modify,
    SourceError,
    StreamApp,
    WireValueError,
    only_changed,
)
from headwater.cli.explain import explanation_text
from headwater.explanations import explain_condition
from headwater.kinds import read_record
from headwater.models import Shape
from headwater.testing import Table, as_record

ORDERS = Table("Orders", keys="Id")
SECRET = "hunter2"


class Order(BaseModel):
    Id: str
    Total: int


def raises(_record: object) -> bool:
    raise ValueError(SECRET)


def make_app() -> StreamApp:
    app = StreamApp(ignore=["seen"])

    @app.on_modify(when=Attr("Note").becomes("x") | Attr("Total").increased() & ~Attr("Note").exists())
    def grew(record: Modify[Order]) -> None:
        raise AssertionError("explain calls no handler")

    @app.on_modify(attribute="Total", when=lambda record: record.new.Total > 100)
    def big(record: Modify[Order]) -> None: ...
    @app.on_remove
    def gone(record: object) -> None: ...

    return app


OLD, NEW = {"Id": "1", "Total": 1, "Note": SECRET}, {"Id": "1", "Total": 2, "Note": SECRET}


def test_every_route_says_why() -> None:
    """With the parts of its condition in the order in which they are asked, and both values."""
    record = ORDERS.modify(OLD, NEW)
    number = record["dynamodb"]["SequenceNumber"]
    assert str(make_app().explain(record)).splitlines() == [
        f"MODIFY of table Orders, sequence number {number}: 0 of 3 routes want it",
        "no         on_modify grew(Order)",
        "  yes        ignore=['seen']: Total <N> -> <N>",
        "  no         Attr('Note').becomes('x') | Attr('Total').increased() & ~Attr('Note').exists()",
        "    no         Attr('Note').becomes('x'): Note <S> -> <S>",
        "    no         Attr('Total').increased() & ~Attr('Note').exists()",
        "      yes        Attr('Total').increased(): Total <N> -> <N>",
        "      no         ~Attr('Note').exists()",
        "        yes        Attr('Note').exists(): NewImage.Note <S>",
        "no         on_modify big(Order)",
        "  yes        ignore=['seen']: Total <N> -> <N>",
        "  yes        attribute='Total': Total <N> -> <N>",
        "  no         <lambda>",
        "no         on_remove gone(dict): takes REMOVE, this is MODIFY",
    ]


def test_values_are_shown_when_asked_for() -> None:
    """And only then."""
    explained = make_app().explain(ORDERS.modify(OLD, NEW))
    assert SECRET not in str(explained)
    assert SECRET not in repr(explained)
    assert "Attr('Total').increased(): Total 1 -> 2" in explained.text(show_values=True)
    assert f"NewImage.Note '{SECRET}'" in explained.text(show_values=True)


def test_what_is_not_there_and_what_is_malformed_is_said() -> None:
    """An absent attribute, a value in no wire form."""
    app = StreamApp()
    app.on_modify(when=Attr("A").exists() | Attr("B").becomes(1))(lambda record: None)
    record = ORDERS.modify({"Id": "1"}, {"Id": "1", "B": 1})
    assert "Attr('A').exists(): NewImage.A absent" in str(app.explain(record))
    assert "B absent -> <N>" in str(app.explain(record))
    record["dynamodb"]["NewImage"]["B"] = {"N": SECRET}
    [answer] = app.explain(record).routes
    assert isinstance(answer.error, WireValueError)
    assert answer.word == "raised"
    assert SECRET not in str(app.explain(record))
    assert f"B absent -> {{'N': '{SECRET}'}}" in app.explain(record).text(show_values=True)
    record["dynamodb"]["NewImage"]["B"] = 5
    assert "B absent -> <?>" in str(app.explain(record))


def test_values_that_can_not_be_read_are_left_out() -> None:
    """The error says why; explain itself never raises for them."""
    app = StreamApp()
    app.on_modify(when=Attr("L").size().eq(1))(lambda record: None)
    app.on_modify(when=only_changed("A"))(lambda record: None)
    app.on_modify(attribute="L")(lambda record: None)
    app.on_modify(when=Attr("N").exists())(lambda record: None)
    record = ORDERS.modify({"Id": "1", "L": []}, {"Id": "1"})
    record["dynamodb"]["NewImage"] |= {"L": {"L": 5}, "N": None}
    lines = str(app.explain(record)).splitlines()[2::2]
    for line, start in zip(
        lines,
        (
            "  raised     Attr('L').size().eq(1): WireValueError: L holds a list, this is a int (at NewImage.L, ",
            "  raised     only_changed(['A']): WireValueError: L holds a list, this is a int (at L, ",
            "  raised     attribute='L': L <L> -> <L>, WireValueError: L holds a list",
            "  raised     Attr('N').exists(): WireValueError: a value is written as",
        ),
        strict=True,
    ):
        assert line.startswith(start), line


def test_a_condition_that_raises_is_said_and_the_others_are_asked() -> None:
    """An error of the user's own may quote the item, so without values only its class is told."""
    app = StreamApp()
    app.on_insert(when=~(Attr("Id").exists() & raises & Attr("B").exists()))(lambda record: None)
    app.on_insert(lambda record: None)
    app.on_insert(when=Attr("Id").exists())(lambda record: None)
    explained = app.explain(ORDERS.insert({"Id": "1"}))
    lines = str(explained).splitlines()
    assert lines[0].endswith("it fails, since a condition raises")
    assert lines[1:7] == [
        "raised     on_insert <lambda>(dict)",
        "  raised     ~(Attr('Id').exists() & raises & Attr('B').exists())",
        "    raised     Attr('Id').exists() & raises & Attr('B').exists()",
        "      yes        Attr('Id').exists(): NewImage.Id <S>",
        "      raised     raises: ValueError",
        "      not asked  Attr('B').exists()",
    ]
    assert [answer.said for answer in explained.routes] == [None, True, True]
    assert explained.matching == 2
    assert f"raises: ValueError: {SECRET}" in explained.text(show_values=True)


def test_an_error_of_headwater_is_told_in_full() -> None:
    """It quotes no value, and says what to do."""
    app = StreamApp()
    app.on_insert(when=Attr("A").exists())(lambda record: None)
    keys_only = Table("Orders", keys="Id", view_type="KEYS_ONLY")
    assert "needs NEW_IMAGE or NEW_AND_OLD_IMAGES" in str(app.explain(keys_only.insert({"Id": "1"})))


def test_table_and_time_to_live_are_explained_too() -> None:
    """As the options that they are written as."""
    app = StreamApp(replicas="ignore")
    app.on_remove(table="Other", expired=True)(lambda record: None)
    assert str(app.explain(ORDERS.remove({"Id": "1"}))).splitlines()[1:] == [
        "no         on_remove <lambda>(dict)",
        "  no         table='Other'",
        "  not asked  replicas='ignore'",
        "  not asked  expired=True",
    ]
    nowhere = {**ORDERS.remove({"Id": "1"}), "eventSourceARN": ""}
    [answer] = app.explain(nowhere).routes
    assert isinstance(answer.error, ConditionError)
    assert str(app.explain(nowhere)).startswith("REMOVE of table ?, sequence number")


def test_a_typed_record_can_be_explained_too() -> None:
    """As a handler has one."""
    record = as_record(ORDERS.modify(OLD, {**NEW, "Total": 200}), Modify[Order])
    assert [answer.said for answer in make_app().explain(record).routes] == [False, True, False]


def test_explaining_does_not_freeze_the_routes() -> None:
    """It is for development, where routes are still added."""
    app = StreamApp()
    assert "there are no routes" in str(app.explain(ORDERS.insert({"Id": "1"})))
    app.on_insert(lambda record: None)
    assert app.explain(ORDERS.insert({"Id": "1"})).matching == 1


@pytest.mark.parametrize(
    ("record", "error"),
    [
        ({"eventSource": "aws:sqs", "body": "x"}, SourceError),
        ("text", SourceError),
        ({**ORDERS.insert({"Id": "1"}), "eventName": "UPSERT"}, MalformedRecordError),
    ],
)
def test_what_is_no_record_is_refused(record: Any, error: type[Exception]) -> None:
    """As the app would."""
    with pytest.raises(error):
        make_app().explain(record)


def test_the_condition_of_one_record_alone() -> None:
    """An answer is a value of its own."""
    condition = Key("Id").eq("1") & Attr("Total").gt(1)
    record = read_record(ORDERS.insert(NEW))
    answer = explain_condition(condition, record, Shape())
    assert answer.said is True
    assert [part.word for part in answer.parts] == ["yes", "yes"]
    assert answer.parts[1].values == {"NewImage.Total": {"N": "2"}}
    assert "'N': '2'" not in repr(answer)


def test_explain_agrees_when_the_batch_fails() -> None:
    """What raises there raises here."""
    app = StreamApp()
    app.on_insert(when=raises)(lambda record: None)
    record = ORDERS.insert({"Id": "1"})
    [outcome] = app.run({"Records": [record]}).outcomes
    [answer] = app.explain(record).routes
    assert isinstance(outcome, Failed)
    assert type(answer.error) is type(outcome.error) is ValueError


def test_an_unannotated_insert_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """Printing the explanation is the usual way to see it."""
    app = StreamApp()

    @app.on_insert
    def hello(record: Insert) -> None: ...

    print(app.explain(ORDERS.insert({"Id": "1"})))
    assert "yes        on_insert hello(dict)" in capsys.readouterr().out


def test_text_of_several_lines_stays_on_its_line() -> None:
    """What an error says, and names with control characters."""

    def raises_lines(_record: object) -> bool:
        raise ValueError("one\ntwo")

    app = StreamApp()
    app.on_insert(when=raises_lines)(lambda record: None)
    app.on_insert(when=Attr('["a\\nb"]').exists())(lambda record: None)
    text = app.explain(ORDERS.insert({"Id": "1", "a\nb": 1})).text(show_values=True)
    assert "raises_lines: ValueError: one two" in text
    assert 'NewImage["a\\nb"] 1' in text
    assert len(text.splitlines()) == 5


def test_names_that_may_be_data_are_left_out() -> None:
    """Of a map by e-mail the attribute is named, not the e-mail; a tag that is none is not shown."""
    app = StreamApp(ignore="seen")
    app.on_modify(lambda record: None)
    app.on_modify(when=Attr("Odd").eq(1))(lambda record: None)
    record = ORDERS.modify(
        {"Id": "1", "By": {}}, {"Id": "1", "By": {"alice@example.com": 1, "bob@example.com": 2}}
    )
    record["dynamodb"]["NewImage"]["Odd"] = {"alice@example.com": "1"}
    text = str(app.explain(record))
    assert "ignore=['seen']: By <M> -> <M>" in text
    assert "NewImage.Odd <?>" in text
    assert "alice" not in text


@pytest.mark.parametrize("value", [{"B": "!!"}, {"S": 5}, {}, "x", {"S": "a", "N": "1"}])
def test_a_size_that_can_not_be_told_is_explained(value: object) -> None:
    """As the failure that it is."""
    app = StreamApp()
    app.on_insert(when=Attr("A").size().gt(1))(lambda record: None)
    record = ORDERS.insert({"Id": "1"})
    record["dynamodb"]["NewImage"]["A"] = value
    [outcome] = app.run({"Records": [record]}).outcomes
    [answer] = app.explain(record).routes
    assert isinstance(outcome, Failed)
    assert str(answer.error) == str(outcome.error)
    assert "(at NewImage.A, " in str(outcome.error)


def test_a_name_that_ends_a_line_breaks_no_terminal() -> None:
    """Unicode knows more line ends than the one of a file; the colours are put where the words are."""
    app = StreamApp()
    app.on_insert(when=Attr("a\u2028b").exists())(lambda record: None)
    explanation = app.explain(ORDERS.insert({"Id": "1", "a\u2028b": 1}))
    shown = explanation_text(explanation, show_values=False)
    assert shown.plain == str(explanation)
    assert [shown.plain[span.start : span.end] for span in shown.spans] == ["yes", "yes"]
