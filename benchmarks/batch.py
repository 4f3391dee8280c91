"""The events of the workloads, as Lambda's runtime gives them to a function: parsed from JSON."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import cache
from typing import Any

from headwater.testing import Table, event


def order(number: int, status: str) -> dict[str, Any]:
    """The item: 12 attributes with a nested map and list, in plain Python values."""
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


def small_order(number: int, status: str) -> dict[str, Any]:
    """An item of three attributes: 10,000 changes of such items are what 6 MB hold."""
    return {"OrderId": f"o-{number:06}", "Status": status, "Total": Decimal("12.95")}


def wide_order(number: int, status: str, attributes: int) -> dict[str, Any]:
    """An item of so many attributes: those of the small one first."""
    item = small_order(number, status) | {
        f"Attribute{place:03}": f"value {place}" for place in range(attributes)
    }
    return dict(list(item.items())[:attributes])


@cache
def order_event(records: int) -> dict[str, Any]:
    """In every record the status changes from open to paid, and nothing else."""
    table = Table("Orders", keys="OrderId")
    return parsed(
        event([table.modify(order(number, "open"), order(number, "paid")) for number in range(records)])
    )


def small_event(records: int) -> dict[str, Any]:
    """As `order_event`, with items of three attributes."""
    table = Table("Orders", keys="OrderId")
    return parsed(
        event(
            [
                table.modify(small_order(number, "open"), small_order(number, "paid"))
                for number in range(records)
            ]
        )
    )


def wide_event(records: int, attributes: int) -> dict[str, Any]:
    """As `order_event`, with items of so many attributes; with one attribute, the item is its key and changes in nothing."""
    table = Table("Orders", keys="OrderId")
    return parsed(
        event(
            [
                table.modify(wide_order(number, "open", attributes), wide_order(number, "paid", attributes))
                for number in range(records)
            ]
        )
    )


def numbered_event(records: int, items: int) -> dict[str, Any]:
    """Inserts that count upwards, of as many items in turn."""
    table = Table("Orders", keys="OrderId")
    return parsed(
        event([table.insert({"OrderId": number % items, "Number": number}) for number in range(records)])
    )


def parsed(made: dict[str, Any]) -> dict[str, Any]:
    """The event as JSON brings it: no value in it is shared with another."""
    found: dict[str, Any] = json.loads(json.dumps(made))
    return found
