"""What made a change: Time to Live, a writer in another region, or a global table's own bookkeeping.

A stream says little of it. What it does not say, the user can declare; what nobody says is never guessed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from headwater.changes import changed, differences
from headwater.errors import WireValueError
from headwater.streams import read_time
from headwater.values import WireItem, value_to_python

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/globaltables_HowItWorks.html (version 2017.11.29)
_UPDATE_REGION: Final = "aws:rep:updateregion"
_BOOKKEEPING: Final = tuple((f"aws:rep:{name}",) for name in ("deleting", "updatetime", "updateregion"))

# Time to Live leaves an item alone whose time was over for longer than that:
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-before-you-start.html
_TTL_REACH: Final = timedelta(days=5 * 365)


class Declared(NamedTuple):
    """What the user says of the tables, since their streams do not.

    Attributes:
        ttl_attribute: The attribute that Time to Live reads.
        origin_attribute: The attribute in which every writer puts its own region.
    """

    ttl_attribute: str | None = None
    origin_attribute: str | None = None


NOTHING_DECLARED: Final = Declared()


def was_over(old: WireItem, ttl_attribute: str, removed_at: Callable[[], datetime]) -> bool:
    """Whether an item's time was over when it was removed, as Time to Live reads it.

    Args:
        old: The item.
        ttl_attribute: Its attribute with the time, a number of seconds since 1970.
        removed_at: When it was removed; asked only where it matters.

    Raises:
        WireValueError: When the attribute is not in the wire form.
    """
    try:
        seconds = value_to_python(old[ttl_attribute]) if ttl_attribute in old else None
    except WireValueError as error:
        error.within(ttl_attribute)
        raise
    expires_at = read_time(seconds) if isinstance(seconds, int | Decimal) else None
    return expires_at is not None and timedelta() <= removed_at() - expires_at <= _TTL_REACH


def from_another_region(old: WireItem | None, new: WireItem, region: str, declared: Declared) -> bool | None:
    """Whether an item was written in another region than the one of the stream; `None` where nothing tells.

    Args:
        old: The item before the change, empty for an insertion; `None` where the stream leaves it out.
        new: The item after it.
        region: The region of the stream.
        declared: The attribute with the writer's region, where the user names one.
    """
    if declared.origin_attribute is not None:
        origin = new.get(declared.origin_attribute)
    elif old is None or _UPDATE_REGION not in new:
        return None
    elif not any(changed(old, new, path) for path in _BOOKKEEPING):
        # An update in this region leaves what replication wrote last as it was; a replicated one writes a new time.
        return False
    else:
        origin = new[_UPDATE_REGION]
    if not region or not isinstance(origin, dict) or not isinstance(origin.get("S"), str):
        return None
    return origin != {"S": region}


def may_be_bookkeeping(new: WireItem) -> bool:
    """Whether an item is one of a 2017 global table, which replication has noted something in."""
    return _UPDATE_REGION in new


def is_bookkeeping(old: WireItem, new: WireItem) -> bool:
    """Whether a modification of a 2017 global table is the one that notes where the last write came from.

    Raises:
        WireValueError: When a value is not in the wire form.
    """
    return not any(differences(old, new, outside=_BOOKKEEPING))
