"""How much one partition keeps, and how far one account reaches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from online_models.kernels import MOST_INFLUENCE

UNBOUNDED: Final = 2**62


@dataclass(frozen=True, slots=True)
class Caps:
    """The caps of one partition's state. What leaves is a function of the log alone.

    users
        Users kept. Beyond, whoever did nothing since they were last put into the queue goes (`UserQueue`); what they
        added to the counts stays.
    items
        Items that have a place. Beyond, the least popular sixteenth goes (`admission`). The items of one impression
        may exceed it by their number.
    influence
        Events of one type by one user on one item, within the user's ring, that count: the n-th counts 1/n. From 1 to
        10; 0: each counts in full.

    Raises
    ------
    ValueError
        When a cap is out of its range.
    """

    users: int = 250_000
    items: int = 200_000
    influence: int = 8

    def __post_init__(self) -> None:
        if min(self.users, self.items) < 1:
            raise ValueError("at least one user and one item must be kept")
        if not 0 <= self.influence <= MOST_INFLUENCE:
            raise ValueError(f"influence is from 0 to {MOST_INFLUENCE}, got {self.influence}")
