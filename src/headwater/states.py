"""The state of a tumbling window between JSON, in which Lambda carries it, and the type that the user folds it in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from headwater.errors import DeclarationError, DecodeError, HandlerError
from headwater.models import Decoder, require_decoder
from headwater.paths import format_path


@dataclass(frozen=True, slots=True)
class StateType:
    """What a state is to the user's functions: a type of theirs, or a plain dict.

    Attributes:
        decoder: The type, and pydantic's side of it.
    """

    decoder: Decoder

    @property
    def name(self) -> str:
        """The type's name, for messages."""
        return self.decoder.name

    def read(self, state: Mapping[str, Any]) -> Any:
        """The state that Lambda passes, as the user's type; a value of its own, which may be changed.

        Raises:
            DecodeError: When it does not fit the type.
        """
        adapter = self.decoder.adapter
        if adapter is None:
            return deepcopy(dict(state))
        try:
            return adapter.validate_json(json.dumps(state))
        except Exception as error:
            reason = self._reason(error)
        # Raised out here, so that no log prints pydantic's text, which quotes the state, as the error's context.
        raise DecodeError(
            f"the state of this window does not fit {self.name} ({reason}), and Lambda passes it again: "
            "let the type accept what the function's last version has written"
        )

    def write(self, state: Any, who: str) -> dict[str, Any]:
        """The state as JSON, in which the next invocation can read it.

        Args:
            state: What the user's function has returned last.
            who: That function, for messages.

        Raises:
            HandlerError: When it is no JSON object, or would come back as something else.
        """
        reason = f"as a {self.name} of other content"
        try:
            written = self._dump(state)
            text = json.dumps(written, allow_nan=False)
            copied = json.loads(text)
            if isinstance(copied, dict) and self._comes_back(written, text, copied):
                return copied
        except Exception as error:
            reason = self._reason(error)
        raise HandlerError(
            f"the state that {who} returned would not come back from JSON as it is ({reason}): use text for the keys of "
            "a dict and lists for tuples, or a pydantic model that reads each field by the name it is written with"
        )

    def no_beginning(self) -> str:
        """Why the type has no empty state, with which each window begins; empty when it has one."""
        adapter = self.decoder.adapter
        if adapter is None or not getattr(adapter, "pydantic_complete", True):
            return ""  # what a class names that is still to come is seen at the first window
        try:
            written = self._dump(adapter.validate_json("{}"))
            json.dumps(written, allow_nan=False)
        except Exception as error:
            return self._reason(error)
        return "" if isinstance(written, dict) else f"JSON has it as a {type(written).__name__}"

    def _dump(self, state: Any) -> Any:
        adapter = self.decoder.adapter
        if adapter is None:
            return state
        # What is of a wrong type is found by reading it back.
        return adapter.dump_python(state, mode="json", by_alias=True, round_trip=True, warnings=False)

    def _comes_back(self, written: Any, text: str, copied: Any) -> bool:
        adapter = self.decoder.adapter
        if adapter is None:
            return bool(copied == written)
        again = self._dump(adapter.validate_json(text))
        return bool(_unordered(again) == _unordered(written))

    def _reason(self, error: Exception) -> str:
        """What went wrong, without the values that pydantic quotes."""
        if self.decoder.adapter is not None:
            from pydantic import ValidationError

            if isinstance(error, ValidationError):
                found = error.errors(include_url=False, include_context=False, include_input=False)
                return "; ".join(
                    f"{format_path(entry['loc']) or 'the state'}: {entry['type']}" for entry in found
                )
        return f"{type(error).__name__}: {error}".partition("\n")[0]


def state_type(model: Any, who: str) -> StateType:
    """The type of a state, checked when it is declared.

    Args:
        model: The user's annotation; `Any` or `dict` for a plain dict.
        who: The function that it belongs to, for messages.

    Raises:
        DeclarationError: When pydantic can make no validator for it, or it can not begin empty.
    """
    kind = StateType(require_decoder(model, f"{who} has a state of type", "it could not go through JSON"))
    if reason := kind.no_beginning():
        raise DeclarationError(
            f"{who} has a state of type {kind.name}, which can not begin as {{}}, as each window does ({reason}): "
            "give every field a default, or make a TypedDict total=False"
        )
    return kind


def _unordered(value: Any) -> Any:
    """JSON with its lists sorted: the members of a set may come back in another order."""
    match value:
        case dict():
            return {name: _unordered(member) for name, member in value.items()}
        case list():
            return sorted(map(_unordered, value), key=json.dumps)
        case _:
            return value
