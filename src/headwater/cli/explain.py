"""Explanations for a terminal and for machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from headwater.answers import Answer, error_text, value_text
from headwater.explanations import Explanation

_STYLES = {"yes": "green", "no": "yellow", "raised": "bold red", "not asked": "dim"}


def explanation_text(explanation: Explanation, *, show_values: bool) -> Text:
    """The explanation with the answers in their colours."""
    text = Text(explanation.head)
    for answer in explanation.routes:
        for indentation, word, rest in answer.rows(show_values=show_values):
            text.append(f"\n{indentation}").append(word, style=_STYLES[word]).append(rest)
    return text


def explanations_as_json(
    name: str, explanations: Sequence[Explanation], *, show_values: bool
) -> dict[str, Any]:
    """The explanations of one event."""
    return {
        "event": name,
        "records": [
            {
                "eventName": explanation.event_name,
                "table": explanation.table_name,
                "sequenceNumber": explanation.sequence_number,
                "routes": [_answer(answer, show_values=show_values) for answer in explanation.routes],
            }
            for explanation in explanations
        ],
    }


def _answer(answer: Answer, *, show_values: bool) -> dict[str, Any]:
    told: dict[str, Any] = {"condition": answer.condition, "answer": answer.word}
    if answer.values:
        told["values"] = {at: value_text(value, show=show_values) for at, value in answer.values.items()}
    if answer.error is not None:
        told["error"] = error_text(answer.error, show=show_values)
    if answer.parts:
        told["parts"] = [_answer(part, show_values=show_values) for part in answer.parts]
    return told
