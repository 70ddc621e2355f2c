"""What is recorded of a served list, and how a single item stands."""

from __future__ import annotations

import msgspec
import pytest

from recommender.decision import decision_of, decode_decision
from recommender.query import STRATEGIES, Query

from .planted import World


@pytest.fixture(scope="module")
def world() -> World:
    return World()


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_the_parts_of_a_decision_add_up_to_the_scores_that_were_served(world: World, strategy: str) -> None:
    for query in (Query(user_id="u0", strategy=strategy, diversity=0.5), Query(user_id="new", n=30, strategy=strategy)):
        served = await world.service.recommend(query)
        decision = decode_decision(msgspec.json.encode(decision_of(served, 7)))
        assert [item.item_id for item in decision.items] == [item.item_id for item in served.items]
        assert len(decision.parts.values) == len(decision.propensities) == len(decision.items)
        for item, values in zip(decision.items, decision.parts.values, strict=True):
            assert len(values) == len(decision.parts.names)
            assert sum(values) == pytest.approx(item.score, abs=1e-6)
        assert decision.position == served.position
        assert (decision.versions.weights, decision.versions.index) == (0, "s")


async def test_the_answer_itself_holds_no_record(world: World) -> None:
    answered = (await world.service.recommend(Query(user_id="u0"))).answered()
    assert not {"parts", "versions"} & set(msgspec.to_builtins(answered))


async def test_an_item_stands_where_the_list_has_it(world: World) -> None:
    query = Query(user_id="u0", n=40, explain=True)
    served = await world.service.recommend(query)
    plain = [item for item in served.items if "newcomer" not in {reason.part for reason in item.reasons or ()}]
    for place, item in enumerate(plain, 1):
        standing = await world.service.standing(query, item.item_id)
        assert standing.place == place
        assert standing.score == pytest.approx(item.score, abs=1e-9)
        assert {(r.part, r.score) for r in standing.reasons} == {(r.part, r.score) for r in item.reasons or ()}


async def test_an_item_that_a_rule_leaves_out_has_a_score_and_no_place(world: World) -> None:
    listed = await world.service.recommend(Query(user_id="u0", explain=True))
    seen = next(left.item_id for left in listed.left_out or () if left.rule == "seen")
    standing = await world.service.standing(Query(user_id="u0"), seen)
    assert (standing.place, standing.left_out) == (None, "seen")
    assert sum(reason.score for reason in standing.reasons) == pytest.approx(standing.score, abs=1e-6)
    assert (await world.service.standing(Query(user_id="u0"), "no such item")).left_out == "unknown"
