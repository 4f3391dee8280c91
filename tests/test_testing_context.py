"""The Lambda context for tests, and what importing the builders costs."""

from __future__ import annotations

import subprocess
import sys

import headwater
from headwater import Record, StreamApp
from headwater.testing import LambdaContext, Table, event


def test_a_context_is_like_that_of_a_function_with_default_settings() -> None:
    """Names follow from the function's name, and each invocation has its own identifier."""
    context: headwater.LambdaContext = LambdaContext(function_name="scores")
    assert context.function_name == "scores"
    assert context.function_version == "$LATEST"
    assert context.memory_limit_in_mb == "128"
    assert context.invoked_function_arn == "arn:aws:lambda:us-east-1:123456789012:function:scores"
    assert context.log_group_name == "/aws/lambda/scores"
    assert context.aws_request_id != LambdaContext().aws_request_id
    assert LambdaContext(invoked_function_arn="arn:x", log_group_name="g").invoked_function_arn == "arn:x"


def test_the_time_left_is_what_the_test_says() -> None:
    """A handler that takes the context sees it, also when it changes between two calls."""
    app, seen = StreamApp(), list[int]()

    @app.on_record
    def look(_record: Record, context: headwater.LambdaContext) -> None:
        seen.append(context.get_remaining_time_in_millis())

    batch = event([Table("Games", keys="Id").insert({"Id": 1})])
    context = LambdaContext(remaining_ms=5_000)
    app(batch, context)
    context.remaining_ms = 20
    app(batch, context)
    assert seen == [5_000, 20]


def test_plain_items_need_nothing_but_python() -> None:
    """Building an event of plain dicts loads neither pydantic nor boto3 nor pytest nor moto."""
    program = (
        "import sys\n"
        "from headwater.testing import LambdaContext, Table, event\n"
        "event([Table('Games', keys='Id').modify({'Id': 1}, {'Id': 1, 'n': 2})]), LambdaContext()\n"
        "heavy = {'pydantic', 'pydantic_core', 'boto3', 'botocore', 'moto', 'pytest', 'hypothesis', 'asyncio'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    finished = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert finished.stdout.strip() == "[]"
