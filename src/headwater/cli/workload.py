"""What is written to a table in a forecast: records made from samples, at random times, to many items."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from random import Random
from typing import Any, Final, NamedTuple

from headwater.app import StreamApp
from headwater.mapping.entries import Entry
from headwater.mapping.simulation import Write, shard_of
from headwater.sources import RawRecord, read_event

START: Final = 1_767_225_600.0
"""When a forecast begins, in seconds since 1970."""

_FIRST_NUMBER: Final = 10**21
_COPY: Final = "(copy)"


class Sample(NamedTuple):
    """A record to make others from.

    Attributes:
        raw: The record, in Lambda's form.
        wanted: Whether a route of the app wants it.
        fails: Whether a condition of the app raises for it.
    """

    raw: RawRecord
    wanted: bool
    fails: bool


class WrittenRecord(dict[str, Any]):
    """A record in Lambda's form that was made from a sample, with what decides how it fares.

    Attributes:
        shard_id: In which shard it is.
        item: Which item it is of.
        wanted: Whether a route wants it.
        fails: Whether a condition raises for it.
        poisoned: Whether its handler fails each time.
    """

    __slots__ = ("fails", "item", "poisoned", "shard_id", "wanted")

    shard_id: str
    item: int
    wanted: bool
    fails: bool
    poisoned: bool


def written_record(entry: Entry) -> WrittenRecord:
    """The record of an entry that a workload has written."""
    raw: Any = entry.raw
    record: WrittenRecord = raw
    return record


class Workload(NamedTuple):
    """What is written.

    Attributes:
        samples: What records are made from, in turn.
        rate: How many are written in a second, on average. They come at random times.
        records: How many are written.
        items: To how many items they go.
        shards: Over how many shards these are spread.
        poison: Which share of the records that a route wants fails each time.
        seed: Of what is random.
    """

    samples: Sequence[Sample]
    rate: float
    records: int
    items: int
    shards: int
    poison: float
    seed: int

    def writes(self) -> Iterator[Write]:
        """The records, in order of time, each made when it is asked for."""
        rng = Random(f"writes {self.seed}")  # noqa: S311 - no secret
        items: list[tuple[str, dict[str, Any], Sample] | None] = [None] * self.items
        at = START
        for number in range(self.records):
            at += rng.expovariate(self.rate)
            item = rng.randrange(self.items)
            known = items[item]
            if known is None:
                known = items[item] = self._item(item)
            shard_id, keys, sample = known
            stream = {
                **sample.raw["dynamodb"],
                "ApproximateCreationDateTime": at,
                "Keys": keys,
                "SequenceNumber": str(_FIRST_NUMBER + number),
            }
            raw = WrittenRecord(sample.raw, eventID=f"{number:032x}", dynamodb=stream)
            raw.shard_id, raw.item = shard_id, item
            raw.wanted, raw.fails = sample.wanted, sample.fails
            raw.poisoned = rng.random() < self.poison
            yield Write(at, shard_id, raw)

    def _item(self, item: int) -> tuple[str, dict[str, Any], Sample]:
        """Where an item is and what its records look like.

        The key of the sample stays, so that filters say of the record what they say of the sample; its number makes an item of
        its own of it.
        """
        sample = self.samples[item % len(self.samples)]
        keys = {**sample.raw["dynamodb"].get("Keys", {}), _COPY: {"N": str(item)}}
        return shard_of(keys, self.shards), keys, sample


def read_samples(app: StreamApp, events: Iterable[Any]) -> list[Sample]:
    """The records of events, and what the app's routes and conditions say of them. No handler runs.

    Args:
        app: The app.
        events: As a Lambda function is given them.

    Raises:
        SourceError: When one is no stream event.
        MalformedRecordError: When a record's `eventName` is none that DynamoDB Streams has.
    """
    folds = app._folding is not None  # each record of a window is folded, whether a route wants it or not
    samples = []
    for event in events:
        for raw in read_event(event).records:
            answers = [answer.word for answer in app.explain(raw).routes]
            samples.append(Sample(raw, folds or "yes" in answers, "raised" in answers))
    return samples


def count_of(duration: float, rate: float) -> int:
    """How many records are written in so many seconds, 1 at least."""
    return max(math.ceil(duration * rate), 1)
