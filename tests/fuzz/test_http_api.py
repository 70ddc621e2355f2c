"""Requests made of our own description of the API: no answer that it does not tell of, and never a 500."""

import json
import os
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error, positive_data_acceptance

from recommender.events import decode_item
from serving.http.app import create_app
from serving.live_recommender import LiveRecommender
from serving.views.memory import MemoryReadModel
from streams.replay import DirectReplay
from tests.unit.fakes.recommender import FakePublisher

BEYOND_A_SCHEMA = [
    positive_data_acceptance,  # 43.0 is an integer to JSON Schema; a scale's order cannot be said in it
    not_a_server_error,  # 503 is an answer of ours: there is no encoder here
]
EXAMPLES = int(os.environ.get("COLDSPRING_FUZZ", "8"))


@pytest.fixture(scope="module")
def described() -> Any:
    """The application over the recommender that serves, on a state of 20 users and 30 items."""
    engine = DirectReplay()
    for n in range(30):
        item = {"item_id": f"i{n}", "title": f"Item {n}", "categories": [f"c{n % 3}"], "timestamp": 1_700_000_000_000}
        engine.feed("item", f"i{n}", json.dumps(item).encode())
    for n in range(400):
        user = f"u{n % 20}"
        click = {"user_id": user, "item_id": f"i{n * n % 30}", "type": ("click", "view", "dislike")[n % 3],
                 "timestamp": 1_700_000_000_000 + n}  # fmt: skip
        engine.feed("interaction", user, json.dumps(click).encode())
    engine.flush()
    states = [shard.state for shard in engine.users]
    model = MemoryReadModel(states, lambda user: None, lambda: engine.position()["interactions"], follow=False)
    for data in engine.live_items().values():
        model.announce(decode_item(data))
    refusals = {
        "checks": {"negative_data_rejection": {"expected-statuses": ["400", "404", "405", "413", "415", "422"]}}
    }
    config = schemathesis.Config.from_dict(refusals)
    app = create_app(LiveRecommender(model), FakePublisher())
    return schemathesis.openapi.from_asgi("/openapi.json", app, config=config)


def test_every_answer_is_one_that_the_description_tells_of(described: Any) -> None:
    operations = [found.ok() for found in described.get_all_operations()]
    assert len(operations) > 18
    for operation in operations:

        @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
               | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))  # fmt: skip
        def each(case: schemathesis.Case[Any]) -> None:
            answer = case.call_and_validate(excluded_checks=BEYOND_A_SCHEMA)
            assert answer.status_code != 500

        each()
