"""A template as plain values: JSON, or YAML with the short forms of CloudFormation."""

from __future__ import annotations

import codecs
import json
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headwater.mapping.settings import SettingsError

if TYPE_CHECKING:
    import yaml


def load(path: str | PathLike[str]) -> Any:
    """Read a file of JSON or YAML. Nothing in it is evaluated: `!Ref A` becomes `{"Ref": "A"}`.

    Args:
        path: The file.

    Returns:
        What it says, in plain values.

    Raises:
        SettingsError: When it can not be read, or is neither.
    """
    try:
        content = Path(path).read_bytes()
        # PowerShell writes what a command prints as UTF-16.
        wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"it can not be read: {error}") from error
    if not text.lstrip().startswith(("{", "[")):
        return _load_yaml(text)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise SettingsError(f"it is no JSON: {error}") from error


def _load_yaml(text: str) -> Any:
    try:
        import yaml
    except ImportError as error:
        raise SettingsError(
            "it is YAML, which needs PyYAML to be read: install it with `pip install pyyaml`, or give JSON"
        ) from error

    class Loader(yaml.SafeLoader):
        """Knows the short forms."""

    Loader.add_multi_constructor("!", _long_form)
    try:
        return yaml.load(text, Loader)  # noqa: S506 - a SafeLoader that makes nothing but plain values
    except yaml.YAMLError as error:
        raise SettingsError(f"it is no YAML: {error}") from error


def _long_form(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> dict[str, Any]:
    import yaml

    name = tag if tag in ("Ref", "Condition") else f"Fn::{tag}"
    if isinstance(node, yaml.MappingNode):
        return {name: loader.construct_mapping(node, deep=True)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: node.value}
