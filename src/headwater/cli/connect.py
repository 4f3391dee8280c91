"""Find the stream that `headwater run` is to read, and say in a sentence why it can not be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from headwater.streams import parse_arn

_LOCAL_HOSTS: Final = ("localhost", "127.0.0.1", "::1")
# Nothing is asked that takes long; and who stops the command waits for what is being asked.
_CONFIG: Final = Config(
    connect_timeout=5, read_timeout=15, max_pool_connections=32, retries={"max_attempts": 2}
)

_EXPIRED: Final = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "UnrecognizedClientException",
    }
)
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException"})
_PERMISSIONS: Final = (
    "dynamodb:DescribeTable, dynamodb:DescribeStream, dynamodb:GetShardIterator and dynamodb:GetRecords"
)


class ConnectError(Exception):
    """The stream can not be read; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A stream that is there.

    Attributes:
        stream_arn: The stream.
        table: Its table.
        client: Makes a boto3 client of a service.
    """

    stream_arn: str
    table: str
    client: Callable[[str], Any]


def connect_table(table: str, *, endpoint_url: str | None) -> Connection:
    """Find a table's stream.

    Raises:
        ConnectError: When the table can not be reached, does not exist, or has no stream.
    """
    client = partial(_client, endpoint_url=endpoint_url, region="")
    try:
        described = client("dynamodb").describe_table(TableName=table)["Table"]
    except ClientError as error:
        if _code(error) == "ResourceNotFoundException":
            where = f" at {endpoint_url}" if endpoint_url else ""
            raise ConnectError(f"there is no table {table}{where}: check its name and the region") from error
        raise ConnectError(explain(error, f"table {table}")) from error
    except BotoCoreError as error:
        raise ConnectError(explain(error, f"table {table}")) from error
    if not described.get("StreamSpecification", {}).get("StreamEnabled"):
        raise ConnectError(
            f"table {table} has no stream: enable one with the view type NEW_AND_OLD_IMAGES, as in aws dynamodb "
            f"update-table --table-name {table} --stream-specification "
            "StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES"
        )
    return Connection(described["LatestStreamArn"], table, client)


def connect_stream(stream_arn: str, *, endpoint_url: str | None) -> Connection:
    """Take a stream by its ARN; whether it is there is seen when it is read.

    Raises:
        ConnectError: When this is no ARN of a stream.
    """
    parsed = parse_arn(stream_arn)
    if not parsed.table_name or "/stream/" not in stream_arn:
        raise ConnectError(
            f"{stream_arn} is no ARN of a stream: give the table's LatestStreamArn, or the table alone by --table"
        )
    client = partial(_client, endpoint_url=endpoint_url, region=parsed.region)
    return Connection(stream_arn, parsed.table_name, client)


def explain(error: Exception, what: str) -> str:
    """In one sentence, why something can not be read, and what to do.

    Args:
        error: What boto3 raised.
        what: What was asked for.
    """
    if not isinstance(error, ClientError):
        return f"DynamoDB can not be reached: {error}"
    code = _code(error)
    if code in _EXPIRED:
        return f"{what} can not be read, since the credentials are expired or wrong ({code}): renew them, as with aws sso login"
    if code in _DENIED:
        return f"{what} can not be read without permission: allow {_PERMISSIONS} ({error})"
    if code == "ResourceNotFoundException":
        return f"{what} is not there any more: was its table deleted, or its stream switched off more than a day ago?"
    return f"{what} can not be read: {error}"


def aws_client(service: str, region: str) -> Any:
    """A boto3 client of a service in AWS, or wherever `AWS_ENDPOINT_URL` and its like say that it is.

    Args:
        service: boto3's name of it.
        region: Where; empty for the one that is configured.
    """
    session = boto3.Session()
    return session.client(service, region_name=region or session.region_name, config=_CONFIG)


def _client(service: str, *, endpoint_url: str | None, region: str) -> Any:
    session = boto3.Session()
    options: dict[str, Any] = {"region_name": region or session.region_name}
    if endpoint_url is not None and urlsplit(endpoint_url).hostname in _LOCAL_HOSTS:
        # An emulator on this machine takes any region and any key, as long as there is one.
        options["region_name"] = session.region_name or "us-east-1"
        if session.get_credentials() is None:
            options |= {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    return session.client(service, endpoint_url=endpoint_url, config=_CONFIG, **options)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
