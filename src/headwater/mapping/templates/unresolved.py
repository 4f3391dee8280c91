"""A value of a template that only a deployment knows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple


class Unresolved(NamedTuple):
    """A value that only a deployment knows.

    Attributes:
        text: What can be said of it, as in `${Discarded.Arn}`: in the syntax of `Fn::Sub` and of Terraform.
        parameters: The parameters of the template that would decide it.
        refusal: Why it can not even stand as a text; empty when it can.
    """

    text: str
    parameters: tuple[str, ...] = ()
    refusal: str = ""


def join(separator: str, pieces: Iterable[Any]) -> str | Unresolved:
    """Make one text of several.

    Args:
        separator: What comes between them.
        pieces: Texts, numbers, booleans and what is unresolved.

    Returns:
        The text; unresolved when one of the pieces is.
    """
    pieces = list(pieces)
    text = separator.join(piece.text if isinstance(piece, Unresolved) else as_text(piece) for piece in pieces)
    unknown = [piece for piece in pieces if isinstance(piece, Unresolved)]
    if not unknown:
        return text
    parameters = tuple(name for piece in unknown for name in piece.parameters)
    return Unresolved(text, parameters, next((piece.refusal for piece in unknown if piece.refusal), ""))


def as_text(value: object) -> str:
    """A value as CloudFormation writes it into a text: booleans in small letters."""
    return str(value).lower() if isinstance(value, bool) else str(value)
