"""What needs boto3: a ledger in DynamoDB, and dead-letter sinks in SQS and S3.

```python
from headwater.aws import DynamoDBLedger, S3Sink, SqsSink
```

boto3 is imported when one of them is first used, so one that an invocation does not need costs its cold start nothing.
"""

from __future__ import annotations

from headwater.aws.errors import LedgerError
from headwater.aws.ledger import DynamoDBLedger
from headwater.aws.ledger_table import create_ledger_table, ledger_template
from headwater.aws.s3 import S3Sink
from headwater.aws.sqs import SqsSink

__all__ = [
    "DynamoDBLedger",
    "LedgerError",
    "S3Sink",
    "SqsSink",
    "create_ledger_table",
    "ledger_template",
]
