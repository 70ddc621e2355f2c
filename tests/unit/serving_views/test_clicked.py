"""The click model in lists: nothing without lessons, a part that can be recomputed from the record with them."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from online_models.choices import Choices
from online_models.click_features import buckets_of, columns, item_bucket
from online_models.click_weights import ClickWeights
from recommender.decision import Decision, decision_of, decode_decision
from recommender.query import Query, Served

from .planted import World

CONTEXT = {"device": "phone", "country": "DE"}
QUERIES = [
    Query(user_id="u0", context=CONTEXT),
    Query(user_id="u1", n=30, repeat=True),
    Query(user_id="u3", n=5, diversity=0.5),
    Query(user_id="nobody known"),
    Query(n=7),
]


def told(choices: float, **items: float) -> dict[str, Any]:
    """Published weights: new items for more on phones, items' own weights as given."""
    return {
        "version": 77,
        "choices": choices,
        "centre": {"score": 1.0, "age": 0.1, "popularity": 2.0, "part:covisit": 0.5},
        "weights": {"score": 0.6, "age": -0.2, "popularity": 0.1, "part:covisit": 0.3},
        "words": {"device:13": [0.1, -0.5, 0.0]},
        "items": {str(item_bucket(item)): weight for item, weight in items.items()},
    }


def recorded(served: Served) -> Decision:
    return decode_decision(msgspec.json.encode(decision_of(served, 7)))


def plain(served: Served) -> dict[str, Any]:
    body: dict[str, Any] = msgspec.to_builtins(served)
    return {name: value for name, value in body.items() if name not in ("took_ms", "request_id")}


async def test_without_lessons_lists_are_the_blends_to_the_bit() -> None:
    blend = World()
    untaught = World(click_weights=ClickWeights())
    few = World(click_weights=ClickWeights(told(499.0, sea1=3.0)))
    for query in QUERIES:
        expected = await blend.service.recommend(query)
        assert expected.versions.clicks == 0
        for world in (untaught, few):
            assert plain(await world.service.recommend(query)) == plain(expected)


@pytest.mark.parametrize("query", QUERIES)
async def test_the_part_can_be_computed_from_what_is_recorded(query: Query) -> None:
    weights = ClickWeights(told(5_000.0, sea1=1.5, sky1=1.5))
    served = await World(click_weights=weights).service.recommend(msgspec.structs.replace(query, explain=True))
    decision = recorded(served)
    facts = decision.facts
    assert facts is not None
    assert decision.versions.clicks == 77
    values = np.array(decision.parts.values)
    names = decision.parts.names
    assert names[facts.parts] == "click_model"
    known = columns(names[: facts.parts], values[:, : facts.parts], facts.ages_ms, facts.counts)
    again = weights.part(buckets_of(item.item_id for item in decision.items), known, facts.words)
    assert again.any()
    assert again.tolist() == pytest.approx(values[:, facts.parts].tolist(), abs=1e-6)
    for item in served.items:
        assert item.reasons is not None
        assert sum(reason.score for reason in item.reasons) == pytest.approx(item.score, abs=1e-6)


async def test_an_items_own_weight_brings_it_up_and_the_reason_is_said() -> None:
    query = Query(user_id="u0", explain=True)
    before = [item.item_id for item in (await World().service.recommend(query)).items]
    low = before[-2]
    served = await World(click_weights=ClickWeights(told(50_000.0, **{low: 4.0}))).service.recommend(query)
    assert [item.item_id for item in served.items].index(low) < before.index(low)
    lifts = {item.item_id: r.score for item in served.items for r in item.reasons or () if r.part == "click_model"}
    assert max(lifts, key=lambda item: lifts[item]) == low


@pytest.mark.parametrize(
    "query", [Query(text="sky"), Query(user_id="u0", strategy="content"), Query(strategy="popularity")]
)
async def test_only_lists_by_the_blends_weights_have_it(query: Query) -> None:
    weights = ClickWeights(told(5_000.0, sea1=1.5, sky1=1.5))
    served = await World(click_weights=weights).service.recommend(query)
    assert served.facts is None
    assert "click_model" not in served.parts.names
    choices = Choices()
    choices.served(recorded(served))
    assert not choices.lists


async def test_asking_leaves_the_weights_as_they_were() -> None:
    weights = ClickWeights(told(5_000.0, sea1=1.5))
    world = World(click_weights=weights)
    first = plain(await world.service.recommend(QUERIES[0]))
    for query in QUERIES:
        await world.service.recommend(query)
    assert plain(await world.service.recommend(QUERIES[0])) == first


async def test_what_is_recorded_names_the_context_and_the_session() -> None:
    world = World()
    world.now = 3 * 3_600_000
    for step in range(4):
        world.learn("fresh", f"sky{step}", at=2_000 + step * 60_000)
    facts = (await world.service.recommend(Query(user_id="fresh", context={**CONTEXT, "device": ["x"]}))).facts
    assert facts is not None
    assert facts.words[:3] == ["hour:0", "weekday:3", "session:3"]
    assert [word.split(":")[0] for word in facts.words[3:]] == ["country"]
