"""Seats of a list that are given by chance, and to whom they could have gone: what makes a list an experiment.

>>> seat = Seat(9, 40, 0.0025, [Arm("i9", 0.7, [1.2]), Arm("i3", 0.2075, [0.9])])
>>> seat.propensity("i9"), seat.propensity("i77")
(0.7, 0.0025)
"""

from __future__ import annotations

import hashlib

import msgspec


class Arm(msgspec.Struct, frozen=True, omit_defaults=True):
    """An item that could have had a seat: with which probability, and the parts of its score, in the list's order.

    shown, chosen: its impressions and choices so far.
    """

    item_id: str
    propensity: float
    values: list[float]
    shown: int = 0
    chosen: int = 0


class Seat(msgspec.Struct, frozen=True):
    """A seat that was given by chance.

    place: in the list, from 0. pool: how many items could have had it. arms: the best of them by score and the
    one nearest to the user, whoever has it. other: the probability of each of the rest.
    """

    place: int
    pool: int
    other: float
    arms: list[Arm]

    def propensity(self, item_id: str) -> float:
        """With which probability an item of the pool got the seat."""
        return next((arm.propensity for arm in self.arms if arm.item_id == item_id), self.other)


def dice(request_id: str, seat: int) -> float:
    """A number in [0, 1) that depends on the request and the seat alone: the same request gives the same list.

    >>> dice("r7", 0) == dice("r7", 0) != dice("r7", 1)
    True
    """
    digest = hashlib.blake2b(f"{seat}:{request_id}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / 2.0**53
