"""Shop-like with repeats: visits with an intent, views that become carts and purchases, baskets, and buying again."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from benchmarks.streams.stream import DAY, MINUTE, START_MS, Floats, Stream, Tape, softmax
from benchmarks.streams.topics import Items, Topics
from benchmarks.streams.visits import Traffic, visits

CART, BUY, AGAIN, FITS = 0.25, 0.55, 0.35, 0.3
"""How often a view is followed by its cart, a cart by its purchase, a visit's first act by buying again what is due,
and a purchase by one that fits it."""
TASTE, INTENT, TAIL = 2.0, 4.0, 1.0
COMPANIONS = 3
USED_UP = 0.5
"""Share of items that are used up and bought again."""


@dataclass(slots=True)
class Shopper:
    """What a user is about: the visit's intent, what they saw last and what it came to, what they have at home."""

    intent: int = 0
    last: int = -1
    stage: str = ""
    bought: dict[int, int] = field(default_factory=dict)


def shop(events: int = 20_000, seed: int = 0, drift: float | None = None) -> Stream:
    """A stream of views, carts and purchases; lists must have the user's own items.

    Parameters
    ----------
    drift
        After this share of the events everybody's taste is for other shelves.
    """
    rng = np.random.default_rng([seed, 4])
    topics = Topics(rng, noise=0.6)
    span = 60 * DAY
    traffic = Traffic(max(20, events // 30), span, 5.0, 5.0, 2 * MINUTE, newcomers=0.6)
    tastes = topics.mixtures(traffic.users, 0.3)
    count = max(60, events // 25)
    births = START_MS + np.where(rng.random(count) < 0.7, 0, rng.integers(0, span, count))
    items = topics.items("p", births, TAIL * rng.normal(size=count), purity=0.05)
    shelves = items.topics.argmax(axis=1)
    world = _World(items, shelves, rng)
    turn = None if drift is None else int(drift * events)
    tape = Tape(rng)
    shoppers: dict[int, Shopper] = {}
    told = 0
    for step in visits(rng, traffic, events):
        if tape.events == events:
            break
        if tape.events == turn:
            tastes = np.roll(tastes, topics.count // 2, axis=1)
        while told < count and items.born[told] <= step.at:
            tape.announce(items.announcements[told])
            told += 1
        shopper = shoppers.setdefault(step.user, Shopper())
        if step.number == 0:
            wish = tastes[step.user] ** 2
            shopper.intent = tape.draw(wish)
            shopper.last, shopper.stage = -1, ""
        kinds = world.kinds(shopper, tastes[step.user], told, step.at, step.number == 0)
        weights = np.array([weight for weight, _, _ in kinds])
        act = tape.draw(weights)
        what, own = kinds[act][1:]
        chances = np.sum([weight * part for weight, _, part in kinds], axis=0)
        row = tape.take(f"u{step.user:05d}", items.names[:told], chances, step.at, what, tape.draw(own))
        shopper.last, shopper.stage = row, what
        if what == "purchase":
            shopper.bought[row] = step.at
    return Stream("shop", seed, True, tuple(tape.parts), turn)


class _World:
    """What the items are to one another, and how long they last."""

    def __init__(self, items: Items, shelves: np.ndarray[tuple[int], np.dtype[np.int64]], rng: np.random.Generator):
        count = len(items.names)
        self.items, self.shelves = items, shelves
        self.lasts = np.where(rng.random(count) < USED_UP, rng.integers(4, 15, count) * DAY, 0)
        self.fits = np.zeros((count, count))
        for row in range(count):
            self.fits[row, rng.choice(count, COMPANIONS, replace=False)] = rng.dirichlet(np.ones(COMPANIONS))

    def kinds(
        self, shopper: Shopper, taste: Floats, told: int, at: int, first: bool
    ) -> list[tuple[float, str, Floats]]:
        """What may be next: how likely, what it is, and with which item; likelihoods sum to 1."""
        left, out = 1.0, []
        if shopper.stage in {"view", "cart"}:
            weight = CART if shopper.stage == "view" else BUY
            own = np.zeros(told)
            own[shopper.last] = 1.0
            out.append((weight, "cart" if shopper.stage == "view" else "purchase", own))
            left -= weight
        if shopper.stage == "purchase" and (fits := self.fits[shopper.last, :told]).any():
            out.append((FITS, "cart", fits / fits.sum()))
            left -= FITS
        if first and (due := self._due(shopper, told, at)).any():
            out.append((AGAIN, "purchase", due / due.sum()))
            left -= AGAIN
        utility = TASTE * (self.items.topics[:told] @ taste) + self.items.appeal[:told]
        utility += np.where(self.shelves[:told] == shopper.intent, INTENT, 0.0)
        out.append((left, "view", softmax(utility)))
        return out

    def _due(self, shopper: Shopper, told: int, at: int) -> Floats:
        """How near the items at home are to being used up, [told]; 0 for what lasts."""
        due = np.zeros(told)
        for row, when in shopper.bought.items():
            if self.lasts[row]:
                due[row] = np.exp(-0.5 * (((at - when) / self.lasts[row] - 1.0) / 0.3) ** 2)
        return np.where(due > 0.05, due, 0.0)
