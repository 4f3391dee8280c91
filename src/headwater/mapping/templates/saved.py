"""The mappings in a saved answer of Lambda: of GetEventSourceMapping, or of ListEventSourceMappings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from headwater.mapping.templates.candidates import Candidate, function_names
from headwater.mapping.templates.nodes import objects
from headwater.mapping.templates.unresolved import Unresolved


def read_answer(answer: Mapping[str, Any]) -> Candidate:
    """The mapping of one answer.

    Args:
        answer: Of GetEventSourceMapping.

    Returns:
        The mapping, called by its UUID.
    """
    function = answer.get("FunctionName") or answer.get("FunctionArn")
    return Candidate(
        (str(answer.get("UUID") or "without UUID"),),
        function_names(function) if isinstance(function, str) else (),
        answer,
        ":dynamodb:" in str(answer.get("EventSourceArn")),
    )


def read_list(answer: Mapping[str, Any]) -> Iterator[Candidate]:
    """The mappings of a list.

    Args:
        answer: Of ListEventSourceMappings.

    Yields:
        Each mapping, called by its UUID.
    """
    for one in objects(answer, "EventSourceMappings"):
        if one.get("KMSKeyArn") and not one.get("FilterCriteria"):
            # A list does not have them, where one answer has.
            hidden = Unresolved(
                "encrypted",
                refusal="and a list leaves them out: save what `aws lambda get-event-source-mapping` answers for "
                f"{one.get('UUID')}, and read that",
            )
            yield read_answer({**one, "FilterCriteria": hidden})
        else:
            yield read_answer(one)
