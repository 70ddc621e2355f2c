"""Events as typed values: what a producer may send, checked (contract section 2).

>>> decode_interaction(b'{"user_id":"u1","item_id":"i9","type":"click","timestamp":1}').item_id
'i9'
>>> decode_interaction(b'{"user_id":"","item_id":"i9","type":"click","timestamp":1}')
Traceback (most recent call last):
...
recommender.reasons.BadEventError: bad_id: user_id is empty
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Final, TypeVar

import msgspec

from recommender.json_bytes import BLANKS, MAX_DEPTH, check_text, elements
from recommender.reasons import BadEventError

MAX_TIMESTAMP: Final = 253_402_300_799_999
MAX_ID_BYTES: Final = 256
MAX_EVENT_BYTES: Final = 1_000_000
MAX_ENVELOPE: Final = 500
MAX_ENVELOPE_BYTES: Final = 8_000_000
MAX_LIST: Final = 1_000
MANY_COMMAS: Final = 50_000
"""An array with so many is counted before anything is made of its elements: each would cost 60 bytes of memory."""

Timestamp = Annotated[int, msgspec.Meta(ge=1, le=MAX_TIMESTAMP)]
Labels = Annotated[list[str], msgspec.Meta(max_length=MAX_LIST)]

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_ESCAPE: Final = b"\\"
_DEL: Final = b"\x7f"
_AFTER_ASCII: Final = b"\xc2"
"""Before the control characters above 127 in UTF-8, among others."""
_FEW_BRACKETS: Final = MAX_DEPTH - 4
"""So many beside an event's own, its scale's and its context's can't nest too deep, wherever they are."""
_SHORT: Final = 64
"""Characters that are no more than `MAX_ID_BYTES`."""


def check_id(name: str, value: str) -> str:
    """`value`, if it can be an id: 1 to 256 bytes of UTF-8 without control characters.

    Raises
    ------
    BadEventError
        With reason `bad_id`.
    """
    if not value:
        raise BadEventError("bad_id", f"{name} is empty")
    if len(value) > _SHORT and len(value.encode()) > MAX_ID_BYTES:
        raise BadEventError("bad_id", f"{name} has more than {MAX_ID_BYTES} bytes")
    if not value.isprintable() and _CONTROL.search(value):
        raise BadEventError("bad_id", f"{name} has control characters")
    return value


class Interaction(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One thing a user did with an item (or was shown, for an impression). What comes in from outside is decoded by
    `decode_interaction`, which checks it."""

    user_id: str
    type: str
    timestamp: Timestamp
    item_id: str | None = None
    event_id: str | None = None
    value: float | None = None
    scale: tuple[float, float] | None = None
    items: Annotated[list[str], msgspec.Meta(max_length=100)] | None = None
    request_id: str | None = None
    context: dict[str, Any] | None = None


def check_interaction(event: Interaction) -> Interaction:
    """`event`, if its ids, items and value can be; raises `BadEventError`."""
    check_id("user_id", event.user_id)
    if event.item_id is not None:
        check_id("item_id", event.item_id)
    elif event.type != "impression" or not event.items:
        raise BadEventError("missing_field", "item_id is required (an impression may carry items instead)")
    if event.event_id is not None:
        check_id("event_id", event.event_id)
    for item in event.items or ():
        check_id("items", item)
    if event.type == "rating":
        _check_rating(event.value, event.scale)
    return event


def _check_rating(value: float | None, scale: tuple[float, float] | None) -> None:
    low, high = scale or (1.0, 5.0)
    if not 0.0 < high - low < math.inf:  # the width of two huge numbers is none
        raise BadEventError("bad_value", "scale needs two numbers, the lower first")
    if value is None:
        raise BadEventError("bad_value", "a rating needs a value")
    if not low <= value <= high:
        raise BadEventError("bad_value", f"value lies outside its scale {low:g} to {high:g}")


