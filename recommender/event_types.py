"""Interaction types and what they weigh."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

DEFAULT_WEIGHTS: Final[dict[str, float]] = {
    "impression": 0.0,
    "view": 0.2,
    "click": 1.0,
    "like": 2.0,
    "share": 2.0,
    "cart": 2.0,
    "purchase": 3.0,
    "rating": 2.0,
    "dislike": -1.0,
    "hide": 0.0,
}

MOST_WEIGHT: Final = 1_000.0
"""What one event can weigh, for and against; counts hold the sum of 852 such events of a pair."""
DEFAULT_SCALE: Final = (1.0, 5.0)


class EventTypes:
    """The closed set of types of one deployment, with default weights.

    A type's code is its place in the sorted names, so that it does not depend on
    the order of the settings. For `rating` the weight is the factor on -1..1.

    >>> EventTypes().weight("rating", 9.0, (0.0, 10.0))
    1.6
    """

    def __init__(self, weights: Mapping[str, float] | None = None) -> None:
        merged = {**DEFAULT_WEIGHTS, **(weights or {})}
        self.names: tuple[str, ...] = tuple(sorted(merged))
        self.weights: dict[str, float] = merged
        self.codes: dict[str, int] = {name: code for code, name in enumerate(self.names)}
        # Those whose events weigh the same whatever value they bring.
        self.fixed: dict[str, float] = {name: weight for name, weight in merged.items() if name != "rating"}
        self.choices: frozenset[str] = frozenset(
            name for name, weight in merged.items() if name == "rating" or weight >= 1.0
        )
        if len(self.names) > 255:
            raise ValueError(f"at most 255 interaction types, got {len(self.names)}")

    def __contains__(self, name: object) -> bool:
        return name in self.codes

    def weight(self, name: str, value: float | None, scale: tuple[float, float] | None) -> float:
        """What one event weighs; a rating's value is mapped from its scale to -1..1 first."""
        weight = self.weights[name]
        if name != "rating" or value is None:
            return weight
        low, high = scale or DEFAULT_SCALE
        return weight * ((value - low) / (high - low) * 2.0 - 1.0)

    def is_choice(self, name: str) -> bool:
        """Did the user choose the item (click and stronger)? Such items are `seen`."""
        return name in self.choices
