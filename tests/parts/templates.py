"""AWS's own judges of templates: cfn-lint, and the translator of SAM."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from cfnlint.api import lint_all
from samtranslator.translator.transform import transform

_POLICIES = "arn:aws:iam::aws:policy"


class _Policies:
    """The managed policies by name, which the translator would ask AWS for."""

    def load(self) -> dict[str, str]:
        return {
            "AWSLambdaDynamoDBExecutionRole": f"{_POLICIES}/service-role/AWSLambdaDynamoDBExecutionRole",
            "AWSXRayDaemonWriteAccess": f"{_POLICIES}/AWSXRayDaemonWriteAccess",
        }


class _Tagged(yaml.SafeLoader):
    """Reads CloudFormation's short forms, such as `!GetAtt A.B`."""


def _long_form(loader: yaml.SafeLoader, suffix: str, node: yaml.ScalarNode) -> dict[str, Any]:
    value = loader.construct_scalar(node)
    return {"Ref": value} if suffix == "Ref" else {f"Fn::{suffix}": str(value).split(".")}


_Tagged.add_multi_constructor("!", _long_form)


def faults(template: Path) -> list[str]:
    """What cfn-lint finds, be it an error or a warning."""
    return [str(match) for match in lint_all(template.read_text()) if match.rule.severity != "informational"]


def translate(template: Path, function: str) -> Mapping[str, Mapping[str, Any]]:
    """The properties of what the translator makes of a template, by type of resource.

    Args:
        template: Of SAM.
        function: The logical name of its function, whose code is taken to be in S3.
    """
    read = yaml.load(template.read_text(), Loader=_Tagged)
    read["Resources"][function]["Properties"]["CodeUri"] = "s3://bucket/key"
    policies: Any = _Policies()  # the translator asks it for nothing else
    resources = transform(read, {}, policies)["Resources"].values()
    return {resource["Type"]: resource["Properties"] for resource in resources}


def transformed(template: dict[str, Any]) -> dict[str, Any]:
    """What SAM's translator makes of a template.

    Args:
        template: Of SAM, in long forms. It is changed.
    """
    policies: Any = _Policies()
    made: dict[str, Any] = transform(template, {}, policies)
    return made
