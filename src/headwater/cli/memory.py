"""The memory that a process has used."""

from __future__ import annotations

import math
import os
import re
import resource
import sys
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")


def peak_of(pid: int, proc: Path = PROC) -> int | None:
    """The most memory that a process has used so far, in MB; `None` where the system does not tell, or it has ended."""
    try:
        status = (proc / str(pid) / "status").read_text()
    except OSError:
        return None
    # Not getrusage, which counts what the parent used before it started the process.
    peak = re.search(r"^VmHWM:\s*(\d+) kB", status, re.MULTILINE)
    return peak and math.ceil(int(peak[1]) / 1024)


def own_peak(proc: Path = PROC) -> int:
    """The most memory that this process has used so far, in MB."""
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return peak_of(os.getpid(), proc) or math.ceil(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit)
