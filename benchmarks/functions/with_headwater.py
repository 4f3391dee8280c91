"""The smallest function with Headwater and a pydantic model."""

from decimal import Decimal

from pydantic import BaseModel

from headwater import Modify, StreamApp


class Order(BaseModel):
    """The item."""

    OrderId: str
    Status: str
    Total: Decimal


app = StreamApp()


@app.on_modify
def handle(record: Modify[Order]) -> None:
    """Read both images."""
    print(f"{record.new.OrderId}: {record.old.Status} -> {record.new.Status}, {record.new.Total}")


lambda_handler = app
