"""The ledger's table: made from a script or a test, or declared in a CloudFormation template."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

from headwater.aws.clients import LazyClient
from headwater.aws.ledger import TTL_ATTRIBUTE
from headwater.errors import DeclarationError

_ATTRIBUTES: Final = [
    {"AttributeName": "consumer", "AttributeType": "S"},
    {"AttributeName": "checkpoint", "AttributeType": "S"},
]
_KEYS: Final = [
    {"AttributeName": "consumer", "KeyType": "HASH"},
    {"AttributeName": "checkpoint", "KeyType": "RANGE"},
]
_ACTIONS: Final = ["dynamodb:Query", "dynamodb:PutItem", "dynamodb:DeleteItem"]


def create_ledger_table(table_name: str, *, client: Any = None, ttl_attribute: str = TTL_ATTRIBUTE) -> None:
    """Make the table for a `DynamoDBLedger`, and wait until it is ready. A table that is as it should be stays as it is.

    It is paid for by request, and Time to Live is on. A function should not call this: declare the table with
    `ledger_template`.

    Args:
        table_name: The table's name.
        client: A boto3 client of `dynamodb`; one is made by default.
        ttl_attribute: As for `DynamoDBLedger`.

    Raises:
        DeclarationError: When there is a table of this name with other keys, or with Time to Live on another attribute.
        botocore.exceptions.ClientError: What DynamoDB says.
    """
    dynamodb = LazyClient("dynamodb", client, {}).get()
    with suppress(dynamodb.exceptions.ResourceInUseException):  # it is there, and looked at below
        dynamodb.create_table(
            TableName=table_name,
            AttributeDefinitions=_ATTRIBUTES,
            KeySchema=_KEYS,
            BillingMode="PAY_PER_REQUEST",
        )
    dynamodb.get_waiter("table_exists").wait(
        TableName=table_name, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
    )
    table = dynamodb.describe_table(TableName=table_name)["Table"]
    if table["KeySchema"] != _KEYS or any(
        known not in table["AttributeDefinitions"] for known in _ATTRIBUTES
    ):
        raise DeclarationError(
            f"create_ledger_table: there is a table {table_name} with other keys than consumer and checkpoint, both text: "
            "use another name"
        )
    _switch_ttl_on(dynamodb, table_name, ttl_attribute)


def ledger_template(logical_id: str = "HeadwaterLedger") -> dict[str, Any]:
    """CloudFormation for the ledger: its table, and a policy with what a function needs to do with it.

    Attach the policy to the function's role: `Policies: [!Ref HeadwaterLedgerPolicy]` in a SAM template, and
    `ManagedPolicyArns: [!Ref HeadwaterLedgerPolicy]` in a role. The table's name is `!Ref HeadwaterLedger`.

    Args:
        logical_id: Of the table; that of the policy has `Policy` behind it.

    Returns:
        A template with `Resources`, to be merged into the function's own.
    """
    return {
        "Resources": {
            logical_id: {
                "Type": "AWS::DynamoDB::Table",
                # Losing it costs repeats, and no record.
                "DeletionPolicy": "Delete",
                "UpdateReplacePolicy": "Delete",
                "Properties": {
                    "BillingMode": "PAY_PER_REQUEST",
                    "AttributeDefinitions": [dict(attribute) for attribute in _ATTRIBUTES],
                    "KeySchema": [dict(key) for key in _KEYS],
                    "TimeToLiveSpecification": {"AttributeName": TTL_ATTRIBUTE, "Enabled": True},
                },
            },
            f"{logical_id}Policy": {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {
                    "Description": "What a Headwater function does with its ledger",
                    "PolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": [
                            {
                                "Effect": "Allow",
                                "Action": list(_ACTIONS),
                                "Resource": {"Fn::GetAtt": [logical_id, "Arn"]},
                            }
                        ],
                    },
                },
            },
        }
    }


def _switch_ttl_on(dynamodb: Any, table_name: str, attribute: str) -> None:
    now = dynamodb.describe_time_to_live(TableName=table_name)["TimeToLiveDescription"]
    if now["TimeToLiveStatus"] not in ("ENABLED", "ENABLING"):
        dynamodb.update_time_to_live(
            TableName=table_name, TimeToLiveSpecification={"Enabled": True, "AttributeName": attribute}
        )
    elif now.get("AttributeName") != attribute:
        raise DeclarationError(
            f"create_ledger_table: Time to Live of table {table_name} reads {now.get('AttributeName')!r} and not "
            f"{attribute!r}: pass ttl_attribute, here and to DynamoDBLedger, or use another table"
        )
