"""The Lambda context object, as a handler sees it."""

from __future__ import annotations

from typing import Any, Protocol

from headwater.streams import text_of


class LambdaContext(Protocol):
    """What Lambda passes as the second argument of a handler.

    Source: [Using the Lambda context object](https://docs.aws.amazon.com/lambda/latest/dg/python-context.html).
    """

    @property
    def function_name(self) -> str:
        """The name of the Lambda function."""
        ...

    @property
    def function_version(self) -> str:
        """The version of the function."""
        ...

    @property
    def invoked_function_arn(self) -> str:
        """The ARN that was invoked: of the function, a version or an alias."""
        ...

    @property
    def memory_limit_in_mb(self) -> Any:
        """The memory of the function in MB; the runtime gives it as text."""
        ...

    @property
    def aws_request_id(self) -> str:
        """The identifier of this invocation."""
        ...

    @property
    def log_group_name(self) -> str:
        """The CloudWatch log group of the function."""
        ...

    @property
    def log_stream_name(self) -> str:
        """The CloudWatch log stream of this instance of the function."""
        ...

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds left before Lambda stops the invocation."""
        ...


def text_in(context: object, name: str) -> str:
    """A text of the context; empty where there is no context, or one that does not have it."""
    try:
        return text_of(getattr(context, name))
    except Exception:  # no context, or a double of one
        return ""
