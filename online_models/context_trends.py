"""What is liked in a context: decayed counts of choices by device, platform, country and hour, and what they tell.

For somebody of whom nothing is known, the context is what there is to go by: beside how an item is liked everywhere
(its popularity is a part already), a lift says how much likelier it is chosen here. Logs of lifts add up over the
values of a context, as if these were independent (naive Bayes); a value with few choices tells little.

>>> trends = ContextTrends()
>>> for n in range(50):
...     trends.learn("local" if n % 2 else "global", 1_000 + n, {"country": "DE" if n % 2 else "US"})
>>> around = trends.around({"country": "DE"})
>>> around.leaders[0], bool(around.lifts(["local"])[0] > 0.0 > around.lifts(["global"])[0])
('local', True)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from online_models.event_clock import EventClock

Floats = npt.NDArray[np.float64]

FIELDS: Final = ("device", "platform", "country", "hour")
HALF_LIFE_MS: Final = 7 * 86_400_000
VALUES: Final = 64
"""So many values of the fields are told apart, the most used."""
ITEMS: Final = 300
"""So many items are kept of a value; it may grow to twice as many and is then pruned."""
PRIOR: Final = 20.0
"""So many choices as elsewhere are believed in before the first one here."""
LEAST, MOST = -1.0, 2.0
"""Bounds of the log of a lift: an item that is new here is not to be buried for it."""
LEADERS: Final = 50
_FAR: Final = 200.0
"""Half-lives after which the unit of the counts is chosen anew, so that no number overflows."""
_LONGEST: Final = 64


def values_of(context: Mapping[str, Any] | None, timestamp: int | None = None) -> list[str]:
    """The values of a context that are told apart, as "field=value"; an event's hour (UTC) is its timestamp's.

    >>> values_of({"device": "phone", "hour": 7, "country": ["DE"]})
    ['device=phone', 'hour=7']
    """
    given = dict(context or {})
    if "hour" not in given and timestamp is not None:
        given["hour"] = timestamp // 3_600_000 % 24
    out = []
    for name in FIELDS:
        value = given.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and 0 < len(str(value)) <= _LONGEST:
            out.append(f"{name}={value}")
    return out


@dataclass(frozen=True, slots=True)
class Around:
    """What a context tells: by value of it, the counts of its items and their sum; `everywhere` the same of all."""

    places: Sequence[Mapping[str, float]]
    totals: Sequence[float]
    everywhere: Mapping[str, float]
    whole: float

    @property
    def leaders(self) -> list[str]:
        """The items most chosen here, ties by id."""
        said: dict[str, float] = {}
        for place in self.places:
            for item, count in place.items():
                said[item] = said.get(item, 0.0) + count
        return sorted(said, key=lambda item: (-said[item], item))[:LEADERS]

    def lifts(self, ids: Sequence[str]) -> Floats:
        """[n] log of how much likelier each item is chosen here than everywhere."""
        usual = np.array([self.everywhere.get(item, 0.0) for item in ids]) / max(self.whole, 1e-9)
        out = np.zeros(len(ids))
        for place, total in zip(self.places, self.totals, strict=True):
            here = np.array([place.get(item, 0.0) for item in ids])
            expected = (total + PRIOR) * usual
            with np.errstate(divide="ignore", invalid="ignore"):
                lift = np.log((here + PRIOR * usual) / expected)
            out += np.where(expected > 0.0, lift, 0.0)
        return np.clip(out, LEAST, MOST)


class ContextTrends:
    """Learns from choices, one at a time; bounded; a function of the events and their order, ties by id."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[str, float]] = {}
        self._totals: dict[str, float] = {}
        self._clock = EventClock()
        self._zero = 0
        """Counts are in units of one choice at this event time."""

    def learn(self, item_id: str, timestamp: int, context: Mapping[str, Any] | None) -> None:
        """An item was chosen at an event time (ms)."""
        unit = self._unit(timestamp)
        for value in ("", *values_of(context, timestamp)):
            if value not in self._tables:
                self._make_room()
            table = self._tables.setdefault(value, {})
            table[item_id] = table.get(item_id, 0.0) + unit
            self._totals[value] = self._totals.get(value, 0.0) + unit
            if len(table) > 2 * ITEMS:
                self._tables[value] = _largest(table, ITEMS)

    def around(self, context: Mapping[str, Any] | None) -> Around | None:
        """What is known of a context; None where nothing is."""
        known = [value for value in values_of(context) if value in self._tables]
        if not known:
            return None
        return Around(
            [self._tables[value] for value in known],
            [self._totals[value] for value in known],
            self._tables[""],
            self._totals[""],
        )

    def state_dict(self) -> dict[str, Any]:
        """Plain values, to be published and kept."""
        return {"zero": self._zero, "clock": self._clock.times, "tables": self._tables, "totals": self._totals}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Continue from `state_dict`."""
        self._zero, self._clock = int(state["zero"]), EventClock(state["clock"])
        self._tables = {value: dict(table) for value, table in state["tables"].items()}
        self._totals = dict(state["totals"])

    def _unit(self, timestamp: int) -> float:
        """What a choice at an event time weighs; one from the future weighs as one of now."""
        when = min(timestamp, self._clock.tick(timestamp))
        self._zero = self._zero or when
        ahead = (self._clock.now - self._zero) / HALF_LIFE_MS
        if ahead > _FAR:
            factor = 2.0**-ahead
            self._zero = self._clock.now
            for value, table in self._tables.items():
                self._tables[value] = {item: count * factor for item, count in table.items()}
                self._totals[value] *= factor
        return float(2.0 ** ((when - self._zero) / HALF_LIFE_MS))

    def _make_room(self) -> None:
        if len(self._tables) > VALUES:
            least = min((value for value in self._tables if value), key=lambda value: (self._totals[value], value))
            del self._tables[least], self._totals[least]


def _largest(table: Mapping[str, float], k: int) -> dict[str, float]:
    return dict(sorted(table.items(), key=lambda pair: (-pair[1], pair[0]))[:k])
