"""Conditions that could not work: each line with the mark must be an error to both checkers."""

from __future__ import annotations

from typing import Any

from misuse_models import GameScore, Order

from headwater import (
    Attr,
    Condition,
    Entities,
    Insert,
    Key,
    Modify,
    Record,
    Remove,
    Router,
    StreamApp,
    loop_guard,
    only_changed,
)

app = StreamApp()


def of_insert(record: Insert[GameScore]) -> bool:
    return record.new.top_score > 3


def of_modify(record: Modify[GameScore]) -> bool:
    return record.new.top_score > 3


# values that DynamoDB does not have, or that the word does not take

Attr("Total").eq(1.5)  # error
Attr("Total").gt(2.5)  # error
Attr("Total").lt(None)  # error
Attr("Total").gte({"x": 1})  # error
Attr("Total").lte([1, 2])  # error
Attr("Total").between(1, 2.5)  # error
Attr("Total").between(1)  # error
Attr("Total").is_in(5)  # error
Attr("Total").is_in(1, 2)  # error
Attr("Total").begins_with(5)  # error
Attr("Total").begins_with(None)  # error
Attr("Total").crosses("10")  # error
Attr("Total").crosses(1.5)  # error
Attr("Total").changed_by(5)  # error
Attr("Total").changed_by(at_least=1.5)  # error
Attr("Total").changed_by(at_least="5")  # error
Attr("Total").changed_by()  # error
Attr("Total").attribute_type(str)  # error
Attr("Total").becomes()  # error
Attr("Total").was(1.5)  # error
Attr("Total").eq(object())  # error
Attr(5)  # error
Key(b"PK")  # error

# words that there are not

Attr("Total").equals(5)  # error
Attr("Total").increases()  # error
Attr("Total").size().begins_with("1")  # error
Attr("Total").size().exists()  # error
Attr("Total").old.changed()  # error
Attr("Total").new.becomes(1)  # error
Key("PK").changed()  # error
Key("PK").old  # error
Attr("Total").old.new  # error

# what is no condition

app.on_modify(when=Attr("Total"))  # error
app.on_modify(when=Attr("Total").size())  # error
app.on_modify(when=Attr("Total") == 5)  # error
app.on_modify(when=[Attr("Total").changed()])  # error
Attr("Total").changed() & Attr("Total")  # error
Attr("Total").changed() & True  # error
Attr("Total").changed() | "Total"  # error
Attr("Total") & Attr("Other")  # error
~Attr("Total")  # error

# another kind of record

app.on_insert(when=Attr("Total").increased())  # error
app.on_insert(when=Attr("Total").decreased())  # error
app.on_insert(when=Attr("Total").crosses(10))  # error
app.on_insert(when=Attr("Total").changed_by(at_least=1))  # error
app.on_insert(when=Attr("Total").old.eq(1))  # error
app.on_insert(when=Attr("Total").was(1))  # error
app.on_insert(when=Attr("Total").removed())  # error
app.on_insert(when=~Attr("Total").old.exists())  # error
app.on_insert(when=Attr("Total").changed() & Attr("Total").increased())  # error
app.on_insert(when=Attr("Total").changed() | Attr("Total").old.eq(1))  # error
app.on_insert(when=Attr("Total").changed() & of_modify)  # error
app.on_remove(when=Attr("Total").new.eq(1))  # error
app.on_remove(when=Attr("Total").becomes(1))  # error
app.on_remove(when=Attr("Total").added())  # error
app.on_remove(when=Attr("Total").increased())  # error
app.on_remove(when=Attr("Total").new.size().gt(3))  # error
app.on_remove(when=of_modify & Attr("Total").changed())  # error
app.on_modify(when=of_insert & Attr("Total").changed())  # error
app.on_modify(when=Attr("Total").changed() | of_insert)  # error


def read(inserted: Insert[Order], modified: Modify[Order], removed: Remove[Order], any_kind: Record[Order]) -> None:
    Attr("Total").increased()(inserted)  # error
    Attr("Total").old.eq(1)(inserted)  # error
    Attr("Total").new.eq(1)(removed)  # error
    Attr("Total").changed()(any_kind)  # error
    Attr("Total").changed()("record")  # error
    (Attr("Total").increased() & Attr("Total").changed())(removed)  # error
    wide: Condition[Insert[Any, Any]] = Attr("Total").increased()  # error
    print(modified, wide)


# guards, entities, settings

only_changed()  # error
only_changed(5)  # error
loop_guard({"Total"})  # error
loop_guard(writes=5)  # error
loop_guard(marker=["Total"])  # error
Entities({"SK=ORDER#*": Order})  # error
Entities({"SK=ORDER#*": Order}, unknown="skip")  # error
Entities({"SK=ORDER#*": Order}, unknown=True)  # error
Entities({"order": Order}, attribute=5, unknown="fail")  # error
Entities([Order], unknown="fail")  # error
StreamApp(entities={"SK=ORDER#*": Order})  # error
StreamApp(replicas="skip")  # error
StreamApp(replicas=True)  # error
StreamApp(ttl_attribute=5)  # error
StreamApp(origin_attribute=["region"])  # error
StreamApp(ignore=5)  # error
StreamApp(table="Shop")  # error
Router(ignore=5)  # error
Router(replicas="ignore")  # error
Router(when=Attr("Total"))  # error
Router(entities=Order)  # error
