"""Find the app that the user names: `path/to/app.py:app` or `package.module:app`."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from headwater.app import StreamApp

ATTRIBUTES = ("app", "lambda_handler")


class LoadError(Exception):
    """The app can not be had; the message says what to do."""


def load_app(target: str) -> StreamApp:
    """Import a module and take its app.

    Args:
        target: `path/to/app.py:app` or `package.module:app`; without a name after the colon `app`, then
            `lambda_handler` is looked for.

    Raises:
        LoadError: When there is no such file, module or attribute, it is no app, or the module fails to import.
    """
    found, where = _find(target)
    if isinstance(found, StreamApp):
        return found
    raise LoadError(f"{where} is a {type(found).__name__} and no StreamApp: name the app itself")


def load_function(target: str) -> Callable[[Any, Any], Any]:
    """Import a module and take its Lambda handler, which need not be an app of Headwater's.

    Args:
        target: As for `load_app`.

    Raises:
        LoadError: As for `load_app`, and when it can not be called.
    """
    found, where = _find(target)
    if callable(found):
        handler: Callable[[Any, Any], Any] = found
        return handler
    raise LoadError(f"{where} is a {type(found).__name__}, which can not be called: name the handler")


def _find(target: str) -> tuple[Any, str]:
    """What a target names, and its name and place for errors."""
    place, _, attribute = target.partition(":")
    if not place:
        raise LoadError(f"{target!r} names no module: write path/to/app.py:app or package.module:app")
    module = _load_file(Path(place)) if place.endswith(".py") else _load_module(place)
    name = attribute or next((name for name in ATTRIBUTES if hasattr(module, name)), ATTRIBUTES[0])
    found = getattr(module, name, None)
    if found is not None:
        return found, f"{name} in {place}"
    apps = [name for name, value in vars(module).items() if isinstance(value, StreamApp)]
    close = difflib.get_close_matches(name, apps, n=1) or apps[:1]
    hint = f"did you mean {place}:{close[0]}?" if close else "it holds no StreamApp at all"
    raise LoadError(f"{place} has no {name}: {hint}")


def _load_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise LoadError(f"there is no file {path}")
    # As `python path/to/app.py` would: what lies beside the file can be imported.
    sys.path.insert(0, str(path.parent.resolve()))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise LoadError(f"{path} can not be imported as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[path.stem]
        raise LoadError(_import_failure(str(path), error)) from error
    return module


def _load_module(name: str) -> ModuleType:
    sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise LoadError(
                f"there is no module {error.name}: run this where it can be imported, or name its file"
            ) from error
        raise LoadError(_import_failure(name, error)) from error
    except Exception as error:
        raise LoadError(_import_failure(name, error)) from error


def _import_failure(place: str, error: Exception) -> str:
    own = traceback.TracebackException(type(error), error, _own_frames(error.__traceback__))
    return f"{place} fails while it is imported:\n{''.join(own.format()).rstrip()}"


def _own_frames(frames: TracebackType | None) -> TracebackType | None:
    """The traceback from the user's code on, without the frames of the import system and of this file."""
    while frames is not None and (
        frames.tb_frame.f_code.co_filename == __file__ or "importlib" in frames.tb_frame.f_code.co_filename
    ):
        frames = frames.tb_next
    return frames
