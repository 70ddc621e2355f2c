"""What re-ranking does to lists on planted tastes: fatigue, caps, rules, calibration, contexts, the newcomer."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from online_models.context_trends import ContextTrends
from recommender.calibration import distance, furthest
from recommender.events import Profile
from recommender.fatigue import HALF_LIFE_MS
from recommender.query import Boost, Query, RecommendationList
from serving.adjusting import House

from .planted import GROUPS, SIZE, World

STILL = House(exploration=0.0)
"""Without seats by chance: what a list owes to its dials alone."""


def ids(answer: RecommendationList) -> list[str]:
    return [item.item_id for item in answer.items]


def groups(answer: RecommendationList) -> Counter[str]:
    return Counter(name.rstrip("0123456789") for name in ids(answer))


def parts_of(answer: RecommendationList) -> set[str]:
    return {reason.part for item in answer.items for reason in item.reasons or ()}


def check(answer: RecommendationList) -> None:
    """In score order, and the reasons add up."""
    scores = [item.score for item in answer.items]
    assert scores == sorted(scores, reverse=True)
    for item in answer.items:
        assert sum(reason.score for reason in item.reasons or ()) == pytest.approx(item.score, abs=1e-6)


async def test_what_was_shown_is_not_listed_again_until_nothing_else_is_left() -> None:
    world = World(house=STILL)
    first = ids(await world.service.recommend(Query(user_id="u0", n=10)))
    assert ids(await world.service.recommend(Query(user_id="u0", n=10))) == first, "asking alone shows nothing"
    world.show("u0", first, at=2000, request="r1")
    second = await world.service.recommend(Query(user_id="u0", n=10, explain=True))
    check(second)
    assert not set(first) & set(ids(second))
    everything = await world.service.recommend(Query(user_id="u0", n=100, explain=True))
    check(everything)
    assert "fatigue" in parts_of(everything)
    assert set(ids(everything)[-len(first) :]) == set(first)
    # It is taken from the next best, not from anywhere.
    plain = ids(await world.service.recommend(Query(user_id="u0", n=100, fatigue=0.0)))
    assert ids(second) == plain[10:20]
    assert plain[:10] == first


async def test_consecutive_lists_go_through_the_catalogue_and_come_back() -> None:
    world = World(house=STILL)
    plain = ids(await world.service.recommend(Query(user_id="u0", n=100)))
    lists: list[list[str]] = []
    for request in range(6):
        made = ids(await world.service.recommend(Query(user_id="u0", n=6)))
        assert not lists or not set(made) & set(lists[-1])
        assert max(plain.index(name) for name in made) < 6 + 6 * len(lists), "no further down than was shown"
        lists.append(made)
        world.show("u0", made, request=f"r{request}")
    assert set(lists[0]) & set(lists[-1]), "it wears off"


async def test_fatigue_wears_off_with_time_and_spares_what_was_chosen() -> None:
    world = World(house=STILL)
    first = ids(await world.service.recommend(Query(user_id="u0", n=5)))
    world.show("u0", first, at=2000)
    world.learn("u0", first[0], at=2001)
    again = ids(await world.service.recommend(Query(user_id="u0", n=40, repeat=True)))
    assert again.index(first[0]) < min(again.index(name) for name in first[1:])
    for user in range(30):  # time goes by with other people's events
        world.learn(f"u{user}", f"{GROUPS[user % 2]}{user % SIZE}", at=2000 + 40 * HALF_LIFE_MS)
    later = await world.service.recommend(Query(user_id="u0", n=5, explain=True))
    fatigue = [reason.score for item in later.items for reason in item.reasons or () if reason.part == "fatigue"]
    assert all(abs(score) < 1e-6 for score in fatigue)


async def test_shown_in_the_request_is_for_those_without_a_history() -> None:
    world = World()
    first = ids(await world.service.recommend(Query(n=10)))
    second = await world.service.recommend(Query(n=10, shown=first, explain=True))
    check(second)
    assert not set(first) & set(ids(second))
    assert set(first) & set(ids(await world.service.recommend(Query(n=10, shown=first, fatigue=0.0))))
    silent = World(house=House(fatigue=0.0, exploration=0.0))
    assert ids(await silent.service.recommend(Query(n=10, shown=ids(await silent.service.recommend(Query(n=10)))))) == [
        *ids(await silent.service.recommend(Query(n=10)))
    ]


async def test_a_cap_holds_and_says_what_it_kept_out() -> None:
    world = World()
    plain = await world.service.recommend(Query(user_id="u0", n=10))
    assert groups(plain)["sea"] > 3
    for asked in (Query(user_id="u0", n=10, max_per_category=3), Query(user_id="u0", n=6, max_per_category=3)):
        answer = await world.service.recommend(
            Query(user_id="u0", n=asked.n, max_per_category=3, diversity=0.3, explain=True)
        )
        check(answer)
        assert groups(answer) == {"sea": 3, "sky": 3}
    assert "capped" in {entry.rule for entry in answer.left_out or ()}
    capped = World(house=House(max_per_category=2))
    assert set(groups(await capped.service.recommend(Query(user_id="u0"))).values()) == {2}
    assert set(groups(await capped.service.recommend(Query(user_id="u0", max_per_category=4))).values()) == {4}


async def test_rules_raise_and_bury_as_a_part_of_the_score() -> None:
    world = World(house=House(rules=(Boost(-50.0, category="sea"),), exploration=0.0))
    answer = await world.service.recommend(Query(user_id="u0", n=10, explain=True))
    assert groups(answer) == {"sky": 10}
    raised = [Boost(100.0, category="sea", domain="test")]
    answer = await world.service.recommend(Query(user_id="u1", n=5, rules=raised, explain=True))
    check(answer)
    assert groups(answer) == {"sea": 5}
    assert {r.score for item in answer.items for r in item.reasons or () if r.part == "rule"} == {50.0}


@pytest.mark.parametrize("liked", [9, 6, 3])
async def test_a_calibrated_list_has_the_mix_of_the_history(liked: int) -> None:
    world = World(clicks=False, announce=False)
    for group in GROUPS:
        for n in range(40):
            world.announce(f"{group}{n}", group, n)
    rng = np.random.default_rng(3)
    for step in range(800):  # the sea is what everybody likes
        group = GROUPS[int(rng.random() < 0.1)]
        world.learn(f"v{rng.integers(30)}", f"{group}{rng.integers(40)}", at=1000 + step)
    for n in range(12):
        world.learn("me", f"{'sea' if n < liked else 'sky'}{n}", at=2000 + n)
    wanted = {"sea": liked / 12, "sky": 1 - liked / 12}

    async def apart(dial: float) -> float:
        answer = await world.service.recommend(Query(user_id="me", n=10, calibration=dial, explain=True))
        check(answer)
        assert len(answer.items) == 10
        counted = groups(answer)
        return distance({name: count / 10 for name, count in counted.items()}, wanted)

    assert await apart(1.0) <= furthest(2, 10)
    first = ids(await world.service.recommend(Query(user_id="me", n=10, calibration=1.0)))
    world.show("me", first, at=2100)
    again = await world.service.recommend(Query(user_id="me", n=10, calibration=1.0))
    assert not set(first) & set(ids(again)), "neither the mix nor what was shown gives way to the other"
    assert await apart(1.0) <= furthest(2, 10)
    assert await apart(1.0) <= await apart(0.5) + 1e-9 <= await apart(0.0) + 2e-9


async def test_somebody_new_gets_what_is_liked_where_they_are() -> None:
    trends = ContextTrends()
    world = World(around=trends.around, house=STILL)
    for step in range(200):
        here = step % 2
        item = f"{GROUPS[here]}{step % 5}"
        world.learn(f"w{step}", item, at=3000 + step)
        trends.learn(item, 3000 + step, {"country": ("DE", "FR")[here], "device": "phone"})
    tops = {
        country: await world.service.recommend(Query(user_id="new", n=5, context={"country": country}, explain=True))
        for country in ("DE", "FR")
    }
    for country, group in (("DE", "sea"), ("FR", "sky")):
        check(tops[country])
        assert groups(tops[country]) == {group: 5}
        assert "trend_context" in parts_of(tops[country])
        assert "context" in {source for item in tops[country].items for source in item.sources}
    elsewhere = await world.service.recommend(Query(user_id="new", n=5, context={"country": "PT"}, explain=True))
    assert "trend_context" not in parts_of(elsewhere)
    world.profiles["new"] = Profile("new", 1, attributes={"country": "FR"})
    assert groups(await world.service.recommend(Query(user_id="new", n=5))) == {"sky": 5}
    world.learn("new", "sea9", at=4000)
    fades = await world.service.recommend(Query(user_id="new", n=5, explain=True))
    assert groups(fades)["sea"] > 0


async def test_session_attributes_and_other_ids_in_the_request() -> None:
    world = World(house=STILL)
    session = await world.service.recommend(Query(session=["sky1", "sky2"], n=10))
    assert groups(session) == {"sky": 10}
    assert {"sky1", "sky2"} & set(ids(await world.service.recommend(Query(session=["sky1", "sky2"], n=40))))
    # What is going on now counts beside the history.
    plain = ids(await world.service.recommend(Query(user_id="u0", n=40)))
    bent = ids(await world.service.recommend(Query(user_id="u0", session=["sky1", "sky2", "sky3", "sky4"], n=40)))
    assert np.mean([bent.index(f"sky{n}") for n in range(5, 12)]) < np.mean(
        [plain.index(f"sky{n}") for n in range(5, 12)]
    )
    said = await world.service.recommend(Query(attributes={"age": 30, "likes": ["sky"]}, n=10))
    assert groups(said) == {"sky": 10}
    world.learn("cookie", "sky1")
    world.learn("cookie", "sky2")
    known = await world.service.recommend(Query(user_id="brand new", same_as=["cookie", "nobody"], n=10))
    assert groups(known) == {"sky": 10}
    assert not {"sky1", "sky2"} & set(ids(known))


async def test_a_new_item_is_found_from_its_first_second() -> None:
    world = World()
    for at in range(5):
        world.learn("fan", f"sky{at}", at=5000 + at)
    before = ids(await world.service.recommend(Query(user_id="fan")))
    world.announce("sky-new", "sky", 99)  # no event, a vector
    world.announce("sky-bare", "sky", vector=False)  # no event, no vector yet
    assert "sky-new" not in before
    assert "sky-new" in ids(await world.service.recommend(Query(user_id="fan")))
    assert ids(await world.service.recommend(Query(text="sky", n=100, fatigue=0.0))).index("sky-new") < SIZE + 1
    assert "sky-bare" in ids(await world.service.recommend(Query(user_id="fan", n=100)))
