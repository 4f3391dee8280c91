"""Whether the code of the app has changed since it was loaded."""

from __future__ import annotations

import sysconfig
import traceback
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Final, TypeAlias

Stamp: TypeAlias = tuple[int, int]
"""When a file was written, in nanoseconds, and its size."""

NO_STAMP: Final = (0, 0)
"""Of a file that is not there, or of which it is not known how it was."""

_INSTALLED: Final = frozenset({"site-packages", "dist-packages"})
_ELSEWHERE: Final = frozenset(
    [*(Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")), Path(__file__).parents[1]]
)


class Watch:
    """Knows files as they were, and says which are different now."""

    def __init__(self) -> None:
        self.stamps: dict[str, Stamp] = {}

    def follow(self, stamps: Mapping[str, Stamp]) -> None:
        """Add files as they were when they were loaded. One that is known already stays as it is known."""
        self.stamps = {**stamps, **self.stamps}

    def changed(self) -> list[str]:
        """The files that are different from what is known, sorted; from now on they are known as they are now."""
        now = {path: stamp_of(path) for path in self.stamps}
        different = sorted(path for path, stamp in now.items() if stamp != self.stamps[path])
        self.stamps = now
        return different


def stamp_of(path: str) -> Stamp:
    """What tells one state of a file from another."""
    try:
        status = Path(path).stat()
    except OSError:  # gone, or about to be replaced
        return NO_STAMP
    return status.st_mtime_ns, status.st_size


def source_files(modules: Iterable[ModuleType], error: BaseException | None = None) -> list[str]:
    """The files that the app's code is in: neither Python's own, nor installed packages, nor Headwater.

    Args:
        modules: What was imported.
        error: Why the import has failed, if it has: what it came through is no module any more.
    """
    files = {getattr(module, "__file__", None) for module in modules}
    while error is not None:
        files |= {frame.filename for frame in traceback.extract_tb(error.__traceback__)}
        files.add(getattr(error, "filename", None))  # of a SyntaxError
        error = error.__cause__ or error.__context__
    return sorted(file for file in files if isinstance(file, str) and _is_own(Path(file)))


def _is_own(path: Path) -> bool:
    return (
        path.suffix == ".py"
        and path.is_file()
        and _INSTALLED.isdisjoint(path.parts)
        and _ELSEWHERE.isdisjoint(path.parents)
    )
