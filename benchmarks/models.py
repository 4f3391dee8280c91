"""The item of every workload as a model: pydantic's, a TypedDict, a dataclass; and a small one of three fields."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from pydantic import BaseModel
from typing_extensions import TypedDict


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


class AddressDict(TypedDict):
    """`Address` as a TypedDict."""

    Street: str
    City: str
    Zip: str


class LineDict(TypedDict):
    """`Line` as a TypedDict."""

    Sku: str
    Quantity: int
    Price: Decimal


class OrderDict(TypedDict):
    """`Order` as a TypedDict."""

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
    ShipTo: AddressDict
    Lines: list[LineDict]


@dataclass
class AddressData:
    """`Address` as a dataclass."""

    Street: str
    City: str
    Zip: str


@dataclass
class LineData:
    """`Line` as a dataclass."""

    Sku: str
    Quantity: int
    Price: Decimal


@dataclass
class OrderData:
    """`Order` as a dataclass."""

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
    ShipTo: AddressData
    Lines: list[LineData]


class Summary(BaseModel):
    """Three fields of an item that may have any number of attributes, or of the smallest item."""

    OrderId: str
    Status: str = ""
    Total: Decimal = Decimal(0)
