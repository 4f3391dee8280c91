"""A Lambda context to call a handler or app with."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import uuid4


def _request_id() -> str:
    return str(uuid4())


@dataclass(kw_only=True, slots=True)
class LambdaContext:
    """What Lambda passes as the second argument of a handler, as a plain value: satisfies `headwater.LambdaContext`.

    What is left out is filled in the way Lambda does for a function with default settings. The time left does not run
    down by itself: set `remaining_ms`, also between two calls.

    Source: [Using the Lambda context object](https://docs.aws.amazon.com/lambda/latest/dg/python-context.html).

    Attributes:
        remaining_ms: What `get_remaining_time_in_millis` answers.
        function_name: The name of the Lambda function.
        function_version: The version of the function.
        memory_limit_in_mb: The memory of the function in MB, as text like in Lambda's own object.
        aws_request_id: The identifier of this invocation; a new one for each context.
        invoked_function_arn: The ARN that was invoked; by default the function's in us-east-1.
        log_group_name: The CloudWatch log group; by default the function's.
        log_stream_name: The CloudWatch log stream.
    """

    remaining_ms: int = 30_000
    function_name: str = "test-function"
    function_version: str = "$LATEST"
    memory_limit_in_mb: str = "128"
    aws_request_id: str = field(default_factory=_request_id)
    invoked_function_arn: str = ""
    log_group_name: str = ""
    log_stream_name: str = "2024/01/01/[$LATEST]0123456789abcdef0123456789abcdef"

    def __post_init__(self) -> None:
        """Fill in what follows from the function's name."""
        self.invoked_function_arn = (
            self.invoked_function_arn
            or f"arn:aws:lambda:us-east-1:123456789012:function:{self.function_name}"
        )
        self.log_group_name = self.log_group_name or f"/aws/lambda/{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds left before Lambda stops the invocation: `remaining_ms`."""
        return self.remaining_ms
