"""Typed handlers that fail for some records."""

from __future__ import annotations

from pydantic import BaseModel

from headwater import LambdaContext, Modify, Remove, StreamApp


class GameScore(BaseModel):
    UserId: str
    TopScore: int


app = StreamApp()


@app.on_modify(attribute="TopScore")
def celebrate(record: Modify[GameScore]) -> None:
    if record.new.TopScore < 0:
        raise ValueError("a score can not be negative")
    print(f"celebrated {record.new.UserId} {record.old.TopScore} {record.new.TopScore}")


@app.on_remove(expired=True)
def archive(record: Remove[GameScore], context: LambdaContext) -> None:
    left = context.get_remaining_time_in_millis()
    print(
        f"archived {record.old.UserId} in {context.aws_request_id} of {context.function_name}, {0 < left <= 30_000}"
    )


lambda_handler = app
