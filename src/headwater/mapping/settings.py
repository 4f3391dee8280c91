from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class EventSourceMapping:
    batch_size: int = 100
    maximum_batching_window_in_seconds: int = 0
    parallelization_factor: int = 1
    bisect_batch_on_function_error: bool = False
    maximum_retry_attempts: int = -1
    maximum_record_age_in_seconds: int = -1
    starting_position: str = "TRIM_HORIZON"
    function_response_types: tuple[str, ...] = ()
    filter_criteria: tuple[str, ...] = ()
    tumbling_window_in_seconds: int = 0
    on_failure_destination: str | None = None
    enabled: bool = True
    event_source_arn: str | None = None
    function_name: str | None = None
    uuid: str | None = None

    @property
    def report_batch_item_failures(self) -> bool:
        return "ReportBatchItemFailures" in self.function_response_types
