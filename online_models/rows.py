"""Rows of numbers by id: bounded, seeded by the id, and reading leaves no trace.

>>> rows = Rows(width=2, limit=2, sigma=0.1, salt="u0")
>>> for name in ("a", "b", "a", "c"):
...     _ = rows.touch(name)
>>> list(rows.slots), "b" in rows
(['a', 'c'], False)
"""

from __future__ import annotations

import hashlib
import statistics
from collections.abc import Hashable, Iterable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from online_models.ids import plain

Floats = npt.NDArray[np.float64]

_BELOW_ONE: Final = 1.0 - 2.0**-53


def seeded_normal(name: Hashable, size: int, sigma: float, salt: str) -> Floats:
    """`size` numbers of N(0, sigma^2) that depend on nothing but the id and the salt.

    53 bits of SHAKE-256 (FIPS 202) each, through the inverse of the normal distribution function: so no order of
    arrival, no process and no version of a random generator can change them.
    """
    kind = "s" if isinstance(name, str) else "i"
    digest = hashlib.shake_256(f"{salt}:{kind}{name}".encode("utf-8", "surrogatepass")).digest(8 * size)
    uniform = ((np.frombuffer(digest, "<u8") >> 11).astype(np.float64) + 0.5) / 2.0**53
    normal = statistics.NormalDist(0.0, sigma)
    return np.array([normal.inv_cdf(min(u, _BELOW_ONE)) for u in uniform.tolist()])


class Rows:
    """A bias and a vector for each id, in one matrix [rows, 1 + width]; column 0 is the bias.

    When there are more than `limit` ids, the one whose last touch is longest ago goes.
    """

    def __init__(self, width: int, limit: int, sigma: float, salt: str) -> None:
        self.width, self.limit, self.sigma, self.salt = width, limit, sigma, salt
        self.slots: dict[Hashable, int] = {}  # in the order of the last touch, oldest first
        self.changed: dict[Hashable, None] = {}  # a set in order: what a publisher has yet to write
        self.data: Floats = np.zeros((min(limit, 256), 1 + width))
        self.bias = BiasColumn(self)
        self.factors = FactorColumns(self)

    def __len__(self) -> int:
        return len(self.slots)

    def __contains__(self, name: Hashable) -> bool:
        return name in self.slots

    def touch(self, name: Hashable) -> int:
        """The slot of `name`, made if need be; it is now the last that would go."""
        name = plain(name)
        slot = self.slots.pop(name, None)
        if slot is None:
            slot = self._new_slot()
            self.data[slot, 0] = 0.0
            self.data[slot, 1:] = seeded_normal(name, self.width, self.sigma, self.salt)
        self.slots[name] = slot
        self.changed[name] = None
        return slot

    def _new_slot(self) -> int:
        if len(self.slots) == self.limit:
            oldest = next(iter(self.slots))
            self.changed[oldest] = None
            return self.slots.pop(oldest)
        slot = len(self.slots)
        if slot == len(self.data):
            larger = np.zeros((min(self.limit, 2 * slot), 1 + self.width))
            larger[:slot] = self.data
            self.data = larger
        return slot

    def remove(self, name: Hashable) -> None:
        """Forget a row; an id that has none is passed over."""
        name = plain(name)
        freed = self.slots.pop(name, None)
        if freed is None:
            return
        self.changed[name] = None
        last = len(self.slots)
        if freed != last:  # slots stay without a hole
            moved = next(other for other, slot in self.slots.items() if slot == last)
            self.data[freed] = self.data[last]
            self.slots[moved] = freed
        self.data[last] = 0.0

    def get(self, name: Hashable) -> Floats | None:
        """The row of `name` [1 + width] (a view), or None."""
        slot = self.slots.get(name)
        return None if slot is None else self.data[slot]

    def export(self, names: Iterable[Hashable]) -> dict[Hashable, Floats | None]:
        """Rows to publish: bias first, [1 + width] (copies); None for an id that has no row (any more)."""
        found = ((name, self.get(name)) for name in names)
        return {name: None if row is None else row.copy() for name, row in found}

    def state(self) -> dict[str, Any]:
        """Ids and rows, oldest touch first."""
        return {"ids": list(self.slots), "rows": self.data[list(self.slots.values())]}

    def restore(self, ids: list[Hashable], rows: Floats) -> None:
        """Take ids and rows over, as `state` gave them; nothing counts as changed."""
        self.slots = {name: slot for slot, name in enumerate(ids)}
        self.data = np.zeros((max(len(ids), min(self.limit, 256)), 1 + self.width))
        self.data[: len(ids)] = rows
        self.changed.clear()


class BiasColumn:
    """The biases as the mapping that River's code reads and writes; an unknown id has bias 0."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def __getitem__(self, name: Hashable) -> np.float64:
        row = self._rows.get(name)
        return np.float64(0.0) if row is None else row[0]

    def __setitem__(self, name: Hashable, value: float) -> None:
        self._rows.data[self._rows.slots[name], 0] = value


class FactorColumns:
    """The vectors as the mapping that River's code reads and writes; an unknown id has the zero vector."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def __getitem__(self, name: Hashable) -> Floats:
        row = self._rows.get(name)
        return np.zeros(self._rows.width) if row is None else row[1:]

    def __setitem__(self, name: Hashable, value: Floats) -> None:
        self._rows.data[self._rows.slots[name], 1:] = value