class Item(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that can be recommended."""

    item_id: str
    timestamp: Timestamp
    title: str | None = None
    text: str | None = None
    categories: Labels = []
    tags: Labels = []
    domain: str | None = None
    language: str | None = None
    image: str | None = None
    audio: str | None = None
    video: str | None = None
    attributes: dict[str, Any] | None = None
    available: bool = True
    expires_at: Timestamp | None = None

    def __post_init__(self) -> None:
        check_id("item_id", self.item_id)
        if not (self.title or self.text or self.image or self.audio or self.video):
            raise BadEventError("missing_field", "one of title, text, image, audio, video is required")


class Profile(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a user says of themself."""

    user_id: str
    timestamp: Timestamp
    text: str | None = None
    attributes: dict[str, Any] | None = None
    same_as: Annotated[list[str], msgspec.Meta(max_length=100)] = []

    def __post_init__(self) -> None:
        check_id("user_id", self.user_id)
        for alias in self.same_as:
            check_id("same_as", alias)


class Forget(msgspec.Struct, frozen=True):
    """Forget this user's events up to `timestamp` (event time, ms)."""

    user_id: str
    timestamp: Timestamp

    def __post_init__(self) -> None:
        check_id("user_id", self.user_id)


E = TypeVar("E", Interaction, Item, Profile, Forget)

_INTERACTION = msgspec.json.Decoder(Interaction)
_INTERACTIONS = msgspec.json.Decoder(list[Interaction])
_ITEM = msgspec.json.Decoder(Item)
_PROFILE = msgspec.json.Decoder(Profile)
_FORGET = msgspec.json.Decoder(Forget)
_ELEMENTS = msgspec.json.Decoder(list[msgspec.Raw])
_ENCODER = msgspec.json.Encoder()


def decode_interaction(value: bytes | msgspec.Raw) -> Interaction:
    """One interaction from its JSON bytes; raises `BadEventError`."""
    event = _decode(_INTERACTION, value)
    return event if _is_plain(event) and not _is_delicate(value) else check_interaction(event)


def decode_envelope(value: bytes) -> list[Interaction] | None:
    """The interactions of an envelope in one go, where there is nothing to be said about any of them; None otherwise.

    Then `split_envelope` and `decode_interaction` tell what is the matter with which, if anything is.
    """
    if value[:1] != b"[" or len(value) > MAX_EVENT_BYTES or _is_delicate(value):
        return None
    try:
        if not value.isascii():
            value.decode()
        events = _INTERACTIONS.decode(value)
        accounted = 1
        for event in events:
            if not _is_plain(event):
                return None
            accounted += 1 + (event.scale is not None) + (event.context is not None)
        if value.count(b"[") + value.count(b"{") > accounted + _FEW_BRACKETS:
            check_text(value)
    except (UnicodeDecodeError, BadEventError, msgspec.DecodeError, RecursionError):
        return None
    return events if 0 < len(events) <= MAX_ENVELOPE else None


def _is_delicate(value: bytes) -> bool:
    """May there be control characters in this JSON?"""
    return _ESCAPE in value or _DEL in value or _AFTER_ASCII in value


def _is_plain(event: Interaction) -> bool:
    """Does `check_interaction` have nothing against an event whose JSON has no control characters?"""
    user, item, name = event.user_id, event.item_id, event.event_id
    if not (0 < len(user) <= _SHORT and item is not None and 0 < len(item) <= _SHORT and event.items is None):
        return False
    if name is not None and not 0 < len(name) <= _SHORT:
        return False
    if event.type != "rating":
        return True
    value, (low, high) = event.value, event.scale or (1.0, 5.0)
    return value is not None and low <= value <= high and 0.0 < high - low < math.inf


def decode_item(value: bytes | msgspec.Raw) -> Item:
    """One item from its JSON bytes; raises `BadEventError`."""
    return _decode(_ITEM, value)


def decode_profile(value: bytes | msgspec.Raw) -> Profile:
    """One profile from its JSON bytes; raises `BadEventError`."""
    return _decode(_PROFILE, value)


def decode_forget(value: bytes | msgspec.Raw) -> Forget:
    """One forget from its JSON bytes; raises `BadEventError`."""
    return _decode(_FORGET, value)


def is_removal(value: bytes | None) -> bool:
    """Does this value of an item or a profile say that it goes: no bytes, or null?

    >>> is_removal(None), is_removal(b"null\\n"), is_removal(b"{}")
    (True, True, False)
    """
    return not value or (len(value) < 64 and value.strip(BLANKS) == b"null")


def split_envelope(value: bytes) -> list[bytes] | None:
    """The raw elements of an envelope (a JSON array), or None if `value` is a record of its own.

    An element that can't be read (NaN, half a surrogate, too deep) leaves the others as they are.

    Raises
    ------
    BadEventError
        If it is no array, is empty, or has more than 500 elements or 8,000,000 bytes.
    """
    if value[:1] != b"[" and value.lstrip(BLANKS)[:1] != b"[":
        return None
    if len(value) > MAX_ENVELOPE_BYTES:
        raise BadEventError("too_large", f"{len(value)} bytes, an envelope has at most {MAX_ENVELOPE_BYTES}")
    found = _elements(value)
    if not found:
        raise BadEventError("empty", "an envelope without events")
    if len(found) > MAX_ENVELOPE:
        raise BadEventError("too_large", f"at most {MAX_ENVELOPE} elements are accepted, got {len(found)}")
    return found


def _elements(value: bytes) -> list[bytes]:
    why = "its brackets do not match"
    if value.count(b",") < MANY_COMMAS:
        try:
            return [bytes(element) for element in _ELEMENTS.decode(value)]
        except RecursionError:
            pass
        except msgspec.DecodeError as error:
            why = str(error)[:200]
    found = elements(value, MAX_ENVELOPE)
    if found is None:
        raise BadEventError("not_json", why)
    return found


def encode(event: msgspec.Struct) -> bytes:
    """The JSON bytes of an event."""
    return _ENCODER.encode(event)


T = TypeVar("T")


def _decode(decoder: msgspec.json.Decoder[T], value: bytes | msgspec.Raw) -> T:
    value = bytes(value)
    if not value:
        raise BadEventError("empty", "no bytes")
    if len(value) > MAX_EVENT_BYTES:
        raise BadEventError("too_large", f"{len(value)} bytes, at most {MAX_EVENT_BYTES} are accepted")
    check_text(value)  # the decoder does not look into what it skips
    try:
        return decoder.decode(value)
    except msgspec.ValidationError as error:
        raise _explain(error) from None
    except msgspec.DecodeError as error:
        raise BadEventError("not_json", str(error)[:200]) from None


def _explain(error: msgspec.ValidationError) -> BadEventError:
    """The reason behind msgspec's message."""
    if isinstance(error.__cause__, BadEventError):
        return error.__cause__
    text = str(error)
    reason = next((reason for sign, reason in _SIGNS if re.search(sign, text)), "wrong_type")
    return BadEventError(reason, text)


_SIGNS = (
    (r"missing required field", "missing_field"),
    (r"`\$\.(timestamp|expires_at)`$", "bad_timestamp"),
    (r"^Expected `object`(?!.* - at)", "not_object"),
    (r"of length 2.*`\$\.scale`$", "bad_value"),
    (r"of length", "too_large"),
    (r"got `null` - at `\$\.(user_id|item_id|type)`$", "missing_field"),
)
"""Signs in msgspec's messages, the first that fits decides."""
