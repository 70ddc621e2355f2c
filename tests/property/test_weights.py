"""What a rating weighs, on any scale that an event may bring."""

import json
from math import inf

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from recommender.event_types import EventTypes
from recommender.events import decode_interaction
from recommender.reasons import BadEventError
from tests.property.examples import TRIED

FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@TRIED
@given(FLOATS, FLOATS, FLOATS)
@example(-1e308, 1e308, 1e308)  # wider than a float can say: the weight was not a number, and the worker ended
@example(0.0, 5e-324, 5e-324)
def test_a_rating_weighs_from_minus_two_to_two_on_any_scale_or_is_refused(low: float, high: float, at: float) -> None:
    value = min(max(at, low), high)
    body = {"user_id": "u", "item_id": "i", "type": "rating", "timestamp": 1, "value": value, "scale": [low, high]}
    data = json.dumps(body).encode()
    if not 0 < high - low < inf:
        with pytest.raises(BadEventError, match="bad_value"):
            decode_interaction(data)
        return
    event = decode_interaction(data)
    assert -2.0 <= EventTypes().weight("rating", event.value, event.scale) <= 2.0
    assert EventTypes().weight("rating", low, (low, high)) == -2.0
    assert EventTypes().weight("rating", high, (low, high)) == 2.0
