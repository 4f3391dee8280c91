"""The settings of a mapping, read from the file that deploys it: SAM, CloudFormation, CDK, Terraform, or AWS's own answer."""

from headwater.mapping.templates.reading import read_settings

__all__ = ["read_settings"]
