"""Places in a record: the values at paths of its images, which of them is malformed, and how options name them."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import product
from typing import Any, Final

from headwater.changes import lookup
from headwater.errors import DeclarationError, HeadwaterError, WireValueError
from headwater.paths import Path, format_path, parse_path
from headwater.records import Record
from headwater.streams import ImageName
from headwater.values import WireValue, value_to_python

BOTH_IMAGES: Final[tuple[ImageName, ...]] = ("OldImage", "NewImage")
NO_IMAGE: Final[Mapping[str, ImageName]] = {"INSERT": "OldImage", "REMOVE": "NewImage"}


def read(record: Record, image: ImageName, path: Path) -> WireValue | None:
    """The value at a path of an image; `None` where there is none, or where the kind of record has no such image.

    Raises:
        MissingImageError: When the stream's view type leaves the image out.
        WireValueError: When a value on the way is not in the wire form.
    """
    if image == NO_IMAGE.get(record.event_name):
        return None
    try:
        return lookup(record.wire_image(image), path)
    except WireValueError as error:
        raise record.named(error, image) from None


def placed(error: WireValueError, record: Record, places: Sequence[Path]) -> WireValueError:
    """The error with the place that it is in: the first of these that is not in the wire form."""
    return next((found for place in places for found in _malformed(record, place)), error)


def _malformed(record: Record, place: Path) -> Iterator[WireValueError]:
    image: Any = place[0]
    try:
        value = read(record, image, place[1:])
        if value is not None:
            value_to_python(value)
    except WireValueError as error:
        yield error if error.sequence_number is not None else record.named(error, *place)


def values_at(record: Record, images: tuple[ImageName, ...], *paths: Path) -> Mapping[str, WireValue | None]:
    """The values at some paths of images, by their places; without those that can not be read."""
    found: dict[str, WireValue | None] = {}
    for path, image in product(paths, images):
        if image != NO_IMAGE.get(record.event_name):
            with contextlib.suppress(HeadwaterError):  # what is wrong with it is what the condition raises
                found[format_path((image, *path))] = read(record, image, path)
    return found


def read_paths(names: Any, what: str) -> tuple[Path, ...]:
    """Read the attribute names or paths of an option, one or several.

    Args:
        names: A text, or a list or set of texts.
        what: Whose they are, for messages, as in `only_changed`.

    Raises:
        DeclarationError: When there are none, or one is no path.
    """
    listed = [names] if isinstance(names, str) else names
    if (
        not isinstance(listed, Collection)
        or isinstance(listed, Mapping)
        or not all(isinstance(name, str) for name in listed)
    ):
        raise DeclarationError(f"{what} takes one name or a list of names, not a {type(names).__name__}")
    if not listed:
        raise DeclarationError(
            f"{what} is given no name, so it would say the same of every record: name an attribute"
        )
    try:
        return tuple(map(parse_path, sorted(listed) if isinstance(listed, AbstractSet) else listed))
    except ValueError as error:
        raise DeclarationError(f"{what}: {error}") from None
