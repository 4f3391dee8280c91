"""From the API's form of a record to Lambda's."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from headwater import to_python
from headwater.get_records import lambda_record
from headwater.sources import read_event
from headwater.testing import Table

TABLE = Table("Orders", keys="Id")


def test_the_four_differences_between_api_and_event_are_made_up_for() -> None:
    """Bytes become base64 however deep they are, the time seconds, the identity lower case; the ARN is added."""
    arn = "arn:aws:dynamodb:us-east-1:123456789012:table/T/stream/2026"
    images = {"B": {"B": b"foobar"}, "Deep": {"L": [{"M": {"S": {"BS": [b"a", b""]}}}]}}
    record = {
        "eventID": "e" * 32,
        "eventName": "REMOVE",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "userIdentity": {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"},
        "dynamodb": {
            "ApproximateCreationDateTime": datetime(2026, 11, 21, 8, tzinfo=UTC),
            "Keys": {"Id": {"N": "1"}},
            "OldImage": images,
            "SequenceNumber": "100",
            "SizeBytes": 26,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }

    written = lambda_record(record, stream_arn=arn)

    assert json.loads(json.dumps(written)) == written
    assert written["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    assert written["dynamodb"]["ApproximateCreationDateTime"] == 1795248000.0
    assert written["dynamodb"]["OldImage"]["B"] == {"B": "Zm9vYmFy"}
    assert to_python(written["dynamodb"]["OldImage"]) == {"B": b"foobar", "Deep": [{"S": {b"a", b""}}]}
    assert written["eventSourceARN"] == arn
    assert list(written) == list(TABLE.remove({"Id": 1}, expired=True))
    assert read_event({"Records": [written]}).identifiers == ["100"]
