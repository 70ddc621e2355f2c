"""Learning by blocks is learning one by one: the digest of what workers fold, the default's state to the byte."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import streams
from benchmarks.in_memory import announced, interaction
from benchmarks.streams import Event, Stream
from online_models.default import Default
from recommender.events import encode
from streams.replay import DirectReplay

from .size import events


def cuts(count: int, longest: int) -> list[int]:
    """Lengths of blocks, 1 to `longest`, that add up to more than `count`."""
    rng = np.random.default_rng(longest)
    return [int(length) for length in rng.integers(1, longest + 1, count + 1)]


def digest(stream: Stream, longest: int) -> str:
    """Of what workers have folded, in batches of 1 to `longest` records."""
    replay = DirectReplay(batch=10**9)
    lengths = iter(cuts(len(stream.parts), longest))
    left = next(lengths)
    for part in stream:
        if isinstance(part, Event):
            replay.feed("interaction", part.user, encode(interaction(part)))
        else:
            replay.feed("item", part.item, encode(announced(part)))
        left -= 1
        if not left:
            replay.flush()
            left = next(lengths)
    return replay.digest()


def learned(stream: Stream, longest: int) -> bytes:
    """The default's state after blocks of 1 to `longest` events; an announcement ends a block."""
    model = Default()
    lengths = iter(cuts(len(stream.parts), longest))
    left, block = next(lengths), []
    for part in stream:
        if isinstance(part, Event):
            block.append(part.sample)
            left -= 1
        if block and (not left or not isinstance(part, Event)):
            model.learn_many(block)
            left, block = next(lengths), []
        if not isinstance(part, Event):
            model.add_item(part.item, vector=part.vector, text=part.text, timestamp=part.timestamp)
    model.learn_many(block)
    return model.save()


@pytest.mark.parametrize("name", ["shop", "news"])
def test_blocks_are_one_by_one(name: str) -> None:
    stream = streams.make(name, events(700))
    assert digest(stream, 1) == digest(stream, 50) == digest(stream, 500)
    one_by_one = Default()
    for sample in stream.feed(one_by_one):
        one_by_one.learn_one(*sample)
    assert learned(stream, 50) == learned(stream, 500) == one_by_one.save()


def test_another_order_is_another_state() -> None:
    # What the two above compare is not blind: one pair of events changed about, and both differ.
    stream = streams.make("shop", 200)
    parts = list(stream.parts)
    for place in range(100, len(parts) - 1):
        one, other = parts[place], parts[place + 1]
        if isinstance(one, Event) and isinstance(other, Event) and one.user == other.user and one.item != other.item:
            parts[place], parts[place + 1] = other, one
            break
    changed = Stream(stream.name, stream.seed, stream.repeats, tuple(parts))
    assert digest(stream, 50) != digest(changed, 50)
    assert learned(stream, 50) != learned(changed, 50)
