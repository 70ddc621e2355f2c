from __future__ import annotations

import numpy as np
import pytest

from online_models.mf_part import MfPart
from online_models.own_items import OwnItems
from online_models.river_mf import BiasedMF
from online_models.sessions import gap_ms, session_length, votes_in_session

MINUTE = 60_000
NOW = 10_000 * MINUTE


@pytest.mark.parametrize(
    ("ages", "expected"),
    [((), 0), ((31,), 0), ((30,), 1), ((0, 10, 39, 70, 71), 3), ((-500, 20), 2), ((5, 4, 3), 3)],
)
def test_a_session_ends_where_nothing_happened_for_half_an_hour(ages: tuple[int, ...], expected: int) -> None:
    times = np.array([NOW - age * MINUTE for age in ages], np.int64)
    assert session_length(times, NOW) == expected
    weights = np.array([-1, *[1] * len(ages)])[: len(ages)]
    assert votes_in_session(times, weights, NOW) == max(0, expected - 1)


def test_the_gap_is_never_negative_for_somebody_known() -> None:
    assert gap_ms(np.array([NOW - 5, NOW - 9]), NOW) == 5.0
    assert gap_ms(np.array([NOW + 5]), NOW) == 0.0
    assert gap_ms(np.zeros(0, np.int64), NOW) < 0.0


def test_own_items_are_counted_from_the_newest() -> None:
    own = OwnItems()
    empty = own.table[:12].copy()
    items, times = np.array([5, 9, 5, 2, 5]), np.array([100, 200, 400, 450, 800])
    assert own.read(items, times, np.array([1, 2, 3, 4, 5]), known=3_000).tolist() == [5, 2, 9]
    assert own.table[[5, 2, 9]].tolist() == [[0, 3, 800, 350, 5], [1, 1, 450, -1, 4], [3, 1, 200, -1, 2]]
    own.clear()
    np.testing.assert_array_equal(own.table[:12], empty)


def test_the_factorisations_part_follows_rows_that_change_hands() -> None:
    mf = BiasedMF(n_factors=3, max_items=4)
    part = MfPart(mf)
    index = {f"i{number}": number for number in range(9)}
    for number in (0, 1, 2, 3, 0, 5, 6, 0, 8, 1):
        mf.learn_one("u1", f"i{number}", 1.0)
        part.note(number, f"i{number}")
    everything = np.arange(9)
    for user in ("u1", "nobody"):
        expected = [
            mf.predict_one(user, name) - mf.user_level(user) if name in mf.items.slots else 0.0 for name in index
        ]
        assert part.of(user, everything).tolist() == pytest.approx(expected, abs=1e-12)
    again = MfPart(mf)
    again.start({name: index[str(name)] for name in mf.items.slots})
    assert again.of("u1", everything).tolist() == part.of("u1", everything).tolist()
    assert not again.of("u1", np.array([5_000])).any()
