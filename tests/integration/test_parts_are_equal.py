"""The parts of a score are equal in `make("default")`, in an evaluation, in the trainer's model and in serving."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pytest

from embedding_worker.exact_index import ExactIndex
from online_models.base import Event
from online_models.default import Default
from online_models.features import NAMES
from online_models.partition_state import PartitionState
from online_models.readout import Readout
from online_models.registry import make
from recommender.evaluation import evaluate
from recommender.events import Interaction, Item, encode
from recommender.keys import Keys
from recommender.partitioning import partition_of
from recommender.query import Query
from recommender.topics import Topics
from recommender.vectors import StoredVector, check_vector, text_hash
from serving.asking import Asking
from serving.scoring import Scoring
from serving.views.memory import MemoryReadModel
from serving.views.redis_model import connect as connect_waiting
from serving.views.trained import TrainedView
from streams.batch import Batch
from streams.intake import LogRecord
from streams.local_store import LocalStore
from streams.outbox import Example
from streams.redis_store import connect
from streams.stored_vectors import StoredVectors
from streams.trainer import PAUSE_EVERY, Trainer

KEYS, TOPICS = Keys("c"), Topics()
SPACE = "s"
MINUTE, DAY = 60_000, 86_400_000
START = 1_700_000_000_000
WEIGHTS = {"view": 0.2, "click": 1.0, "purchase": 3.0, "dislike": -1.0}
USERS, ITEMS = 24, 80


@dataclass
class Vectors:
    """The index, as serving looks for it."""

    index: ExactIndex
    space: str = SPACE
    complete: bool = True


def examples(events: int = 500) -> list[Example]:
    """Sessions with repeats and dislikes, days apart."""
    rng = random.Random(4)
    at = START
    out: list[Example] = []
    while len(out) < events:
        user, item = f"u{rng.randrange(USERS)}", rng.randrange(ITEMS)
        at += rng.choice([5 * MINUTE, 90 * MINUTE, DAY])
        for _ in range(rng.randrange(1, 7)):
            item = rng.choice([item, (item + rng.randint(0, 3)) % ITEMS])
            kind = rng.choices(list(WEIGHTS), [3, 6, 2, 1])[0]
            out.append(Example(user, f"i{item}", WEIGHTS[kind], kind, at, f"e{len(out)}"))
            at += rng.randrange(2 * MINUTE)
    return out[:events]


def items() -> dict[str, tuple[Item, Any]]:
    """All but every fifth has a vector; all but every seventh are announced, some after their first event."""
    rng = np.random.default_rng(2)
    found = {}
    for number in range(ITEMS):
        vector = None if number % 5 == 0 else check_vector(rng.normal(size=12) + 1.0).astype(np.float16)
        at = START + (number % 9) * DAY
        found[f"i{number}"] = (Item(f"i{number}", at, title=f"item {number}"), vector)
    return found


def told(model: Default, events: list[Example], about: dict[str, tuple[Item, Any]]) -> Iterator[Event]:
    """The events for a model that hears of items when the trainer's does."""
    for start in range(0, len(events), PAUSE_EVERY):
        part = events[start : start + PAUSE_EVERY]
        for event in part:
            yield event.user_id, event.item_id, event.y, {"timestamp": event.timestamp, "type": event.type}
        for item_id in sorted({event.item_id for event in part}):
            item, vector = about[item_id]
            number = model.state.dictionary.index[item_id]
            if not model.content.vectors.has(np.array([number]))[0] and _announced(item_id):
                model.add_item(item_id, vector=vector, timestamp=item.timestamp)


def _announced(item_id: str) -> bool:
    return int(item_id[1:]) % 7 != 0


def stored(client: Any, about: dict[str, tuple[Item, Any]]) -> None:
    """Items and vectors in Redis, as the worker and the embedding worker write them."""
    client.set(KEYS.space, SPACE)
    for item_id, (item, vector) in about.items():
        keys = KEYS.items(partition_of(item_id, TOPICS.item_partitions))
        if _announced(item_id):
            client.hset(keys.items, item_id, encode(item))
            if vector is not None:
                client.hset(keys.vectors(SPACE), item_id, StoredVector(vector, 0, 0, text_hash("")).encode())


async def test_the_parts_of_a_score_are_equal_everywhere(embedded_store: LocalStore) -> None:
    events, about = examples(), items()
    client: Any = connect(embedded_store.url)
    stored(client, about)

    by_hand, evaluated = Default(), make("default")
    assert isinstance(evaluated, Default)
    by_hand.learn_many(told(by_hand, events, about))
    report = evaluate(evaluated, told(evaluated, events, about), repeats=True)
    assert report.as_dict()["hr@10"] > 0.3
    assert evaluated.save() == by_hand.save()

    async def publish(key: bytes, value: bytes) -> None:
        """Kafka is told nothing here."""

    trainer = Trainer(client, KEYS, StoredVectors(client, KEYS, TOPICS), publish, publish_s=1e6, snapshot_s=1e6)
    await trainer.take(Batch("examples", 0, 0, 1, [LogRecord(0, None, msgspec.json.encode(events))]))
    await trainer._publish_all()
    await trainer.stop()
    waiting = connect_waiting(embedded_store.url)
    trained = TrainedView(waiting, KEYS, NAMES)
    await trained.follow()

    assert trainer.default.save() == by_hand.save()

    state = PartitionState()
    state.fold([Interaction(e.user_id, e.type, e.timestamp, e.item_id) for e in events])
    model, index = MemoryReadModel([state]), ExactIndex(12)
    for item_id, (item, vector) in about.items():
        if _announced(item_id) and item_id in state.dictionary.index:
            model.announce(item)
            if vector is not None:
                index.put(item_id, vector)
    model.refresh()
    asking = Asking(model, Vectors(index), None, lambda: model.counts.clock, trained.prepare)
    scoring = Scoring(model, lambda: index, trained.blend, trained.score, trained_after=1)
    now = model.counts.clock
    seen = set()
    for user in [*(f"u{number}" for number in range(USERS)), "nobody"]:
        ask = await asking.read(Query(user_id=user))
        found = Readout().read(ask.ring, ask.rows, model.counts.count, ask.session)
        scored = scoring.score(ask, np.arange(len(model.numbering)), found)
        expected = trainer.default.parts_of(user, scored.ids, now)
        served = np.zeros_like(expected)
        for column, name in enumerate(scored.names):
            served[:, NAMES.index(name)] = scored.values[:, column]
        np.testing.assert_allclose(served, expected, rtol=0.0, atol=1e-9)
        seen |= set(scored.names)
        totals = [evaluated.predict_one(user, item, {"timestamp": now}) for item in scored.ids]
        assert scored.total.tolist() == pytest.approx(totals, abs=1e-9)
    assert seen == set(NAMES)
    await waiting.aclose()
    client.close()
