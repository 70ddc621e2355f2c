"""Items are numbered anew at any moment: the state goes on as if they were not."""

import json
import random
from collections.abc import Callable, Iterator
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coldspring.wiring import DirectAnswers
from online_models.caps import Caps
from online_models.kernels import ROW_CAP, ROW_FULL
from online_models.neighbours import ENTRY_BYTES
from online_models.renumbering import most_numbers
from recommender.event_types import EventTypes
from streams.batch import Batch
from streams.digest import partition_digest
from streams.intake import LogRecord
from streams.memory_store import MemoryUserStore
from streams.new_numbers import NewNumbers, renumber
from streams.replay import DirectReplay
from streams.user_shard import StaleOwnerError, UserShard

Event = dict[str, object]
KINDS = ["click", "click", "view", "purchase", "dislike", "hide", "hide"]


class Place:
    """One partition."""

    def __init__(self, caps: Caps, in_hand: int = 100_000, token: str = "me") -> None:
        self.caps, self.in_hand = caps, in_hand
        self.store = MemoryUserStore()
        self.shard = self.opened(token)

    def opened(self, token: str) -> UserShard:
        """The partition's shard of a process that has claimed it."""
        shard = UserShard(0, 1, self.store, EventTypes(), token, b"k" * 16, 50, self.in_hand, self.caps)
        shard.reopen()
        return shard

    def take(self, *events: Event, kind: str = "interactions") -> None:
        begin = self.shard.next_offset(kind)
        records = [LogRecord(begin + at, None, json.dumps(event).encode()) for at, event in enumerate(events)]
        step = self.shard.fold(kind, Batch(kind, 0, begin, begin + len(records), records))
        assert not step.dead
        self.shard.commit(step)

    def digest(self) -> bytes:
        return partition_digest(self.store)

    def user(self, user: str) -> tuple[list[str], dict[str, int]]:
        """What is known of somebody: the items of their history and their refusals, without those that left."""
        names, row = self.shard.state.dictionary.names, self.shard.state.user(user)
        assert row is not None
        refused = {names[item]: kind for item, kind in row.refused.items() if names[item]}
        return [names[item] for item in row.items.tolist() if names[item]], refused


def event(user: str, item: str, kind: str = "click", at: int = 1_000) -> Event:
    return {"user_id": user, "item_id": item, "type": kind, "timestamp": at}


def steps_of(place: Place) -> Iterator[Callable[[], None]]:
    """Numbers given anew again and again, step by step."""
    while True:
        numbers = NewNumbers(place.shard, place.store)
        yield from (numbers.begin, numbers.copy, numbers.catch_up, numbers.finish)


EVENTS = st.builds(
    event,
    st.sampled_from([f"u{n}" for n in range(4)]),
    st.sampled_from([f"i{n}" for n in range(9)]),
    st.sampled_from(KINDS),
    st.integers(1, 10**9),
)
NEXT = st.none()
"""The next step towards other numbers."""


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.one_of(st.lists(EVENTS, min_size=1, max_size=6), NEXT), max_size=40),
    st.builds(Caps, st.integers(2, 4), st.integers(2, 6)),
    st.integers(1, 3),
)
def test_other_numbers_at_any_moment_change_nothing(story: list[list[Event] | None], caps: Caps, refusals: int) -> None:
    with mock.patch("online_models.rings.MAX_REFUSALS", refusals):
        plain, anew = Place(caps), Place(caps, in_hand=2)
        steps = steps_of(anew)
        for told in story:
            if told is None:
                next(steps)()
            else:
                plain.take(*told)
                anew.take(*told)
        assert anew.digest() == plain.digest()


@pytest.mark.parametrize("seed", range(40))
def test_a_long_story_with_few_places(seed: int) -> None:
    chance = random.Random(seed)
    caps = Caps(users=6, items=8)
    with mock.patch("online_models.rings.MAX_REFUSALS", 4):
        plain, anew = Place(caps), Place(caps, in_hand=3)
        steps = steps_of(anew)
        for n in range(120):
            told = [
                event(f"u{chance.randrange(8)}", f"i{chance.randrange(14)}", chance.choice(KINDS), 1_000 * n + at + 1)
                for at in range(chance.randrange(1, 8))
            ]
            plain.take(*told)
            anew.take(*told)
            if chance.random() < 0.5:
                next(steps)()
            assert anew.digest() == plain.digest(), n
            assert anew.shard.state.dictionary.names == anew.store.names
            if chance.random() < 0.02:
                user = {"user_id": f"u{chance.randrange(8)}", "timestamp": 1_000 * n + 1}
                plain.take(user, kind="forgets")
                anew.take(user, kind="forgets")
        assert len(anew.shard.state.dictionary) < len(plain.shard.state.dictionary) // 2
        assert list(anew.store.queue) == list(plain.store.queue)
        live = {index for index, name in enumerate(anew.store.names) if name}
        assert set(anew.store.stats) == live, "nothing is left of items that left meanwhile"


