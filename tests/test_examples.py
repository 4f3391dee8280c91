"""The examples are what they claim to be: a template that AWS would take, and an app that it would run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from cfnlint.api import lint_all
from samtranslator.translator.transform import transform

EXAMPLE = Path(__file__).parents[1] / "examples" / "game_scores"


class Policies:
    """The managed policies by name, which the translator would ask AWS for."""

    def load(self) -> dict[str, str]:
        return {
            "AWSLambdaDynamoDBExecutionRole": "arn:aws:iam::aws:policy/service-role/AWSLambdaDynamoDBExecutionRole"
        }


class _Tagged(yaml.SafeLoader):
    """Reads CloudFormation's short forms, such as `!GetAtt A.B`."""


def _long_form(loader: yaml.SafeLoader, suffix: str, node: yaml.ScalarNode) -> dict[str, Any]:
    value = loader.construct_scalar(node)
    return {"Ref": value} if suffix == "Ref" else {f"Fn::{suffix}": str(value).split(".")}


_Tagged.add_multi_constructor("!", _long_form)


def test_the_template_has_no_fault() -> None:
    """cfn-lint finds neither an error nor anything to warn of."""
    found = lint_all((EXAMPLE / "template.yaml").read_text())
    assert [str(match) for match in found if match.rule.severity != "informational"] == []


def test_the_template_makes_a_mapping_that_reads_the_response(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS's own translator turns it into an event source mapping with ReportBatchItemFailures."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    template = yaml.load((EXAMPLE / "template.yaml").read_text(), Loader=_Tagged)
    template["Resources"]["Leaderboard"]["Properties"]["CodeUri"] = "s3://bucket/key"

    policies: Any = Policies()  # the translator asks it for nothing else
    translated = transform(template, {}, policies)

    [mapping] = [
        resource["Properties"]
        for resource in translated["Resources"].values()
        if resource["Type"] == "AWS::Lambda::EventSourceMapping"
    ]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["DestinationConfig"]["OnFailure"]["Destination"] == {"Fn::GetAtt": ["Discarded", "Arn"]}
