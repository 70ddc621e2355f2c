"""Ten rounds in which everything that is learned comes from the lists that were made."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.in_memory import InMemory
from serving.adjusting import House

from .readers import Policy, Readers, Round, as_made, with_random_slot
from .size import LONG

ROUNDS = 10
SLACK = 0.02
"""In which two policies' losses may differ by chance."""
SEEDS = range(1, 6) if LONG else (1,)


async def rounds(policy: Policy, exploration: float, seed: int) -> list[Round]:
    """Ten rounds on a world that begins with what users took without lists."""
    readers = Readers(InMemory(partitions=2, house=House(exploration=exploration)), seed=seed)
    readers.begin(900)
    return [await readers.round(policy) for _ in range(ROUNDS)]


def ends(found: list[Round], name: str) -> tuple[float, float]:
    """A measure over the first two rounds and over the last two, as means."""
    values = [float(getattr(each, name)) for each in found]
    return float(np.mean(values[:2])), float(np.mean(values[-2:]))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", SEEDS)
async def test_coverage_and_minorities_survive_their_own_lists(seed: int) -> None:
    own = await rounds(as_made, 0.1, seed)
    random = await rounds(with_random_slot, 0.0, seed)
    for name, sign in (("coverage", 1.0), ("gini", -1.0)):
        losses = [sign * (first - last) for first, last in (ends(own, name), ends(random, name))]
        assert losses[0] <= losses[1] + SLACK, f"{name}: lost {losses[0]:.3f}, with a random slot {losses[1]:.3f}"
    before, after = ends(own, "minority")
    assert before > 0.7
    assert after > 0.9 * before
    # A tenth of each list is lost to a random slot: the minority's lists must not be worse than that.
    assert after > ends(random, "minority")[1]
