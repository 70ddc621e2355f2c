"""The trainer: which examples are lessons and which are tested, what it counts, how much it holds."""

import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from online_models.caps import Caps
from online_models.renumbering import SPARE
from online_models.state import pack, unpack
from recommender.keys import Keys
from streams.batch import Batch
from streams.intake import LogRecord
from streams.outbox import Example
from streams.shares import share_of
from streams.trainer import Trainer

COUNTED = ("names", "clock", "stats", "row_lengths", "rows", "queue", "users", "user_lengths", "user_rows")


class Vectors:
    """Where vectors lie: a share of the items has one."""

    def __init__(self, share: float) -> None:
        self._share = share

    def get(self, items: Iterable[str]) -> dict[str, Any]:
        shares = {item: share_of(item) for item in items}
        return {
            item: np.random.default_rng(int(1e9 * share)).normal(size=4)
            for item, share in shares.items()
            if share < self._share
        }

    def announced(self, items: Iterable[str]) -> dict[str, int]:
        del items
        return {}


async def nowhere(_key: bytes, _value: bytes) -> None:
    pass


def trainer(described: float = 0.0, **more: Any) -> Trainer:
    unused: Any = None
    vectors: Any = Vectors(described)
    return Trainer(unused, Keys("c"), vectors, nowhere, **more)


def examples(count: int, junk: bool = False) -> list[Example]:
    chance = random.Random(0)
    found = []
    for n in range(count):
        strange = junk and chance.random() < 0.5
        user = f"junk{n}" if strange else f"u{chance.randrange(30)}"
        item = f"junk{n}" if strange else f"i{min(int(chance.expovariate(1 / 8)), 40)}"
        found.append(Example(user, item, 1.0, "click", 60_000 * (n + 1), f"e{n}"))
    return found


async def learned(those: Sequence[Example], cut: int = 100, **more: Any) -> Trainer:
    """A trainer that took the examples in records of `cut`."""
    one = trainer(**more)
    records = [
        LogRecord(number, None, msgspec.json.encode(those[at : at + cut]))
        for number, at in enumerate(range(0, len(those), cut))
    ]
    await one.take(Batch("examples", 0, 0, len(records), records))
    return one


async def test_the_lessons_are_chosen_by_id_and_never_by_load() -> None:
    those = examples(600)
    chosen = sum(share_of(each.identity) < 0.25 for each in those)
    assert 100 < chosen < 200
    slow, fast = await learned(those, cut=7, lessons=0.25), await learned(those, cut=600, lessons=0.25)
    for one in (slow, fast):
        assert (one.figures()["examples"], one.figures()["lessons"]) == (600, chosen)
    assert slow.default.blend.version == fast.default.blend.version > 50
    assert slow.default.save() == fast.default.save()
    assert slow.quality.figures() == fast.quality.figures()


async def test_counts_see_every_event_whatever_the_share() -> None:
    those = examples(600)
    whole, quarter = await learned(those), await learned(those, lessons=0.25)
    states = whole.default.state_dict(), quarter.default.state_dict()
    for name in COUNTED:
        assert np.array_equal(states[0][name], states[1][name]), name
    assert quarter.default.blend.version < 0.5 * whole.default.blend.version
    assert len(quarter.default.mf.items) < len(whole.default.mf.items) or (
        quarter.default.mf.state_dict()["mean"][0] < whole.default.mf.state_dict()["mean"][0]
    )


async def test_the_tested_are_chosen_by_id_and_only_new_items_are_tested() -> None:
    those = examples(600)
    own: dict[str, set[str]] = {}
    wanted = 0
    for each in those:
        mine = own.setdefault(each.user_id, set())
        wanted += each.item_id not in mine and share_of(each.identity) < 0.5
        mine.add(each.item_id)
    one = await learned(those, tested=0.5)
    assert one.quality.tested == wanted > 50
    assert (await learned(those, tested=0.0)).quality.tested == 0


async def test_repeated_examples_count_once() -> None:
    those = examples(100)
    once, twice = await learned(those), await learned([*those, *those[50:]])
    assert twice.figures() == once.figures()
    assert twice.default.save() == once.default.save()


@pytest.mark.parametrize("described", [0.0, 0.5])
async def test_a_flood_of_ids_is_bounded(described: float) -> None:
    caps = Caps(users=40, items=100)
    those = examples(2_800, junk=True)
    one = await learned(those, caps=caps, described=described)
    state = one.default.state
    assert state.dictionary.live <= 100
    assert len(state.dictionary) <= 2 * 100 + SPARE
    assert len(state.queue) <= 40
    assert len(one.default.mf.items) <= 100
    assert len(one.default.mf.users) <= 40
    assert len(one.default.content.vectors) <= 2 * 100 + SPARE
    # What people come back to stays, and is what is recommended.
    assert {f"i{n}" for n in range(15)} <= set(state.dictionary.index)
    listed = one.default.recommend("somebody new", 10)
    assert sum(item.startswith("i") for item in map(str, listed)) >= 8
    if not described:  # vectors come when they come; all else is a function of the examples
        other = await learned(those, cut=33, caps=caps)
        assert other.default.save() == one.default.save()


async def test_one_account_reaches_as_far_as_the_setting_says() -> None:
    those = [Example("u1", "i1", 1.0, "click", 60_000 * n, f"e{n}") for n in range(1, 21)]
    counts = []
    for influence in (0, 1, 8):
        one = await learned(those, caps=Caps(100, 100, influence))
        counts.append(int(one.default.state.stats.table["counted"][0]) / 2520)
    assert counts[0] == 20
    assert counts[1] == 1
    assert counts[2] == pytest.approx(sum(1 / n for n in range(1, 9)), abs=0.01)


async def test_a_snapshot_goes_on_to_the_same(tmp_path: Path) -> None:
    those = examples(1_400, junk=True)
    more: dict[str, Any] = {"caps": Caps(users=40, items=100), "lessons": 0.5}
    whole = await learned(those, **more)
    before = await learned(those[:1_000], snapshot=tmp_path / "trainer.npz", **more)
    await before.stop()
    after = trainer(snapshot=tmp_path / "trainer.npz", **more)
    after.restore()
    assert after.next_offset == 10
    records = [
        LogRecord(10 + number, None, msgspec.json.encode(those[at : at + 100]))
        for number, at in enumerate(range(1_000, 1_400, 100))
    ]
    await after.take(Batch("examples", 0, 10, 14, records))
    assert after.figures() == whole.figures()
    assert after.default.save() == whole.default.save()


async def test_a_snapshot_of_another_version_or_log_is_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "trainer.npz"
    before = await learned(examples(60), snapshot=path)
    await before.stop()
    whole = path.read_bytes()
    for harmed in (whole[:-20], pack({**unpack(whole), "format": 1}), pack({**unpack(whole), "cluster": "other"})):
        path.write_bytes(harmed)
        after = trainer(snapshot=path)
        after.restore()
        assert (after.next_offset, after.figures()["examples"]) == (0, 0)
    path.write_bytes(whole)
    after = trainer(snapshot=path)
    after.restore()
    assert (after.next_offset, after.figures()["examples"]) == (1, 60)
