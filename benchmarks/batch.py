"""The batch that every workload uses: 1,000 MODIFY records of 12 attributes, with a nested map and list, both images."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from headwater.testing import Table, event

RECORDS = 1_000


class Address(BaseModel):
    """A nested map."""

    Street: str
    City: str
    Zip: str


class Line(BaseModel):
    """An element of a nested list."""

    Sku: str
    Quantity: int
    Price: Decimal


class Order(BaseModel):
    """The item."""

    OrderId: str
    CustomerId: str
    Status: str
    Total: Decimal
    Currency: str
    Version: int
    Paid: bool
    Note: str | None
    Tags: set[str]
    CreatedAt: str
    ShipTo: Address
    Lines: list[Line]


def order(number: int, status: str) -> dict[str, Any]:
    """One item in plain Python values."""
    return {
        "OrderId": f"order-{number:06}",
        "CustomerId": f"customer-{number % 97:04}",
        "Status": status,
        "Total": Decimal("129.95"),
        "Currency": "EUR",
        "Version": number,
        "Paid": number % 2 == 0,
        "Note": None,
        "Tags": {"new", "web"},
        "CreatedAt": "2026-11-21T08:00:00Z",
        "ShipTo": {"Street": "Main Street 1", "City": "Ulm", "Zip": "89073"},
        "Lines": [
            {"Sku": "sku-1", "Quantity": 2, "Price": Decimal("19.95")},
            {"Sku": "sku-2", "Quantity": 1, "Price": Decimal("90.05")},
        ],
    }


def stream_event(records: int = RECORDS) -> dict[str, Any]:
    """A whole batch: in every record the status changes, and nothing else."""
    table = Table("Orders", keys="OrderId")
    return event([table.modify(order(number, "open"), order(number, "paid")) for number in range(records)])
