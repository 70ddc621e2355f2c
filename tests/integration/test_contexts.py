"""What the trainer tells of contexts reaches serving, and comes again where the store lost it."""

from typing import Any

from online_models.partition_state import PartitionState
from recommender.events import Interaction
from recommender.keys import Keys
from serving.views.context_view import ContextView
from serving.views.redis_model import connect as connect_waiting
from streams.contexts import Contexts, context_of
from streams.local_store import LocalStore
from streams.outbox import Example
from streams.redis_store import connect

KEYS = Keys("c")


def heard(state: PartitionState, contexts: Contexts, user: str, item: str, country: str, y: float = 1.0) -> None:
    event = Interaction(user, "click", 5_000, item, context={"country": country, "session_id": "s1"})
    contexts.hear(Example(user, item, y, "click", 5_000, context=context_of(event)), state)
    state.fold([event])


async def test_serving_knows_what_the_trainer_heard(embedded_store: LocalStore) -> None:
    client: Any = connect(embedded_store.url)
    waiting = connect_waiting(embedded_store.url)
    contexts, state = Contexts(client, KEYS), PartitionState()
    view = ContextView(waiting, KEYS)
    await view.follow()
    assert view.around({"country": "DE"}) is None
    for n in range(20):
        heard(state, contexts, f"u{n}", "i1", "DE")
        heard(state, contexts, "one account", "i2", "DE")  # however often it clicks
        heard(state, contexts, f"u{n}", "i3", "DE", y=-1.0)
    contexts.publish()
    await view.follow()
    around = view.around({"country": "DE", "device": "never seen"})
    assert around is not None
    assert around.leaders == ["i1", "i2"]
    assert around.totals == [21.0]
    assert b"s1" not in client.get(KEYS.trainer("context"))
    client.flushall()
    contexts.publish()
    assert client.exists(KEYS.trainer("context"))
    await view.follow()
    assert view.around({"country": "DE"}) == around
    await waiting.aclose()
    client.close()
