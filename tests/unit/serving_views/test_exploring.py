"""Seats for fresh items: by chance, with the probabilities that are recorded, and the same for the same request."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import numpy as np
import pytest

from recommender.decision import Decision, decision_of, decode_decision
from recommender.query import Query
from serving.adjusting import House
from serving.exploring import ARMS, COLD_EVENTS

from .planted import SIZE, World

FRESH = 14


def fresh_world(share: float = 0.1, **more: Any) -> World:
    """Two tastes, and items of both that nobody has met yet."""
    world = World(house=House(exploration=share), **more)
    for n in range(FRESH):
        world.announce(f"new{n}", ("sea", "sky")[n % 2], 100 + n)
    return world


async def decided(world: World, request: str, user: str = "u1", **query: Any) -> Decision:
    served = await world.service.recommend(Query(user_id=user, request_id=request, **query))
    decision = decode_decision(msgspec.json.encode(decision_of(served, 1)))
    scores = [item.score for item in decision.items]
    assert scores == sorted(scores, reverse=True)
    for score, values in zip(scores, decision.parts.values, strict=True):
        assert sum(values) == pytest.approx(score, abs=1e-6)
    return decision


def names(decision: Decision) -> list[str]:
    return [item.item_id for item in decision.items]


async def test_shown_items_come_as_often_as_their_propensities_say() -> None:
    world = fresh_world()
    requests = 1_500
    shown: Counter[str] = Counter()
    for n in range(requests):
        decision = await decided(world, f"r{n}")
        (seat,) = decision.seats
        taken = names(decision)[seat.place]
        assert decision.propensities[seat.place] == seat.propensity(taken) < 1.0
        assert all(p == 1.0 for place, p in enumerate(decision.propensities) if place != seat.place)
        assert seat.pool == FRESH
        shown[taken] += 1
    told = {arm.item_id: arm.propensity for arm in seat.arms}
    told.update({f"new{n}": seat.other for n in range(FRESH) if f"new{n}" not in told})
    assert sum(told.values()) == pytest.approx(1.0)
    assert min(told.values()) > 0.005
    # Pearson's chi-square with 13 degrees of freedom: above 34.5 once in a thousand.
    counts = np.array([shown[name] for name in told])
    expected = requests * np.array(list(told.values()))
    assert float(((counts - expected) ** 2 / expected).sum()) < 34.5
    # Most of it goes to those that suit the user.
    assert sum(p for name, p in told.items() if int(name[3:]) % 2) > 0.75


async def test_several_seats_are_draws_of_their_own() -> None:
    world = fresh_world(0.3)
    pairs: Counter[tuple[str, ...]] = Counter()
    for n in range(600):
        decision = await decided(world, f"r{n}")
        assert len(decision.seats) == 3
        assert len(set(names(decision))) == 10
        reached = [{arm.item_id for arm in seat.arms} for seat in decision.seats]
        assert sum(map(len, reached)) == len(set.union(*reached)) == FRESH
        pairs[tuple(names(decision)[seat.place] for seat in decision.seats)] += 1
    first, second = ({arm.item_id: arm.propensity for arm in seat.arms} for seat in decision.seats[:2])
    best = max(first, key=first.__getitem__), max(second, key=second.__getitem__)
    both = sum(count for taken, count in pairs.items() if taken[:2] == best) / 600
    assert both == pytest.approx(first[best[0]] * second[best[1]], abs=0.06)


async def test_the_same_request_gives_the_same_list() -> None:
    world, again = fresh_world(), fresh_world()
    for n in range(20):
        one = await decided(world, f"r{n}")
        assert one.items == (await decided(world, f"r{n}")).items == (await decided(again, f"r{n}")).items
    # A question without a request_id is given one, and chance goes by that.
    (unnamed, named) = [
        await fresh_world(fresh_id=lambda: "r3").service.recommend(Query(user_id="u1", request_id=name))
        for name in (None, "r3")
    ]
    assert (unnamed.request_id, unnamed.items) == ("r3", named.items)


async def test_without_a_share_the_list_is_what_it_would_be_without_fresh_items_seats() -> None:
    plain = await decided(fresh_world(0.0), "r")
    assert (plain.seats, plain.propensities) == ([], [1.0] * 10)
    assert "newcomer" not in plain.parts.names
    given = await decided(fresh_world(), "r")
    assert names(given)[:9] == names(plain)[:9]
    assert [item.score for item in given.items[:9]] == [item.score for item in plain.items[:9]]


async def test_seats_are_a_share_of_the_list() -> None:
    world = fresh_world()
    for n, seats in ((4, 0), (5, 1), (10, 1), (15, 2), (20, 2)):
        assert len((await decided(world, "r", n=n)).seats) == seats
    everything = await decided(world, "r", n=100)
    assert (everything.seats, len(everything.items) > SIZE) == ([], True)
    assert not (await decided(world, "r", strategy="popularity")).seats
    assert not (await decided(world, "r", text="sky")).seats


async def test_all_seats_may_be_given_and_no_item_has_two() -> None:
    world = fresh_world(1.0)
    for n in range(50):
        decision = await decided(world, f"r{n}", n=18)
        assert len(set(names(decision))) == 18
        assert len(decision.seats) == FRESH
        assert [decision.propensities[seat.place] for seat in decision.seats] == [1.0] * FRESH


async def test_who_is_shown_in_vain_gives_the_seat_to_others() -> None:
    world = fresh_world()
    before = await decided(world, "r")
    likeliest = max(before.seats[0].arms, key=lambda arm: arm.propensity)
    for n in range(80):
        world.learn(f"v{n}", likeliest.item_id, "impression", at=3_000 + n)
    (seat,) = (await decided(world, "r")).seats
    arm = next(arm for arm in seat.arms if arm.item_id == likeliest.item_id)
    assert (arm.shown, arm.chosen) == (80, 0)
    assert arm.propensity < likeliest.propensity / 3
    for n in range(COLD_EVENTS):
        world.learn(f"v{n}", likeliest.item_id, "click", at=4_000 + n)
    # Impressions don't make an item warm, and choices bring it back.
    back = next(arm for arm in (await decided(world, "r")).seats[0].arms if arm.item_id == likeliest.item_id)
    assert back.chosen == COLD_EVENTS
    assert back.propensity > arm.propensity
    world.learn("v99", likeliest.item_id, "click", at=5_000)
    (seat,) = (await decided(world, "r")).seats
    assert likeliest.item_id not in {arm.item_id for arm in seat.arms}


async def test_exploration_shows_more_of_what_nobody_has_met() -> None:
    met: dict[float, set[str]] = {}
    for share in (0.0, 0.1, 0.3):
        world = fresh_world(share)
        met[share] = {
            name for n in range(120) for name in names(await decided(world, f"r{n}", f"u{n % 40}"))
            if name.startswith("new")
        }  # fmt: skip
    assert len(met[0.0]) < len(met[0.1]) <= len(met[0.3])
    assert len(met[0.1]) >= FRESH - 3


async def test_items_from_far_down_get_the_seat_now_and_then() -> None:
    world = World(house=House())
    for n in range(60):
        world.announce(f"new{n}", "sky", 100 + n)
    taken = []
    for n in range(400):
        decision = await decided(world, f"r{n}")
        (seat,) = decision.seats
        name = names(decision)[seat.place]
        assert len(seat.arms) == ARMS
        if name not in {arm.item_id for arm in seat.arms}:
            assert decision.propensities[seat.place] == seat.other
            taken.append(name)
    assert seat.pool == 60
    # A tenth of the probability, less what goes to the best ten of sixty.
    assert len(taken) / 400 == pytest.approx(0.1 * 50 / 60, abs=0.04)
    assert len(set(taken)) > 15
