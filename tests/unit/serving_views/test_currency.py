"""`staleness_ms`: 0 when current, else for how long that was not known."""

from serving.views.currency import ORDINARY_MS, Currency

PLACES = ("interactions:0", "items:0")


class World:
    def __init__(self) -> None:
        self.now = 100_000
        self.store_age_s = 0.0
        self.currency = Currency(PLACES, lambda: self.now, lambda: self.store_age_s)


def test_what_every_worker_called_current_is() -> None:
    world = World()
    world.currency.heard(dict.fromkeys(PLACES, world.now - 1_000))
    assert world.currency.staleness_ms() == 0


def test_a_silent_worker_makes_the_state_older_and_older() -> None:
    world = World()
    world.currency.heard(dict.fromkeys(PLACES, world.now))
    world.now += ORDINARY_MS
    assert world.currency.staleness_ms() == 0
    world.now += 1
    assert world.currency.staleness_ms() == ORDINARY_MS + 1
    world.currency.heard({"items:0": world.now})
    assert world.currency.staleness_ms() == ORDINARY_MS + 1
    world.currency.heard({"interactions:0": world.now})
    assert world.currency.staleness_ms() == 0


def test_a_late_word_of_another_worker_changes_nothing() -> None:
    world = World()
    world.currency.heard(dict.fromkeys(PLACES, world.now))
    world.currency.heard(dict.fromkeys(PLACES, world.now - 60_000))
    assert world.currency.staleness_ms() == 0


def test_before_the_first_word_it_is_never_0() -> None:
    world = World()
    assert world.currency.staleness_ms() == 1
    world.now += 500
    world.currency.heard({"items:0": world.now, "unknown:7": 1})
    assert world.currency.staleness_ms() == 500


def test_a_store_that_was_not_looked_at_counts() -> None:
    world = World()
    world.currency.heard(dict.fromkeys(PLACES, world.now))
    world.store_age_s = 7.5
    assert world.currency.staleness_ms() == 7_500


def test_a_worker_whose_clock_is_ahead_makes_nothing_negative() -> None:
    world = World()
    world.currency.heard(dict.fromkeys(PLACES, world.now + 9_000))
    assert world.currency.staleness_ms() == 0
