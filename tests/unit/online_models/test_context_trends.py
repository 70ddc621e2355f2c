"""What is liked in a context: lifts, bounds, wrong clocks, and what is told and taken up again."""

import json
import math
from collections.abc import Mapping

import pytest

from online_models.context_trends import HALF_LIFE_MS, ITEMS, LEAST, MOST, VALUES, ContextTrends, values_of

HOUR = 3_600_000


def trends_of(*choices: tuple[str, int, Mapping[str, object] | None]) -> ContextTrends:
    trends = ContextTrends()
    for item, when, context in choices:
        trends.learn(item, when, context)
    return trends


def test_a_context_tells_what_is_liked_more_here_than_elsewhere() -> None:
    here = [("local", HOUR, {"country": "DE"})] * 30 + [("star", HOUR, {"country": "DE"})] * 30
    there = [("star", HOUR, {"country": "US"})] * 300
    around = trends_of(*here, *there).around({"country": "DE"})
    assert around is not None
    local, star, unknown = around.lifts(["local", "star", "nobody knows it"])
    assert LEAST <= star < 0.0 < local <= MOST
    assert unknown == 0.0, "an item without a choice is not buried for it"
    assert around.leaders == ["local", "star"]
    assert local == pytest.approx(math.log((30 + 20 * 30 / 360) / ((60 + 20) * 30 / 360)))


def test_a_few_choices_tell_little() -> None:
    many = [("star", HOUR, {"country": "US"})] * 300
    few = trends_of(*many, *[("local", HOUR, {"country": "DE"})] * 1).around({"country": "DE"})
    more = trends_of(*many, *[("local", HOUR, {"country": "DE"})] * 20).around({"country": "DE"})
    assert few is not None
    assert more is not None
    assert few.lifts(["star"])[0] > more.lifts(["star"])[0]


def test_old_choices_fade_and_wrong_clocks_do_no_harm() -> None:
    old = [("old", HOUR, {"device": "phone"})] * 40
    new = [("new", HOUR + 4 * HALF_LIFE_MS + n, {"device": "phone"}) for n in range(40)]
    around = trends_of(*old, *new).around({"device": "phone"})
    assert around is not None
    assert around.leaders == ["new", "old"]
    wrong = trends_of(*new, ("bad", 253_402_300_799_999, {"device": "phone"}), *new).around({"device": "phone"})
    assert wrong is not None
    assert wrong.leaders == ["new", "bad"]
    far = HOUR + 1_000 * HALF_LIFE_MS
    later = trends_of(*old, *[("later", far, {"device": "phone"})] * 40).around({"device": "phone"})
    assert later is not None
    assert later.leaders[0] == "later"
    assert all(math.isfinite(lift) for lift in later.lifts(["old", "later"]))


def test_it_is_bounded_whatever_clients_write() -> None:
    trends = ContextTrends()
    for n in range(3_000):
        trends.learn(f"i{n}", HOUR, {"country": f"c{n}", "device": "phone", "platform": ["no text"], "os": "x"})
    told = trends.state_dict()
    assert len(told["tables"]) <= VALUES + 2
    assert max(len(table) for table in told["tables"].values()) <= 2 * ITEMS
    assert trends.around({"device": "phone"}) is not None, "what is used much stays"
    assert trends.around({"country": "c1", "platform": 3.5, "os": "x"}) is None
    assert values_of({"country": "x" * 65, "device": "", "hour": True, "platform": "web"}) == ["platform=web"]


def test_the_hour_of_an_event_is_its_own() -> None:
    trends = trends_of(*[("morning", 7 * HOUR, None)] * 30, *[("evening", 20 * HOUR, {"hour": 20})] * 30)
    morning, evening = trends.around({"hour": 7}), trends.around({"hour": 20})
    assert morning is not None
    assert evening is not None
    assert morning.leaders == ["morning"]
    assert evening.leaders == ["evening"]


def test_what_is_told_goes_on_the_same() -> None:
    choices = [(f"i{n % 37}", HOUR * n, {"country": f"c{n % 5}", "hour": n % 24}) for n in range(500)]
    whole, half = trends_of(*choices), trends_of(*choices[:250])
    copy = ContextTrends()
    copy.load_state(json.loads(json.dumps(half.state_dict())))
    for choice in choices[250:]:
        copy.learn(*choice)
    assert copy.state_dict() == whole.state_dict()
