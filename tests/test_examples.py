"""The examples are what they claim to be: a template that AWS would take, and an app that it would run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.parts.templates import faults, translate

EXAMPLES = Path(__file__).parents[1] / "examples"
TEMPLATES = [EXAMPLES / name / "template.yaml" for name in ("game_scores", "beside_powertools")]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.parent.name)
def test_the_template_has_no_fault(template: Path) -> None:
    """cfn-lint finds neither an error nor anything to warn of."""
    assert faults(template) == []


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.parent.name)
def test_the_template_makes_a_mapping_that_reads_the_response(
    template: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS's own translator turns it into an event source mapping with ReportBatchItemFailures."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    mapping = translate(template, "Leaderboard")["AWS::Lambda::EventSourceMapping"]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["DestinationConfig"]["OnFailure"]["Destination"] == {"Fn::GetAtt": ["Discarded", "Arn"]}


def test_beside_powertools_the_function_is_traced_and_logs_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """As its page says."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    function = translate(TEMPLATES[1], "Leaderboard")["AWS::Lambda::Function"]
    assert function["TracingConfig"] == {"Mode": "Active"}
    assert function["LoggingConfig"] == {"LogFormat": "JSON", "ApplicationLogLevel": "INFO"}
