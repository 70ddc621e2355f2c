from __future__ import annotations

import numpy as np
import pytest

from online_models.item_content import ItemContent
from online_models.state import pack, unpack
from online_models.vector_space import LAST, LONG, NEAR, SHORT, VectorSpace
from online_models.words import Words


def filled(items: int = 150, seed: int = 0) -> tuple[VectorSpace, np.ndarray]:
    """Every third item has no vector."""
    rng = np.random.default_rng(seed)
    space, vectors = VectorSpace(), np.zeros((items, 9))
    for item in rng.permutation(items).tolist():
        if item % 3:
            vectors[item] = rng.normal(size=9) + 0.5
            vectors[item] /= np.linalg.norm(vectors[item])
            space.put(item, vectors[item])
    return space, vectors


def test_the_neighbours_are_those_a_scan_finds() -> None:
    space, vectors = filled()
    rounded = vectors.astype(np.float16).astype(np.float64)
    for item in range(1, 150, 3):
        cosines = rounded @ rounded[item]
        cosines[::3] = -2.0
        cosines[item] = -2.0
        found = space.near(np.array([item]))
        assert len(set(found.tolist())) == len(found) == NEAR
        assert sorted(cosines[found]) == pytest.approx(sorted(np.sort(cosines)[-NEAR:]), abs=1e-6)
        assert space.near(np.array([item]), 3).tolist() == found[:3].tolist()
    assert not len(space.near(np.array([0, 3, 999])))


def test_likeness_is_its_formula() -> None:
    space, vectors = filled()
    rounded = vectors.astype(np.float16).astype(np.float64)
    ring = np.random.default_rng(1).permutation(150)[:40]
    held = np.array([item for item in ring.tolist() if item % 3])
    mean = rounded.sum(axis=0) / len(space)
    found = space.likeness(ring, np.arange(160))
    for item in range(160):
        if item >= 150 or item % 3 == 0:
            assert not found[item].any()
            continue
        interests = [rounded[held[:n]].mean(axis=0) - mean for n in (LONG, SHORT)]
        expected = [interest @ rounded[item] / np.linalg.norm(interest) for interest in interests]
        expected.append((rounded[held[:LAST]] @ rounded[item]).max())
        assert found[item].tolist() == pytest.approx(expected, abs=1e-5)


def test_an_item_scores_the_same_alone() -> None:
    space, _ = filled()
    ring, items = np.array([4, 7, 8]), np.arange(150)
    alone = np.concatenate([space.likeness(ring, items[item : item + 1]) for item in items])
    np.testing.assert_array_equal(space.likeness(ring, items), alone)


def test_a_changed_vector_takes_the_place_of_the_old() -> None:
    space, _ = filled()
    before = len(space)
    space.put(4, -np.arange(1.0, 10.0))
    fresh = VectorSpace()
    fresh.put(0, -np.arange(1.0, 10.0))
    assert len(space) == before
    assert space.likeness(np.array([4]), np.array([4]))[0, 2] == pytest.approx(1.0, abs=1e-3)


def test_both_spaces_and_the_words_go_on_alike_after_a_restart() -> None:
    one, other = ItemContent(), ItemContent()
    for item in range(30):
        vector = np.eye(5)[item % 5] + 0.01 * item if item % 2 else None
        one.put(item, vector, f"word{item % 4} and word{item % 7} 海边")
    other.load_state(unpack(pack(one.state_dict(30))))
    for content in (one, other):
        content.put(31, text="word1 and a new word")
        content.put(32, np.ones(5))
    ring, items = np.array([31, 32, 1, 2]), np.arange(33)
    np.testing.assert_array_equal(one.likeness(ring, items), other.likeness(ring, items))
    np.testing.assert_array_equal(one.near(ring, 5), other.near(ring, 5))
    assert pack(one.state_dict(33)) == pack(other.state_dict(33))


@pytest.mark.parametrize(
    ("text", "alike", "unlike"),
    [
        ("How do I brew a wheat beer?", "brewing: which yeast for a wheat beer", "what glass is for wine"),
        ("我喜欢阅读科幻小说", "刘慈欣的科幻小说", "今天天气很好"),
        ("海辺のカフカ", "カフカと海", "料理の本です"),
    ],
)
def test_texts_of_the_same_words_are_alike(text: str, alike: str, unlike: str) -> None:
    words = Words()
    for number in range(50):
        words.learn(f"a text about {number} and a beer")
    vectors = [words.learn(each) for each in (text, alike, unlike)]
    wanted, near, far = (vector for vector in vectors if vector is not None)
    assert wanted @ near > wanted @ far + 0.1


@pytest.mark.parametrize("text", ["", "...", "🙂🙂", "\x00", "\ud800"])
def test_a_text_without_words_says_nothing(text: str) -> None:
    assert Words().learn(text) is None


def test_a_long_text_costs_no_more_than_its_beginning() -> None:
    one, other = Words(), Words()
    start = " ".join(f"w{number}" for number in range(2_000))
    np.testing.assert_array_equal(one.learn(start + " end" * 10**6), other.learn(start))
