"""Congratulate a player whose TopScore has changed: with AWS Lambda Powertools."""

# Powertools documents that its record models are narrowed by overriding their fields.
# pyright: reportIncompatibleVariableOverride=false

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.parser.models import (
    DynamoDBStreamChangedRecordModel,
    DynamoDBStreamRecordModel,
)
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, Field


class GameScore(BaseModel):
    """An item of the table."""

    user_id: str = Field(alias="UserId")
    game_title: str = Field(alias="GameTitle")
    top_score: int = Field(alias="TopScore")


class GameScoreChange(DynamoDBStreamChangedRecordModel):
    """The images of a record, as items of the table."""

    NewImage: GameScore | None = None
    OldImage: GameScore | None = None


class GameScoreRecord(DynamoDBStreamRecordModel):
    """A record of the stream."""

    dynamodb: GameScoreChange


send: Callable[[str], None] = print  # where a message to a player goes

processor = BatchProcessor(event_type=EventType.DynamoDBStreams, model=GameScoreRecord)


def congratulate(record: GameScoreRecord) -> None:
    """Called for every record of the batch."""
    old, new = record.dynamodb.OldImage, record.dynamodb.NewImage
    if old is None or new is None or old.top_score == new.top_score:
        return
    send(f"{new.user_id}: {old.top_score} -> {new.top_score}")


def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Handle a batch."""
    return process_partial_response(
        event=event, record_handler=congratulate, processor=processor, context=context
    )
