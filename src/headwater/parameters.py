"""The type parameters of a record: the model of its images, and that of its keys. Each is a plain dict unless given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from typing_extensions import TypeVar as TypeVarWithDefault

    M_co = TypeVarWithDefault("M_co", covariant=True, default=dict[str, Any])
    K_co = TypeVarWithDefault("K_co", covariant=True, default=dict[str, Any])
else:  # before Python 3.13 only typing-extensions has a default, and takes longer to load than all of Headwater
    M_co = TypeVar("M_co", covariant=True)
    K_co = TypeVar("K_co", covariant=True)


def completed(types: Any) -> tuple[Any, ...]:
    """What a record's class is subscripted with, and the default of what is left out."""
    given = types if isinstance(types, tuple) else (types,)
    return (*given, dict[str, Any]) if len(given) == 1 else given
