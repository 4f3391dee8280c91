"""The same function with Powertools: its batch processor and its parser."""

# Powertools documents that its record models are narrowed by overriding their fields.
# pyright: reportIncompatibleVariableOverride=false

from decimal import Decimal
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.parser.models import (
    DynamoDBStreamChangedRecordModel,
    DynamoDBStreamRecordModel,
)
from pydantic import BaseModel


class Order(BaseModel):
    """The item."""

    OrderId: str
    Status: str
    Total: Decimal


class OrderChange(DynamoDBStreamChangedRecordModel):
    """The images."""

    NewImage: Order | None = None
    OldImage: Order | None = None


class OrderRecord(DynamoDBStreamRecordModel):
    """The record."""

    dynamodb: OrderChange


processor = BatchProcessor(event_type=EventType.DynamoDBStreams, model=OrderRecord)


def handle(record: OrderRecord) -> None:
    """Read both images."""
    old, new = record.dynamodb.OldImage, record.dynamodb.NewImage
    if old is not None and new is not None:
        print(f"{new.OrderId}: {old.Status} -> {new.Status}, {new.Total}")


def lambda_handler(event: dict[str, Any], context: Any) -> Any:
    """Handle the batch."""
    return process_partial_response(event=event, record_handler=handle, processor=processor, context=context)
