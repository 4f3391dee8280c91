"""Dead letters to store, and clients of the AWS services that they are stored in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, get_args

import boto3
from botocore.config import Config
from hypothesis import strategies as st

from headwater.dead_letters import DeadLetter
from headwater.errors import Phase
from headwater.testing import Table
from tests.parts.tables import CREDENTIALS, REGION

FUNCTION_ARN = "arn:aws:lambda:us-east-1:123456789012:function:leaderboard:live"
TABLE = Table("GameScores", keys=("UserId", "GameTitle"))
WRITTEN = datetime(2025, 3, 9, 23, 59, 59, tzinfo=UTC)


def client(service: str, endpoint_url: str) -> Any:
    """A client of an AWS service on this machine."""
    config = Config(retries={"max_attempts": 2}, connect_timeout=5, read_timeout=30)
    return boto3.client(service, endpoint_url=endpoint_url, region_name=REGION, config=config, **CREDENTIALS)


def record(number: int = 1, *, user: str = "u1", note: str = "") -> dict[str, Any]:
    """A record as a Lambda event has it."""
    item = {"UserId": user, "GameTitle": "Chess", "TopScore": number, "Note": note}
    return TABLE.insert(item, sequence_number=f"{number:021}", created_at=WRITTEN)


def letter(raw: dict[str, Any] | None = None, **changes: Any) -> DeadLetter:
    """A letter of this record."""
    raw = record() if raw is None else raw
    known: dict[str, Any] = {
        "record": raw,
        "event_id": raw["eventID"],
        "sequence_number": raw["dynamodb"]["SequenceNumber"],
        "table": TABLE.name,
        "stream_arn": raw["eventSourceARN"],
        "phase": "handler",
        "route": "congratulate",
        "routes_done": ("archive",),
        "error_type": "builtins.ValueError",
        "error_message": "no score",
        "traceback_digest": "0123456789abcdef",
        "attempts": 3,
        "function_arn": FUNCTION_ARN,
        "request_id": "8f507cfc-xmpl-4697-b07a-ac58fc914c95",
        "time": datetime(2025, 3, 10, 8, 0, 0, 123456, tzinfo=UTC),
    }
    return DeadLetter(**known | changes)


TEXTS = st.text(st.characters(categories=None), max_size=12)
"""Any text, lone surrogates and control characters included."""

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**40), 10**40)
    | st.floats()
    | TEXTS
    | st.binary(max_size=8)
    | st.datetimes(timezones=st.just(UTC))
    | st.decimals(allow_nan=True).filter(lambda number: not number.is_snan())
    | st.frozensets(st.text(max_size=3), max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
"""What a record could hold, from Lambda or from boto3."""

LETTERS = st.builds(
    DeadLetter,
    record=st.dictionaries(TEXTS, VALUES, max_size=4),
    event_id=TEXTS,
    sequence_number=st.integers(1, 10**40).map(str) | st.text(min_size=1),
    table=TEXTS,
    stream_arn=TEXTS,
    phase=st.sampled_from(get_args(Phase)),
    route=st.none() | TEXTS,
    routes_done=st.lists(TEXTS, max_size=3).map(tuple),
    error_type=st.text(min_size=1),
    error_message=TEXTS,
    traceback_digest=st.text("0123456789abcdef", min_size=16, max_size=16),
    attempts=st.integers(0, 10_000),
    function_arn=TEXTS,
    request_id=TEXTS,
    time=st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1), timezones=st.just(UTC)),
)
"""Any dead letter."""
