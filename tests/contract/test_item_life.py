"""An item's life as serving marks it: first times count, and the stages are measured from them."""

from __future__ import annotations

from recommender.keys import Keys
from recommender.partitioning import partition_of
from recommender.spans import Sampled, Span
from serving.views.life import LifeLog, read_lives
from serving.views.redis_model import connect
from streams.local_store import LocalStore

KEYS = Keys("cluster")
PARTITIONS = 2


async def test_stages_are_measured_once_from_the_first_times(embedded_store: LocalStore) -> None:
    client, now, sent = connect(embedded_store.url), [5_000], list[Span]()
    life = LifeLog(client, KEYS, PARTITIONS, lambda: now[0], Sampled(sent.append, 1.0))
    for item, stages in {"a": {"published": 1_000, "arrived": 1_200, "encoded": 2_000}, "b": {}}.items():
        key = KEYS.items(partition_of(item, PARTITIONS)).life
        for stage, when in stages.items():
            await client.hset(key, f"{stage}:{item}", str(when))
    life.indexed(["a", "b"])
    await life.flush()
    now[0] = 9_000
    life.recommended(["a"])
    life.indexed(["a"])  # after a restart of the view, say
    await life.flush()
    other = LifeLog(client, KEYS, PARTITIONS, lambda: 99_000)
    other.indexed(["a"])  # another process indexed it later
    await other.flush()
    [a, b] = await read_lives(client, KEYS, PARTITIONS, ["a", "b"])
    assert a == {"published": 1_000, "arrived": 1_200, "encoded": 2_000, "indexed": 5_000, "first_recommended": 9_000}
    assert b["indexed"] == 5_000
    told = life.figures()
    assert (told["item_to_searchable"]["sum"], sum(told["item_to_searchable"]["counts"])) == (4.0, 1)
    spent = {stage: each["sum"] for stage, each in told["item_stages"].items()}
    assert spent == {"arrived": 0.2, "encoded": 0.8, "indexed": 3.0, "first_recommended": 4.0}
    assert sum(other.figures()["item_to_searchable"]["counts"]) == 0
    assert [(span.begin_ms, span.end_ms) for span in sent] == [(1_000, 5_000), (5_000, 9_000)]
    await client.aclose()
