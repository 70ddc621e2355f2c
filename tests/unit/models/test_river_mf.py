from __future__ import annotations

import random

import numpy as np
import pytest
from river import optim, reco

from online_models.river_mf import BiasedMF, FunkMF
from online_models.rows import Rows, seeded_normal


def ratings(events: int = 400) -> list[tuple[str, str, float]]:
    rng = random.Random(3)
    return [(f"u{rng.randrange(9)}", f"i{rng.randrange(12)}", rng.uniform(-2.0, 2.0)) for _ in range(events)]


@pytest.mark.parametrize("l2", [0.0, 0.05])
def test_biased_mf_learns_as_rivers_own(l2: float) -> None:
    ours = BiasedMF(n_factors=5, bias_rate=0.05, latent_rate=0.1, l2_bias=l2, l2_latent=l2, seed=4)
    river = reco.BiasedMF(
        n_factors=5, bias_optimizer=optim.SGD(0.05), latent_optimizer=optim.SGD(0.1), l2_bias=l2, l2_latent=l2
    )
    for name in {user for user, _, _ in ratings()}:
        river.u_latents[name] = seeded_normal(name, 5, 0.1, "4:user")
    for name in {item for _, item, _ in ratings()}:
        river.i_latents[name] = seeded_normal(name, 5, 0.1, "4:item")
    for user, item, y in ratings():
        ours.learn_one(user, item, y)
        river.learn_one(user, item, y)  # type: ignore[no-untyped-call]
        assert ours.predict_one(user, item) == pytest.approx(river.predict_one(user, item), rel=1e-12, abs=1e-12)  # type: ignore[no-untyped-call]


def test_funk_mf_learns_as_rivers_own() -> None:
    ours = FunkMF(n_factors=5, latent_rate=0.05, l2_latent=0.01, seed=4)
    river = reco.FunkMF(n_factors=5, optimizer=optim.SGD(0.05), l2=0.01)
    for user, item, y in ratings():
        river.u_latents.setdefault(user, seeded_normal(user, 5, 0.1, "4:user"))
        river.i_latents.setdefault(item, seeded_normal(item, 5, 0.1, "4:item"))
        ours.learn_one(user, item, y)
        river.learn_one(user, item, y)  # type: ignore[no-untyped-call]
        assert ours.predict_one(user, item) == pytest.approx(river.predict_one(user, item), rel=1e-12, abs=1e-12)  # type: ignore[no-untyped-call]


def test_changed_rows_can_be_published() -> None:
    model = BiasedMF(n_factors=3, max_users=2)
    model.learn_many([("u1", "i1", 1.0, None), ("u2", "i2", 1.0, None), ("u1", "i2", -1.0, None)])
    assert (model.changed_users(), model.changed_items()) == (["u1", "u2"], ["i1", "i2"])
    rows = model.item_rows(model.changed_items())
    row = rows["i1"]
    assert row is not None
    assert (row.dtype, row.shape) == (np.dtype(np.float64), (4,))
    model.mark_published()
    assert (model.changed_users(), model.changed_items()) == ([], [])
    model.learn_one("u3", "i1", 1.0)
    assert model.changed_users() == ["u2", "u3"]
    assert [row is None for row in model.user_rows(["u2", "u3"]).values()] == [True, False]
    # A reader's score from published rows is the model's own.
    user, item = model.user_rows(["u3"])["u3"], model.item_rows(["i2"])["i2"]
    assert user is not None
    assert item is not None
    mean = model.user_level("nobody")
    assert mean + user[0] + item[0] + user[1:] @ item[1:] == pytest.approx(model.predict_one("u3", "i2"), rel=1e-5)


def test_rows_are_bounded_and_the_same_is_evicted_everywhere() -> None:
    models = [BiasedMF(n_factors=2, max_users=3, max_items=4) for _ in range(2)]
    for model in models:
        model.learn_many([(user, item, y, None) for user, item, y in ratings()])
        assert (len(model.users), len(model.items), len(model.known())) == (3, 4, 4)
    assert models[0].save() == models[1].save()
    newest_first = dict.fromkeys(user for user, _, _ in reversed(ratings()))
    assert list(models[0].users.slots) == list(newest_first)[:3][::-1]


def test_an_evicted_row_starts_anew() -> None:
    rows = Rows(width=2, limit=1, sigma=0.1, salt="u")
    first = rows.data[rows.touch("a")].copy()
    rows.bias["a"] = 5.0
    rows.touch("b")
    assert rows.get("a") is None
    assert rows.bias["a"] == 0.0
    assert rows.factors["a"].tolist() == [0.0, 0.0]
    np.testing.assert_array_equal(rows.data[rows.touch("a")], first)


def test_seeded_rows_look_normal_and_depend_on_id_and_salt() -> None:
    sample = np.concatenate([seeded_normal(f"u{n}", 10, 0.1, "0:user") for n in range(2000)])
    assert abs(sample.mean()) < 0.003
    assert sample.std() == pytest.approx(0.1, rel=0.02)
    assert np.mean(np.abs(sample) < 0.1) == pytest.approx(0.683, abs=0.01)
    different = [seeded_normal(*key).tolist() for key in (("1", 2, 1.0, "a"), (1, 2, 1.0, "a"), ("1", 2, 1.0, "b"))]
    assert len({tuple(numbers) for numbers in different}) == 3


@pytest.mark.parametrize("params", [{"n_factors": 0}, {"max_users": 0}, {"max_items": 0}])
def test_wrong_bounds_are_refused(params: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        BiasedMF(**params)
