"""Congratulate a player whose TopScore has changed: with Headwater."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import BaseModel, Field

from headwater import Modify, StreamApp


class GameScore(BaseModel):
    """An item of the table."""

    user_id: str = Field(alias="UserId")
    game_title: str = Field(alias="GameTitle")
    top_score: int = Field(alias="TopScore")


send: Callable[[str], None] = print  # where a message to a player goes

app = StreamApp()


@app.on_modify(attribute="TopScore")
def congratulate(record: Modify[GameScore]) -> None:
    """Called for a MODIFY in which TopScore has changed, and for no other record."""
    send(f"{record.new.user_id}: {record.old.top_score} -> {record.new.top_score}")


lambda_handler = app
