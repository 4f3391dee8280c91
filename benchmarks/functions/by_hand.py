"""The same function with pydantic alone, for this one model and with no regard to failures: what cannot be saved."""

from decimal import Decimal
from typing import Any

from pydantic import BaseModel


class Order(BaseModel):
    """The item."""

    OrderId: str
    Status: str
    Total: Decimal


def lambda_handler(event: dict[str, Any], _context: Any) -> Any:
    """Handle the batch."""
    for record in event["Records"]:
        old, new = unpacked(record["dynamodb"]["OldImage"]), unpacked(record["dynamodb"]["NewImage"])
        print(f"{new.OrderId}: {old.Status} -> {new.Status}, {new.Total}")
    return {"batchItemFailures": []}


def unpacked(image: dict[str, dict[str, Any]]) -> Order:
    """One image."""
    return Order.model_validate(
        {name: content for name, value in image.items() for content in value.values()}
    )
