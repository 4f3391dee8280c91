"""What happens while a mapping follows a live stream, as it is told to whoever watches."""

from __future__ import annotations

from typing import Generic, Literal, NamedTuple, Protocol, TypeAlias

from typing_extensions import TypeVar

from headwater.mapping.answers import Answer
from headwater.mapping.history import Delivery, Discard


class Reply(Protocol):
    """What invoking the function came to; an environment may tell more than this."""

    @property
    def answer(self) -> Answer:
        """How the invocation ended."""
        ...


R = TypeVar("R", bound=Reply)


class Delivered(NamedTuple, Generic[R]):
    """An invocation is over.

    Attributes:
        delivery: What the mapping made of it.
        reply: What the environment told of it.
        checkpoint: What is kept of the shard now; `None` where nothing is.
    """

    delivery: Delivery
    reply: R
    checkpoint: str | None


class Stored(NamedTuple):
    """Records are discarded, and the destination has word of it.

    Attributes:
        discard: The records.
        place: Where the document is; empty where there is no destination, or nothing to say.
        checkpoint: What is kept of the shard now; `None` where nothing is.
    """

    discard: Discard
    place: str
    checkpoint: str | None


class Noticed(NamedTuple):
    """Something happened that a person should know of.

    Attributes:
        text: What.
        shard_id: In which shard; empty where it is in none.
    """

    text: str
    shard_id: str = ""


Reason: TypeAlias = Literal["stopped", "idle", "disabled"]
"""Why a mapping is over: it was told to stop, had nothing to do, or its stream is switched off and read to the end."""

Event: TypeAlias = Delivered[R] | Stored | Noticed