def test_a_row_is_pruned_when_it_would_have_been() -> None:
    """Neighbours that left count in how full a row is."""
    caps = Caps(items=ROW_CAP + 60)
    plain, anew = Place(caps), Place(caps)
    stay = [f"i{n}" for n in range(ROW_CAP + 20)]
    for place in (plain, anew):
        place.take(*(event(f"a{n}", item, "purchase" if n % 3 else "click") for n, item in enumerate(stay)))
        place.take(*(event(f"a{n}", "hub") for n in range(len(stay))))
    once = 0
    while len(row_of(plain, "hub")) >= ENTRY_BYTES * len(stay):  # until it was pruned
        assert once < 2 * ROW_FULL
        told = [event(f"b{once}", f"once{once}", "view"), event(f"b{once}", "hub")]
        once += 1
        plain.take(*told)
        anew.take(*told)
        if once % 37 == 0:
            renumber(anew.shard, anew.store)
        assert len(row_of(anew, "hub")) == len(row_of(plain, "hub"))
    assert len(row_of(plain, "hub")) <= ENTRY_BYTES * ROW_CAP
    assert once > ROW_FULL - len(stay) - 2
    assert anew.digest() == plain.digest()


def row_of(place: Place, item: str) -> bytes:
    """As it is stored."""
    return place.store.rows[place.shard.state.dictionary.index[item]]


def test_refusals_of_items_that_left_push_nothing_out() -> None:
    with mock.patch("online_models.rings.MAX_REFUSALS", 4):
        place = Place(Caps(items=4))
        place.take(*(event("u", item, "hide") for item in ("a", "b")))
        place.take(*(event(f"v{n}", item, "purchase") for n in range(3) for item in ("a", "b")))
        for n in range(20):
            place.take(event("u", f"once{n}", "hide"))
            assert {"a", "b"} <= set(place.user("u")[1])
    place.take(*(event(f"v{n}", f"loved{k}", "purchase") for n in range(5) for k in (1, 2)))
    with mock.patch("online_models.rings.MAX_REFUSALS", 3):
        place.take(event("u", "loved1", "hide"), event("u", "loved2", "hide"))
        assert list(place.user("u")[1]) == ["b", "loved1", "loved2"], "of those that are there the oldest goes"


def test_what_a_user_did_is_known_by_the_new_numbers() -> None:
    place = Place(Caps(items=3))
    place.take(*(event("u", item) for item in "abc"), event("u", "b", "dislike"))
    place.take(event("v", "d"), event("v", "e"))
    before, epoch, count = place.user("u"), place.shard.head.epoch, len(place.store.names)
    renumber(place.shard, place.store)
    assert place.user("u") == before
    assert place.shard.head.epoch != epoch, "readers have to load the partition again"
    assert len(place.store.names) == place.shard.head.names == 4 < count
    place.take(event("u", "e"))
    assert place.user("u")[0] == [*before[0], "e"]


def test_where_the_state_was_read_again_nothing_is_swapped() -> None:
    place = Place(Caps(items=3))
    place.take(*(event("u", item) for item in "abcde"))
    numbers = NewNumbers(place.shard, place.store)
    numbers.begin()
    numbers.copy()
    place.take(event("u", "f"))
    place.shard.reopen()
    place.take(event("v", "a"))
    with pytest.raises(StaleOwnerError):
        numbers.finish()


def test_of_two_who_copy_the_first_is_refused_and_a_lost_partition_is_not_swapped() -> None:
    place = Place(Caps(items=3))
    place.take(*(event("u", item) for item in "abcde"))
    first = NewNumbers(place.shard, place.store)
    first.begin()
    first.copy()
    other = place.opened("other")
    second = NewNumbers(other, place.store)
    second.begin()
    second.copy()
    with pytest.raises(StaleOwnerError):
        first.finish()
    second.finish()
    assert (other.state.dictionary.live, len(other.state.dictionary)) == (3, 4)
    late = NewNumbers(place.shard, place.store)
    late.begin()
    late.copy()
    with pytest.raises(StaleOwnerError):
        late.finish()


def test_a_replay_through_a_flood_of_items_gives_the_same_with_few_numbers() -> None:
    caps = Caps(users=40, items=50)

    def played() -> tuple[str, int]:
        """The digest, and the most numbers at a time."""
        engine, chance, most = DirectReplay(caps=caps, batch=100), random.Random(4), 0
        for n in range(24 * most_numbers(caps) // 4):
            item = f"i{chance.randrange(60)}" if n % 3 == 0 else f"once{n}"
            told = event(f"u{chance.randrange(90)}", item, chance.choice(KINDS), 1_000 + 60_000 * n)
            engine.feed("interaction", str(told["user_id"]), json.dumps(told).encode())
            most = max(most, *(len(shard.state.dictionary) for shard in engine.users))
        return engine.digest(), most

    digest, most = played()
    assert most <= most_numbers(caps) + 100
    with mock.patch("streams.user_shard.most_numbers", return_value=10**9):
        plain, most = played()
    assert digest == plain
    assert most > 20 * caps.items


def test_lists_from_a_replay_do_not_tell_that_numbers_were_given_anew() -> None:
    engine = DirectReplay(caps=Caps(items=30))
    for n in range(900):
        told = event(f"u{n * 7 % 20}", f"i{n * n % 307}", KINDS[n % 4], 1_000 + n)
        engine.feed("interaction", str(told["user_id"]), json.dumps(told).encode())
    question = {"user_id": "u1", "n": 10}
    before = DirectAnswers(engine).recommend(question)["items"]
    for shard, store in zip(engine.users, engine._user_stores, strict=True):
        renumber(shard, store)
    assert DirectAnswers(engine).recommend(question)["items"] == before
    assert len(before) == 10
