"""Where the function runs: what is asked of an environment, and what it answers.

Source: [Lambda execution environments](https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from uuid import uuid4

from headwater.cli.loader import ATTRIBUTES
from headwater.cli.watch import Stamp
from headwater.mapping.answers import Answer


class UnavailableError(Exception):
    """This machine lacks what the environment needs; the message says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """The configuration of the function, as far as its code can notice it.

    Attributes:
        target: The app: `path/to/app.py:app` or `package.module:app`.
        arn: Of the function: its region and its name are read from it.
        timeout: Seconds that an invocation may take.
        memory_mb: A process that has used more is killed.
        init_timeout: Seconds that importing the app may take, or as long as an invocation, if that is longer.
        variables: Environment variables besides those that Lambda sets.
    """

    target: str
    arn: str = "arn:aws:lambda:us-east-1:123456789012:function:headwater"
    timeout: float = 3.0
    memory_mb: int = 128
    init_timeout: float = 10.0
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def longest_import(self) -> float:
        """Seconds that importing the app may take: Lambda begins anew within the first invocation, when ten are not enough."""
        return max(self.init_timeout, self.timeout)

    @property
    def name(self) -> str:
        """The function's name."""
        return self.arn.split(":")[6]

    @property
    def region(self) -> str:
        """The function's region."""
        return self.arn.split(":")[3]

    @property
    def root(self) -> Path:
        """The folder that the function's modules are imported from."""
        place = self.target.partition(":")[0]
        return Path(place).resolve().parent if place.endswith(".py") else Path.cwd()

    @property
    def handler(self) -> str:
        """The app as the configuration of a function on Lambda names it: `module.attribute`."""
        place, _, attribute = self.target.partition(":")
        module = Path(place).stem if place.endswith(".py") else place
        return f"{module}.{attribute or ATTRIBUTES[0]}"


class Reply(NamedTuple):
    """What came of an invocation.

    Attributes:
        answer: How it ended.
        said: What the function wrote on standard output and error, also while it was imported.
        seconds: How long it took, without the import.
        outcomes: What became of each record, in the order of the batch: `None` when the call failed, or where the
            environment does not tell.
        max_memory_mb: The most memory that the process has used; `None` where it can not be measured.
        files: The files of the app's code that the process has loaded, each with its stamp from then.
    """

    answer: Answer
    said: str
    seconds: float
    outcomes: Sequence[Mapping[str, Any]] | None = None
    max_memory_mb: int | None = None
    files: Mapping[str, Stamp] = {}


class Environment(Protocol):
    """Runs the function, one invocation at a time. What the function keeps in memory is there in the next one."""

    def invoke(self, event: Mapping[str, Any], request_id: str) -> Reply:
        """Call the function and wait for its end.

        Args:
            event: What the function is given; JSON.
            request_id: Names the invocation in the function's context.
        """
        ...

    def reload(self) -> None:
        """Forget the process before the next invocation, which imports the app's code anew."""
        ...

    def stop(self) -> None:
        """End all processes, also while they work. Nothing can be invoked any more."""
        ...


def lambda_variables(function: Function) -> dict[str, str]:
    """The environment variables of a process that runs the function: this process' own, and what Lambda sets.

    The user's region and credentials stay as they are. `AWS_SAM_LOCAL` is not set: code that asks for it expects SAM's
    containers.

    Source: [Defined runtime environment variables](
    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime).
    """
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or function.region
    return {
        **os.environ,
        "_HANDLER": function.handler,
        "AWS_DEFAULT_REGION": region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info.major}.{sys.version_info.minor}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"local/[$LATEST]{uuid4().hex}",
        "AWS_REGION": region,
        "LAMBDA_TASK_ROOT": str(function.root),
        "TZ": ":UTC",
        **function.variables,
    }
