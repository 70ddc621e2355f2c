"""A partition's state is made anew under the readers: other local numbers, the same position. Nothing is mixed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest

from online_models.partition_state import PartitionState
from recommender.events import Interaction, Item
from recommender.head import UserHead
from recommender.partitioning import partition_of
from recommender.query import Query, Unavailable
from serving.live_recommender import LiveRecommender
from serving.views.redis_model import RedisReadModel
from streams.local_store import LocalStore
from tests.contract.test_read_models import KEYS, PARTITIONS, RedisRig, click

USER = "u1"
PARTITION = partition_of(USER, PARTITIONS)


@pytest.fixture
async def rig(embedded_store: LocalStore) -> AsyncIterator[RedisRig]:
    rig = RedisRig(embedded_store.url)
    await rig.learn(click(USER, "a", 1), click(USER, "b", 2), click(USER, "c", 3))
    yield rig
    await rig.reader.aclose()
    rig.client.close()


def make_anew(rig: RedisRig, events: list[Interaction], epoch: str = "second") -> None:
    """The partition's state is replaced at once by one of other events; its position stays."""
    keys = KEYS.users(PARTITION)
    rig.client.delete(keys.head, keys.names, keys.users, keys.stats, keys.rows, keys.changes)
    rig.heads[PARTITION] = None
    rig.epoch = epoch
    rig.states[PARTITION] = PartitionState()
    rig.states[PARTITION].fold(events)
    rig.write(PARTITION)


def names(rig: RedisRig, numbers: list[int]) -> list[str]:
    return [rig.model.numbering.ids[number] for number in numbers]


TURNED = [click(USER, "c", 1), click(USER, "b", 2), click(USER, "a", 3), click(USER, "d", 4)]


async def test_a_users_history_is_read_with_the_new_names(rig: RedisRig) -> None:
    make_anew(rig, TURNED)  # and nobody followed
    state = (await rig.model.users([USER]))[0]
    assert state is not None
    assert names(rig, state.history.items.tolist()) == ["c", "b", "a", "d"]


async def test_rows_at_hand_and_rows_fetched_are_of_one_numbering(rig: RedisRig) -> None:
    a, b = rig.model.numbering.found("ab")
    before = (await rig.model.rows([a]))[0]
    assert sorted(names(rig, before[:, 0].tolist())) == ["b", "c"]
    make_anew(rig, [click(USER, "x", 1), click(USER, "a", 2)])
    assert names(rig, (await rig.model.rows([b]))[0][:, 0].tolist()) == []
    assert names(rig, (await rig.model.rows([a]))[0][:, 0].tolist()) == ["x"]
    assert rig.model.counts.events[[a, b]].tolist() == [1.0, 0.0]


async def test_a_list_through_the_change_is_made_from_the_new_state(rig: RedisRig) -> None:
    service = LiveRecommender(rig.model)
    await service.recommend(Query(user_id=USER))
    make_anew(rig, TURNED)
    answer = await service.recommend(Query(user_id=USER, explain=True, n=100))
    assert {left.item_id for left in answer.left_out or () if left.rule == "seen"} == {"a", "b", "c", "d"}


async def test_the_view_notices_by_itself(rig: RedisRig) -> None:
    make_anew(rig, TURNED)
    await rig.redis.follow()
    d = rig.model.numbering.found(["d"])
    assert rig.model.counts.events[d].tolist() == [1.0]


async def test_a_forgotten_user_is_in_no_view(rig: RedisRig) -> None:
    await rig.learn(click("u2", "a"), click("u3", "b"))
    assert "u2" in await rig.model.recent_users(10)
    await rig.forget("u2", 5_000)
    assert "u2" not in await rig.model.recent_users(10)
    assert "u2" not in rig.model.figures()["known_users"]


async def test_a_store_without_its_newest_forget_gives_no_answers(rig: RedisRig) -> None:
    keys = KEYS.users(PARTITION)
    old = rig.client.get(keys.head)
    told = msgspec.json.decode(old, type=UserHead)  # type: ignore[arg-type]
    newer = msgspec.structs.replace(told, next={**told.next, "forgets": 7})
    rig.client.set(keys.head, msgspec.json.encode(newer))
    await rig.redis.follow()
    rig.client.set(keys.head, old)  # type: ignore[arg-type]
    with pytest.raises(Unavailable):
        await rig.model.users([USER])
    await rig.redis.follow()
    with pytest.raises(Unavailable):
        rig.model.position()


async def test_a_store_without_its_items_gives_no_answers(rig: RedisRig) -> None:
    await rig.announce(Item(item_id="a", title="A", timestamp=1))
    keys = KEYS.items(partition_of("a", PARTITIONS))
    rig.client.delete(keys.head, keys.items, keys.changes)
    await rig.redis.follow()
    with pytest.raises(Unavailable):
        rig.model.position()
    rig.item_heads[partition_of("a", PARTITIONS)] = None
    await rig.announce(Item(item_id="a", title="A", timestamp=1))
    assert rig.model.position()
    assert rig.model.catalogue.get("a") is not None


async def test_what_is_known_serves_for_a_while_when_the_store_is_away(embedded_store: LocalStore) -> None:
    rig = RedisRig(embedded_store.url)
    now = [0.0]
    model = RedisReadModel(rig.reader, KEYS, PARTITIONS, PARTITIONS, timer=lambda: now[0])
    await rig.learn(click(USER, "a"))
    await model.follow()
    service = LiveRecommender(model)
    embedded_store.close()
    now[0] = 9.0
    assert [item.item_id for item in await service.trending(5)] == ["a"]
    now[0] = 11.0
    with pytest.raises(Unavailable):
        await service.trending(5)
    with pytest.raises(Unavailable):
        await service.recommend(Query())
    await rig.reader.aclose()
    rig.client.close()


async def test_answers_may_come_in_any_order(rig: RedisRig) -> None:
    """What was read before something newer was seen is no sign of a store that lost its end."""
    view = rig.redis._users[PARTITION]
    begun, older = view.begin(), rig.client.get(view.keys.head)
    await rig.learn(click(USER, "d", 4))
    view.admit(older, begun)  # type: ignore[arg-type]
    with pytest.raises(Unavailable):
        view.admit(older, view.begin())  # type: ignore[arg-type]
