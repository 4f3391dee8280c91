"""What a record does not have: each line with the mark must be an error to both checkers."""

from __future__ import annotations

from misuse_models import GameScore, Item, Order, ScoreKey

from headwater import Insert, LambdaContext, Modify, Record, Remove, StreamApp

app = StreamApp()


@app.on_insert
def inserted(record: Insert[GameScore, ScoreKey]) -> None:
    print(record.old)  # error
    print(record.old.top_score)  # error
    print(record.new.score)  # error
    print(record.new["TopScore"])  # error
    print(record.new.TopScore)  # error
    print(record.new.top_score.upper())  # error
    print(record.keys.top_score)  # error
    print(record.keys["UserId"])  # error
    record.new = GameScore(UserId="u1", TopScore=3)  # error
    record.keys = ScoreKey(UserId="u1")  # error
    record.extra = 3  # error


@app.on_modify(attribute="TopScore")
async def modified(record: Modify[GameScore, ScoreKey], context: LambdaContext) -> None:
    print(record.new.score)  # error
    print(record.old.score)  # error
    print(record.keys.score)  # error
    print(record.newer)  # error
    print(record.image)  # error
    print(record.new - record.old)  # error
    record.old = record.new  # error
    record.sequence_number = "1"  # error
    record.expired = True  # error
    print(context.request_id)  # error
    context.aws_request_id = "1"  # error
    print(context.get_remaining_time_in_millis("s"))  # error
    await record.new  # error


@app.on_remove(expired=True)
def removed(record: Remove[GameScore]) -> None:
    print(record.new)  # error
    print(record.new.top_score)  # error
    print(record.old.score)  # error
    print(record.old["TopScore"])  # error
    print(record.keys.user_id)  # error


@app.on_record
def either(record: Record[GameScore]) -> None:
    print(record.new)  # error
    print(record.old)  # error
    print(record.old.top_score)  # error


@app.on_record
def of_a_union(record: Insert[GameScore] | Modify[GameScore] | Remove[GameScore]) -> None:
    print(record.new)  # error
    print(record.old)  # error
    if isinstance(record, Modify):
        print(record.old.score)  # error
    elif isinstance(record, Insert):
        print(record.old)  # error
    else:
        print(record.new)  # error


@app.on_record
def of_a_matched_union(record: Insert[GameScore] | Remove[Item] | Modify[Order]) -> None:
    match record:
        case Insert():
            print(record.new.score)  # error
        case Remove(old=old):
            print(old.top_score)  # error
        case Modify(new=new):
            print(new["Totals"])  # error


@app.on_modify
def typed_dict(record: Modify[Order]) -> None:
    print(record.new.Total)  # error
    print(record.new["Price"])  # error
    print(record.old["Id"] + 1)  # error
    record.new["Total"] = "3"  # error


@app.on_modify
def plain(record: Modify) -> None:
    print(record.new.Total)  # error
    print(record.keys.Id)  # error
    record.new[3] = 4  # error


def attributes(record: Modify[GameScore]) -> None:
    print(record.sequence_number + 1)  # error
    print(record.created_at + record.created_at)  # error
    record.age.days()  # error
    record.table_name()  # error
    print(record.user_identity.type)  # error
    print(record.changes["TopScore"].before)  # error
    record.changes["TopScore"] = None  # error
    record.raw["eventName"] = "INSERT"  # error
    if record.event_name == "UPDATE":  # error
        return


# Records are covariant in their models, and in nothing else


def takes_item(_record: Modify[Item]) -> None: ...
def takes_score(_record: Modify[GameScore]) -> None: ...
def takes_key(_record: Modify[GameScore, ScoreKey]) -> None: ...


def call(
    item: Modify[Item], score: Modify[GameScore], order: Modify[Order], insert: Insert[GameScore]
) -> None:
    takes_score(item)  # error
    takes_item(order)  # error
    takes_item(insert)  # error
    takes_key(score)  # error
    wrong: Modify[Order] = score  # error
    print(wrong)


def too_many(record: Modify[GameScore, ScoreKey, Order]) -> None:  # error
    print(record)


Modify[GameScore]()  # error
Insert({})  # error
