"""Find the stream that `headwater run` is to read."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from headwater.mapping.poller import StreamPoller

_LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")


class ConnectError(Exception):
    """The stream can not be read; the message says what to do."""


def open_stream(table: str, *, endpoint_url: str | None, batch_size: int, latest: bool) -> StreamPoller:
    """A poller of a table's stream.

    Raises:
        ConnectError: When the table can not be reached, does not exist, or has no stream.
    """
    try:
        dynamodb = _client("dynamodb", endpoint_url)
        described = dynamodb.describe_table(TableName=table)["Table"]
        if not described.get("StreamSpecification", {}).get("StreamEnabled"):
            raise ConnectError(
                f"table {table} has no stream: enable one with the view type NEW_AND_OLD_IMAGES, as in aws dynamodb "
                f"update-table --table-name {table} --stream-specification "
                "StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES"
            )
        return StreamPoller(
            _client("dynamodbstreams", endpoint_url),
            described["LatestStreamArn"],
            position="LATEST" if latest else "TRIM_HORIZON",
            batch_size=batch_size,
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "ResourceNotFoundException":
            where = f" at {endpoint_url}" if endpoint_url else ""
            raise ConnectError(f"there is no table {table}{where}: check its name and the region") from error
        raise ConnectError(f"table {table} can not be read: {error}") from error
    except BotoCoreError as error:
        raise ConnectError(f"DynamoDB can not be reached: {error}") from error


def _client(service: str, endpoint_url: str | None) -> Any:
    session = boto3.Session()
    local = endpoint_url is not None and urlsplit(endpoint_url).hostname in _LOCAL_HOSTS
    if not local:
        return session.client(service, endpoint_url=endpoint_url)
    # An emulator on this machine takes any region and any key, as long as there is one.
    credentials: dict[str, Any] = (
        {} if session.get_credentials() else {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    )
    return session.client(
        service, endpoint_url=endpoint_url, region_name=session.region_name or "us-east-1", **credentials
    )
