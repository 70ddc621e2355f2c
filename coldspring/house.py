"""What the settings say of every list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from coldspring.settings import Settings
    from recommender.query import Boost
    from serving.adjusting import House


REPLAYED: Final = "replayed"
"""The request_id of a question to a replay or an earlier state that has none: chance falls alike each time."""


def house_of(settings: Settings) -> House:
    """What holds for lists whose question does not say otherwise."""
    from serving.adjusting import House

    return House(
        exploration=settings.exploration,
        fatigue=settings.fatigue,
        max_per_category=settings.max_per_category,
        rules=rules_of(settings.rules),
    )


def rules_of(given: Sequence[dict[str, Any]]) -> list[Boost]:
    """Rules from their JSON values; raises ValueError that says which one does not fit."""
    import msgspec

    from recommender.query import Boost

    rules: list[Boost] = []
    for place, each in enumerate(given, 1):
        unknown = set(each) - set(Boost.__struct_fields__)
        if unknown:  # a slip of the pen in a setting would go unnoticed
            raise ValueError(f"rule {place}: there is no {', '.join(sorted(unknown))}")
        try:
            rules.append(msgspec.convert(each, Boost))
        except msgspec.ValidationError as error:
            raise ValueError(f"rule {place}: {error}") from None
    return rules
