"""A route that could not work: the function must not start."""

from __future__ import annotations

from typing import Any

from headwater import StreamApp

lambda_handler = StreamApp()


def handle(record: Any, retries: int) -> None:
    print(record, retries)


register: Any = lambda_handler.on_modify  # a type checker would refuse the line below
register(handle)
