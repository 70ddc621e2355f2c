"""Items that left give their numbers back; what is known of those that stay, and of every user, is as it was."""

import random
from typing import Any

import numpy as np
import pytest

from online_models.caps import Caps
from online_models.default import Default
from online_models.packed_users import IN_HAND, PackedUsers
from online_models.partition_state import PartitionState
from recommender.events import Interaction

USERS = [f"u{n}" for n in range(20)]


def crowded(vectors: bool) -> Default:
    """A model of 120 items at most that met 60 that come back, some with vectors, and some 400 seen once."""
    chance, rng = random.Random(1), np.random.default_rng(2)
    model = Default(caps=Caps(users=50, items=120))
    for n in range(1_200):
        strange = chance.random() < 0.35
        item = f"once{n}" if strange else f"i{chance.randrange(60)}"
        user = f"once{n}" if chance.random() < 0.2 else chance.choice(USERS)
        kind, weight = chance.choice([("click", 1.0), ("purchase", 3.0), ("view", 0.2), ("dislike", -1.0)])
        model.learn_one(user, item, weight, {"timestamp": 60_000 * (n + 1), "type": kind})
    if vectors:
        for name in sorted(model.state.dictionary.index)[::2]:
            model.add_item(name, vector=rng.normal(size=6), timestamp=1_000)
    return model


def known(model: Default) -> dict[str, Any]:
    state = model.state
    names = state.dictionary.names
    told: dict[str, Any] = {}
    for item, index in state.dictionary.index.items():
        stats = state.stats.table[index]
        row = sorted((names[other], c, t) for other, c, t in state.rows.row(index).tolist() if names[other])
        told[item] = (stats.tobytes(), row, [model.predict_one(user, item) for user in USERS[:5]])
    for user in USERS:
        if (row_of := state.user(user)) is not None:
            items = [names[index] for index in row_of.items.tolist()]
            refused = {names[index]: kind for index, kind in row_of.refused.items() if names[index]}
            told[user] = (row_of.total, items, row_of.times.tolist(), row_of.weights.tolist(), refused)
    return told


@pytest.mark.parametrize("vectors", [False, True])
def test_nothing_that_is_known_changes(vectors: bool) -> None:
    model = crowded(vectors)
    assert len(model.state.dictionary) > 300
    before = known(model)
    model.renumber()
    assert len(model.state.dictionary) == model.state.dictionary.live + 1 <= 121
    assert known(model) == before
    again = Default(caps=model.caps)
    again.load(model.save())
    assert known(again) == before
    for learner in (model, again):
        learner.learn_one("u1", "i3", 1.0, {"timestamp": 10**9, "type": "click"})
        learner.learn_one("u2", "quite new", 1.0, {"timestamp": 10**9 + 1, "type": "click"})
    assert again.save() == model.save()


def test_the_vectors_of_items_that_left_are_in_no_mean() -> None:
    model = crowded(vectors=True)
    for n in range(2_000, 2_200):
        model.learn_one("u1", f"once{n}", 1.0, {"timestamp": 60_000 * n, "type": "click"})
    held = len(model.content.vectors)
    model.renumber()
    space = model.content.vectors
    kept = np.flatnonzero(space.has(np.arange(len(model.state.dictionary))))
    assert 0 < len(space) == len(kept) < held
    vectors = space.state_dict(len(model.state.dictionary))["vectors"]
    assert space.mean == pytest.approx(vectors.mean(axis=0, dtype=np.float64), abs=1e-5)


def test_users_out_of_hand_are_as_users_in_hand() -> None:
    packed = PackedUsers()
    small = PartitionState(source=packed, max_users=3, forgotten=packed.forgotten, caps=Caps(8, 1_000))
    large = PartitionState(caps=Caps(8, 1_000))
    chance = random.Random(3)
    for n in range(400):
        event = Interaction(
            f"u{chance.randrange(12)}", chance.choice(["click", "hide"]), n + 1, f"i{chance.randrange(9)}"
        )
        small.fold([event])
        large.fold([event])
        packed.pack(small)
    assert list(small.queue) == list(large.queue)
    for n in range(12):
        mine, other = small.user(f"u{n}"), large.user(f"u{n}")
        assert (None if mine is None else mine.to_bytes()) == (None if other is None else other.to_bytes())
    packed.erase(small, "u1", 10_000)
    assert small.user("u1") is None
    assert "u1" not in packed.rows
    for n in range(5):  # they leave the hand, and who was forgotten stays so
        small.fold([Interaction(f"other{n}", "click", 500, "i1")])
        packed.pack(small)
    small.fold([Interaction("u1", "click", 9_999, "i1")])
    packed.pack(small)
    assert small.user("u1") is None


def test_who_is_forgotten_stays_so_when_numbers_are_given_anew() -> None:
    model = crowded(vectors=False)
    model.forget_user("u3", 10**9)
    model.renumber()
    model.learn_one("u3", "i1", 1.0, {"timestamp": 10**9 - 1, "type": "click"})
    assert model.state.user("u3") is None
    assert "u3" not in model.state_dict()["users"]
    assert len(model.state.users.ids) < IN_HAND
