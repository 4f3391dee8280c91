"""A template as plain values: JSON, or YAML with the short forms of CloudFormation."""

from __future__ import annotations

import codecs
import json
from collections.abc import Hashable
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
    except (OSError, ValueError) as error:
        raise SettingsError(f"it can not be read: {error}") from error
    if not text.lstrip().startswith(("{", "[")):
        return _load_yaml(text)
    try:
        return json.loads(text)
    except ValueError as error:
        raise SettingsError(f"it is no JSON: {error}") from error


def _load_yaml(text: str) -> Any:
    try:
        import yaml
    except ImportError as error:
        raise SettingsError(
            'it is YAML, which needs PyYAML to be read: pip install "headwater[cli]", or give JSON'
        ) from error

    class Loader(yaml.SafeLoader):
        """Knows the short forms, and that CloudFormation takes every name for text, even that of an account."""

        def construct_mapping(
            self,
            node: yaml.MappingNode,
            deep: bool = False,  # noqa: FBT001, FBT002 - as PyYAML has it
        ) -> dict[Hashable, Any]:
            self.flatten_mapping(node)
            for name, _ in node.value:
                if isinstance(name, yaml.ScalarNode):
                    name.tag = self.DEFAULT_SCALAR_TAG
            return super().construct_mapping(node, deep=deep)

    Loader.add_multi_constructor("!", _long_form)
    try:
        return yaml.load(text, Loader)  # noqa: S506 - a SafeLoader that makes nothing but plain values
    except RecursionError:
        raise
    except Exception as error:
        # Python's own errors pass PyYAML, as for 2026-99-99, which looks like a date.
        raise SettingsError(f"it is no YAML: {error}") from error


def _long_form(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> dict[str, Any]:
    import yaml

    name = tag if tag in ("Ref", "Condition") else f"Fn::{tag}"
    if isinstance(node, yaml.MappingNode):
        return {name: loader.construct_mapping(node, deep=True)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: node.value}
