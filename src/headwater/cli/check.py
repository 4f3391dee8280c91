"""Whether the function can be had at all, before anything is delivered to it."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

from headwater.cli.environment import Function, lambda_variables
from headwater.cli.loader import LoadError

_MARK: Final = "\0"  # before the message: what the module itself prints comes first
_PROGRAM: Final = """
import sys
from headwater.cli.loader import LoadError, load_function
sys.stdout.reconfigure(errors="backslashreplace")
try:
    load_function(sys.argv[1])
except LoadError as error:
    sys.stdout.write({mark!r} + str(error))
"""


def check_function(function: Function) -> None:
    """Import the function's code, in a process of its own.

    On Lambda, a function that can not be imported fails each invocation, until its records are discarded. Here that is most
    likely a slip of the pen.

    Args:
        function: Its configuration.

    Raises:
        LoadError: When it can not be imported, or takes longer than it may.
    """
    program = _PROGRAM.format(mark=_MARK)
    try:
        done = subprocess.run(  # noqa: S603 - nothing of it comes from elsewhere
            [sys.executable, "-P", "-X", "utf8", "-c", program, function.target],
            env=lambda_variables(function),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=function.longest_import,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        limit = f"{function.longest_import:g} seconds"
        raise LoadError(
            f"{function.target} takes longer than {limit} to import, which Lambda ends"
        ) from error
    _, failed, message = done.stdout.decode(errors="replace").rpartition(_MARK)
    if failed:
        raise LoadError(message)
    if done.returncode:
        raise LoadError(
            f"{function.target} ends the process that imports it, with exit status {done.returncode}:\n"
            f"{done.stderr.decode(errors='replace').rstrip()}"
        )
