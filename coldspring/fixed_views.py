"""What an answer about another time holds as it is now: items, profiles, the blend's weights, the vectors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coldspring.wiring import topics
from recommender.events import Item, Profile, decode_item, decode_profile
from recommender.keys import Keys
from recommender.partitioning import partition_of

if TYPE_CHECKING:
    from coldspring.settings import Settings
    from embedding_worker.vector_index import VectorIndex
    from online_models.blend import Blend


@dataclass(frozen=True, slots=True)
class Vectors:
    """An index that does not change."""

    index: VectorIndex | None = None
    space: str = ""
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Fixed:
    """The views; without any, a list is made with the start weights and without vectors, as in a replay."""

    items: Sequence[Item] = ()
    profile: Callable[[str], Profile | None] = lambda _: None
    vectors: Vectors = Vectors()
    blend: Blend | None = None
    mf: Any = None
    prepare: Callable[[str], Awaitable[None]] | None = None
    ending: tuple[Callable[[], Awaitable[None] | None], ...] = ()

    async def close(self) -> None:
        """End the connections to Redis."""
        for end in self.ending:
            waiting = end()
            if waiting is not None:
                await waiting


async def fixed_views(settings: Settings, cluster: str) -> Fixed:
    """The views of a running system, read once from its Redis. Raises redis-py's errors."""
    from online_models.features import NAMES
    from serving.views.redis_model import connect as connect_waiting
    from serving.views.trained import TrainedView
    from streams.redis_store import RedisItemStore, RedisUserStore, connect

    client, keys, names = connect(settings.redis), Keys(cluster, settings.prefix), topics(settings)
    items = [
        decode_item(data)
        for partition in range(names.item_partitions)
        for _, data in RedisItemStore(client, keys.items(partition)).all_items()
    ]

    def profile(user_id: str) -> Profile | None:
        store = RedisUserStore(client, keys.users(partition_of(user_id, names.partitions)))
        data = store.profiles([user_id])[0]
        return decode_profile(data) if data else None

    waiting = connect_waiting(settings.redis)
    trained = TrainedView(waiting, keys, NAMES)
    await trained.follow()
    vectors = _vectors(client, keys, settings, [item.item_id for item in items])
    return Fixed(items, profile, vectors, trained.blend, trained.score, trained.prepare, (waiting.aclose, client.close))


def _vectors(client: Any, keys: Keys, settings: Settings, item_ids: list[str]) -> Vectors:
    from embedding_worker.exact_index import ExactIndex
    from streams.stored_vectors import StoredVectors

    stored = StoredVectors(client, keys, topics(settings))
    found = stored.get(item_ids)
    if not found:
        return Vectors()
    dim = next(iter(found.values())).size
    index = ExactIndex(dim, max(1, len(found)))
    index.put_many((item_id, vector) for item_id, vector in found.items() if vector.size == dim)
    return Vectors(index, stored.space)
