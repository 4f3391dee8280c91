"""An entry of the ledger as a DynamoDB item, and back.

Records that got equally far share a group, with their identities as one binary, and routes are named once. So ten
thousand records take some 120 kB, of the [400 KB](
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html) that an item may have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from headwater.errors import HeadwaterError
from headwater.ledger import Entry
from headwater.progress import Progress, RecordProgress

FORMAT: Final = 1
"""Of the item. One of another format is not read: that costs repeats after an update, and no more."""

MAX_BYTES: Final = 350_000
"""What an item may take by the estimate below, which is never too low."""

ATTRIBUTES: Final = (
    "consumer",
    "checkpoint",
    "format",
    "version",
    "sequence_number",
    "last",
    "routes",
    "groups",
)
"""Every attribute of an item, apart from the one for Time to Live."""

_DIGITS: Final = 24
_IDENTITY: Final = re.compile(rf"[0-9a-f]{{{_DIGITS}}}")
_MOST_RECORDS: Final = 4_000
"""So many fit even when each of them has a group of its own."""

# What DynamoDB counts for the parts, rounded up:
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
_ITEM_BYTES: Final = 4_096
_GROUP_BYTES: Final = 64
_ROUTE_BYTES: Final = 1
_DONE_BYTES: Final = 6


def write_progress(progress: Progress) -> dict[str, Any]:
    """The attributes `routes` and `groups` of an item.

    When they would be too large, which takes thousands of different sets of routes, what is done is left out first: it
    costs repeats. Attempts and what was put aside are kept, of 4,000 records at least. It is never refused for its size.

    Raises:
        HeadwaterError: When a record's identity is not 24 hexadecimal digits.
    """
    for identity in progress:
        if not _IDENTITY.fullmatch(identity):
            raise HeadwaterError(
                f"the identity of a record is 24 hexadecimal digits, {identity!r} can not be kept in the ledger"
            )
    groups = next(smaller for smaller in _smaller_and_smaller(progress) if _size(smaller) <= MAX_BYTES)
    routes = sorted({route for known in groups for route in known.done})
    numbers = {route: number for number, route in enumerate(routes)}
    return {
        "routes": {"L": [{"S": route} for route in routes]},
        "groups": {"L": [_write_group(known, members, numbers) for known, members in groups.items()]},
    }


def read_entry(item: Mapping[str, Any], ttl_attribute: str, now: float) -> Entry | None:
    """The entry in an item.

    Returns:
        `None` when its time is over, its format another one, or it can not be read: nothing is known then.
    """
    try:
        if item["format"] != {"N": str(FORMAT)} or int(item[ttl_attribute]["N"]) <= now:
            return None
        routes = [route["S"] for route in item["routes"]["L"]]
        progress = {
            identity: known
            for group in item["groups"]["L"]
            for known in (_read_known(group["M"], routes),)
            for identity in _read_members(group["M"])
        }
        return Entry(item["sequence_number"]["S"], progress, item["last"]["S"], item["version"])
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return None


Groups = dict[RecordProgress, list[str]]


def _smaller_and_smaller(progress: Progress) -> Iterator[Groups]:
    yield _group(progress)
    undone = {
        identity: RecordProgress(attempts=known.attempts, put_aside=known.put_aside)
        for identity, known in progress.items()
        if known.attempts or known.put_aside
    }
    yield _group(undone)
    most = sorted(undone, key=lambda identity: (undone[identity].put_aside, undone[identity].attempts))
    yield _group({identity: undone[identity] for identity in most[-_MOST_RECORDS:]})


def _group(progress: Progress) -> Groups:
    groups: Groups = {}
    for identity, known in progress.items():
        groups.setdefault(known, []).append(identity)
    return groups


def _size(groups: Groups) -> int:
    routes = frozenset[str]().union(*(known.done for known in groups))
    return (
        _ITEM_BYTES
        + sum(len(route.encode()) + _ROUTE_BYTES for route in routes)
        + sum(_GROUP_BYTES + _DONE_BYTES * len(known.done) for known in groups)
        + sum(len(members) for members in groups.values()) * _DIGITS // 2
    )


def _write_group(known: RecordProgress, members: list[str], numbers: Mapping[str, int]) -> dict[str, Any]:
    return {
        "M": {
            "done": {"L": [{"N": str(number)} for number in sorted(numbers[route] for route in known.done)]},
            "attempts": {"N": str(known.attempts)},
            "put_aside": {"BOOL": known.put_aside},
            "records": {"B": bytes.fromhex("".join(members))},
        }
    }


def _read_known(group: Mapping[str, Any], routes: list[str]) -> RecordProgress:
    done = frozenset(routes[int(number["N"])] for number in group["done"]["L"])
    return RecordProgress(done, int(group["attempts"]["N"]), bool(group["put_aside"]["BOOL"]))


def _read_members(group: Mapping[str, Any]) -> list[str]:
    digits: str = group["records"]["B"].hex()
    if len(digits) % _DIGITS:
        raise ValueError("identities of another length")
    return [digits[start : start + _DIGITS] for start in range(0, len(digits), _DIGITS)]
