"""Where word of discarded records goes: a queue, a topic, a bucket, or a file on this machine.

Source: [Retain discarded records for a DynamoDB event source in Lambda](
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeAlias

from headwater.mapping.documents import Origin, object_key, with_payload
from headwater.mapping.history import Discard

Store: TypeAlias = Callable[[Discard], str]
"""Stores what is to be said of a discard, and returns where; raises where it can not."""

_ARN_PARTS: Final = 6


def to_file(path: str | os.PathLike[str]) -> Store:
    """A file that gets one line of JSON for each discard: as for a bucket, with the records in `payload`.

    Args:
        path: The file. The folder it is in must be there.
    """
    file = Path(path)

    def store(discard: Discard) -> str:
        line = json.dumps(with_payload(discard)).encode() + b"\n"
        with file.open("ab+", buffering=0) as lines:
            rest = memoryview(line if _ends_a_line(lines) else b"\n" + line)
            while rest:  # at a full disk a write can take a part, and only the next one raises
                rest = rest[lines.write(rest) :]
            os.fsync(lines.fileno())
        return str(file)

    return store


def to_aws(arn: str, client: Callable[[str, str], Any], origin: Origin) -> Store:
    """A queue, a topic or a bucket.

    Args:
        arn: Its ARN.
        client: Makes a boto3 client of `sqs`, `sns` or `s3`, given this name and the region, which is empty for `s3`.
        origin: Whose discards they are; a bucket's keys have the mapping's identifier.

    Raises:
        ValueError: When the ARN is of something else.
    """
    parts = arn.split(":", _ARN_PARTS - 1)
    service, region = parts[2:4] if len(parts) == _ARN_PARTS else ("", "")
    if service == "sqs":
        return _to_queue(arn, client(service, region))
    if service == "sns":
        return _to_topic(arn, client(service, region))
    if service == "s3":
        return _to_bucket(parts[-1], client(service, region), origin)
    raise ValueError(f"{arn} is no ARN of a queue, a topic or a bucket")


def _to_queue(arn: str, sqs: Any) -> Store:
    account, name = arn.split(":")[4:6]
    urls: list[str] = []

    def store(discard: Discard) -> str:
        if not urls:
            urls.append(sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"])
        sqs.send_message(QueueUrl=urls[0], MessageBody=json.dumps(discard.document))
        return arn

    return store


def _to_topic(arn: str, sns: Any) -> Store:
    def store(discard: Discard) -> str:
        sns.publish(TopicArn=arn, Message=json.dumps(discard.document))
        return arn

    return store


def _to_bucket(bucket: str, s3: Any, origin: Origin) -> Store:
    def store(discard: Discard) -> str:
        key = object_key(discard, origin)
        body = json.dumps(with_payload(discard)).encode()
        s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")
        return f"s3://{bucket}/{key}"

    return store


def _ends_a_line(file: Any) -> bool:
    """Whether a file is empty or ends as it should: what was cut off by a crash must not take the next line along."""
    if file.seek(0, os.SEEK_END) == 0:
        return True
    file.seek(-1, os.SEEK_END)
    return bool(file.read(1) == b"\n")
