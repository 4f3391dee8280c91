"""One function for the whole stream, as the Lambda handler."""

from __future__ import annotations

from typing import Any

from headwater import Insert, LambdaContext, Modify, stream_handler


@stream_handler
def lambda_handler(record: Insert | Modify, context: LambdaContext) -> None:
    print(f"took {record.event_name} {record.keys['Id']} in {context.aws_request_id}")
    if record.new.get("Poison"):
        raise RuntimeError("as told")


@stream_handler
async def waits(record: Insert[dict[str, Any]]) -> None:
    print(f"awaited {record.keys['Id']}")
