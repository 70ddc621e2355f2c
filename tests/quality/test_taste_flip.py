"""A user whose taste turns sees it in the very next list."""

from __future__ import annotations

from collections import Counter, defaultdict

from benchmarks import streams
from benchmarks.in_memory import InMemory
from benchmarks.streams import MINUTE, Event

FLIPS = 6
OLD, NEW = 10, 6
"""Choices before the flip, all of one topic, and after it, all of another."""


async def test_a_flip_changes_the_next_list() -> None:
    stream = streams.make("films", 2_500, seed=3, users=150, items=600)
    site = InMemory(partitions=2)
    site.play(stream)
    topic = {born.item: born.topic for born in stream.announcements}
    by_topic: dict[int, list[str]] = defaultdict(list)
    for item, _ in Counter(event.item for event in stream.events).most_common():
        by_topic[topic[item]].append(item)
    liked = sorted(by_topic, key=lambda of: (-len(by_topic[of]), of))
    now = stream.events[-1].timestamp

    def choose(user: str, item: str) -> None:
        nonlocal now
        now += MINUTE
        site.learn(Event(user, item, 1.0, now, "click", 0.0, 0.0, None, ()))

    before, after = Counter[str](), Counter[str]()
    for flip in range(FLIPS):
        user, old, new = f"flip{flip}", liked[flip], liked[-1 - flip]
        for item in by_topic[old][:OLD]:
            choose(user, item)
        shown = await site.ids(user)
        before.update(old=sum(topic[item] == old for item in shown), new=sum(topic[item] == new for item in shown))
        for turn, item in enumerate(by_topic[new][:NEW]):
            choose(user, item)
            following = await site.ids(user)
            assert item not in following
            if turn == 0:
                assert following != shown
        after.update(
            old=sum(topic[item] == old for item in following), new=sum(topic[item] == new for item in following)
        )
    # Before, lists are of the old taste; a few choices later they have turned.
    assert before["old"] > 3 * before["new"]
    assert after["old"] < 0.7 * before["old"]
    assert after["new"] > 2 * before["new"]
    assert after["new"] > 0.7 * after["old"]
