"""The category mix of lists is that of the user's history, as near as the dial asks for."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np

from benchmarks import streams
from benchmarks.in_memory import InMemory
from recommender.calibration import distance

from .size import events

HISTORY = 10
NEAR = 0.02
"""So near, in total variation and as a mean, lists at dial 1 come to the best that ten items can do."""


def mix(topics: list[int]) -> dict[str, float]:
    return {str(topic): count / len(topics) for topic, count in Counter(topics).items()}


def least(topics: list[int], n: int) -> float:
    """The distance of the list of n whose mix is nearest: the largest remainders get the seats that are left."""
    share = {topic: n * count / len(topics) for topic, count in Counter(topics).items()}
    seats = {topic: int(wanted) for topic, wanted in share.items()}
    for topic in sorted(share, key=lambda topic: seats[topic] - share[topic])[: n - sum(seats.values())]:
        seats[topic] += 1
    return distance({str(topic): count / n for topic, count in seats.items()}, mix(topics))


async def test_the_dial_brings_lists_to_the_mix_of_the_history() -> None:
    stream = streams.make("births", events(2_500), seed=6)
    site = InMemory(partitions=2)
    site.play(stream)
    topic = {born.item: born.topic for born in stream.announcements}
    history: dict[str, list[int]] = defaultdict(list)
    for event in stream.events:
        history[event.user].append(topic[event.item])
    users = sorted(user for user, own in history.items() if len(own) >= HISTORY)
    assert len(users) > 30
    means = []
    for dial in (0.0, 0.5, 1.0):
        lists = {user: await site.ids(user, calibration=dial) for user in users}
        assert all(len(items) == 10 for items in lists.values())
        means.append(
            float(np.mean([distance(mix([topic[item] for item in lists[user]]), mix(history[user])) for user in users]))
        )
    assert means[2] < float(np.mean([least(history[user], 10) for user in users])) + NEAR
    assert means[2] < 0.5 * means[0]
    assert means[2] <= means[1] <= means[0]
