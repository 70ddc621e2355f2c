"""How old the state behind an answer may be: what the workers say of the log, and when the store was last looked at.

>>> wall = [50_000]; currency = Currency(["interactions:0"], lambda: wall[0], lambda: 0.0)
>>> currency.heard({"interactions:0": 49_000}); currency.staleness_ms()
0
>>> wall[0] = 60_000; currency.staleness_ms()
11000
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

ORDINARY_MS: Final = 3_000
"""Workers report once a second and are read once a second: an age within this is told as 0."""


class Currency:
    """Keeps, for each place of the log, up to when the state is known to include all of it.

    Parameters
    ----------
    places
        "<topic>:<partition>" of everything that the state is folded from.
    clock
        Wall time in ms.
    store_age_s
        For how long the store was not looked at, s.
    """

    def __init__(self, places: Iterable[str], clock: Callable[[], int], store_age_s: Callable[[], float]) -> None:
        self._clock = clock
        self._store_age_s = store_age_s
        self._began = clock()
        self._until: dict[str, int | None] = dict.fromkeys(places)

    def heard(self, until: Mapping[str, int]) -> None:
        """A worker says up to when (wall time, ms) its partitions' states include their logs."""
        for place, when in until.items():
            if place in self._until:
                self._until[place] = max(self._until[place] or 0, when)

    def staleness_ms(self) -> int:
        """ms since state and view were last known to be current; 0 within `ORDINARY_MS`.

        Of a partition of which no worker has spoken it is the time since this process began, and never 0.
        """
        now = self._clock()
        known = [when for when in self._until.values() if when is not None]
        silent = len(known) < len(self._until)
        oldest = min([*known, *([self._began] if silent else [])], default=now)
        age = max(now - oldest, int(1000 * self._store_age_s()), 0)
        return max(age, 1) if silent else age if age > ORDINARY_MS else 0
