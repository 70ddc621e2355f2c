"""Logs long enough for what small ones never reach: full rings, pruned rows, chunks of event ids, items that go."""

import json
import random

from hypothesis import given
from hypothesis import strategies as st

from online_models.caps import Caps
from tests.property.examples import share
from tests.property.logs import DAY, NOW, Line, packed
from tests.property.site import Site
from tests.property.story import Restart, Sizes, Take
from tests.property.test_digest_workers import happened
from tests.property.worker import PLACES

EVENTS = 6_000
USERS = ("u1", "u2", "u3", "u4", "u6")
"""All of one partition."""
KINDS = ["click"] * 6 + ["view", "like", "dislike", "hide", "purchase"]
WINDOW = 4_500
"""Of event ids: more than one stored chunk."""
INTERACTIONS = PLACES[0]


def long_log(seed: int) -> list[Line]:
    """Envelopes of a few users who go through many items, some of them much loved; old event ids come again."""
    rng = random.Random(seed)
    events = []
    for n in range(EVENTS):
        item = f"i{int(rng.paretovariate(0.5)) % 900}" if n % 2 else f"hub{rng.randrange(3)}"
        again = n - rng.choice([1, 50, WINDOW - 500, WINDOW + 500])
        body = {
            "event_id": f"e{again if rng.random() < 0.03 and again >= 0 else n}",
            "user_id": rng.choice(USERS),
            "item_id": item,
            "type": rng.choice(KINDS),
            "timestamp": NOW + n * DAY // 200 + rng.randrange(DAY),
        }
        events.append(json.dumps(body).encode())
    return [packed(USERS[0], events[at : at + 40]) for at in range(0, EVENTS, 40)]


STORIES = st.lists(
    st.builds(Take, st.integers(0, 1), st.just(INTERACTIONS), st.integers(1, 60), st.integers(0, 20))
    | st.builds(Restart, st.integers(0, 1)),
    max_size=12,
)
SIZES = st.sampled_from([Sizes(WINDOW), Sizes(WINDOW, 2), Sizes(WINDOW, caps=Caps(4, 300, 2))])


def test_long_logs_give_the_same() -> None:
    @share(50, least=2)
    @given(st.integers(0, 2**32), STORIES, st.integers(1, 50), SIZES)
    def same(seed: int, story: list[Take | Restart], most: int, sizes: Sizes) -> None:
        lines = long_log(seed)
        undisturbed = happened(Site(lines, sizes=sizes, most=1_000), [])
        assert undisturbed.counts["duplicates"] > 50
        assert happened(Site(lines, 2, sizes, most), [*story]) == undisturbed

    same()
