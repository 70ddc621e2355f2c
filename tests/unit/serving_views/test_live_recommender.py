"""Lists on planted tastes: what is in them, what is left out, why."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from online_models.blend import Blend
from online_models.features import NAMES
from recommender.events import Profile
from recommender.query import RULES, STRATEGIES, Filters, Query, RecommendationList, Unavailable, UnknownId
from serving.adjusting import House

from .planted import GROUPS, SIZE, World


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def ids(answer: RecommendationList) -> list[str]:
    return [item.item_id for item in answer.items]


def share(names: list[str], group: str) -> float:
    return sum(name.startswith(group) for name in names) / max(len(names), 1)


async def test_each_group_gets_its_own_taste(world: World) -> None:
    # Users have chosen much of their group: what is left of it comes first.
    for user, group in (("u0", "sea"), ("u1", "sky")):
        answer = await world.service.recommend(Query(user_id=user, n=3, request_id="r"))
        assert share(ids(answer), group) == 1.0
        assert answer.request_id == "r"
        assert answer.position == {"interactions": [0, 0]}


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_every_strategy_gives_full_ordered_lists_that_add_up(world: World, strategy: str) -> None:
    for user in ("u0", "nobody", None):
        answer = await world.service.recommend(Query(user_id=user, strategy=strategy, explain=True, repeat=True))
        scores = [item.score for item in answer.items]
        assert len(scores) == 10
        assert scores == sorted(scores, reverse=True)
        for item in answer.items:
            assert item.reasons is not None
            assert sum(reason.score for reason in item.reasons) == pytest.approx(item.score, abs=1e-6)
            assert item.sources
            assert item.title == item.item_id.title()


@pytest.mark.parametrize("strategy", ["default", "item_item", "user_user", "sequence", "content", "hybrid"])
async def test_personal_strategies_know_the_group(strategy: str) -> None:
    world = World()
    for at, n in enumerate((3, 7, 11)):
        world.learn("fresh", f"sky{n}", at=3000 + at)
    answer = await world.service.recommend(Query(user_id="fresh", strategy=strategy, n=5))
    assert share(ids(answer), "sky") == 1.0


async def test_reasons_name_the_history(world: World) -> None:
    answer = await world.service.recommend(Query(history=["sky1", "sky2"], n=3, explain=True))
    reasons = {reason.part: reason for item in answer.items for reason in item.reasons or ()}
    assert set(reasons["covisit"].because) <= {"sky1", "sky2"}
    assert reasons["covisit"].because
    assert reasons["content"].because


async def test_a_history_alone_is_enough_and_is_not_repeated(world: World) -> None:
    answer = await world.service.recommend(Query(history=["sea1", "sea2", "no such item"], n=10))
    assert share(ids(answer), "sea") == 1.0
    assert not {"sea1", "sea2"} & set(ids(answer))


async def test_a_text_alone_is_enough(world: World) -> None:
    answer = await world.service.recommend(Query(text="sky", n=10))
    assert share(ids(answer), "sky") == 1.0
    assert "text" in answer.items[0].sources


async def test_a_text_for_a_known_user_leads(world: World) -> None:
    answer = await world.service.recommend(Query(user_id="u0", text="sky", n=5, explain=True, repeat=True))
    assert share(ids(answer), "sky") == 1.0
    assert {"text", "content"} <= {reason.part for item in answer.items for reason in item.reasons or ()}


async def test_away_encoder_stops_texts_only() -> None:
    world = World()
    world.words.away = True
    world.profiles["u0"] = Profile(user_id="u0", timestamp=1, text="sea")
    with pytest.raises(Unavailable):
        await world.service.recommend(Query(text="sky"))
    assert len((await world.service.recommend(Query(user_id="u0"))).items) == 10


async def test_a_profile_text_is_enough() -> None:
    world = World()
    world.profiles["quiet"] = Profile(user_id="quiet", timestamp=1, text="sky")
    assert share(ids(await world.service.recommend(Query(user_id="quiet"))), "sky") == 1.0


async def test_same_as_brings_the_other_ring_along() -> None:
    world = World()
    world.profiles["new"] = Profile(user_id="new", timestamp=1, same_as=["cookie", "new", "unknown"])
    world.learn("cookie", "sky1")
    world.learn("cookie", "sky2")
    answer = await world.service.recommend(Query(user_id="new", n=5))
    assert share(ids(answer), "sky") == 1.0
    assert not {"sky1", "sky2"} & set(ids(answer))


async def test_the_last_action_changes_the_next_list() -> None:
    world = World()
    before = ids(await world.service.recommend(Query(user_id="fresh")))
    world.learn("fresh", "sky4", at=5000)
    after = ids(await world.service.recommend(Query(user_id="fresh")))
    assert before != after
    assert share(after, "sky") > share(before, "sky")


async def test_every_rule_is_named() -> None:
    world = World()
    world.learn("u", "sea1")
    world.learn("u", "sea2", "hide")
    world.learn("u", "sea3", "dislike")
    world.announce("sea4", "sea", 4, available=False)
    world.announce("sea5", "sea", 5, expires_at=world.now)
    query = Query(user_id="u", n=100, exclude=["sea6"], filters=Filters(category="sea"), explain=True)
    answer = await world.service.recommend(query)
    left_out = {entry.item_id: entry.rule for entry in answer.left_out or ()}
    expected = {
        "sea1": "seen", "sea2": "hidden", "sea3": "disliked", "sea6": "excluded", "sea4": "unavailable",
        "sea5": "expired", "sky1": "filtered",
    }  # fmt: skip
    assert {name: left_out.get(name) for name in expected} == expected
    assert set(left_out.values()) == set(RULES) - {"capped"}
    assert not set(left_out) & set(ids(answer))
    assert len(answer.items) == SIZE - 6


async def test_repeat_brings_back_what_was_seen_but_not_what_was_refused() -> None:
    world = World()
    world.learn("u", "sea1")
    world.learn("u", "sea2", "hide")
    world.learn("u", "sea3", "dislike")
    names = ids(await world.service.recommend(Query(user_id="u", n=100, repeat=True)))
    assert "sea1" in names
    assert not {"sea2", "sea3"} & set(names)


async def test_explaining_changes_nothing(world: World) -> None:
    for user in ("u3", "nobody"):
        plain = await world.service.recommend(Query(user_id=user))
        explained = await world.service.recommend(Query(user_id=user, explain=True))
        assert [(i.item_id, i.score) for i in plain.items] == [(i.item_id, i.score) for i in explained.items]
        assert plain.left_out is None
        assert explained.left_out is not None


async def test_asking_leaves_no_trace(world: World) -> None:
    await world.service.recommend(Query(user_id="u0"))
    before = [state.users.ids.copy() for state in world.states], len(world.model.numbering)
    for n in range(50):
        await world.service.recommend(
            Query(user_id=f"ghost{n}", history=[f"x{n}"], exclude=[f"y{n}"], filters=Filters(category=f"z{n}"))
        )
    assert ([state.users.ids for state in world.states], len(world.model.numbering)) == before


async def test_a_new_item_is_in_the_list_of_whom_it_suits() -> None:
    world = World()
    for at, n in enumerate(range(5)):
        world.learn("fan", f"sky{n}", at=5000 + at)
    world.announce("sky-new", "sky", 99)
    answer = await world.service.recommend(Query(user_id="fan", explain=True))
    assert "sky-new" in ids(answer)
    similar = await world.service.similar("sky-new", 3)
    assert all(item.item_id.startswith("sky") for item in similar)
    users = await world.service.audience("sky-new", 10)
    assert users
    assert all(int(user[1:]) % 2 == 1 for user, _ in users if user != "fan")


async def test_many_items_none_announced_nobody_known() -> None:
    world = World(announce=False, clicks=False)
    for n in range(600):
        world.learn(f"u{n % 7}", f"i{n}", at=1000 + n)
    answer = await world.service.recommend(Query(n=100))
    assert len(set(ids(answer))) == 100
    assert all(item.title is None for item in answer.items)


async def test_an_empty_system_gives_an_empty_list() -> None:
    world = World(announce=False, clicks=False)
    assert (await world.service.recommend(Query(user_id="u1", explain=True))).items == []
    assert await world.service.trending(10) == []


async def test_withdrawn_items_do_not_come_back_for_their_clicks() -> None:
    world = World()
    world.model.withdraw("sky1")
    for query in (Query(n=100), Query(history=["sky2"], n=100), Query(user_id="u1", n=100, repeat=True)):
        assert "sky1" not in ids(await world.service.recommend(query))


async def test_diversity_mixes_and_stays_in_order() -> None:
    world = World()
    world.learn("u", "sky1")
    flat = await world.service.recommend(Query(user_id="u", n=6))
    mixed = await world.service.recommend(Query(user_id="u", n=6, diversity=1.0, explain=True))
    assert share(ids(mixed), "sky") < share(ids(flat), "sky")
    scores = [item.score for item in mixed.items]
    assert scores == sorted(scores, reverse=True)


async def test_learned_weights_are_used_once_there_are_enough() -> None:
    blend = Blend(NAMES, {"count": 1.0})
    world = World(blend=blend, trained_after=1, house=House(exploration=0.0))
    assert world.service.scoring.version == 0
    blend.learn(np.zeros((2, len(NAMES))), 0)
    answer = await world.service.recommend(Query(explain=True))
    assert world.service.scoring.version == 1
    assert {reason.part for item in answer.items for reason in item.reasons or ()} == {"count"}


async def test_an_item_that_only_another_process_has_indexed_is_not_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()

    async def life(_: str) -> dict[str, int | None]:
        return {"arrived": 1, "encoded": 2, "indexed": 3}

    monkeypatch.setattr(world.service.model, "life", life)
    assert (await world.service.item("sea1"))["life"]["indexed"] == 3
    world.vectors.index.remove("sea1")
    assert (await world.service.item("sea1"))["life"] == {"arrived": 1, "encoded": 2, "indexed": None}


async def test_similar_audience_item_user(world: World) -> None:
    similar = await world.service.similar("sea1", 5)
    assert share([item.item_id for item in similar], "sea") == 1.0
    assert "sea1" not in [item.item_id for item in similar]
    page = await world.service.item("sea1")
    assert page["title"] == "Sea1"
    assert page["counts"]["click"] > 0
    assert page["life"] == dict.fromkeys(("published", "arrived", "encoded", "indexed", "first_recommended"))
    portrait = await world.service.user("u0")
    assert portrait["interests"][0] == {"category": "sea", "share": 1.0}
    assert portrait["history"][0].keys() == {"item_id", "type", "timestamp"}
    times = [event["timestamp"] for event in portrait["history"]]
    assert times == sorted(times, reverse=True)
    export = await world.service.export("u0")
    assert export["interactions"] == len(export["history"])


@pytest.mark.parametrize(
    ("call", "name"), list(itertools.product(("similar", "audience", "item", "user", "export"), ("nobody",)))
)
async def test_unknown_ids(world: World, call: str, name: str) -> None:
    arguments = (name, 5) if call in {"similar", "audience"} else (name,)
    with pytest.raises(UnknownId):
        await getattr(world.service, call)(*arguments)


async def test_trending_prefers_what_rises() -> None:
    world = World(clicks=False)
    day = 86_400_000
    for hour in range(24 * 20):
        world.learn(f"u{hour}", "sea1", at=hour * day // 24 + 1)
    for n in range(12):
        world.learn(f"v{n}", "sky1", at=20 * day - n * 60_000)
    first, *rest = await world.service.trending(5)
    assert first.item_id == "sky1"
    assert [item.item_id for item in rest] == ["sea1"]
    only = await world.service.trending(5, category="sea")
    assert [item.item_id for item in only] == ["sea1"]


async def test_answers_say_how_old_their_state_may_be() -> None:
    service = World(staleness=lambda: 4_200).service
    assert (await service.recommend(Query(user_id="u0"))).staleness_ms == 4_200
    told = [await service.item("sea1"), await service.user("u0"), await service.export("u0"), await service.status()]
    assert [each["staleness_ms"] for each in told] == [4_200] * 4


async def test_nothing_is_answered_in_place_of_vectors_that_are_still_loaded() -> None:
    world = World(announce=False, clicks=False)
    world.vectors.complete = False
    for call in (world.service.recommend(Query(user_id="u0")), world.service.recommend(Query(text="sky"))):
        with pytest.raises(Unavailable):
            await call
    world.vectors.complete = True
    assert (await world.service.recommend(Query(user_id="u0"))).items == []


async def test_status(world: World) -> None:
    status = await world.service.status()
    assert status["items"] == status["index_size"] == len(GROUPS) * SIZE
    assert status["users"] == 40
    assert len(status["newest"]) == 5
    assert world.service.ready() == (True, "")
