"""Typed stream records. What identifies one is at hand at once; its images are decoded when they are read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Generic, TypeVar

from headwater.changes import Change, compare
from headwater.errors import (
    DecodeError,
    HeadwaterError,
    MalformedRecordError,
    MissingImageError,
    WireValueError,
)
from headwater.models import Decoder, Shape, unexpected_error
from headwater.origins import Declared, from_another_region, was_over
from headwater.parameters import K_co, M_co, completed
from headwater.paths import Step
from headwater.streams import (
    TTL,
    EventName,
    ImageName,
    UserIdentity,
    keys_text,
    missing_image,
    place_of,
    read_time,
    text_of,
)
from headwater.values import WireItem

AnyRecord = TypeVar("AnyRecord", bound="Record[Any, Any]")
AnyError = TypeVar("AnyError", bound=HeadwaterError)


class Record(Generic[M_co, K_co]):
    """One change of one item: an `Insert`, `Modify` or `Remove`.

    The first type parameter is the model of the images, the second one of the keys; both are `dict[str, Any]` unless
    given. Records of the same change share what is decoded: two handlers with one model get the same object.

    Reading an image raises `MissingImageError` when the stream's view type leaves it out, `DecodeError` when it does not
    fit the model, and `WireValueError` when a value in it is not in DynamoDB's wire form.
    """

    __slots__ = ("_declared", "_known", "_raw", "_sequence_number", "_shape")

    event_name: ClassVar[EventName]
    """`INSERT`, `MODIFY` or `REMOVE`."""

    def __class_getitem__(cls, types: Any) -> Any:
        generic: Any = super()  # to type checkers, it has no such method
        return generic.__class_getitem__(completed(types))

    def __init__(
        self,
        raw: Mapping[str, Any],
        sequence_number: str,
        shape: Shape,
        known: dict[Any, Any],
        declared: Declared,
    ) -> None:
        self._raw = raw
        self._sequence_number = sequence_number
        self._shape = shape
        self._known = known
        self._declared = declared

    @property
    def raw(self) -> Mapping[str, Any]:
        """The record as it came, in the form of a Lambda event."""
        return self._raw

    @property
    def event_id(self) -> str:
        """The identifier of this change, the same on every delivery; empty when the record has none."""
        return text_of(self._raw.get("eventID"))

    @property
    def sequence_number(self) -> str:
        """The record's place in its shard: 21 to 40 digits. Compare it as a number, never as text."""
        return self._sequence_number

    @property
    def table_name(self) -> str:
        """The table's name from the stream's ARN, else from `tableName`; empty when neither says."""
        return place_of(self._raw).table_name

    @property
    def region(self) -> str:
        """The region from the stream's ARN, else from `awsRegion`; empty when neither says."""
        return place_of(self._raw).region

    @property
    def view_type(self) -> str:
        """`KEYS_ONLY`, `NEW_IMAGE`, `OLD_IMAGE` or `NEW_AND_OLD_IMAGES`; empty when the record does not say."""
        return text_of(self._stream.get("StreamViewType"))

    @property
    def created_at(self) -> datetime:
        """When the item was written, in UTC: in whole seconds, and through Kinesis in milli- or microseconds.

        Raises:
            MalformedRecordError: When the record has no usable `ApproximateCreationDateTime`.
        """
        created_at = read_time(self._stream.get("ApproximateCreationDateTime"))
        if created_at is None:
            raise MalformedRecordError(
                "ApproximateCreationDateTime holds no time in seconds",
                sequence_number=self.sequence_number,
                steps=("dynamodb", "ApproximateCreationDateTime"),
            )
        return created_at

    @property
    def age(self) -> timedelta:
        """How long ago the item was written; raises as `created_at` does."""
        return datetime.now(tz=UTC) - self.created_at

    @property
    def user_identity(self) -> UserIdentity | None:
        """Who made the change, where the record says so: in practice only for Time to Live."""
        identity = self._raw.get("userIdentity")
        if not isinstance(identity, dict):
            return None
        return UserIdentity(text_of(identity.get("type")), text_of(identity.get("principalId")))

    @property
    def expired(self) -> bool:
        """Whether Time to Live removed the item, and no person or program did.

        The service's identity says so; in the replicas of a global table the item's time, for an app's `ttl_attribute`.

        Raises:
            MissingImageError: When that needs an old image and the view type leaves it out.
        """
        if self.event_name != "REMOVE" or self.user_identity is not None or not self._declared.ttl_attribute:
            return self.event_name == "REMOVE" and self.user_identity == TTL
        old = self.wire_image("OldImage")
        try:
            return was_over(old, self._declared.ttl_attribute, lambda: self.created_at)
        except WireValueError as error:
            raise self.named(error, "OldImage") from None

    @property
    def replicated(self) -> bool | None:
        """Whether the change came from another region; `None` where the stream does not tell.

        Global tables of version 2017.11.29 write the region of a change into the item. Version 2019.11.21 tells nothing, so
        there it takes an attribute in which every writer puts its own region, the app's `origin_attribute`. Of a removal,
        nothing tells: the old image has the change before it.
        """
        new, old = self._stream.get("NewImage"), self._stream.get("OldImage")
        if self.event_name == "REMOVE" or not isinstance(new, dict):
            return None
        before = {} if self.event_name == "INSERT" else old if isinstance(old, dict) else None
        try:
            return from_another_region(before, new, self.region, self._declared)
        except WireValueError as error:
            raise self.named(error) from None

    @property
    def keys(self) -> K_co:
        """The item's key attributes."""
        image: K_co = self._image("Keys", self._shape.key)
        return image

    @property
    def changes(self) -> Mapping[str, Change]:
        """What this change did to the item: from path, as in `Address.City`, to the `Change` there.

        All attributes of an inserted item are added, all of a removed one removed.

        Raises:
            MissingImageError: When the stream's view type leaves out an image that is needed.
            WireValueError: When a value is not in the wire form.
        """
        old, new = self.wire_images()
        try:
            return compare(old, new)
        except WireValueError as error:
            raise self.named(error) from None

    def wire_image(self, name: ImageName) -> WireItem:
        """The keys or an image in wire form, undecoded.

        Raises:
            MissingImageError: When the stream's view type leaves it out.
            MalformedRecordError: When it is no map.
        """
        image = self._raw["dynamodb"].get(name)
        if image is None:
            reason = missing_image(name, self.view_type, self.table_name)
            raise MissingImageError(reason, sequence_number=self.sequence_number, steps=(name,))
        if not isinstance(image, dict):
            raise MalformedRecordError(
                f"{name} maps attribute names to values, here it is a {type(image).__name__}",
                sequence_number=self.sequence_number,
                steps=(name,),
            )
        return image

    def wire_images(self) -> tuple[WireItem, WireItem]:
        """The old and new image in wire form, empty before an insert and after a removal; raises as `wire_image` does."""
        images: tuple[WireItem, WireItem] | None = self._known.get("images")
        if images is None:
            images = (
                {} if self.event_name == "INSERT" else self.wire_image("OldImage"),
                {} if self.event_name == "REMOVE" else self.wire_image("NewImage"),
            )
            self._known["images"] = images
        return images

    def named(self, error: AnyError, *outer: Step) -> AnyError:
        """An error about this record, with its sequence number and the place it is in."""
        error.sequence_number = self.sequence_number
        error.within(*outer)
        return error

    @property
    def _stream(self) -> Mapping[str, Any]:
        stream: Mapping[str, Any] = self._raw["dynamodb"]
        return stream

    def _image(self, name: ImageName, decoder: Decoder) -> Any:
        if (image := self._known.get((name, decoder), ...)) is not ...:
            return image
        try:
            image = self._known[name, decoder] = decoder(self.wire_image(name))
        except (WireValueError, DecodeError) as error:
            raise self.named(error, name) from None
        except HeadwaterError:
            raise
        except Exception as error:
            failure = unexpected_error(error, decoder)
        else:
            return image
        # Raised out here: as its cause, the validator's own error, which can quote the item, would get into the log.
        raise self.named(failure, name)

    def __repr__(self) -> str:
        keys = keys_text(self._stream.get("Keys"))
        return (
            f"<{type(self).__name__} {self.table_name or '?'}({keys}) sequence_number={self.sequence_number}>"
        )


