"""The settings of a mapping from a file, whatever its format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import PathLike, fspath
from typing import Any, Final

from headwater.mapping.settings import EventSourceMapping, SettingsError
from headwater.mapping.templates.candidates import Candidate, check_parameters, choose, settings_of
from headwater.mapping.templates.cloudformation import read_template
from headwater.mapping.templates.files import load
from headwater.mapping.templates.saved import read_answer, read_list
from headwater.mapping.templates.terraform import read_plan

_FORMATS: Final = (
    "a template of SAM or CloudFormation, what `cdk synth` or `terraform show -json` prints, or what `aws lambda "
    "get-event-source-mapping` answers"
)


def read_settings(
    path: str | PathLike[str],
    *,
    function: str | None = None,
    mapping: str | None = None,
    parameters: Mapping[str, str] | None = None,
) -> EventSourceMapping:
    """Read the settings of an event source mapping of a DynamoDB stream from the file that deploys it.

    Mappings of other sources are passed over. What a template refers to by `${...}`, such as a queue that it makes,
    stays so where it stands for an ARN. Conditions are evaluated as far as parameters have values: what is made on a
    condition that is false is left out, and a setting that hangs on one that is not known is refused.

    Args:
        path: A template of SAM or CloudFormation in YAML or JSON, one that CDK has synthesised, a plan or state of
            Terraform in JSON, or a saved answer of GetEventSourceMapping or ListEventSourceMappings.
        function: The function, where the file has several with a mapping: by its name, its ARN, or its name in the
            file.
        mapping: The mapping, where there are several: by its name in the file, or by its UUID.
        parameters: Values of the template's parameters, which come before their defaults, and of pseudo parameters
            such as `AWS::Region`.

    Returns:
        The settings; what the file leaves out has AWS's default.

    Raises:
        SettingsError: When the file can not be read, has no such mapping or more than one, does not say a setting, or
            says what AWS would refuse.
    """
    place = str(fspath(path))
    try:
        chosen = choose(_candidates(load(path), parameters or {}), function=function, mapping=mapping)
        place = f"{place}, {chosen.names[0]}"
        return settings_of(chosen)
    except SettingsError as error:
        raise SettingsError(f"{place}: {error.message}") from error.__cause__
    except RecursionError:
        raise SettingsError(f"{place}: it is nested too deep, or something in it refers to itself") from None


def _candidates(document: Any, parameters: Mapping[str, str]) -> Iterable[Candidate]:
    match document:
        case {"Resources": {}}:
            return read_template(document, parameters)
        case {"planned_values": {}} | {"values": {}, "terraform_version": _}:
            found = read_plan(document)
        case {"EventSourceMappings": [*_]}:
            found = read_list(document)
        case {"UUID": _} | {"EventSourceArn": _}:
            found = iter((read_answer(document),))
        case {"functions": _, "provider": _}:
            raise SettingsError(
                "it is of the Serverless Framework: give the CloudFormation template that `serverless package` makes of it, "
                "in .serverless"
            )
        case {"resources": [*_], "terraform_version": _}:
            raise SettingsError("it is Terraform's own state: give what `terraform show -json` prints of it")
        case _:
            raise SettingsError(f"it is nothing that has mappings: give {_FORMATS}")
    check_parameters(parameters, ())
    return found
