"""Items that are gone from a reader: their numbers are taken back, so that what it keeps by number stays bounded.

>>> from recommender.events import Item
>>> from recommender.numbering import Numbering
>>> numbering = Numbering()
>>> catalogue = Catalogue(numbering)
>>> number = catalogue.put(Item(item_id="i9", timestamp=5, title="Alien (1979)"))
>>> catalogue.remove("i9")
>>> numbering.find("i9"), Leaving(catalogue, []).collect(), numbering.find("i9")
(0, True, None)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from recommender.catalogue import Catalogue
from recommender.counts import PartitionCounts
from recommender.numbering import Array

LEAST: Final = 1_024
SHARE: Final = 4
"""Looked at again once so many numbers were given as are this part of the items known, and `LEAST` at least."""
AT_ONCE: Final = 20_000
"""So many are retired at a time, the rest at the next look: nobody is answered meanwhile."""


class Leaving:
    """Finds the items that are neither announced nor counted by any partition, and retires their numbers.

    Where items come and go, there are at most some two thirds more numbers than items: the items that left since the
    last look are still to be found, while the numbers of those before rest until they may be given again.

    Parameters
    ----------
    partitions
        As they are in `ItemCounts`: a partition that is loaded anew is replaced there.
    """

    def __init__(self, catalogue: Catalogue, partitions: Sequence[PartitionCounts]) -> None:
        self._catalogue = catalogue
        self._numbering = catalogue.numbering
        self._partitions = partitions
        self._looked = 0

    def look(self) -> bool:
        """`collect` if it is time: only new numbers cost memory, so they tell when."""
        numbering = self._numbering
        return numbering.given - self._looked >= max(LEAST, numbering.known // SHARE) and self.collect()

    def collect(self) -> bool:
        """Retire the numbers of the items that are gone; True if neighbour rows at hand may name some of them.

        To be called when all counts are settled.
        """
        numbering = self._numbering
        gone = np.flatnonzero(numbering.used & ~self._held())
        if len(gone) <= AT_ONCE:
            self._looked = numbering.given
        return numbering.retire(gone[:AT_ONCE])

    def _held(self) -> Array:
        """Which numbers somebody still means, [items]."""
        size = len(self._numbering)
        held = np.zeros(size + 1, np.bool_)  # the last for the places whose items left, -1
        held[:size] = self._catalogue.live()
        for counts in self._partitions:
            held[counts.numbers[: counts.size]] = True
        return held[:size]
