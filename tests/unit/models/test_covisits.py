from __future__ import annotations

import math
import random
from collections import defaultdict

import numpy as np
import pytest

from online_models.item_item import ItemItem
from online_models.item_stats import stats_dtype
from online_models.kernels import HALF_LIVES_MS
from online_models.leaders import Leaders


def test_item_item_is_its_formula() -> None:
    rng = random.Random(0)
    model = ItemItem(fade=0.8)
    pairs: dict[tuple[str, str], float] = defaultdict(float)
    order: dict[tuple[str, str], float] = defaultdict(float)
    count: dict[str, float] = defaultdict(float)
    rings: dict[str, list[str]] = defaultdict(list)
    for _ in range(500):
        user, item, given = f"u{rng.randrange(8)}", f"i{rng.randrange(25)}", float(rng.choice([1, 2, 3]))
        nth = rings[user].count(item) + 1
        weight = int(given * 2520) // nth / 2520 if nth <= 8 else 0.0
        for distance, held in enumerate(rings[user][::-1][:50]):
            if held != item:
                pairs[held, item] += weight
                pairs[item, held] += weight
                order[held, item] += weight * 2520 // (distance + 1) / 2520 if distance < 10 else 0.0
        count[item] += weight
        rings[user].append(item)
        model.learn_one(user, item, given)
    for user, item in ((user, f"i{n}") for user in rings for n in range(25)):
        expected = sum(
            0.8**distance * (pairs[held, item] + 2 * order[held, item]) / math.sqrt(count[held] + 1)
            for distance, held in enumerate(rings[user][::-1][:50])
        ) / math.sqrt(count[item] + 1)
        assert model.predict_one(user, item) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("together", [1, 7])
def test_leaders_are_those_a_scan_would_find(together: int) -> None:
    rng = random.Random(1)
    half_lives = HALF_LIVES_MS[[0, 1]]
    leaders, stats = Leaders(size=20, half_lives=(0, 1)), np.zeros(3000, stats_dtype(1))
    waiting: list[int] = []
    for now in range(0, 1_500_000_000, 250_000):
        item = min(int(rng.expovariate(0.005)), 2999)
        waiting.append(item)
        faded = 2.0 ** (-(now - stats["popularity_at"][item]) / half_lives)
        stats["popularity"][item, :2] = stats["popularity"][item, :2] * faded + 1.0
        stats["popularity_at"][item] = now
        if len(waiting) == together:
            leaders.update(np.array(waiting), stats)
            waiting.clear()
    leaders.update(np.array(waiting, np.int64), stats)
    decayed = stats["popularity"][:, :2] * 2.0 ** (-(now - stats["popularity_at"])[:, None] / half_lives)
    for row in range(2):
        assert leaders.of(row).tolist() == sorted(np.argsort(-decayed[:, row])[:20].tolist())
    copy = Leaders(size=20, half_lives=(0, 1))
    copy.load_state(leaders.state_dict(3000))
    assert copy.of(0).tolist() == leaders.of(0).tolist()
