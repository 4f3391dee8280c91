"""What an event source mapping of a DynamoDB stream is set to, with AWS's names, defaults and limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Literal, TypeAlias

from headwater.mapping.forms import read_form, write_form
from headwater.mapping.limits import (
    NUMBERS,
    REPORT_FAILURES,
    SWITCHES,
    SettingsError,
    check_destination,
    check_name,
    check_number,
    check_patterns,
    check_position,
    check_response_types,
    check_stream,
    check_switch,
    read_texts,
)

__all__ = ["EventSourceMapping", "SettingsError", "StartingPosition"]

StartingPosition: TypeAlias = Literal["TRIM_HORIZON", "LATEST"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSourceMapping:
    """The settings of an event source mapping on a DynamoDB stream. What is left out has AWS's default.

    A reference as in `${Discarded.Arn}`, which CloudFormation or Terraform knows only when it deploys, can stand in
    place of an ARN or in it.

    Attributes:
        batch_size: Records of one invocation at most.
        maximum_batching_window_in_seconds: How long to gather records for a batch.
        parallelization_factor: Batches of one shard that run at once, never two of the same item.
        bisect_batch_on_function_error: Whether a batch that fails is split in two.
        maximum_retry_attempts: Retries without progress before records are discarded; -1 for no limit.
        maximum_record_age_in_seconds: The age at which records are discarded; -1 for no limit.
        starting_position: Where a new mapping starts: `TRIM_HORIZON` for all that the stream has, `LATEST` for what
            comes. AWS has no default; this is the one that loses nothing.
        function_response_types: `("ReportBatchItemFailures",)`, or Lambda does not read what the function returns.
        filter_criteria: Filter patterns, as JSON text; one that matches is enough. Their syntax is not checked here.
        tumbling_window_in_seconds: The length of the tumbling windows; 0 for none.
        on_failure_destination: The ARN of where word of discarded records goes.
        enabled: Whether the mapping reads.
        event_source_arn: The ARN of the stream.
        function_name: The name or ARN of the function.
        uuid: AWS's name of the mapping.

    Raises:
        SettingsError: When AWS would refuse a value.
    """

    batch_size: int = 100
    maximum_batching_window_in_seconds: int = 0
    parallelization_factor: int = 1
    bisect_batch_on_function_error: bool = False
    maximum_retry_attempts: int = -1
    maximum_record_age_in_seconds: int = -1
    starting_position: StartingPosition = "TRIM_HORIZON"
    function_response_types: tuple[str, ...] = ()
    filter_criteria: tuple[str, ...] = ()
    tumbling_window_in_seconds: int = 0
    on_failure_destination: str | None = None
    enabled: bool = True
    event_source_arn: str | None = None
    function_name: str | None = None
    uuid: str | None = None

    def __post_init__(self) -> None:
        for field, number in NUMBERS.items():
            check_number(number, getattr(self, field))
        for field, parameter in SWITCHES.items():
            check_switch(parameter, getattr(self, field))
        for field, name in (
            ("function_response_types", "FunctionResponseTypes"),
            ("filter_criteria", "FilterCriteria"),
        ):
            # A list, as it comes out of JSON, becomes a tuple, so that settings compare and hash.
            object.__setattr__(self, field, read_texts(name, getattr(self, field)))
        check_position(self.starting_position)
        check_response_types(self.function_response_types)
        check_patterns(self.filter_criteria)
        check_destination(self.on_failure_destination)
        check_stream(self.event_source_arn)
        check_name("FunctionName", self.function_name)
        check_name("UUID", self.uuid)

    @property
    def report_batch_item_failures(self) -> bool:
        """Whether Lambda reads what the function returns, so that it can name the record that failed."""
        return REPORT_FAILURES in self.function_response_types

    @classmethod
    def from_aws(cls, answer: Mapping[str, Any]) -> EventSourceMapping:
        """Read what `CreateEventSourceMapping` is given, or what `GetEventSourceMapping` answers.

        Args:
            answer: With AWS's names. What does not concern the delivery, such as tags, is passed over.

        Returns:
            The settings; what is absent or null has AWS's default.

        Raises:
            SettingsError: When AWS would refuse a value, or does not know a name.
        """
        return cls(**read_form(answer))

    def to_aws(self) -> dict[str, Any]:
        """The parameters of `CreateEventSourceMapping`.

        Returns:
            All settings with AWS's names, defaults included, but for `UUID`, which AWS gives.
        """
        return write_form({field.name: getattr(self, field.name) for field in fields(self)})


REPORTING: Final = EventSourceMapping(function_response_types=(REPORT_FAILURES,))
"""AWS's defaults, and the one setting that Headwater needs."""