class Insert(Record[M_co, K_co]):
    """A new item."""

    __slots__ = ()
    event_name: ClassVar[EventName] = "INSERT"

    @property
    def new(self) -> M_co:
        """The item as it was written."""
        image: M_co = self._image("NewImage", self._shape.model)
        return image


class Modify(Record[M_co, K_co]):
    """A change of an item that was there."""

    __slots__ = ()
    event_name: ClassVar[EventName] = "MODIFY"

    @property
    def new(self) -> M_co:
        """The item after the change."""
        image: M_co = self._image("NewImage", self._shape.model)
        return image

    @property
    def old(self) -> M_co:
        """The item before the change."""
        image: M_co = self._image("OldImage", self._shape.model)
        return image


class Remove(Record[M_co, K_co]):
    """A removal of an item, by a caller or by Time to Live (see `expired`)."""

    __slots__ = ()
    event_name: ClassVar[EventName] = "REMOVE"

    @property
    def old(self) -> M_co:
        """The item as it was before."""
        image: M_co = self._image("OldImage", self._shape.model)
        return image


def reshape(record: AnyRecord, shape: Shape) -> AnyRecord:
    """The same record with other types for its images; what is decoded already is shared."""
    return type(record)(record._raw, record._sequence_number, shape, record._known, record._declared)
