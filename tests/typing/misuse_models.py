"""The models of the misuse files; nothing here is a misuse."""

from __future__ import annotations

from pydantic import BaseModel, Field
from typing_extensions import TypedDict


class Item(BaseModel):
    user_id: str = Field(alias="UserId")


class GameScore(Item):
    top_score: int = Field(alias="TopScore")


class ScoreKey(BaseModel):
    user_id: str = Field(alias="UserId")


class Order(TypedDict):
    Id: str
    Total: int
